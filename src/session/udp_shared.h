/* SPDX-License-Identifier: MIT */
/* udp_shared.h - what all UDP sockets of a worker share, and what follows from the settings. */
#ifndef SESSION_UDP_SHARED_H
#define SESSION_UDP_SHARED_H

#include <weir/weir.h>

struct udp_socket;
struct worker;

/* Allocates what the UDP sockets of the worker share, unless an earlier socket did, and sets up the
 * socket by the present settings. Returns WEIR_OK, or WEIR_NO_MEMORY. */
enum weir_code udp_shared_open(struct udp_socket *socket, struct weir_error *error);

/* Frees it. No socket is open. */
void udp_shared_free(struct worker *worker);

/* Other settings apply to the worker. */
void udp_shared_renew(struct worker *worker);

#endif
