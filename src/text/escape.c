/* SPDX-License-Identifier: MIT */
/* escape.c - converts bytes to escaped text and back. */
#include "escape.h"

#include <stdio.h>
#include <string.h>

/* The bytes with a short escape, and its character. The quote is last: it is escaped only
 * between quotes. NUL is written as \x00, and also read as \0. */
static const char escape__bytes[] = "\r\n\t\\\"";
static const char escape__codes[] = "rnt\\\"";

size_t escape_byte(uint8_t byte, bool in_quotes, char text[ESCAPE_BYTES_MAX])
{
    static const char digits[] = "0123456789abcdef";
    const char *found = byte == 0 ? NULL : strchr(escape__bytes, byte);

    if (byte == '"' && !in_quotes) found = NULL;
    if (!found && byte >= 0x20 && byte < 0x7f) {
        text[0] = (char)byte;
        return 1;
    }
    text[0] = '\\';
    if (found) {
        text[1] = escape__codes[found - escape__bytes];
        return 2;
    }
    text[1] = 'x';
    text[2] = digits[byte >> 4];
    text[3] = digits[byte & 15];
    return 4;
}

char *escape_text(const uint8_t *bytes, size_t length, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        char one[ESCAPE_BYTES_MAX];
        size_t count = escape_byte(bytes[i], true, one);
        if (count >= size - used) break;
        memcpy(text + used, one, count);
        used += count;
    }
    text[used] = '\0';
    return text;
}

int escape_hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;

    return found ? (int)((found - digits) % 16) : -1;
}

/* Reads two hexadecimal digits. Returns -1 if one of them is something else. */
static int escape__pair(const char *text)
{
    int high = escape_hex_digit(text[0]), low = high < 0 ? -1 : escape_hex_digit(text[1]);

    return low < 0 ? -1 : high * 16 + low;
}

size_t escape_read(const char *text, size_t length, uint8_t *byte)
{
    if (length == 0) return 0;
    *byte = (uint8_t)text[0];
    if (text[0] != '\\') return 1;
    if (length < 2) return 0;
    const char *found = text[1] != '\0' ? strchr(escape__codes, text[1]) : NULL;
    if (found) {
        *byte = (uint8_t)escape__bytes[found - escape__codes];
        return 2;
    }
    if (text[1] == '0') {
        *byte = 0;
        return 2;
    }
    int pair = text[1] == 'x' && length >= 4 ? escape__pair(text + 2) : -1;
    if (pair < 0) return 0;
    *byte = (uint8_t)pair;
    return 4;
}

bool escape_read_text(uint8_t *text, size_t *length)
{
    size_t used = 0;

    for (size_t at = 0; at < *length;) {
        uint8_t byte;
        size_t count = escape_read((const char *)text + at, *length - at, &byte);
        if (count == 0) return false;
        text[used++] = byte;
        at += count;
    }
    *length = used;
    return true;
}

size_t escape_read_hex(const char *text, size_t length, uint8_t *bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < length;) {
        if (text[i] == ' ' || text[i] == '\t') {
            i++;
            continue;
        }
        int pair = i + 1 < length ? escape__pair(text + i) : -1;
        if (pair < 0) return ESCAPE_INVALID;
        bytes[count++] = (uint8_t)pair;
        i += 2;
    }
    return count;
}

void escape_controls(char *line)
{
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f) *line = '?';
}

int escape_format(char *line, size_t size, const char *format, va_list values)
{
    int length = vsnprintf(line, size, format, values);

    escape_controls(line);
    return length;
}
