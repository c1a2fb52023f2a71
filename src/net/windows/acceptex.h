/* SPDX-License-Identifier: MIT */
/* acceptex.h - listeners over AcceptEx. rio.c calls these functions for transport.h's operations
 * and for the steps of net_wait. Thread: the worker's. The rio_entry owns the listener's socket and
 * its accepts. */
#ifndef NET_WINDOWS_ACCEPTEX_H
#define NET_WINDOWS_ACCEPTEX_H

#include "rio_net.h"

enum weir_code acceptex_listen(struct rio_net *system, struct rio_entry *entry,
                               const struct net_listen_options *options, struct weir_error *error);
/* Returns the address that the listener is bound to. */
struct net_address acceptex_address(const struct rio_entry *entry);
void acceptex_accept(struct rio_net *system, struct rio_entry *entry, bool on);
void acceptex_close(struct rio_net *system, struct rio_entry *entry);
/* Ends accepting: cancels the pending accepts, and answers after the last one has completed. */
void acceptex_stop(struct rio_net *system, struct rio_entry *entry);
/* Closes all sockets of a listener whose net has failed. Its accepts are never freed. */
void acceptex_abandon(struct rio_entry *entry);

/* Posts accepts while accepting is on. */
void acceptex_serve(struct rio_net *system, struct rio_entry *entry);
/* Handles a packet under RIO_KEY_ACCEPT. */
void acceptex_complete(struct rio_net *system, const struct win_packet *packet);

#endif
