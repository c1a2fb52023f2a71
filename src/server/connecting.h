/* SPDX-License-Identifier: MIT */
/* connecting.h - the outbound connections of a server: those made before its start, and what they
 * need of the sessions. */
#ifndef SERVER_CONNECTING_H
#define SERVER_CONNECTING_H

#include <stdbool.h>
#include <stddef.h>

#include "server_state.h"

/* Sets up what weir_connect() needs. Returns false if memory is exhausted. */
bool connecting_open(struct weir_server *server);

/* Returns the memory that a session needs for the codec and handler of any connector made so far,
 * at least connect_state_bytes. */
size_t connecting_extra_bytes(const struct weir_server *server);

/* The workers exist: lets the connectors that were made before the start begin. */
void connecting_begin(struct weir_server *server);

/* Frees the connectors that never began, and what connecting_open() set up. The workers were freed.
 */
void connecting_free(struct weir_server *server);

#endif
