/* SPDX-License-Identifier: MIT */
/* log_limited.c - logs events of one kind at most once a second and counts the rest. */
#include "log_limited.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

#define LOG_LIMITED__INTERVAL_MS 1000u
#define LOG_LIMITED__COUNT_BYTES 48u /* of the number of suppressed events as text */

void log_limited(struct log_limited *limited, const struct log *log, uint64_t now_ms, int level,
                 const char *format, ...)
{
    /* The number is never cut off, because it is reported once only. */
    char line[LOG_LINE_BYTES - LOG_LIMITED__COUNT_BYTES], suppressed[LOG_LIMITED__COUNT_BYTES] = "";
    va_list arguments;

    if (limited->logged && now_ms - limited->logged_ms < LOG_LIMITED__INTERVAL_MS) {
        limited->suppressed++;
        return;
    }
    if (limited->suppressed > 0)
        snprintf(suppressed, sizeof suppressed, "; %" PRIu64 " more not logged",
                 limited->suppressed);
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line) utf8_trim(line);
    log_line(log, level, "%s%s", line, suppressed);
    limited->logged = true;
    limited->logged_ms = now_ms;
    limited->suppressed = 0;
}
