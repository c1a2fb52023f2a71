/* SPDX-License-Identifier: MIT */
/* bench_server.h - the event loop of one thread of `weir bench`: a weir_server without listeners,
 * on the calling thread, whose sessions are outbound connections. */
#ifndef CLI_BENCH_SERVER_H
#define CLI_BENCH_SERVER_H

#include "bench_state.h"

/* Opens it. Returns null after writing thread->why. The caller calls bench_server_close(). */
struct weir_server *bench_server_open(struct bench_thread *thread);

/* Starts it, after the first connections were started. Returns false after writing thread->why. */
bool bench_server_start(struct weir_server *server, struct bench_thread *thread);

/* Handles events, and waits for them if there are none, at most this long. */
void bench_server_wait(struct weir_server *server, uint64_t timeout_ns);

/* Closes all connections and frees it. Null is allowed. */
void bench_server_close(struct weir_server *server);

/* Begins a connection of the run's codec, TLS settings and address. Returns false, after counting
 * the error, if nothing begins. */
bool bench_server_connect(struct weir_server *server, struct bench_thread *thread,
                          const struct weir_handler *handler,
                          void (*on_failed)(struct weir_server *server, uint64_t connector,
                                            const struct weir_error *error, void *user),
                          void *user);

#endif
