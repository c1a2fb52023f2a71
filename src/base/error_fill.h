/* SPDX-License-Identifier: MIT */
/* error_fill.h - fills in a struct weir_error where a failure occurs, and names the system's error
 * numbers. */
#ifndef BASE_ERROR_FILL_H
#define BASE_ERROR_FILL_H

#include <weir/error.h>

/* Fills in *error and returns `code`, so that a failing call is one statement. `subject`, `reason`,
 * `hint` and `error` may be null. */
enum weir_code error_fill(struct weir_error *error, enum weir_code code, int os_error,
                          const char *operation, const char *subject, const char *reason,
                          const char *hint);

/* Returns the system's name of an error number, "EADDRINUSE", or the number as text if it has no
 * name. May use `text` for it. */
const char *error_os_name(int os_error, char *text, size_t size);

/* Returns the portable code for the system's error number. Each system has one table. */
enum weir_code error_code_of_os(int os_error);

/* Returns what a user can do about an error number that has the same cause wherever it occurs: a
 * limit of the system, or a policy. Returns "" for other numbers. */
const char *error_os_hint(int os_error);

/* Writes a hint, followed by error_os_hint() if it has one. Returns `text`. */
char *error_hint_and(const char *hint, int os_error, char *text, size_t size);

#endif
