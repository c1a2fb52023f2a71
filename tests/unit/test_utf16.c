/* SPDX-License-Identifier: MIT */
/* test_utf16.c - UTF-8 to UTF-16 and back: every character, every cut, and everything that is not
 * a character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "utf16.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Writes the UTF-8 form of a character by the definition, independently of utf16.c. */
static size_t encode(uint32_t character, char *text)
{
    uint8_t *bytes = (uint8_t *)text;

    if (character < 0x80) {
        bytes[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (uint8_t)(0xc0 + character / 64);
        bytes[1] = (uint8_t)(0x80 + character % 64);
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (uint8_t)(0xe0 + character / 4096);
        bytes[1] = (uint8_t)(0x80 + character / 64 % 64);
        bytes[2] = (uint8_t)(0x80 + character % 64);
        return 3;
    }
    bytes[0] = (uint8_t)(0xf0 + character / 262144);
    bytes[1] = (uint8_t)(0x80 + character / 4096 % 64);
    bytes[2] = (uint8_t)(0x80 + character / 64 % 64);
    bytes[3] = (uint8_t)(0x80 + character % 64);
    return 4;
}

static void every_character_survives_both_ways(void **state)
{
    (void)state;
    for (uint32_t character = 0; character <= 0x10ffff; character++) {
        char text[4], back[6];
        uint16_t wide[4];
        if (character == 0xd800) character = 0xe000; /* surrogates are no characters */
        size_t length = encode(character, text);
        struct utf16_result there = utf16_from_utf8(text, length, wide);
        assert_int_equal(there.read, length);
        assert_int_equal(there.wrong, 0);
        assert_int_equal(there.written, character < 0x10000 ? 1 : 2);
        if (there.written == 1) assert_int_equal(wide[0], character);
        struct utf16_result here = utf16_to_utf8(wide, there.written, back);
        assert_int_equal(here.read, there.written);
        assert_int_equal(here.wrong, 0);
        assert_int_equal(here.written, length);
        assert_memory_equal(back, text, length);
    }
}

static void text_becomes_the_units_that_windows_uses(void **state)
{
    static const char text[] = "a\xc5\x81\xe6\x97\xa5\xf0\x9f\x98\x80";
    static const uint16_t expected[] = {'a', 0x141, 0x65e5, 0xd83d, 0xde00};
    uint16_t wide[sizeof text];

    (void)state;
    struct utf16_result result = utf16_from_utf8(text, sizeof text - 1, wide);
    assert_int_equal(result.written, COUNT(expected));
    assert_memory_equal(wide, expected, sizeof expected);
}

static void a_character_cut_at_the_end_is_left(void **state)
{
    static const char text[] = "\xf0\x9f\x98\x80";
    static const uint16_t pair[] = {0xd83d, 0xde00};
    uint16_t wide[4];
    char back[6];

    (void)state;
    for (size_t length = 1; length < 4; length++) {
        struct utf16_result result = utf16_from_utf8(text, length, wide);
        assert_int_equal(result.read, 0);
        assert_int_equal(result.written, 0);
        assert_int_equal(result.wrong, 0);
    }
    struct utf16_result result = utf16_to_utf8(pair, 1, back);
    assert_int_equal(result.read, 0);
    assert_int_equal(result.written, 0);
    assert_int_equal(result.wrong, 0);
}

static void each_wrong_byte_is_replaced_and_found(void **state)
{
    static const struct {
        const char *text;
        size_t length, wrong, written;
    } cases[] = {
        {"ab\xff", 3, 1, 3},
        {"ab\x80"
         "c",
         4, 1, 4},
        {"ab\xc0\xaf", 4, 2, 4},
        {"ab\xc1\xbf", 4, 2, 4}, /* overlong */
        {"ab\xe0\x80\xaf", 5, 3, 5},
        {"ab\xf0\x80\x80\xaf", 6, 4, 6},
        {"ab\xed\xa0\x80", 5, 3, 5},
        {"ab\xed\xbf\xbf", 5, 3, 5}, /* surrogates */
        {"ab\xf4\x90\x80\x80", 6, 4, 6},
        {"ab\xf5\x80\x80\x80", 6, 4, 6}, /* above U+10FFFF */
        {"ab\xe6\x97!", 5, 2, 5},
        {"ab\xc5!", 4, 1, 4}, /* cut by another character */
    };
    uint16_t wide[8];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct utf16_result result = utf16_from_utf8(cases[i].text, cases[i].length, wide);
        assert_int_equal(result.read, cases[i].length);
        assert_int_equal(result.wrong, cases[i].wrong);
        assert_int_equal(result.first_wrong, 2);
        assert_int_equal(result.written, cases[i].written);
        assert_int_equal(wide[2], UTF16_REPLACEMENT);
    }
}

static void each_lone_surrogate_is_replaced_and_found(void **state)
{
    static const uint16_t texts[][4] = {
        {'a', 0xd800, 'b', 'c'}, {'a', 0xdc00, 'b', 'c'}, {'a', 0xdfff, 0xd83d, 0xde00}};
    char text[12];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct utf16_result result = utf16_to_utf8(texts[i], 4, text);
        assert_int_equal(result.read, 4);
        assert_int_equal(result.wrong, 1);
        assert_int_equal(result.first_wrong, 1);
        assert_memory_equal(text, "a\xef\xbf\xbd", 4);
    }
    /* Two first halves: the second one is left, because its pair can follow. */
    static const uint16_t halves[] = {0xd800, 0xd800};
    struct utf16_result result = utf16_to_utf8(halves, 2, text);
    assert_int_equal(result.read, 1);
    assert_int_equal(result.wrong, 1);
}

/* The stated room suffices: the sanitizer finds a write behind it. */
static void the_output_fits_into_its_room(void **state)
{
    static const char worst_text[] = "\xff\xff\xff";
    static const uint16_t worst_wide[] = {0xffff, 0xd800, 0xffff, 0xdc00};

    (void)state;
    uint16_t *wide = test_malloc(3 * sizeof *wide);
    assert_int_equal(utf16_from_utf8(worst_text, 3, wide).written, 3);
    test_free(wide);
    char *text = test_malloc(12);
    assert_int_equal(utf16_to_utf8(worst_wide, 4, text).written, 12);
    test_free(text);
    assert_int_equal(utf16_from_utf8("", 0, NULL).written, 0);
    assert_int_equal(utf16_to_utf8(NULL, 0, NULL).written, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_survives_both_ways),
        cmocka_unit_test(text_becomes_the_units_that_windows_uses),
        cmocka_unit_test(a_character_cut_at_the_end_is_left),
        cmocka_unit_test(each_wrong_byte_is_replaced_and_found),
        cmocka_unit_test(each_lone_surrogate_is_replaced_and_found),
        cmocka_unit_test(the_output_fits_into_its_room),
    };

    return cmocka_run_group_tests_name("utf16", tests, NULL, NULL);
}
