/* SPDX-License-Identifier: MIT */
/* mistakes.h - what is wrong with a command line: all of it, one line each. */
#ifndef CLI_MISTAKES_H
#define CLI_MISTAKES_H

#include <stddef.h>
#include <stdio.h>

#define MISTAKES_MAX 20 /* that are told; more are counted */
#define MISTAKES_LINE_BYTES 320

/* Starts as {0}. */
struct mistakes {
    char lines[MISTAKES_MAX][MISTAKES_LINE_BYTES];
    size_t count; /* may exceed MISTAKES_MAX */
};

/* Adds the line that printf() would write, in printable characters: a word of the command line may
 * hold anything. */
void mistakes_add(struct mistakes *mistakes, const char *format, ...);

/* Writes them, each behind "weir: ". */
void mistakes_print(const struct mistakes *mistakes, FILE *out);

/* Which of `count` words was probably meant by one of `length` bytes: the one that the fewest
 * typing mistakes make of it, if they are two at the most. Null: none. */
const char *mistakes_nearest(const char *word, size_t length, const char *const *words,
                             size_t count);

#endif
