/* SPDX-License-Identifier: MIT */
/* inherited_socket.h - the addresses of sockets that another program bound and passed to this one.
 * weir_descriptor_address() is in weir.h. */
#ifndef SERVER_INHERITED_SOCKET_H
#define SERVER_INHERITED_SOCKET_H

#include <weir/weir.h>

/* Returns whether both addresses are the same, including their ports or paths. */
bool inherited_socket_is_at(const struct weir_address *bound, const struct weir_address *address);

#endif
