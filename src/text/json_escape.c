/* SPDX-License-Identifier: MIT */
/* json_escape.c - see json_escape.h. */
#include "json_escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "utf8_check.h"

/* The JSON of one character, or of a byte that is no character. */
struct json_escape__piece {
    char bytes[8];
    size_t length;
};

/* Returns the length of the character at the beginning of the text; 0: it is not valid UTF-8. */
static size_t json_escape__character(const uint8_t *text, size_t length)
{
    struct utf8_check check = {0};

    for (size_t i = 0; i < length; i++) {
        if (utf8_check_continue(&check, text + i, 1) == 0) return 0;
        if (utf8_check_is_whole(&check)) return i + 1;
    }
    return 0;
}

static struct json_escape__piece json_escape__ascii(unsigned character)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", after_backslash[] = "\"\\bfnrt";
    const char *found = memchr(escaped, (int)character, sizeof escaped - 1);
    struct json_escape__piece piece;
    int length;

    if (found)
        length =
            snprintf(piece.bytes, sizeof piece.bytes, "\\%c", after_backslash[found - escaped]);
    else if (character < 0x20 || character == 0x7f)
        length = snprintf(piece.bytes, sizeof piece.bytes, "\\u%04x", character);
    else
        length = snprintf(piece.bytes, sizeof piece.bytes, "%c", (int)character);
    piece.length = (size_t)length;
    return piece;
}

/* Takes the next character from the text, whose length was `length`. */
static struct json_escape__piece json_escape__take(const char **text, size_t *length)
{
    static const struct json_escape__piece replacement = {.bytes = "\xef\xbf\xbd", .length = 3};
    size_t taken = json_escape__character((const uint8_t *)*text, *length);
    struct json_escape__piece piece = replacement;

    if (taken == 1) {
        piece = json_escape__ascii((uint8_t) * *text);
    } else if (taken > 1) {
        memcpy(piece.bytes, *text, taken);
        piece.length = taken;
    }
    if (taken == 0) taken = 1;
    *text += taken;
    *length -= taken;
    return piece;
}

size_t json_escape(const char *text, char *json, size_t size)
{
    size_t length = strlen(text), used = 0;

    while (length > 0) {
        struct json_escape__piece piece = json_escape__take(&text, &length);
        if (piece.length >= size - used) break;
        memcpy(json + used, piece.bytes, piece.length);
        used += piece.length;
    }
    json[used] = '\0';
    return used;
}
