/* SPDX-License-Identifier: MIT */
/* log.h - passes one line of text to the program's log function. Never called on the data path. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

struct lock;

/* Levels are those of enum weir_log_level. */
struct log {
    void (*write)(void *user, int level, const char *line); /* null: no log */
    void *user;
    struct lock *lock; /* serializes the calls of `write` */
};

/* Formats a line of up to 511 bytes and passes it to `write`. Thread: any. */
void log_line(const struct log *log, int level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
