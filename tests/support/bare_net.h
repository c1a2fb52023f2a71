/* SPDX-License-Identifier: MIT */
/* bare_net.h - a net without a system, for tests of the files between net.c and the transports. Its
 * transport only records the calls that it gets. */
#ifndef SUPPORT_BARE_NET_H
#define SUPPORT_BARE_NET_H

#include "transport.h"

#define BARE_NET_EVENTS_MAX 32u

struct bare_net {
    struct net net;
    struct net_event events[BARE_NET_EVENTS_MAX]; /* of the current batch: net.batch.count */
    /* Calls of the transport; `last` is the handle of the last one. */
    uint32_t accepts_count, receives_count, refused_count;
    struct handle *last;
    uintptr_t refused[BARE_NET_EVENTS_MAX]; /* the sockets, in order */
};

/* Opens a net with four stream buffers and four datagram buffers of 512 bytes, inside a batch with
 * room for `events_max` events. */
struct bare_net *bare_net_open(uint32_t events_max);

/* Frees the net. Every buffer that no event carries must be in its pool. */
void bare_net_free(struct bare_net *bare);

/* Returns a new handle, open. */
struct handle *bare_net_handle(struct bare_net *bare, enum handle_kind kind);

/* Returns a buffer of `length` bytes from the pool that the kind receives into; SYSTEM owns it. */
struct net_buffer *bare_net_buffer(struct bare_net *bare, enum handle_kind kind, uint32_t length);

/* Gives the buffers of the current batch back, and begins a batch with that much room. */
void bare_net_batch(struct bare_net *bare, uint32_t events_max);

#endif
