/* SPDX-License-Identifier: MIT */
/* shown.c - escapes, and hexadecimal digits both ways. */
#include "shown.h"

#include <string.h>

void shown_escape(const uint8_t *bytes, size_t length, FILE *out)
{
    static const char letters[] = "\nn\rr\tt\\\\";

    for (size_t i = 0; i < length; i++) {
        const char *letter = bytes[i] != 0 ? strchr(letters, bytes[i]) : NULL;
        if (letter && (letter - letters) % 2 == 0)
            fprintf(out, "\\%c", letter[1]);
        else if (bytes[i] < 0x20 || bytes[i] > 0x7e)
            fprintf(out, "\\x%02x", bytes[i]);
        else
            fputc(bytes[i], out);
    }
}

void shown_hex(const uint8_t *bytes, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) fprintf(out, "%02x", bytes[i]);
}

int shown_hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

size_t shown_read_hex(const char *text, size_t length, uint8_t *bytes)
{
    size_t count = 0;

    for (size_t i = 0; i < length;) {
        if (text[i] == ' ' || text[i] == '\t') {
            i++;
            continue;
        }
        int high = shown_hex_digit(text[i]),
            low = i + 1 < length ? shown_hex_digit(text[i + 1]) : -1;
        if (high < 0 || low < 0) return SHOWN_BAD;
        bytes[count++] = (uint8_t)(high * 16 + low);
        i += 2;
    }
    return count;
}
