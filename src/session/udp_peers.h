/* SPDX-License-Identifier: MIT */
/* peers.h - sessions of datagram peers: a peer is its remote address and the socket that it wrote
 * to. See peers.c. */
#ifndef SESSION_PEERS_H
#define SESSION_PEERS_H

#include "session.h"

struct place;

/* Of one worker. */
struct peers {
    struct weir_session **slots; /* null: no place of the worker keeps peers */
    uint32_t slots_count;        /* a power of two */
    uint32_t count;
    struct list by_age; /* through in_sessions; the longest idle first */
};

void peers_init(struct peers *peers);

/* Room for the table; false: no memory. Once, before the first peer. */
bool peers_open(struct peers *peers, uint32_t peers_max);
void peers_free(struct peers *peers);

/* The session of who wrote to the place; a new one (not told to the handler yet) for who is new.
 * Null: there is no room for one. */
struct weir_session *peers_admit(struct place *place, const struct weir_address *peer);

/* Whether a datagram of so many bytes is within the peer's rates; it then counts. */
bool peers_may_pass(struct weir_session *session, uint32_t bytes);

/* The session ends: it cannot be found any more. */
void peers_forget(struct weir_session *session);

/* A broadcast, or a message of another thread, for a peer. */
void peers_send(struct weir_session *session, const uint8_t *bytes, uint32_t length);

#endif
