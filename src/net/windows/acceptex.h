/* SPDX-License-Identifier: MIT */
/* acceptex.h - listeners, as rio.c calls them: transport.h's operations, and the steps of a wait.
 * The worker's thread. */
#ifndef NET_WINDOWS_ACCEPTEX_H
#define NET_WINDOWS_ACCEPTEX_H

#include "rio_net.h"

enum weir_code acceptex_listen(struct rio_net *system, struct rio_entry *entry,
                               const struct net_listen_options *options, struct weir_error *error);
void acceptex_accept(struct rio_net *system, struct rio_entry *entry, bool on);
void acceptex_close(struct rio_net *system, struct rio_entry *entry);

/* Reports accepted sockets, as many as the event list has room for, and keeps accepts posted. */
void acceptex_serve(struct rio_net *system, struct rio_entry *entry);
/* Handles a packet under RIO_KEY_ACCEPT. */
void acceptex_complete(struct rio_net *system, const struct win_packet *packet);

#endif
