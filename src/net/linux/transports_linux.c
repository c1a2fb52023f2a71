/* SPDX-License-Identifier: MIT */
/* transports_linux.c - the transports of a Linux build, best first. Tests link a list of their own,
 * with more in it. */
#include "transports_linux.h"
#include "transport.h"

const struct transport *const net_transports[] = {&transport_uring, &transport_epoll, NULL};
