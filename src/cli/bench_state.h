/* SPDX-License-Identifier: MIT */
/* bench_state.h - the state of a run of `weir bench`, and of each of its threads.
 *
 *      main thread                     each thread of the generator
 *      bench_run: the plan, the start  bench_thread: its connections, schedule and result
 *                    |                      | bench_driver: how messages are sent
 *                    '---- atomics ---------'
 *
 * A thread owns its connections, and writes only its own result. The main thread reads the results
 * after the threads have ended, and the atomic members at any time. */
#ifndef CLI_BENCH_STATE_H
#define CLI_BENCH_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#include "arena.h"
#include "bench_flow.h"
#include "bench_options.h"
#include "bench_pattern.h"
#include "bench_result.h"
#include "bench_schedule.h"
#include "os_thread.h"

struct bench_thread;

/* What messages are sent through. Each function runs on the thread. */
struct bench_driver {
    /* Begins to open the connections; each one adds to thread->opened or thread->refused later.
     * Returns false if nothing can begin; thread->why says why. */
    bool (*start)(struct bench_thread *thread);
    /* Sends the message of a slot. Returns false, after counting the error, if it was not sent. */
    bool (*send)(struct bench_thread *thread, struct bench_flow *flow, struct bench_slot *slot);
    /* Handles what has arrived, and waits for it if there is nothing, at most this long. */
    void (*wait)(struct bench_thread *thread, uint64_t timeout_ns);
    /* Begins to close the connections. */
    void (*finish)(struct bench_thread *thread);
    /* Frees everything. */
    void (*free)(struct bench_thread *thread);
};

/* A run. The plan does not change after the threads have started. */
struct bench_run {
    const struct bench_options *options;
    const struct bench_driver *driver;
    struct bench_pattern pattern;
    struct weir_frame *frame;       /* of the codec; null: WebSocket or UDP */
    bool has_frames;                /* the codec delivers whole messages: not raw */
    struct bench_schedule schedule; /* without its times, which each thread computes */
    atomic_ullong start_ns;         /* 0: not started */
    atomic_uint ready;              /* threads whose connections are open, or that have failed */
    atomic_uint ended;              /* threads that have ended */
    atomic_bool is_stopped;         /* by the user */
};

struct bench_thread {
    struct bench_run *run;
    uint32_t index, count; /* connections: every `threads`-th one, beginning with `index` */
    uint32_t senders;      /* the first connections, which send: all, but in a room only one */
    struct bench_flow *flows;
    struct bench_schedule schedule;
    struct bench_result *result;
    void *driver;        /* state of the driver */
    uint32_t opened;     /* connections that are open now */
    uint32_t refused;    /* connections that could not be opened */
    uint32_t due_flow;   /* open loop: the connection with the next message that is due */
    uint64_t due_number; /* and that message */
    bool has_failed;     /* it cannot run; `why` says why */
    char why[512];
    struct arena arena;
    struct os_thread system;
    atomic_ullong answered; /* messages that were answered rightly, for the progress line */
};

#endif
