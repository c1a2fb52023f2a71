/* SPDX-License-Identifier: MIT */
/* error_winsock.h - the error numbers of Windows: Winsock's, Win32's and NTSTATUS. Numbers alone,
 * so that what judges by them compiles anywhere. */
#ifndef BASE_ERROR_WINSOCK_H
#define BASE_ERROR_WINSOCK_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

/* One number for one thing: Winsock's own where there is one. A completion may name its failure as
 * Winsock, as Win32 or as an NTSTATUS (negative as an int32_t); which one is not documented. What
 * is not known stays as it is; 0 stays 0. */
int error_winsock_of_status(int32_t status);

/* The portable code for any of them. */
enum weir_code error_winsock_code(int os_error);

/* "WSAEADDRINUSE (10048)"; or the number alone. Returns `text`. */
const char *error_winsock_name(int os_error, char *text, size_t size);

#endif
