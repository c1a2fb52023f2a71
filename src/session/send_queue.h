/* SPDX-License-Identifier: MIT */
/* send_queue.h - what one session still has to send, in order: buffers of its own, and shares of
 * payloads that others get too.
 *
 *      add, copy  -> [ buffer ]--[ share ]--[ share ]--[ buffer ] -> take -> in flight -> landed
 *      share      ->                 '----------'
 *                          poured together into a buffer when their turn comes
 *
 * Cost is counted in memory, not in bytes to send: a buffer that carries one byte pins all of
 * itself. So small pieces are moved together into the last buffer instead.
 */
#ifndef SESSION_SEND_QUEUE_H
#define SESSION_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "payload.h"

/* Bytes of somebody else's, to be copied. */
struct send_piece {
    const uint8_t *bytes;
    size_t length;
};

struct send_queue {
    struct net_buffer *first, *last;
    uint32_t pinned_bytes;        /* capacities of all buffers, queued and in flight, and shares */
    uint32_t flight_pinned_bytes; /* capacities of those in flight */
    uint32_t flight_bytes;        /* content of those in flight; 0 exactly when nothing is */
    uint32_t shares_count;        /* queued */
    uint32_t counted_bytes;       /* of pinned_bytes, in the worker's counters; its owner's */
};

static inline bool send_queue_is_empty(const struct send_queue *queue)
{
    return !queue->first;
}

/* Queues the buffer, or moves its bytes behind those of the last and gives it back. */
void send_queue_add(struct send_queue *queue, struct net *net, struct net_buffer *buffer);

/* Queues a copy of the pieces, one behind the other. False: the pool has not so many buffers left,
 * and nothing was queued. */
bool send_queue_copy(struct send_queue *queue, struct net *net, const struct send_piece *pieces,
                     size_t pieces_count);

/* Queues a share of the payload, of which it takes a reference; `may_drop`: it may be dropped
 * again. False: no memory, and nothing was queued. */
bool send_queue_share(struct send_queue *queue, struct payload *payload, bool may_drop);

/* What a share of the payload would add to pinned_bytes. */
uint32_t send_queue_share_bytes(const struct payload *payload);

/* Takes out the oldest shares that may be dropped and of which nothing was sent yet, until at most
 * `pinned_max_bytes` are pinned or none is left. Returns how many. */
uint32_t send_queue_drop_oldest(struct send_queue *queue, uint32_t pinned_max_bytes);

/* Takes the first buffers out, now in flight; returns how many: 0 only when the first is a share
 * and the pool has no buffer left to pour it into. It pins at most a buffer and the frame of one
 * share more than before. Nothing may be in flight, something queued. */
uint32_t send_queue_take(struct send_queue *queue, struct net *net,
                         struct net_buffer *buffers[NET_SEND_BUFFERS_MAX]);

/* The flight was answered; returns the bytes that it carried. */
uint32_t send_queue_completed(struct send_queue *queue);

/* Gives back all that is queued (not what is in flight). */
void send_queue_drop(struct send_queue *queue, struct net *net);

#endif
