/* SPDX-License-Identifier: MIT */
/* counters.h - what one worker counts. The worker alone writes; anybody may read and sum
 * (thread.h). */
#ifndef SESSION_COUNTERS_H
#define SESSION_COUNTERS_H

#include <weir/weir.h>

#include "thread.h"

struct counters {
#define COUNTER(name, always) thread_counter name;
#include "counters.def"
#undef COUNTER
    /* Of these the largest of all workers counts, not the sum. */
    thread_counter timer_lag_max_ms, reassembly_bytes_max;
    thread_counter closed_by_reason[WEIR_REASONS_COUNT];
};

/* Adds this worker's counts to the sums. Any thread. `open` is what was accepted and not closed. */
void counters_add_to(const struct counters *counters, struct weir_stats *stats);

#endif
