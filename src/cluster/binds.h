/* SPDX-License-Identifier: MIT */
/* binds.h - the names that sessions of this node hold, and which of two nodes keeps a name.
 *
 *      session binds  -> timestamp -> announced to the nodes that hold the name
 *      announcement   -> compared with the own bind -> own one wins:  announced again
 *                                                      other one wins: the own session is evicted
 *
 * Both nodes compare alike, so exactly one bind stays:
 *
 *      the later bind replaces (or is firm)        the later one wins
 *      otherwise (WEIR_BIND_IF_FREE)               the earlier one wins
 *
 * The timestamp is a hybrid logical clock: the time of day in ms, but later than every timestamp
 * seen before; for equal ones, the higher node number is later. A bind is firm BINDS_FIRM_MS after
 * it was made, and if it was made before the broker was back: during a partition both nodes
 * hold the name, and then the later bind wins.
 *
 * Announcements can be lost. So each name is announced again: all names quickly after a reconnect
 * and when a node appears, and slowly all the time, once per BINDS_ROUND_MS.
 *
 * Thread: any.
 */
#ifndef CLUSTER_BINDS_H
#define CLUSTER_BINDS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#include "siphash.h"

#define BINDS_FIRM_MS 2000u
#define BINDS_ROUND_MS 60000u
#define BINDS_AHEAD_MS_MAX UINT64_C(86400000) /* a timestamp further in the future is an error */

struct binds;

/* A bind, as announcements carry it. */
struct binds_bind {
    char name[WEIR_NAME_BYTES_MAX + 1];
    uint64_t id, timestamp;
    bool replaces;
};

/* What the bridge must do next. */
enum binds_order {
    BINDS_NOTHING,
    BINDS_ANNOUNCE,
    BINDS_EVICT,
};

/* Returns a table without names; null: out of memory. */
struct binds *binds_open(uint8_t node, const struct siphash_key *key);
void binds_free(struct binds *binds); /* null is allowed */

/* A session has bound the name. Replaces the bind of another session of this node. Returns WEIR_OK
 * or WEIR_NO_MEMORY. */
enum weir_code binds_add(struct binds *binds, const char *name, uint64_t id, enum weir_bind how,
                         uint64_t now_ms, uint64_t unix_ms);

/* The session no longer holds the name. Returns false if another one holds it, or none. */
bool binds_remove(struct binds *binds, const char *name, uint64_t id);

/* Another node has announced its bind. Returns false if its timestamp is an error. *is_changed:
 * binds_next() has something new. */
bool binds_heard(struct binds *binds, uint8_t origin, const struct binds_bind *bind,
                 uint64_t now_ms, uint64_t unix_ms, bool *is_changed);

/* All names are announced again, quickly. */
void binds_announce_all(struct binds *binds);

/* The broker is back: the binds that were made while it was away are firm. */
void binds_reconnected(struct binds *binds, uint64_t now_ms);

/* Returns what to do next, with the bind in *bind. *next_ms: if the result is BINDS_NOTHING, when
 * to ask again. */
enum binds_order binds_next(struct binds *binds, uint64_t now_ms, struct binds_bind *bind,
                            uint64_t *next_ms);

/* What binds_next() returned was not possible: it is returned again. */
void binds_retry(struct binds *binds, const struct binds_bind *bind, enum binds_order order);

#endif
