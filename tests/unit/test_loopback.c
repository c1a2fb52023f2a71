/* SPDX-License-Identifier: MIT */
/* test_loopback.c - the default listeners on machines with one address family, and with none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loopback.h"

static struct options options;
static bool has_v4, has_v6;
static char line[256];

static bool exists(bool v6)
{
    return v6 ? has_v6 : has_v4;
}

/* Reads a command line of one option, or of none, and starts on a machine with these families. */
static bool start(char *option, bool v4, bool v6)
{
    struct diagnostics diagnostics = {0};

    has_v4 = v4;
    has_v6 = v6;
    options_free(&options);
    assert_true(options_read(option ? 1 : 0, &option, &options, &diagnostics));
    return loopback_drop_absent(&options, exists, line, sizeof line);
}

static void assert_addresses(size_t count, const char *first, const char *last)
{
    assert_int_equal(options.listeners_count, count);
    assert_string_equal(options.listeners[0].address, first);
    assert_string_equal(options.listeners[count - 1].address, last);
}

static void test_both_families(void **state)
{
    (void)state;
    assert_false(start(NULL, true, true));
    assert_addresses(4, "127.0.0.1:5050", "[::1]:5050");
}

static void test_one_family(void **state)
{
    (void)state;
    assert_true(start(NULL, true, false));
    assert_addresses(2, "127.0.0.1:5050", "127.0.0.1:5050");
    assert_int_equal(options.listeners[0].proto, WEIR_TCP);
    assert_int_equal(options.listeners[1].proto, WEIR_UDP);
    assert_non_null(strstr(line, "no loopback address ::1, so weir listens on 127.0.0.1 only"));
    assert_true(start(NULL, false, true));
    assert_addresses(2, "[::1]:5050", "[::1]:5050");
    assert_non_null(strstr(line, "no loopback address 127.0.0.1, so weir listens on ::1 only"));
}

/* The start then fails with the system's error, which is better than a server without listeners. */
static void test_no_family(void **state)
{
    (void)state;
    assert_false(start(NULL, false, false));
    assert_int_equal(options.listeners_count, 4);
}

static void test_a_named_listener_stays(void **state)
{
    char option[] = "--tcp=[::1]:5050";

    (void)state;
    assert_false(start(option, true, false));
    assert_addresses(1, "[::1]:5050", "[::1]:5050");
    assert_false(loopback_how_to_open(&options, line, sizeof line));
}

static void test_the_options_that_open_it(void **state)
{
    char codec[] = "--codec=line";

    (void)state;
    start(NULL, true, false);
    assert_true(loopback_how_to_open(&options, line, sizeof line));
    assert_non_null(strstr(line, " add: --tcp 5050 --udp 5050"));
    start(codec, true, true);
    assert_true(loopback_how_to_open(&options, line, sizeof line));
    assert_string_equal(strstr(line, " add:"), " add: --tcp 5050");
}

static int forget_options(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_one_family),
        cmocka_unit_test(test_no_family),
        cmocka_unit_test(test_a_named_listener_stays),
        cmocka_unit_test(test_the_options_that_open_it),
    };

    return cmocka_run_group_tests(tests, NULL, forget_options);
}
