/* SPDX-License-Identifier: MIT */
/* test_print.c - output of commands that is lost: the first failure is found wherever it happens,
 * ends the output, and decides the exit code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exit_code.h"
#include "print.h"

enum { FAILURE = 28 };

static struct {
    size_t length, calls, fails_from; /* the number of the first call that fails; 0: none does */
} stream;

static int write_bytes(int number, const char *bytes, size_t length)
{
    assert_true(number == 1 || number == 2);
    assert_non_null(bytes);
    stream.calls++;
    if (stream.fails_from > 0 && stream.calls >= stream.fails_from) return FAILURE;
    stream.length += length;
    return 0;
}

static void begin(int number, size_t fails_from)
{
    memset(&stream, 0, sizeof stream);
    stream.fails_from = fails_from;
    print_redirect(number, write_bytes);
}

static void test_all_that_is_printed_arrives(void **state)
{
    static uint8_t bytes[300000];

    (void)state;
    begin(1, 0);
    print_text("%s %d\n", "some", 1);
    print_bytes(bytes, sizeof bytes);
    assert_true(print_flush());
    assert_int_equal(stream.length, 7 + sizeof bytes);
    size_t calls = stream.calls;
    assert_true(print_flush());
    assert_int_equal(stream.calls, calls); /* nothing is written if nothing was printed */
    assert_int_equal(print_end(EXIT_CODE_FAILED), EXIT_CODE_FAILED);
}

static void test_a_failure_at_the_end(void **state)
{
    (void)state;
    begin(1, 1);
    print_text("lost");
    assert_int_equal(print_end(EXIT_CODE_OK), EXIT_CODE_IO);
}

/* The buffer is written while the command prints: no later success hides that. */
static void test_a_failure_in_the_middle(void **state)
{
    static uint8_t bytes[100000];

    (void)state;
    for (size_t fails_from = 1; fails_from <= 3; fails_from++) {
        begin(1, fails_from);
        print_bytes(bytes, sizeof bytes);
        print_bytes(bytes, sizeof bytes);
        assert_false(print_flush());
        assert_int_equal(stream.calls, fails_from); /* nothing is written after it */
        stream.fails_from = 0;
        print_text("later");
        assert_false(print_flush());
        assert_int_equal(print_end(EXIT_CODE_OK), EXIT_CODE_IO);
        assert_int_equal(stream.calls, fails_from);
    }
}

/* An error that was printed before keeps its exit code; one that follows lost output does not. */
static void test_the_first_error_decides(void **state)
{
    (void)state;
    begin(1, 0);
    print_failure("%s", "a usage error");
    assert_int_equal(print_end(EXIT_CODE_USAGE), EXIT_CODE_USAGE);
    begin(1, 1);
    print_text("lost");
    print_failure("%s", "not printed");
    assert_int_equal(print_end(EXIT_CODE_FAILED), EXIT_CODE_IO);
}

static void test_lost_stderr_is_no_error(void **state)
{
    (void)state;
    begin(2, 1);
    print_text("help");
    assert_int_equal(print_end(EXIT_CODE_USAGE), EXIT_CODE_USAGE);
    assert_int_equal(stream.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_printed_arrives),
        cmocka_unit_test(test_a_failure_at_the_end),
        cmocka_unit_test(test_a_failure_in_the_middle),
        cmocka_unit_test(test_the_first_error_decides),
        cmocka_unit_test(test_lost_stderr_is_no_error),
    };

    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
