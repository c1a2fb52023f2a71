/* SPDX-License-Identifier: MIT */
/* blocked.h - reports callbacks that kept a worker from its other sessions, and names them. */
#ifndef SESSION_BLOCKED_H
#define SESSION_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "owner.h"

struct worker;

/* The event of one iteration that took longest. */
struct blocked_event {
    bool is_measured; /* the iteration's events were measured */
    uint64_t ns;      /* 0: there was none */
    struct owner_identity identity;
};

struct blocked {
    uint64_t until_ns;                      /* events are measured until then; 0: they are not */
    struct blocked_event previous, present; /* of the previous iteration, and of this one */
};

static inline bool blocked_measures(const struct blocked *blocked)
{
    return blocked->until_ns > 0;
}

/* An iteration begins whose events are measured. */
void blocked_begin(struct blocked *blocked);

/* Handles an event that has an owner, and measures it. */
void blocked_handle(struct blocked *blocked, struct worker *worker, const struct net_event *event);

/* Ends the measuring of events if no callback has blocked for a minute. */
void blocked_check(struct blocked *blocked, const struct worker *worker);

/* Warns if the callbacks before the last wait took longer than handler_warn_ms, and has the events
 * of the next iterations measured. `events_count`: of that wait, at most `events_max`. */
void blocked_report(struct blocked *blocked, struct worker *worker, uint32_t events_count,
                    uint32_t events_max);

#endif
