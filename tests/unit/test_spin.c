/* SPDX-License-Identifier: MIT */
/* test_spin.c - when a wait spins: after short gaps, not after long ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spin.h"

#define US UINT64_C(1000)

/* Returns how many gaps of this length pass until spin_is_due() is `due`; at most 1000. */
static int gaps_until(struct spin *spin, uint64_t gap_ns, bool due)
{
    int count = 0;

    while (spin_is_due(spin) != due && count < 1000) {
        spin_note(spin, gap_ns);
        count++;
    }
    return count;
}

static void it_begins_with_the_first_short_gap(void **state)
{
    struct spin spin;

    (void)state;
    spin_init(&spin, 100 * US);
    assert_false(spin_is_due(&spin));
    assert_int_equal(gaps_until(&spin, 99 * US, true), 1);
}

static void it_never_spins_if_it_is_off(void **state)
{
    struct spin spin;

    (void)state;
    spin_init(&spin, 0);
    for (int i = 0; i < 100; i++) {
        spin_note(&spin, 0);
        assert_false(spin_is_due(&spin));
    }
}

static void a_quiet_server_stops_soon_and_for_good(void **state)
{
    struct spin spin;

    (void)state;
    spin_init(&spin, 100 * US);
    for (int i = 0; i < 1000; i++) spin_note(&spin, 10 * US);
    assert_true(spin_is_due(&spin));
    assert_in_range(gaps_until(&spin, UINT64_MAX, false), 1, 4);
    for (int i = 0; i < 1000; i++) {
        spin_note(&spin, UINT64_C(1000000000) + (uint64_t)i);
        assert_false(spin_is_due(&spin));
    }
}

static void one_pause_does_not_stop_a_fast_exchange(void **state)
{
    struct spin spin;

    (void)state;
    spin_init(&spin, 100 * US);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 20; i++) spin_note(&spin, 10 * US);
        spin_note(&spin, UINT64_MAX);
        assert_true(spin_is_due(&spin));
    }
}

static void it_begins_again_after_a_few_short_gaps(void **state)
{
    struct spin spin;

    (void)state;
    spin_init(&spin, 100 * US);
    for (int i = 0; i < 1000; i++) spin_note(&spin, UINT64_MAX);
    assert_in_range(gaps_until(&spin, 60 * US, true), 2, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_the_first_short_gap),
        cmocka_unit_test(it_never_spins_if_it_is_off),
        cmocka_unit_test(a_quiet_server_stops_soon_and_for_good),
        cmocka_unit_test(one_pause_does_not_stop_a_fast_exchange),
        cmocka_unit_test(it_begins_again_after_a_few_short_gaps),
    };
    return cmocka_run_group_tests_name("spin", tests, NULL, NULL);
}
