/* SPDX-License-Identifier: MIT */
/* bench_datagrams.h - the sockets of `weir bench` over UDP. */
#ifndef CLI_BENCH_DATAGRAMS_H
#define CLI_BENCH_DATAGRAMS_H

#include "bench_state.h"

extern const struct bench_driver bench_datagrams_driver;

#endif
