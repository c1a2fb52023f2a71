/* SPDX-License-Identifier: MIT */
/* os_error.h - the system's text for its error numbers: errno on Linux; on Windows those of Win32
 * and Winsock. One of os_error_linux.c and os_error_windows.c is compiled. */
#ifndef CLI_OS_ERROR_H
#define CLI_OS_ERROR_H

#include <stddef.h>

#define OS_ERROR_TEXT_BYTES 192

/* Writes what the system says about the error number: "No space left on device (ENOSPC)". Returns
 * `text`. */
char *os_error_text(int os_error, char *text, size_t size);

/* Returns what the user can do about the error number, whatever failed; null: nothing special. */
const char *os_error_advice(int os_error);

#endif
