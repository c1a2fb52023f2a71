/* SPDX-License-Identifier: MIT */
/* diagnostics.c - collects and prints the errors of a command line and of a configuration file. */
#include "diagnostics.h"

#include <stdarg.h>
#include <string.h>

#include "escape.h"
#include "exit_code.h"

/* Writes "FILE:LINE:COLUMN: " at the begin of a line. Returns its length. */
static size_t diagnostics__write_position(const struct diagnostics *diagnostics, char *line)
{
    if (!diagnostics->file) return 0;
    if (diagnostics->line == 0)
        snprintf(line, DIAGNOSTICS_LINE_BYTES, "%.160s: ", diagnostics->file);
    else
        snprintf(line, DIAGNOSTICS_LINE_BYTES, "%.160s:%u:%u: ", diagnostics->file,
                 diagnostics->line, diagnostics->column);
    escape_controls(line);
    return strlen(line);
}

static void diagnostics__add(struct diagnostics *diagnostics, const char *format, va_list values)
{
    if (diagnostics->file) diagnostics->setting_count++;
    if (diagnostics->count++ >= DIAGNOSTICS_MAX) return;
    char *line = diagnostics->lines[diagnostics->count - 1];
    size_t used = diagnostics__write_position(diagnostics, line);
    escape_format(line + used, DIAGNOSTICS_LINE_BYTES - used, format, values);
    diagnostics->order[diagnostics->count - 1] =
        diagnostics->file ? 1 + ((unsigned long long)diagnostics->line << 32 | diagnostics->column)
                          : 0;
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
    if (!diagnostics->file) diagnostics->unreadable_count++;
}

void diagnostics_enter(struct diagnostics *diagnostics, const char *file, unsigned line,
                       unsigned column)
{
    diagnostics->file = file;
    diagnostics->line = line;
    diagnostics->column = column;
}

void diagnostics_leave(struct diagnostics *diagnostics)
{
    diagnostics_enter(diagnostics, NULL, 0, 0);
}

/* Moves a line up to its position among the sorted lines before it. */
static void diagnostics__insert(struct diagnostics *diagnostics, size_t index)
{
    char line[DIAGNOSTICS_LINE_BYTES];
    unsigned long long order = diagnostics->order[index];

    memcpy(line, diagnostics->lines[index], sizeof line);
    for (; index > 0 && diagnostics->order[index - 1] > order; index--) {
        memcpy(diagnostics->lines[index], diagnostics->lines[index - 1], sizeof line);
        diagnostics->order[index] = diagnostics->order[index - 1];
    }
    memcpy(diagnostics->lines[index], line, sizeof line);
    diagnostics->order[index] = order;
}

void diagnostics_sort(struct diagnostics *diagnostics)
{
    for (size_t i = 1; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        diagnostics__insert(diagnostics, i);
}

int diagnostics_exit_code(const struct diagnostics *diagnostics)
{
    if (diagnostics->unreadable_count == diagnostics->count) return EXIT_CODE_IO;
    return diagnostics->setting_count > 0 &&
                   diagnostics->setting_count + diagnostics->unreadable_count >= diagnostics->count
               ? EXIT_CODE_SETTING
               : EXIT_CODE_USAGE;
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out)
{
    for (size_t i = 0; i < diagnostics->count && i < DIAGNOSTICS_MAX; i++)
        fprintf(out, "%s%s\n", diagnostics->order[i] > 0 ? "" : "weir: ", diagnostics->lines[i]);
    if (diagnostics->count > DIAGNOSTICS_MAX)
        fprintf(out, "weir: and %zu more errors\n", diagnostics->count - DIAGNOSTICS_MAX);
}
