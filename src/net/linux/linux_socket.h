/* SPDX-License-Identifier: MIT */
/* linux_socket.h - sockets for every Linux transport: opening, addresses, and the meaning of
 * errors. */
#ifndef NET_LINUX_SOCKET_H
#define NET_LINUX_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "linux_unix.h"
#include "net.h"

union linux_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* What a listener is bound to. */
struct linux_bound {
    struct net_address address;   /* with the actual port; zeroed with a file */
    struct linux_unix_file *file; /* null: it has none */
};

/* What a connection is opened to. */
struct linux_destination {
    struct net_address address; /* zeroed in the Unix domain */
    union {
        struct sockaddr any;
        union linux_sockaddr ip;
        struct sockaddr_un path;
    } sockaddr;
    socklen_t length;
    int connect_error; /* of connect(); 0: its outcome is SO_ERROR when it is writable; epoll.c */
};

/* Returns the portable form of a system address. */
struct net_address linux_address_of(const union linux_sockaddr *sockaddr);

/* The same for the address of a stream, which is zeroed in the Unix domain. */
struct net_address linux_peer_of(const union linux_sockaddr *sockaddr);

/* Fills in the system address for a socket of that family (a dual-stack socket uses IPv4 in its
 * mapped form). Returns its length. */
socklen_t linux_sockaddr_of(const struct net_address *address, bool v4_socket,
                            union linux_sockaddr *sockaddr);

/* Opens a listener, close-on-exec: of TCP or, with a path, in the Unix domain. The connections that
 * a TCP listener accepts have TCP_NODELAY, and the keepalive and the memory bounds of net_options.
 * An IPv4 address gets an IPv4 socket, others a dual-stack one. "[::]" falls back to IPv4 if the
 * system has no IPv6. Sets *bound to the address with the actual port. */
enum weir_code linux_listen(const struct net_listen_options *options, bool nonblocking,
                            const struct net_options *accepted, int *fd, struct linux_bound *bound,
                            struct weir_error *error);

/* Sets the keepalive of connections that a listener accepts later: see net_options. */
void linux_keep_alive(int fd, uint32_t keepalive_ms);

/* Closes a listener, and removes its file. */
void linux_close_listener(int fd, struct linux_bound *bound);

/* Opens a non-blocking UDP socket; *v4_socket says whether it is an IPv4 socket. Sets *bound as
 * linux_listen() does. */
enum weir_code linux_bind(const struct net_listen_options *options, int *fd, bool *v4_socket,
                          struct net_address *bound, struct weir_error *error);

/* Opens a socket to connect to the destination, with the options of an accepted connection, and
 * allocates *to, which the caller frees. */
enum weir_code linux_open_connect(const struct net_connect_options *options, bool nonblocking,
                                  const struct net_options *opened, int *fd,
                                  struct linux_destination **to, struct weir_error *error);

/* Returns the code of a failed connect. */
enum weir_code linux_connect_code(int os_error);

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

/* Closes a connection; with an RST, which discards what the peer has not received, if `resets`. The
 * Unix domain has no RST: the peer reads what was sent, and then the end. */
void linux_close_stream(int fd, bool resets);

/* Ends a connection by RST without closing its descriptor: blocked calls on it return. */
void linux_disconnect(int fd);

/* Returns what the system knows about the bytes sent on a connection. `finished`: its sending side
 * was shut down. `unsent_bytes`: of the unanswered send, as far as known. In the Unix domain the
 * system counts a sent byte with its overhead. */
struct net_progress linux_progress(int fd, bool finished, uint32_t unsent_bytes);

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
