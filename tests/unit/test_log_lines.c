/* SPDX-License-Identifier: MIT */
/* test_log_lines.c - lines of the log in each format, folded repetitions, JSON strings, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "json_escape.h"
#include "log_fold.h"
#include "log_format.h"
#include "utc_time.h"

static void test__time_is(int64_t unix_ms, const char *expected)
{
    char text[UTC_TIME_BYTES];

    assert_string_equal(utc_time_text(unix_ms, text), expected);
}

static void a_time_is_a_date_of_the_calendar(void **state)
{
    (void)state;
    test__time_is(0, "1970-01-01T00:00:00.000Z");
    test__time_is(951782399999, "2000-02-28T23:59:59.999Z");
    test__time_is(951782400000, "2000-02-29T00:00:00.000Z");
    test__time_is(4107542400000, "2100-03-01T00:00:00.000Z"); /* 2100 is no leap year */
    test__time_is(253402300799999, "9999-12-31T23:59:59.999Z");
    test__time_is(INT64_MAX, "9999-12-31T23:59:59.999Z");
    test__time_is(-1, "1970-01-01T00:00:00.000Z");
}

/* The C library is the second opinion, for each day of four centuries. */
static void every_day_is_the_one_of_the_c_library(void **state)
{
    char text[UTC_TIME_BYTES], expected[UTC_TIME_BYTES];

    (void)state;
    for (int64_t day = 0; day < 146097; day++) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.007Z", gmtime(&seconds));
        assert_string_equal(utc_time_text((int64_t)seconds * 1000 + 7, text), expected);
    }
}

static void test__json_is(const char *text, const char *expected)
{
    char json[64];

    assert_int_equal(json_escape(text, json, sizeof json), strlen(expected));
    assert_string_equal(json, expected);
}

