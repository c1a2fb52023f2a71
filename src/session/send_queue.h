/* SPDX-License-Identifier: MIT */
/* send_queue.h - the bytes that one session still has to send, in order: buffers that the queue
 * owns, and shares of payloads that other sessions send, too. A small message that follows a share
 * is copied into a small block, which is handled as a share. Below: the borrowed run.
 *
 *      add, copy  -> [ buffer ]--[ share ]--[ share ]--[ buffer ] -> take -> in flight -> released
 *      share      ->                 '----------'
 *                         coalesced into one buffer when they reach the front
 *
 * Bytes are in flight from take to the release by the system (net.h, rule 4). Several sends can be.
 * The cost is counted in memory, not in bytes to send: a buffer that carries one byte pins its
 * whole capacity. Therefore small pieces are appended to the last buffer. docs/decisions has the
 * design of the two steps of a send, of buffer parts and of sending shares in place (0007).
 */
#ifndef SESSION_SEND_QUEUE_H
#define SESSION_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "memory.h"
#include "net.h"
#include "payload.h"

/* Bytes to copy; the caller owns them. */
struct send_piece {
    const uint8_t *bytes;
    size_t length;
};

struct send_queue {
    struct net_buffer *first, *last;
    uint32_t pinned_bytes;        /* capacities of all buffers, queued and in flight, and shares */
    uint32_t flight_pinned_bytes; /* capacities of those in flight */
    uint32_t flight_bytes;        /* content of those in flight; 0: none is */
    uint32_t
        later_bytes; /* in flight since after the send deadline began; it runs for the others */
    uint32_t shares_count;  /* queued, and blocks */
    uint32_t counted_bytes; /* pinned_bytes at the last session_account() */
};

static inline bool send_queue_is_empty(const struct send_queue *queue)
{
    return !queue->first;
}

/* Returns whether the first entry is a share, which needs a buffer to be sent. Something must be
 * queued. */
bool send_queue_begins_with_share(const struct send_queue *queue);

/* The part of send_queue_add() for a queue that is not empty. */
void send_queue_add_behind(struct send_queue *queue, struct net *net, struct net_buffer *buffer);

/* Queues the buffer, which it takes over; or appends its bytes to the last buffer and returns it to
 * the pool. */
static inline void send_queue_add(struct send_queue *queue, struct net *net,
                                  struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    weir_check(buffer->capacity > 0);
    if (queue->last) {
        send_queue_add_behind(queue, net, buffer);
        return;
    }
    buffer->next = NULL;
    queue->first = queue->last = buffer;
    queue->pinned_bytes += buffer->capacity;
}

/* Queues a copy of the pieces. Returns false, and queues nothing, if the pool has too few buffers.
 */
bool send_queue_copy(struct send_queue *queue, struct net *net, const struct send_piece *pieces,
                     size_t pieces_count);

/* Queues a share of the payload, with a reference of its own. `may_drop`: send_queue_drop_oldest()
 * may remove it. Returns false, and queues nothing, if memory is exhausted. */
bool send_queue_share(struct send_queue *queue, struct payload *payload, bool may_drop);

/* Returns what a share of the payload adds to pinned_bytes. */
uint32_t send_queue_share_bytes(const struct payload *payload);

/* Removes the oldest droppable shares of which nothing was sent yet, until at most
 * `pinned_max_bytes` are pinned or none is left. Returns how many. */
uint32_t send_queue_drop_oldest(struct send_queue *queue, uint32_t pinned_max_bytes);

/* Takes the first buffers out of the queue; they are in flight now, and the caller owns them.
 * Returns how many: 0 only if the first entry is a share and the pool has no buffer for it. It pins
 * at most a buffer and the frame of one share more than before. */
uint32_t send_queue_take(struct send_queue *queue, struct net *net,
                         struct net_buffer *buffers[NET_SEND_BUFFERS_MAX]);

/* Whether the queue holds one buffer and nothing else. Something must be queued. */
static inline bool send_queue_is_single(const struct send_queue *queue)
{
    return !queue->first->next && queue->first->capacity > 0;
}

/* As send_queue_take(), for such a queue. */
static inline struct net_buffer *send_queue_take_single(struct send_queue *queue)
{
    struct net_buffer *buffer = queue->first;

    weir_check(send_queue_is_single(queue));
    queue->first = queue->last = NULL;
    queue->flight_bytes += buffer->length;
    queue->flight_pinned_bytes += buffer->capacity;
    return buffer;
}

/* ---- for filters: the front of the queue has wire bytes, the rest plain ones ---- */

/* Puts the buffer, which it takes over, behind `previous`; null: at the front. */
void send_queue_insert(struct send_queue *queue, struct net_buffer *previous,
                       struct net_buffer *buffer);

/* Takes the first entry, a buffer, out of the queue; it is in flight now, and the caller owns it.
 */
