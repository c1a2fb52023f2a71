/* SPDX-License-Identifier: MIT */
/* input.h - reads stdin, and whole files. Input that cannot be read is an error, and never the end
 * of the input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

/* Waits for at least one byte of stdin. *length is the number of bytes read; 0 at the end of the
 * input. Returns false after printing on stderr why stdin cannot be read: the command ends with
 * EXIT_CODE_IO. */
bool input_read(void *bytes, size_t size, size_t *length);

/* Reads a file, a pipe or a device to its end. Returns the bytes, which belong to the arena, and
 * their number. Null: `why` says in one line why there are none. */
char *input_read_file(const char *path, size_t bytes_max, size_t *length, struct arena *arena,
                      char *why, size_t why_bytes);

#endif
