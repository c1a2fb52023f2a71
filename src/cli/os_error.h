/* SPDX-License-Identifier: MIT */
/* os_error.h - the system's text for its error numbers. */
#ifndef CLI_OS_ERROR_H
#define CLI_OS_ERROR_H

#include <stddef.h>

/* Writes the system's text for an error number of the system (errno; on Windows a Win32 or Winsock
 * number) in one line of UTF-8: "Connection refused (ECONNREFUSED)", "No connection could be made
 * ... (error 10061)". It is never empty, and contains the number or its name. Returns `text`. */
char *os_error_text(int error, char *text, size_t size);

#endif
