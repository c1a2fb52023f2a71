/* SPDX-License-Identifier: MIT */
/* test_json_read.c - which texts are JSON, and the values in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "json_read.h"

static struct json_read_value values[64];
static struct json_read json = {.values = values, .values_max = 64};

/* Reads a copy that ends where its memory does, so that the sanitizer finds a read past it. */
static bool test__read(const char *text)
{
    static char room[512];
    size_t length = strlen(text);
    char *copy = room + sizeof room - length;

    assert_true(length <= sizeof room);
    memcpy(copy, text, length);
    return json_read(&json, copy, length);
}

static void text_that_is_json_is_accepted(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-12.5e+3",
        "1E9",
        "\"\"",
        "[1,2,[3]]",
        "{\"a\":1,\"b\":[{}]}",
        "\t\r\n{ \"a\" : 1 , \"b\" : 2 }\n",
        "\"\\u00e9\\\"\"",
        "\"\xc3\xa9\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_true(test__read(texts[i]));
}

static void other_text_is_refused(void **state)
{
    static const char *const texts[] = {
        "",        " ",        "{",          "[",           "[1",        "[1,",   "[1,]", "[,1]",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",       "{\"a\" 1}", "[1 2]", "01",   "1.",
        ".5",      "-",        "1e",         "+1",          "nul",       "truE",  "tru",  "\"",
        "\"\\",    "\"\\x\"",  "\"\\u12\"",  "\"\\u12g4\"", "\"a\nb\"",  "1 2",   "[] x", "}",
        "]",       "[}",       "{]",         "{1:2}",       "'a'",       "NaN",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_false(test__read(texts[i]));
}

static void depth_and_count_are_limited(void **state)
{
    char text[2 * JSON_READ_DEPTH_MAX + 3] = "";

    (void)state;
    for (size_t i = 0; i < JSON_READ_DEPTH_MAX; i++) {
        text[i] = '[';
        text[2 * JSON_READ_DEPTH_MAX - 1 - i] = ']';
    }
    assert_true(test__read(text));
    memset(text, '[', JSON_READ_DEPTH_MAX + 1);
    memset(text + JSON_READ_DEPTH_MAX + 1, ']', JSON_READ_DEPTH_MAX + 1);
    assert_false(test__read(text));
    json.values_max = 3;
    assert_true(test__read("[1,2]"));
    assert_false(test__read("[1,2,3]"));
    assert_false(test__read("[1,2,\"\"]"));
    json.values_max = 0;
    assert_false(test__read("[]"));
    assert_false(test__read("1"));
    assert_false(test__read("null"));
    json.values_max = 64;
}

static void members_are_found_by_name(void **state)
{
    (void)state;
    assert_true(
        test__read("{\"a\":{\"b\":[1,2],\"deep\":7},\"b\":true,\"big\":18446744073709551615}"));
    assert_int_equal(
        json_read_u64(&json, json_read_member(&json, json_read_member(&json, 0, "a"), "deep"), 1),
        7);
    assert_true(json_read_is_true(&json, json_read_member(&json, 0, "b")));
    assert_true(json_read_u64(&json, json_read_member(&json, 0, "big"), 1) == UINT64_MAX);
    assert_int_equal(json_read_member(&json, 0, "deep"), JSON_READ_NONE);
    assert_int_equal(json_read_member(&json, 0, ""), JSON_READ_NONE);
    assert_int_equal(json_read_member(&json, 1, "a"), JSON_READ_NONE); /* a text */
    assert_int_equal(json_read_member(&json, JSON_READ_NONE, "a"), JSON_READ_NONE);
    assert_false(json_read_is_true(&json, JSON_READ_NONE));
}

static void arrays_are_read_one_after_the_other(void **state)
{
    uint64_t sum = 0;

    (void)state;
    assert_true(test__read("[1,[100],{\"x\":100},20,[]]"));
    for (uint32_t i = json_read_first(&json, 0); i != JSON_READ_NONE;
         i = json_read_next(&json, 0, i))
        sum += json_read_u64(&json, i, 1000);
    assert_int_equal(sum, 3021);
    assert_int_equal(json_read_first(&json, 1), JSON_READ_NONE); /* a number */
    assert_true(test__read("[]"));
    assert_int_equal(json_read_first(&json, 0), JSON_READ_NONE);
}

static void numbers_that_are_not_whole_are_something_else(void **state)
{
    static const char *const texts[] = {"-1",    "1.5", "1e3", "18446744073709551616",
                                        "\"1\"", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(test__read(texts[i]));
        assert_int_equal(json_read_u64(&json, 0, 77), 77);
    }
}

static void texts_lose_their_escapes(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ude00\\u0000\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"17", ""},
    };
    char text[64], small[5];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(test__read(cases[i].json));
        assert_string_equal(json_read_text(&json, 0, text, sizeof text), cases[i].text);
    }
    assert_string_equal(json_read_text(&json, JSON_READ_NONE, text, sizeof text), "");
    assert_true(test__read("\"abc\\u20acd\""));
    assert_string_equal(json_read_text(&json, 0, small, sizeof small), "abc");
    assert_true(test__read("\"abc\xc3\xa9\""));
    assert_string_equal(json_read_text(&json, 0, small, sizeof small), "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_json_is_accepted),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(depth_and_count_are_limited),
        cmocka_unit_test(members_are_found_by_name),
        cmocka_unit_test(arrays_are_read_one_after_the_other),
        cmocka_unit_test(numbers_that_are_not_whole_are_something_else),
        cmocka_unit_test(texts_lose_their_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
