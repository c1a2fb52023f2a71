/* SPDX-License-Identifier: MIT */
/* real_filters.h - the filters of the product in front of the fixtures: PROXY protocol, TLS and
 * WebSocket. The calls filtered_... of test_filters.h are then those of their clients.
 *
 *      caller -> frames with masks -> records -> [ waits for the window ] -> peer
 *      caller <- payloads <---------- plain <------------------------------- peer
 */
#ifndef SUPPORT_REAL_FILTERS_H
#define SUPPORT_REAL_FILTERS_H

#include "test_filters.h"

/* The chain, and what its clients do. */
struct real_filters {
    bool proxy, tls, websocket;
    bool has_messages; /* of WebSocket: message mode; only without a codec */
    uint32_t ping_interval_ms, pong_timeout_ms; /* of WebSocket */
    bool is_proxy_unnamed;                      /* headers say UNKNOWN or LOCAL */
    bool is_tls_older;                          /* clients speak TLS 1.2 */
    uint32_t sent_bytes_max;                    /* that a client sends; 0: unlimited */
};

/* The build has the filters of this chain. */
bool real_filters_exist(const struct real_filters *chain);

/* For the fixtures that are opened next; null: none. */
void real_filters_set(const struct real_filters *chain);

/* Sends bytes that the filters refuse. */
void real_filters_garble(struct sim_peer *peer);

/* Changes the keys of TLS, or sends a ping. */
void real_filters_meddle(struct sim_peer *peer);

/* Returns whether the client has bytes left that it may not send. */
bool real_filters_are_silent(struct sim_peer *peer);

/* Returns whether the client's side is open. */
bool real_filters_are_open(struct sim_peer *peer);

#endif
