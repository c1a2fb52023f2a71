/* SPDX-License-Identifier: MIT */
/* log.h - formats one line of the log. Never called on the data path. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "atomic.h"

#define LOG_LINE_BYTES 512u /* of a line, with its NUL; a longer one is cut */

/* Levels are those of enum weir_log_level. */
struct log {
    /* Takes one line. Must not block: workers call it, several at the same time. Null: no log. */
    void (*write)(void *user, int level, const char *line);
    void *user;
    _Atomic int muted_count; /* of the levels, the most verbose ones, whose lines are dropped */
};

/* Whether lines of this level are written. */
bool log_shows(const struct log *log, int level);

/* Formats a line and passes it to `write`, if lines of its level are written. A line that is too
 * long is cut between two characters. Thread: any. */
void log_line(const struct log *log, int level, const char *format, ...)
#if defined(__clang__)
    __attribute__((format(printf, 3, 4)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
    __attribute__((format(gnu_printf, 3, 4)))
#endif
    ;

/* The same, with the arguments in a list. */
void log_line_list(const struct log *log, int level, const char *format, va_list arguments);

#endif
