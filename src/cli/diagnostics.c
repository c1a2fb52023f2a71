/* SPDX-License-Identifier: MIT */
/* diagnostics.c - collects and prints the errors of a command line. */
#include "diagnostics.h"

#include <stdarg.h>

#include "escape.h"

void diagnostics_add(struct diagnostics *diagnostics, const char *format, ...)
{
    va_list values;

    if (diagnostics->count++ >= DIAGNOSTICS_MAX) return;
    char *line = diagnostics->lines[diagnostics->count - 1];
    va_start(values, format);
    vsnprintf(line, DIAGNOSTICS_LINE_BYTES, format, values);
    va_end(values);
    escape_controls(line);
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out)
{
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        fprintf(out, "weir: %s\n", diagnostics->lines[i]);
    if (diagnostics->count > DIAGNOSTICS_MAX)
        fprintf(out, "weir: and %zu more errors\n", diagnostics->count - DIAGNOSTICS_MAX);
}
