/* SPDX-License-Identifier: MIT */
/* test_bucket.c - token buckets: burst, debt and recovery, very large numbers, and a bucket that
 * threads share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket.h"
#include "require.h"
#include "thread.h"

#define S UINT64_C(1000000000)

static void a_burst_is_free_and_a_debt_causes_a_wait(void **state)
{
    struct bucket bucket = {0};
    uint64_t now_ns = 5 * S;

    (void)state;
    assert_int_equal(bucket_take(&bucket, now_ns, 60, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 40, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 1, 100, 100), S / 100);
    assert_int_equal(bucket_take(&bucket, now_ns, 99, 100, 100), S);
    now_ns += S; /* pays exactly the debt */
    assert_int_equal(bucket_take(&bucket, now_ns, 0, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 10, 100, 100), S / 10);
    now_ns += 100 * S; /* never fills beyond its burst */
    assert_int_equal(bucket_take(&bucket, now_ns, 100, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 1, 100, 100), S / 100);
}

static void a_rate_holds_over_a_long_time(void **state)
{
    struct bucket bucket = {0};
    uint64_t now_ns = 0, taken = 0;

    (void)state;
    while (taken < 100000) {
        now_ns += bucket_take(&bucket, now_ns, 7, 1000, 50);
        taken += 7;
    }
    assert_true(now_ns >= 99 * S && now_ns <= 101 * S);
}

static void large_numbers_do_not_overflow(void **state)
{
    static const uint64_t numbers[] = {0, 1, 2, 1000, UINT32_MAX, S, UINT64_MAX / 2, UINT64_MAX};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };

    (void)state;
    for (int a = 0; a < COUNT; a++)
        for (int r = 1; r < COUNT; r++)
            for (int b = 0; b < COUNT; b++) {
                struct bucket bucket = {0};
                uint64_t before = 0;
                for (int i = 0; i < 20; i++) { /* time never decreases, whatever the request */
                    bucket_take(&bucket, 1000 * S, numbers[a], numbers[r], numbers[b]);
                    assert_true(bucket.full_at_ns >= before);
                    before = bucket.full_at_ns;
                }
            }
    struct bucket bucket = {0};
    assert_int_equal(bucket_take(&bucket, S, UINT64_MAX / 2, UINT64_MAX, 0), S / 2 - S % 2);
}

static void take_without_a_rate(void *argument)
{
    bucket_take(argument, S, 1, 0, 1);
}

/* A caller without a limit must not ask. */
static void taking_without_a_rate_fails_a_check(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    require_death(take_without_a_rate, &bucket, "per_second > 0");
}

static void a_shared_bucket_takes_or_refuses(void **state)
{
    _Atomic uint64_t bucket = 0;

    (void)state;
    for (int i = 0; i < 3; i++) assert_true(bucket_shared_take(&bucket, 10 * S, 3, 3));
    for (int i = 0; i < 5; i++) assert_false(bucket_shared_take(&bucket, 10 * S, 3, 3));
    assert_true(bucket_shared_take(&bucket, 10 * S + S / 2, 3, 3));
    assert_false(bucket_shared_take(&bucket, 10 * S + S / 2, 3, 3));
}

static _Atomic uint64_t shared;
static _Atomic uint32_t taken;

static void take_some(void *argument)
{
    (void)argument;
    for (int i = 0; i < 200000; i++) /* long enough to overlap */
        if (bucket_shared_take(&shared, S, 500000, 500000)) atomic_fetch_add(&taken, 1);
}

static void threads_together_never_exceed_the_rate(void **state)
{
    struct thread *threads[3];
    int os_error;

    (void)state;
    for (int i = 0; i < 3; i++) threads[i] = thread_start("taker", take_some, NULL, &os_error);
    for (int i = 0; i < 3; i++) thread_join(threads[i]);
    assert_int_equal(taken, 500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_free_and_a_debt_causes_a_wait),
        cmocka_unit_test(a_rate_holds_over_a_long_time),
        cmocka_unit_test(large_numbers_do_not_overflow),
        cmocka_unit_test(taking_without_a_rate_fails_a_check),
        cmocka_unit_test(a_shared_bucket_takes_or_refuses),
        cmocka_unit_test(threads_together_never_exceed_the_rate),
    };

    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
