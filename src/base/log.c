/* SPDX-License-Identifier: MIT */
/* log.c - formats log lines and passes them on. */
#include "log.h"

#include <stdio.h>

#include <weir/weir.h>

#include "escape.h"
#include "utf8.h"

bool log_shows(const struct log *log, int level)
{
    int muted_count = atomic_load_explicit(&log->muted_count, memory_order_relaxed);

    return log->write != NULL && level <= WEIR_LOG_DETAIL - muted_count;
}

void log_line_list(const struct log *log, int level, const char *format, va_list arguments)
{
    char line[LOG_LINE_BYTES];

    if (!log_shows(log, level)) return;
    /* Without control characters: text of a peer must not look like a second line. */
    int length = escape_format(line, sizeof line, format, arguments);
    if (length >= (int)sizeof line) utf8_trim(line);
    log->write(log->user, level, line);
}

void log_line(const struct log *log, int level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_line_list(log, level, format, arguments);
    va_end(arguments);
}
