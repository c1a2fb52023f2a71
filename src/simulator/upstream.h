/* SPDX-License-Identifier: MIT */
/* upstream.h - the simulated servers to which the tested server connects. */
#ifndef SIMULATOR_UPSTREAM_H
#define SIMULATOR_UPSTREAM_H

#include "simulator.h"

/* Frees the upstreams of a test, whose peers were freed before. */
void upstream_free_all(struct weir_test *test);

#endif
