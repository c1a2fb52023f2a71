/* SPDX-License-Identifier: MIT */
/* stream_peer.h - makes a TCP peer of a connection that exists. */
#ifndef SIMULATOR_STREAM_PEER_H
#define SIMULATOR_STREAM_PEER_H

#include "simulator.h"

/* Adds a peer for the accepted connection, which it takes over. */
struct weir_test_peer *stream_peer_adopt(struct weir_test *test, struct sim_peer *wire,
                                         const struct weir_codec *codec);

#endif
