/* SPDX-License-Identifier: MIT */
/* session_table.h - the sessions of one worker: open, find and close in O(1), addresses that never
 * move, ids that are never valid again.
 *
 * An id, from its highest bit:   node 8 | worker 8 | generation 24 | slot 24
 *
 * The node is 0 until messages cross machines. A slot whose generations are used up is retired: an
 * id is not given twice.
 */
#ifndef SESSION_SESSION_TABLE_H
#define SESSION_SESSION_TABLE_H

#include <stdint.h>

#include "session.h"

struct session_table {
    uint8_t worker;
    uint32_t slots_max, slots_count, open_count;
    struct weir_session **chunks; /* SESSION_TABLE_CHUNK each; never moved */
    struct list free_list;        /* through in_open */
};

#define SESSION_TABLE_CHUNK 256u
#define SESSION_TABLE_SLOTS_MAX (1u << 24)

/* False: no memory. */
bool session_table_init(struct session_table *table, uint8_t worker, uint32_t slots_max);

/* Every session must be closed. */
void session_table_free(struct session_table *table);

/* A zeroed session, FREE, with a new id; null: the table is full, or there is no memory. */
struct weir_session *session_table_open(struct session_table *table);

/* Takes back a session, on no list any more. Its id is not valid from here on. */
void session_table_close(struct session_table *table, struct weir_session *session);

/* The open session of that id; null: there is none (any more). */
struct weir_session *session_table_find(const struct session_table *table, uint64_t id);

#endif
