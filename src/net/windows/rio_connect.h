/* SPDX-License-Identifier: MIT */
/* rio_connect.h - connections that net_connect opens, until they are established: ConnectEx. rio.c
 * calls these functions for transport.h's operations and for the steps of net_wait. Thread: the
 * worker's. */
#ifndef NET_WINDOWS_RIO_CONNECT_H
#define NET_WINDOWS_RIO_CONNECT_H

#include "rio_net.h"

/* Opens a socket and begins the attempt. */
enum weir_code rio_connect_open(struct rio_net *system, struct rio_entry *entry,
                                const struct net_connect_options *options,
                                struct weir_error *error);
/* Handles the packet of an attempt. */
void rio_connect_complete(struct rio_net *system, const struct win_packet *packet);
/* The attempt has ended: adds NET_CONNECTED or NET_BROKEN. With room for one event. */
void rio_connect_serve(struct rio_net *system, struct rio_entry *entry);
/* Cancels the attempt; NET_CLOSED follows its packet. */
void rio_connect_close(struct rio_net *system, struct rio_entry *entry);

#endif
