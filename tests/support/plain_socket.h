/* SPDX-License-Identifier: MIT */
/* plain_socket.h - non-blocking system sockets for tests, with one implementation file per system.
 * The caller owns each socket. */
#ifndef SUPPORT_PLAIN_SOCKET_H
#define SUPPORT_PLAIN_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

typedef intptr_t plain_socket;

#define PLAIN_NONE ((plain_socket)-1)

enum plain_outcome { PLAIN_WAIT = -1, PLAIN_GONE = -2, PLAIN_FAILED = -3 };

/* Opens a socket. `receive_bytes`: receive buffer; 0: the system's default. The test fails if the
 * system returns no socket. */
plain_socket plain_open(bool v4, bool stream, int receive_bytes);
void plain_close(plain_socket socket);
/* Closes a stream with an RST. */
void plain_reset(plain_socket socket);
bool plain_bind(plain_socket socket, bool v4, const struct net_address *address);
struct net_address plain_local(plain_socket socket);

/* Starts a connection. Returns false if it is refused immediately. */
bool plain_connect(plain_socket socket, bool v4, const struct net_address *to);
/* Returns 0 if connected, PLAIN_WAIT if pending, PLAIN_GONE if refused. */
int plain_connected(plain_socket socket);

/* Accepts connections on a bound socket. */
void plain_listen(plain_socket socket, int backlog);
/* Returns a connection; PLAIN_NONE if none has arrived. */
plain_socket plain_accept(plain_socket socket);

/* Return the number of bytes, or an outcome; a receive returns 0 after FIN. `peek`: keeps the bytes
 * for the next receive. */
int32_t plain_send(plain_socket socket, const void *bytes, uint32_t count);
int32_t plain_receive(plain_socket socket, void *bytes, uint32_t bytes_max, bool peek);
/* Returns whether the connection was reset, even if unread bytes are left. */
bool plain_has_failed(plain_socket socket);
void plain_finish(plain_socket socket);

int32_t plain_send_to(plain_socket socket, bool v4, const struct net_address *to, const void *bytes,
                      uint32_t length);
/* Returns false if no datagram has arrived. *length is the datagram's whole length, even if the
 * buffer is smaller. */
bool plain_receive_from(plain_socket socket, void *bytes, uint32_t bytes_max, uint32_t *length,
                        struct net_address *from);

/* Waits for at most `patience_ms` milliseconds until poll() reports the descriptor as readable.
 * Returns whether it does; false on Windows, which has no such descriptors. */
bool plain_is_readable(int descriptor, int patience_ms);

/* Wine differs from Windows: a reset without a pending receive looks like FIN, and it is slower. */
bool plain_is_wine(void);

/* Returns whether rio and iocp run on this system; if not, they run over the simulated Windows. */
bool plain_is_windows(void);

/* ---- files ---- */

/* Descriptors or handles of this process. */
uint32_t plain_files_count(void);
/* Limits the process to this many additional descriptors; UINT32_MAX restores the limit. Returns
 * false if the system has no such limit. */
bool plain_limit_files(uint32_t more);

#endif
