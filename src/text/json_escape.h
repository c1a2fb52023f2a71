/* SPDX-License-Identifier: MIT */
/* json_escape.h - text as the inside of a JSON string (RFC 8259). */
#ifndef TEXT_JSON_ESCAPE_H
#define TEXT_JSON_ESCAPE_H

#include <stddef.h>

#define JSON_ESCAPE_FACTOR 6 /* one byte becomes at most that many: \u001b */

/* Writes a text between the quotes of a JSON string, with a NUL: quotes, backslashes and control
 * characters are escaped, and each byte that is not valid UTF-8 becomes U+FFFD. What does not fit
 * into `size` bytes (at least 1) is left out, but no character is cut. Returns the length of what
 * was written. */
size_t json_escape(const char *text, char *json, size_t size);

#endif
