/* SPDX-License-Identifier: MIT */
/* story.c - formats the lines of a test's trace. */
#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

#define STORY__LINE_BYTES 700u
#define STORY__VISIBLE_BYTES_MAX 40u
#define STORY__PRIME UINT64_C(0x100000001b3) /* FNV-1a */

static void story__add(struct weir_test *test, const char *format, va_list arguments)
{
    char line[STORY__LINE_BYTES];
    uint64_t us = (sim_now_ns(test->simulation) - SIMULATOR_START_NS) / 1000;
    int length = snprintf(line, sizeof line, "%8llu.%03llu ms  ", (unsigned long long)(us / 1000),
                          (unsigned long long)(us % 1000));

    escape_format(line + length, sizeof line - (size_t)length, format, arguments);
    for (const char *at = line; *at; at++) test->hash = (test->hash ^ (uint8_t)*at) * STORY__PRIME;
    if (test->options.trace) test->options.trace(test->options.user, line);
}

void story_tell(struct weir_test *test, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    story__add(test, format, arguments);
    va_end(arguments);
}

void story_fail(struct weir_test *test, const char *format, ...)
{
    va_list arguments;

    if (test->failure[0] != '\0') return;
    va_start(arguments, format);
    vsnprintf(test->failure, sizeof test->failure, format, arguments);
    va_end(arguments);
    story_tell(test, "VIOLATED: %s", test->failure);
}

const char *story_bytes(const void *bytes, size_t length, char text[STORY_BYTES_TEXT])
{
    size_t visible = length < STORY__VISIBLE_BYTES_MAX ? length : STORY__VISIBLE_BYTES_MAX;

    text[0] = '"';
    escape_text(bytes, visible, text + 1, STORY_BYTES_TEXT - 8);
    strcat(text, visible < length ? "\"..." : "\""); /* tidy: allow text - room is left for it */
    return text;
}
