/* SPDX-License-Identifier: MIT */
/* bench_thread.c - opens connections, waits for the common start, sends and receives until the end,
 * waits for the last answers, and closes.
 *
 *      open -> greet (mode idle) -> ready -> load -> the last answers -> close
 *        '--- no connection --------^ '------------- stopped -------------^
 */
#include "bench_thread.h"

#include <stdio.h>
#include <string.h>

#include "bench_sender.h"
#include "os_usage.h"

#define BENCH_THREAD__MS_NS UINT64_C(1000000)
#define BENCH_THREAD__LOOK_NS (5 * BENCH_THREAD__MS_NS) /* time between looks at the atomics */
#define BENCH_THREAD__CLOSE_NS (1000 * BENCH_THREAD__MS_NS)

bool bench_thread_init(struct bench_thread *thread, struct bench_run *run, uint32_t index)
{
    const struct bench_options *options = run->options;

    *thread = (struct bench_thread){.run = run, .index = index, .schedule = run->schedule};
    thread->count = (options->connections - index - 1) / options->threads + 1;
    thread->senders = options->mode == BENCH_BROADCAST ? 1 : thread->count;
    thread->flows = arena_alloc(&thread->arena, thread->count * sizeof *thread->flows);
    thread->result = arena_alloc(&thread->arena, sizeof *thread->result);
    if (!thread->flows || !thread->result) return false;
    for (uint32_t i = 0; i < thread->count; i++)
        if (!bench_flow_init(&thread->flows[i], index + i * options->threads, options->depth,
                             &thread->arena))
            return false;
    return true;
}

void bench_thread_free(struct bench_thread *thread)
{
    arena_free(&thread->arena);
}

static bool bench_thread__is_stopped(const struct bench_thread *thread)
{
    return atomic_load_explicit(&thread->run->is_stopped, memory_order_relaxed);
}

/* Waits until the time, at most BENCH_THREAD__LOOK_NS. */
static void bench_thread__wait(struct bench_thread *thread, uint64_t until_ns, uint64_t now_ns)
{
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;

    thread->run->driver->wait(thread,
                              wait_ns < BENCH_THREAD__LOOK_NS ? wait_ns : BENCH_THREAD__LOOK_NS);
}

/* ---- before the load ---- */

static bool bench_thread__open(struct bench_thread *thread)
{
    if (!thread->run->driver->start(thread)) return false;
    while (thread->opened + thread->refused < thread->count && !bench_thread__is_stopped(thread))
        thread->run->driver->wait(thread, BENCH_THREAD__LOOK_NS);
    if (thread->refused == 0 || thread->run->options->mode == BENCH_IDLE) return true;
    snprintf(thread->why, sizeof thread->why, "%s", thread->result->examples[BENCH_ERROR_CONNECT]);
    return false;
}

/* Mode idle: sends a message on each connection, and waits for all answers. */
static void bench_thread__greet(struct bench_thread *thread, uint64_t messages_max, bool counts)
{
    uint64_t now_ns = os_now_ns();
    uint64_t end_ns = now_ns + thread->run->options->timeout_ms * BENCH_THREAD__MS_NS;

    thread->schedule.messages_max = messages_max;
    thread->schedule.start_ns = now_ns;
    thread->schedule.measured_ns = counts ? now_ns : BENCH_SCHEDULE_NEVER;
    thread->schedule.end_ns = BENCH_SCHEDULE_NEVER;
    for (uint32_t i = 0; i < thread->count; i++)
        bench_sender_flow(thread, &thread->flows[i], now_ns);
    while (bench_sender_in_flight(thread) > 0 && !bench_thread__is_stopped(thread)) {
        now_ns = os_now_ns();
        if (now_ns >= end_ns) break;
        bench_thread__wait(thread, end_ns, now_ns);
    }
}

/* Waits until the main thread starts the run. Returns false if it is stopped instead. */
static bool bench_thread__wait_for_start(struct bench_thread *thread)
{
    struct bench_run *run = thread->run;
    uint64_t start_ns;

    atomic_fetch_add(&run->ready, 1);
    while ((start_ns = atomic_load(&run->start_ns)) == 0) {
        if (bench_thread__is_stopped(thread)) return false;
        thread->run->driver->wait(thread, BENCH_THREAD__MS_NS);
    }
    thread->schedule = run->schedule;
    bench_schedule_start(&thread->schedule, start_ns, run->options->warmup_ms,
                         run->options->duration_ms);
    return true;
}

/* ---- the load ---- */

/* Closed loop: sends the first messages; the answers bring the others. */
static void bench_thread__begin(struct bench_thread *thread)
{
    uint64_t now_ns = os_now_ns();

    while (now_ns < thread->schedule.start_ns) {
        bench_thread__wait(thread, thread->schedule.start_ns, now_ns);
        now_ns = os_now_ns();
    }
    if (thread->schedule.rate > 0 || thread->run->options->mode == BENCH_IDLE) return;
    for (uint32_t i = 0; i < thread->count; i++)
        bench_sender_flow(thread, &thread->flows[i], os_now_ns());
}

