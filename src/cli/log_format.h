/* SPDX-License-Identifier: MIT */
/* log_format.h - writes one line of the log in the format that the user chose. */
#ifndef CLI_LOG_FORMAT_H
#define CLI_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

/* In the order of LOG_FORMAT_WORDS. */
enum log_format_kind { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
#define LOG_FORMAT_WORDS "text|logfmt|json"

struct log_format {
    enum log_format_kind kind;
    bool has_time;     /* begins each line of text with the time; the other formats have a member */
    bool has_priority; /* begins each line with the priority for journald, such as "<4>" */
    bool has_name;     /* begins each line of text with "weir: " */
};

/* The longest line: the text of all counters, twice for a text of nothing but escapes, and the
 * other members. Longer texts are cut. */
#define LOG_FORMAT_LINE_BYTES (2 * 4096 + 128)

/* Writes a line with its newline and a NUL. `is_plain`: text does not name the level, as in reports
 * that end the program. Control characters in `text` are escaped. Returns `line`. */
char *log_format_line(const struct log_format *format, enum weir_log_level level, bool is_plain,
                      int64_t unix_ms, const char *text, char line[LOG_FORMAT_LINE_BYTES]);

#endif
