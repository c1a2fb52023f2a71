/* SPDX-License-Identifier: MIT */
/* net_failure.h - the system refuses the event loop of a whole net: every handle breaks. Private to
 * src/net. */
#ifndef NET_NET_FAILURE_H
#define NET_NET_FAILURE_H

struct net;

/* Hands out NET_BROKEN for the handles that are neither broken nor closing, while there is room.
 * A transport calls it in each wait once net.failed_os_error is set; it then only closes handles
 * and waits for wake-ups. */
void net_failure_hand_out(struct net *net);

#endif
