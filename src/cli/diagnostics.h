/* SPDX-License-Identifier: MIT */
/* diagnostics.h - collects all errors of a command line and of a configuration file, one line
 * each. */
#ifndef CLI_DIAGNOSTICS_H
#define CLI_DIAGNOSTICS_H

#include <stddef.h>
#include <stdio.h>

#define DIAGNOSTICS_MAX 40          /* lines that are kept; further ones are only counted */
#define DIAGNOSTICS_LINE_BYTES 2048 /* a path of Windows has up to 780 bytes */

/* Starts as {0}. */
struct diagnostics {
    char lines[DIAGNOSTICS_MAX][DIAGNOSTICS_LINE_BYTES];
    size_t count;            /* may exceed DIAGNOSTICS_MAX */
    size_t unreadable_count; /* of these, how many are about another file that cannot be read */
    size_t setting_count;    /* of these, how many are about the configuration file */
    /* The position in the configuration file that the next lines are about; line 0: none. */
    const char *file;
    unsigned line, column;
    /* Of each line: its position, by which diagnostics_sort() sorts. */
    unsigned long long order[DIAGNOSTICS_MAX];
};

/* Adds the line that printf() would write, after "FILE:LINE:COLUMN: " if a position is set. Control
 * characters, which a word of the command line can contain, become question marks. */
void diagnostics_add(struct diagnostics *diagnostics, const char *format, ...);

/* Adds the line, likewise, about a file that cannot be read. If the configuration file names it,
 * that is a mistake there. */
void diagnostics_add_unreadable(struct diagnostics *diagnostics, const char *format, ...);

/* Sets the place of the next lines, until diagnostics_leave(). A file without a line is a position,
 * too: its line has the file alone. */
void diagnostics_enter(struct diagnostics *diagnostics, const char *file, unsigned line,
                       unsigned column);
void diagnostics_leave(struct diagnostics *diagnostics);

/* Sorts the lines by their positions; those without a position come first. */
void diagnostics_sort(struct diagnostics *diagnostics);

/* Returns the exit code for the lines: EXIT_CODE_IO if the command line itself is right,
 * EXIT_CODE_SETTING if only the configuration file is wrong. */
int diagnostics_exit_code(const struct diagnostics *diagnostics);

/* Prints each line, after "weir: " if it has no position: editors recognise FILE:LINE:COLUMN at its
 * begin. */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out);

#endif
