/* SPDX-License-Identifier: MIT */
/* print.c - prints received bytes, escaped or as hexadecimal digits. */
#include "print.h"

#include "escape.h"

void print_escaped(const uint8_t *bytes, size_t length, FILE *out)
{
    char text[ESCAPE_BYTES_MAX];

    for (size_t i = 0; i < length; i++) fwrite(text, 1, escape_byte(bytes[i], false, text), out);
}

void print_hex(const uint8_t *bytes, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) fprintf(out, "%02x", bytes[i]);
}
