/* SPDX-License-Identifier: MIT */
/* uring_ring.h - one io_uring: its two queues, and the shelf of buffers for its receives.
 * Private to uring.c, which says what is put into the queues and what comes out of them.
 *
 *       uring_ring_refill          the kernel, when bytes arrive            uring_ring_claim
 *   pool ---------------> shelf ---------------------------> completion --------------> caller
 *
 * The shelf is small on purpose: the kernel takes from it in order, so all of it is walked through,
 * and it should stay in the processor's cache. It is refilled at one place of the turn only, which
 * bounds what one connection can bring in after its owner wanted no more.
 */
#ifndef NET_LINUX_URING_RING_H
#define NET_LINUX_URING_RING_H

#include <liburing.h>

#include "net.h"
#include "pool.h"

#define URING_RING_SHELF 0 /* the kernel's name for our only shelf */

struct uring_ring_message;

struct uring_ring {
    struct io_uring io;
    bool io_open, shelf_registered;
    struct uring_ring_message *messages; /* one beside each place of the submission queue */
    size_t messages_bytes;
    struct io_uring_buf_ring *shelf; /* pages shared with the kernel */
    size_t shelf_bytes;
    uint32_t shelf_places;        /* power of two */
    uint32_t shelf_max;           /* buffers that may lie on it */
    uint32_t shelf_count;         /* buffers that do, as far as completions have told */
    struct net_buffer **by_place; /* shelf_places entries; null: nothing lies there */
    uint16_t *free_places;        /* a stack of shelf_places - shelf_count */
};

/* Fails with a reason and a hint when this system has no io_uring for us, and then leaves nothing
 * behind. The ring belongs to the calling thread. */
enum weir_code uring_ring_open(struct uring_ring *ring, const struct net_options *options,
                               struct weir_error *error);

/* A ring that failed to open is allowed. Nothing but the shelf may hold buffers. */
void uring_ring_free(struct uring_ring *ring);

/* An entry to fill; handed over by the next enter, or earlier when the queue is full. Null: the
 * kernel takes no more before completions are taken; try again after the next enter. */
struct io_uring_sqe *uring_ring_entry(struct uring_ring *ring);

/* A message of the buffers from `first` on, linked through `next`: valid until the kernel has taken
 * the entry over. */
const struct msghdr *uring_ring_message(struct uring_ring *ring, const struct io_uring_sqe *entry,
                                        const struct net_buffer *first);

/* Puts buffers of the pool onto the shelf until it is full or the pool is empty. */
void uring_ring_refill(struct uring_ring *ring, struct pool *pool);

/* The buffer that a completion brings, owned by SYSTEM; null: it brings none. */
struct net_buffer *uring_ring_claim(struct uring_ring *ring, const struct io_uring_cqe *completion);

/* Hands all entries over, then waits for a completion until until_ns (of clock_now_ns; 0: not at
 * all). May return early, and with nothing. */
void uring_ring_enter(struct uring_ring *ring, uint64_t until_ns);

#endif
