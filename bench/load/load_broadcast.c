/* SPDX-License-Identifier: MIT */
/* load_broadcast.c - the fan-out of peer_load: the last connection sends, and all receive. Servers
 * accept in order, so all others are members when the first message arrives. The next message is
 * sent when all have received the one that is `depth` messages older. Counts deliveries; a latency
 * is the time from the send to one delivery. */
#include <stdlib.h>

#include "load_stream.h"

static struct {
    uint64_t sent;
    uint64_t sent_ns[LOAD_DEPTH_MAX];
    uint32_t missing[LOAD_DEPTH_MAX]; /* connections that have not received the message */
} broadcast;

static void broadcast__send(const struct stream_set *set)
{
    uint64_t index = broadcast.sent++ % load_settings.depth;

    broadcast.missing[index] = set->count;
    broadcast.sent_ns[index] = load_now_ns();
    load_send(set->all[set->count - 1].handle, load_settings.request.at,
              load_settings.request.length);
}

static void broadcast__receive(const struct stream_set *set, struct stream *stream)
{
    uint32_t count = stream_receive(set, stream);
    uint64_t now_ns = load_now_ns();

    for (uint32_t i = 0; i < count; i++) {
        uint64_t index = stream->count++ % load_settings.depth;
        load_count(1, now_ns - broadcast.sent_ns[index]);
        if (--broadcast.missing[index] == 0) broadcast__send(set);
    }
}

void load_run_broadcast(void)
{
    struct stream_set set = stream_open();
    struct epoll_event events[LOAD_EVENTS_MAX];

    load_wait_gate();
    load_begin();
    for (uint32_t i = 0; i < load_settings.depth; i++) broadcast__send(&set);
    while (!load_is_over(load_now_ns())) {
        int count = stream_wait(&set, events, LOAD_PATIENCE_MS);
        for (int i = 0; i < count; i++) broadcast__receive(&set, events[i].data.ptr);
    }
    load_print();
}
