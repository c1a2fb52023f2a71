/* SPDX-License-Identifier: MIT */
/* counters.h - what one worker counts. The worker alone writes; anybody may read and sum
 * (thread.h). */
#ifndef SESSION_COUNTERS_H
#define SESSION_COUNTERS_H

#include <weir/weir.h>

#include "thread.h"

struct counters {
    thread_counter accepted, closed;
    thread_counter bytes_in, bytes_out;
    thread_counter datagrams_in, datagrams_out, datagram_bytes_in, datagram_bytes_out;
    thread_counter refused_full, refused_failed;
    thread_counter dropped_own_source, dropped_bad_source, dropped_too_large, dropped_unsent;
    thread_counter pauses_no_files, pauses_no_buffers;
    thread_counter closed_by_reason[WEIR_REASONS_COUNT];
};

/* Adds this worker's counts to the sums. Any thread. `open` is what was accepted and not closed. */
void counters_add_to(const struct counters *counters, struct weir_stats *stats);

#endif
