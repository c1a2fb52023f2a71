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

/* ---- borrowed run ----
 *
 * The receive buffer whose messages a handler is processing, and the frames that the handler sends
 * back unchanged. As long as these frames are adjacent, they stay in the buffer as one range:
 *
 *      [ rest of a frame | f1 | f2 | f3 | part of f4 ]     f1, f2, f3 sent back: one run
 *                        '---- run ----'
 *
 * Owner of the buffer: the run, from opening to closing it. The closed run is sent as the buffer
 * itself, without a copy. If other bytes must leave first, the run so far is copied ahead of them
 * (borrowed_run_take), and a new run may begin. There is one run per worker. */
struct borrowed_run {
    struct net_buffer *buffer; /* null: no receive buffer is being processed */
    uint8_t *bytes;            /* in the buffer */
    uint32_t length;           /* 0: no frame was sent back, or the run was taken */
};

/* Adds the frame to the run. Returns false, and changes nothing, if the frame is not in the buffer
 * or does not follow the run. */
static inline bool borrowed_run_extend(struct borrowed_run *run, const uint8_t *frame,
                                       size_t length)
{
    const struct net_buffer *buffer = run->buffer;
    uintptr_t at = (uintptr_t)frame;

    if (!buffer || at < (uintptr_t)buffer->bytes || at >= (uintptr_t)buffer->bytes + buffer->length)
        return false;
    if (run->length > 0 && frame != run->bytes + run->length) return false;
    if (run->length == 0) run->bytes = buffer->bytes + (at - (uintptr_t)buffer->bytes);
    run->length += (uint32_t)length;
    return true;
}

/* Empties the run; its bytes stay valid until the run is closed. Returns their number. */
static inline uint32_t borrowed_run_take(struct borrowed_run *run, const uint8_t **bytes)
{
    uint32_t length = run->length;

    *bytes = run->bytes;
    run->length = 0;
    return length;
}

/* Gives the buffer up. Returns it, cut to the run, for the caller to send. Returns null, after
 * giving the buffer back to the pool, if the run is empty or `may_send` is false. */
static inline struct net_buffer *borrowed_run_close(struct borrowed_run *run, struct net *net,
                                                    bool may_send)
{
    struct net_buffer *buffer = run->buffer;

    if (run->length > 0 && may_send) {
        buffer->bytes = run->bytes;
        buffer->length = run->length;
    } else {
        net_give_back(net, buffer);
        buffer = NULL;
    }
    *run = (struct borrowed_run){.buffer = NULL};
    return buffer;
}

#endif
