/* SPDX-License-Identifier: MIT */
/* bind_probe.h - tells an address that old connections still occupy from one that another program
 * serves. One of linux/linux_bind_probe.c and windows/win_bind_probe.c is compiled. */
#ifndef NET_BIND_PROBE_H
#define NET_BIND_PROBE_H

#include <stdbool.h>

#include "address.h"

/* For net_address_lingers(). Opens a socket and closes it; does not connect. Thread: any. */
bool bind_probe_lingers(const struct net_address *address);

#endif
