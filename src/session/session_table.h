/* SPDX-License-Identifier: MIT */
/* session_table.h - the sessions of one worker: open, find and close in O(1), addresses that never
 * move, ids that are never valid again.
 *
 * An id, from its highest bit:   node 8 | worker 8 | generation 24 | slot 24
 *
 * The node number distinguishes machines, where messages cross them. A slot whose generations are
 * used up is retired: no id is given twice. The state that codec and handler keep per session
 * follows the session: the extra bytes, the same number for all sessions of a worker.
 *
 * Thread: the worker's; any thread may ask whether an id is live.
 */
#ifndef SESSION_SESSION_TABLE_H
#define SESSION_SESSION_TABLE_H

#include <stdint.h>

#include "session_state.h"

struct session_table_chunk;

struct session_table {
    uint8_t node, worker;
    uint32_t slots_max, slots_count, open_count;
    uint32_t stride_bytes; /* from one session to the next */
    /* SESSION_TABLE_CHUNK sessions each; never moved */
    _Atomic(struct session_table_chunk *) *chunks;
    struct account *account; /* charged for the chunks; null: none */
    struct list free_list;   /* through in_sessions */
};

#define SESSION_TABLE_CHUNK 256u
#define SESSION_TABLE_SLOTS_MAX (1u << 24)
/* What net keeps for a session's handle, at most; it is charged together with the session. */
#define SESSION_TABLE_HANDLE_BYTES 256u

/* Returns false if memory is exhausted. */
bool session_table_init(struct session_table *table, uint8_t node, uint8_t worker,
                        uint32_t slots_max, size_t extra_bytes);

/* Every session must be closed. */
void session_table_free(struct session_table *table);

/* Returns a zeroed session, FREE, with a new id; null if the table is full or memory is exhausted.
 */
struct weir_session *session_table_open(struct session_table *table);

/* Frees a session that is on no list. Its id is invalid from now on. */
void session_table_close(struct session_table *table, struct weir_session *session);

/* Returns the open session with this id; null: none has it. */
struct weir_session *session_table_find(const struct session_table *table, uint64_t id);

/* Returns the session in this slot; null: it is free, or there is no such slot. */
struct weir_session *session_table_at(const struct session_table *table, uint32_t slot);

/* Whether an open session has this id; the answer may be outdated when it is used. Thread: any,
 * while the table exists. */
bool session_table_is_live(const struct session_table *table, uint64_t id);

/* Return the parts of an id. */
static inline uint8_t session_table_node_of(uint64_t id)
{
    return (uint8_t)(id >> 56);
}

static inline uint8_t session_table_worker_of(uint64_t id)
{
    return (uint8_t)(id >> 48);
}

/* The extra bytes of a session, zeroed when it was opened, aligned for anything. */
static inline uint8_t *session_table_extra(struct weir_session *session)
{
    return (uint8_t *)session + SESSION_BYTES_MAX;
}

#endif
