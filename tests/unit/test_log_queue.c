/* SPDX-License-Identifier: MIT */
/* test_log_queue.c - the queue of log lines before a log function that blocks: order, lost lines
 * and their report, several threads that log, and the end. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "log_queue.h"
#include "memory_faults.h"
#include "thread.h"

enum { PATIENCE_MS = 100000, LINES_KEPT = 128 };

/* The application's log function. Each call waits until the test allows one more line. */
static struct {
    struct lock *lock;
    struct condition *changed;
    uint64_t allowed; /* lines */
    uint32_t calls;   /* that were made */
    uint32_t count;   /* of calls that returned */
    enum weir_log_level levels[LINES_KEPT];
    char lines[LINES_KEPT][LOG_LINE_BYTES];
} sink;

static void take_line(void *user, enum weir_log_level level, const char *line)
{
    assert_ptr_equal(user, &sink);
    lock_take(sink.lock);
    sink.calls++;
    condition_wake_all(sink.changed);
    while (sink.allowed == 0) condition_wait(sink.changed, sink.lock, CONDITION_NO_DEADLINE);
    sink.allowed--;
    sink.levels[sink.count % LINES_KEPT] = level;
    snprintf(sink.lines[sink.count % LINES_KEPT], LOG_LINE_BYTES, "%s", line);
    sink.count++;
    condition_wake_all(sink.changed);
    lock_give_back(sink.lock);
}

static void allow(uint64_t lines)
{
    lock_take(sink.lock);
    sink.allowed += lines;
    condition_wake_all(sink.changed);
    lock_give_back(sink.lock);
}

/* Waits until the log function was called this often. */
static void wait_calls(uint32_t calls)
{
    lock_take(sink.lock);
    while (sink.calls < calls) condition_wait(sink.changed, sink.lock, CONDITION_NO_DEADLINE);
    lock_give_back(sink.lock);
}

static void wait_count(uint32_t count)
{
    lock_take(sink.lock);
    while (sink.count < count) condition_wait(sink.changed, sink.lock, CONDITION_NO_DEADLINE);
    lock_give_back(sink.lock);
}

static int set_up(void **state)
{
    (void)state;
    memset(&sink, 0, sizeof sink);
    sink.lock = lock_open();
    sink.changed = condition_open();
    return sink.lock && sink.changed ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lock_free(sink.lock);
    condition_free(sink.changed);
    return 0;
}

static struct log_queue *open_queue(uint32_t lines_max)
{
    struct log_queue *queue = log_queue_open(lines_max, take_line, &sink);

    assert_non_null(queue);
    return queue;
}

static struct log_queue *start_queue(uint32_t lines_max)
{
    int os_error;
    struct log_queue *queue = open_queue(lines_max);

    assert_true(log_queue_start(queue, &os_error));
    return queue;
}

static void add_number(struct log_queue *queue, int level, unsigned number)
{
    char line[16];

    snprintf(line, sizeof line, "line %u", number);
    log_queue_add(queue, level, line);
}

