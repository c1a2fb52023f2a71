/* SPDX-License-Identifier: MIT */
/* peer.h - the other side of the network: who connects to the net under test. The same face for
 * real sockets and for scripted peers of a simulation; tests do not know which they have. Nothing
 * here blocks: the world's turns move time.
 */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

struct world;
struct peer;
struct peer_datagrams;

enum peer_state { PEER_CONNECTING, PEER_CONNECTED, PEER_REFUSED };

/* How the two implementations do it. */
struct peer_kind {
    struct peer *(*connect)(struct world *world, const struct weir_address *to);
    enum peer_state (*state)(struct peer *peer);
    struct weir_address (*address)(struct peer *peer);
    uint32_t (*send)(struct peer *peer, const void *bytes, uint32_t count);
    uint32_t (*receive)(struct peer *peer, void *bytes, uint32_t bytes_max);
    void (*finish)(struct peer *peer);
    void (*reset)(struct peer *peer);
    void (*close)(struct peer *peer);
    bool (*saw_end)(struct peer *peer);
    bool (*saw_reset)(struct peer *peer);
    struct peer_datagrams *(*bind)(struct world *world, const struct weir_address *address);
    struct weir_address (*bound)(struct peer_datagrams *datagrams);
    void (*send_to)(struct peer_datagrams *datagrams, const struct weir_address *to,
                    const void *bytes, uint32_t length);
    bool (*receive_from)(struct peer_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                         uint32_t *length, struct weir_address *from);
    void (*unbind)(struct peer_datagrams *datagrams);
};

extern const struct peer_kind peer_socket, peer_simulated;

/* What a peer does by itself in every turn of the world. First in each implementation's struct. */
struct peer {
    const struct peer_kind *kind;
    struct world *world;
    struct peer *next;
    uint64_t out_seed, out_position, out_total; /* it sends this much of that pattern ... */
    uint32_t out_piece;                         /* ... in pieces of at most so many bytes */
    bool out_finishes;                          /* and then its FIN */
    bool finished;
    bool reads; /* it receives, and checks against the pattern */
    uint64_t in_seed, in_position;
    uint32_t in_piece; /* so many bytes a turn at most; 0: all */
};

struct peer_datagrams {
    const struct peer_kind *kind;
    struct world *world;
    struct peer_datagrams *next;
};

/* Connects and waits until the connection stands; the test fails when it does not. */
struct peer *peer_connect(struct world *world, const struct weir_address *to);

/* Connects and does not wait. */
struct peer *peer_start(struct world *world, const struct weir_address *to);
enum peer_state peer_state(struct peer *peer);
struct weir_address peer_address(struct peer *peer);

/* How many of the bytes the network took; how many came. */
uint32_t peer_send(struct peer *peer, const void *bytes, uint32_t count);
uint32_t peer_receive(struct peer *peer, void *bytes, uint32_t bytes_max);
void peer_finish(struct peer *peer);
void peer_reset(struct peer *peer); /* the peer stays, to be closed */
void peer_close(struct peer *peer); /* and frees */

/* The other end's FIN, after the last byte was received; its RST. */
bool peer_saw_end(struct peer *peer);
bool peer_saw_reset(struct peer *peer);
bool peer_saw_close(struct peer *peer); /* either */

/* Starts the work of the turns. */
void peer_sends_pattern(struct peer *peer, uint64_t seed, uint64_t total, uint32_t piece);
void peer_reads_pattern(struct peer *peer, uint64_t seed);

/* The part of a turn that is the peer's. */
void peer_step(struct peer *peer);

struct peer_datagrams *peer_bind(struct world *world, const char *address);
struct weir_address peer_bound(struct peer_datagrams *datagrams);
void peer_send_to(struct peer_datagrams *datagrams, const struct weir_address *to,
                  const void *bytes, uint32_t length);
bool peer_receive_from(struct peer_datagrams *datagrams, void *bytes, uint32_t bytes_max,
                       uint32_t *length, struct weir_address *from);
void peer_unbind(struct peer_datagrams *datagrams);

#endif
