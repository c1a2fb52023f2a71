/* SPDX-License-Identifier: MIT */
/* net_failure.h - the system refuses the event loop of a whole net: every handle breaks. Private to
 * src/net.
 *
 *      transport->wait fails -> net_failure_record -> net_failure() reports it to the owner
 *      the owner closes every handle -> answered without the system -> net_free
 */
#ifndef NET_NET_FAILURE_H
#define NET_NET_FAILURE_H

#include <weir/error.h>

struct net;

/* Records that the net can wait no longer. `call` names what failed. Only the first failure counts.
 */
void net_failure_record(struct net *net, enum weir_code code, int os_error, const char *call);

/* Hands out NET_BROKEN for the handles that are neither broken nor closing, while there is room.
 * A transport calls it in each wait once net.failed is set; it then only closes handles
 * and waits for wake-ups. */
void net_failure_hand_out(struct net *net);

#endif
