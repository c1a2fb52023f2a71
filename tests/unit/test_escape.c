/* SPDX-License-Identifier: MIT */
/* test_escape.c - bytes as printable text and back, text that cannot be read, and hexadecimal
 * digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "escape.h"

static void test__byte_is(uint8_t byte, bool in_quotes, const char *expected)
{
    char text[ESCAPE_BYTES_MAX];

    assert_int_equal(escape_byte(byte, in_quotes, text), strlen(expected));
    assert_memory_equal(text, expected, strlen(expected));
}

static void a_byte_becomes_printable_text(void **state)
{
    (void)state;
    for (int in_quotes = 0; in_quotes < 2; in_quotes++) {
        test__byte_is('a', in_quotes, "a");
        test__byte_is(' ', in_quotes, " ");
        test__byte_is('~', in_quotes, "~");
        test__byte_is('\\', in_quotes, "\\\\");
        test__byte_is('\r', in_quotes, "\\r");
        test__byte_is('\n', in_quotes, "\\n");
        test__byte_is('\t', in_quotes, "\\t");
        test__byte_is(0, in_quotes, "\\x00");
        test__byte_is(0x1b, in_quotes, "\\x1b");
        test__byte_is(0x7f, in_quotes, "\\x7f");
        test__byte_is(0xff, in_quotes, "\\xff");
    }
    test__byte_is('"', false, "\"");
    test__byte_is('"', true, "\\\"");
}

static void every_byte_is_read_back(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++)
        for (int in_quotes = 0; in_quotes < 2; in_quotes++) {
            char text[ESCAPE_BYTES_MAX];
            uint8_t read = (uint8_t)~byte;
            size_t length = escape_byte((uint8_t)byte, in_quotes, text);
            for (size_t i = 0; i < length; i++) assert_in_range(text[i], 0x20, 0x7e);
            assert_int_equal(escape_read(text, length, &read), length);
            assert_int_equal(read, byte);
        }
}

static void no_escape_is_cut(void **state)
{
    static const uint8_t bytes[] = {'a', '\n', 1, 'b'}; /* a \n \x01 b: 1 + 2 + 4 + 1 */
    static const char *const expected[] = {"",     "a",    "a",         "a\\n",      "a\\n",
                                           "a\\n", "a\\n", "a\\n\\x01", "a\\n\\x01b"};
    char text[16];

    (void)state;
    for (size_t size = 1; size <= 9; size++) {
        memset(text, '#', sizeof text);
        assert_ptr_equal(escape_text(bytes, sizeof bytes, text, size), text);
        assert_string_equal(text, expected[size - 1]);
        assert_int_equal(text[size], '#'); /* nothing is written after the given size */
    }
    assert_string_equal(escape_text(bytes, 0, text, sizeof text), "");
    assert_string_equal(escape_text((const uint8_t *)"\"", 1, text, sizeof text), "\\\"");
}

static void an_escape_is_read_with_its_length(void **state)
{
    static const struct {
        const char *text;
        size_t taken;
        uint8_t byte;
    } cases[] = {
        {"abc", 1, 'a'},   {"\\r", 2, '\r'},   {"\\n.", 2, '\n'},  {"\\t", 2, '\t'},
        {"\\\\", 2, '\\'}, {"\\\"", 2, '"'},   {"\\0", 2, 0},      {"\\01", 2, 0},
        {"\\x41", 4, 'A'}, {"\\x4a1", 4, 'J'}, {"\\xFf", 4, 0xff}, {"\"", 1, '"'},
        {"\x80", 1, 0x80},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t byte = (uint8_t)~cases[i].byte;
        assert_int_equal(escape_read(cases[i].text, strlen(cases[i].text), &byte), cases[i].taken);
        assert_int_equal(byte, cases[i].byte);
    }
}

static void an_invalid_escape_is_not_read(void **state)
{
    static const char *const texts[] = {"",     "\\",    "\\q",   "\\R",   "\\x",
                                        "\\x4", "\\xg0", "\\x0g", "\\X41", "\\1"};
    uint8_t byte;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(escape_read(texts[i], strlen(texts[i]), &byte), 0);
    assert_int_equal(escape_read("\\x41", 3, &byte), 0); /* cut by its length, not by a NUL */
    assert_int_equal(escape_read("\\\0", 2, &byte), 0);
}

