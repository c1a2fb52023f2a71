/* SPDX-License-Identifier: MIT */
/* test_options.c - the command line: what it reads, and what it says to what it cannot read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

static struct options options;
static char mistake[256];

/* Reads a command line written as one string. */
static bool read_line(const char *line)
{
    static char words[256];
    char *arguments[32];
    int count = 0;

    snprintf(words, sizeof words, "%s", line);
    for (char *at = words; *at != '\0'; count++) {
        arguments[count] = at;
        at += strcspn(at, " ");
        if (*at == ' ') *at++ = '\0';
    }
    mistake[0] = '\0';
    return options_read(count, arguments, &options, mistake, sizeof mistake);
}

static void test_alone_it_serves_both(void **state)
{
    (void)state;
    assert_true(read_line(""));
    assert_int_equal(options.listeners_count, 2);
    assert_int_equal(options.listeners[0].proto, WEIR_TCP);
    assert_string_equal(options.listeners[0].address, "5050");
    assert_int_equal(options.listeners[1].proto, WEIR_UDP);
    assert_string_equal(options.transport, "auto");
    assert_int_equal(options.workers, 0);
    assert_int_equal(options.drain_ms, 5000);
}

static void test_every_form_of_an_option(void **state)
{
    (void)state;
    assert_true(read_line(
        "serve --tcp 1 --tcp=127.0.0.1:2 -t 3 -t4 -u [::1]:5 --workers 3 --transport epoll -vv"));
    assert_int_equal(options.listeners_count, 5);
    assert_string_equal(options.listeners[1].address, "127.0.0.1:2");
    assert_string_equal(options.listeners[3].address, "4");
    assert_int_equal(options.listeners[4].proto, WEIR_UDP);
    assert_int_equal(options.workers, 3);
    assert_string_equal(options.transport, "epoll");
    assert_int_equal(options.loudness, 2);
    assert_true(read_line("-q"));
    assert_int_equal(options.loudness, -1);
    assert_false(options.verify_rio);
    assert_true(read_line("--verify-rio"));
    assert_true(options.verify_rio);
    assert_true(read_line("--help"));
    assert_true(options.help);
    assert_true(read_line("--version"));
    assert_true(options.version);
}

static void test_times(void **state)
{
    static const struct {
        const char *line;
        uint32_t ms;
    } good[] = {{"--drain 0", 0},
                {"--drain 7", 7000},
                {"--drain 250ms", 250},
                {"--drain 5s", 5000},
                {"--drain 2m", 120000},
                {"--drain 1h", 3600000},
                {"--drain 1193h", 4294800000u}};
    static const char *const bad[] = {"--drain x",     "--drain 5x",
                                      "--drain -1",    "--drain 5.5s",
                                      "--drain 1194h", "--drain 99999999999999999999s",
                                      "--drain s"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(read_line(good[i].line));
        assert_int_equal(options.drain_ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(read_line(bad[i]));
        assert_non_null(strstr(mistake, "write a time"));
    }
}

static void test_mistakes_are_answered_with_what_was_meant(void **state)
{
    static const struct {
        const char *line, *answer;
    } mistakes[] = {
        {"--transprot epoll", "did you mean --transport?"},
        {"--worker 2", "did you mean --workers?"},
        {"--nothing-like-it", "see weir --help"},
        {"--tcp", "--tcp needs a value: [ADDR:]PORT"},
        {"--tcp localhost:7", "not an address"},
        {"--tcp 65536", "not an address"},
        {"--udp 1.2.3:7", "not an address"},
        {"--workers 0", "a number from 1 to 255"},
        {"--workers 256", "a number from 1 to 255"},
        {"--workers two", "a number from 1 to 255"},
        {"--help=yes", "takes no value"},
        {"-x", "unknown option -x"},
        {"-vx", "unknown option -x"},
        {"start", "no such command"},
        {"serve 5050", "no such command"},
        {"-", "no such command"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        if (read_line(mistakes[i].line) || !strstr(mistake, mistakes[i].answer))
            fail_msg("%s: got \"%s\", wanted \"%s\"", mistakes[i].line, mistake,
                     mistakes[i].answer);
    }
}

static void test_too_many_listeners(void **state)
{
    char *arguments[2 * (OPTIONS_LISTENERS_MAX + 1)];

    (void)state;
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
        arguments[i] = i % 2 ? "0" : "--tcp";
    assert_true(
        options_read(2 * OPTIONS_LISTENERS_MAX, arguments, &options, mistake, sizeof mistake));
    assert_false(
        options_read(2 * OPTIONS_LISTENERS_MAX + 2, arguments, &options, mistake, sizeof mistake));
    assert_non_null(strstr(mistake, "more than 64 listeners"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_it_serves_both),
        cmocka_unit_test(test_every_form_of_an_option),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_mistakes_are_answered_with_what_was_meant),
        cmocka_unit_test(test_too_many_listeners),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
