/* SPDX-License-Identifier: MIT */
/* bench_summary.h - what a run of `weir bench` has found, for the reports. */
#ifndef CLI_BENCH_SUMMARY_H
#define CLI_BENCH_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench_options.h"
#include "bench_result.h"

struct bench_summary {
    const struct bench_options *options;
    struct bench_result result; /* of all threads */
    uint64_t elapsed_ns;        /* from the begin of the measurement to its end or last answer */
    bool was_stopped;           /* by the user */
    /* The server's process, if --pid names it. */
    bool has_server;
    uint64_t server_cpu_ns, server_wall_ns;     /* during the measurement */
    uint64_t server_messages;                   /* answered in this time */
    uint64_t server_bytes_before, server_bytes; /* its memory before the connects and at the end */
};

/* Messages per second. */
double bench_summary_rate(const struct bench_summary *summary);

/* Writes why the generator, and not the server, was the limit of this run; "": it was not. Returns
 * `text`. */
char *bench_summary_limit(const struct bench_summary *summary, char *text, size_t size);

/* Returns whether everything was answered rightly. */
bool bench_summary_is_right(const struct bench_summary *summary);

/* Writes "TCP", "WebSocket over TLS" and the like. */
const char *bench_summary_protocol(const struct bench_options *options);

#endif
