/* SPDX-License-Identifier: MIT */
/* text_builder.h - appends text to a buffer of the caller's, and truncates it where the buffer
 * ends. */
#ifndef CLI_TEXT_BUILDER_H
#define CLI_TEXT_BUILDER_H

#include <stddef.h>
#include <stdint.h>

/* Starts with `bytes` and `size` set and `used` 0. The text ends in a NUL after the first call. */
struct text_builder {
    char *bytes;
    size_t size, used;
};

/* Appends the text that printf() would write. */
void text_builder_add(struct text_builder *builder, const char *format, ...)
#if defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
    __attribute__((format(gnu_printf, 2, 3)))
#endif
    ;

/* Appends the character `count` times. */
void text_builder_repeat(struct text_builder *builder, char character, size_t count);

/* Appends the bytes as escape_byte() writes them between quotes. */
void text_builder_escape(struct text_builder *builder, const uint8_t *bytes, size_t length);

#endif
