/* SPDX-License-Identifier: MIT */
/* text_builder.c - appends to a buffer of fixed size. */
#include "text_builder.h"

#include <stdarg.h>
#include <stdio.h>

#include "escape.h"

void text_builder_add(struct text_builder *builder, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    int count =
        vsnprintf(builder->bytes + builder->used, builder->size - builder->used, format, values);
    va_end(values);
    if (count > 0) builder->used += (size_t)count;
    if (builder->used >= builder->size) builder->used = builder->size - 1;
}

void text_builder_repeat(struct text_builder *builder, char character, size_t count)
{
    for (; count > 0; count--) text_builder_add(builder, "%c", character);
}

void text_builder_escape(struct text_builder *builder, const uint8_t *bytes, size_t length)
{
    char text[ESCAPE_BYTES_MAX];

    for (size_t i = 0; i < length; i++)
        text_builder_add(builder, "%.*s", (int)escape_byte(bytes[i], true, text), text);
}
