/* SPDX-License-Identifier: MIT */
/* error_fill.h - filling a struct weir_error where the failure happened, and the system's own names
 * for its numbers. */
#ifndef BASE_ERROR_FILL_H
#define BASE_ERROR_FILL_H

#include <weir/error.h>

/* Fills *error and returns `code`, so that a failing call is one statement. `subject`, `reason` and
 * `hint` may be null; `error` may be null where nobody wants to know. */
enum weir_code error_fill(struct weir_error *error, enum weir_code code, int os_error,
                          const char *operation, const char *subject, const char *reason,
                          const char *hint);

/* The system's name of its error number, "EADDRINUSE"; a number it does not know is written as
 * such. */
const char *error_os_name(int os_error, char *text, size_t size);

/* The portable code for the system's error number. One table a system. */
enum weir_code error_code_of_os(int os_error);

#endif
