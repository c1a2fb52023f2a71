/* SPDX-License-Identifier: MIT */
/* test_amount.c - durations, sizes and numbers as a person says them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "amount.h"

static void durations_have_one_unit(void **state)
{
    (void)state;
    assert_string_equal(amount_duration(0).text, "0 ms");
    assert_string_equal(amount_duration(999).text, "999 ms");
    assert_string_equal(amount_duration(119999).text, "119 s");
    assert_string_equal(amount_duration(120000).text, "2 min");
    assert_string_equal(amount_duration(7200000).text, "2 h");
    assert_string_equal(amount_duration(2 * 86400000u).text, "2 days");
    assert_string_equal(amount_duration(UINT64_MAX).text, "213503982334 days");
    assert_string_equal(amount_duration_ns(0).text, "0 us");
    assert_string_equal(amount_duration_ns(1500).text, "1.5 us");
    assert_string_equal(amount_duration_ns(12000000).text, "12 ms");
    assert_string_equal(amount_duration_ns(2500000000).text, "2.5 s");
    assert_string_equal(amount_duration_ns(UINT64_C(180000000000)).text, "3 min");
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    assert_string_equal(amount_bytes(1).text, "1 byte");
    assert_string_equal(amount_bytes(1023).text, "1023 bytes");
    assert_string_equal(amount_bytes(1536).text, "1.5 KiB");
    assert_string_equal(amount_bytes(UINT64_C(5) << 30).text, "5 GiB");
    assert_string_equal(amount_bytes(UINT64_C(3000) << 40).text, "3000 TiB");
}

static void counts_are_powers_of_1000(void **state)
{
    (void)state;
    assert_string_equal(amount_count(9999).text, "9999");
    assert_string_equal(amount_count(10000).text, "10 k");
    assert_string_equal(amount_count(1500000).text, "1.5 M");
    assert_string_equal(amount_count(UINT64_C(7000000000000)).text, "7000 G");
}

static void percent_does_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(amount_percent(1, 0), 0);
    assert_int_equal(amount_percent(1, 3), 33);
    assert_int_equal(amount_percent(UINT64_MAX / 2, UINT64_MAX), 49);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_one_unit),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(counts_are_powers_of_1000),
        cmocka_unit_test(percent_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
