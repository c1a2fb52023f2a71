/* SPDX-License-Identifier: MIT */
/* linux_socket.h - what every Linux transport needs of plain sockets: opening, addresses, and what
 * errors mean. */
#ifndef NET_LINUX_SOCKET_H
#define NET_LINUX_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "net.h"

union linux_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The portable address of a system one. */
struct weir_address linux_address_of(const union linux_sockaddr *sockaddr);

/* The system's address for a socket of that family (a dual-stack socket takes IPv4 in its mapped
 * form). Returns its length. */
socklen_t linux_sockaddr_of(const struct weir_address *address, bool v4_socket,
                            union linux_sockaddr *sockaddr);

/* A TCP socket that listens on the place, close-on-exec, with TCP_NODELAY and keepalive
 * (net_options.keepalive_ms) for what it accepts. IPv4
 * addresses get an IPv4 socket, others a dual-stack one; "[::]" falls back to IPv4 where there is
 * no IPv6. */
enum weir_code linux_listen(const struct net_listen_options *options, bool nonblocking,
                            uint32_t keepalive_ms, int *fd, struct weir_error *error);

/* A non-blocking UDP socket bound to the place; *v4_socket says which family it got. */
enum weir_code linux_bind(const struct net_listen_options *options, int *fd, bool *v4_socket,
                          struct weir_error *error);

struct weir_address linux_local_address(int fd);

/* False when the peer is gone already (it reset the connection before it was accepted). */
bool linux_peer_address(int fd, struct weir_address *peer);

/* Whether accept failed for want of descriptors or memory: try again later. Any other failure of
 * accept on a good listener concerns one connection alone (accept(2), "Error handling"). */
bool linux_is_scarce(int os_error);

/* Whether accept failed because the listener itself is no good. */
bool linux_is_listener_lost(int os_error);

/* Whether the address is one of this machine's; yes if the system cannot tell now. Asks it at most
 * once a second. */
bool linux_is_local_ip(const struct weir_address *address, uint64_t now_ns);

#endif
