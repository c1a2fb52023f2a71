/* SPDX-License-Identifier: MIT */
/* client.h - the peers and sockets of a test, and what they connect to. */
#ifndef SIMULATOR_CLIENT_H
#define SIMULATOR_CLIENT_H

#include "simulator.h"

/* Adds a client for the listener with this index. `from` is its address; null: one of this machine.
 */
void client_init(struct client *client, struct weir_test *test, size_t listener,
                 enum weir_proto proto, const char *from);

/* Adds a client of this kind ("peer") with this address, whose messages the codec frames. */
void client_add(struct client *client, struct weir_test *test, const char *kind,
                const struct weir_codec *codec, const struct net_address *address);

/* Returns the address of a started listener, as its clients reach it. */
struct net_address client_target(const struct weir_test *test, size_t listener);

/* Returns the client with this address; null: none. */
struct client *client_find(const struct weir_test *test, const struct net_address *address,
                           bool is_datagram);

/* Lets all clients send and read what is possible now. */
void client_move_all(const struct weir_test *test);

void client_free_all(struct weir_test *test);

#endif
