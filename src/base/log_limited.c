/* SPDX-License-Identifier: MIT */
/* log_limited.c - logs events of one kind at most once a second and counts the rest. */
#include "log_limited.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LOG_LIMITED__INTERVAL_MS 1000u

void log_limited(struct log_limited *limited, const struct log *log, uint64_t now_ms, int level,
                 const char *format, ...)
{
    char line[512], suppressed[48] = "";
    va_list arguments;

    if (limited->logged && now_ms - limited->logged_ms < LOG_LIMITED__INTERVAL_MS) {
        limited->suppressed++;
        return;
    }
    if (limited->suppressed > 0)
        snprintf(suppressed, sizeof suppressed, "; %" PRIu64 " more not logged",
                 limited->suppressed);
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_line(log, level, "%s%s", line, suppressed);
    limited->logged = true;
    limited->logged_ms = now_ms;
    limited->suppressed = 0;
}
