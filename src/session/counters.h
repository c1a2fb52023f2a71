/* SPDX-License-Identifier: MIT */
/* counters.h - the counters of one worker. The worker writes them; any thread may read and sum them
 * (thread.h). */
#ifndef SESSION_COUNTERS_H
#define SESSION_COUNTERS_H

#include <weir/weir.h>

#include "thread.h"

struct counters {
#define COUNTER(name, always) thread_counter name;
#include "counters.def"
#undef COUNTER
    /* The maximum over all workers is reported, not the sum. */
    thread_counter timer_lag_max_ms, reassembly_bytes_max;
    thread_counter iteration_max_ns, handler_max_ns; /* of this worker: inspect.c */
    thread_counter memory_bytes;                     /* now: memory_watch.c */
    thread_counter closed_by_reason[WEIR_REASONS_COUNT];
};

/* Adds this worker's counters to the sums; `open` is accepted and connected minus
 * closed. Thread: any. */
void counters_add_to(const struct counters *counters, struct weir_stats *stats);

#endif
