/* SPDX-License-Identifier: MIT */
/* session_table.c - the sessions of one worker, in chunks that never move; session_table.h says
 * what an id is. */
#include "session_table.h"

#include <string.h>

#include "check.h"
#include "memory.h"

#define SESSION_TABLE__GENERATION_MAX 0xffffffu

static uint32_t session_table__slot(uint64_t id)
{
    return (uint32_t)id & 0xffffffu;
}

static uint32_t session_table__generation(uint64_t id)
{
    return (uint32_t)(id >> 24) & SESSION_TABLE__GENERATION_MAX;
}

static uint64_t session_table__id(uint8_t worker, uint32_t generation, uint32_t slot)
{
    return (uint64_t)worker << 48 | (uint64_t)generation << 24 | slot;
}

static struct weir_session *session_table__at(const struct session_table *table, uint32_t slot)
{
    return &table->chunks[slot / SESSION_TABLE_CHUNK][slot % SESSION_TABLE_CHUNK];
}

bool session_table_init(struct session_table *table, uint8_t worker, uint32_t slots_max)
{
    weir_check(slots_max > 0);
    weir_check(slots_max <= SESSION_TABLE_SLOTS_MAX);
    *table = (struct session_table){.worker = worker, .slots_max = slots_max};
    list_init(&table->free_list);
    table->chunks = memory_alloc_array((slots_max + SESSION_TABLE_CHUNK - 1) / SESSION_TABLE_CHUNK,
                                       sizeof(struct weir_session *));
    return table->chunks != NULL;
}

void session_table_free(struct session_table *table)
{
    weir_check(table->open_count == 0);
    for (uint32_t i = 0; i * SESSION_TABLE_CHUNK < table->slots_count; i++)
        memory_free(table->chunks[i]);
    memory_free(table->chunks);
    *table = (struct session_table){0};
}

static bool session_table__grow(struct session_table *table)
{
    uint32_t first = table->slots_count;

    if (first >= table->slots_max) return false;
    struct weir_session *chunk = memory_alloc_array(SESSION_TABLE_CHUNK, sizeof *chunk);
    if (!chunk) return false;
    table->chunks[first / SESSION_TABLE_CHUNK] = chunk;
    table->slots_count += SESSION_TABLE_CHUNK;
    for (uint32_t i = 0; i < SESSION_TABLE_CHUNK && first + i < table->slots_max; i++) {
        chunk[i].id = session_table__id(table->worker, 0, first + i);
        list_init(&chunk[i].in_open);
        list_add_last(&table->free_list, &chunk[i].in_open);
    }
    return true;
}

struct weir_session *session_table_open(struct session_table *table)
{
    if (list_is_empty(&table->free_list) && !session_table__grow(table)) return NULL;
    struct list *node = list_take_first(&table->free_list);
    struct weir_session *session = weir_container_of(node, struct weir_session, in_open);
    uint64_t id = session->id;

    weir_check(session->state == SESSION_FREE);
    memset(session, 0, sizeof *session);
    session->id = session_table__id(table->worker, session_table__generation(id) + 1,
                                    session_table__slot(id));
    list_init(&session->in_open);
    list_init(&session->in_touched);
    table->open_count++;
    return session;
}

void session_table_close(struct session_table *table, struct weir_session *session)
{
    weir_check(!list_has(&session->in_open));
    weir_check(!list_has(&session->in_touched));
    weir_check(table->open_count > 0);
    session->state = SESSION_FREE;
    table->open_count--;
    if (session_table__generation(session->id) == SESSION_TABLE__GENERATION_MAX)
        return; /* retired */
    list_add_last(&table->free_list, &session->in_open);
}

struct weir_session *session_table_find(const struct session_table *table, uint64_t id)
{
    uint32_t slot = session_table__slot(id);

    if (slot >= table->slots_count) return NULL;
    struct weir_session *session = session_table__at(table, slot);
    return session->id == id && session->state != SESSION_FREE ? session : NULL;
}
