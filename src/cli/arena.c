/* SPDX-License-Identifier: MIT */
/* arena.c - a list of blocks that are freed together. The program does not see the library's
 * memory.h, so this is the only file of the program that calls the heap. */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    max_align_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_block *block;

    if (bytes > SIZE_MAX / 2) return NULL;
    block = calloc(1, sizeof *block +
                          bytes); /* tidy: allow memory - the program's only use of the heap */
    if (!block) return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    return block->bytes;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);

    if (copy) memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list values;
    char *text = NULL;

    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length >= 0) text = arena_alloc(arena, (size_t)length + 1);
    if (!text) return NULL;
    va_start(values, format);
    vsnprintf(text, (size_t)length + 1, format, values);
    va_end(values);
    return text;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block); /* tidy: allow memory - the program's only use of the heap */
    }
}
