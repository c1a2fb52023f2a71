/* SPDX-License-Identifier: MIT */
/* test_chat.c - parsing a chat line, and the calendar of the handler `time`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "chat_line.h"
#include "daytime.h"

static struct chat_line line;

static enum chat_line_kind read_text(const char *text)
{
    chat_line_read((const uint8_t *)text, strlen(text), &line);
    return line.kind;
}

static void test_commands_and_text(void **state)
{
    static const struct {
        const char *typed;
        enum chat_line_kind kind;
        const char *text;
    } lines[] = {
        {"hello", CHAT_LINE_SAY, "hello"},
        {"  hello there \r\n", CHAT_LINE_SAY, "hello there"},
        {"", CHAT_LINE_EMPTY, ""},
        {" \r\n", CHAT_LINE_EMPTY, ""},
        {"/name ada", CHAT_LINE_NAME, "ada"},
        {"/nick   ada", CHAT_LINE_NAME, "ada"},
        {"/name", CHAT_LINE_NAME, ""},
        {"/join room", CHAT_LINE_JOIN, "room"},
        {"/me waves", CHAT_LINE_ME, "waves"},
        {"/help", CHAT_LINE_HELP, ""},
        {"/quit", CHAT_LINE_QUIT, ""},
        {"/quits", CHAT_LINE_UNKNOWN, "/quits"},
        {"/", CHAT_LINE_UNKNOWN, "/"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(read_text(lines[i].typed), lines[i].kind);
        assert_string_equal(line.text, lines[i].text);
    }
}

static void test_control_characters_are_replaced(void **state)
{
    static const struct {
        const char *typed, *text;
    } lines[] = {
        {"a\x1b[2Jb", "a?[2Jb"},
        {"a\x07\x7f\tb", "a?? b"},
        {"a\nb\rc", "a?b?c"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
                                                             "\xf0\x9f\x98\x80"},
        {"a\xc2\x9b[2Jb", "a??[2Jb"},     /* a control character of two bytes */
        {"a\xc0\xafz", "a??z"},           /* overlong encoding */
        {"a\xed\xa0\x80z", "a???z"},      /* half of a surrogate pair */
        {"a\xf4\x90\x80\x80z", "a????z"}, /* beyond the last code point */
        {"a\xe2\x82", "a??"},             /* truncated */
        {"a\xe2\x82z", "a??z"},
        {"a\xff\x80z", "a??z"},
    };
    char zero[] = "a\0b";

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(read_text(lines[i].typed), CHAT_LINE_SAY);
        assert_string_equal(line.text, lines[i].text);
    }
    chat_line_read((const uint8_t *)zero, 3, &line);
    assert_string_equal(line.text, "a?b");
}

static void test_long_lines_are_reported(void **state)
{
    static uint8_t bytes[CHAT_LINE_BYTES_MAX + 1];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    chat_line_read(bytes, sizeof bytes, &line);
    assert_int_equal(line.kind, CHAT_LINE_TOO_LONG);
    chat_line_read(bytes, sizeof bytes - 1, &line);
    assert_int_equal(line.kind, CHAT_LINE_SAY);
    assert_int_equal(strlen(line.text), CHAT_LINE_BYTES_MAX);
    chat_line_read(NULL, 0, &line);
    assert_int_equal(line.kind, CHAT_LINE_EMPTY);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(chat_line_is_name("ada"));
    assert_true(chat_line_is_name("A-da_1.2"));
    assert_true(chat_line_is_name("123456789012345678901234"));
    assert_false(chat_line_is_name("1234567890123456789012345"));
    assert_false(chat_line_is_name(""));
    assert_false(chat_line_is_name("a b"));
    assert_false(chat_line_is_name("a/b"));
    assert_false(chat_line_is_name("\xc3\xbc"));
}

static void test_the_calendar(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00Z"},          {-1, "1969-12-31T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},  {951868799, "2000-02-29T23:59:59Z"},
        {951868800, "2000-03-01T00:00:00Z"},  {1709251199, "2024-02-29T23:59:59Z"},
        {4107542400, "2100-03-01T00:00:00Z"}, /* 2100 has no 29 February */
        {1795794000, "2026-11-27T15:40:00Z"}, {INT64_MAX, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0001-01-01T00:00:00Z"},
    };
    char text[DAYTIME_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_string_equal(daytime_text(times[i].seconds, text), times[i].text);
}

static void test_the_handlers_are_listed(void **state)
{
    char names[128];

    (void)state;
    assert_string_equal(builtin_handler_names(names, sizeof names), "echo, discard, time, chat");
    assert_ptr_equal(builtin_handler("chat"), &handler_chat);
    assert_null(builtin_handler("talk"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_and_text),
        cmocka_unit_test(test_control_characters_are_replaced),
        cmocka_unit_test(test_long_lines_are_reported),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_calendar),
        cmocka_unit_test(test_the_handlers_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
