/* SPDX-License-Identifier: MIT */
/* test_check.c - a failed check ends the process, also while no program reads its stderr. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"

#define CHILD_SECONDS 30 /* then SIGALRM ends it, and the test fails */

static void fail_a_check(void)
{
    weir_check(1 + 1 == 3);
}

static void misuse(void)
{
    weir_check_use(1 + 1 == 3, "one and one is three");
}

/* Runs it in a child process whose stderr is this descriptor. Returns the signal that ended it. */
static int signal_of_child(void (*run)(void), int fd)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGALRM, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(CHILD_SECONDS);
        dup2(fd, STDERR_FILENO);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_failed_check_names_itself(void **state)
{
    char text[512];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(signal_of_child(fail_a_check, ends[1]), SIGABRT);
    ssize_t length = read(ends[0], text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = '\0';
    assert_non_null(strstr(text, "weir: check failed: 1 + 1 == 3 ("));
    assert_int_equal(signal_of_child(misuse, ends[1]), SIGABRT);
    length = read(ends[0], text, sizeof text - 1);
    assert_true(length > 0);
    text[length] = '\0';
    assert_string_equal(text, "weir: the program broke a rule of weir.h: one and one is three\n");
    close(ends[0]);
    close(ends[1]);
}

static void a_full_stderr_does_not_delay_the_end(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], "x", 1) == 1) continue;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    assert_int_equal(signal_of_child(fail_a_check, ends[1]), SIGABRT);
    assert_int_equal(signal_of_child(misuse, ends[1]), SIGABRT);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_check_names_itself),
        cmocka_unit_test(a_full_stderr_does_not_delay_the_end),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
