/* SPDX-License-Identifier: MIT */
/* escape.h - bytes as printable text and back: \n, \xHH, and hexadecimal digits. Received bytes are
 * escaped before they are printed or logged, so that they cannot control a terminal. */
#ifndef TEXT_ESCAPE_H
#define TEXT_ESCAPE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESCAPE_BYTES_MAX 4          /* of the text for one byte: \xHH */
#define ESCAPE_INVALID ((size_t)-1) /* returned for text that cannot be read */

/* Writes the text for one byte, without a NUL: printable ASCII as it is, a backslash doubled, CR,
 * LF and TAB as \r, \n and \t, any other byte as \xHH. If `in_quotes` is set, a double quote
 * becomes \". Returns the length of the text. */
size_t escape_byte(uint8_t byte, bool in_quotes, char text[ESCAPE_BYTES_MAX]);

/* Escapes bytes for use between double quotes. Writes as many as fit into `size` bytes, with a NUL;
 * no escape is cut. Returns `text`. */
char *escape_text(const uint8_t *bytes, size_t length, char *text, size_t size);

/* Reads one byte: a character as it is, or \r \n \t \0 \\ \" \xHH. Returns how many characters it
 * took; 0: the text is empty, or a backslash starts no escape. */
size_t escape_read(const char *text, size_t length, uint8_t *byte);

/* Replaces all escapes in a text, in place. Returns false if a backslash starts no escape. */
bool escape_read_text(uint8_t *text, size_t *length);

/* Returns the value of a hexadecimal digit; -1: the character is not one. */
int escape_hex_digit(char digit);

/* Reads pairs of hexadecimal digits, optionally separated by blanks, into `bytes`, which has room
 * for length / 2. Returns how many bytes were written; ESCAPE_INVALID: the text is something else.
 */
size_t escape_read_hex(const char *text, size_t length, uint8_t *bytes);

/* Replaces the control characters of a line by '?'. */
void escape_controls(char *line);

/* Writes a line as vsnprintf() does, with its control characters replaced by '?': its values can be
 * any text. Returns the length that vsnprintf() returned. */
int escape_format(char *line, size_t size, const char *format, va_list values);

#endif
