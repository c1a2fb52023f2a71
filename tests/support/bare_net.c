/* SPDX-License-Identifier: MIT */
/* bare_net.c - opens a net whose transport records its calls. */
#include "bare_net.h"

#include "check.h"
#include "memory.h"
#include "require.h"

static struct bare_net *bare_net__of(struct net *net)
{
    return weir_container_of(net, struct bare_net, net);
}

static void bare_net__accept(struct net *net, struct handle *handle, bool on)
{
    require(on);
    bare_net__of(net)->accepts_count++;
    bare_net__of(net)->last = handle;
}

static void bare_net__receive(struct net *net, struct handle *handle, bool on)
{
    require(on);
    bare_net__of(net)->receives_count++;
    bare_net__of(net)->last = handle;
}

static void bare_net__refuse(struct net *net, struct net_socket socket)
{
    struct bare_net *bare = bare_net__of(net);

    require(bare->refused_count < BARE_NET_EVENTS_MAX);
    bare->refused[bare->refused_count++] = socket.os_handle;
}

static void bare_net__hand_out_datagram(struct net *net, struct handle *handle,
                                        struct net_buffer *buffer)
{
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    event_batch_add(net, handle, NET_DATAGRAM)->buffer = buffer;
}

static const struct transport bare_net__transport = {
    .name = "bare",
    .entry_bytes = sizeof(struct handle_releasing),
    .accept = bare_net__accept,
    .receive = bare_net__receive,
    .refuse = bare_net__refuse,
    .hand_out_datagram = bare_net__hand_out_datagram,
};

struct bare_net *bare_net_open(uint32_t events_max)
{
    struct bare_net *bare = memory_alloc(sizeof *bare);

    require(bare != NULL);
    bare->net.transport = &bare_net__transport;
    list_init(&bare->net.deliverable);
    file_waiters_init(&bare->net.file_waiters);
    buffer_waiters_init(&bare->net.stream_waiters);
    buffer_waiters_init(&bare->net.datagram_waiters);
    require(handle_table_open(&bare->net.handle_table, sizeof(struct handle_releasing),
                              sizeof(struct handle_endpoint), 16));
    require(pool_open(&bare->net.stream_pool, 512, 4, 4));
    require(pool_open(&bare->net.datagram_pool, 512, 4, 4));
    bare_net_batch(bare, events_max);
    return bare;
}

void bare_net_free(struct bare_net *bare)
{
    struct handle_table *table = &bare->net.handle_table;

    bare_net_batch(bare, 1);
    for (uint32_t i = 0; table->open_count > 0; i++) {
        struct handle *handle = handle_table_at(table, i);
        if (handle->kind == HANDLE_FREE) continue;
        list_remove(&handle->waiting);
        handle_table_give_back(table, handle);
    }
    handle_table_free(table);
    pool_free(&bare->net.stream_pool);
    pool_free(&bare->net.datagram_pool);
    memory_free(bare);
}

struct handle *bare_net_handle(struct bare_net *bare, enum handle_kind kind)
{
    struct handle *handle = handle_table_take(&bare->net.handle_table, kind, NULL);

    require(handle != NULL);
    return handle;
}

struct net_buffer *bare_net_buffer(struct bare_net *bare, enum handle_kind kind, uint32_t length)
{
    struct pool *pool = kind == HANDLE_DATAGRAM ? &bare->net.datagram_pool : &bare->net.stream_pool;
    struct net_buffer *buffer = pool_take(pool, POOL_SYSTEM);

    require(buffer != NULL);
    buffer->length = length;
    return buffer;
}

void bare_net_batch(struct bare_net *bare, uint32_t events_max)
{
    struct event_batch *batch = &bare->net.batch;

    require(events_max <= BARE_NET_EVENTS_MAX);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct net_event *event = &bare->events[i];
        if (event->kind == NET_RECEIVED || event->kind == NET_DATAGRAM)
            pool_give_back(event->buffer, POOL_CALLER);
    }
    *batch = (struct event_batch){.events = bare->events, .max = events_max};
}
