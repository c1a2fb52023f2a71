/* SPDX-License-Identifier: MIT */
/* os_datagrams.h - many connected UDP sockets of `weir bench`: several datagrams by one system call
 * where the system can do that, and a wait for all sockets. The sockets are those of os_connect.h.
 * One of os_datagrams_linux.c and os_datagrams_windows.c is compiled. */
#ifndef CLI_OS_DATAGRAMS_H
#define CLI_OS_DATAGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "os_connect.h"

#define OS_DATAGRAMS_MAX 64u /* of one call */

struct os_datagram {
    uint8_t *bytes;
    size_t length;
};

/* Has the system keep many received datagrams. */
void os_datagrams_enlarge(const struct os_attempt *socket);

/* Sends datagrams, and waits for room for some time. Returns how many were sent; if they are not
 * all, *os_error is the error number. */
uint32_t os_datagrams_send(const struct os_attempt *socket, const struct os_datagram *datagrams,
                           uint32_t count, int *os_error);

/* Receives the datagrams that are there. `length` is the room of each one before the call, and its
 * bytes after it; the rest of a longer datagram is lost. Returns how many there are. *os_error is
 * the error number; 0: there was none. */
uint32_t os_datagrams_receive(const struct os_attempt *socket, struct os_datagram *datagrams,
                              uint32_t count, int *os_error);

/* Which sockets have received something. */
struct os_datagrams_watch;

/* Makes a watch in memory of the arena. Null: out of memory. */
struct os_datagrams_watch *os_datagrams_watch(const struct os_attempt *sockets, uint32_t count,
                                              struct arena *arena);

/* Waits until a socket has received something, at most this long. */
void os_datagrams_wait(struct os_datagrams_watch *watch, uint64_t timeout_ns);

/* Returns whether the socket had received something, or failed, at the end of the last wait. */
bool os_datagrams_is_ready(const struct os_datagrams_watch *watch, uint32_t index);

#endif
