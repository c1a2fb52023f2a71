/* SPDX-License-Identifier: MIT */
/* utf8.c - cuts text to a size without leaving part of a character at its end. */
#include "utf8.h"

#include <stddef.h>
#include <string.h>

/* Returns how many bytes a character has that starts with this byte; 0: none starts with it. */
static size_t utf8__bytes(unsigned char first)
{
    if (first < 0x80) return 1;
    if ((first & 0xe0) == 0xc0) return 2;
    if ((first & 0xf0) == 0xe0) return 3;
    return (first & 0xf8) == 0xf0 ? 4 : 0;
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
