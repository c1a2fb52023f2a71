/* SPDX-License-Identifier: MIT */
/* arrivals.c - hands out arrivals or holds them; arrivals.h draws the two ways. */
#include "arrivals.h"

#include "buffer_waiters.h"
#include "check.h"
#include "event_batch.h"
#include "memory.h"
#include "transport.h"

/* ---- holding ---- */

static void arrivals__hold(struct held *held, struct net_buffer *buffer)
{
    weir_check(pool_buffer_of(buffer)->owner == POOL_SYSTEM);
    buffer->next = NULL;
    if (held->first)
        held->last->next = buffer;
    else
        held->first = buffer;
    held->last = buffer;
}

static struct net_buffer *arrivals__take_buffer(struct held *held)
{
    struct net_buffer *buffer = held->first;

    weir_check(buffer != NULL);
    held->first = buffer->next;
    if (!held->first) held->last = NULL;
    buffer->next = NULL;
    return buffer;
}

/* Whether arrivals_deliver() has something to do for the handle. */
static bool arrivals__is_deliverable(const struct handle *handle)
{
    const struct held *held = &handle->held;

    if (handle->closing || handle->broken) return false;
    if (held->has_end && held->end_code != WEIR_OK && !held->first) return true;
    return handle->flow_on && arrivals_are_held(handle);
}

static void arrivals__list(struct net *net, struct handle *handle)
{
    bool listed = list_has(&handle->held.deliverable);

    weir_check(handle->kind != HANDLE_FREE);
    if (arrivals__is_deliverable(handle) == listed) return;
    if (listed)
        list_remove(&handle->held.deliverable);
    else
        list_add_last(&net->deliverable, &handle->held.deliverable);
}

bool arrivals_open_listener(struct handle *listener, uint32_t sockets_max)
{
    weir_check(listener->kind == HANDLE_LISTENER);
    weir_check(!listener->endpoint->sockets);
    listener->endpoint->sockets =
        memory_alloc(sizeof *listener->endpoint->sockets +
                     sockets_max * sizeof listener->endpoint->sockets->sockets[0]);
    if (!listener->endpoint->sockets) return false;
    listener->endpoint->sockets->max = sockets_max;
    return true;
}

/* ---- arrivals ---- */

void arrival_bytes(struct net *net, struct handle *handle, struct net_buffer *buffer)
{
    weir_check(handle->kind == HANDLE_CONNECTION);
    if (handle->flow_on && !handle->held.first) {
        event_batch_received(net, handle, buffer);
    } else if (handle->closing) {
        pool_give_back(buffer, POOL_SYSTEM);
    } else {
        handle->was_released = false;
        arrivals__hold(&handle->held, buffer);
    }
}

void arrival_datagram(struct net *net, struct handle *handle, struct net_buffer *buffer)
{
    weir_check(handle->kind == HANDLE_DATAGRAM);
    weir_check(net->transport->hand_out_datagram != NULL);
    if (handle->closing || handle->broken)
        pool_give_back(buffer, POOL_SYSTEM);
    else if (handle->flow_on && !handle->held.first)
        net->transport->hand_out_datagram(net, handle, buffer);
    else
        arrivals__hold(&handle->held, buffer);
}

static void arrivals__hand_out_end(struct net *net, struct handle *handle, enum weir_code code,
                                   int os_error)
{
    weir_check(!handle->held.first);
    weir_check(handle->receive_ended);
    handle->held.has_end = false;
    if (code == WEIR_OK)
        event_batch_add(net, handle, NET_PEER_DONE);
    else
        event_batch_failed(net, handle, NET_BROKEN, code, os_error);
}

static bool arrivals__can_hand_out_end(const struct net *net, const struct handle *handle,
                                       enum weir_code code)
{
    if (!handle->flow_on && code == WEIR_OK) return false;
    return !handle->held.first && net->batch.events && event_batch_has_room(&net->batch);
}

void arrival_end(struct net *net, struct handle *handle, enum weir_code code, int os_error)
{
    weir_check(handle->kind == HANDLE_CONNECTION || handle->kind == HANDLE_DATAGRAM);
    if (handle->closing || handle->broken) return;
    /* Only a failure can follow FIN, and nothing follows a failure. */
    if (handle->receive_ended && (code == WEIR_OK || handle->held.end_code != WEIR_OK)) return;
    handle->receive_ended = true;
    if (arrivals__can_hand_out_end(net, handle, code)) {
        arrivals__hand_out_end(net, handle, code, os_error);
        return;
    }
    handle->held.has_end = true;
    handle->held.end_code = (uint8_t)code;
    handle->held.end_os_error = os_error;
    arrivals__list(net, handle);
}

