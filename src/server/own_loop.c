/* SPDX-License-Identifier: MIT */
/* own_loop.c - a server whose first worker runs on a thread of the application.
 *
 *      weir_server_run:   [ iteration ][ iteration ] ... until the server has ended
 *      weir_server_step:  [ iteration ]...[ one in which nothing happened ] -> when the next is due
 *
 * A transport submits what the sessions asked for when the next iteration waits. So a step ends
 * with an iteration in which nothing happened: then nothing waits to be submitted, and all events
 * are in the system, which reports them by the descriptor.
 */
#include <weir/weir.h>

#include "check.h"
#include "clock.h"
#include "live.h"
#include "server_state.h"
#include "worker_thread.h"

/* Iterations of one step, so that a busy server returns to the application's loop. */
#define OWN_LOOP__ITERATIONS_MAX 16
/* While sessions wait for room, or the server drains, a step is due this soon. */
#define OWN_LOOP__RETRY_MS 10

/* Returns the worker of the calling thread. */
static struct worker_thread *own_loop__thread(const struct weir_server *server)
{
    live_check(server);
    weir_check_use(server->threads && server->threads[0].here,
                   "weir_server_step() and weir_server_descriptor() are for a server that "
                   "weir_server_start_here() has started");
    weir_check_use(server->threads[0].here == thread_self(),
                   "weir_server_run(), weir_server_step() and weir_server_descriptor() are called "
                   "on the thread of weir_server_start_here()");
    weir_check_use(!worker_thread_is_own(&server->threads[0]),
                   "weir_server_run() and weir_server_step() are not called inside a callback");
    return &server->threads[0];
}

enum weir_code weir_server_run(struct weir_server *server, struct weir_error *error)
{
    live_check(server);
    if (!server->started) {
        enum weir_code code = weir_server_start_here(server, error);
        if (code != WEIR_OK) return code;
    }
    own_loop__thread(server);
    weir_server_wait(server);
    return weir_server_failure(server, error);
}

/* What an iteration changed: events came, timers fired, or sessions wait for something that the
 * next one looks at. */
struct own_loop__mark {
    uint64_t timers_fired, commands;
};

static struct own_loop__mark own_loop__mark(const struct loop *loop)
{
    const struct counters *counters = &loop->worker.counters;

    return (struct own_loop__mark){counter_read(&counters->timers_fired),
                                   counter_read(&counters->commands)};
}

/* Whether something happened since the mark. */
static bool own_loop__has_worked(const struct loop *loop, struct own_loop__mark before)
{
    struct own_loop__mark now = own_loop__mark(loop);

    return net_events_count(loop->worker.net) > 0 || now.timers_fired != before.timers_fired ||
           now.commands != before.commands || loop_due_ns(loop) == 0;
}

/* Whether sessions are retried in each iteration. */
static bool own_loop__retries(const struct worker *worker)
{
    return worker->request != WORKER_RUN || !list_is_empty(&worker->speakers) ||
           !list_is_empty(&worker->waiting_for_buffers);
}

/* Returns the milliseconds until the next step is due, rounded up. */
static int own_loop__due_ms(const struct loop *loop)
{
    uint64_t due_ns = loop_due_ns(loop), now_ns = loop->worker.now_ns;

    if (due_ns <= now_ns) return 0;
    uint64_t ms = (due_ns - now_ns - 1) / CLOCK_NS_PER_MS + 1;
    if (own_loop__retries(&loop->worker) && ms > OWN_LOOP__RETRY_MS) return OWN_LOOP__RETRY_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

int weir_server_step(struct weir_server *server, uint32_t timeout_ms)
{
    struct worker_thread *thread = own_loop__thread(server);
    struct loop *loop = &thread->loop;
    uint64_t until_ns = 0;
    bool may_wait = timeout_ms > 0;

    weir_check_use(server->workers_count == 1,
                   "weir_server_step() is for a server with one worker: set config.workers to 1");
    if (thread->has_ended) return WEIR_STEP_ENDED;
    for (int i = 0; i < OWN_LOOP__ITERATIONS_MAX; i++) {
        struct own_loop__mark before = own_loop__mark(loop);
        if (!worker_thread_iterate_here(thread, until_ns)) return WEIR_STEP_ENDED;
        until_ns = 0;
        if (own_loop__has_worked(loop, before)) {
            may_wait = false;
        } else if (may_wait) {
            until_ns = loop->worker.now_ns + timeout_ms * CLOCK_NS_PER_MS;
            may_wait = false;
        } else {
            return own_loop__due_ms(loop);
        }
    }
    return 0;
}

int weir_server_descriptor(const struct weir_server *server)
{
    const struct worker_thread *thread = own_loop__thread(server);

    return thread->has_ended ? -1 : net_descriptor(thread->loop.worker.net);
}
