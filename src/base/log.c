/* SPDX-License-Identifier: MIT */
/* log.c - formats log lines and passes them to the log function, one at a time. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "escape.h"
#include "thread.h"

void log_line(const struct log *log, int level, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!log->write) return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    escape_controls(line); /* text of a peer must not look like a second line */
    lock_take(log->lock);
    log->write(log->user, level, line);
    lock_give_back(log->lock);
}
