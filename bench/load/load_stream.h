/* SPDX-License-Identifier: MIT */
/* load_stream.h - TCP connections of peer_load, each with answers that it waits for. */
#ifndef LOAD_STREAM_H
#define LOAD_STREAM_H

#include <sys/epoll.h>

#include "load.h"

/* One connection. At most load_settings.depth messages are in flight. */
struct stream {
    int handle;
    size_t received; /* of the answer that is incomplete */
    uint64_t count;  /* messages that were sent (echo, open) or received (broadcast) */
    uint64_t answered;
};

/* All connections. */
struct stream_set {
    struct stream *all;
    uint32_t count;
    int poll;
    struct load_bytes answers; /* as many as can be in flight on one connection */
};

/* Opens all connections of the settings. */
struct stream_set stream_open(void);

/* Adds a connection to the ones that stream_wait() waits for. */
void stream_watch(const struct stream_set *set, struct stream *stream);

/* Receives once, checks every byte, and returns how many answers are complete now. */
uint32_t stream_receive(const struct stream_set *set, struct stream *stream);

/* Waits for readable connections; returns their number. A timeout above 0 that passes ends the run
 * as a failure. */
int stream_wait(const struct stream_set *set, struct epoll_event *events, int timeout_ms);

#endif
