/* SPDX-License-Identifier: MIT */
/* test_processor_groups.c - threads on machines with more than 64 processors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processor_groups.h"

static void each_processor_gets_one_thread(void **state)
{
    const uint32_t counts[] = {64, 0, 32}, wanted[] = {64, 0, 32};
    uint32_t got[3] = {0};

    (void)state;
    for (uint32_t i = 0; i < 96; i++) got[processor_groups_choose(counts, 3, i)]++;
    for (int i = 0; i < 3; i++) assert_int_equal(got[i], wanted[i]);
    assert_int_equal(processor_groups_choose(counts, 3, 0), 0);
    assert_int_equal(processor_groups_choose(counts, 3, 64), 2);
}

static void more_threads_than_processors_begin_again(void **state)
{
    const uint32_t counts[] = {2, 2};

    (void)state;
    assert_int_equal(processor_groups_choose(counts, 2, 3), 1);
    assert_int_equal(processor_groups_choose(counts, 2, 4), 0);
}

static void unknown_groups_are_the_first(void **state)
{
    const uint32_t counts[] = {0, 0};

    (void)state;
    assert_int_equal(processor_groups_choose(counts, 2, 7), 0);
    assert_int_equal(processor_groups_choose(counts, 0, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_processor_gets_one_thread),
        cmocka_unit_test(more_threads_than_processors_begin_again),
        cmocka_unit_test(unknown_groups_are_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
