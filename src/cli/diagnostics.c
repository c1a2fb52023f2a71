/* SPDX-License-Identifier: MIT */
/* diagnostics.c - collects and prints the errors of a command line. */
#include "diagnostics.h"

#include <stdarg.h>

#include "escape.h"
#include "exit_code.h"

static void diagnostics__add(struct diagnostics *diagnostics, const char *format, va_list values)
{
    if (diagnostics->count++ >= DIAGNOSTICS_MAX) return;
    escape_format(diagnostics->lines[diagnostics->count - 1], DIAGNOSTICS_LINE_BYTES, format,
                  values);
}

void diagnostics_add(struct diagnostics *diagnostics, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    diagnostics__add(diagnostics, format, values);
    va_end(values);
}

void diagnostics_add_unreadable(struct diagnostics *diagnostics, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    diagnostics__add(diagnostics, format, values);
    va_end(values);
    diagnostics->unreadable_count++;
}

int diagnostics_exit_code(const struct diagnostics *diagnostics)
{
    return diagnostics->unreadable_count == diagnostics->count ? EXIT_CODE_IO : EXIT_CODE_USAGE;
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out)
{
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        fprintf(out, "weir: %s\n", diagnostics->lines[i]);
    if (diagnostics->count > DIAGNOSTICS_MAX)
        fprintf(out, "weir: and %zu more errors\n", diagnostics->count - DIAGNOSTICS_MAX);
}
