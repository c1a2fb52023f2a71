/* SPDX-License-Identifier: MIT */
/* pool.c - fixed-size buffers with one owner each; pool.h draws the owners. */
#include "pool.h"

#include <string.h>

#include "check.h"
#include "foreign.h"
#include "memory.h"

#define POOL__PAGE_BYTES 4096u
#define POOL__REGISTERED_BYTES (64u * 1024) /* that a pool with a registrar keeps registered */

_Static_assert(POOL_MARGIN_BYTES == POOL__PAGE_BYTES, "the margin is the page behind a buffer");

struct pool_chunk {
    struct pool_chunk *next;
    uint8_t *pages;
    size_t pages_bytes;
    uint32_t count;
    struct pool_buffer buffers[];
};

static struct pool_buffer *pool__of(const struct net_buffer *buffer)
{
    return weir_container_of(buffer, struct pool_buffer, public_part);
}

/* Memory that is not the pool's stays accessible: its owner may read it at any time. */
static void pool__poison(const struct pool_buffer *buffer)
{
    if (buffer->pool) memory_poison(buffer->start, buffer->public_part.capacity);
}

static void pool__unpoison(const struct pool_buffer *buffer)
{
    if (buffer->pool) memory_unpoison(buffer->start, buffer->public_part.capacity);
}

static void pool__push(struct pool *pool, struct pool_buffer *buffer)
{
    buffer->owner = POOL_FREE;
    buffer->public_part.next = pool->free_list ? &pool->free_list->public_part : NULL;
    pool->free_list = buffer;
    pool->free_count++;
    memory_poison(buffer->start, pool->buffer_bytes);
}

/* ---- registering ---- */

/* Lets the buffer occupy memory: registers it, if the system must know it. Returns false if the
 * system refuses that. */
static bool pool__make_resident(struct pool *pool, struct pool_buffer *buffer)
{
    if (pool->registrar.add && !pool->registrar.add(pool->registrar.context, buffer)) return false;
    buffer->resident = true;
    pool->resident_count++;
    if (pool->memory_grew) *pool->memory_grew = true;
    return true;
}

/* Number of free buffers that stay registered: without one, no other would ever be given back, and
 * nothing would try to register again. */
static uint32_t pool__registered_min(const struct pool *pool)
{
    uint32_t count = POOL__REGISTERED_BYTES / pool->buffer_bytes;

    return count > 0 ? count : 1;
}

/* Ends the buffer's registration and gives its memory up. */
static void pool__give_up(struct pool *pool, struct pool_buffer *buffer)
{
    if (pool->registrar.add) pool->registrar.remove(pool->registrar.context, buffer);
    buffer->resident = false;
    pool->resident_count--;
}

void pool_unregister(struct pool *pool)
{
    weir_check_rule(pool->free_count == pool->buffers_count,
                    "rule 5, a buffer was never given back");
    if (!pool->registrar.add) return;
    for (struct pool_chunk *chunk = pool->chunks; chunk; chunk = chunk->next)
        for (uint32_t i = 0; i < chunk->count; i++)
            if (chunk->buffers[i].resident) pool__give_up(pool, &chunk->buffers[i]);
    pool->registrar = (struct pool_registrar){0};
}

bool pool_register(struct pool *pool, const struct pool_registrar *registrar)
{
    uint32_t count = pool__registered_min(pool);
    struct net_buffer *at = &pool->free_list->public_part;

    weir_check(!pool->registrar.add);
    weir_check(pool->free_count == pool->buffers_count);
    pool->registrar = *registrar;
    for (; count > 0 && at; count--, at = at->next) {
        if (pool__make_resident(pool, pool__of(at))) continue;
        pool_unregister(pool);
        return false;
    }
    return true;
}

/* ---- growing ---- */

static bool pool__grow(struct pool *pool)
{
    uint32_t count = pool->buffers_max - pool->buffers_count;

    if (count > pool->chunk_buffers) count = pool->chunk_buffers;
    if (count == 0) return false;
    struct pool_chunk *chunk = memory_alloc(sizeof *chunk + count * sizeof chunk->buffers[0]);
    if (!chunk) return false;
    chunk->pages_bytes = (size_t)count * pool->stride_bytes;
    chunk->pages = memory_pages(chunk->pages_bytes);
    if (!chunk->pages) {
        memory_free(chunk);
        return false;
    }
    chunk->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct pool_buffer *buffer = &chunk->buffers[i];
        buffer->start = chunk->pages + (size_t)i * pool->stride_bytes;
        buffer->pool = pool;
        buffer->public_part.capacity = pool->buffer_bytes;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    /* backwards, so that buffers are taken in the order of their addresses */
    for (uint32_t i = count; i-- > 0;) pool__push(pool, &chunk->buffers[i]);
    pool->buffers_count += count;
    return true;
}

