/* SPDX-License-Identifier: MIT */
/* linux_socket.h - sockets for every Linux transport: opening, addresses, and the meaning of
 * errors. */
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

/* Returns the portable form of a system address. */
struct net_address linux_address_of(const union linux_sockaddr *sockaddr);

/* Fills in the system address for a socket of that family (a dual-stack socket uses IPv4 in its
 * mapped form). Returns its length. */
socklen_t linux_sockaddr_of(const struct net_address *address, bool v4_socket,
                            union linux_sockaddr *sockaddr);

/* Opens a TCP listener, close-on-exec. The connections that it accepts have TCP_NODELAY, and the
 * keepalive and the memory bounds of net_options. An IPv4 address gets an IPv4 socket, others a
 * dual-stack one. "[::]" falls back to IPv4 if the system has no IPv6. Sets *bound to the address
 * with the actual port. */
enum weir_code linux_listen(const struct net_listen_options *options, bool nonblocking,
                            const struct net_options *accepted, int *fd, struct net_address *bound,
                            struct weir_error *error);

/* Opens a non-blocking UDP socket; *v4_socket says whether it is an IPv4 socket. Sets *bound as
 * linux_listen() does. */
enum weir_code linux_bind(const struct net_listen_options *options, int *fd, bool *v4_socket,
                          struct net_address *bound, struct weir_error *error);

/* Opens a TCP socket to connect to `to`, with the options of an accepted connection, and fills in
 * the system's form of the address. */
enum weir_code linux_open_connect(const struct net_connect_options *options, bool nonblocking,
                                  const struct net_options *opened, int *fd,
                                  union linux_sockaddr *to, socklen_t *to_length,
                                  struct weir_error *error);

/* A connect has succeeded: sets *local to the socket's own address, zeroed if the system cannot
 * tell. Returns false if the socket is connected to itself. TCP allows that when the system chooses
 * the destination as the own port; no one listens there. */
bool linux_is_connected(int fd, const struct net_address *to, struct net_address *local);

/* Asks the system for the socket's own address. Returns false with errno if it cannot tell. */
bool linux_local_address(int fd, struct net_address *address);

/* The same; returns a zeroed address if the system cannot tell. */
struct net_address linux_local_address_or_none(int fd);

/* Returns false if the peer has reset the connection before it was accepted. */
bool linux_peer_address(int fd, struct net_address *peer);

/* Closes a connection; with an RST, which discards what the peer has not received, if `resets`. */
void linux_close_stream(int fd, bool resets);

/* Ends a connection by RST without closing its descriptor: blocked calls on it return. */
void linux_disconnect(int fd);

/* Returns what the system knows about the bytes sent on a connection. `finished`: its sending side
 * was shut down. */
struct net_progress linux_progress(int fd, bool finished);

/* Returns whether accept failed because descriptors or memory are exhausted: try again later. Any
 * other failure on a valid listener concerns one connection alone (accept(2), "Error handling"). */
bool linux_is_scarce(int os_error);

/* Returns whether accept failed because that connection was lost: it is gone from the queue. */
bool linux_is_connection_lost(int os_error);

/* Returns whether a send or receive failed for a cause that passes, and did nothing: it can be
 * repeated later. */
bool linux_passes(int os_error);

/* Returns whether accept failed because the listener itself is invalid. */
bool linux_is_listener_lost(int os_error);

/* Returns whether the address belongs to this machine; true if the system cannot tell now. Asks the
 * system at most once per second. */
bool linux_is_local_ip(const struct net_address *address, uint64_t now_ns);

#endif
