/* SPDX-License-Identifier: MIT */
/* os_input.h - reads stdin: a file, a pipe, a terminal or console, or nothing. One of
 * os_input_linux.c and os_input_windows.c is compiled. */
#ifndef CLI_OS_INPUT_H
#define CLI_OS_INPUT_H

#include <stddef.h>

/* Reads at least one byte from stdin, and waits for it. A Windows console gives UTF-8. Returns 0 at
 * the end of the input, or on an error: then *error is the system's number, otherwise 0. A closed
 * stdin is an error. Thread: one. */
size_t os_input_read(void *bytes, size_t size, int *error);

#endif
