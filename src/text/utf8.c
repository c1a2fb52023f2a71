/* SPDX-License-Identifier: MIT */
/* utf8.c - characters of UTF-8 text, and cutting text without leaving part of a character. */
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

/* Returns how many bytes a character has that starts with this byte; 0: none starts with it. */
static size_t utf8__bytes(unsigned char first)
{
    if (first < 0x80) return 1;
    if ((first & 0xe0) == 0xc0) return 2;
    if ((first & 0xf0) == 0xe0) return 3;
    return (first & 0xf8) == 0xf0 ? 4 : 0;
}

/* Returns whether the code point is one, and not written in more bytes than it needs. */
static bool utf8__is_valid(uint32_t code_point, size_t length)
{
    static const uint32_t least[UTF8_BYTES_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
    bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;

    return code_point >= least[length] && code_point <= 0x10ffff && !is_surrogate;
}

size_t utf8_read(const uint8_t *bytes, size_t length, uint32_t *code_point)
{
    static const uint8_t first_bits[UTF8_BYTES_MAX + 1] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t count = length > 0 ? utf8__bytes(bytes[0]) : 0;

    if (count == 0 || count > length) return 0;
    *code_point = bytes[0] & first_bits[count];
    for (size_t i = 1; i < count; i++) {
        if ((bytes[i] & 0xc0) != 0x80) return 0;
        *code_point = *code_point << 6 | (bytes[i] & 0x3f);
    }
    return utf8__is_valid(*code_point, count) ? count : 0;
}

void utf8_trim(char *text)
{
    size_t length = strlen(text);

    for (size_t taken = 1; taken <= length && taken < 4; taken++) {
        unsigned char byte = (unsigned char)text[length - taken];
        if ((byte & 0xc0) == 0x80) continue; /* not the first byte of its character */
        if (utf8__bytes(byte) > taken) text[length - taken] = '\0';
        return;
    }
}
