/* SPDX-License-Identifier: MIT */
/* actor.h - the random peers of a scenario: what they send, and how they treat their connection. */
#ifndef SIMULATOR_ACTOR_H
#define SIMULATOR_ACTOR_H

#include "material.h"
#include "simulator.h"

/* A TCP peer. Zeroed before actor_enter(). */
struct actor {
    struct weir_test_peer *peer; /* null: it has left */
    const struct weir_codec *codec;
    uint8_t manner;
    bool checks_output; /* the codec must be able to decode what the server sends */
    bool has_finished, is_stuck;
    uint32_t messages_left;
    size_t cursor;
    uint8_t frame[MATERIAL_FRAME_BYTES_MAX];
    size_t frame_at, frame_length; /* the rest of a frame */
};

/* Connects to the listener. `is_checked`: its codec decodes everything that it encodes. */
void actor_enter(struct actor *actor, struct weir_test *test, size_t listener, bool is_checked,
                 struct dice *dice);

/* Its part of an iteration. Sets `peer` to null when the connection has ended for it. */
void actor_step(struct actor *actor, const struct material *material, struct dice *dice);

/* A UDP socket. */
struct actor_socket {
    struct weir_test_socket *socket; /* null: not open */
    size_t cursor;
};

void actor_socket_step(struct actor_socket *actor, const struct material *material,
                       struct dice *dice);

#endif
