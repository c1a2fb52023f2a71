/* SPDX-License-Identifier: MIT */
/* handle_table.c - handles, what is outstanding on each, and every event's way up through the
 * laws. */
#include "handle_table.h"

#include <string.h>

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "memory.h"
#include "transport.h"

#define HANDLE_TABLE__ACCEPT_FAILURES_MAX 16u
#define HANDLE_TABLE__ACCEPT_RETRY_NS \
    (100 * CLOCK_NS_PER_MS) /* at most ten wake-ups a second while files are scarce */

/* ---- slots ---- */

bool handle_table_open(struct handle_table *handle_table, size_t entry_bytes, uint32_t slots_max)
{
    uint32_t chunks_max = (slots_max + HANDLE_TABLE_CHUNK_HANDLES - 1) / HANDLE_TABLE_CHUNK_HANDLES;

    weir_check(entry_bytes >= sizeof(struct handle));
    weir_check(slots_max > 0);
    *handle_table = (struct handle_table){.entry_bytes = (entry_bytes + 63) & ~(size_t)63,
                                          .slots_max = slots_max};
    handle_table->chunks = memory_alloc_array(chunks_max, sizeof(uint8_t *));
    return handle_table->chunks != NULL;
}

void handle_table_free(struct handle_table *handle_table)
{
    weir_check_rule(handle_table->open_count == 0,
                    "rule 7, every id is closed and its NET_CLOSED taken before net_free");
    for (uint32_t i = 0; i * HANDLE_TABLE_CHUNK_HANDLES < handle_table->slots_count; i++)
        memory_pages_free(handle_table->chunks[i],
                          HANDLE_TABLE_CHUNK_HANDLES * handle_table->entry_bytes);
    memory_free(handle_table->chunks);
    *handle_table = (struct handle_table){0};
}

struct handle *handle_table_at(const struct handle_table *handle_table, uint32_t index)
{
    weir_check(index < handle_table->slots_count);
    uint8_t *chunk = handle_table->chunks[index / HANDLE_TABLE_CHUNK_HANDLES];
    return (struct handle *)(void *)(chunk + (index % HANDLE_TABLE_CHUNK_HANDLES) *
                                                 handle_table->entry_bytes);
}

static bool handle_table__grow(struct handle_table *handle_table)
{
    if (handle_table->slots_count >= handle_table->slots_max) return false;
    uint8_t *chunk = memory_pages(HANDLE_TABLE_CHUNK_HANDLES * handle_table->entry_bytes);
    if (!chunk) return false;
    uint32_t first = handle_table->slots_count;
    handle_table->chunks[first / HANDLE_TABLE_CHUNK_HANDLES] = chunk;
    handle_table->slots_count += HANDLE_TABLE_CHUNK_HANDLES;
    for (uint32_t i = HANDLE_TABLE_CHUNK_HANDLES; i-- > 0;) {
        if (first + i >= handle_table->slots_max) continue;
        struct handle *handle = handle_table_at(handle_table, first + i);
        handle->index = first + i;
        handle->answer_next = handle_table->free_list;
        handle_table->free_list = handle;
    }
    return true;
}

struct handle *handle_table_take(struct handle_table *handle_table, enum handle_kind kind,
                                 void *owner)
{
    if (!handle_table->free_list && !handle_table__grow(handle_table)) return NULL;
    struct handle *handle = handle_table->free_list;
    uint32_t index = handle->index, generation = handle->generation + 1;

    weir_check(handle->kind == HANDLE_FREE);
    weir_check(kind != HANDLE_FREE);
    handle_table->free_list = handle->answer_next;
    memset(handle, 0, handle_table->entry_bytes);
    handle->index = index;
    handle->generation = generation == 0 ? 1 : generation; /* 0 names nothing */
    handle->kind = kind;
    handle->owner = owner;
    handle_table->open_count++;
    return handle;
}

void handle_table_give_back(struct handle_table *handle_table, struct handle *handle)
{
    weir_check(handle->kind != HANDLE_FREE);
    weir_check(!handle->answer_listed);
    handle->kind = HANDLE_FREE;
    handle->answer_next = handle_table->free_list;
    handle_table->free_list = handle;
    handle_table->open_count--;
}

struct handle *handle_table_find(const struct handle_table *handle_table, struct net_handle id,
                                 enum handle_kind kind)
{
    struct handle *handle = handle_table_at(handle_table, id.index);

