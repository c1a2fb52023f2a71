/* SPDX-License-Identifier: MIT */
/* arena.h - allocates memory that is freed all together, by arena_free(). */
#ifndef CLI_ARENA_H
#define CLI_ARENA_H

#include <stddef.h>

/* Starts as {0}. Used by one thread. */
struct arena {
    struct arena_block *blocks;
};

/* Returns `bytes` zeroed bytes, aligned to max_align_t. Null: out of memory. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* Returns a copy of `length` bytes of text, followed by a NUL. Null: out of memory. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

/* Returns the text that printf() would write. Null: out of memory. */
char *arena_format(struct arena *arena, const char *format, ...);

/* Frees everything. The arena is empty and can be used again. */
void arena_free(struct arena *arena);

#endif
