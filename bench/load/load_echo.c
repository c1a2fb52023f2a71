/* SPDX-License-Identifier: MIT */
/* load_echo.c - the closed loop of peer_load, and the loop of connect, echo, close. */
#include <stdlib.h>
#include <unistd.h>

#include "load_stream.h"

#define ECHO__SOURCES 250 /* 127.0.0.2 and following: more ports than one address has */

static uint64_t (*echo__sent_ns)[LOAD_DEPTH_MAX]; /* of each message in flight */

/* Sends that many messages with one call. */
static void echo__send(const struct stream_set *set, struct stream *stream,
                       struct load_bytes requests, uint32_t count)
{
    uint64_t now_ns = load_now_ns();

    for (uint32_t i = 0; i < count; i++)
        echo__sent_ns[stream - set->all][stream->count++ % LOAD_DEPTH_MAX] = now_ns;
    load_send(stream->handle, requests.at, load_settings.request.length * count);
}

/* Counts the answers, and sends as many messages, unless enough were sent. */
static void echo__answer(const struct stream_set *set, struct stream *stream,
                         struct load_bytes requests, uint64_t *left)
{
    uint32_t count = stream_receive(set, stream);
    uint64_t now_ns = load_now_ns();

    for (uint32_t i = 0; i < count; i++) {
        uint64_t sent_ns = echo__sent_ns[stream - set->all][stream->answered++ % LOAD_DEPTH_MAX];
        load_count(1, now_ns - sent_ns);
    }
    if (*left < count) count = (uint32_t)*left;
    *left -= count;
    if (count > 0) echo__send(set, stream, requests, count);
}

void load_run_echo(void)
{
    struct stream_set set = stream_open();
    struct load_bytes requests = load_repeat(load_settings.request, load_settings.depth);
    struct epoll_event events[LOAD_EVENTS_MAX];
    uint64_t left = load_settings.messages > 0 ? load_settings.messages : UINT64_MAX;

    echo__sent_ns = calloc(set.count, sizeof *echo__sent_ns);
    if (!echo__sent_ns) load_fail("malloc");
    load_wait_gate();
    load_begin();
    for (uint32_t i = 0; i < set.count && left >= load_settings.depth; i++) {
        left -= load_settings.depth;
        echo__send(&set, &set.all[i], requests, load_settings.depth);
    }
    while (!load_is_over(load_now_ns())) {
        int count = stream_wait(&set, events, LOAD_PATIENCE_MS);
        for (int i = 0; i < count; i++) echo__answer(&set, events[i].data.ptr, requests, &left);
    }
    load_print();
    load_wait_gate();
}

/* ---- connect, echo, close ---- */

static void echo__begin_life(const struct stream_set *set, struct stream *stream)
{
    static uint32_t lives;

    echo__sent_ns[stream - set->all][0] = load_now_ns();
    stream->handle = load_connect(INADDR_LOOPBACK + 1 + lives++ % ECHO__SOURCES);
    stream_watch(set, stream);
    load_send(stream->handle, load_settings.request.at, load_settings.request.length);
}

void load_run_connect(void)
{
    uint32_t wanted = load_settings.connections;
    struct epoll_event events[LOAD_EVENTS_MAX];

    load_settings.connections = 0;
    struct stream_set set = stream_open();
    set.all = calloc(wanted, sizeof *set.all);
    echo__sent_ns = calloc(wanted, sizeof *echo__sent_ns);
    if (!set.all || !echo__sent_ns) load_fail("malloc");
    load_wait_gate();
    load_begin();
    for (uint32_t i = 0; i < wanted; i++) echo__begin_life(&set, &set.all[i]);
    while (!load_is_over(load_now_ns())) {
        int count = stream_wait(&set, events, LOAD_PATIENCE_MS);
        for (int i = 0; i < count; i++) {
            struct stream *stream = events[i].data.ptr;
            if (stream_receive(&set, stream) == 0) continue;
            uint64_t now_ns = load_now_ns();
            load_count(1, now_ns - echo__sent_ns[stream - set.all][0]);
            close(stream->handle);
            echo__begin_life(&set, stream);
        }
    }
    load_print();
}
