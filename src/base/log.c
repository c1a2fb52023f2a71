/* SPDX-License-Identifier: MIT */
/* log.c - formats log lines and passes them on. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "escape.h"
#include "utf8.h"

void log_line(const struct log *log, int level, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    va_list arguments;

    if (!log->write) return;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line) utf8_trim(line);
    escape_controls(line); /* text of a peer must not look like a second line */
    log->write(log->user, level, line);
}
