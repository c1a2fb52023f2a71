/* SPDX-License-Identifier: MIT */
/* log_limited.h - logging with a rate limit, for events that a remote peer can cause at will. */
#ifndef BASE_LOG_LIMITED_H
#define BASE_LOG_LIMITED_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* One kind of event. All zero: the event was never logged. Used by one thread. */
struct log_limited {
    uint64_t logged_ms;  /* when the last line was written */
    uint64_t suppressed; /* events since then */
    bool logged;         /* set once a line was written */
};

/* Logs a line as log_line() does, but at most once a second per `limited`. The next line says how
 * many were suppressed. `now_ms` is the caller's clock. */
void log_limited(struct log_limited *limited, const struct log *log, uint64_t now_ms, int level,
                 const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

#endif
