/* SPDX-License-Identifier: MIT */
/* diagnostics.h - collects all errors of a command line, one line each. */
#ifndef CLI_DIAGNOSTICS_H
#define CLI_DIAGNOSTICS_H

#include <stddef.h>
#include <stdio.h>

#define DIAGNOSTICS_MAX 20 /* lines that are kept; further ones are only counted */
#define DIAGNOSTICS_LINE_BYTES 320

/* Starts as {0}. */
struct diagnostics {
    char lines[DIAGNOSTICS_MAX][DIAGNOSTICS_LINE_BYTES];
    size_t count;            /* may exceed DIAGNOSTICS_MAX */
    size_t unreadable_count; /* of these, how many are about a file that cannot be read */
};

/* Adds the line that printf() would write. Control characters, which a word of the command line can
 * contain, become question marks. */
void diagnostics_add(struct diagnostics *diagnostics, const char *format, ...);

/* Adds the line, likewise, about a file that cannot be read. */
void diagnostics_add_unreadable(struct diagnostics *diagnostics, const char *format, ...);

/* Returns the exit code for the lines: EXIT_CODE_IO if the command line itself is right. */
int diagnostics_exit_code(const struct diagnostics *diagnostics);

/* Prints each line after "weir: ". */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out);

#endif
