/* SPDX-License-Identifier: MIT */
/* handle_table.c - allocates handles in chunks that never move, and finds them by name. */
#include "handle_table.h"

#include <string.h>

#include "check.h"
#include "memory.h"

bool handle_table_open(struct handle_table *handle_table, size_t entry_bytes, size_t endpoint_bytes,
                       uint32_t handles_max)
{
    uint32_t chunks_max =
        (handles_max + HANDLE_TABLE_CHUNK_HANDLES - 1) / HANDLE_TABLE_CHUNK_HANDLES;

    weir_check(entry_bytes >= sizeof(struct handle));
    if (endpoint_bytes == 0) endpoint_bytes = sizeof(struct handle_endpoint);
    weir_check(endpoint_bytes >= sizeof(struct handle_endpoint));
    weir_check(handles_max > 0);
    weir_check(entry_bytes % _Alignof(struct handle) == 0);
    *handle_table = (struct handle_table){
        .entry_bytes = entry_bytes, .endpoint_bytes = endpoint_bytes, .handles_max = handles_max};
    handle_table->chunks = memory_alloc_array(chunks_max, sizeof(uint8_t *));
    return handle_table->chunks != NULL;
}

void handle_table_free(struct handle_table *handle_table)
{
    weir_check_rule(handle_table->open_count == 0,
                    "rule 7, every id is closed and its NET_CLOSED taken before net_free");
    for (uint32_t i = 0; i * HANDLE_TABLE_CHUNK_HANDLES < handle_table->handles_count; i++)
        memory_pages_free(handle_table->chunks[i],
                          HANDLE_TABLE_CHUNK_HANDLES * handle_table->entry_bytes);
    memory_free(handle_table->chunks);
    *handle_table = (struct handle_table){0};
}

static bool handle_table__grow(struct handle_table *handle_table)
{
    if (handle_table->handles_count >= handle_table->handles_max) return false;
    uint8_t *chunk = memory_pages(HANDLE_TABLE_CHUNK_HANDLES * handle_table->entry_bytes);
    if (!chunk) return false;
    uint32_t first = handle_table->handles_count;
    handle_table->chunks[first / HANDLE_TABLE_CHUNK_HANDLES] = chunk;
    handle_table->handles_count += HANDLE_TABLE_CHUNK_HANDLES;
    for (uint32_t i = HANDLE_TABLE_CHUNK_HANDLES; i-- > 0;) {
        if (first + i >= handle_table->handles_max) continue;
        struct handle *handle = handle_table_at(handle_table, first + i);
        handle->index = first + i;
        handle->answer_next = handle_table->free_list;
        handle_table->free_list = handle;
    }
    return true;
}

static bool handle_table__is_endpoint(enum handle_kind kind)
{
    return kind == HANDLE_LISTENER || kind == HANDLE_DATAGRAM;
}

struct handle *handle_table_take(struct handle_table *handle_table, enum handle_kind kind,
                                 void *owner)
{
    if (!handle_table->free_list && !handle_table__grow(handle_table)) return NULL;
    struct handle_endpoint *endpoint = NULL;
    if (handle_table__is_endpoint(kind) &&
        (endpoint = memory_alloc(handle_table->endpoint_bytes)) == NULL)
        return NULL;
    struct handle *handle = handle_table->free_list;
    uint32_t index = handle->index, generation = handle->generation + 1;

    weir_check(handle->kind == HANDLE_FREE);
    weir_check(kind != HANDLE_FREE);
    handle_table->free_list = handle->answer_next;
    memset(handle, 0, handle_table->entry_bytes);
    handle->index = index;
    handle->generation = generation == 0 ? 1 : generation; /* 0 names nothing */
    handle->kind = (uint8_t)kind;
    handle->owner = owner;
    if (endpoint) handle->endpoint = endpoint;
    list_init(&handle->waiting);
    list_init(&handle->retrying);
    list_init(&handle->held.deliverable);
    handle_table->open_count++;
    return handle;
}

void handle_table_give_back(struct handle_table *handle_table, struct handle *handle)
{
    weir_check(handle->kind != HANDLE_FREE);
    weir_check(!handle->answer_listed);
    weir_check(!handle_waits(handle));
    weir_check(!list_has(&handle->retrying));
    weir_check(!handle->held.first);
    if (handle_table__is_endpoint(handle->kind)) {
        weir_check(!handle->endpoint->sockets);
        memory_free(handle->endpoint);
    }
    handle->kind = HANDLE_FREE;
    handle->answer_next = handle_table->free_list;
    handle_table->free_list = handle;
    handle_table->open_count--;
}
