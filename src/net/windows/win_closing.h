/* SPDX-License-Identifier: MIT */
/* win_closing.h - closes sockets, and closes those again that the system would not close.
 *
 *      closing_close -> closed
 *                    -> still open: on this thread's list -> closing_retry, after a delay -> closed
 *
 * closesocket can fail while the network subsystem does (WSAENETDOWN). The socket's requests then
 * stay outstanding, and their handle waits for them until a later close succeeds.
 *
 * Ownership: the list owns its sockets. Thread: the list belongs to the thread that closed them,
 * because RIO allows no other thread to close a socket with a request queue (contract T6).
 */
#ifndef NET_WINDOWS_WIN_CLOSING_H
#define NET_WINDOWS_WIN_CLOSING_H

#include "win_system.h"

/* Closes the socket, or lists it. The caller must not use it afterwards. */
void closing_close(const struct win_system *system, win_socket socket);

/* Closes listed sockets again, if their delay has passed. Returns until_ns, or the earlier time of
 * the next try. */
uint64_t closing_retry(const struct win_system *system, uint64_t now_ns, uint64_t until_ns);

/* Tries a last time, and forgets the sockets that are still open. */
void closing_end(const struct win_system *system);

#endif