static void arrivals__hand_out_socket(struct net *net, struct handle *listener, uintptr_t os_handle,
                                      const struct net_address *peer)
{
    struct net_event *event = event_batch_add(net, listener, NET_ACCEPTED);

    weir_check(listener->flow_on);
    event->peer = *peer;
    event->socket.os_handle = os_handle;
}

void arrival_socket(struct net *net, struct handle *listener, uintptr_t os_handle,
                    const struct net_address *peer)
{
    struct held_sockets *held = listener->endpoint->sockets;

    weir_check(listener->kind == HANDLE_LISTENER);
    if (listener->flow_on && !arrivals_are_held(listener) && event_batch_has_room(&net->batch)) {
        arrivals__hand_out_socket(net, listener, os_handle, peer);
    } else if (!listener->closing && held->count < held->max) {
        held->sockets[held->count++] = (struct held_socket){os_handle, *peer};
        arrivals__list(net, listener);
    } else {
        net->transport->refuse(net, (struct net_socket){os_handle, net->transport});
        answer_refused(net, listener);
    }
}

/* ---- delivering ---- */

void arrivals_on_switch(struct net *net, struct handle *handle)
{
    weir_check(!handle->broken);
    weir_check(!handle->closing);
    arrivals__list(net, handle);
}

static void arrivals__deliver_sockets(struct net *net, struct handle *listener)
{
    struct held_sockets *held = listener->endpoint->sockets;

    weir_check(held->first < held->count);
    weir_check(held->count <= held->max);
    while (held->first < held->count && event_batch_has_room(&net->batch)) {
        const struct held_socket *socket = &held->sockets[held->first++];
        arrivals__hand_out_socket(net, listener, socket->os_handle, &socket->peer);
    }
    if (held->first == held->count) held->first = held->count = 0;
}

static void arrivals__deliver_received(struct net *net, struct handle *handle)
{
    struct held *held = &handle->held;

    weir_check(held->first || held->has_end);
    while (held->first && event_batch_has_room(&net->batch)) {
        struct net_buffer *buffer = arrivals__take_buffer(held);
        if (handle->kind == HANDLE_DATAGRAM)
            net->transport->hand_out_datagram(net, handle, buffer);
        else
            event_batch_received(net, handle, buffer);
    }
    if (!held->first && held->has_end && event_batch_has_room(&net->batch))
        arrivals__hand_out_end(net, handle, held->end_code, held->end_os_error);
}

/* Nothing is held any longer: the transport receives or accepts again. */
static void arrivals__resume(struct net *net, struct handle *handle)
{
    weir_check(!handle->closing);
    weir_check(!arrivals_are_held(handle));
    if (!handle->flow_on || handle->broken || handle->peer_done) return;
    if (handle->kind == HANDLE_LISTENER) {
        net->transport->accept(net, handle, true);
    } else {
        buffer_waiters_add_if_any(net, handle);
        net->transport->receive(net, handle, true);
    }
}

void arrivals_deliver(struct net *net)
{
    while (!list_is_empty(&net->deliverable) && event_batch_has_room(&net->batch)) {
        struct handle *handle =
            weir_container_of(net->deliverable.next, struct handle, held.deliverable);
        weir_check(arrivals__is_deliverable(handle));
        if (handle->kind == HANDLE_LISTENER && handle->flow_on)
            arrivals__deliver_sockets(net, handle);
        else
            arrivals__deliver_received(net, handle);
        arrivals__list(net, handle);
        if (!arrivals_are_held(handle)) arrivals__resume(net, handle);
    }
}

static void arrivals__drop_sockets(struct net *net, struct handle *listener)
{
    struct held_sockets *held = listener->endpoint->sockets;

    weir_check(listener->kind == HANDLE_LISTENER);
    listener->endpoint->sockets = NULL;
    for (uint32_t i = held->first; i < held->count; i++) {
        net->transport->refuse(net,
                               (struct net_socket){held->sockets[i].os_handle, net->transport});
        answer_refused(net, listener);
    }
    memory_free(held);
}

void arrivals_drop(struct net *net, struct handle *handle)
{
    struct held *held = &handle->held;

    weir_check_rule(!handle->flow_on, "held data is dropped after the flow is off");
    list_remove(&held->deliverable);
    held->has_end = false;
    while (held->first) pool_give_back(arrivals__take_buffer(held), POOL_SYSTEM);
    if (handle->kind == HANDLE_LISTENER && handle->endpoint->sockets)
        arrivals__drop_sockets(net, handle);
}
