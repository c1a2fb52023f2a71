/* SPDX-License-Identifier: MIT */
/* test_log.c - the text of log lines: cut between two characters, without control characters, and
 * with the number of suppressed events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "log_limited.h"
#include "utf8.h"

static char logged[LOG_LINE_BYTES];
static uint32_t logged_count;

static void note_line(void *user, int level, const char *line)
{
    (void)user, (void)level;
    snprintf(logged, sizeof logged, "%s", line);
    logged_count++;
}

static const struct log noted = {.write = note_line};

static void assert_trimmed(const char *text, const char *wanted)
{
    char copy[32];

    snprintf(copy, sizeof copy, "%s", text);
    utf8_trim(copy);
    assert_string_equal(copy, wanted);
}

static void only_incomplete_characters_are_removed(void **state)
{
    (void)state;
    assert_trimmed("", "");
    assert_trimmed("a", "a");
    assert_trimmed("a\xc3\xa4", "a\xc3\xa4");
    assert_trimmed("a\xc3", "a");
    assert_trimmed("\xe2\x82\xac", "\xe2\x82\xac");
    assert_trimmed("a\xe2\x82", "a");
    assert_trimmed("a\xe2", "a");
    assert_trimmed("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
    assert_trimmed("\xf0\x9f\x98", "");
    /* Bytes that are not UTF-8: */
    assert_trimmed("a\xff", "a\xff");
    assert_trimmed("a\x80\x80\x80\x80", "a\x80\x80\x80\x80");
    assert_trimmed("\x80", "\x80");
}

/* Fills a text with characters of four bytes, shifted by `before` bytes. */
static void fill(char *text, size_t size, size_t before)
{
    memset(text, 'a', before);
    for (size_t at = before; at + 4 < size; at += 4) memcpy(text + at, "\xf0\x9f\x98\x80", 5);
}

static void a_long_line_is_cut_between_characters(void **state)
{
    char text[2 * LOG_LINE_BYTES];

    (void)state;
    for (size_t before = 0; before < 4; before++) {
        struct log_limited limited = {0};
        fill(text, sizeof text, before);
        log_line(&noted, 0, "%s", text);
        assert_int_equal(strlen(logged) % 4, before);
        assert_in_range(strlen(logged), LOG_LINE_BYTES - 4, LOG_LINE_BYTES - 1);
        log_limited(&limited, &noted, 0, 0, "%s", text);
        assert_int_equal(strlen(logged) % 4, before);
    }
    log_line(&noted, 0, "one\ntwo\x1b");
    assert_string_equal(logged, "one?two?");
}

static void a_long_line_keeps_the_number_of_suppressed_events(void **state)
{
    const char suffix[] = "; 18446744073709551615 more not logged";
    char text[2 * LOG_LINE_BYTES];
    struct log_limited limited = {.logged = true, .suppressed = UINT64_MAX - 1};

    (void)state;
    fill(text, sizeof text, 0);
    logged_count = 0;
    log_limited(&limited, &noted, 0, 0, "%s", text);
    assert_int_equal(logged_count, 0);
    log_limited(&limited, &noted, 1000, 0, "%s", text);
    assert_int_equal(logged_count, 1);
    assert_string_equal(logged + strlen(logged) - strlen(suffix), suffix);
}

static void without_a_log_nothing_is_called(void **state)
{
    const struct log none = {0};

    (void)state;
    log_line(&none, 0, "nothing");
}

static void muted_levels_are_not_written(void **state)
{
    const struct log log = {.write = note_line, .muted_count = 2}, none = {.write = NULL};

    (void)state;
    logged_count = 0;
    log_line(&log, WEIR_LOG_ERROR, "error");
    log_line(&log, WEIR_LOG_WARNING, "warning");
    log_line(&log, WEIR_LOG_INFO, "info");
    log_line(&log, WEIR_LOG_DETAIL, "detail");
    log_line(&none, WEIR_LOG_ERROR, "error");
    assert_int_equal(logged_count, 2);
    assert_string_equal(logged, "warning");
    assert_true(log_shows(&noted, WEIR_LOG_DETAIL));
    assert_false(log_shows(&log, WEIR_LOG_INFO));
    assert_false(log_shows(&none, WEIR_LOG_ERROR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(muted_levels_are_not_written),
        cmocka_unit_test(only_incomplete_characters_are_removed),
        cmocka_unit_test(a_long_line_is_cut_between_characters),
        cmocka_unit_test(a_long_line_keeps_the_number_of_suppressed_events),
        cmocka_unit_test(without_a_log_nothing_is_called),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
