/* SPDX-License-Identifier: MIT */
/* keep.c - a list of blocks that are freed together. The only place where the program, which sees
 * no more of the library than its users do, asks for memory. */
#include "keep.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keep_block {
    struct keep_block *next;
    max_align_t bytes[];
};

void *keep_bytes(struct keep *keep, size_t bytes)
{
    struct keep_block *block;

    if (bytes > SIZE_MAX / 2) return NULL;
    block = calloc(1, sizeof *block + bytes); /* tidy: allow memory - the program's own door */
    if (!block) return NULL;
    block->next = keep->blocks;
    keep->blocks = block;
    return block->bytes;
}

char *keep_text(struct keep *keep, const char *text, size_t length)
{
    char *copy = keep_bytes(keep, length + 1);

    if (copy) memcpy(copy, text, length);
    return copy;
}

char *keep_format(struct keep *keep, const char *format, ...)
{
    va_list values;
    char *text = NULL;

    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length >= 0) text = keep_bytes(keep, (size_t)length + 1);
    if (!text) return NULL;
    va_start(values, format);
    vsnprintf(text, (size_t)length + 1, format, values);
    va_end(values);
    return text;
}

void keep_free(struct keep *keep)
{
    while (keep->blocks) {
        struct keep_block *block = keep->blocks;
        keep->blocks = block->next;
        free(block); /* tidy: allow memory - the program's own door */
    }
}
