/* SPDX-License-Identifier: MIT */
/* diagnostics.h - what is wrong with a command line: all of it, one line each. */
#ifndef CLI_DIAGNOSTICS_H
#define CLI_DIAGNOSTICS_H

#include <stddef.h>
#include <stdio.h>

#define DIAGNOSTICS_MAX 20 /* that are told; more are counted */
#define DIAGNOSTICS_LINE_BYTES 320

/* Starts as {0}. */
struct diagnostics {
    char lines[DIAGNOSTICS_MAX][DIAGNOSTICS_LINE_BYTES];
    size_t count; /* may exceed DIAGNOSTICS_MAX */
};

/* Adds the line that printf() would write, in printable characters: a word of the command line may
 * hold anything. */
void diagnostics_add(struct diagnostics *diagnostics, const char *format, ...);

/* Writes them, each behind "weir: ". */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out);

#endif
