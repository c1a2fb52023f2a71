/* SPDX-License-Identifier: MIT */
/* failure.h - the one line for a stream or file that cannot be read or written. */
#ifndef CLI_FAILURE_H
#define CLI_FAILURE_H

#include <stddef.h>

#define FAILURE_BYTES 640

/* Writes "WHAT: CAUSE; ADVICE". The cause is the system's text for the error number. `advice` is
 * used if the error number suggests none; null: none. Returns `text`, which is one line. */
char *failure_text(const char *what, int os_error, const char *advice, char *text, size_t size);

#endif