    weir_check_rule(handle->generation == id.generation, "a handle is used after its NET_CLOSED");
    weir_check(handle->kind != HANDLE_FREE);
    weir_check_rule(!handle->closing, "a handle is used after its net_close");
    weir_check(kind == HANDLE_FREE || handle->kind == kind);
    return handle;
}

/* ---- events ---- */

/* What each kind of event demands of its handle, rule by rule. */
static void handle_table__check(const struct handle *handle, enum net_event_kind kind)
{
    weir_check(handle->kind != HANDLE_FREE);
    if (kind != NET_CLOSED && kind != NET_SENT)
        weir_check_rule(!handle->closing, "rule 7, nothing but answers follows net_close");
    switch (kind) {
    case NET_ACCEPTED:
        weir_check(handle->kind == HANDLE_LISTENER);
        weir_check_rule(handle->flow_on, "rule 1, accepted while accepting was off");
        break;
    case NET_RECEIVED:
    case NET_PEER_DONE:
        weir_check(handle->kind == HANDLE_CONNECTION);
        weir_check_rule(handle->flow_on, "rule 1, received while receiving was off");
        weir_check_rule(!handle->peer_done, "a peer sends nothing after its end");
        break;
    case NET_DATAGRAM:
    case NET_TOO_LARGE:
        weir_check(handle->kind == HANDLE_DATAGRAM);
        weir_check_rule(handle->flow_on, "rule 1, received while receiving was off");
        break;
    case NET_SENT:
        weir_check_rule(handle->send_out || handle->datagrams_out > 0,
                        "rule 2, a send is answered twice");
        break;
    case NET_BROKEN: weir_check_rule(!handle->broken, "a handle breaks once"); break;
    case NET_CLOSED:
        weir_check_rule(handle->closing, "rule 2, closed without a net_close");
        weir_check_rule(!handle->send_out, "rule 7, closed before the last send was answered");
        weir_check_rule(handle->datagrams_out == 0,
                        "rule 7, closed before the last datagram was answered");
        break;
    case NET_PAUSED:
    case NET_WOKEN:
    case NET_EVENT_KINDS_COUNT: break;
    }
}

/* Takes note of the event, so that the next one is judged by it. */
static void handle_table__note(struct net *net, struct handle *handle, enum net_event_kind kind)
{
    switch (kind) {
    case NET_PEER_DONE: handle->peer_done = true; break;
    case NET_BROKEN: handle->broken = true; break;
    case NET_ACCEPTED: handle->accept_failures = 0; break;
    /* What was received may have lain in a buffer from before the shortage (RIO). */
    case NET_RECEIVED: net->streams_scarce &= !pool_has(&net->stream_pool); break;
    case NET_DATAGRAM: net->datagrams_scarce &= !pool_has(&net->datagram_pool); break;
    case NET_CLOSED:
        net->handle_closed = true;
        handle_table_give_back(&net->handle_table, handle);
        break;
    default: break;
    }
}

struct net_event *handle_table_event(struct net *net, struct handle *handle,
                                     enum net_event_kind kind)
{
    struct handle_table *handle_table = &net->handle_table;

    weir_check_rule(handle_table->events != NULL, "rule 2, only net_wait hands out events");
    weir_check(handle_table_has_room(handle_table));
    struct net_event *event = &handle_table->events[handle_table->events_count++];
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
    handle_table__check(handle, kind);
    event->handle = handle_id(handle);
    event->owner = handle->owner;
    handle_table__note(net, handle, kind);
    return event;
}

void handle_table_received(struct net *net, struct handle *handle, struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    weir_check(pool_is_whole(buffer));
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    handle_table_event(net, handle, NET_RECEIVED)->buffer = buffer;
}

static void handle_table__starve(struct net *net, struct handle *handle, int os_error)
{
    struct handle_table *handle_table = &net->handle_table;

    if (handle->starved) return;
    handle->starved = true;
    handle->starved_next = handle_table->starved;
    handle_table->starved = handle;
    net->handle_closed = false;
    net->accept_retry_ns = net->now_ns + HANDLE_TABLE__ACCEPT_RETRY_NS;
    struct net_event *event = handle_table_event(net, handle, NET_PAUSED);
    event->code = error_code_of_os(os_error);
    event->os_error = os_error;
}

bool handle_table_accept_failed(struct net *net, struct handle *handle, bool scarce, int os_error)
{
    weir_check(handle->kind == HANDLE_LISTENER);
    /* So many in a row have one reason, and it is not the connections: lest it spin. */
    if (!scarce && ++handle->accept_failures < HANDLE_TABLE__ACCEPT_FAILURES_MAX) return true;
    handle->accept_failures = 0;
    handle_table__starve(net, handle, os_error);
    return false;
}