struct net_buffer *send_queue_take_first(struct send_queue *queue);

/* Sets *bytes to adjacent bytes at the front, at most `max`. Returns their number. Small entries
 * are joined in `scratch`, which has room for `max`. Something must be queued. */
uint32_t send_queue_peek(const struct send_queue *queue, uint32_t max, uint8_t *scratch,
                         const uint8_t **bytes);

/* Removes that many bytes from the front, and frees the entries that become empty. */
void send_queue_skip(struct send_queue *queue, struct net *net, uint32_t length);

/* Replaces each share by a copy in buffers: then every entry is a buffer. Returns false, and
 * changes nothing, if the pool has too few. */
bool send_queue_copy_shares(struct send_queue *queue, struct net *net);

/* The caller sends a buffer that was not queued: it is in flight now. */
void send_queue_add_flight(struct send_queue *queue, const struct net_buffer *buffer);

/* ---- release ---- */

/* The system has released this many bytes in flight, and buffers of this capacity. */
static inline void send_queue_released(struct send_queue *queue, uint32_t bytes,
                                       uint32_t pinned_bytes)
{
    weir_check(bytes <= queue->flight_bytes);
    weir_check(pinned_bytes <= queue->flight_pinned_bytes);
    queue->pinned_bytes -= pinned_bytes;
    queue->flight_pinned_bytes -= pinned_bytes;
    queue->flight_bytes -= bytes;
}

/* Returns the bytes for which the send deadline runs, which left first. */
static inline uint32_t send_queue_timed_bytes(const struct send_queue *queue)
{
    return queue->flight_bytes > queue->later_bytes ? queue->flight_bytes - queue->later_bytes : 0;
}

/* Discards everything that is queued, but not what is in flight. Returns the number of droppable
 * shares among it, also those of which a part was sent. */
uint32_t send_queue_drop(struct send_queue *queue, struct net *net);

/* The same for what is queued behind `last`; null: everything. */
uint32_t send_queue_drop_behind(struct send_queue *queue, struct net *net, struct net_buffer *last);

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

/* Whether the byte is one of the buffer's. */
static inline bool borrowed_run_has(const struct borrowed_run *run, const uint8_t *byte)
{
    const struct net_buffer *buffer = run->buffer;

    return buffer && (uintptr_t)byte - (uintptr_t)buffer->bytes < buffer->length;
}

/* Adds the frame to the run. Returns false, and changes nothing, if the frame is not in the buffer
 * or does not follow the run. */
static inline bool borrowed_run_extend(struct borrowed_run *run, const uint8_t *frame,
                                       size_t length)
{
    const struct net_buffer *buffer = run->buffer;
    uintptr_t at = (uintptr_t)frame;

    if (!borrowed_run_has(run, frame)) return false;
    weir_check_use(length <= (uintptr_t)buffer->bytes + buffer->length - at,
                   "a message's frame lies within the input of its codec");
    if (run->length > 0 && frame != run->bytes + run->length) return false;
    if (run->length == 0) run->bytes = buffer->bytes + (at - (uintptr_t)buffer->bytes);
    run->length += (uint32_t)length;
    return true;
}

/* Tells AddressSanitizer that on_message has returned: its message must not be used any longer.
 * weir itself uses the bytes again after the run is taken, closed or released. Only bytes before
 * `decoded` are meant, because a codec can deliver several messages of one frame. A message that
 * the codec has copied is not in the buffer: the codec frees it. */
static inline void borrowed_run_poison(const struct borrowed_run *run, const uint8_t *frame,
                                       size_t length, const uint8_t *decoded)
{
#if defined(MEMORY_ASAN)
    const struct net_buffer *buffer = run->buffer;
    uintptr_t at = (uintptr_t)frame;

    if (buffer && at >= (uintptr_t)buffer->bytes && at + length <= (uintptr_t)decoded)
        memory_poison(frame, length);
#else
    (void)run;
    (void)frame;
    (void)length;
    (void)decoded;
#endif
}

/* Empties the run; its bytes stay valid until the run is closed. Returns their number. */
static inline uint32_t borrowed_run_take(struct borrowed_run *run, const uint8_t **bytes)
{
    uint32_t length = run->length;

    weir_check(run->buffer != NULL);
    weir_check(length > 0);
    memory_unpoison(run->bytes, length);
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

    weir_check(buffer != NULL);
    weir_check(run->length <= buffer->length);
    memory_unpoison(buffer->bytes, buffer->length);
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

/* Gives the buffer up and returns it, for the caller to keep. The run must be empty. */
static inline struct net_buffer *borrowed_run_release(struct borrowed_run *run)
{
    struct net_buffer *buffer = run->buffer;

    weir_check(buffer != NULL);
    weir_check(run->length == 0);
    memory_unpoison(buffer->bytes, buffer->length);
    run->buffer = NULL;
    return buffer;
}

#endif