/* Sends what is due, and returns when to send next. */
static uint64_t bench_thread__send(struct bench_thread *thread, uint64_t now_ns)
{
    uint64_t end_ns = thread->schedule.end_ns, due_ns = BENCH_SCHEDULE_NEVER;

    if (thread->schedule.rate > 0) due_ns = bench_sender_due(thread, now_ns);
    return due_ns < end_ns ? due_ns : end_ns;
}

/* Returns whether no message is left to send or to be answered. */
static bool bench_thread__is_done(const struct bench_thread *thread, uint64_t next_ns)
{
    if (thread->run->options->mode != BENCH_IDLE && thread->opened == 0 &&
        thread->run->options->mode != BENCH_CONNECT)
        return true;
    return next_ns == BENCH_SCHEDULE_NEVER && thread->schedule.messages_max > 0 &&
           bench_sender_in_flight(thread) == 0;
}

/* The processor time of the thread while it measures. */
static void bench_thread__meter(struct bench_thread *thread, uint64_t now_ns, bool is_begin)
{
    struct bench_result *result = thread->result;

    result->cpu_ns = os_thread_cpu_ns() - (is_begin ? 0 : result->cpu_ns);
    result->waited_ns = os_thread_waited_ns() - (is_begin ? 0 : result->waited_ns);
    result->wall_ns = now_ns - (is_begin ? 0 : result->wall_ns);
}

static void bench_thread__load(struct bench_thread *thread)
{
    uint64_t now_ns = os_now_ns(), next_ns = 0;
    bool is_measuring = false;

    while (now_ns < thread->schedule.end_ns && !bench_thread__is_stopped(thread)) {
        if (!is_measuring && now_ns >= thread->schedule.measured_ns) {
            bench_thread__meter(thread, now_ns, true);
            is_measuring = true;
        }
        next_ns = bench_thread__send(thread, now_ns);
        if (bench_thread__is_done(thread, next_ns)) break;
        bench_thread__wait(thread, next_ns, now_ns);
        now_ns = os_now_ns();
    }
    if (is_measuring) bench_thread__meter(thread, now_ns, false);
}

/* ---- after the load ---- */

/* Sends what became due since the thread last looked, and waits for the last answers; each can
 * bring a message that is still to be sent. */
static void bench_thread__await_answers(struct bench_thread *thread)
{
    uint64_t now_ns = os_now_ns();
    uint64_t end_ns = now_ns + thread->run->options->timeout_ms * BENCH_THREAD__MS_NS;

    if (thread->schedule.rate > 0 && !bench_thread__is_stopped(thread))
        bench_sender_due(thread, now_ns);
    while (bench_sender_in_flight(thread) > 0 && now_ns < end_ns &&
           !bench_thread__is_stopped(thread)) {
        bench_thread__wait(thread, end_ns, now_ns);
        now_ns = os_now_ns();
    }
}

/* Counts what has not come. Nothing is missing if the user has stopped the run. */
static void bench_thread__count_missing(struct bench_thread *thread)
{
    if (bench_thread__is_stopped(thread)) return;
    for (uint32_t i = 0; i < thread->count; i++)
        bench_flow_close(&thread->flows[i], thread->result, "no answer in time, see --timeout");
    bench_sender_count_unsent(thread);
}

static void bench_thread__close(struct bench_thread *thread)
{
    uint64_t now_ns = os_now_ns(), end_ns = now_ns + BENCH_THREAD__CLOSE_NS;

    thread->run->driver->finish(thread);
    while (thread->opened > 0 && now_ns < end_ns) {
        bench_thread__wait(thread, end_ns, now_ns);
        now_ns = os_now_ns();
    }
}

static void bench_thread__measure(struct bench_thread *thread)
{
    bool is_idle = thread->run->options->mode == BENCH_IDLE;
    uint32_t connections = thread->run->options->connections;

    if (is_idle) bench_thread__greet(thread, connections, false);
    if (!bench_thread__wait_for_start(thread)) return;
    bench_thread__begin(thread);
    bench_thread__load(thread);
    if (is_idle && !bench_thread__is_stopped(thread))
        bench_thread__greet(thread, UINT64_C(2) * connections, true);
    else
        bench_thread__await_answers(thread);
    bench_thread__count_missing(thread);
}

static void bench_thread__run(void *argument)
{
    struct bench_thread *thread = argument;

    os_wait_precisely();
    thread->has_failed = !bench_thread__open(thread);
    if (thread->has_failed)
        atomic_fetch_add(&thread->run->ready, 1);
    else
        bench_thread__measure(thread);
    bench_thread__close(thread);
    thread->run->driver->free(thread);
    atomic_fetch_add(&thread->run->ended, 1);
}

bool bench_thread_start(struct bench_thread *thread)
{
    thread->system = (struct os_thread){.run = bench_thread__run, .argument = thread};
    return os_thread_start_joinable(&thread->system);
}

void bench_thread_join(struct bench_thread *thread)
{
    os_thread_join(&thread->system);
}
