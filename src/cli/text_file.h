/* SPDX-License-Identifier: MIT */
/* text_file.h - reads a text file that a user wrote, with any program, on any system. */
#ifndef CLI_TEXT_FILE_H
#define CLI_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "diagnostics.h"

#define TEXT_FILE_BYTES_MAX (16u << 20)

/* A text file that is being read line by line. */
struct text_file {
    const char *at, *end;
    unsigned line; /* number of the last line that was returned, from 1 */
};

/* Reads a file, FIFO or device to its end. Returns false after adding one diagnostic: the file
 * cannot be read, is longer than TEXT_FILE_BYTES_MAX, or is not UTF-8 or ASCII text. `label` is
 * the option that names the file, "--deny-file". The text belongs to the arena. */
bool text_file_read(struct text_file *file, const char *label, const char *path,
                    struct arena *arena, struct diagnostics *diagnostics);

/* Returns the next line and its length; null: there is none. LF, CR LF and CR end a line; the last
 * line can lack its end. A byte order mark before a line is skipped. */
const char *text_file_line(struct text_file *file, size_t *length);

/* Skips a byte order mark, for a reader of the whole text, which begins at file->at. */
void text_file_skip_mark(struct text_file *file);

#endif
