/* SPDX-License-Identifier: MIT */
/* event_batch.c - checks each event against the state of its handle, and records it there. */
#include "event_batch.h"

#include "check.h"
#include "transport.h"

/* Checks what each kind of event requires of its handle, rule by rule. */
static inline void event_batch__check(struct handle *handle, enum net_event_kind kind)
{
    weir_check(handle->kind != HANDLE_FREE);
    if (kind != NET_CLOSED && kind != NET_SENT && kind != NET_RELEASED && kind != NET_REFUSED)
        weir_check_rule(!handle->closing, "rule 7, only answers follow net_close");
    switch (kind) {
    case NET_ACCEPTED:
        weir_check(handle->kind == HANDLE_LISTENER);
        weir_check_rule(handle->flow_on, "rule 1, accepted while accepting was off");
        break;
    case NET_RECEIVED:
    case NET_PEER_DONE:
        weir_check(handle->kind == HANDLE_CONNECTION);
        weir_check_rule(handle->flow_on, "rule 1, received while receiving was off");
        weir_check_rule(!handle->peer_done, "a peer sends nothing after its FIN");
        break;
    case NET_DATAGRAM:
    case NET_TOO_LARGE:
        weir_check(handle->kind == HANDLE_DATAGRAM);
        weir_check_rule(handle->flow_on, "rule 1, received while receiving was off");
        break;
    case NET_SENT:
        weir_check_rule(handle->send_out || handle_datagrams_out(handle) > 0,
                        "rule 2, a send is answered twice");
        break;
    case NET_RELEASED: weir_check(handle->kind == HANDLE_CONNECTION); break;
    case NET_BROKEN: weir_check_rule(!handle->broken, "a handle breaks once"); break;
    case NET_CLOSED:
        weir_check_rule(handle->closing, "rule 2, closed without a net_close");
        weir_check_rule(!handle->send_out, "rule 7, closed before the last send was answered");
        weir_check_rule(handle_datagrams_out(handle) == 0,
                        "rule 7, closed before the last datagram was answered");
        weir_check_rule(!handle->releases_late || handle_releasing(handle)->unreleased_buffers == 0,
                        "rule 7, closed before the last buffer was released");
        break;
    case NET_REFUSED: weir_check(handle->kind == HANDLE_LISTENER); break;
    case NET_CONNECTED:
        weir_check_rule(handle->kind == HANDLE_CONNECTING,
                        "rule 2, a net_connect is answered twice");
        weir_check_rule(!handle->broken, "rule 2, a net_connect is answered twice");
        break;
    case NET_STOPPED:
        weir_check_rule(handle_is_stopping(handle), "rule 2, stopped without a net_stop_accepting");
        break;
    case NET_PAUSED:
    case NET_WOKEN:
    case NET_EVENT_KINDS_COUNT: break;
    }
}

/* A shortage is over when something was received and the pool has buffers again. The buffer alone
 * proves nothing: it can have been posted before the shortage (RIO). */
static void event_batch__record_receive(struct handle *handle, struct buffer_waiters *waiters,
                                        const struct pool *pool)
{
    handle->was_released = false;
    handle_succeeded(handle, HANDLE_RECEIVES);
    if (waiters->reported && pool_has(pool)) waiters->reported = false;
}

/* Records the event, so that the next one is checked against it. */
static inline void event_batch__record(struct net *net, struct handle *handle,
                                       enum net_event_kind kind)
{
    switch (kind) {
    case NET_PEER_DONE:
        handle->peer_done = true;
        list_remove(&handle->waiting);
        break;
    case NET_BROKEN:
        handle->broken = true;
        list_remove(&handle->waiting);
        list_remove(&handle->retrying);
        list_remove(&handle->held.deliverable);
        break;
    case NET_ACCEPTED:
        handle->endpoint->accept_failures = 0;
        handle->endpoint->accept_pause_reported = false;
        break;
    case NET_RECEIVED:
        event_batch__record_receive(handle, &net->stream_waiters, &net->stream_pool);
        break;
    case NET_DATAGRAM:
        event_batch__record_receive(handle, &net->datagram_waiters, &net->datagram_pool);
        break;
    case NET_CONNECTED: handle->kind = HANDLE_CONNECTION; break;
    case NET_CLOSED:
        net->file_waiters.file_freed = true;
        handle_table_give_back(&net->handle_table, handle);
        break;
    default: break;
    }
}

/* Inline, so that a constant kind leaves only its own checks. */
static inline struct net_event *event_batch__add(struct net *net, struct handle *handle,
                                                 enum net_event_kind kind)
{
    struct event_batch *batch = &net->batch;

    weir_check_rule(batch->events != NULL, "rule 2, only net_wait hands out events");
    weir_check(event_batch_has_room(batch));
    struct net_event *event = &batch->events[batch->count++];
    event->kind = kind;
    event->code = WEIR_OK;
    event->os_error = 0;
    if (kind == NET_ACCEPTED) event->socket.transport = net->transport;
    if (!handle) {
        weir_check(kind == NET_WOKEN);
        event->handle = NET_NONE;
        event->owner = NULL;
        return event;
    }
    event_batch__check(handle, kind);
    event->handle = handle_id(handle);
    event->owner = handle->owner;
    event_batch__record(net, handle, kind);
    return event;
}

struct net_event *event_batch_add(struct net *net, struct handle *handle, enum net_event_kind kind)
{
    return event_batch__add(net, handle, kind);
}

struct net_event *event_batch_sent(struct net *net, struct handle *handle)
{
    return event_batch__add(net, handle, NET_SENT);
}

void event_batch_received(struct net *net, struct handle *handle, struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    weir_check(pool_is_whole(buffer));
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    handle->is_bulk = buffer->length == buffer->capacity;
    event_batch__add(net, handle, NET_RECEIVED)->buffer = buffer;
}

void event_batch_failed(struct net *net, struct handle *handle, enum net_event_kind kind,
                        enum weir_code code, int os_error)
{
    struct net_event *event = event_batch_add(net, handle, kind);

    event->code = code;
    event->os_error = os_error;
}
