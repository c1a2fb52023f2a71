/* SPDX-License-Identifier: MIT */
/* send_queue.c - what one session still has to send; send_queue.h draws it. */
#include "send_queue.h"

#include <string.h>

#include "check.h"

/* Where the next byte goes in the last buffer. */
static uint32_t send_queue__room(const struct send_queue *queue)
{
    return queue->last ? queue->last->capacity - queue->last->length : 0;
}

static void send_queue__link(struct send_queue *queue, struct net_buffer *buffer)
{
    buffer->next = NULL;
    if (queue->last)
        queue->last->next = buffer;
    else
        queue->first = buffer;
    queue->last = buffer;
    queue->pinned_bytes += buffer->capacity;
}

static void send_queue__append(struct send_queue *queue, const uint8_t *bytes, size_t length)
{
    weir_check(length <= send_queue__room(queue));
    memcpy(queue->last->bytes + queue->last->length, bytes, length);
    queue->last->length += (uint32_t)length;
}

void send_queue_add(struct send_queue *queue, struct net *net, struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    /* A last buffer whose start was skipped has less room than it seems: net.h lets owners move
     * `bytes`. Queued buffers are never moved here, so only whole ones are appended to. */
    if (buffer->length <= send_queue__room(queue)) {
        send_queue__append(queue, buffer->bytes, buffer->length);
        net_give_back(net, buffer);
    } else {
        send_queue__link(queue, buffer);
    }
}

bool send_queue_copy(struct send_queue *queue, struct net *net, const uint8_t *bytes, size_t length)
{
    struct send_queue more = {0};
    uint32_t room = send_queue__room(queue);
    size_t here = length < room ? length : room;

    /* All or nothing: the rest gets its buffers before a byte of this one is written. */
    for (size_t done = here; done < length;) {
        struct net_buffer *buffer = net_take(net, 1);
        if (!buffer) {
            send_queue_drop(&more, net);
            return false;
        }
        size_t piece = length - done < buffer->capacity ? length - done : buffer->capacity;
        send_queue__link(&more, buffer);
        send_queue__append(&more, bytes + done, piece);
        done += piece;
    }
    if (here > 0) send_queue__append(queue, bytes, here);
    while (more.first) {
        struct net_buffer *buffer = more.first;
        more.first = buffer->next;
        send_queue__link(queue, buffer);
    }
    return true;
}

uint32_t send_queue_take(struct send_queue *queue, struct net_buffer *buffers[NET_SEND_BUFFERS_MAX])
{
    uint32_t count = 0;

    weir_check(queue->flight_bytes == 0);
    while (queue->first && count < NET_SEND_BUFFERS_MAX) {
        struct net_buffer *buffer = queue->first;
        queue->first = buffer->next;
        queue->flight_bytes += buffer->length;
        queue->flight_pinned_bytes += buffer->capacity;
        buffers[count++] = buffer;
    }
    if (!queue->first) queue->last = NULL;
    return count;
}

uint32_t send_queue_landed(struct send_queue *queue)
{
    uint32_t bytes = queue->flight_bytes;

    weir_check(bytes > 0);
    queue->pinned_bytes -= queue->flight_pinned_bytes;
    queue->flight_pinned_bytes = 0;
    queue->flight_bytes = 0;
    return bytes;
}

void send_queue_drop(struct send_queue *queue, struct net *net)
{
    while (queue->first) {
        struct net_buffer *buffer = queue->first;
        queue->first = buffer->next;
        queue->pinned_bytes -= buffer->capacity;
        net_give_back(net, buffer);
    }
    queue->last = NULL;
}
