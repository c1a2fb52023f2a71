/* SPDX-License-Identifier: MIT */
/* test_bucket.c - token buckets: the burst, the debt and its end, numbers of any size, and one that
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

static void a_burst_is_free_and_a_debt_is_waited_for(void **state)
{
    struct bucket bucket = {0};
    uint64_t now_ns = 5 * S;

    (void)state;
    assert_int_equal(bucket_take(&bucket, now_ns, 60, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 40, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 1, 100, 100), S / 100);
    assert_int_equal(bucket_take(&bucket, now_ns, 99, 100, 100), S);
    now_ns += S; /* the debt is paid, and nothing more */
    assert_int_equal(bucket_take(&bucket, now_ns, 0, 100, 100), 0);
    assert_int_equal(bucket_take(&bucket, now_ns, 10, 100, 100), S / 10);
    now_ns += 100 * S; /* it does not fill beyond its burst */
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

static void no_number_is_too_large(void **state)
{
    static const uint64_t numbers[] = {0, 1, 2, 1000, UINT32_MAX, S, UINT64_MAX / 2, UINT64_MAX};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };

    (void)state;
    for (int a = 0; a < COUNT; a++)
        for (int r = 1; r < COUNT; r++)
            for (int b = 0; b < COUNT; b++) {
                struct bucket bucket = {0};
                uint64_t before = 0;
                for (int i = 0; i < 20; i++) { /* never back in time, whatever is asked */
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

/* Who has no limit does not ask. */
static void a_rate_of_nothing_is_a_mistake_of_ours(void **state)
{
    struct bucket bucket = {0};

    (void)state;
    require_death(take_without_a_rate, &bucket, "per_second > 0");
}

static void a_shared_one_takes_or_refuses(void **state)
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
    for (int i = 0; i < 200000; i++) /* long enough to meet each other */
        if (bucket_shared_take(&shared, S, 500000, 500000)) atomic_fetch_add(&taken, 1);
}

static void threads_take_no_more_than_there_is(void **state)
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
        cmocka_unit_test(a_burst_is_free_and_a_debt_is_waited_for),
        cmocka_unit_test(a_rate_holds_over_a_long_time),
        cmocka_unit_test(no_number_is_too_large),
        cmocka_unit_test(a_rate_of_nothing_is_a_mistake_of_ours),
        cmocka_unit_test(a_shared_one_takes_or_refuses),
        cmocka_unit_test(threads_take_no_more_than_there_is),
    };

    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
