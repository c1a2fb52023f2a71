/* SPDX-License-Identifier: MIT */
/* print.h - prints received bytes: escaped, or as hexadecimal digits. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prints bytes as escape_byte() writes them, so that they stay on one line and cannot control a
 * terminal. */
void print_escaped(const uint8_t *bytes, size_t length, FILE *out);

/* Prints bytes as hexadecimal digits. */
void print_hex(const uint8_t *bytes, size_t length, FILE *out);

#endif
