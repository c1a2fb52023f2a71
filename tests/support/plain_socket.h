/* SPDX-License-Identifier: MIT */
/* plain_socket.h - non-blocking sockets for tests, as the system has them: one file a system. */
#ifndef SUPPORT_PLAIN_SOCKET_H
#define SUPPORT_PLAIN_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

typedef intptr_t plain_socket;

#define PLAIN_NONE ((plain_socket)-1)

enum plain_outcome { PLAIN_WAIT = -1, PLAIN_GONE = -2, PLAIN_FAILED = -3 };

/* `receive_bytes` 0: as the system likes. The test fails when there is no socket to be had. */
plain_socket plain_open(bool v4, bool stream, int receive_bytes);
void plain_close(plain_socket socket);
/* A stream's with an RST. */
void plain_reset(plain_socket socket);
bool plain_bind(plain_socket socket, bool v4, const struct weir_address *address);
struct weir_address plain_local(plain_socket socket);

/* False: refused at once. */
bool plain_connect(plain_socket socket, bool v4, const struct weir_address *to);
/* PLAIN_WAIT: not yet; 0: it stands; PLAIN_GONE: refused. */
int plain_connected(plain_socket socket);

/* How many bytes, or an outcome; a receive's 0 is the end. `peek`: they stay to be read again. */
int32_t plain_send(plain_socket socket, const void *bytes, uint32_t count);
int32_t plain_receive(plain_socket socket, void *bytes, uint32_t bytes_max, bool peek);
/* Whether the connection was reset, even while bytes are still to be read. */
bool plain_has_failed(plain_socket socket);
void plain_finish(plain_socket socket);

int32_t plain_send_to(plain_socket socket, bool v4, const struct weir_address *to,
                      const void *bytes, uint32_t length);
/* Says the whole length, though it may have cut. */
bool plain_receive_from(plain_socket socket, void *bytes, uint32_t bytes_max, uint32_t *length,
                        struct weir_address *from);

/* Wine is not Windows: a reset that comes while no receive is pending looks like an end there, and
 * all takes its time. */
bool plain_is_wine(void);

/* Whether rio and iocp are this system's own; else they run over a Windows made of memory. */
bool plain_is_windows(void);

/* ---- files ---- */

/* Descriptors or handles of this process. */
uint32_t plain_files_count(void);
/* Lets the process open so many more; UINT32_MAX: as before. False: this system has no such
 * limit. */
bool plain_limit_files(uint32_t more);

#endif
