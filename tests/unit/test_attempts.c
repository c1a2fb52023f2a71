/* SPDX-License-Identifier: MIT */
/* test_attempts.c - the order and the times of connection attempts, as RFC 8305 describes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attempts.h"
#include "check.h"

enum { V6 = false, V4 = true };

/* Starts all attempts at their times, and requires this order of addresses. */
static void expect_order(const bool *is_ipv4, uint32_t count, const uint32_t *order)
{
    struct attempts attempts;
    uint64_t now_ms = 1000;

    attempts_init(&attempts, is_ipv4, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(attempts_start(&attempts, now_ms), order[i]);
        now_ms = attempts.due_ms;
    }
    assert_true(attempts.due_ms == ATTEMPTS_NEVER);
    assert_int_equal(attempts_start(&attempts, now_ms), ATTEMPTS_NONE);
    assert_int_equal(attempts.running, count);
}

static void families_alternate_and_ipv6_is_first(void **state)
{
    (void)state;
    static const bool mixed[] = {V4, V4, V6, V6, V4};
    static const bool long_tail[] = {V6, V4, V6, V6, V6};
    static const bool only4[] = {V4, V4}, only6[] = {V6, V6};

    expect_order(mixed, 5, (const uint32_t[]){2, 0, 3, 1, 4});
    expect_order(long_tail, 5, (const uint32_t[]){0, 1, 2, 3, 4});
    expect_order(only4, 2, (const uint32_t[]){0, 1});
    expect_order(only6, 2, (const uint32_t[]){0, 1});
}

static void every_combination_is_tried_once(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 1u << 10; bits++) {
        bool is_ipv4[ATTEMPTS_MAX];
        struct attempts attempts;
        uint32_t seen = 0;

        for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) is_ipv4[i] = bits >> (i % 10) & 1;
        attempts_init(&attempts, is_ipv4, ATTEMPTS_MAX);
        for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) seen |= 1u << attempts.order[i];
        assert_int_equal(seen, (1u << ATTEMPTS_MAX) - 1);
    }
}

static void the_next_one_starts_after_the_delay(void **state)
{
    (void)state;
    static const bool is_ipv4[] = {V6, V4, V6};
    struct attempts attempts;

    attempts_init(&attempts, is_ipv4, weir_count_of(is_ipv4));
    assert_int_equal(attempts_start(&attempts, 5000), 0);
    assert_int_equal(attempts_start(&attempts, 5000), ATTEMPTS_NONE);
    assert_int_equal(attempts.due_ms, 5000 + ATTEMPTS_DELAY_MS);
    assert_int_equal(attempts_start(&attempts, 5000 + ATTEMPTS_DELAY_MS - 1), ATTEMPTS_NONE);
    assert_int_equal(attempts_start(&attempts, 5000 + ATTEMPTS_DELAY_MS), 1);
    assert_int_equal(attempts.running, 2);
    assert_false(attempts_are_over(&attempts));
}

static void a_failure_starts_the_next_one_immediately(void **state)
{
    (void)state;
    static const bool is_ipv4[] = {V6, V4};
    struct attempts attempts;

    attempts_init(&attempts, is_ipv4, weir_count_of(is_ipv4));
    assert_int_equal(attempts_start(&attempts, 100), 0);
    attempts_failed(&attempts, 101);
    assert_false(attempts_are_over(&attempts));
    assert_int_equal(attempts_start(&attempts, 101), 1);
    attempts_failed(&attempts, 102);
    assert_true(attempts_are_over(&attempts));
    assert_int_equal(attempts_start(&attempts, 200), ATTEMPTS_NONE);
}

static void the_last_failure_ends_them(void **state)
{
    (void)state;
    static const bool is_ipv4[] = {V6, V4};
    struct attempts attempts;

    attempts_init(&attempts, is_ipv4, weir_count_of(is_ipv4));
    attempts_start(&attempts, 0);
    attempts_start(&attempts, ATTEMPTS_DELAY_MS);
    attempts_failed(&attempts, 300);
    assert_false(attempts_are_over(&attempts));
    attempts_failed(&attempts, 300);
    assert_true(attempts_are_over(&attempts));
}

static void no_address(void **state)
{
    (void)state;
    struct attempts attempts;

    attempts_init(&attempts, NULL, 0);
    assert_int_equal(attempts_start(&attempts, 0), ATTEMPTS_NONE);
    assert_true(attempts.due_ms == ATTEMPTS_NEVER);
    assert_true(attempts_are_over(&attempts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_alternate_and_ipv6_is_first),
        cmocka_unit_test(every_combination_is_tried_once),
        cmocka_unit_test(the_next_one_starts_after_the_delay),
        cmocka_unit_test(a_failure_starts_the_next_one_immediately),
        cmocka_unit_test(the_last_failure_ends_them),
        cmocka_unit_test(no_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
