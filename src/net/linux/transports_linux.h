/* SPDX-License-Identifier: MIT */
/* transports_linux.h - the names of the transports that a Linux build can choose from. */
#ifndef NET_LINUX_TRANSPORTS_LINUX_H
#define NET_LINUX_TRANSPORTS_LINUX_H

struct transport;

extern const struct transport transport_uring; /* uring.c */
extern const struct transport transport_epoll; /* epoll.c */

#endif
