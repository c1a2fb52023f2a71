/* SPDX-License-Identifier: MIT */
/* session_table.c - the sessions of one worker, in chunks that never move; session_table.h says
 * what an id is.
 *
 *      chunk:  [ live ids, for other threads ][ session | extra ][ session | extra ] ...
 *                                             '- stride_bytes --'
 */
#include "session_table.h"

#include <string.h>

#include "account.h"
#include "atomic.h"
#include "check.h"
#include "memory.h"

#define SESSION_TABLE__GENERATION_MAX 0xffffffu

struct session_table_chunk {
    _Atomic uint64_t live[SESSION_TABLE_CHUNK]; /* the id of the open session; 0: none is */
    uint8_t *sessions;                          /* in the same allocation, after this struct */
};

_Static_assert(SESSION_BYTES_MAX % _Alignof(max_align_t) == 0, "what follows a session is aligned");

static uint32_t session_table__slot(uint64_t id)
{
    return (uint32_t)id & 0xffffffu;
}

static uint32_t session_table__generation(uint64_t id)
{
    return (uint32_t)(id >> 24) & SESSION_TABLE__GENERATION_MAX;
}

static uint64_t session_table__id(const struct session_table *table, uint32_t generation,
                                  uint32_t slot)
{
    return (uint64_t)table->node << 56 | (uint64_t)table->worker << 48 |
           (uint64_t)generation << 24 | slot;
}

static size_t session_table__aligned(size_t bytes)
{
    size_t unit = _Alignof(max_align_t);

    return (bytes + unit - 1) / unit * unit;
}

static struct session_table_chunk *session_table__chunk(const struct session_table *table,
                                                        uint32_t slot)
{
    return atomic_load_explicit(&table->chunks[slot / SESSION_TABLE_CHUNK], memory_order_acquire);
}

static struct weir_session *session_table__session(const struct session_table *table,
                                                   struct session_table_chunk *chunk, uint32_t slot)
{
    size_t offset = (size_t)(slot % SESSION_TABLE_CHUNK) * table->stride_bytes;

    return (struct weir_session *)(void *)(chunk->sessions + offset);
}

static void session_table__publish(const struct session_table *table, uint32_t slot, uint64_t live)
{
    struct session_table_chunk *chunk = session_table__chunk(table, slot);

    weir_check(slot < table->slots_count);
    atomic_store_explicit(&chunk->live[slot % SESSION_TABLE_CHUNK], live, memory_order_release);
}

/* Poisons the part of a session from one offset to another. */
static void session_table__poison_part(struct weir_session *session, size_t from, size_t to)
{
    memory_poison((uint8_t *)session + from, to - from);
}

/* Tells AddressSanitizer that nothing may use the session, which is FREE. Its link in the free list
 * is used, and so are the members by which a call for it is recognised as misuse. */
static void session_table__poison(const struct session_table *table, struct weir_session *session)
{
    const size_t worker_at = offsetof(struct weir_session, worker),
                 link_at = offsetof(struct weir_session, in_sessions),
                 state_at = offsetof(struct weir_session, state);

    weir_check(session->state == SESSION_FREE);
    session_table__poison_part(session, 0, worker_at);
    session_table__poison_part(session, worker_at + sizeof session->worker, link_at);
    session_table__poison_part(session, link_at + sizeof session->in_sessions, state_at);
    session_table__poison_part(session, session_table__aligned(state_at + 1), table->stride_bytes);
}

bool session_table_init(struct session_table *table, uint8_t node, uint8_t worker,
                        uint32_t slots_max, size_t extra_bytes)
{
    weir_check(slots_max > 0);
    weir_check(slots_max <= SESSION_TABLE_SLOTS_MAX);
    weir_check(extra_bytes <= UINT32_MAX / 2);
    *table = (struct session_table){.node = node, .worker = worker, .slots_max = slots_max};
    table->stride_bytes = (uint32_t)(SESSION_BYTES_MAX + session_table__aligned(extra_bytes));
    list_init(&table->free_list);
    table->chunks = memory_alloc_array((slots_max + SESSION_TABLE_CHUNK - 1) / SESSION_TABLE_CHUNK,
                                       sizeof *table->chunks);
    return table->chunks != NULL;
}

void session_table_free(struct session_table *table)
{
    weir_check(table->open_count == 0);
    for (uint32_t slot = 0; slot < table->slots_count; slot += SESSION_TABLE_CHUNK)
        memory_free(session_table__chunk(table, slot));
    memory_free((void *)(uintptr_t)table->chunks);
    *table = (struct session_table){0};
}

