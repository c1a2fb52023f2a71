/* SPDX-License-Identifier: MIT */
/* rio_socket.h - opens bound sockets, closes sockets that have no request queue, and reports both
 * to the verifier. Thread: the worker's. An `os_error` is a Windows error; 0: success. */
#ifndef NET_WINDOWS_RIO_SOCKET_H
#define NET_WINDOWS_RIO_SOCKET_H

#include "rio_net.h"

/* Opens a socket of the address's family and binds it. "[::]" falls back to IPv4 on a system
 * without IPv6. Returns the os_error; after an error *socket is WIN_NO_SOCKET. The caller owns the
 * socket and passes it to rio_socket_report. */
int rio_socket_open_bound(const struct rio_net *system, const struct net_listen_options *options,
                          bool stream, win_socket *socket, bool *v4);

/* Opens a socket for AcceptEx, of the same kind as the listener. Returns as above. */
int rio_socket_open_for_accept(const struct rio_net *system, bool v4, win_socket *socket);

/* Opens a socket for ConnectEx, bound to an address that the system chooses. Returns as above. */
int rio_socket_open_for_connect(const struct rio_net *system, bool v4, win_socket *socket);

/* Closes a socket that has no request queue. */
void rio_socket_close(struct rio_net *system, win_socket socket);

/* Reports the event to the verifier, if there is one. `other`: see enum rio_socket_event. */
void rio_socket_report(const struct rio_net *system, enum rio_socket_event event, win_socket socket,
                       win_socket other);

#endif
