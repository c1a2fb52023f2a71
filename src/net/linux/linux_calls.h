/* SPDX-License-Identifier: MIT */
/* linux_calls.h - the system calls that a message of a stream costs.
 *
 * recv() and send() of the C library are cancellation points: in a process with threads they
 * execute two locked instructions and some 30 others around the call. No thread of weir is ever
 * cancelled. */
#ifndef NET_LINUX_LINUX_CALLS_H
#define NET_LINUX_LINUX_CALLS_H

#include <stddef.h>
#include <sys/types.h>

/* As recv() and send(), without flags but MSG_NOSIGNAL. */
ssize_t linux_recv(int fd, void *bytes, size_t length);
ssize_t linux_send(int fd, const void *bytes, size_t length);

#endif
