/* SPDX-License-Identifier: MIT */
/* listen_order.c - opens and closes a listener on the workers of a running server, one worker after
 * the other: the first one assigns the port.
 *
 *      caller -> order -> mailbox -> worker: open or close its endpoint -> done -> caller -> next
 *
 * Only a worker's own thread may use its net.
 */
#include "listen_order.h"

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "mailbox.h"
#include "remote.h"
#include "thread.h"
#include "worker_thread.h"

#define LISTEN_ORDER__PAUSE_NS CLOCK_NS_PER_MS

struct listen_order {
    struct worker_call call;
    struct listen_spec *spec;
    bool closes;
    bool done; /* this and the rest: under the server's lock */
    enum weir_code code;
    struct weir_error error;
};

static enum weir_code listen_order__cancelled(struct weir_error *error)
{
    return error_fill(error, WEIR_CANCELLED, 0, "listen", NULL, "the server is shutting down",
                      NULL);
}

static void listen_order__run(struct worker_call *call, struct worker *worker)
{
    struct listen_order *order = weir_container_of(call, struct listen_order, call);
    struct worker_thread *thread = weir_container_of(worker, struct worker_thread, loop.worker);
    struct weir_server *server = thread->server;
    enum weir_code code = WEIR_OK;

    if (order->closes)
        worker_thread_unlisten(thread, order->spec);
    else if (worker->request != WORKER_RUN)
        code = listen_order__cancelled(&thread->error);
    else
        code = worker_thread_listen(thread, order->spec);
    lock_take(server->lock);
    order->code = code;
    order->error = thread->error;
    order->done = true; /* the caller's stack holds the order: it is gone after this */
    condition_wake_all(server->requested);
    lock_give_back(server->lock);
}

/* Whether the worker runs on the caller's thread, between two calls of the caller. */
static bool listen_order__is_here(const struct worker_thread *thread)
{
    return !thread->thread && thread->loop.worker.net;
}

/* Passes an order to the worker, and waits until it is done. While the mailbox is full, it tries
 * again: a worker that runs empties it. Returns its result; WEIR_GONE if the worker has ended. */
static enum weir_code listen_order__pass(struct weir_server *server, uint32_t index,
                                         struct listen_order *order)
{
    struct worker *worker = &server->threads[index].loop.worker;
    enum weir_code code;

    order->call.run = listen_order__run;
    order->done = false;
    if (listen_order__is_here(&server->threads[index])) {
        listen_order__run(&order->call, worker);
        return order->code;
    }
    while ((code = remote_call(worker, &order->call)) == WEIR_MAILBOX_FULL) {
        lock_take(server->lock);
        condition_wait(server->requested, server->lock, clock_now_ns() + LISTEN_ORDER__PAUSE_NS);
        lock_give_back(server->lock);
    }
    if (code != WEIR_OK) return code;
    lock_take(server->lock);
    while (!order->done) condition_wait(server->requested, server->lock, CONDITION_NO_DEADLINE);
    lock_give_back(server->lock);
    return order->code;
}

enum weir_code listen_order_open(struct weir_server *server, struct listen_spec *spec,
                                 struct weir_error *error)
{
    struct listen_order order = {.spec = spec};
    enum weir_code code = server->workers_count > 0 ? WEIR_OK : WEIR_GONE;

    for (uint32_t i = 0; i < server->workers_count && code == WEIR_OK; i++)
        code = listen_order__pass(server, i, &order);
    if (code == WEIR_OK) return code;
    listen_order_close(server, spec);
    if (code == WEIR_GONE) return listen_order__cancelled(error);
    if (error) *error = order.error;
    return code;
}

/* Waits until an endpoint may have closed. The caller holds the lock. */
static void listen_order__wait_for_close(struct weir_server *server)
{
    struct worker_thread *first = &server->threads[0];

    if (!listen_order__is_here(first)) {
        condition_wait(server->requested, server->lock, CONDITION_NO_DEADLINE);
        return;
    }
    lock_give_back(server->lock);
    worker_thread_iterate_here(first, net_now_ns(first->loop.worker.net) + LISTEN_ORDER__PAUSE_NS);
    lock_take(server->lock);
}

void listen_order_close(struct weir_server *server, struct listen_spec *spec)
{
    struct listen_order order = {.spec = spec, .closes = true};

    for (uint32_t i = 0; i < server->workers_count; i++) listen_order__pass(server, i, &order);
    lock_take(server->lock);
    while (spec->open_count > 0) listen_order__wait_for_close(server);
    lock_give_back(server->lock);
}
