/* SPDX-License-Identifier: MIT */
/* tap.h - stands between a server and a handler: tells the story of each callback, and checks their
 * sequence. */
#ifndef SIMULATOR_TAP_H
#define SIMULATOR_TAP_H

#include "simulator.h"

/* Puts a tap before the handler of the listener that was added last. */
void tap_add(struct weir_test *test);

void tap_free_all(struct weir_test *test);

#endif
