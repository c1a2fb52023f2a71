/* SPDX-License-Identifier: MIT */
/* error_winsock.h - the error numbers of Windows: Winsock, Win32 and NTSTATUS. It uses plain
 * integers, so that code that depends on them compiles on every system. */
#ifndef BASE_ERROR_WINSOCK_H
#define BASE_ERROR_WINSOCK_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

/* Returns the Winsock number for a status, if there is one. A completion can report its failure as
 * a Winsock error, a Win32 error or an NTSTATUS (negative as an int32_t); the documentation does
 * not say which one. Returns unknown numbers and 0 unchanged. */
int error_winsock_of_status(int32_t status);

/* Returns the portable code for any of these numbers. */
enum weir_code error_winsock_code(int os_error);

/* Writes "WSAEADDRINUSE (10048)", or the number alone. Returns `text`. */
const char *error_winsock_name(int os_error, char *text, size_t size);

#endif
