/* SPDX-License-Identifier: MIT */
/* transports_tests_linux.c - the transports that tests can select: those of the build and the
 * simulated one. */
#include "rio.h"
#include "transport.h"
#include "transports_linux.h"

extern const struct transport transport_simulated; /* sim_transport.c */
extern struct transport transport_alone;           /* transport_alone_linux.c */

const struct transport *const net_transports[] = {&transport_uring,
                                                  &transport_epoll,
                                                  &transport_simulated,
                                                  &transport_alone,
                                                  &transport_rio,
                                                  &transport_iocp,
                                                  NULL};
