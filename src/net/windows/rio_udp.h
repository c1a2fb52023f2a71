/* SPDX-License-Identifier: MIT */
/* rio_udp.h - datagram sockets over request queues. rio.c calls these functions for transport.h's
 * operations and for the steps of net_wait. Thread: the worker's. The rio_entry owns the socket,
 * the request queue and the posted buffers. */
#ifndef NET_WINDOWS_RIO_UDP_H
#define NET_WINDOWS_RIO_UDP_H

#include "rio_queue.h"

enum weir_code rio_udp_bind(struct rio_net *system, struct rio_entry *entry,
                            const struct net_listen_options *options, struct weir_error *error);
void rio_udp_receive(struct rio_net *system, struct rio_entry *entry, bool on);
void rio_udp_send(struct rio_net *system, struct rio_entry *entry, const struct net_address *peer,
                  const struct net_address *local, struct net_buffer *buffer,
                  uint32_t segment_bytes);
bool rio_udp_is_own(struct rio_net *system, struct rio_entry *entry,
                    const struct net_address *address);
void rio_udp_close(struct rio_net *system, struct rio_entry *entry);

/* Posts the handle's pending requests and commits them. net_wait calls it before it blocks. */
void rio_udp_commit(struct rio_net *system, struct rio_entry *entry);
/* Reports a received datagram with the addresses in its margin; the caller owns the buffer. The
 * event list must have room. */
void rio_udp_hand_out(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer);

/* Reports a buffer shortage if the socket waits for a buffer and has no receive posted. */
void rio_udp_report_shortage(struct rio_net *system, struct rio_entry *entry);
/* Handles a completion. The event list must have room. */
void rio_udp_complete(struct rio_net *system, const struct rio_completion *completion);

#endif
