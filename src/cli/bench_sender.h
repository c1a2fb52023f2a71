/* SPDX-License-Identifier: MIT */
/* bench_sender.h - sends the messages that are due. Own thread only. */
#ifndef CLI_BENCH_SENDER_H
#define CLI_BENCH_SENDER_H

#include "bench_state.h"

/* Sends every message of the connection that is due, as far as it has room. Call it when the
 * connection has opened, and after each answer. */
void bench_sender_flow(struct bench_thread *thread, struct bench_flow *flow, uint64_t now_ns);

/* Open loop: sends what has become due. Returns when the next message is due;
 * BENCH_SCHEDULE_NEVER: none is. */
uint64_t bench_sender_due(struct bench_thread *thread, uint64_t now_ns);

/* Returns how many messages have no answer yet. */
uint64_t bench_sender_in_flight(const struct bench_thread *thread);

/* Counts the messages that were due and were not sent. */
void bench_sender_count_unsent(struct bench_thread *thread);

#endif
