/* SPDX-License-Identifier: MIT */
/* pool.h - fixed-size buffers with one owner each.
 *
 *      pool_take               net_send / posted receive
 *   FREE -------> CALLER ------------------------------> SYSTEM
 *     ^             |  ^                                  |  |
 *     |  give_back  |  '------------ received ------------'  |
 *     '-------------+-------------- send done ---------------'
 *
 * Every move names the present owner of the buffer and checks it: a buffer that is given back
 * twice, or used by two owners, ends the process at that call. Under the address sanitizer the
 * bytes of a buffer are poisoned unless CALLER owns it, so a late read or write is reported.
 *
 * The free list is last in, first out, so that a few buffers that are in the cache serve most of
 * the work. The pool grows by chunks up to its maximum. A buffer that was never taken occupies no
 * memory, and pool_discard() returns the memory of those that are free again. A registrar, which
 * locks buffers in memory (RIO), registers a buffer when it begins to occupy memory.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "memory.h"
#include "net.h"

enum pool_owner { POOL_FREE, POOL_CALLER, POOL_SYSTEM };

struct pool_chunk;
struct pool_buffer;
struct foreign;

/* Registers buffers with a system that must know them before a request uses them (RIO). */
struct pool_registrar {
    /* Sets buffer->registrations. Returns false, with nothing registered, if the system refuses. */
    bool (*add)(void *context, struct pool_buffer *buffer);
    void (*remove)(void *context, struct pool_buffer *buffer);
    void *context;
};

struct pool {
    uint32_t buffer_bytes;  /* capacity of a buffer */
    uint32_t stride_bytes;  /* distance between buffers: whole pages */
    uint32_t chunk_buffers; /* buffers added by one growth */
    uint32_t buffers_max;
    uint32_t buffers_count;
    uint32_t free_count;
    uint32_t
        resident_count; /* buffers that occupy memory: those taken, and free ones taken before */
    bool *memory_grew;  /* set when resident_count rises; null: not reported */
    /* Memory was exhausted, or the registrar refused a buffer; set until a buffer is given back. */
    bool growth_failed;
    struct pool_buffer *free_list;
    struct pool_chunk *chunks;
    struct pool_registrar registrar; /* all null: no registration needed */
};

/* The page after each buffer, for its addresses and control messages. */
#define POOL_MARGIN_BYTES 4096u

/* A buffer with the pool's own members. */
struct pool_buffer {
    struct net_buffer public_part; /* first: a net_buffer is a pool_buffer */
    uint8_t *start;
    struct pool *pool; /* null: a piece of `foreign`, which the caller stores */
    struct foreign *foreign;
    enum pool_owner owner;
    bool resident;          /* it was taken, and its memory was not discarded since */
    void *registrations[2]; /* the registrar's ids, for the buffer and for its margin */
    uint64_t note;          /* free for the transport while SYSTEM owns the buffer */
};

static inline struct pool_buffer *pool_buffer_of(struct net_buffer *buffer)
{
    return (struct pool_buffer *)(void *)buffer; /* `public_part` is the first member */
}

static inline uint8_t *pool_margin(const struct pool_buffer *buffer)
{
    return buffer->start + buffer->pool->stride_bytes - POOL_MARGIN_BYTES;
}

/* Opens a pool with its first chunk. Returns false if memory is exhausted. */
bool pool_open(struct pool *pool, uint32_t buffer_bytes, uint32_t chunk_buffers,
               uint32_t buffers_max);

/* Frees the pool; every buffer must be FREE. A pool that failed to open is allowed. */
void pool_free(struct pool *pool);

/* Registers 64 KiB of buffers, and each other one when it is taken; pool_take() fails if that does.
 * Every buffer must be FREE. Returns false, with nothing registered, if the system refuses. */
bool pool_register(struct pool *pool, const struct pool_registrar *registrar);

/* Ends all registrations. Every buffer must be FREE, and only pool_free() may follow. */
void pool_unregister(struct pool *pool);

/* Returns the memory of free buffers to the system, except for the `spare_count` that were used
 * last, and ends their registrations. A pool with a registrar keeps 64 KiB. */
void pool_discard(struct pool *pool, uint32_t spare_count);

/* Returns the number of buffers that are not free. */
static inline uint32_t pool_taken(const struct pool *pool)
{
    return pool->buffers_count - pool->free_count;
}

/* Returns the number of buffers that can be taken, if growing and registering succeed. */
static inline uint32_t pool_room(const struct pool *pool)
{
    if (!pool->growth_failed) return pool->free_count + pool->buffers_max - pool->buffers_count;
    return pool->registrar.add ? pool->resident_count - pool_taken(pool) : pool->free_count;
}

