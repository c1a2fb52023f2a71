/* SPDX-License-Identifier: MIT */
/* utf8.h - characters of UTF-8 text, and cutting text without leaving part of a character. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BYTES_MAX 4 /* of one character */

/* Decodes the character at the front of `length` bytes (RFC 3629). Returns its length; 0: there is
 * none, because the bytes are none, incomplete, overlong, a surrogate, or beyond U+10FFFF. */
size_t utf8_read(const uint8_t *bytes, size_t length, uint32_t *code_point);

/* Removes an incomplete UTF-8 character from the end of a text that was cut to fit. Any other text
 * is left unchanged. */
void utf8_trim(char *text);

#endif
