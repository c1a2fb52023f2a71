/* SPDX-License-Identifier: MIT */
/* bench_streams.h - the connections of `weir bench` over TCP, with or without TLS and WebSocket. */
#ifndef CLI_BENCH_STREAMS_H
#define CLI_BENCH_STREAMS_H

#include "bench_state.h"

extern const struct bench_driver bench_streams_driver; /* modes echo and idle */
extern const struct bench_driver bench_dials_driver;   /* mode connect */

#endif