static void assert_lines(const char *const *lines, uint32_t count)
{
    assert_int_equal(sink.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_memory_equal(sink.lines[i], lines[i], strlen(lines[i]));
}

static void lines_arrive_in_order_with_their_levels(void **state)
{
    struct log_queue *queue = open_queue(LINES_KEPT);
    const struct log log = {.write = log_queue_add, .user = queue};
    int os_error;

    (void)state;
    allow(LINES_KEPT);
    for (unsigned i = 0; i < 5; i++) add_number(queue, WEIR_LOG_INFO, i); /* before the start */
    assert_true(log_queue_start(queue, &os_error));
    for (unsigned i = 5; i < 100; i++) log_line(&log, (int)(i % 4), "line %u", i);
    assert_true(log_queue_flush(queue, PATIENCE_MS));
    assert_int_equal(sink.count, 100);
    for (unsigned i = 0; i < 100; i++) {
        char line[16];
        snprintf(line, sizeof line, "line %u", i);
        assert_string_equal(sink.lines[i], line);
        assert_int_equal(sink.levels[i], i < 5 ? WEIR_LOG_INFO : i % 4);
    }
    assert_int_equal(log_queue_lost(queue), 0);
    log_queue_free(queue, PATIENCE_MS);
}

static void lost_lines_are_reported_where_they_were_lost(void **state)
{
    static const char *const lines[] = {"line 0", "line 1", "line 2", "2 log lines were lost here",
                                        "line 5", "line 6"};
    struct log_queue *queue = start_queue(2);

    (void)state;
    add_number(queue, WEIR_LOG_ERROR, 0);
    wait_calls(1); /* line 0 is no longer in the queue, but blocked in the log function */
    for (unsigned i = 1; i < 5; i++) add_number(queue, WEIR_LOG_ERROR, i); /* 3 and 4 are lost */
    assert_int_equal(log_queue_lost(queue), 2);
    assert_false(log_queue_flush(queue, 1));
    allow(1);
    wait_calls(2); /* now line 1 is blocked, and the queue has room for one line */
    add_number(queue, WEIR_LOG_ERROR, 5);
    allow(2);
    wait_calls(4); /* the report */
    add_number(queue, WEIR_LOG_ERROR, 6);
    allow(LINES_KEPT);
    assert_true(log_queue_flush(queue, PATIENCE_MS));
    assert_lines(lines, 6);
    assert_non_null(strstr(sink.lines[3], "log_lines_max=2"));
    assert_int_equal(sink.levels[3], WEIR_LOG_WARNING);
    assert_int_equal(log_queue_lost(queue), 2);
    log_queue_free(queue, PATIENCE_MS);
}

/* Lines about sessions and messages must not displace warnings. */
static void an_eighth_of_the_room_is_for_warnings(void **state)
{
    struct log_queue *queue = open_queue(16);

    (void)state;
    for (unsigned i = 0; i < 20; i++) add_number(queue, WEIR_LOG_INFO, i);
    assert_int_equal(log_queue_lost(queue), 6); /* 14 wait */
    add_number(queue, WEIR_LOG_WARNING, 20);
    add_number(queue, WEIR_LOG_ERROR, 21);
    assert_int_equal(log_queue_lost(queue), 6);
    add_number(queue, WEIR_LOG_ERROR, 22);
    assert_int_equal(log_queue_lost(queue), 7);
    log_queue_free(queue, PATIENCE_MS);
}

static void verbose_lines_have_a_rate(void **state)
{
    struct log_queue *queue = open_queue(LINES_KEPT);
    uint64_t began_ns = clock_now_ns(), seconds;

    (void)state;
    log_queue_limit(queue, 3);
    for (unsigned i = 0; i < 50; i++) add_number(queue, WEIR_LOG_DETAIL, i);
    seconds = (clock_now_ns() - began_ns) / (1000 * CLOCK_NS_PER_MS);
    assert_true(log_queue_lost(queue) <= 47);
    assert_true(log_queue_lost(queue) + 3 * (seconds + 2) >= 50);
    uint64_t lost = log_queue_lost(queue);
    for (unsigned i = 0; i < 50; i++) add_number(queue, WEIR_LOG_WARNING, i);
    assert_int_equal(log_queue_lost(queue), lost);
    do { /* until the next second */
        lost = log_queue_lost(queue);
        thread_yield();
        add_number(queue, WEIR_LOG_INFO, 0);
    } while (log_queue_lost(queue) > lost);
    log_queue_free(queue, PATIENCE_MS);
}

static void lost_lines_are_reported_without_a_later_line(void **state)
{
    static const char *const lines[] = {"line 0", "line 1", "1 log lines were lost here"};
    struct log_queue *queue = start_queue(1);

    (void)state;
    add_number(queue, WEIR_LOG_ERROR, 0);
    wait_calls(1);
    add_number(queue, WEIR_LOG_ERROR, 1);
    add_number(queue, WEIR_LOG_ERROR, 2);
    allow(LINES_KEPT);
    wait_count(3);
    assert_lines(lines, 3);
    log_queue_free(queue, PATIENCE_MS);
}

static void the_end_writes_the_lines_that_wait(void **state)
{
    static const char *const lines[] = {"line 0", "", "line 2"};
    struct log_queue *queue = start_queue(8);

    (void)state;
    add_number(queue, WEIR_LOG_ERROR, 0);
    log_queue_add(queue, WEIR_LOG_ERROR, ""); /* an empty line is a line */
    add_number(queue, WEIR_LOG_ERROR, 2);
    wait_calls(1);
    allow(LINES_KEPT);
    log_queue_free(queue, PATIENCE_MS);
    assert_lines(lines, 3);
    log_queue_free(NULL, 0);
    queue = open_queue(8);
    add_number(queue, WEIR_LOG_ERROR, 0);
    log_queue_free(queue, PATIENCE_MS); /* never started: the line is discarded */
    assert_int_equal(sink.count, 3);
}

/* The end does not wait for a log function that is blocked. Its thread frees the queue later, which
 * the address sanitizer checks. */
static void the_end_leaves_a_blocked_log_function(void **state)
{
    struct log_queue *queue = start_queue(8);

    (void)state;
    add_number(queue, WEIR_LOG_ERROR, 0);
    wait_calls(1);
    add_number(queue, WEIR_LOG_ERROR, 1);
    log_queue_free(queue, 1);
    assert_int_equal(sink.count, 0);
    allow(1);
    wait_count(1);
    queue = start_queue(8);
    add_number(queue, WEIR_LOG_ERROR, 2);
    wait_calls(2);
    log_queue_free(queue, 0);
    allow(1);
    wait_count(2);
    assert_string_equal(sink.lines[1], "line 2"); /* line 1 was discarded */
}

/* ---- several threads ---- */

enum { LOGGERS = 4, LINES_EACH = 5000 };

struct logger {
    struct log_queue *queue;
    unsigned index;
};

/* Used by the log's thread, and by the test after the end. */
static unsigned next_number[LOGGERS];
static uint64_t received, reported;

static void check_line(void *user, enum weir_log_level level, const char *line)
{
    unsigned logger, number;
    uint64_t lost;

    (void)user;
    if (level == WEIR_LOG_WARNING) {
        assert_int_equal(sscanf(line, "%" SCNu64 " log lines were lost here", &lost), 1);
        reported += lost;
        return;
    }
    assert_int_equal(sscanf(line, "%u %u", &logger, &number), 2);
    assert_true(logger < LOGGERS && number >= next_number[logger]);
    next_number[logger] = number + 1;
    received++;
}

static void log_many(void *argument)
{
    const struct logger *logger = argument;
    const struct log log = {.write = log_queue_add, .user = logger->queue};

    for (unsigned i = 0; i < LINES_EACH; i++)
        log_line(&log, WEIR_LOG_INFO, "%u %u", logger->index, i);
}

static void threads_log_in_order_and_every_line_is_counted(void **state)
{
    struct log_queue *queue = log_queue_open(16, check_line, NULL);
    struct logger loggers[LOGGERS];
    struct thread *threads[LOGGERS];
    int os_error;

    (void)state;
    assert_non_null(queue);
    assert_true(log_queue_start(queue, &os_error));
    for (unsigned i = 0; i < LOGGERS; i++) {
        loggers[i] = (struct logger){queue, i};
        threads[i] = thread_start("logger", log_many, &loggers[i], &os_error);
        assert_non_null(threads[i]);
    }
    for (unsigned i = 0; i < LOGGERS; i++) thread_join(threads[i]);
    uint64_t lost = log_queue_lost(queue);
    log_queue_free(queue, PATIENCE_MS);
    assert_int_equal(received + lost, LOGGERS * LINES_EACH);
    assert_int_equal(reported, lost);
}

/* ---- exhausted memory ---- */

static void exhausted_memory_is_an_error(void **state)
{
    struct log_queue *queue = NULL;
    uint64_t n;
    int os_error;

    (void)state;
    for (n = 1; !queue; n++) {
        memory_fail_nth(n, 0);
        queue = log_queue_open(8, take_line, &sink);
    }
    memory_fail_nth(0, 0);
    assert_int_equal(n, 6); /* the queue, its lock, its condition, its records */
    memory_fail_nth(1, 0);
    assert_false(log_queue_start(queue, &os_error));
    memory_fail_nth(0, 0);
    assert_int_equal(os_error, 0);
    log_queue_free(queue, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_arrive_in_order_with_their_levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_lines_are_reported_where_they_were_lost, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_eighth_of_the_room_is_for_warnings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verbose_lines_have_a_rate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_lines_are_reported_without_a_later_line, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_end_writes_the_lines_that_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_leaves_a_blocked_log_function, set_up, tear_down),
        cmocka_unit_test(threads_log_in_order_and_every_line_is_counted),
        cmocka_unit_test(exhausted_memory_is_an_error),
    };

    return cmocka_run_group_tests_name("log_queue", tests, NULL, NULL);
}
