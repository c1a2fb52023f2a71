/* SPDX-License-Identifier: MIT */
/* send_queue.h - what one session still has to send, as buffers in order.
 *
 *      add, copy -> [ first ... last ] -> take (up to NET_SEND_BUFFERS_MAX) -> in flight -> sent
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

struct send_queue {
    struct net_buffer *first, *last;
    uint32_t pinned_bytes;        /* capacities of all buffers, queued and in flight */
    uint32_t flight_pinned_bytes; /* capacities of those in flight */
    uint32_t flight_bytes;        /* content of those in flight; 0 exactly when nothing is */
};

static inline bool send_queue_is_empty(const struct send_queue *queue)
{
    return !queue->first;
}

/* Queues the buffer, or moves its bytes behind those of the last and gives it back. */
void send_queue_add(struct send_queue *queue, struct net *net, struct net_buffer *buffer);

/* Queues a copy. False: the pool has no buffer left, and nothing was queued. */
bool send_queue_copy(struct send_queue *queue, struct net *net, const uint8_t *bytes,
                     size_t length);

/* Takes the first buffers out, now in flight; returns how many. Nothing may be in flight. */
uint32_t send_queue_take(struct send_queue *queue,
                         struct net_buffer *buffers[NET_SEND_BUFFERS_MAX]);

/* The flight was answered; returns the bytes that it carried. */
uint32_t send_queue_landed(struct send_queue *queue);

/* Gives back all that is queued (not what is in flight). */
void send_queue_drop(struct send_queue *queue, struct net *net);

#endif
