/* SPDX-License-Identifier: MIT */
/* transports_tests_windows.c - the transports that tests can select on Windows: those of the build
 * and the simulated one. */
#include "rio.h"
#include "transport.h"

extern const struct transport transport_simulated; /* sim_transport.c */

const struct transport *const net_transports[] = {&transport_rio, &transport_iocp,
                                                  &transport_simulated, NULL};
