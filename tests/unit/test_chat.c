/* SPDX-License-Identifier: MIT */
/* test_chat.c - the lines, names and telnet commands of a chat, and the calendar of the handler
 * `time`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "chat_line.h"
#include "chat_names.h"
#include "daytime.h"
#include "telnet.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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

static void test_visible_text_is_kept(void **state)
{
    static const struct {
        const char *typed, *text;
    } lines[] = {
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"}, /* Hebrew */
        {"\xe2\x9d\xa4\xef\xb8\x8f!", "\xe2\x9d\xa4\xef\xb8\x8f!"}, /* heart, as an emoji */
        {"a\tb", "a b"},
        {"\xe3\x80\x80"
         "a\xc2\xa0"
         "b\xe2\x80\x83",
         "a b"},                          /* spaces of other widths */
        {"a            b", "a        b"}, /* cannot be moved to the next line of a terminal */
        {"a\r", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(read_text(lines[i].typed), CHAT_LINE_SAY);
        assert_string_equal(line.text, lines[i].text);
    }
    chat_line_read((const uint8_t *)"a\r\0", 3, &line); /* as telnet sends a lone CR */
    assert_string_equal(line.text, "a");
    assert_int_equal(read_text("\xe3\x80\x80\xc2\xa0"), CHAT_LINE_EMPTY);
}

static void test_hidden_characters_are_rejected(void **state)
{
    static const struct {
        const char *typed;
        uint32_t code_point;
        size_t character;
    } lines[] = {
        {"a\x1b[2Jb", 0x1b, 2},
        {"\x07", 7, 1},
        {"ab\x7f", 0x7f, 3},
        {"a\nb", '\n', 2},
        {"a\rb", '\r', 2},
        {"a\xc2\x9b[2Jb", 0x9b, 2}, /* a control sequence in one character */
        {"a\xc2\x85z", 0x85, 2},    /* next line */
        {"\xc3\xbc\xe2\x80\xaetxt.exe", 0x202e, 2},
        {"/me \xe2\x81\xa6x", 0x2066, 5},
        {"/name a\xe2\x80\x8b", 0x200b, 8},
        {"a\xe2\x80\x8d", 0x200d, 2},
        {"a\xe2\x80\x8f", 0x200f, 2},
        {"a\xe2\x80\xa8z", 0x2028, 2}, /* line separator */
        {"\xef\xbb\xbfhello", 0xfeff, 1},
        {"a\xc2\xad", 0xad, 2},
        {"\xe3\x85\xa4", 0x3164, 1},
        {"a\xf3\xa0\x81\x81", 0xe0041, 2},        /* tag */
        {"\xef\xb8\x8f", 0xfe0f, 1},              /* selects no character */
        {"a\xef\xb8\x8f\xef\xb8\x8f", 0xfe0f, 3}, /* a series hides text */
        {"a\xef\xb8\x80", 0xfe00, 2},
        {"a\xef\xbf\xbf", 0xffff, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(read_text(lines[i].typed), CHAT_LINE_HIDDEN);
        assert_int_equal(line.code_point, lines[i].code_point);
        assert_int_equal(line.character, lines[i].character);
        assert_string_equal(line.text, "");
    }
    chat_line_read((const uint8_t *)"a\0b", 3, &line);
    assert_int_equal(line.kind, CHAT_LINE_HIDDEN);
}

static void test_invalid_utf8_is_rejected(void **state)
{
    static const char *const lines[] = {
        "a\xc0\xafz", /* overlong encoding */
        "a\xe0\x80\xafz",
        "a\xf0\x80\x80\xafz",
        "a\xed\xa0\x80z",     /* half of a surrogate pair */
        "a\xf4\x90\x80\x80z", /* beyond the last code point */
        "a\xe2\x82",          /* truncated */
        "a\xe2\x82z",
        "a\xff\x80z",
        "a\xfc", /* Latin-1 */
        "a\x80",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(read_text(lines[i]), CHAT_LINE_NOT_UTF8);
        assert_int_equal(line.character, 2);
    }
}

static void test_long_lines_are_reported(void **state)
{
    static uint8_t bytes[CHAT_LINE_BYTES_MAX + 1];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    chat_line_read(bytes, CHAT_LINE_CHARACTERS_MAX + 1, &line);
    assert_int_equal(line.kind, CHAT_LINE_TOO_LONG);
    chat_line_read(bytes, sizeof bytes, &line);
    assert_int_equal(line.kind, CHAT_LINE_TOO_LONG);
    chat_line_read(bytes, CHAT_LINE_CHARACTERS_MAX, &line);
    assert_int_equal(line.kind, CHAT_LINE_SAY);
    assert_int_equal(strlen(line.text), CHAT_LINE_CHARACTERS_MAX);
    for (size_t i = 0; i + 4 < sizeof bytes; i += 4) memcpy(bytes + i, "\xf0\x9f\x98\x80", 4);
    chat_line_read(bytes, CHAT_LINE_BYTES_MAX, &line); /* characters count, not bytes */
    assert_int_equal(line.kind, CHAT_LINE_SAY);
    assert_int_equal(strlen(line.text), CHAT_LINE_BYTES_MAX);
    chat_line_read(NULL, 0, &line);
    assert_int_equal(line.kind, CHAT_LINE_EMPTY);
}

/* ---- telnet ---- */

/* Feeds the bytes, and asserts which of them are data. */
static struct telnet_reply assert_data(struct telnet *telnet, const char *bytes, size_t length,
                                       const char *data)
{
    struct telnet_reply reply = {.length = 0};
    char got[2048];
    size_t used = 0;

    for (size_t i = 0; i < length; i++)
        if (telnet_take(telnet, (uint8_t)bytes[i], &reply)) got[used++] = bytes[i];
    got[used] = '\0';
    assert_string_equal(got, data);
    return reply;
}

#define TELNET(text, data) assert_data(&telnet, text, sizeof(text) - 1, data)

static void test_telnet_commands_are_removed(void **state)
{
    struct telnet telnet = {0};

    (void)state;
    assert_int_equal(TELNET("hello", "hello").length, 0);
    TELNET("a\xff\xff"
           "b",
           "a\xff"
           "b");
    TELNET("a\xff\xf4\xff\xf1"
           "b",
           "ab");                                     /* IP, NOP */
    TELNET("\xff\xfa\x1f\0\x50\0\n\xff\xf0hi", "hi"); /* NAWS: 80 columns, 10 rows */
    TELNET("\xff\xfa\x1f\xff\xff\0\xff\xf0hi", "hi"); /* IAC IAC inside */
    TELNET("\xff", "");
    TELNET("\xfa\x18", "");
    TELNET("\0xterm\xff", "");
    TELNET("\xf0"
           "x",
           "x");
    assert_int_equal(telnet.state, TELNET_DATA);
    assert_int_equal(TELNET("\xff\xfc\x01\xff\xfe\x03", "").length, 0); /* WONT, DONT */
    struct telnet_reply reply = TELNET("\xff\xfb\x1f"
                                       "a\xff\xfd\x06"
                                       "b",
                                       "ab");
    assert_int_equal(reply.length, 6);
    assert_memory_equal(reply.bytes, "\xff\xfe\x1f\xff\xfc\x06", 6); /* DONT NAWS, WONT TM */
}

static void test_telnet_is_bounded(void **state)
{
    struct telnet telnet = {0};
    struct telnet_reply reply = {.length = 0};
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        telnet_take(&telnet, 0xff, &reply);
        telnet_take(&telnet, 0xfd, &reply);
        telnet_take(&telnet, 1, &reply);
    }
    assert_int_equal(reply.length, TELNET_REPLY_BYTES_MAX);
    TELNET("\xff\xfa", ""); /* also typed in Latin-1: it must not swallow everything */
    while (!telnet_take(&telnet, 'x', &reply)) taken++;
    assert_int_equal(taken, TELNET_SUBNEGOTIATION_BYTES_MAX);
}