/* Where it is noted that the pool of that handle is empty, and that somebody was told. */
static bool *handle_table__scarcity(struct net *net, const struct handle *handle)
{
    return handle->kind == HANDLE_DATAGRAM ? &net->datagrams_scarce : &net->streams_scarce;
}

void handle_table_buffers_scarce(struct net *net, struct handle *handle)
{
    bool *scarcity = handle_table__scarcity(net, handle);

    if (*scarcity || !handle_table_has_room(&net->handle_table)) return;
    *scarcity = true;
    handle_table_event(net, handle, NET_PAUSED)->code = WEIR_NO_BUFFERS;
}

/* ---- answers noted for the next turn ---- */

static void handle_table__list(struct handle_table *handle_table, struct handle *handle)
{
    if (handle->answer_listed) return;
    handle->answer_listed = true;
    handle->answer_next = NULL;
    if (handle_table->answer_last)
        handle_table->answer_last->answer_next = handle;
    else
        handle_table->answer_first = handle;
    handle_table->answer_last = handle;
}

void handle_table_sent(struct net *net, struct handle *handle, enum weir_code code, int os_error)
{
    weir_check_rule(handle->send_out, "rule 2, a send is answered twice");
    weir_check_rule(!handle->sent_ready, "rule 2, a send is answered twice");
    handle->sent_ready = true;
    handle->sent_code = code;
    handle->sent_os_error = os_error;
    handle_table__list(&net->handle_table, handle);
}

void handle_table_sent_to(struct net *net, struct handle *handle, uint32_t sent, uint32_t failed,
                          enum weir_code code, int os_error)
{
    uint32_t noted = handle->datagrams_sent + handle->datagrams_failed;

    weir_check_rule(sent + failed <= handle->datagrams_out - noted,
                    "rule 2, a datagram is answered twice");
    if (handle->datagrams_failed == 0 && failed > 0) {
        handle->datagrams_code = code;
        handle->datagrams_os_error = os_error;
    }
    handle->datagrams_sent += sent;
    handle->datagrams_failed += failed;
    if (sent + failed > 0) handle_table__list(&net->handle_table, handle);
}

void handle_table_count_sent(struct handle *handle, uint32_t bytes, uint32_t segment_bytes)
{
    handle->sent_datagrams += segment_bytes == 0 ? 1 : (bytes + segment_bytes - 1) / segment_bytes;
    handle->sent_bytes += bytes;
}

void handle_table_closed(struct net *net, struct handle *handle)
{
    weir_check_rule(handle->closing, "rule 2, closed without a net_close");
    weir_check_rule(!handle->closed_ready, "rule 2, a close is answered twice");
    handle->closed_ready = true;
    handle_table__list(&net->handle_table, handle);
}

static void handle_table__hand_out_sent(struct net *net, struct handle *handle)
{
    struct net_event *event = handle_table_event(net, handle, NET_SENT);

    event->sent_count = handle->datagrams_sent;
    event->failed_count = handle->datagrams_failed;
    event->sent_datagrams = handle->sent_datagrams;
    event->sent_bytes = handle->sent_bytes;
    if (handle->sent_ready) {
        event->code = handle->sent_code;
        event->os_error = handle->sent_os_error;
        handle->send_out = false;
        handle->sent_ready = false;
    } else {
        if (handle->datagrams_failed > 0) {
            event->code = handle->datagrams_code;
            event->os_error = handle->datagrams_os_error;
        }
        handle->datagrams_out -= handle->datagrams_sent + handle->datagrams_failed;
        handle->datagrams_sent = handle->datagrams_failed = handle->sent_datagrams = 0;
        handle->sent_bytes = 0;
    }
}

void handle_table_hand_out_answers(struct net *net)
{
    struct handle_table *handle_table = &net->handle_table;

    while (handle_table->answer_first && handle_table_has_room(handle_table)) {
        struct handle *handle = handle_table->answer_first;
        if (handle->sent_ready || handle->datagrams_sent + handle->datagrams_failed > 0) {
            handle_table__hand_out_sent(net, handle);
            if (handle->closed_ready) continue; /* its last event may need the next turn's room */
        }
        handle_table->answer_first = handle->answer_next;
        if (!handle_table->answer_first) handle_table->answer_last = NULL;
        handle->answer_listed = false;
        if (handle->closed_ready) handle_table_event(net, handle, NET_CLOSED);
    }
}
