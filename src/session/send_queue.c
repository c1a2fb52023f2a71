/* SPDX-License-Identifier: MIT */
/* send_queue.c - the bytes that one session still has to send; send_queue.h draws the queue. */
#include "send_queue.h"

#include <string.h>

#include "check.h"
#include "memory.h"

/* A payload in the queue, or a block of small messages. It is linked as a buffer without capacity,
 * whose bytes are the rest of the payload or block that is still to be sent.
 *
 * A small message that follows a share gets a block: a buffer of its own would pin much more memory
 * than the message needs. A block grows until it is full. The next one that follows immediately is
 * twice as large; from BLOCK_BYTES_MAX on, messages get buffers. */
struct send_queue__share {
    struct net_buffer link;  /* the first member: the queue links it */
    struct payload *payload; /* null: a block */
    uint32_t block_bytes;    /* capacity of the block */
    bool may_drop;           /* a broadcast; else an accepted response */
    uint8_t block[];
};

#define SEND_QUEUE__BLOCK_BYTES_MIN 256u
#define SEND_QUEUE__BLOCK_BYTES_MAX 4096u

_Static_assert(sizeof(struct send_queue__share) + 16 <= PAYLOAD_SHARE_BYTES,
               "a share costs no more than is charged for it, with what the heap adds");

static bool send_queue__is_share(const struct net_buffer *buffer)
{
    return buffer->capacity == 0;
}

bool send_queue_begins_with_share(const struct send_queue *queue)
{
    weir_check(queue->first != NULL);
    return send_queue__is_share(queue->first);
}

static struct send_queue__share *send_queue__share_of(struct net_buffer *buffer)
{
    weir_check(send_queue__is_share(buffer));
    return (struct send_queue__share *)(void *)buffer;
}

static uint32_t send_queue__share_pinned(const struct send_queue__share *share)
{
    return share->payload ? send_queue_share_bytes(share->payload)
                          : share->block_bytes + (uint32_t)sizeof *share;
}

static uint32_t send_queue__pinned(struct net_buffer *buffer)
{
    return send_queue__is_share(buffer) ? send_queue__share_pinned(send_queue__share_of(buffer))
                                        : buffer->capacity;
}

/* Returns how many bytes fit into the last buffer. */
static uint32_t send_queue__room(const struct send_queue *queue)
{
    return queue->last && !send_queue__is_share(queue->last) ? net_room(queue->last) : 0;
}

static bool send_queue__ends_with_share(const struct send_queue *queue)
{
    return queue->last && send_queue__is_share(queue->last);
}

static void send_queue__link(struct send_queue *queue, struct net_buffer *buffer)
{
    weir_check((queue->first == NULL) == (queue->last == NULL));
    buffer->next = NULL;
    if (queue->last)
        queue->last->next = buffer;
    else
        queue->first = buffer;
    queue->last = buffer;
    queue->pinned_bytes += send_queue__pinned(buffer);
    if (send_queue__is_share(buffer)) queue->shares_count++;
}

/* Unlinks the buffer after `previous`; null: the first. */
static void send_queue__unlink(struct send_queue *queue, struct net_buffer *previous)
{
    struct net_buffer *buffer = previous ? previous->next : queue->first;

    weir_check(buffer != NULL);
    if (previous)
        previous->next = buffer->next;
    else
        queue->first = buffer->next;
    if (queue->last == buffer) queue->last = previous;
    if (send_queue__is_share(buffer)) queue->shares_count--;
}

static void send_queue__free_share(struct send_queue *queue, struct net_buffer *buffer)
{
    struct send_queue__share *share = send_queue__share_of(buffer);

    weir_check(queue->pinned_bytes >= send_queue__share_pinned(share));
    queue->pinned_bytes -= send_queue__share_pinned(share);
    if (share->payload) payload_unref(share->payload);
    memory_free(share);
}

/* ---- in ---- */

static void send_queue__append(struct send_queue *queue, const uint8_t *bytes, size_t length)
{
    weir_check(length <= send_queue__room(queue));
    memcpy(queue->last->bytes + queue->last->length, bytes, length);
    queue->last->length += (uint32_t)length;
}

