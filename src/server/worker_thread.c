/* SPDX-License-Identifier: MIT */
/* worker_thread.c - opens, runs and closes one worker.
 *
 * Only a worker's own thread may use its net, so each thread opens, runs and frees its own. The
 * thread that started it waits at a gate until the worker has opened.
 */
#include "worker_thread.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "config.h"
#include "error_fill.h"
#include "handoff.h"
#include "memory.h"
#include "remote.h"
#include "renewal.h"
#include "settings.h"
#include "thread.h"
#include "worker_timers.h"

/* Logs which transport runs and why: the refused ones are better, but this system lacks them. */
static void worker_thread__log_choice(struct weir_server *server, const char *asked,
                                      const struct net_info *info)
{
    char text[512];

    log_line(&server->common.log, WEIR_LOG_INFO, "transport=%s: %s", info->transport,
             strcmp(asked, "auto") == 0 ? "chosen by auto, as the best that this system offers"
                                        : "chosen by its name");
    for (uint32_t i = 0; i < info->refused_count; i++)
        log_line(&server->common.log, WEIR_LOG_WARNING, "transport=%s: %s", info->transport,
                 weir_error_text(&info->refused[i].why, text, sizeof text));
}

/* Returns whether this worker listens. The first one always does; the others if they can bind the
 * same address, or accept from the same inherited socket. The datagrams of one inherited socket
 * would be spread over the workers without regard to the peer. */
static bool worker_thread__listens(const struct worker_thread *thread,
                                   const struct listen_spec *spec, const struct net_info *info)
{
    if (thread->loop.worker.index == 0) return true;
    if (spec->where.inherited != 0) return spec->service.proto == WEIR_TCP;
    return info->listeners_share && !spec->where.unix_path;
}

/* Returns whether each worker binds a socket of its own to the address. */
static bool worker_thread__binds_each(const struct worker_thread *thread,
                                      const struct net_listen_options *where,
                                      const struct net_info *info)
{
    return thread->server->workers_count > 1 && info->listeners_share && !where->unix_path &&
           where->inherited == 0;
}

static struct worker_thread *worker_thread__of(struct worker *worker)
{
    return weir_container_of(worker, struct worker_thread, loop.worker);
}

struct settings *worker_thread_take_settings(struct worker *worker)
{
    struct worker_thread *thread = worker_thread__of(worker);
    struct weir_server *server = thread->server;

    lock_take(server->lock);
    for (uint32_t i = 0; i < server->listeners_count; i++)
        listen_spec_renew(server->listeners[i], worker->index);
    for (struct listen_spec *at = server->removed; at; at = at->next_removed)
        listen_spec_renew(at, worker->index);
    if (server->opening) listen_spec_renew(server->opening, worker->index);
    struct settings *settings = server->settings ? settings_ref(server->settings) : NULL;
    thread->settings_taken = server->settings_count;
    lock_give_back(server->lock);
    return settings;
}

void worker_thread_settings_taken(struct worker *worker)
{
    struct worker_thread *thread = worker_thread__of(worker);

    lock_take(thread->server->lock);
    thread->settings_used = thread->settings_taken;
    condition_wake_all(thread->server->requested);
    lock_give_back(thread->server->lock);
}

/* An endpoint of this worker has closed, and may be freed. */
static void worker_thread__on_closed(struct endpoint *endpoint)
{
    struct weir_server *server = worker_thread__of(endpoint->worker)->server;
    struct listen_spec *spec = endpoint->service->spec;

    lock_take(server->lock);
    weir_check(spec->open_count > 0);
    spec->open_count--;
    condition_wake_all(server->requested);
    lock_give_back(server->lock);
}

static struct endpoint *worker_thread__endpoint(const struct worker_thread *thread,
                                                const struct listen_spec *spec)
{
    struct listener *listener = thread->listeners[spec->slot];
    struct udp_socket *udp_socket = thread->udp_sockets[spec->slot];

    if (spec->service.proto == WEIR_TCP) return listener ? &listener->endpoint : NULL;
    return udp_socket ? &udp_socket->endpoint : NULL;
}

