/* SPDX-License-Identifier: MIT */
/* top_state.h - what `weir top` shows, read from the answers of the admin server: /stats.json and
 * /sessions. All text in it is safe to print: top_state__text() replaces what could control a
 * terminal. */
#ifndef CLI_TOP_STATE_H
#define CLI_TOP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_read.h"
#include "top_histogram.h"

#define TOP_WORKERS_MAX 255
#define TOP_HANDLERS_MAX 64
#define TOP_FINDINGS_MAX 32
#define TOP_SESSIONS_MAX 200
#define TOP_NAME_BYTES 64
#define TOP_TEXT_BYTES 400

struct top_worker {
    uint64_t busy_ns, sessions, memory_bytes, memory_max_bytes;
};

struct top_handler {
    char name[TOP_NAME_BYTES];
    uint64_t listener; /* its id */
    struct top_histogram durations;
};

struct top_finding {
    char severity[TOP_NAME_BYTES], setting[TOP_NAME_BYTES];
    char text[TOP_TEXT_BYTES], evidence[TOP_TEXT_BYTES], advice[TOP_TEXT_BYTES];
};

/* The cluster; `state` is "" without one. */
struct top_cluster {
    char state[TOP_NAME_BYTES];
    uint64_t nodes, sent, received, dropped, refused, gaps;
};

/* The server at one moment; counters begin with its start. */
struct top_state {
    char version[TOP_NAME_BYTES];
    uint64_t uptime_ms, node;
    bool is_ready, is_draining;
    uint64_t open, sessions_max, accepted, refused, queued_bytes; /* sessions_max 0: not known */
    uint64_t bytes_in, bytes_out, messages_in, messages_out;      /* datagrams included */
    uint32_t workers_count, handlers_count, findings_count;
    struct top_cluster cluster;
    struct top_worker workers[TOP_WORKERS_MAX];
    struct top_histogram iterations, openings;
    struct top_handler handlers[TOP_HANDLERS_MAX];
    struct top_finding findings[TOP_FINDINGS_MAX];
};

struct top_session {
    char id[TOP_NAME_BYTES], peer[2 * TOP_NAME_BYTES], state[TOP_NAME_BYTES];
    char handler[TOP_NAME_BYTES];
    uint64_t age_ms, received_ago_ms, bytes_in, bytes_out, queued_bytes;
};

/* The first sessions of the server's list. */
struct top_sessions {
    uint64_t total;
    uint32_t count;
    struct top_session items[TOP_SESSIONS_MAX];
};

/* Reads the answer of /stats.json. Returns false if the text is not such an answer; *state is then
 * unspecified. */
bool top_state_read(struct top_state *state, struct json_read *json, const char *text,
                    size_t length);

/* Does the same for /sessions. */
bool top_sessions_read(struct top_sessions *sessions, struct json_read *json, const char *text,
                       size_t length);

#endif