static void a_text_is_read_in_place(void **state)
{
    uint8_t text[] = "a\\n\\x00\\\\z", plain[] = "plain", wrong[] = "ab\\q";
    size_t length = sizeof text - 1, plain_length = 5, wrong_length = 4, none = 0;

    (void)state;
    assert_true(escape_read_text(text, &length));
    assert_int_equal(length, 5);
    assert_memory_equal(text, "a\n\0\\z", 5);
    assert_true(escape_read_text(plain, &plain_length));
    assert_int_equal(plain_length, 5);
    assert_memory_equal(plain, "plain", 5);
    assert_false(escape_read_text(wrong, &wrong_length));
    assert_true(escape_read_text(plain, &none));
    assert_int_equal(none, 0);
}

static void a_hexadecimal_digit_has_a_value(void **state)
{
    (void)state;
    for (int digit = 0; digit < 256; digit++) {
        int expected = -1;
        if (digit >= '0' && digit <= '9') expected = digit - '0';
        if (digit >= 'a' && digit <= 'f') expected = digit - 'a' + 10;
        if (digit >= 'A' && digit <= 'F') expected = digit - 'A' + 10;
        assert_int_equal(escape_hex_digit((char)digit), expected);
    }
}

static size_t test__read_hex(const char *text, uint8_t *bytes)
{
    return escape_read_hex(text, strlen(text), bytes);
}

static void pairs_of_digits_become_bytes(void **state)
{
    uint8_t bytes[8] = {0};

    (void)state;
    assert_int_equal(test__read_hex("00fF 7e\t\t01  ", bytes), 4);
    assert_memory_equal(bytes, "\x00\xff\x7e\x01", 4);
    assert_int_equal(test__read_hex("", bytes), 0);
    assert_int_equal(test__read_hex(" \t ", bytes), 0);
    assert_int_equal(escape_read_hex("4142", 2, bytes), 1);
}

static void other_text_is_not_read_as_hexadecimal(void **state)
{
    static const char *const texts[] = {"0", "0 0", "001", "0g", "g0", "00,11", "0x00", "00\n"};
    uint8_t bytes[8];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(test__read_hex(texts[i], bytes), ESCAPE_INVALID);
    assert_int_equal(escape_read_hex("4142", 3, bytes), ESCAPE_INVALID); /* cut by its length */
}

static void control_characters_of_a_line_are_replaced(void **state)
{
    char line[] = "a\x1b[1m\tb\x7f\n", above[] = "\x80\xff ~", empty[] = "";

    (void)state;
    escape_controls(line);
    assert_string_equal(line, "a?[1m?b??");
    escape_controls(above); /* bytes of UTF-8 stay */
    assert_string_equal(above, "\x80\xff ~");
    escape_controls(empty);
    assert_string_equal(empty, "");
}

static int format(char *line, size_t size, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    int length = escape_format(line, size, format, values);
    va_end(values);
    return length;
}

static void a_formatted_line_has_no_control_characters(void **state)
{
    char line[8];

    (void)state;
    assert_int_equal(format(line, sizeof line, "%s=%d", "a\n", 7), 4);
    assert_string_equal(line, "a?=7");
    assert_int_equal(format(line, sizeof line, "%s", "a\x1b and more"), 11);
    assert_string_equal(line, "a? and ");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_becomes_printable_text),
        cmocka_unit_test(every_byte_is_read_back),
        cmocka_unit_test(no_escape_is_cut),
        cmocka_unit_test(an_escape_is_read_with_its_length),
        cmocka_unit_test(an_invalid_escape_is_not_read),
        cmocka_unit_test(a_text_is_read_in_place),
        cmocka_unit_test(a_hexadecimal_digit_has_a_value),
        cmocka_unit_test(pairs_of_digits_become_bytes),
        cmocka_unit_test(other_text_is_not_read_as_hexadecimal),
        cmocka_unit_test(control_characters_of_a_line_are_replaced),
        cmocka_unit_test(a_formatted_line_has_no_control_characters),
    };

    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
