/* SPDX-License-Identifier: MIT */
/* udp_peers.h - sessions of UDP peers. A peer is a remote address and the local socket that it
 * sent to. See udp_peers.c. */
#ifndef SESSION_UDP_PEERS_H
#define SESSION_UDP_PEERS_H

#include "session_state.h"
#include "watch.h"

/* The hash table of one worker. */
struct udp_peers {
    struct weir_session **slots; /* null: no socket of the worker keeps sessions for peers */
    uint32_t slots_count;        /* a power of two */
    struct weir_session *latest; /* found last: often the next datagram is its peer's, too */
};

/* Allocates the table. Returns false if memory is exhausted. Once, before the first peer. */
bool udp_peers_open(struct udp_peers *peers, uint32_t peers_max);
void udp_peers_free(struct udp_peers *peers);

/* Returns the session of the peer on this socket; null: it has none. It becomes the one that was
 * active last. */
struct weir_session *udp_peers_find(struct worker *worker, struct net_handle socket,
                                    const struct net_address *peer);

/* Opens a session for a peer that has none; on_open was not called yet. If datagram_peers_max are
 * open, the session that was idle longest is closed. Returns null if there is no room. */
struct weir_session *udp_peers_add(struct worker *worker, struct net_handle socket,
                                   const struct session_ops *ops, const struct service *service,
                                   const struct net_address *peer);

/* Whether a datagram of this many bytes is within the peer's rate limits; if so, it counts, also in
 * the session. */
bool udp_peers_within_rate(struct weir_session *session, uint32_t bytes);

/* Ends a session that is CLOSING. */
void udp_peers_end(struct weir_session *session);

/* Counts a message that was sent to a peer, and logs it if the peer is watched. */
static inline void udp_peers_count_sent(struct weir_session *session, const void *bytes,
                                        size_t length)
{
    session->messages_out++;
    watch_sent_frame(session, bytes, length, length);
}

#endif
