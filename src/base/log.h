/* SPDX-License-Identifier: MIT */
/* log.h - one line for a person, handed to whoever asked for the log. Never on the data path. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

struct lock;

/* Levels are those of enum weir_log_level. */
struct log {
    void (*write)(void *user, int level, const char *line); /* null: nobody listens */
    void *user;
    struct lock *lock; /* one line at a time */
};

/* Formats a line of up to 511 bytes and hands it over. Any thread. */
void log_line(const struct log *log, int level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
