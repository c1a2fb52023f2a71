/* SPDX-License-Identifier: MIT */
/* oversize.h - messages that exceed a send queue's capacity. See oversize.c. */
#ifndef SESSION_OVERSIZE_H
#define SESSION_OVERSIZE_H

#include "atomic.h"
#include "worker.h"

/* Refuses a message of this many bytes. Returns WEIR_TOO_LARGE. Thread: any, while the worker
 * exists. */
enum weir_code oversize_refuse(struct worker *worker, size_t length);

/* The part of oversize_log() that logs. */
void oversize_log_noted(struct worker *worker);

/* Logs a warning if this worker was the first of its server to refuse a message. */
static inline void oversize_log(struct worker *worker)
{
    if (atomic_load_explicit(&worker->oversize_bytes, memory_order_relaxed) > 0)
        oversize_log_noted(worker);
}

#endif
