/* SPDX-License-Identifier: MIT */
/* shown.h - bytes as a person reads and writes them: escaped, or in hexadecimal digits. */
#ifndef CLI_SHOWN_H
#define CLI_SHOWN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SHOWN_BAD ((size_t)-1)

/* Writes bytes so that one line holds them, and no terminal obeys them: printable ASCII as it is, a
 * backslash doubled, \n, \r and \t, and \xHH for the rest. */
void shown_escape(const uint8_t *bytes, size_t length, FILE *out);

/* Writes bytes as hexadecimal digits. */
void shown_hex(const uint8_t *bytes, size_t length, FILE *out);

/* What a hexadecimal digit stands for; -1: it is none. */
int shown_hex_digit(char digit);

/* Reads pairs of hexadecimal digits, which blanks may part, into `bytes`, which has room for half
 * of `length`. Returns how many bytes they are; SHOWN_BAD: it is something else. */
size_t shown_read_hex(const char *text, size_t length, uint8_t *bytes);

#endif
