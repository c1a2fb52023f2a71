/* SPDX-License-Identifier: MIT */
/* keep.h - strings that the program makes and keeps: all of them live until keep_free(). */
#ifndef CLI_KEEP_H
#define CLI_KEEP_H

#include <stddef.h>

/* Starts as {0}. One thread's. */
struct keep {
    struct keep_block *blocks;
};

/* So many zeroed bytes, aligned for anything. Null: out of memory. */
void *keep_bytes(struct keep *keep, size_t bytes);

/* A copy of `length` bytes of text, and a terminator. Null: out of memory. */
char *keep_text(struct keep *keep, const char *text, size_t length);

/* What printf() would write. Null: out of memory. */
char *keep_format(struct keep *keep, const char *format, ...);

/* Frees them all; `keep` is as it was at its start. */
void keep_free(struct keep *keep);

#endif
