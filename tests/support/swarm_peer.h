/* SPDX-License-Identifier: MIT */
/* swarm_peer.h - the far ends of a random scenario: connections and datagram sockets that do well
 * or do not, and know what must come back to them. */
#ifndef SUPPORT_SWARM_PEER_H
#define SUPPORT_SWARM_PEER_H

#include <weir/frame.h>

#include "sim.h"
#include "swarm.h"

/* What becomes of a connection. */
enum swarm_manner {
    SWARM_HONEST,  /* sends, reads everything, ends, and reads to the end */
    SWARM_WILD,    /* the same, asking for anything */
    SWARM_DEAF,    /* sends and stops reading */
    SWARM_SILENT,  /* says nothing */
    SWARM_STUCK,   /* stops inside of a message */
    SWARM_GARBLED, /* sends malformed input */
    SWARM_SUDDEN,  /* resets or closes at any moment */
    SWARM_MANNERS_COUNT
};

struct swarm_peer {
    struct sim_peer *wire; /* null: there is none */
    struct swarm_fate *fate;
    enum swarm_manner manner;
    uint64_t seed;
    const struct weir_codec *codec; /* null: bytes without messages */
    struct weir_decoder *decoder;
    uint8_t out[SWARM_FRAME_BYTES_MAX]; /* being sent */
    uint32_t out_length, out_at;
    uint32_t sent_count, sent_max; /* messages, or pieces */
    uint32_t next_back;            /* the number of the answer that comes next, or a later one */
    uint64_t bytes_out, bytes_in;  /* without messages */
    bool finished, stands_still;
};

/* Connects to the fixture. `fate` is fresh. */
void swarm_peer_open(struct swarm_peer *peer, const struct weir_codec *codec,
                     struct swarm_fate *fate, uint64_t seed);

/* Its part of an iteration. False: it has ended, and is closed. */
bool swarm_peer_step(struct swarm_peer *peer);

/* Closes it, whatever it is at. */
void swarm_peer_close(struct swarm_peer *peer);

/* A datagram socket. */
struct swarm_socket {
    struct sim_datagrams *wire;
    uint64_t seed;
    uint32_t sent_count;
    uint64_t bytes_out, bytes_in;
};

void swarm_socket_open(struct swarm_socket *socket, uint8_t host, uint64_t seed);
void swarm_socket_step(struct swarm_socket *socket);
void swarm_socket_close(struct swarm_socket *socket);

#endif
