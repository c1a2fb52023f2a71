/* SPDX-License-Identifier: MIT */
/* drain.h - the shutdown of a worker: gracefully within a time limit (drain), or now (stop). */
#ifndef SESSION_DRAIN_H
#define SESSION_DRAIN_H

#include <stdint.h>

struct worker;

/* The progress of one worker's drain. */
struct drain {
    uint32_t requests_seen; /* the last drain request that until_ns takes account of */
    uint64_t began_ns, until_ns;
    uint64_t check_at_ns;      /* when to look for idle sessions again */
    uint64_t backlog_since_ns; /* the check waits for unread events since then; 0: it does not */
};

/* Begins what was requested if it is stronger than what is being carried out; continues a drain.
 * Once per iteration. */
void drain_update(struct drain *drain, struct worker *worker);

/* Returns when drain_update() must run again at the latest, during a drain. */
uint64_t drain_next_ns(const struct drain *drain, const struct worker *worker);

#endif
