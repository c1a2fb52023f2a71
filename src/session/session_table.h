/* SPDX-License-Identifier: MIT */
/* session_table.h - the sessions of one worker: open, find and close in O(1), addresses that never
 * move, ids that are never valid again.
 *
 * An id, from its highest bit:   node 8 | worker 8 | generation 24 | slot 24
 *
 * The node tells machines apart, where messages cross them. A slot whose generations are used up is
 * retired: an id is not given twice. Behind each session lies what its codec and its handler keep
 * about it: so many bytes, the same for all of a worker.
 *
 * The worker's thread alone opens, finds and closes; any thread may ask whether an id is live.
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
    struct session_table_chunk *_Atomic *chunks;
    struct list free_list; /* through in_sessions */
};

#define SESSION_TABLE_CHUNK 256u
#define SESSION_TABLE_SLOTS_MAX (1u << 24)

/* False: no memory. */
bool session_table_init(struct session_table *table, uint8_t node, uint8_t worker,
                        uint32_t slots_max, size_t extra_bytes);

/* Every session must be closed. */
void session_table_free(struct session_table *table);

/* A zeroed session, FREE, with a new id; null: the table is full, or there is no memory. */
struct weir_session *session_table_open(struct session_table *table);

/* Takes back a session, on no list any more. Its id is not valid from here on. */
void session_table_close(struct session_table *table, struct weir_session *session);

/* The open session of that id; null: there is none (any more). */
struct weir_session *session_table_find(const struct session_table *table, uint64_t id);

/* Whether the id is that of an open session. Any thread, as long as the table lives; the answer may
 * be out of date when it arrives. */
bool session_table_is_live(const struct session_table *table, uint64_t id);

/* Whose id it is. */
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