bool pool_open(struct pool *pool, uint32_t buffer_bytes, uint32_t chunk_buffers,
               uint32_t buffers_max)
{
    weir_check(buffer_bytes > 0);
    weir_check(chunk_buffers > 0);
    weir_check(buffers_max > 0);
    *pool = (struct pool){
        .buffer_bytes = buffer_bytes,
        /* One page more than a power of two: otherwise the first lines of all buffers would map to
         * the same few sets of a cache. */
        .stride_bytes =
            (buffer_bytes + POOL__PAGE_BYTES - 1) / POOL__PAGE_BYTES * POOL__PAGE_BYTES +
            POOL__PAGE_BYTES,
        .chunk_buffers = chunk_buffers,
        .buffers_max = buffers_max,
    };
    if (pool__grow(pool)) return true;
    pool_free(pool);
    return false;
}

void pool_free(struct pool *pool)
{
    weir_check_rule(pool->free_count == pool->buffers_count,
                    "rule 5, a buffer was never given back");
    while (pool->chunks) {
        struct pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        memory_pages_free(chunk->pages, chunk->pages_bytes);
        memory_free(chunk);
    }
    *pool = (struct pool){0};
}

struct net_buffer *pool_take(struct pool *pool, enum pool_owner owner)
{
    weir_check(owner != POOL_FREE);
    if (!pool->free_list && !pool__grow(pool)) {
        pool->growth_failed = true;
        return NULL;
    }
    struct pool_buffer *buffer = pool->free_list;
    weir_check(buffer->owner == POOL_FREE);
    if (!buffer->resident && !pool__make_resident(pool, buffer)) {
        pool->growth_failed = true;
        return NULL;
    }
    pool->free_list = buffer->public_part.next ? pool__of(buffer->public_part.next) : NULL;
    pool->free_count--;
    buffer->owner = owner;
    buffer->public_part.bytes = buffer->start;
    buffer->public_part.length = 0;
    buffer->public_part.next = NULL;
    if (owner == POOL_CALLER) memory_unpoison(buffer->start, pool->buffer_bytes);
    return &buffer->public_part;
}

void pool_give_back(struct net_buffer *buffer, enum pool_owner owner)
{
    struct pool_buffer *mine = pool__of(buffer);

    weir_check(owner != POOL_FREE);
    weir_check_rule(mine->owner == owner,
                    "rule 5, a buffer is given back by a caller that does not own it");
    if (!mine->pool) {
        foreign_give_back(mine);
        return;
    }
    mine->pool->growth_failed = false;
    pool__push(mine->pool, mine);
}

/* Buffers that occupy memory come first in the free list: those that were used last. */
void pool_discard(struct pool *pool, uint32_t spare_count)
{
    struct net_buffer *at = pool->free_list ? &pool->free_list->public_part : NULL;
    uint32_t left = pool->resident_count - pool_taken(pool);

    if (pool->registrar.add && spare_count < pool__registered_min(pool))
        spare_count = pool__registered_min(pool);
    for (; left > 0; left--, at = at->next) {
        struct pool_buffer *buffer = pool__of(at);
        weir_check(buffer->owner == POOL_FREE);
        weir_check(buffer->resident);
        if (spare_count > 0) {
            spare_count--;
            continue;
        }
        pool__give_up(pool, buffer);
        memory_pages_discard(buffer->start, pool->stride_bytes);
    }
}

void pool_move(struct net_buffer *buffer, enum pool_owner from, enum pool_owner to)
{
    struct pool_buffer *mine = pool__of(buffer);

    weir_check(from != POOL_FREE);
    weir_check(to != POOL_FREE);
    weir_check_rule(mine->owner == from,
                    "rule 5, a buffer is passed on by a caller that does not own it");
    mine->owner = to;
    if (to == POOL_CALLER)
        pool__unpoison(mine);
    else
        pool__poison(mine);
}

void pool_touch(struct net_buffer *buffer)
{
    weir_check(pool__of(buffer)->owner == POOL_SYSTEM);
    pool__unpoison(pool__of(buffer));
}

void pool_untouch(struct net_buffer *buffer)
{
    weir_check(pool__of(buffer)->owner == POOL_SYSTEM);
    pool__poison(pool__of(buffer));
}

bool pool_is_whole(const struct net_buffer *buffer)
{
    const struct pool_buffer *mine = pool__of(buffer);

    /* `bytes` can point anywhere, and pointers into different objects cannot be compared. */
    uintptr_t offset = (uintptr_t)buffer->bytes - (uintptr_t)mine->start;

    return buffer->length <= buffer->capacity && offset <= buffer->capacity - buffer->length;
}

uint32_t net_room(const struct net_buffer *buffer)
{
    const struct pool_buffer *mine = (const struct pool_buffer *)(const void *)buffer;

    weir_check(mine->owner == POOL_CALLER);
    weir_check(pool_is_whole(buffer));
    return buffer->capacity - buffer->length - (uint32_t)(buffer->bytes - mine->start);
}
