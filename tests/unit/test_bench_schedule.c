/* SPDX-License-Identifier: MIT */
/* test_bench_schedule.c - when messages are due, and which times count, in open and closed loops of
 * `weir bench`. The tests own the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench_flow.h"
#include "bench_pattern.h"
#include "bench_schedule.h"

#define MS UINT64_C(1000000)

static struct arena memory;
static struct bench_result result;
static struct bench_flow flow;

static int start(void **state)
{
    (void)state;
    memset(&result, 0, sizeof result);
    assert_true(bench_flow_init(&flow, 0, 1, &memory));
    flow.is_open = true;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    arena_free(&memory);
    return 0;
}

static void test_due_times(void **state)
{
    struct bench_schedule schedule = {.rate = 1000, .connections = 4};

    (void)state;
    bench_schedule_start(&schedule, 500 * MS, 100, 1000);
    assert_int_equal(bench_schedule_due_ns(&schedule, 0, 0), 500 * MS);
    assert_int_equal(bench_schedule_due_ns(&schedule, 3, 0), 503 * MS);
    assert_int_equal(bench_schedule_due_ns(&schedule, 1, 10), 541 * MS);
    assert_int_equal(bench_schedule_due_ns(&schedule, 3, 274), 1599 * MS);
    assert_int_equal(bench_schedule_due_ns(&schedule, 0, 275), BENCH_SCHEDULE_NEVER);
    assert_false(bench_schedule_counts(&schedule, 599 * MS));
    assert_true(bench_schedule_counts(&schedule, 600 * MS));
    assert_true(bench_schedule_counts(&schedule, 1599 * MS));
    assert_false(bench_schedule_counts(&schedule, 1600 * MS));
}

/* A rate that does not divide a second: after hours each message is still exactly in its place. */
static void test_no_rounding_adds_up(void **state)
{
    struct bench_schedule schedule = {.rate = 7, .connections = 1};

    (void)state;
    bench_schedule_start(&schedule, 0, 0, 2000000000);
    assert_int_equal(bench_schedule_due_ns(&schedule, 0, 1), 142857142);
    assert_int_equal(bench_schedule_due_ns(&schedule, 0, 7 * 100000), 100000 * 1000 * MS);
}

static void test_a_number_of_messages(void **state)
{
    struct bench_schedule schedule = {.connections = 4, .messages_max = 10};
    uint64_t sum = 0;

    (void)state;
    bench_schedule_start(&schedule, 5, 0, 0);
    for (uint32_t i = 0; i < 4; i++)
        for (uint64_t n = 0; bench_schedule_due_ns(&schedule, i, n) != BENCH_SCHEDULE_NEVER; n++)
            sum++;
    assert_int_equal(sum, 10);
    assert_int_equal(bench_schedule_due_ns(&schedule, 1, 2), 5);
    assert_int_equal(bench_schedule_due_ns(&schedule, 2, 2), BENCH_SCHEDULE_NEVER);
}

static struct bench_slot *begin(const struct bench_schedule *schedule, uint64_t now_ns)
{
    return bench_flow_begin(&flow, schedule, now_ns, &result.lag);
}

static void answer(const struct bench_schedule *schedule, struct bench_slot *slot, uint64_t now_ns)
{
    bench_flow_answer(&flow, slot, schedule, now_ns, &result);
    bench_flow_release(&flow, slot, now_ns);
}

/* One message per millisecond. The server answers each in 10 us, but stands still for one second.
 * Each message of this second waits until its end: the response times show it, and the service
 * times only once. */
static void test_a_pause_shows_in_the_response_time(void **state)
{
    struct bench_schedule schedule = {.rate = 1000, .connections = 1};
    uint64_t now_ns = 0;

    (void)state;
    bench_schedule_start(&schedule, 0, 0, 10000);
    for (uint64_t i = 0; i < 10000; i++) {
        struct bench_slot *slot;
        while (!(slot = begin(&schedule, now_ns))) now_ns += 1000;
        bool is_paused = now_ns >= 3000 * MS && now_ns < 4000 * MS;
        now_ns = is_paused ? 4000 * MS : now_ns + 10000;
        answer(&schedule, slot, now_ns);
    }
    assert_null(begin(&schedule, UINT64_MAX - 1)); /* there are no further messages */
    assert_int_equal(result.messages, 10000);
    assert_in_range(bench_histogram_percentile_ns(&result.response, 99), 890 * MS, 910 * MS);
    assert_in_range(bench_histogram_percentile_ns(&result.response, 50), 0, MS);
    assert_in_range(bench_histogram_percentile_ns(&result.service, 99.98), 0, 11000);
    assert_in_range(result.service.most_ns, 999 * MS, 1000 * MS);
    assert_in_range(result.lag.most_ns, 0, 1000); /* the generator itself was never late */
}