/* Frees what an earlier listener left in the slot, and allocates the endpoint. */
static bool worker_thread__make_endpoint(struct worker_thread *thread,
                                         const struct listen_spec *spec)
{
    struct listener **listener = &thread->listeners[spec->slot];
    struct udp_socket **udp_socket = &thread->udp_sockets[spec->slot];

    memory_free(*listener);
    memory_free(*udp_socket);
    *listener = NULL;
    *udp_socket = NULL;
    if (spec->service.proto == WEIR_TCP) return (*listener = memory_alloc(sizeof **listener));
    return (*udp_socket = memory_alloc(sizeof **udp_socket));
}

/* Opens the endpoint of the listener. The first worker finds out its port. */
static enum weir_code worker_thread__open_endpoint(struct worker_thread *thread,
                                                   struct listen_spec *spec,
                                                   const struct net_listen_options *where)
{
    struct worker *worker = &thread->loop.worker;
    const struct service *service = service_of_worker(&spec->service, worker->index);
    struct endpoint *endpoint;
    enum weir_code code;

    if (!worker_thread__make_endpoint(thread, spec))
        return error_fill(&thread->error, WEIR_NO_MEMORY, 0, "listen", NULL, NULL,
                          "free some memory");
    if (spec->service.proto == WEIR_TCP)
        code = listener_open(thread->listeners[spec->slot], worker, service, where, &thread->error);
    else
        code = udp_socket_open(thread->udp_sockets[spec->slot], worker, service, where,
                               &thread->error);
    if (code != WEIR_OK) return code;
    endpoint = worker_thread__endpoint(thread, spec);
    endpoint->on_closed = worker_thread__on_closed;
    lock_take(thread->server->lock);
    spec->open_count++;
    if (worker->index == 0) spec->where.address = net_local_address(worker->net, endpoint->handle);
    lock_give_back(thread->server->lock);
    return WEIR_OK;
}

enum weir_code worker_thread_listen(struct worker_thread *thread, struct listen_spec *spec)
{
    struct net_info info = net_info(thread->loop.worker.net);
    struct net_listen_options where = spec->where;

    if (!worker_thread__listens(thread, spec, &info)) return WEIR_OK;
    if (worker_thread__binds_each(thread, &where, &info))
        where.share = thread->loop.worker.index == 0 ? NET_SHARE_FIRST : NET_SHARE_NEXT;
    return worker_thread__open_endpoint(thread, spec, &where);
}

void worker_thread_unlisten(struct worker_thread *thread, const struct listen_spec *spec)
{
    const struct endpoint *endpoint = worker_thread__endpoint(thread, spec);

    if (!endpoint || endpoint->service->spec != spec || endpoint->closing) return;
    if (!list_has(&endpoint->in_endpoints)) return; /* it has closed, or was never open */
    if (spec->service.proto == WEIR_TCP)
        listener_remove(thread->listeners[spec->slot]);
    else
        udp_socket_remove(thread->udp_sockets[spec->slot]);
}

static enum weir_code worker_thread__listen_all(struct worker_thread *thread)
{
    const struct weir_server *server = thread->server;
    enum weir_code code = WEIR_OK;

    for (uint32_t i = 0; i < server->listeners_count && code == WEIR_OK; i++)
        code = worker_thread_listen(thread, server->listeners[i]);
    return code;
}

/* Lets the first worker listen for all, before the second one starts. */
static enum weir_code worker_thread__share_listeners(struct weir_server *server,
                                                     struct weir_error *error)
{
    uint32_t count = server->workers_count;

    server->handoff_workers = memory_alloc_array(count, sizeof *server->handoff_workers);
    if (!server->handoff_workers)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start workers", NULL, NULL,
                          "lower the number of workers");
    for (uint32_t i = 0; i < count; i++)
        server->handoff_workers[i] = &server->threads[i].loop.worker;
    server->common.handoff_workers = server->handoff_workers;
    server->common.handoff_count = count;
    return WEIR_OK;
}

/* Lets the application prepare the worker, before its first session begins. */
static enum weir_code worker_thread__call_start(struct worker_thread *thread)
{
    const struct weir_config *config = &thread->server->common.config;
    struct worker *worker = &thread->loop.worker;
    enum weir_code code =
        config->on_worker_start ? config->on_worker_start(&worker->outer) : WEIR_OK;

