/* SPDX-License-Identifier: MIT */
/* transports_simulator.c - the transports of the library weir::test: the simulated one alone. */
#include "transport.h"

extern const struct transport transport_simulated; /* sim_transport.c */

const struct transport *const net_transports[] = {&transport_simulated, NULL};
