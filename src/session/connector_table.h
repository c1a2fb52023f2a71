/* SPDX-License-Identifier: MIT */
/* connector_table.h - the connectors of a server by their ids, for calls from any thread.
 *
 * An id has the parts of a session's id (session_table.h). Its slot is one that no session has,
 * counted down from the highest: so an id names a session or a connector, never both.
 */
#ifndef SESSION_CONNECTOR_TABLE_H
#define SESSION_CONNECTOR_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "thread.h"

struct connector;

#define CONNECTOR_TABLE_SLOTS_MAX (1u << 22)

struct connector_slot {
    struct connector *connector; /* null: free */
    uint32_t generation;
    uint32_t next_free; /* while it is free: the next free slot, plus 1 */
};

struct connector_table {
    struct lock *lock; /* of everything below */
    struct connector_slot *slots;
    uint32_t slots_count, slots_max, used_count;
    uint32_t first_free; /* plus 1; 0: none */
    uint64_t refused;    /* connectors for which there was no room */
    uint8_t node;
};

/* Returns false if memory is exhausted. `slots_max`: 1 to CONNECTOR_TABLE_SLOTS_MAX. */
bool connector_table_init(struct connector_table *table, uint8_t node, uint32_t slots_max);

/* No connector may be left. Harmless if connector_table_init() was not called. */
void connector_table_free(struct connector_table *table);

/* Adds a connector of this worker. Returns its id; 0: slots_max connectors exist, which is counted,
 * or memory is exhausted. Thread: any. */
uint64_t connector_table_add(struct connector_table *table, uint8_t worker,
                             struct connector *connector);

/* Removes a connector. Its id is invalid from now on. Thread: any. */
void connector_table_remove(struct connector_table *table, uint64_t id);

/* Calls `act` with the connector of this id and the lock held, so that it is not freed meanwhile.
 * Returns false if there is none. Thread: any. */
bool connector_table_act(struct connector_table *table, uint64_t id,
                         void (*act)(struct connector *connector));

/* Returns the connector of this id; null: there is none. Thread: that of its worker, which
 * alone frees it. */
struct connector *connector_table_find(const struct connector_table *table, uint64_t id);

/* Changes slots_max. Connectors above it stay. Thread: any. */
void connector_table_limit(struct connector_table *table, uint32_t slots_max);

/* Returns how many connectors were refused. Thread: any. */
uint64_t connector_table_refused(const struct connector_table *table);

#endif
