/* SPDX-License-Identifier: MIT */
/* buffer_waiters.c - queues handles that wait for buffers; buffer_waiters.h states the policy. */
#include "buffer_waiters.h"

#include "check.h"
#include "event_batch.h"
#include "transport.h"

static struct buffer_waiters *buffer_waiters__of(struct net *net, const struct handle *handle)
{
    return handle->kind == HANDLE_DATAGRAM ? &net->datagram_waiters : &net->stream_waiters;
}

void buffer_waiters_init(struct buffer_waiters *waiters)
{
    list_init(&waiters->first);
    list_init(&waiters->last);
}

void buffer_waiters_add(struct net *net, struct handle *handle)
{
    struct buffer_waiters *waiters = buffer_waiters__of(net, handle);

    weir_check(handle->kind == HANDLE_CONNECTION || handle->kind == HANDLE_DATAGRAM);
    weir_check(handle->flow_on);
    if (handle_waits(handle)) return;
    list_add_last(handle->was_released ? &waiters->first : &waiters->last, &handle->waiting);
}

void buffer_waiters_add_if_any(struct net *net, struct handle *handle)
{
    struct buffer_waiters *waiters = buffer_waiters__of(net, handle);

    weir_check(handle->flow_on);
    weir_check(handle->kind != HANDLE_LISTENER);
    if (buffer_waiters_any(waiters) && !handle_waits(handle))
        list_add_last(&waiters->last, &handle->waiting);
}

void buffer_waiters_report(struct net *net, struct handle *handle)
{
    struct buffer_waiters *waiters = buffer_waiters__of(net, handle);

    weir_check(handle->flow_on);
    if (waiters->reported || !event_batch_has_room(&net->batch)) return;
    waiters->reported = true;
    event_batch_failed(net, handle, NET_PAUSED, WEIR_NO_BUFFERS, 0);
}

void buffer_waiters_release(struct net *net, struct buffer_waiters *waiters, uint32_t buffers_count,
                            void (*resume)(struct net *net, struct handle *handle))
{
    struct list *node;

    list_append_all(&waiters->first, &waiters->last);
    while (buffers_count-- > 0 && (node = list_take_first(&waiters->first)) != NULL) {
        struct handle *handle = weir_container_of(node, struct handle, waiting);
        weir_check(handle->flow_on);
        weir_check(!handle->closing);
        handle->was_released = true;
        resume(net, handle);
    }
    list_append_all(&waiters->last, &waiters->first);
}