/* Returns how many bytes fit into the share; not 0: it is a block. */
static uint32_t send_queue__block_room(const struct send_queue__share *share)
{
    return share->payload ? 0
                          : (uint32_t)(share->block + share->block_bytes -
                                       (share->link.bytes + share->link.length));
}

/* Returns the last entry as a block with room for this many bytes: the present one, or a new one,
 * which is linked empty. Returns null if they belong into buffers, or memory is exhausted. */
static struct send_queue__share *send_queue__take_block(struct send_queue *queue, size_t bytes)
{
    struct send_queue__share *last = send_queue__share_of(queue->last), *share;
    uint32_t block_bytes = last->payload ? SEND_QUEUE__BLOCK_BYTES_MIN : 2 * last->block_bytes;

    if (bytes <= send_queue__block_room(last)) return last;
    while (block_bytes < bytes && block_bytes < SEND_QUEUE__BLOCK_BYTES_MAX) block_bytes *= 2;
    if (block_bytes > SEND_QUEUE__BLOCK_BYTES_MAX || block_bytes < bytes) return NULL;
    share = memory_alloc(sizeof *share + block_bytes);
    if (!share) return NULL;
    share->block_bytes = block_bytes;
    share->link.bytes = share->block;
    send_queue__link(queue, &share->link);
    return share;
}

/* Copies the pieces, `total` bytes, into a block. Returns false, and copies nothing, if they belong
 * into buffers. The last entry is a share. */
static bool send_queue__copy_small(struct send_queue *queue, const struct send_piece *pieces,
                                   size_t pieces_count, size_t total)
{
    struct send_queue__share *share = send_queue__take_block(queue, total);

    if (!share) return false;
    for (size_t i = 0; i < pieces_count; i++) {
        if (pieces[i].length == 0) continue;
        memcpy(share->link.bytes + share->link.length, pieces[i].bytes, pieces[i].length);
        share->link.length += (uint32_t)pieces[i].length;
    }
    return true;
}

void send_queue_add_behind(struct send_queue *queue, struct net *net, struct net_buffer *buffer)
{
    const struct send_piece piece = {buffer->bytes, buffer->length};

    weir_check(buffer->length > 0);
    if (buffer->length <= send_queue__room(queue)) {
        send_queue__append(queue, buffer->bytes, buffer->length);
        net_give_back(net, buffer);
    } else if (send_queue__ends_with_share(queue) &&
               send_queue__copy_small(queue, &piece, 1, piece.length)) {
        net_give_back(net, buffer);
    } else {
        send_queue__link(queue, buffer);
    }
}

/* Takes linked buffers for this many bytes; null for 0 bytes. Returns false, and takes none, if the
 * pool has too few. */
static bool send_queue__take_buffers(struct net *net, size_t bytes, struct net_buffer **taken)
{
    *taken = NULL;
    while (bytes > 0) {
        struct net_buffer *buffer = net_take(net, 1);
        weir_check(!buffer || buffer->length == 0);
        if (!buffer) {
            while ((buffer = *taken) != NULL) {
                *taken = buffer->next;
                net_give_back(net, buffer);
            }
            return false;
        }
        buffer->next = *taken;
        *taken = buffer;
        bytes -= bytes < buffer->capacity ? bytes : buffer->capacity;
    }
    return true;
}

bool send_queue_copy(struct send_queue *queue, struct net *net, const struct send_piece *pieces,
                     size_t pieces_count)
{
    uint32_t room = send_queue__room(queue);
    struct net_buffer *fresh;
    size_t total = 0;

    for (size_t i = 0; i < pieces_count; i++) total += pieces[i].length;
    if (send_queue__ends_with_share(queue) &&
        send_queue__copy_small(queue, pieces, pieces_count, total))
        return true;
    /* All or nothing: buffers for all bytes are reserved before the first is written. */
    if (!send_queue__take_buffers(net, total > room ? total - room : 0, &fresh)) return false;
    for (size_t i = 0; i < pieces_count; i++) {
        for (size_t done = 0; done < pieces[i].length;) {
            if (room == 0) {
                struct net_buffer *buffer = fresh;
                fresh = buffer->next;
                send_queue__link(queue, buffer);
                room = buffer->capacity;
            }
            size_t left = pieces[i].length - done;
            uint32_t piece = left < room ? (uint32_t)left : room;
            send_queue__append(queue, pieces[i].bytes + done, piece);
            done += piece;
            room -= piece;
        }
    }
    weir_check(fresh == NULL);
    return true;
}