static inline bool pool_has(const struct pool *pool)
{
    return pool_room(pool) > 0;
}

/* ---- taken and passed for every message: inline ---- */

/* Memory that is not the pool's stays accessible: its owner may read it at any time. */
static inline void pool_poison(const struct pool_buffer *buffer)
{
    if (buffer->pool) memory_poison(buffer->start, buffer->public_part.capacity);
}

static inline void pool_unpoison(const struct pool_buffer *buffer)
{
    if (buffer->pool) memory_unpoison(buffer->start, buffer->public_part.capacity);
}

/* The part of pool_give_back() that lists the buffer. */
static inline void pool_push(struct pool *pool, struct pool_buffer *buffer)
{
    buffer->owner = POOL_FREE;
    buffer->public_part.next = pool->free_list ? &pool->free_list->public_part : NULL;
    pool->free_list = buffer;
    pool->free_count++;
    memory_poison(buffer->start, pool->buffer_bytes);
}

/* The part of pool_take() for a buffer that is there and resident. */
static inline struct net_buffer *pool_hand_out(struct pool *pool, enum pool_owner owner)
{
    struct pool_buffer *buffer = pool->free_list;

    weir_check(buffer->owner == POOL_FREE);
    pool->free_list = buffer->public_part.next ? pool_buffer_of(buffer->public_part.next) : NULL;
    pool->free_count--;
    buffer->owner = owner;
    buffer->public_part.bytes = buffer->start;
    buffer->public_part.length = 0;
    buffer->public_part.next = NULL;
    if (owner == POOL_CALLER) memory_unpoison(buffer->start, pool->buffer_bytes);
    return &buffer->public_part;
}

/* The part of pool_take() that grows the pool, or makes a buffer resident. */
struct net_buffer *pool_take_more(struct pool *pool, enum pool_owner owner);

/* Returns an empty buffer owned by `owner`; null if buffers_max are taken or memory is
 * exhausted. */
static inline struct net_buffer *pool_take(struct pool *pool, enum pool_owner owner)
{
    weir_check(owner != POOL_FREE);
    if (!pool->free_list || !pool->free_list->resident) return pool_take_more(pool, owner);
    return pool_hand_out(pool, owner);
}

/* The part of pool_give_back() for a buffer that is not from a pool. */
void pool_give_back_foreign(struct pool_buffer *buffer);

/* Passes a buffer from `owner` to FREE. */
static inline void pool_give_back(struct net_buffer *buffer, enum pool_owner owner)
{
    struct pool_buffer *mine = pool_buffer_of(buffer);

    weir_check(owner != POOL_FREE);
    weir_check_rule(mine->owner == owner,
                    "rule 5, a buffer is given back by a caller that does not own it");
    if (!mine->pool) {
        pool_give_back_foreign(mine);
        return;
    }
    mine->pool->growth_failed = false;
    pool_push(mine->pool, mine);
}

/* Passes a buffer from one owner to another; neither is FREE. */
static inline void pool_move(struct net_buffer *buffer, enum pool_owner from, enum pool_owner to)
{
    struct pool_buffer *mine = pool_buffer_of(buffer);

    weir_check(from != POOL_FREE);
    weir_check(to != POOL_FREE);
    weir_check_rule(mine->owner == from,
                    "rule 5, a buffer is passed on by a caller that does not own it");
    mine->owner = to;
    if (to == POOL_CALLER)
        pool_unpoison(mine);
    else
        pool_poison(mine);
}

/* Allow a system call of the transport, which the sanitizer checks, to access a buffer that SYSTEM
 * owns; and forbid it again. */
static inline void pool_touch(struct net_buffer *buffer)
{
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    pool_unpoison(pool_buffer_of(buffer));
}

static inline void pool_untouch(struct net_buffer *buffer)
{
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    pool_poison(pool_buffer_of(buffer));
}

/* Returns whether `bytes` and `length` are inside the memory of the buffer. */
static inline bool pool_is_whole(const struct net_buffer *buffer)
{
    const struct pool_buffer *mine = (const struct pool_buffer *)(const void *)buffer;
    /* `bytes` can point anywhere, and pointers into different objects cannot be compared. */
    uintptr_t offset = (uintptr_t)buffer->bytes - (uintptr_t)mine->start;

    return buffer->length <= buffer->capacity && offset <= buffer->capacity - buffer->length;
}

#endif
