/* SPDX-License-Identifier: MIT */
/* output_file.h - writes a file that an option names, such as --port-file. The only way by which
 * the program makes files.
 *
 * A file appears whole or not at all: it is written under a unique name in the same folder, then
 * renamed. A symlink stays, and its target is replaced. A device, FIFO, socket or open stream
 * (/dev/stdout, /dev/fd/3) is only written. A file in a folder that cannot be written, or that is a
 * mount point, is emptied and then written. Used by one thread. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "failure.h"
#include "os_target.h"

struct output_file {
    const char *option; /* without dashes: "port-file"; null: not in use, and every call succeeds */
    const char *name;   /* as the user wrote it */
    uint32_t patience_ms;
    struct os_target target;
    char why[FAILURE_BYTES]; /* the reason of the last failure, one line */
};

/* Removes the file of an earlier run, which a reader could mistake for the new one, and checks that
 * it can be written. `patience_ms` is how long this call and the next one wait for other programs
 * that have it open, or that shall read it. Returns false: see output->why. */
bool output_file_open(struct output_file *output, const char *option, const char *name,
                      uint32_t patience_ms, struct arena *arena);

/* Writes all bytes, with LF as the end of a line on every system. Returns false: see output->why.
 * There is no file then, and no part of one. */
bool output_file_write(struct output_file *output, const char *bytes, size_t length);

/* Ends the use of the file, which stays. */
void output_file_close(struct output_file *output);

/* Ends the use of the file, and removes what output_file_write() has made. */
void output_file_discard(struct output_file *output);

#endif
