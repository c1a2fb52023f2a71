/* SPDX-License-Identifier: MIT */
/* bench_server.h - a weir with one worker, for the benchmarks: until a signal ends it. */
#ifndef BENCH_BENCH_SERVER_H
#define BENCH_BENCH_SERVER_H

#include <weir/weir.h>

/* Callbacks of a handler that sends each message to all its sessions. */
void bench_server_join(struct weir_session *session);
void bench_server_broadcast(struct weir_session *session, const struct weir_message *message);

/* Listens on this port of 127.0.0.1 as *listen says, and serves. `transport`: null is the best one.
 * Returns the exit code; a failure is on stderr. */
int bench_server_run(const char *port, const char *transport, struct weir_listen *listen);

#endif
