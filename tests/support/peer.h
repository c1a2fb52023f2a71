/* SPDX-License-Identifier: MIT */
/* peer.h - the remote side of the network: clients that connect to the net under test. Real sockets
 * and scripted peers of a simulation share this interface; tests do not know the kind. No call
 * blocks: peers act in the world's iterations.
 */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct world;
struct peer;
struct peer_datagrams;
struct peer_listener;

enum peer_state { PEER_CONNECTING, PEER_CONNECTED, PEER_REFUSED };

/* The interface of both implementations. */
struct peer_kind {
    struct peer *(*connect)(struct world *world, const struct net_address *to);
    enum peer_state (*state)(struct peer *peer);
    struct net_address (*address)(struct peer *peer);
    uint32_t (*send)(struct peer *peer, const void *bytes, uint32_t count);
    uint32_t (*receive)(struct peer *peer, void *bytes, uint32_t bytes_max);
    void (*finish)(struct peer *peer);
    void (*reset)(struct peer *peer);
    void (*close)(struct peer *peer);
    bool (*saw_fin)(struct peer *peer);
    bool (*saw_reset)(struct peer *peer);
    struct peer_datagrams *(*bind)(struct world *world, const struct net_address *address);
    struct net_address (*bound)(struct peer_datagrams *datagrams);
    void (*send_to)(struct peer_datagrams *datagrams, const struct net_address *to,
                    const void *bytes, uint32_t length);
    bool (*receive_from)(struct peer_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                         uint32_t *length, struct net_address *from);
    void (*unbind)(struct peer_datagrams *datagrams);
    struct peer_listener *(*listen)(struct world *world, const struct net_address *address,
                                    uint32_t backlog);
    struct net_address (*listens)(struct peer_listener *listener);
    struct peer *(*accept)(struct peer_listener *listener);
    void (*unlisten)(struct peer_listener *listener);
};

extern const struct peer_kind peer_socket, peer_simulated;

/* A peer and its work in every iteration. First member of each implementation's struct. */
struct peer {
    const struct peer_kind *kind;
    struct world *world;
    struct peer *next;
    uint64_t out_seed, out_position, out_total; /* sends this much of that pattern ... */
    uint32_t out_piece;                         /* ... in pieces of at most this many bytes */
    bool out_finishes;                          /* then sends FIN */
    bool finished;
    bool reads; /* receives, and checks the bytes against the pattern */
    uint64_t in_seed, in_position;
    uint32_t in_piece; /* at most this many bytes per iteration; 0: unlimited */
};

struct peer_datagrams {
    const struct peer_kind *kind;
    struct world *world;
    struct peer_datagrams *next;
};

struct peer_listener {
    const struct peer_kind *kind;
    struct world *world;
    struct peer_listener *next;
};

/* Connects and waits until the connection is established; the test fails if it is not. */
struct peer *peer_connect(struct world *world, const struct net_address *to);

/* Connects without waiting. */
struct peer *peer_start(struct world *world, const struct net_address *to);
enum peer_state peer_state(struct peer *peer);
struct net_address peer_address(struct peer *peer);

/* Return the number of bytes that the network accepted, or that arrived. */
uint32_t peer_send(struct peer *peer, const void *bytes, uint32_t count);
uint32_t peer_receive(struct peer *peer, void *bytes, uint32_t bytes_max);
void peer_finish(struct peer *peer);
void peer_reset(struct peer *peer); /* the peer stays, to be closed */
void peer_close(struct peer *peer); /* and frees it */

/* Whether the other side's FIN arrived, after the last byte was received; whether its RST did. */
bool peer_saw_fin(struct peer *peer);
bool peer_saw_reset(struct peer *peer);
bool peer_saw_close(struct peer *peer); /* FIN or RST */

/* Start the work of later iterations. */
void peer_sends_pattern(struct peer *peer, uint64_t seed, uint64_t total, uint32_t piece);
void peer_reads_pattern(struct peer *peer, uint64_t seed);

/* Does the peer's work of one iteration. */
void peer_step(struct peer *peer);

/* Listens for connections of the net under test. */
struct peer_listener *peer_listen(struct world *world, const char *address);
/* The same, for at most about `backlog` connections that are not accepted. */
struct peer_listener *peer_listen_few(struct world *world, const char *address, uint32_t backlog);
struct net_address peer_listens(struct peer_listener *listener);
/* Returns a connection that has arrived; null if there is none. */
struct peer *peer_accept(struct peer_listener *listener);
void peer_unlisten(struct peer_listener *listener);

struct peer_datagrams *peer_bind(struct world *world, const char *address);
struct net_address peer_bound(struct peer_datagrams *datagrams);
void peer_send_to(struct peer_datagrams *datagrams, const struct net_address *to, const void *bytes,
                  uint32_t length);
bool peer_receive_from(struct peer_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                       uint32_t *length, struct net_address *from);
void peer_unbind(struct peer_datagrams *datagrams);

#endif
