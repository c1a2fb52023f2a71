/* SPDX-License-Identifier: MIT */
/* starting.h - starts the server on a thread of its own, so that a shutdown request ends a start
 * that waits for an address. */
#ifndef CLI_STARTING_H
#define CLI_STARTING_H

#include <weir/weir.h>

/* Runs weir_server_start(), and returns its code. Passes on each shutdown request until then.
 * Thread: the one that calls os_wait(). */
enum weir_code starting_run(struct weir_server *server, uint32_t drain_ms, int *requests,
                            struct weir_error *error);

/* Passes on a shutdown request, and counts it: the first one drains the server, the second one
 * stops it. */
void starting_request(struct weir_server *server, uint32_t drain_ms, int *requests);

#endif
