/* SPDX-License-Identifier: MIT */
/* udp_sources.h - which senders of datagrams are answered. See udp_sources.c. */
#ifndef SESSION_UDP_SOURCES_H
#define SESSION_UDP_SOURCES_H

#include "net.h"

struct worker;

/* Whether a response to this address is harmless: no response to ourselves, to another server, to
 * port 0 or to a multicast address. If not, counts `count` datagrams as dropped. */
bool udp_sources_may_answer(struct worker *worker, const struct net_address *peer, uint64_t count);

#endif
