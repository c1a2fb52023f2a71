/* SPDX-License-Identifier: MIT */
/* congestion.h - back-pressure from the members of a group to the sessions that speak to it.
 *
 *      member's queue above its high-water mark -> congested: its groups' slots count it
 *                     at its low-water mark     -> no longer
 *                     above it for too long     -> lagging: broadcast_policy applies to it
 *
 *      weir_session_broadcast() by a speaker while the slot counts a member, or while a mailbox has
 *      no room -> the speaker waits: its broadcast is kept, and nothing more is read from it
 *
 * The slots are shared by all workers, because members and speakers can be on different ones. A
 * slot stands for all names with the same hash: a collision only makes a speaker wait longer, and
 * never longer than send_timeout_ms.
 */
#ifndef SESSION_CONGESTION_H
#define SESSION_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct group_membership;
struct payload;
struct weir_session;
struct worker_common;

#define CONGESTION_SLOTS_COUNT 1024u

/* How many congested members the groups of each slot have, on all workers. */
struct congestion {
    _Atomic uint32_t members[CONGESTION_SLOTS_COUNT];
};

/* Returns the slot of a group, of which `hash` is group_hash(). */
static inline uint16_t congestion_slot(uint32_t hash)
{
    return (uint16_t)(hash % CONGESTION_SLOTS_COUNT);
}

static inline bool congestion_has(const struct congestion *congestion, uint16_t slot)
{
    return atomic_load_explicit(&congestion->members[slot], memory_order_relaxed) > 0;
}

/* The queue of a session has risen above its high-water mark, or fallen to its low-water mark. */
void congestion_begin(struct weir_session *session);
void congestion_end(struct weir_session *session);

/* A congested session has not read enough for too long: speakers no longer wait for it. */
void congestion_give_up(struct weir_session *session);

/* A membership begins or ends. */
void congestion_join(const struct group_membership *membership);
void congestion_leave(const struct group_membership *membership);

/* Lets the session, a speaker, wait for the groups of the slot. Nothing is read from it then. */
void congestion_wait(struct weir_session *session, uint16_t slot);

/* Ends the waiting. The caller then updates receiving. */
void congestion_wake(struct weir_session *session);

/* Keeps a broadcast of a session that waits, with a reference of its own. */
void congestion_keep(struct weir_session *session, struct payload *payload);

/* Gives up the oldest broadcast that was kept. */
void congestion_unkeep(struct weir_session *session);

/* The session ends: it waits no longer, and its broadcasts that wait are dropped and counted. */
void congestion_drop(struct weir_session *session);

#endif
