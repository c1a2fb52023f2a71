/* SPDX-License-Identifier: MIT */
/* frame_elsewhere_line.c - writes one line about another library: reasons and notes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frame_elsewhere.h"

bool frame_elsewhere_is(const struct weir_frame_info *info, const char *kind)
{
    return strcmp(info->kind, kind) == 0;
}

bool frame_elsewhere_ends_in(const struct weir_frame_info *info, const char *delimiter)
{
    return info->delimiter_bytes == strlen(delimiter) &&
           memcmp(info->delimiter, delimiter, info->delimiter_bytes) == 0;
}

bool frame_elsewhere_can_be_short(const struct weir_frame_info *info)
{
    return info->constant < (int64_t)info->header;
}

void frame_elsewhere_cannot(struct frame_elsewhere *line, const char *why)
{
    text_builder_add(line->builder, "cannot be expressed: %s", why);
}

void frame_elsewhere_note(struct frame_elsewhere *line, const char *format, ...)
{
    char text[160];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    text_builder_add(line->builder, "%s%s", line->notes_count++ == 0 ? " (" : "; ", text);
}
