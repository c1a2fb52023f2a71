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
        if (pool__make_resident(pool, pool_buffer_of(at))) continue;
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
    for (uint32_t i = count; i-- > 0;) pool_push(pool, &chunk->buffers[i]);
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

struct net_buffer *pool_take_more(struct pool *pool, enum pool_owner owner)
{
    if ((pool->free_list || pool__grow(pool)) &&
        (pool->free_list->resident || pool__make_resident(pool, pool->free_list)))
        return pool_hand_out(pool, owner);
    pool->growth_failed = true;
    return NULL;
}

void pool_give_back_foreign(struct pool_buffer *buffer)
{
    weir_check(!buffer->pool);
    foreign_give_back(buffer);
}

/* Buffers that occupy memory come first in the free list: those that were used last. */
void pool_discard(struct pool *pool, uint32_t spare_count)
{
    struct net_buffer *at = pool->free_list ? &pool->free_list->public_part : NULL;
    uint32_t left = pool->resident_count - pool_taken(pool);

    if (pool->registrar.add && spare_count < pool__registered_min(pool))
        spare_count = pool__registered_min(pool);
    for (; left > 0; left--, at = at->next) {
        struct pool_buffer *buffer = pool_buffer_of(at);
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

uint32_t net_room(const struct net_buffer *buffer)
{
    const struct pool_buffer *mine = (const struct pool_buffer *)(const void *)buffer;

    weir_check(mine->owner == POOL_CALLER);
    weir_check(pool_is_whole(buffer));
    return buffer->capacity - buffer->length - (uint32_t)(buffer->bytes - mine->start);
}