    if (code != WEIR_OK)
        return error_fill(&thread->error, code, 0, "start a worker", NULL,
                          "the program's on_worker_start returned an error", NULL);
    thread->has_started = true;
    worker_timers_start_tick(worker);
    return WEIR_OK;
}

/* Lets the application release what belongs to the worker, after its last session has ended. */
static void worker_thread__call_end(struct worker_thread *thread)
{
    const struct weir_config *config = &thread->server->common.config;

    if (thread->has_started && config->on_worker_end)
        config->on_worker_end(&thread->loop.worker.outer);
}

static enum weir_code worker_thread__open_worker(struct worker_thread *thread)
{
    struct weir_server *server = thread->server;
    struct worker *worker = &thread->loop.worker;
    uint8_t index = worker->index;

    settings_use(worker, worker_thread_take_settings(worker));
    struct net_options options = config_net_options(worker->config);
    options.simulation = server->simulation;
    if (index > 0)
        options.transport =
            server->transport; /* workers exchange sockets, so all need the same transport */
    enum weir_code code = loop_open(&thread->loop, &options, &thread->error);

    if (code != WEIR_OK) return code;
    if (index == 0) {
        struct net_info info = net_info(thread->loop.worker.net);
        server->transport = info.transport;
        worker_thread__log_choice(server, options.transport, &info);
        if (!info.listeners_share && server->workers_count > 1)
            code = worker_thread__share_listeners(server, &thread->error);
        if (code != WEIR_OK) return code;
    }
    code = worker_thread__call_start(thread);
    return code == WEIR_OK ? worker_thread__listen_all(thread) : code;
}

void worker_thread_pass_request(const struct weir_server *server, struct worker_thread *thread)
{
    if (!thread->alive) return;
    if (server->request >= WORKER_DRAIN) remote_drain(&thread->loop.worker, server->drain_ms);
    if (server->request == WORKER_STOP) remote_stop(&thread->loop.worker);
}

static void worker_thread__set_alive(struct worker_thread *thread, bool alive)
{
    struct weir_server *server = thread->server;

    lock_take(server->lock);
    thread->alive = alive;
    worker_thread_pass_request(server, thread);
    thread->settings_used = thread->settings_taken;
    if (thread->settings_taken != server->settings_count)
        worker_request_settings(&thread->loop.worker); /* it missed the request */
    condition_wake_all(server->requested);
    lock_give_back(server->lock);
}

/* Records why the worker's net failed, if it did. If it listened for all workers, they end, too. */
static void worker_thread__check_failure(struct worker_thread *thread)
{
    struct weir_server *server = thread->server;
    struct worker *worker = &thread->loop.worker;
    struct weir_error error;
    char text[512];

    if (net_failure(worker->net, &error) == WEIR_OK) return;
    log_line(&server->common.log, WEIR_LOG_ERROR, "worker %u ended: %s", worker->index,
             weir_error_text(&error, text, sizeof text));
    lock_take(server->lock);
    if (server->failure.code == WEIR_OK) server->failure = error;
    lock_give_back(server->lock);
    if (server->common.handoff_workers && worker->index == 0) handoff_stop(worker);
}

/* From here on the calling thread runs the worker's callbacks. */
static void worker_thread__enter(struct worker_thread *thread)
{
    atomic_store(&thread->runs_on, thread_self());
    atomic_store(&thread->loop.worker.thread, thread_self());
}

static void worker_thread__leave(struct worker_thread *thread)
{
    atomic_store(&thread->loop.worker.thread, 0);
    atomic_store(&thread->runs_on, 0);
}

/* Opens the worker and its listeners. If that fails but it has a net, it must run to close it. */
static void worker_thread__begin(struct worker_thread *thread)
{
    thread->code = worker_thread__open_worker(thread);
    if (thread->loop.worker.net) {
        worker_thread__set_alive(thread, true);
        if (thread->code != WEIR_OK) remote_stop(&thread->loop.worker);
    }
    if (thread->code != WEIR_OK)
        atomic_store(&thread->server->failed, true); /* before the ended workers are counted */
}

