/* SPDX-License-Identifier: MIT */
/* utf16.c - converts between UTF-8 and UTF-16, character by character. It accepts only the shortest
 * form of a character, and no surrogates in UTF-8, as the Unicode Standard requires. */
#include "utf16.h"

#include <stdbool.h>

#define UTF16__CHARACTER_MAX 0x10ffffu

/* What a reader found at the start of a text. */
enum utf16__found { UTF16__CHARACTER, UTF16__INCOMPLETE, UTF16__WRONG };

static void utf16__count_wrong(struct utf16_result *result)
{
    if (result->wrong++ == 0) result->first_wrong = result->read;
}

/* ---- from UTF-8 ---- */

/* Returns how many bytes a character has that starts with this byte; 0: none starts with it. */
static size_t utf16__bytes(uint8_t first)
{
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0; /* 0xc0 and 0xc1 start only overlong forms */
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static bool utf16__is_surrogate(uint32_t character)
{
    return character >= 0xd800 && character <= 0xdfff;
}

/* Reads one character, and sets the bytes that it has. */
static enum utf16__found utf16__read_utf8(const char *text, size_t left, uint32_t *character,
                                          size_t *bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint8_t first = (uint8_t)text[0];

    *bytes = utf16__bytes(first);
    *character = first & masks[*bytes];
    if (*bytes == 0) return UTF16__WRONG;
    for (size_t i = 1; i < *bytes; i++) {
        if (i == left) return UTF16__INCOMPLETE;
        if (((uint8_t)text[i] & 0xc0) != 0x80) return UTF16__WRONG;
        *character = *character << 6 | ((uint8_t)text[i] & 0x3f);
    }
    if (*character < least[*bytes] || *character > UTF16__CHARACTER_MAX ||
        utf16__is_surrogate(*character))
        return UTF16__WRONG;
    return UTF16__CHARACTER;
}

/* Writes one character. Returns how many units it has. */
static size_t utf16__write_units(uint32_t character, uint16_t *wide)
{
    if (character < 0x10000) {
        wide[0] = (uint16_t)character;
        return 1;
    }
    wide[0] = (uint16_t)(0xd800 + ((character - 0x10000) >> 10));
    wide[1] = (uint16_t)(0xdc00 + ((character - 0x10000) & 0x3ff));
    return 2;
}

struct utf16_result utf16_from_utf8(const char *text, size_t length, uint16_t *wide)
{
    struct utf16_result result = {0};

    while (result.read < length) {
        uint32_t character;
        size_t bytes;
        enum utf16__found found =
            utf16__read_utf8(text + result.read, length - result.read, &character, &bytes);
        if (found == UTF16__INCOMPLETE) break;
        if (found == UTF16__WRONG) {
            utf16__count_wrong(&result);
            character = UTF16_REPLACEMENT;
            bytes = 1;
        }
        result.written += utf16__write_units(character, wide + result.written);
        result.read += bytes;
    }
    return result;
}

/* ---- from UTF-16 ---- */

/* Reads one character, and sets the units that it has. */
static enum utf16__found utf16__read_units(const uint16_t *wide, size_t left, uint32_t *character,
                                           size_t *units)
{
    *units = 1;
    *character = wide[0];
    if (!utf16__is_surrogate(wide[0])) return UTF16__CHARACTER;
    if (wide[0] >= 0xdc00) return UTF16__WRONG; /* a second half comes first */
    if (left == 1) return UTF16__INCOMPLETE;
    if (wide[1] < 0xdc00 || wide[1] > 0xdfff) return UTF16__WRONG;
    *units = 2;
    *character = 0x10000 + ((uint32_t)(wide[0] - 0xd800) << 10) + (uint32_t)(wide[1] - 0xdc00);
    return UTF16__CHARACTER;
}

/* Writes one character. Returns how many bytes it has. */
static size_t utf16__write_utf8(uint32_t character, char *text)
{
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (size_t i = bytes - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    text[0] = (char)(marks[bytes] | character);
    return bytes;
}

struct utf16_result utf16_to_utf8(const uint16_t *wide, size_t length, char *text)
{
    struct utf16_result result = {0};

    while (result.read < length) {
        uint32_t character;
        size_t units;
        enum utf16__found found =
            utf16__read_units(wide + result.read, length - result.read, &character, &units);
        if (found == UTF16__INCOMPLETE) break;
        if (found == UTF16__WRONG) {
            utf16__count_wrong(&result);
            character = UTF16_REPLACEMENT;
        }
        result.written += utf16__write_utf8(character, text + result.written);
        result.read += units;
    }
    return result;
}