static void text_becomes_a_json_string(void **state)
{
    (void)state;
    test__json_is("", "");
    test__json_is("plain text: 1/2", "plain text: 1/2");
    test__json_is("\"quoted\\", "\\\"quoted\\\\");
    test__json_is("\r\n\t\b\f\x1b\x01\x7f", "\\r\\n\\t\\b\\f\\u001b\\u0001\\u007f");
    test__json_is("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
    test__json_is("a\xff"
                  "b\xc3",
                  "a\xef\xbf\xbd"
                  "b\xef\xbf\xbd");
    test__json_is("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
}

/* At every size: whole characters, and no escape that is cut. */
static void json_is_cut_between_characters(void **state)
{
    static const char text[] = "a\n\xc3\xbc\x1b\"", json[] = "a\\n\xc3\xbc\\u001b\\\"";
    static const size_t ends[] = {0, 1, 3, 5, 11, 13};
    char cut[sizeof json + 4];

    (void)state;
    for (size_t size = 1; size <= sizeof json; size++) {
        size_t expected = 0;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
            if (ends[i] < size) expected = ends[i];
        memset(cut, 'x', sizeof cut);
        assert_int_equal(json_escape(text, cut, size), expected);
        assert_memory_equal(cut, json, expected);
        assert_int_equal(cut[expected], '\0');
        assert_int_equal(cut[size], 'x');
    }
}

static void test__line_is(const struct log_format *format, bool is_plain, const char *expected)
{
    char line[LOG_FORMAT_LINE_BYTES];

    log_format_line(format, WEIR_LOG_WARNING, is_plain, 1796052482123, "say \"hi\"", line);
    assert_string_equal(line, expected);
}

static void each_format_has_level_and_text(void **state)
{
    (void)state;
    test__line_is(&(struct log_format){.has_name = true}, false, "weir: warning: say \"hi\"\n");
    test__line_is(&(struct log_format){.has_name = true}, true, "weir: say \"hi\"\n");
    test__line_is(&(struct log_format){.has_time = true}, false,
                  "2026-11-30T15:28:02.123Z warning: say \"hi\"\n");
    test__line_is(&(struct log_format){.has_priority = true}, false, "<4>warning: say \"hi\"\n");
    test__line_is(&(struct log_format){.kind = LOG_FORMAT_LOGFMT}, false,
                  "time=2026-11-30T15:28:02.123Z level=warning msg=\"say \\\"hi\\\"\"\n");
    test__line_is(&(struct log_format){.kind = LOG_FORMAT_JSON, .has_priority = true}, true,
                  "<4>{\"time\":\"2026-11-30T15:28:02.123Z\",\"level\":\"warning\","
                  "\"msg\":\"say \\\"hi\\\"\"}\n");
}

static void each_level_has_a_word_and_a_priority(void **state)
{
    static const char *const beginnings[] = {
        "<3>error: ", "<4>warning: ", "<6>info: ", "<7>detail: ", "<7>trace: "};
    const struct log_format format = {.has_priority = true};
    char line[LOG_FORMAT_LINE_BYTES];

    (void)state;
    for (int level = WEIR_LOG_ERROR; level <= WEIR_LOG_TRACE; level++) {
        log_format_line(&format, (enum weir_log_level)level, false, 0, "", line);
        assert_memory_equal(line, beginnings[level], strlen(beginnings[level]));
    }
}

static void a_long_text_is_cut_and_the_line_is_whole(void **state)
{
    static char text[3 * LOG_FORMAT_LINE_BYTES];
    char line[LOG_FORMAT_LINE_BYTES];

    (void)state;
    memset(text, '"', sizeof text - 1);
    for (int kind = LOG_FORMAT_TEXT; kind <= LOG_FORMAT_JSON; kind++) {
        log_format_line(&(struct log_format){.kind = (enum log_format_kind)kind}, WEIR_LOG_ERROR,
                        false, 0, text, line);
        size_t length = strlen(line);
        assert_in_range(length, LOG_FORMAT_LINE_BYTES - 8, LOG_FORMAT_LINE_BYTES - 1);
        const char *end = kind == LOG_FORMAT_JSON     ? "\"}\n"
                          : kind == LOG_FORMAT_LOGFMT ? "\"\n"
                                                      : "\n";
        assert_string_equal(line + length - strlen(end), end);
    }
}

/* Adds a line; returns the note, and whether the line is written. */
static bool test__fold(struct log_fold *fold, const char *text, int64_t unix_ms,
                       const char *expected_note)
{
    char note[LOG_FOLD_NOTE_BYTES];
    enum weir_log_level level;
    bool is_written = log_fold_add(fold, WEIR_LOG_WARNING, text, unix_ms, note, &level);

    assert_string_equal(note, expected_note);
    return is_written;
}

static void repeated_lines_are_counted(void **state)
{
    static const char first[] = "the line before is repeated; further repetitions are counted";
    struct log_fold fold = {0};
    char note[LOG_FOLD_NOTE_BYTES];
    enum weir_log_level level;

    (void)state;
    assert_true(test__fold(&fold, "a", 0, ""));
    assert_true(test__fold(&fold, "b", 1, ""));
    assert_false(test__fold(&fold, "b", 2, first));
    assert_true(test__fold(&fold, "a", 3, "")); /* the only repetition was noted */
    assert_false(test__fold(&fold, "a", 4, first));
    assert_false(test__fold(&fold, "a", 5, ""));
    assert_false(
        test__fold(&fold, "a", 4 + LOG_FOLD_PERIOD_MS, "the line before was repeated 3 times"));
    assert_false(test__fold(&fold, "a", 5 + LOG_FOLD_PERIOD_MS, ""));
    assert_true(
        test__fold(&fold, "c", 6 + LOG_FOLD_PERIOD_MS, "the line before was repeated 4 times"));
    log_fold_end(&fold, note, &level);
    assert_string_equal(note, "");
    assert_true(test__fold(&fold, "c", 7, "")); /* nothing is remembered after the end */
}

static void lines_of_other_levels_and_long_lines_are_not_folded(void **state)
{
    static char text[LOG_FOLD_TEXT_BYTES + 1];
    struct log_fold fold = {0};
    char note[LOG_FOLD_NOTE_BYTES];
    enum weir_log_level level;

    (void)state;
    assert_true(test__fold(&fold, "a", 0, ""));
    assert_true(log_fold_add(&fold, WEIR_LOG_ERROR, "a", 0, note, &level));
    memset(text, 'x', sizeof text - 1);
    assert_true(test__fold(&fold, text, 0, ""));
    assert_true(test__fold(&fold, text, 0, ""));
    assert_true(test__fold(&fold, "", 0, ""));
    assert_true(test__fold(&fold, "", 0, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_a_date_of_the_calendar),
        cmocka_unit_test(every_day_is_the_one_of_the_c_library),
        cmocka_unit_test(text_becomes_a_json_string),
        cmocka_unit_test(json_is_cut_between_characters),
        cmocka_unit_test(each_format_has_level_and_text),
        cmocka_unit_test(each_level_has_a_word_and_a_priority),
        cmocka_unit_test(a_long_text_is_cut_and_the_line_is_whole),
        cmocka_unit_test(repeated_lines_are_counted),
        cmocka_unit_test(lines_of_other_levels_and_long_lines_are_not_folded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
