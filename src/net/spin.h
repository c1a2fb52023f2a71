/* SPDX-License-Identifier: MIT */
/* spin.h - decides whether a wait asks the system again and again for a short time before the
 * thread sleeps. To be woken takes longer than the time between two messages of a fast exchange, so
 * an answer is out earlier. It costs processor time.
 *
 *      average gap < max_ns  -> spins for max_ns at most, then sleeps
 *      average gap >= max_ns -> sleeps immediately: a quiet server spins in a few waits only
 *
 * A gap is the time from the end of a wait to the end of the next one. One gap has the weight of an
 * eighth, and counts as four times max_ns at most: after one pause a fast exchange still spins, and
 * a few short gaps are enough to begin. Private to src/net.
 */
#ifndef NET_SPIN_H
#define NET_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
    uint64_t max_ns;     /* 0: never spins */
    uint64_t average_ns; /* of the latest gaps */
    uint64_t hits;       /* waits that found an event while they span */
};

/* The first gaps decide: it does not spin before. */
static inline void spin_init(struct spin *spin, uint64_t max_ns)
{
    *spin = (struct spin){.max_ns = max_ns, .average_ns = max_ns};
}

/* Whether the next wait is to spin. */
static inline bool spin_is_due(const struct spin *spin)
{
    return spin->average_ns < spin->max_ns;
}

/* Notes how long a wait took. */
static inline void spin_note(struct spin *spin, uint64_t gap_ns)
{
    uint64_t most_ns = 4 * spin->max_ns;

    if (gap_ns > most_ns) gap_ns = most_ns;
    spin->average_ns = (7 * spin->average_ns + gap_ns) / 8;
}

#endif