/* ---- names ---- */

static void test_names_that_look_alike(void **state)
{
    (void)state;
    assert_true(chat_names_are_alike("paypal", "PayPaI"));
    assert_true(chat_names_are_alike("l0l", "1o1"));
    assert_false(chat_names_are_alike("ada", "ada_"));
    assert_false(chat_names_are_alike("ada", "adb"));
    assert_false(chat_names_are_alike("", "a"));
}

/* Names have the same key exactly if they look alike. */
static void test_keys_of_names(void **state)
{
    static const char *const names[] = {"ada",
                                        "ADA",
                                        "Ada",
                                        "adb",
                                        "a",
                                        "b0b",
                                        "BoB",
                                        "bob0",
                                        "bobO",
                                        "l1iI0oO",
                                        "iiiiooo",
                                        "iiiioo",
                                        "a-b",
                                        "a.b",
                                        "123456789012345678901234",
                                        "i23456789oi2345678901234"};
    char one[CHAT_NAMES_KEY_BYTES], two[CHAT_NAMES_KEY_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t j = 0; j < COUNT(names); j++) {
            bool alike = chat_names_are_alike(names[i], names[j]);
            int order = strcmp(chat_names_key(names[i], one), chat_names_key(names[j], two));
            assert_int_equal(alike, order == 0);
        }
    assert_string_equal(chat_names_key("Ada0", one), "chat/adao");
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
        cmocka_unit_test(test_visible_text_is_kept),
        cmocka_unit_test(test_hidden_characters_are_rejected),
        cmocka_unit_test(test_invalid_utf8_is_rejected),
        cmocka_unit_test(test_long_lines_are_reported),
        cmocka_unit_test(test_telnet_commands_are_removed),
        cmocka_unit_test(test_telnet_is_bounded),
        cmocka_unit_test(test_names_that_look_alike),
        cmocka_unit_test(test_keys_of_names),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_calendar),
        cmocka_unit_test(test_the_handlers_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
