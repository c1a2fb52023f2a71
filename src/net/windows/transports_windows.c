/* SPDX-License-Identifier: MIT */
/* transports_windows.c - lists the transports of a Windows build, preferred first. Tests link a
 * longer list instead. */
#include "rio.h"
#include "transport.h"

const struct transport *const net_transports[] = {&transport_rio, &transport_iocp, NULL};
