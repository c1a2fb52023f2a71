/* SPDX-License-Identifier: MIT */
/* utf8_check.c - checks UTF-8 text that arrives in pieces. */
#include "utf8_check.h"

#include <string.h>

/* Takes the first byte of a character of three bytes. */
static bool utf8_check__three(struct utf8_check *check, uint8_t byte)
{
    check->missing = 2;
    if (byte == 0xe0) check->lowest = 0xa0;
    if (byte == 0xe0 || byte == 0xed) check->range = 0x20; /* overlong; surrogates */
    return true;
}

/* Takes the first byte of a character of four bytes. */
static bool utf8_check__four(struct utf8_check *check, uint8_t byte)
{
    if (byte > 0xf4) return false;
    check->missing = 3;
    if (byte == 0xf0) {
        check->lowest = 0x90;
        check->range = 0x30;
    }
    if (byte == 0xf4) check->range = 0x10; /* up to U+10FFFF */
    return true;
}

/* Takes the first byte of a character. */
static bool utf8_check__first(struct utf8_check *check, uint8_t byte)
{
    check->lowest = 0x80;
    check->range = 0x40;
    if (byte < 0x80) return true;
    if (byte < 0xc2) return false; /* a continuation byte, or an overlong form */
    if (byte < 0xe0) {
        check->missing = 1;
        return true;
    }
    return byte < 0xf0 ? utf8_check__three(check, byte) : utf8_check__four(check, byte);
}

/* Takes one byte. */
static bool utf8_check__byte(struct utf8_check *check, uint8_t byte)
{
    if (check->missing == 0) return utf8_check__first(check, byte);
    if ((uint8_t)(byte - check->lowest) >= check->range) return false;
    check->missing--;
    check->lowest = 0x80;
    check->range = 0x40;
    return true;
}

/* Returns how many bytes at the front are ASCII, in whole words. */
static size_t utf8_check__ascii(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    uint64_t word;

    while (length - at >= sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) break;
        at += sizeof word;
    }
    return at;
}

size_t utf8_check_continue(struct utf8_check *check, const uint8_t *bytes, size_t length)
{
    size_t at = 0;

    while (at < length) {
        if (check->missing == 0) {
            at += utf8_check__ascii(bytes + at, length - at);
            if (at == length) break;
        }
        if (!utf8_check__byte(check, bytes[at])) return at;
        at++;
    }
    return length;
}