/* The same pause in a closed loop: one slow message. */
static void test_a_closed_loop_omits_a_pause(void **state)
{
    struct bench_schedule schedule = {.connections = 1};
    uint64_t now_ns = 0, count = 0;
    struct bench_slot *slot;

    (void)state;
    bench_schedule_start(&schedule, 0, 0, 10000);
    for (; (slot = begin(&schedule, now_ns)); count++) {
        bool is_paused = now_ns >= 3000 * MS && now_ns < 4000 * MS;
        now_ns = is_paused ? 4000 * MS : now_ns + MS;
        answer(&schedule, slot, now_ns);
    }
    assert_int_equal(now_ns, 10000 * MS);
    assert_int_equal(count, 9001);
    assert_in_range(bench_histogram_percentile_ns(&result.response, 99.9), MS, MS + 1000);
    assert_int_equal(result.response.most_ns, 1000 * MS);
    assert_int_equal(result.service.most_ns, result.response.most_ns);
}

static void test_a_late_send_is_the_generators_lag(void **state)
{
    struct bench_schedule schedule = {.rate = 1000, .connections = 1};

    (void)state;
    bench_schedule_start(&schedule, 0, 0, 1000);
    answer(&schedule, begin(&schedule, 5 * MS), 6 * MS);
    assert_int_equal(result.lag.most_ns, 5 * MS); /* due at 0 */
    answer(&schedule, begin(&schedule, 6 * MS), 7 * MS);
    assert_int_equal(result.lag.least_ns, 0); /* due at 1 ms, but there was no room until 6 ms */
    assert_int_equal(result.response.most_ns, 6 * MS);
}

static void test_depth(void **state)
{
    struct bench_schedule schedule = {.connections = 1, .messages_max = 100};
    struct bench_slot *slots[3];

    (void)state;
    assert_true(bench_flow_init(&flow, 0, 3, &memory));
    flow.is_open = true;
    bench_schedule_start(&schedule, 0, 0, 0);
    for (int i = 0; i < 3; i++) slots[i] = begin(&schedule, 1);
    assert_null(begin(&schedule, 1));
    for (uint64_t i = 0; i < 3; i++) assert_ptr_equal(bench_flow_find(&flow, i), slots[i]);
    assert_null(bench_flow_find(&flow, 3));
    answer(&schedule, slots[0], 2);
    assert_null(bench_flow_find(&flow, 0));
    struct bench_slot *next = begin(&schedule, 2);
    assert_int_equal(next->number, 3);
    assert_ptr_equal(bench_flow_find(&flow, 3), next);
    bench_flow_undo(&flow, next);
    assert_int_equal(begin(&schedule, 2)->number, 3);
}

static void test_a_closed_flow_has_no_answers(void **state)
{
    struct bench_schedule schedule = {.connections = 1, .messages_max = 100};

    (void)state;
    bench_schedule_start(&schedule, 0, 0, 0);
    struct bench_slot *slot = begin(&schedule, 1);
    bench_flow_close(&flow, &result, "why");
    assert_int_equal(result.errors[BENCH_ERROR_UNANSWERED], 1);
    assert_string_equal(result.examples[BENCH_ERROR_UNANSWERED], "connection 0, message 0: why");
    bench_flow_release(&flow, slot, 2); /* harmless */
    assert_int_equal(flow.in_flight, 0);
    assert_null(begin(&schedule, 3));
}

static void test_messages_differ(void **state)
{
    struct bench_pattern pattern;
    uint8_t copy[40];

    (void)state;
    bench_pattern_init(&pattern, sizeof copy, true, &memory);
    for (uint64_t i = 1; i < 65536; i++)
        assert_ptr_not_equal(bench_pattern_message(&pattern, 3, i),
                             bench_pattern_message(&pattern, 3, 0));
    memcpy(copy, bench_pattern_message(&pattern, 3, 7), sizeof copy);
    assert_int_equal(bench_pattern_differs(&pattern, 3, 7, 0, copy, sizeof copy), sizeof copy);
    assert_int_equal(bench_pattern_differs(&pattern, 3, 7, 10, copy + 10, 30), 30);
    copy[29] ^= 1;
    assert_int_equal(bench_pattern_differs(&pattern, 3, 7, 0, copy, sizeof copy), 29);
    assert_int_equal(bench_pattern_differs(&pattern, 3, 7, 20, copy + 20, 20), 9);
    for (size_t i = 0; i < sizeof copy; i++) assert_in_range(copy[i], ' ', '~');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_due_times, start, finish),
        cmocka_unit_test_setup_teardown(test_no_rounding_adds_up, start, finish),
        cmocka_unit_test_setup_teardown(test_a_number_of_messages, start, finish),
        cmocka_unit_test_setup_teardown(test_a_pause_shows_in_the_response_time, start, finish),
        cmocka_unit_test_setup_teardown(test_a_closed_loop_omits_a_pause, start, finish),
        cmocka_unit_test_setup_teardown(test_a_late_send_is_the_generators_lag, start, finish),
        cmocka_unit_test_setup_teardown(test_depth, start, finish),
        cmocka_unit_test_setup_teardown(test_a_closed_flow_has_no_answers, start, finish),
        cmocka_unit_test_setup_teardown(test_messages_differ, start, finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
