/* SPDX-License-Identifier: MIT */
/* load_open.c - the open loop of peer_load: messages are due at fixed times, whether or not the
 * server has answered the ones before. The loop does not sleep, so that no timer delays a message.
 * A latency counts from the time when the message was due: a server that stalls delays all messages
 * that are due in the meantime, and each of them counts. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "load_stream.h"

#define OPEN__IN_FLIGHT_MAX 4096 /* of one connection; a power of two */
#define OPEN__NS_PER_S UINT64_C(1000000000)

static uint64_t (*open__due_ns)[OPEN__IN_FLIGHT_MAX];

/* Sends all messages that are due. Returns how many were sent since the start. */
static uint64_t open__send_due(const struct stream_set *set, uint64_t began_ns, uint64_t sent)
{
    for (;; sent++) {
        uint64_t due_ns = began_ns + sent * OPEN__NS_PER_S / load_settings.rate;
        uint64_t now_ns = load_now_ns();
        if (due_ns > now_ns) return sent;
        struct stream *stream = &set->all[sent % set->count];
        if (stream->count - stream->answered == OPEN__IN_FLIGHT_MAX)
            load_give_up("the server is too slow for this rate");
        open__due_ns[stream - set->all][stream->count++ % OPEN__IN_FLIGHT_MAX] = due_ns;
        load_count_lag(now_ns - due_ns);
        load_send(stream->handle, load_settings.request.at, load_settings.request.length);
    }
}

static void open__answer(const struct stream_set *set, struct stream *stream)
{
    uint32_t count = stream_receive(set, stream);
    uint64_t now_ns = load_now_ns();

    for (uint32_t i = 0; i < count; i++) {
        uint64_t due_ns = open__due_ns[stream - set->all][stream->answered++ % OPEN__IN_FLIGHT_MAX];
        load_count(1, now_ns - due_ns);
    }
}

void load_run_open(void)
{
    struct epoll_event events[LOAD_EVENTS_MAX];
    uint64_t sent = 0;

    if (load_settings.rate == 0) load_give_up("open needs rate=N");
    struct stream_set set = stream_open();
    set.answers = load_repeat(load_settings.response, LOAD_DEPTH_MAX);
    open__due_ns = calloc(set.count, sizeof *open__due_ns);
    if (!open__due_ns) load_fail("malloc");
    load_wait_gate();
    load_begin();
    uint64_t began_ns = load_now_ns();
    while (!load_is_over(load_now_ns())) {
        sent = open__send_due(&set, began_ns, sent);
        int count = stream_wait(&set, events, 0);
        for (int i = 0; i < count; i++) open__answer(&set, events[i].data.ptr);
    }
    load_print();
}
