/* SPDX-License-Identifier: MIT */
/* tallies.h - the counts of struct weir_cluster_stats that any thread can raise. Threads use
 * different cache lines, so a count on a worker's path costs a few instructions. */
#ifndef CLUSTER_TALLIES_H
#define CLUSTER_TALLIES_H

#include <stdint.h>

#include "atomic.h"

enum tally {
    TALLY_CONNECTS,
    TALLY_DISCONNECTS,
    TALLY_SENT,
    TALLY_SENT_BYTES,
    TALLY_DROPPED_AWAY,
    TALLY_DROPPED_QUEUE,
    TALLY_DROPPED_WRITE,
    TALLY_DROPPED_TOO_LARGE,
    TALLY_DROPPED_REFUSED,
    TALLY_DROPPED_MEMORY,
    TALLY_RECEIVED,
    TALLY_RECEIVED_BYTES,
    TALLY_REFUSED_MAILBOX,
    TALLY_REFUSED_GONE,
    TALLY_REFUSED_REPEATED,
    TALLY_REFUSED_MALFORMED,
    TALLY_REFUSED_OTHER,
    TALLY_GAPS,
    TALLY_SLOW_CONSUMER,
    TALLY_GROUPS_REFUSED,
    TALLY_EVICTED,
    TALLY_CONFLICTS,
    TALLIES_COUNT
};

#define TALLIES_SHARDS_COUNT 16u

struct tallies {
    struct tallies_shard {
        _Atomic uint64_t values[(TALLIES_COUNT + 7) / 8 * 8]; /* whole cache lines */
    } shards[TALLIES_SHARDS_COUNT];
};

/* Thread: any, for both. */
void tallies_add(struct tallies *tallies, enum tally tally, uint64_t amount);
uint64_t tallies_read(const struct tallies *tallies, enum tally tally);

#endif
