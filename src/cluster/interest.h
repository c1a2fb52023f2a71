/* SPDX-License-Identifier: MIT */
/* interest.h - which groups and names this node has, and its subscriptions to them.
 *
 *      workers --interest_begin, interest_end--> entry with a count --> list of changed entries
 *      bridge's thread --interest_step--> takes changed entries --> subscribes, unsubscribes
 *
 *                 room               no users: group             group_linger_ms
 *      [new] ----------> [subscribed] ----------> [lingering] ----------> unsubscribed, freed
 *        |   \               ^   \  no users: name    | used again           ^
 *        |    \ no room      |    `-------------------|----------------------'
 *        |     `-> [waiting] ' room           [subscribed]
 *        `-- no users: freed, also from [waiting]
 *
 * A change is a state and not a queued event: however often a group comes and goes, it is on the
 * list once, and no change is lost.
 */
#ifndef CLUSTER_INTEREST_H
#define CLUSTER_INTEREST_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "broker.h"
#include "siphash.h"
#include "subjects.h"
#include "tallies.h"

struct interest;

/* Returns an empty table; null: out of memory. `subjects` and `tallies` must live as long. At most
 * subscriptions_max groups and names are subscribed at the same time. */
struct interest *interest_open(const struct subjects *subjects, struct tallies *tallies,
                               uint32_t subscriptions_max, uint32_t linger_ms,
                               const struct siphash_key *key);
void interest_free(struct interest *interest); /* null is allowed */

/* One user more: a worker with members, or the session that holds the name. Returns WEIR_OK or
 * WEIR_NO_MEMORY. *is_changed: the bridge's thread has something new to do. Thread: any. */
enum weir_code interest_begin(struct interest *interest, enum subject_kind kind, const char *name,
                              bool *is_changed);

/* One user less. Thread: any. */
void interest_end(struct interest *interest, enum subject_kind kind, const char *name,
                  bool *is_changed);

/* Returns whether the group or name has users. *subscription: number of the present subscription, 0
 * if there is none. Thread: any. */
bool interest_look(struct interest *interest, enum subject_kind kind, const char *name,
                   uint64_t *subscription);

/* Carries out up to changes_max changes. Returns the time at which it must run next. Thread: the
 * bridge's, as for the following. */
uint64_t interest_step(struct interest *interest, struct broker *broker, uint64_t now_ms,
                       uint32_t changes_max);

/* Ends all subscriptions, until interest_resume(): the node is refused. */
void interest_suspend(struct interest *interest, struct broker *broker);
void interest_resume(struct interest *interest);

/* How many are subscribed. Thread: any. */
uint64_t interest_count(const struct interest *interest, enum subject_kind kind);

#endif