static bool session_table__grow(struct session_table *table)
{
    uint32_t first = table->slots_count;
    size_t header_bytes = session_table__aligned(sizeof(struct session_table_chunk));

    if (first >= table->slots_max) return false;
    size_t bytes = header_bytes + (size_t)SESSION_TABLE_CHUNK * table->stride_bytes;
    size_t charged_bytes = bytes + SESSION_TABLE_CHUNK * SESSION_TABLE_HANDLE_BYTES;
    if (table->account && !account_charge_table(table->account, charged_bytes)) return false;
    struct session_table_chunk *chunk = memory_alloc(bytes);
    if (!chunk) {
        if (table->account) account_release_table(table->account, charged_bytes);
        return false;
    }
    chunk->sessions = (uint8_t *)chunk + header_bytes;
    atomic_store_explicit(&table->chunks[first / SESSION_TABLE_CHUNK], chunk, memory_order_release);
    table->slots_count += SESSION_TABLE_CHUNK;
    for (uint32_t i = 0; i < SESSION_TABLE_CHUNK && first + i < table->slots_max; i++) {
        struct weir_session *session = session_table__session(table, chunk, first + i);
        session->id = session_table__id(table, 0, first + i);
        list_init(&session->in_sessions);
        list_add_last(&table->free_list, &session->in_sessions);
        session_table__poison(table, session);
    }
    return true;
}

struct weir_session *session_table_open(struct session_table *table)
{
    if (list_is_empty(&table->free_list) && !session_table__grow(table)) return NULL;
    struct list *node = list_take_first(&table->free_list);
    struct weir_session *session = weir_container_of(node, struct weir_session, in_sessions);
    memory_unpoison(session, table->stride_bytes);
    uint64_t id = session->id;
    uint32_t slot = session_table__slot(id);

    weir_check(session->state == SESSION_FREE);
    memset(session, 0, table->stride_bytes);
    session->id = session_table__id(table, session_table__generation(id) + 1, slot);
    list_init(&session->in_sessions);
    list_init(&session->in_pending_flush);
    list_init(&session->in_readable);
    list_init(&session->in_class);
    wheel_timer_init(&session->deadline);
    session_table__publish(table, slot, session->id);
    table->open_count++;
    return session;
}

void session_table_close(struct session_table *table, struct weir_session *session)
{
    weir_check(!list_has(&session->in_sessions));
    weir_check(!list_has(&session->in_pending_flush));
    weir_check(!list_has(&session->in_readable));
    weir_check(!list_has(&session->in_class));
    weir_check(!session->unread);
    weir_check(!session->rare);
    weir_check(!wheel_timer_runs(&session->deadline));
    weir_check(table->open_count > 0);
    session->state = SESSION_FREE;
    session_table__publish(table, session_table__slot(session->id), 0);
    table->open_count--;
    if (session_table__generation(session->id) != SESSION_TABLE__GENERATION_MAX) /* else retired */
        list_add_last(&table->free_list, &session->in_sessions);
    session_table__poison(table, session);
}

struct weir_session *session_table_find(const struct session_table *table, uint64_t id)
{
    uint32_t slot = session_table__slot(id);

    if (!session_table_is_live(table, id)) return NULL;
    struct session_table_chunk *chunk = session_table__chunk(table, slot);
    struct weir_session *session = session_table__session(table, chunk, slot);
    weir_check(session->id == id);
    return session;
}

struct weir_session *session_table_at(const struct session_table *table, uint32_t slot)
{
    if (slot >= table->slots_count || slot >= table->slots_max) return NULL;
    struct session_table_chunk *chunk = session_table__chunk(table, slot);
    uint64_t live = atomic_load_explicit(&chunk->live[slot % SESSION_TABLE_CHUNK],
                                         memory_order_relaxed); /* this thread wrote it */
    return live == 0 ? NULL : session_table__session(table, chunk, slot);
}

bool session_table_is_live(const struct session_table *table, uint64_t id)
{
    uint32_t slot = session_table__slot(id);

    if (id == 0 || slot >= table->slots_max) return false;
    struct session_table_chunk *chunk = session_table__chunk(table, slot);
    if (!chunk) return false;
    return atomic_load_explicit(&chunk->live[slot % SESSION_TABLE_CHUNK], memory_order_acquire) ==
           id;
}
