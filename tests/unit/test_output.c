/* SPDX-License-Identifier: MIT */
/* test_output.c - the program's output to a stream that blocks: order, lost lines and their report,
 * waiting for room, and deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "output.h"

#define PATIENCE_MS 100000u
#define LINE_BYTES 100u /* of the lines that fill the output */
#define LINES_FIT ((unsigned)(OUTPUT_BYTES / LINE_BYTES))

static struct arena forever; /* each output's thread lives until the process ends */

/* The stream. Each write waits until the test allows it. */
static struct {
    struct os_monitor *monitor;
    uint64_t allowed; /* writes */
    uint32_t calls;   /* writes that began */
    uint32_t reports; /* calls of on_error() */
    int os_error;     /* the result of each write */
    size_t length;
    char text[2 * OUTPUT_BYTES];
} stream;

static int write_bytes(int number, const char *bytes, size_t length)
{
    assert_int_equal(number, 7);
    os_monitor_enter(stream.monitor);
    stream.calls++;
    os_monitor_wake(stream.monitor);
    while (stream.allowed == 0) os_monitor_wait(stream.monitor, OS_NO_DEADLINE);
    stream.allowed--;
    assert_true(stream.length + length < sizeof stream.text);
    memcpy(stream.text + stream.length, bytes, length);
    stream.length += length;
    int os_error = stream.os_error;
    os_monitor_leave(stream.monitor);
    return os_error;
}

#define ALL UINT64_MAX

static void allow(uint64_t writes)
{
    os_monitor_enter(stream.monitor);
    stream.allowed = writes;
    os_monitor_wake(stream.monitor);
    os_monitor_leave(stream.monitor);
}

static void wait_calls(uint32_t calls)
{
    os_monitor_enter(stream.monitor);
    while (stream.calls < calls) os_monitor_wait(stream.monitor, OS_NO_DEADLINE);
    os_monitor_leave(stream.monitor);
}

static void on_error(void)
{
    os_monitor_enter(stream.monitor);
    stream.reports++;
    os_monitor_leave(stream.monitor);
}

static struct output *open_output(uint64_t allowed)
{
    struct output *output = arena_alloc(&forever, sizeof *output);

    assert_non_null(output);
    memset(&stream, 0, sizeof stream);
    stream.monitor = os_monitor_open(&forever);
    assert_non_null(stream.monitor);
    stream.allowed = allowed;
    assert_true(output_open(output, &forever, 7, write_bytes, on_error));
    return output;
}

static bool flush(struct output *output)
{
    return output_flush(output, os_now_ms() + PATIENCE_MS);
}

/* Makes a line of LINE_BYTES that begins with its number. */
static const char *line_of(unsigned number)
{
    static char line[LINE_BYTES + 1];

    snprintf(line, sizeof line, "%-98u|\n", number);
    return line;
}

/* Blocks the stream with line 0, fills the output with lines 1 to LINES_FIT, and adds more. */
static struct output *open_full(unsigned more)
{
    struct output *output = open_output(0);

    output_add(output, line_of(0));
    wait_calls(1);
    for (unsigned i = 1; i <= LINES_FIT + more; i++) output_add(output, line_of(i));
    return output;
}

static void assert_numbers(unsigned from, unsigned until)
{
    for (unsigned i = from; i < until; i++)
        assert_memory_equal(stream.text + (size_t)i * LINE_BYTES, line_of(i), LINE_BYTES);
}

static void lines_arrive_in_order(void **state)
{
    struct output *output = open_output(ALL);

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        output_add_waiting(output, line_of(i));
        if (i % 100 == 0) assert_true(flush(output));
    }
    assert_true(flush(output));
    assert_int_equal(stream.length, 1000 * LINE_BYTES);
    assert_numbers(0, 1000);
}

static void a_blocked_stream_loses_lines_and_reports_them(void **state)
{
    static const char report[] = "weir: warning: 3 lines of output were lost here: nothing read "
                                 "them\n";
    struct output *output = open_full(3);

    (void)state;
    assert_false(output_flush(output, os_now_ms()));
    allow(ALL);
    assert_true(flush(output));
    assert_int_equal(stream.length, (LINES_FIT + 1) * LINE_BYTES + strlen(report));
    assert_numbers(0, LINES_FIT + 1);
    assert_string_equal(stream.text + (LINES_FIT + 1) * LINE_BYTES, report);
}

