/* SPDX-License-Identifier: MIT */
/* serve_announce.h - what `weir serve` prints once the server has started: warnings, its listeners
 * and "ready". */
#ifndef CLI_SERVE_ANNOUNCE_H
#define CLI_SERVE_ANNOUNCE_H

#include "options.h"

/* Prints them. */
void serve_announce(const struct options *options, const struct weir_server *server);

#endif
