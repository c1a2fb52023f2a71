/* SPDX-License-Identifier: MIT */
/* log.c - formats a log line and hands it over, one at a time. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "thread.h"

/* What peers or handlers chose may be in the line; it must not look like another one, nor speak to
 * a terminal. */
static void log__keep_to_one_line(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f) *line = '?';
}

void log_line(const struct log *log, int level, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!log->write) return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log__keep_to_one_line(line);
    lock_take(log->lock);
    log->write(log->user, level, line);
    lock_give_back(log->lock);
}
