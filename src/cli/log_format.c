/* SPDX-License-Identifier: MIT */
/* log_format.c - text for people, logfmt and JSON for programs, priorities for journald. */
#include "log_format.h"

#include <stdio.h>
#include <string.h>

#include "json_escape.h"
#include "utc_time.h"

#define LOG_FORMAT__END_BYTES 4 /* kept for the last quote, brace and newline, and the NUL */

static const char *log_format__word(enum weir_log_level level)
{
    static const char *const words[] = {"error", "warning", "info", "detail", "trace"};

    return words[level];
}

/* Returns the priority of syslog(3), which journald reads at the beginning of a line
 * (sd-daemon(3)). */
static int log_format__priority(enum weir_log_level level)
{
    static const int priorities[] = {3, 4, 6, 7, 7};

    return priorities[level];
}

/* Writes the beginning of a line of text. Returns its length. */
static size_t log_format__text(const struct log_format *format, enum weir_log_level level,
                               bool is_plain, const char *time, char *line, size_t size)
{
    const char *word = is_plain ? "" : log_format__word(level);

    return (size_t)snprintf(line, size, "%s%s%s%s%s", format->has_time ? time : "",
                            format->has_time ? " " : "", format->has_name ? "weir: " : "", word,
                            is_plain ? "" : ": ");
}

/* Writes the beginning of a line for programs. Returns its length. */
static size_t log_format__members(const struct log_format *format, enum weir_log_level level,
                                  const char *time, char *line, size_t size)
{
    const char *pattern = format->kind == LOG_FORMAT_JSON
                              ? "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\""
                              : "time=%s level=%s msg=\"";

    return (size_t)snprintf(line, size, pattern, time, log_format__word(level));
}

char *log_format_line(const struct log_format *format, enum weir_log_level level, bool is_plain,
                      int64_t unix_ms, const char *text, char line[LOG_FORMAT_LINE_BYTES])
{
    static const char *const ends[] = {"\n", "\"\n", "\"}\n"};
    size_t size = LOG_FORMAT_LINE_BYTES - LOG_FORMAT__END_BYTES, used = 0;
    char time[UTC_TIME_BYTES];

    utc_time_text(unix_ms, time);
    if (format->has_priority)
        used = (size_t)snprintf(line, size, "<%d>", log_format__priority(level));
    if (format->kind == LOG_FORMAT_TEXT) {
        used += log_format__text(format, level, is_plain, time, line + used, size - used);
        used += (size_t)snprintf(line + used, size - used, "%.*s", (int)(size - used - 1), text);
    } else {
        used += log_format__members(format, level, time, line + used, size - used);
        used += json_escape(text, line + used, size - used);
    }
    snprintf(line + used, LOG_FORMAT__END_BYTES, "%s", ends[format->kind]);
    return line;
}