static void a_line_after_lost_ones_follows_their_report(void **state)
{
    static const char wanted[] = "weir: warning: 1 lines of output were lost here: nothing read "
                                 "them\nlate\n";
    struct output *output = open_full(1);

    (void)state;
    allow(1);
    wait_calls(2); /* blocked again, with a few lines that it took: now there is room */
    output_add(output, "late\n");
    allow(ALL);
    assert_true(flush(output));
    assert_string_equal(stream.text + stream.length - strlen(wanted), wanted);
}

static void a_waiting_line_needs_room_or_a_deadline(void **state)
{
    struct output *output = open_full(0);

    (void)state;
    output_set_deadline(output, os_now_ms()); /* it has passed, so this does not wait */
    output_add_waiting(output, line_of(90001));
    allow(ALL);
    assert_true(flush(output));
    assert_non_null(strstr(stream.text, "1 lines of output were lost here"));
    assert_null(strstr(stream.text, "90001"));
}

static struct output *waiting_output;

static void add_waiting(void *argument)
{
    (void)argument;
    output_add_waiting(waiting_output, line_of(90001));
    output_add_waiting(waiting_output, line_of(90002));
    allow(ALL);
}

static void open_stream(void *argument)
{
    (void)argument;
    allow(ALL);
}

static void a_line_waits_until_there_is_room(void **state)
{
    static struct os_thread opener = {.run = open_stream, .argument = NULL};

    (void)state;
    waiting_output = open_full(0);
    assert_true(os_thread_start(&opener));
    add_waiting(NULL);
    assert_true(flush(waiting_output));
    assert_null(strstr(stream.text, "were lost"));
    const char *first = strstr(stream.text, "\n90001 ");
    assert_non_null(first);
    assert_memory_equal(first + LINE_BYTES, "\n90002 ", 7);
}

/* The deadline that is set later ends a wait that has started. */
static void a_later_deadline_ends_the_wait(void **state)
{
    static struct os_thread adder = {.run = add_waiting, .argument = NULL};

    (void)state;
    waiting_output = open_full(0);
    assert_true(os_thread_start(&adder));
    output_set_deadline(waiting_output, os_now_ms());
    os_monitor_enter(stream.monitor);
    while (stream.allowed == 0)
        os_monitor_wait(stream.monitor, OS_NO_DEADLINE); /* both were given up */
    os_monitor_leave(stream.monitor);
    assert_true(flush(waiting_output));
    assert_non_null(strstr(stream.text, "2 lines of output were lost here"));
}

static void a_long_line_is_written_whole(void **state)
{
    static char line[10002];
    struct output *output = open_output(ALL);

    (void)state;
    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    output_add(output, line);
    output_add(output, "next\n");
    assert_true(flush(output));
    assert_int_equal(stream.length, sizeof line - 1 + strlen("next\n"));
    assert_memory_equal(stream.text, line, sizeof line - 1);
    assert_string_equal(stream.text + sizeof line - 1, "next\n");
}

/* The first failure stays, and is reported once. Later lines are written: a disk can have room
 * again. */
static void a_failed_write_is_remembered(void **state)
{
    static const int errors[] = {0, 28, 32, 0};
    struct output *output = open_output(ALL);

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        os_monitor_enter(stream.monitor);
        stream.os_error = errors[i];
        os_monitor_leave(stream.monitor);
        output_add(output, line_of((unsigned)i));
        assert_true(flush(output));
        assert_int_equal(output_error(output), i == 0 ? 0 : 28);
        assert_int_equal(stream.reports, i == 0 ? 0 : 1);
    }
    assert_numbers(0, sizeof errors / sizeof errors[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive_in_order),
        cmocka_unit_test(a_blocked_stream_loses_lines_and_reports_them),
        cmocka_unit_test(a_line_after_lost_ones_follows_their_report),
        cmocka_unit_test(a_waiting_line_needs_room_or_a_deadline),
        cmocka_unit_test(a_line_waits_until_there_is_room),
        cmocka_unit_test(a_later_deadline_ends_the_wait),
        cmocka_unit_test(a_long_line_is_written_whole),
        cmocka_unit_test(a_failed_write_is_remembered),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
