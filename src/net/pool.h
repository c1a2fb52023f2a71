/* SPDX-License-Identifier: MIT */
/* pool.h - fixed buffers, one owner each.
 *
 *      pool_take               net_send / posted receive
 *   FREE -------> CALLER ------------------------------> SYSTEM
 *     ^             |  ^                                  |  |
 *     |  give_back  |  '------------ received ------------'  |
 *     '-------------+-------------- send done ---------------'
 *
 * Every move names the owner it takes the buffer from, and checks it: a buffer given back twice, or
 * touched by two, ends the process there and then. Under the address sanitizer a buffer's bytes are
 * poisoned unless the CALLER has it, so that a late reader or writer is caught in the act.
 *
 * The free list is last in, first out, so that a small and hot set serves most of the work. The
 * pool grows by chunks up to its maximum and never shrinks; untouched pages cost nothing, unless a
 * registrar has the system hold them in memory (RIO).
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"

enum pool_owner { POOL_FREE, POOL_CALLER, POOL_SYSTEM };

struct pool_chunk;
struct pool_buffer;

/* How a system is told of memory that requests will name, where it wants to know beforehand. */
struct pool_registrar {
    /* Sets buffer->registrations; false, and nothing is registered: the system will not. */
    bool (*add)(void *context, struct pool_buffer *buffer);
    void (*remove)(void *context, struct pool_buffer *buffer);
    void *context;
};

struct pool {
    uint32_t buffer_bytes;  /* capacity of each */
    uint32_t stride_bytes;  /* from one to the next: whole pages */
    uint32_t chunk_buffers; /* added at a time */
    uint32_t buffers_max;
    uint32_t buffers_count;
    uint32_t free_count;
    bool growth_failed; /* there was no memory for more; true until a buffer comes back */
    struct pool_buffer *free_list;
    struct pool_chunk *chunks;
    struct pool_registrar registrar; /* all null: the system need not know */
};

/* The page behind each buffer, for what travels with it: addresses, control messages. */
#define POOL_MARGIN_BYTES 4096u

/* What the pool knows of a buffer beside what all may see. */
struct pool_buffer {
    struct net_buffer shown; /* first: a net_buffer is a pool_buffer */
    uint8_t *start;
    struct pool *pool;
    enum pool_owner owner;
    void *registrations[2]; /* the registrar's: of the buffer, of its margin */
    uint64_t note;          /* the transport's, while the buffer is SYSTEM's */
};

static inline struct pool_buffer *pool_buffer_of(struct net_buffer *buffer)
{
    return (struct pool_buffer *)(void *)buffer; /* it comes first in it */
}

static inline uint8_t *pool_margin(const struct pool_buffer *buffer)
{
    return buffer->start + buffer->pool->stride_bytes - POOL_MARGIN_BYTES;
}

/* Opens a pool with its first chunk. False: no memory. */
bool pool_open(struct pool *pool, uint32_t buffer_bytes, uint32_t chunk_buffers,
               uint32_t buffers_max);

/* Every buffer must be FREE. Null members are allowed: a pool that failed to open. */
void pool_free(struct pool *pool);

/* Registers every buffer there is, and from now on every one that growth adds: growth fails where
 * registering does. False: nothing is registered. */
bool pool_register(struct pool *pool, const struct pool_registrar *registrar);

/* Every buffer must be FREE, and none may be used again before pool_free(). */
void pool_unregister(struct pool *pool);

/* An empty buffer for `owner`; null when all buffers_max are out, or there is no memory for
 * more. */
struct net_buffer *pool_take(struct pool *pool, enum pool_owner owner);

/* From `owner` to FREE. */
void pool_give_back(struct net_buffer *buffer, enum pool_owner owner);

/* From one owner to another, neither FREE. */
void pool_move(struct net_buffer *buffer, enum pool_owner from, enum pool_owner to);

/* Lets the transport's own system call, which the sanitizer watches, touch a buffer that SYSTEM
 * owns; and ends that. */
void pool_touch(struct net_buffer *buffer);
void pool_untouch(struct net_buffer *buffer);

/* How many there are to take, as far as is known: growing may still fail, once. */
static inline uint32_t pool_room(const struct pool *pool)
{
    return pool->free_count + (pool->growth_failed ? 0 : pool->buffers_max - pool->buffers_count);
}

static inline bool pool_has(const struct pool *pool)
{
    return pool_room(pool) > 0;
}

/* Whether `bytes` and `length` lie inside the buffer's memory: checked wherever a buffer comes back
 * from its owner. */
bool pool_is_whole(const struct net_buffer *buffer);

#endif