uint32_t send_queue_share_bytes(const struct payload *payload)
{
    return payload->length + (uint32_t)sizeof(struct send_queue__share);
}

bool send_queue_share(struct send_queue *queue, struct payload *payload, bool may_drop)
{
    struct send_queue__share *share = memory_alloc(sizeof *share);

    weir_check(payload->length > 0);
    if (!share) return false;
    share->payload = payload_ref(payload);
    share->may_drop = may_drop;
    share->link.bytes = payload->bytes;
    share->link.length = payload->length;
    send_queue__link(queue, &share->link);
    return true;
}

/* ---- out ---- */

/* Whether the entry is a share of which nothing was sent yet. */
static bool send_queue__is_unsent(struct net_buffer *buffer)
{
    if (!send_queue__is_share(buffer)) return false;
    const struct send_queue__share *share = send_queue__share_of(buffer);
    return buffer->bytes == (share->payload ? share->payload->bytes : share->block);
}

uint32_t send_queue_drop_oldest(struct send_queue *queue, uint32_t pinned_max_bytes)
{
    struct net_buffer *previous = NULL, *at = queue->first;
    uint32_t count = 0;

    while (at && queue->shares_count > 0 && queue->pinned_bytes > pinned_max_bytes) {
        struct net_buffer *next = at->next;
        if (send_queue__is_unsent(at) && send_queue__share_of(at)->may_drop) {
            send_queue__unlink(queue, previous);
            send_queue__free_share(queue, at);
            count++;
        } else {
            previous = at;
        }
        at = next;
    }
    weir_check(queue->pinned_bytes >= queue->flight_pinned_bytes);
    return count;
}

/* Copies shares from the front into the buffer, until it is full or the next entry is a buffer. */
static void send_queue__coalesce(struct send_queue *queue, struct net_buffer *into)
{
    while (queue->first && send_queue__is_share(queue->first)) {
        struct net_buffer *share = queue->first;
        uint32_t room = net_room(into);
        uint32_t piece = share->length < room ? share->length : room;

        if (piece == 0) return;
        weir_check(into->length + piece <= into->capacity);
        memcpy(into->bytes + into->length, share->bytes, piece);
        into->length += piece;
        share->bytes += piece;
        share->length -= piece;
        if (share->length > 0) return;
        send_queue__unlink(queue, NULL);
        send_queue__free_share(queue, share);
    }
}

bool send_queue_copy_shares(struct send_queue *queue, struct net *net)
{
    struct net_buffer *fresh, *at;
    size_t total = 0;

    if (queue->shares_count == 0) return true;
    for (at = queue->first; at; at = at->next) total += at->length;
    if (!send_queue__take_buffers(net, total, &fresh)) return false;
    at = fresh;
    for (const struct net_buffer *from = queue->first; from; from = from->next)
        for (uint32_t copied = 0; copied < from->length;) {
            uint32_t part = from->length - copied;
            if (net_room(at) == 0) at = at->next;
            if (part > net_room(at)) part = net_room(at);
            memcpy(at->bytes + at->length, from->bytes + copied, part);
            at->length += part;
            copied += part;
        }
    send_queue_drop(queue, net);
    while ((at = fresh) != NULL) {
        fresh = at->next;
        send_queue__link(queue, at);
    }
    return true;
}

uint32_t send_queue_take(struct send_queue *queue, struct net *net,
                         struct net_buffer *buffers[NET_SEND_BUFFERS_MAX])
{
    uint32_t count = 0, before_bytes = queue->pinned_bytes;

    weir_check(queue->first != NULL);
    while (queue->first && count < NET_SEND_BUFFERS_MAX) {
        struct net_buffer *buffer = queue->first;
        if (send_queue__is_share(buffer)) {
            /* One buffer per call for shares: buffers with few bytes could exceed every mark. */
            if (queue->pinned_bytes > before_bytes && send_queue__is_unsent(buffer)) break;
            buffer = net_take(net, 1);
            if (!buffer) break;
            queue->pinned_bytes += buffer->capacity;
            send_queue__coalesce(queue, buffer);
        } else {
            send_queue__unlink(queue, NULL);
        }
        queue->flight_bytes += buffer->length;
        queue->flight_pinned_bytes += buffer->capacity;
        buffers[count++] = buffer;
    }
    weir_check(queue->pinned_bytes >= queue->flight_pinned_bytes);
    return count;
}

