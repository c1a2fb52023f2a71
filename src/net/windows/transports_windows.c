/* SPDX-License-Identifier: MIT */
/* transports_windows.c - the transports of a Windows build, best first. Tests link a list of their
 * own, with more in it. */
#include "rio.h"
#include "transport.h"

const struct transport *const net_transports[] = {&transport_rio, &transport_iocp, NULL};
