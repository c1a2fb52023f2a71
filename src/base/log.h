/* SPDX-License-Identifier: MIT */
/* log.h - formats one line of the log. Never called on the data path. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#define LOG_LINE_BYTES 512u /* of a line, with its NUL; a longer one is cut */

/* Levels are those of enum weir_log_level. */
struct log {
    /* Takes one line. Must not block: workers call it, several at the same time. Null: no log. */
    void (*write)(void *user, int level, const char *line);
    void *user;
};

/* Formats a line and passes it to `write`. A line that is too long is cut between two characters.
 * Thread: any. */
void log_line(const struct log *log, int level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
