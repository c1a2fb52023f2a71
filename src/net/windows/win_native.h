/* SPDX-License-Identifier: MIT */
/* win_native.h - the functions of the native win_system, and Windows's headers in the required
 * order. Private to win_native.c, win_socket.c and win_overlapped.c, the only files that include
 * Windows's headers. The caller owns each socket that it opens. */
#ifndef NET_WINDOWS_WIN_NATIVE_H
#define NET_WINDOWS_WIN_NATIVE_H

#include <winsock2.h>

#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>

#include "win_error.h"
#include "win_system.h"

/* ---- win_socket.c ---- */
int win_socket_open(bool v4, bool stream, bool registered, win_socket *opened);
int win_socket_close(win_socket socket);
void win_socket_reset_on_close(win_socket socket);
int win_socket_bind(win_socket socket, bool v4, const struct net_address *address);
int win_socket_listen(win_socket socket, uint32_t backlog);
int win_socket_local(win_socket socket, struct net_address *address);
int win_socket_finish(win_socket socket);
void win_socket_stream_options(win_socket socket, uint32_t keepalive_ms);
void win_socket_datagram_options(win_socket socket, bool v4, uint32_t bytes);
bool win_socket_is_stream(win_socket socket);
int win_socket_send_backlog(win_socket socket, uint32_t *bytes);
bool win_socket_is_local_ip(const struct net_address *address, uint64_t now_ns);

/* ---- win_overlapped.c ---- */

/* Looks up the functions that Winsock does not export. Returns 0 or the os_error. */
int win_overlapped_start(void);
int win_overlapped_accept_post(win_socket listener, win_socket socket, uint8_t *area,
                               struct win_overlapped *overlapped);
int win_overlapped_accept_finish(win_socket listener, win_socket socket, uint8_t *area,
                                 struct net_address *peer);
int win_overlapped_connect_post(win_socket socket, bool v4, const struct net_address *to,
                                struct win_overlapped *overlapped);
int win_overlapped_connect_finish(win_socket socket);
int win_overlapped_receive(win_socket socket, struct win_piece *piece,
                           struct win_overlapped *overlapped);
int win_overlapped_send(win_socket socket, struct win_piece *piece,
                        struct win_overlapped *overlapped);
int win_overlapped_receive_message(win_socket socket, struct win_message *message,
                                   struct win_overlapped *overlapped);
int win_overlapped_send_message(win_socket socket, struct win_message *message,
                                struct win_overlapped *overlapped);
void win_overlapped_cancel(win_socket socket);

#endif