/* ---- for filters ---- */

/* Entries below this length are joined: sealing costs more than copying them. */
#define SEND_QUEUE__SMALL_BYTES 2048u

void send_queue_insert(struct send_queue *queue, struct net_buffer *previous,
                       struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    weir_check(!send_queue__is_share(buffer));
    if (previous == queue->last) {
        send_queue__link(queue, buffer);
        return;
    }
    buffer->next = previous ? previous->next : queue->first;
    if (previous)
        previous->next = buffer;
    else
        queue->first = buffer;
    queue->pinned_bytes += buffer->capacity;
}

void send_queue_add_flight(struct send_queue *queue, const struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    queue->pinned_bytes += buffer->capacity;
    queue->flight_bytes += buffer->length;
    queue->flight_pinned_bytes += buffer->capacity;
}

struct net_buffer *send_queue_take_first(struct send_queue *queue)
{
    struct net_buffer *buffer = queue->first;

    weir_check(buffer && !send_queue__is_share(buffer));
    send_queue__unlink(queue, NULL);
    queue->pinned_bytes -= buffer->capacity;
    send_queue_add_flight(queue, buffer);
    return buffer;
}

uint32_t send_queue_peek(const struct send_queue *queue, uint32_t max, uint8_t *scratch,
                         const uint8_t **bytes)
{
    const struct net_buffer *at = queue->first;
    uint32_t length = 0;

    weir_check(at != NULL);
    weir_check(max > 0);
    *bytes = at->bytes;
    if (at->length >= SEND_QUEUE__SMALL_BYTES || at->length >= max || !at->next)
        return at->length < max ? at->length : max;
    for (; at && length < max; at = at->next) {
        uint32_t piece = at->length < max - length ? at->length : max - length;
        memcpy(scratch + length, at->bytes, piece);
        length += piece;
    }
    *bytes = scratch;
    return length;
}

/* Frees the first entry. */
static void send_queue__free_first(struct send_queue *queue, struct net *net)
{
    struct net_buffer *buffer = queue->first;

    send_queue__unlink(queue, NULL);
    if (send_queue__is_share(buffer)) {
        send_queue__free_share(queue, buffer);
        return;
    }
    weir_check(queue->pinned_bytes >= buffer->capacity);
    queue->pinned_bytes -= buffer->capacity;
    net_give_back(net, buffer);
}

void send_queue_skip(struct send_queue *queue, struct net *net, uint32_t length)
{
    while (length > 0) {
        struct net_buffer *buffer = queue->first;
        weir_check(buffer != NULL);
        uint32_t piece = buffer->length < length ? buffer->length : length;
        buffer->bytes += piece;
        buffer->length -= piece;
        length -= piece;
        if (buffer->length == 0) send_queue__free_first(queue, net);
    }
}

/* ---- the end ---- */

uint32_t send_queue_drop_behind(struct send_queue *queue, struct net *net, struct net_buffer *last)
{
    struct send_queue behind = {.first = last ? last->next : queue->first, .last = queue->last};
    uint32_t pinned_bytes = 0;

    if (!behind.first) return 0;
    for (struct net_buffer *at = behind.first; at; at = at->next) {
        pinned_bytes += send_queue__pinned(at);
        behind.shares_count += send_queue__is_share(at);
    }
    behind.pinned_bytes = pinned_bytes;
    queue->pinned_bytes -= pinned_bytes;
    queue->shares_count -= behind.shares_count;
    queue->last = last;
    if (last)
        last->next = NULL;
    else
        queue->first = NULL;
    return send_queue_drop(&behind, net);
}

uint32_t send_queue_drop(struct send_queue *queue, struct net *net)
{
    uint32_t count = 0;

    while (queue->first) {
        struct net_buffer *buffer = queue->first;
        if (send_queue__is_share(buffer)) count += send_queue__share_of(buffer)->may_drop;
        send_queue__free_first(queue, net);
    }
    weir_check(queue->shares_count == 0);
    weir_check(queue->pinned_bytes == queue->flight_pinned_bytes);
    return count;
}
