/* SPDX-License-Identifier: MIT */
/* page.c - text in a buffer, and bytes as text that no terminal obeys. */
#include "page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void page_add(struct page *page, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    int count = vsnprintf(page->bytes + page->used, page->size - page->used, format, values);
    va_end(values);
    if (count > 0) page->used += (size_t)count;
    if (page->used >= page->size) page->used = page->size - 1;
}

void page_repeat(struct page *page, char character, size_t count)
{
    for (; count > 0; count--) page_add(page, "%c", character);
}

void page_escape(struct page *page, const uint8_t *bytes, size_t length)
{
    static const char special[] = "\r\n\t\\\"", letters[] = "rnt\\\"";

    for (size_t i = 0; i < length; i++) {
        const char *found = bytes[i] == 0 ? NULL : strchr(special, bytes[i]);
        if (found)
            page_add(page, "\\%c", letters[found - special]);
        else if (bytes[i] >= 0x20 && bytes[i] < 0x7f)
            page_add(page, "%c", bytes[i]);
        else
            page_add(page, "\\x%02x", bytes[i]);
    }
}

static int page__hex(uint8_t letter)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = letter == 0 ? NULL : strchr(digits, letter);

    return found ? (int)((found - digits) % 16) : -1;
}

bool page_unescape(uint8_t *bytes, size_t *length)
{
    static const char letters[] = "rnt\\\"0", special[] = "\r\n\t\\\"";
    size_t to = 0;

    for (size_t at = 0; at < *length; at++) {
        if (bytes[at] != '\\') {
            bytes[to++] = bytes[at];
            continue;
        }
        if (++at == *length) return false;
        const char *found = bytes[at] == 0 ? NULL : strchr(letters, bytes[at]);
        if (found) {
            bytes[to++] = (uint8_t)special[found - letters];
            continue;
        }
        if (bytes[at] != 'x' || at + 2 >= *length) return false;
        int high = page__hex(bytes[at + 1]), low = page__hex(bytes[at + 2]);
        if (high < 0 || low < 0) return false;
        bytes[to++] = (uint8_t)(high * 16 + low);
        at += 2;
    }
    *length = to;
    return true;
}
