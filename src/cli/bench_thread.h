/* SPDX-License-Identifier: MIT */
/* bench_thread.h - one thread of the generator of `weir bench`. */
#ifndef CLI_BENCH_THREAD_H
#define CLI_BENCH_THREAD_H

#include "bench_state.h"

/* Sets up thread `index` of a run. Returns false if memory is exhausted. */
bool bench_thread_init(struct bench_thread *thread, struct bench_run *run, uint32_t index);

/* Starts it. Returns false if the system starts no thread. */
bool bench_thread_start(struct bench_thread *thread);

/* Waits until it has ended. */
void bench_thread_join(struct bench_thread *thread);

/* Frees its memory, after it has ended or was not started. */
void bench_thread_free(struct bench_thread *thread);

#endif
