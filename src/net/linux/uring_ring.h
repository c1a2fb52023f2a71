/* SPDX-License-Identifier: MIT */
/* uring_ring.h - one io_uring: its two queues, and the provided-buffer ring for its receives.
 * Private to uring.c and its parts, which fill the queues.
 *
 *       uring_ring_refill               the kernel, when bytes arrive           uring_ring_claim
 *   pool ---------------> buffer ring ---------------------------> completion -------------> caller
 *
 * The buffer ring is small on purpose: the kernel takes buffers in order, so it walks through all
 * of them, and they should stay in the processor's cache. The ring is refilled at one point of the
 * iteration only, which bounds the bytes that arrive after receiving was switched off.
 */
#ifndef NET_LINUX_URING_RING_H
#define NET_LINUX_URING_RING_H

#include <liburing.h>

#include "net.h"
#include "pool.h"

#define URING_RING_BUFFER_GROUP 0 /* the kernel's name for our only buffer ring */

struct uring_ring_message;

struct uring_ring {
    struct io_uring io;
    bool io_open, buffer_ring_registered;
    struct uring_ring_message *messages; /* one for each entry of the submission queue */
    size_t messages_bytes;
    struct io_uring_buf_ring *buffer_ring; /* pages shared with the kernel */
    size_t buffer_ring_bytes;
    uint32_t ids_count;        /* power of two */
    uint32_t provided_max;     /* buffers that the ring may contain */
    uint32_t provided_count;   /* buffers that it contains, by the completions taken */
    struct net_buffer **by_id; /* ids_count entries; null: nothing lies there */
    uint16_t *free_ids;        /* a stack of ids_count - provided_count */
};

/* Opens a ring that belongs to the calling thread. On failure fills `error` with a reason and a
 * hint, and leaves nothing behind. */
enum weir_code uring_ring_open(struct uring_ring *ring, const struct net_options *options,
                               struct weir_error *error);

/* Frees the ring and the buffers in the buffer ring. A ring that failed to open is allowed. */
void uring_ring_free(struct uring_ring *ring);

/* Returns an entry to fill. The next enter submits it, or a call before if the queue is full.
 * Returns null if the kernel accepts no further entries until completions are taken: try again
 * after the next enter. */
struct io_uring_sqe *uring_ring_entry(struct uring_ring *ring);

/* Returns an entry to fill, which the next enter submits; null if the queue is full. */
static inline struct io_uring_sqe *uring_ring_spare_entry(struct uring_ring *ring)
{
    weir_check(ring->io_open);
    return io_uring_get_sqe(&ring->io);
}

/* Returns a message of the buffers from `first` on, linked through `next`. It is valid until the
 * entry is submitted. */
const struct msghdr *uring_ring_message(struct uring_ring *ring, const struct io_uring_sqe *entry,
                                        const struct net_buffer *first);

/* Moves buffers from the pool to the buffer ring until the ring is full or the pool is empty. */
void uring_ring_refill(struct uring_ring *ring, struct pool *pool);

/* Returns the buffer that a completion carries, owned by SYSTEM; null if it carries none. */
struct net_buffer *uring_ring_claim(struct uring_ring *ring, const struct io_uring_cqe *completion);

/* Submits all entries, then waits for a completion until `until_ns` of clock_now_ns() (0: does not
 * wait), which was just read as `now_ns`. May return early without a completion. Returns 0, or the
 * system's error number if the kernel was not entered; the entries then stay in the queue. */
int uring_ring_enter(struct uring_ring *ring, uint64_t now_ns, uint64_t until_ns);

#endif