/* Closes a worker whose sessions and listeners are closed. The last one calls on_stopped. */
static void worker_thread__end(struct worker_thread *thread)
{
    struct weir_server *server = thread->server;
    const struct weir_config *config = &server->common.config;

    if (thread->loop.worker.net) {
        worker_thread__check_failure(thread);
        worker_thread__set_alive(thread, false);
        worker_thread__call_end(thread);
        loop_close(&thread->loop);
    }
    if (atomic_fetch_sub(&server->running, 1) == 1 && !atomic_load(&server->failed) &&
        config->on_stopped)
        config->on_stopped(config->user);
}

static void worker_thread__run_worker(void *argument)
{
    struct worker_thread *thread = argument;

    thread_spread(thread->loop.worker.index);
    worker_thread__enter(thread);
    worker_thread__begin(thread);
    gate_unlock(thread->opened);
    if (thread->loop.worker.net) loop_run(&thread->loop);
    worker_thread__end(thread);
    worker_thread__leave(thread);
}

static enum weir_code worker_thread__prepare(struct worker_thread *thread, struct weir_error *error)
{
    thread->opened = gate_open();
    if (thread->opened) return WEIR_OK;
    return error_fill(error, WEIR_NO_MEMORY, 0, "start a worker", NULL, NULL,
                      "lower the number of workers");
}

enum weir_code worker_thread_start(struct weir_server *server, uint32_t index,
                                   struct weir_error *error)
{
    struct worker_thread *thread = &server->threads[index];
    char name[16];
    int os_error = 0;

    if (worker_thread__prepare(thread, error) != WEIR_OK) return WEIR_NO_MEMORY;
    snprintf(name, sizeof name, "weir-%u", index);
    thread->thread = thread_start(name, worker_thread__run_worker, thread, &os_error);
    if (!thread->thread) {
        enum weir_code code = os_error ? error_code_of_os(os_error) : WEIR_NO_MEMORY;
        return error_fill(
            error, code, os_error, "start a worker", NULL, NULL,
            code == WEIR_DENIED
                ? error_os_hint(os_error)
                : "lower the number of workers, or raise the limit on threads (ulimit -u)");
    }
    gate_pass(thread->opened);
    if (thread->code != WEIR_OK && error) *error = thread->error;
    return thread->code;
}

/* Closes a worker that has no thread. */
static void worker_thread__end_here(struct worker_thread *thread)
{
    worker_thread__end(thread);
    thread->has_ended = true;
}

enum weir_code worker_thread_open_here(struct worker_thread *thread, struct weir_error *error)
{
    if (worker_thread__prepare(thread, error) != WEIR_OK) return WEIR_NO_MEMORY;
    thread->here = thread_self();
    worker_thread__enter(thread);
    worker_thread__begin(thread);
    if (thread->code != WEIR_OK) {
        if (error) *error = thread->error;
        if (thread->loop.worker.net) loop_run(&thread->loop);
        worker_thread__end_here(thread);
    }
    worker_thread__leave(thread);
    return thread->code;
}

bool worker_thread_iterate_here(struct worker_thread *thread, uint64_t until_ns)
{
    weir_check(!thread->has_ended);
    worker_thread__enter(thread);
    bool running = loop_iterate(&thread->loop, until_ns);
    if (!running) worker_thread__end_here(thread);
    worker_thread__leave(thread);
    return running;
}

void worker_thread_renew_here(struct worker_thread *thread)
{
    worker_thread__enter(thread);
    renewal_begin(&thread->loop.renewal, &thread->loop.worker);
    worker_thread__leave(thread);
}

void worker_thread_run_here(struct worker_thread *thread)
{
    weir_check(!thread->has_ended);
    worker_thread__enter(thread);
    loop_run(&thread->loop);
    worker_thread__end_here(thread);
    worker_thread__leave(thread);
}

bool worker_thread_is_own(const struct worker_thread *thread)
{
    return atomic_load_explicit(&thread->runs_on, memory_order_relaxed) == thread_self();
}

void worker_thread_join(struct worker_thread *thread)
{
    if (thread->here && !thread->has_ended) worker_thread_run_here(thread);
    if (thread->thread) thread_join(thread->thread);
    thread->thread = NULL;
}

void worker_thread_free(struct worker_thread *thread)
{
    gate_free(thread->opened);
    loop_free(&thread->loop);
    for (uint32_t i = 0; i < WEIR_LISTENERS_MAX; i++) {
        memory_free(thread->listeners[i]);
        memory_free(thread->udp_sockets[i]);
    }
}
