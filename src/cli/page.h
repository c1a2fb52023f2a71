/* SPDX-License-Identifier: MIT */
/* page.h - text that grows in a buffer of its owner's, and is cut where that ends. */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts with `bytes` and `size` set and the rest 0; always ends in a zero byte once added to. */
struct page {
    char *bytes;
    size_t size, used;
};

/* Adds what printf() would write. */
void page_add(struct page *page, const char *format, ...)
#if defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc's own printf would be that of its system */
    __attribute__((format(gnu_printf, 2, 3)))
#endif
    ;

/* Adds the character so many times. */
void page_repeat(struct page *page, char character, size_t count);

/* Adds the bytes as text: what is printable as it is, the rest as \n, \\, \" or \xHH. */
void page_escape(struct page *page, const uint8_t *bytes, size_t length);

/* Reads such a text in place. False: a backslash is followed by what it cannot be. */
bool page_unescape(uint8_t *bytes, size_t *length);

#endif
