/* SPDX-License-Identifier: MIT */
/* server.c - a server: opens it, starts its workers, passes calls of any thread to them, and shuts
 * all of them down.
 *
 *   open -> listen, listen, ... -> start -> [ workers run ] -> drain or stop -> wait -> free
 *
 * Workers start one after the other. The first binds every address, which assigns a port where port
 * 0 was requested; the next ones share those addresses.
 */
#include <weir/weir.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bind_wait.h"
#include "broadcast.h"
#include "check.h"
#include "config.h"
#include "connecting.h"
#include "error_fill.h"
#include "group.h"
#include "group_count.h"
#include "handler_opening.h"
#include "listeners.h"
#include "live.h"
#include "log_queue.h"
#include "memory.h"
#include "names.h"
#include "other_nodes.h"
#include "random.h"
#include "remote.h"
#include "server_state.h"
#include "server_tls.h"
#include "settings.h"
#include "thread.h"
#include "watch.h"
#include "worker_thread.h"

const char *weir_version(void)
{
    return WEIR_VERSION;
}

/* ---- open, listen ---- */

/* Opens the queue of the log, if the application wants a log. Returns false if memory is
 * exhausted. */
static bool server__open_log(struct weir_server *server, const struct weir_config *settings)
{
    if (!settings->log) return true;
    server->log_queue = log_queue_open(settings->log_lines_max, settings->log, settings->user);
    if (!server->log_queue) return false;
    log_queue_limit(server->log_queue, settings->log_rate_max);
    server->common.log = (struct log){.write = log_queue_add,
                                      .user = server->log_queue,
                                      .muted_count = WEIR_LOG_DETAIL - (int)settings->log_level};
    return true;
}

/* Opens what threads share. Returns false if memory is exhausted. */
static bool server__open_shared(struct weir_server *server)
{
    server->lock = lock_open();
    server->updating = lock_open();
    server->requested = condition_open();
    server->common.names = names_open();
    return server->lock && server->updating && server->requested && server->common.names;
}

/* Sets what the workers share, except the address lists. Returns false if memory is exhausted. */
static bool server__set_common(struct weir_server *server, const struct weir_config *settings)
{
    struct worker_common *common = &server->common;

    common->config = *settings;
    common->config.allow = common->config.deny = common->config.trace =
        NULL; /* parsed already, and owned by the caller */
    common->server = server;
    common->slots_max = config_slots_max(settings);
    common->take_settings = worker_thread_take_settings;
    common->settings_taken = worker_thread_settings_taken;
    server->workers_asked = config_workers(settings);
    common->memory_bytes = config_worker_memory_bytes(settings);
    common->limits = &server->limits;
    server->transport_asked = memory_copy_text(settings->transport);
    common->config.transport = server->transport_asked;
    if (settings->reject_message)
        server->reject_message = memory_copy_text(settings->reject_message);
    common->config.reject_message = server->reject_message;
    server->sessions_max_ever = settings->sessions_max;
    if (settings->sessions_per_address_max > 0) server->addresses_max = settings->sessions_max;
    if (server->addresses_max > 0 &&
        !address_counts_init(&server->limits.address_counts, settings->sessions_max, &common->key))
        return false;
    return server__open_shared(server) && connecting_open(server) &&
           server__open_log(server, settings) && server->transport_asked &&
           (server->reject_message || !settings->reject_message);
}

static enum weir_code server__read_lists(struct weir_server *server,
                                         const struct weir_config *config, struct weir_error *error)
{
    enum weir_code code = address_list_parse(&server->limits.allow, config->allow, "allow", error);

    if (code == WEIR_OK)
        code = address_list_parse(&server->limits.deny, config->deny, "deny", error);
    return code == WEIR_OK ? watch_open(&server->common, config, error) : code;
}

/* Frees a server whose workers have ended. */
static void server__destroy(struct weir_server *server)
{
    for (uint32_t i = 0; i < server->workers_count; i++) worker_thread_free(&server->threads[i]);
    handler_opening_close_all(server);
    listeners_free(server);
    server_tls_free(server);
    memory_free(server->handoff_workers);
    memory_free((void *)server->workers);
    memory_free(server->threads);
    connecting_free(server);
    address_list_free(&server->limits.allow);
    address_list_free(&server->limits.deny);
    watch_free(&server->common);
    address_counts_free(&server->limits.address_counts);
    log_queue_free(server->log_queue, server->common.config.log_flush_ms);
    condition_free(server->requested);
    lock_free(server->updating);
    lock_free(server->lock);
    names_free(server->common.names);
    memory_free(server->transport_asked);
    memory_free(server->reject_message);
    settings_unref(server->settings);
    atomic_store(&server->mark, 0);
    memory_free(server);
}

enum weir_code weir_server_open(const struct weir_config *config, struct weir_server **out,
                                struct weir_error *error)
{
    struct weir_config settings;
    enum weir_code code = config_read(config, &settings, error);

    *out = NULL;
    if (code != WEIR_OK) return code;
    struct weir_server *server = memory_alloc(sizeof *server);
    if (!server)
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a server", NULL, NULL,
                          "free some memory");
    if (!random_fill(&server->common.key, sizeof server->common.key))
        code = error_fill(error, WEIR_SYSTEM, 0, "open a server", NULL,
                          "the system has no random numbers", "see why it has none");
    if (code == WEIR_OK) code = server__read_lists(server, &settings, error);
    if (code == WEIR_OK && !server__set_common(server, &settings))
        code =
            error_fill(error, WEIR_NO_MEMORY, 0, "open a server", NULL, NULL, "free some memory");
    if (code != WEIR_OK) {
        server__destroy(server);
        return code;
    }
    atomic_store(&server->mark, SERVER_MARK);
    live_add(server);
    *out = server;
    return WEIR_OK;
}

/* ---- start ---- */

/* Returns the codec for which a broadcast is framed in advance: that of the first TCP listener. */
static const struct weir_codec *server__broadcast_codec(const struct weir_server *server)
{
    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i]->service.proto == WEIR_TCP)
            return server->listeners[i]->service.codec;
    return NULL;
}

/* Lets each worker reach the others. */
static void server__connect_workers(struct weir_server *server, struct worker_thread *threads,
                                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) server->workers[i] = &threads[i].loop.worker;
    server->common.workers = server->workers;
    server->common.broadcast_codec = server__broadcast_codec(server);
    server->common.workers_count = count;
}

/* Initialises all workers before any thread starts. Returns false if memory is exhausted. */
static bool server__make_threads(struct weir_server *server, uint32_t count)
{
    struct worker_thread *threads = memory_alloc_array(count, sizeof *threads);
    size_t extra_bytes = connecting_extra_bytes(server);

    server->workers = memory_alloc_array(count, sizeof *server->workers);
    bool good = threads != NULL && server->workers != NULL;
    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i]->extra_bytes > extra_bytes)
            extra_bytes = server->listeners[i]->extra_bytes;
    for (uint32_t i = 0; threads && i < count; i++) {
        threads[i].server = server;
        good &= loop_init(&threads[i].loop, (uint8_t)i, &server->common, extra_bytes);
    }
    server->extra_bytes = extra_bytes;
    if (!good) { /* calls of other threads, such as a bridge's, must not find half of a worker */
        for (uint32_t i = 0; threads && i < count; i++) worker_thread_free(&threads[i]);
        memory_free(threads);
        return false;
    }
    server__connect_workers(server, threads, count);
    lock_take(server->lock);
    server->threads = threads;
    server->workers_count = count;
    lock_give_back(server->lock);
    connecting_begin(server);
    return true;
}

static enum weir_code server__start_log(struct weir_server *server, struct weir_error *error)
{
    int os_error = 0;

    if (!server->log_queue || log_queue_start(server->log_queue, &os_error)) return WEIR_OK;
    enum weir_code code = os_error ? error_code_of_os(os_error) : WEIR_NO_MEMORY;
    return error_fill(error, code, os_error, "start the log's thread", NULL, NULL,
                      code == WEIR_DENIED ? error_os_hint(os_error)
                                          : "raise the limit on threads (ulimit -u)");
}

static enum weir_code server__start_workers(struct weir_server *server, bool here,
                                            struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    /* Set before the first thread starts, so that only the last worker to end finds 0. */
    atomic_store(&server->running, server->workers_count);
    for (uint32_t i = 0; i < server->workers_count && code == WEIR_OK; i++)
        code = i == 0 && here ? worker_thread_open_here(&server->threads[i], error)
                              : worker_thread_start(server, i, error);
    if (code == WEIR_OK) return WEIR_OK;
    atomic_store(&server->failed, true);
    weir_server_stop(server);
    weir_server_wait(server);
    return code;
}

/* `here`: the first worker runs on the calling thread. */
static enum weir_code server__start(struct weir_server *server, bool here, struct weir_error *error)
{
    live_check(server);
    weir_check_use(!server->started, "weir_server_start is called once");
    if (server->listeners_count == 0 && server->early_count == 0)
        return error_fill(error, WEIR_INVALID, 0, "start a server", NULL, "it listens nowhere",
                          "add a listener with weir_server_listen()");
    server->started = true;
    if (!server__make_threads(server, server->workers_asked))
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a server", NULL, NULL,
                          "lower the number of workers, or sessions_max");
    enum weir_code code = server__start_log(server, error);
    if (code == WEIR_OK) code = bind_wait(server, error);
    if (code == WEIR_OK) code = server__start_workers(server, here, error);
    if (server->log_queue) log_queue_flush(server->log_queue, server->common.config.log_flush_ms);
    return code;
}

enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error)
{
    return server__start(server, false, error);
}

enum weir_code weir_server_start_here(struct weir_server *server, struct weir_error *error)
{
    return server__start(server, true, error);
}

/* ---- information ---- */

void weir_server_stats_sized(const struct weir_server *server, struct weir_stats *stats,
                             size_t size)
{
    struct weir_stats sums = {0};

    server_check_mark(server);
    lock_take(server->lock);
    for (uint32_t i = 0; i < server->workers_count; i++)
        counters_add_to(&server->threads[i].loop.worker.counters, &sums);
    lock_give_back(server->lock);
    sums.connects_refused = connector_table_refused(&server->connectors);
    if (server->log_queue) sums.log_lines_lost = log_queue_lost(server->log_queue);
    memset(stats, 0, size);
    memcpy(stats, &sums, size < sizeof sums ? size : sizeof sums);
}

enum weir_code weir_server_failure(const struct weir_server *server, struct weir_error *error)
{
    server_check_mark(server);
    lock_take(server->lock);
    enum weir_code code = server->failure.code;
    if (error && code != WEIR_OK) *error = server->failure;
    lock_give_back(server->lock);
    return code;
}

void weir_log(struct weir_server *server, enum weir_log_level level, const char *format, ...)
{
    va_list arguments;

    server_check_mark(server);
    weir_check_use(level >= WEIR_LOG_ERROR && level <= WEIR_LOG_DETAIL,
                   "weir_log takes a level from WEIR_LOG_ERROR to WEIR_LOG_DETAIL");
    va_start(arguments, format);
    log_line_list(&server->common.log, (int)level, format, arguments);
    va_end(arguments);
}

/* ---- calls from any thread ---- */

static struct worker *server__worker_of(struct weir_server *server, uint64_t id)
{
    uint8_t index = session_table_worker_of(id);

    server_check_mark(server);
    if (session_table_node_of(id) != server->common.config.node) return NULL;
    return index < server->workers_count ? &server->threads[index].loop.worker : NULL;
}

enum weir_code weir_send(struct weir_server *server, uint64_t id, const void *bytes, size_t length)
{
    weir_check_use(bytes || length == 0, "weir_send: the bytes are null");
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_send(worker, id, bytes, length)
                  : other_nodes_send(&server->common, id, bytes, length);
}

enum weir_code weir_send_name(struct weir_server *server, const char *name, const void *bytes,
                              size_t length)
{
    weir_check_use(name != NULL, "weir_send_name: the name is null");
    server_check_mark(server);
    uint64_t id = names_holder(&server->common, name);
    if (id > 0) return weir_send(server, id, bytes, length);
    if (!group_name_is_good(name)) return WEIR_GONE;
    return other_nodes_send_name(&server->common, name, bytes, length);
}

enum weir_code weir_group_count(struct weir_server *server, const char *group, uint32_t deadline_ms,
                                weir_group_count_fn *on_count, void *argument)
{
    server_check_mark(server);
    return group_count_ask(&server->common, group, deadline_ms, on_count, argument);
}

enum weir_code weir_finish(struct weir_server *server, uint64_t id)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_finish(worker, id) : other_nodes_close(&server->common, id, false);
}

enum weir_code weir_abort(struct weir_server *server, uint64_t id)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_abort(worker, id) : other_nodes_close(&server->common, id, true);
}

enum weir_code weir_release(struct weir_server *server, uint64_t id)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_release(worker, id) : WEIR_GONE;
}

enum weir_code weir_resume(struct weir_server *server, uint64_t id)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_resume(worker, id) : WEIR_GONE;
}

enum weir_code weir_session_watch(struct weir_server *server, uint64_t id, uint32_t duration_ms)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? remote_watch(worker, id, duration_ms) : WEIR_GONE;
}

enum weir_code weir_post(struct weir_server *server, uint32_t worker,
                         void (*call)(struct weir_worker *worker, void *argument), void *argument)
{
    weir_check_use(call != NULL, "weir_post() needs a function to call");
    server_check_mark(server);
    if (server->workers_count == 0) return WEIR_GONE; /* not started */
    weir_check_use(worker < server->workers_count,
                   "the number of a worker is below weir_server_workers_count()");
    return remote_post(&server->threads[worker].loop.worker, call, argument);
}

enum weir_code weir_post_session(struct weir_server *server, uint64_t id,
                                 void (*call)(struct weir_session *session, void *argument),
                                 void *argument)
{
    weir_check_use(call != NULL, "weir_post_session() needs a function to call");
    struct worker *worker = server__worker_of(server, id);
    return worker ? remote_post_session(worker, id, call, argument) : WEIR_GONE;
}

enum weir_code weir_broadcast(struct weir_server *server, const char *group, const void *bytes,
                              size_t length, uint64_t except_id)
{
    weir_check_use(bytes || length == 0, "weir_broadcast: the bytes are null");
    server_check_mark(server);
    return broadcast_send(&server->common, group, bytes, length, except_id);
}

/* ---- shutdown ---- */

static void server__request(struct weir_server *server, enum worker_request request,
                            uint32_t drain_ms)
{
    lock_take(server->lock);
    if (server->request < WORKER_DRAIN || drain_ms < server->drain_ms) server->drain_ms = drain_ms;
    if (server->request < request) server->request = (uint8_t)request;
    for (uint32_t i = 0; i < server->workers_count; i++)
        worker_thread_pass_request(
            server,
            &server->threads[i]); /* a worker that is not alive yet checks the request when it is */
    condition_wake_all(server->requested);
    lock_give_back(server->lock);
}

void weir_server_drain(struct weir_server *server, uint32_t deadline_ms)
{
    live_check(server);
    server__request(server, WORKER_DRAIN, deadline_ms);
}

void weir_server_stop(struct weir_server *server)
{
    live_check(server);
    server__request(server, WORKER_STOP, 0);
}

/* Ends the process if the caller is inside a callback of the server. */
static void server__check_outside(const struct weir_server *server)
{
    for (uint32_t i = 0; i < server->workers_count; i++)
        weir_check_use(!worker_thread_is_own(&server->threads[i]),
                       "weir_server_wait() and weir_server_free() are not called inside a callback "
                       "of the server: call weir_server_stop() there");
    weir_check_use(!server->log_queue || !log_queue_is_own(server->log_queue),
                   "weir_server_wait() and weir_server_free() are not called inside `log`");
}

void weir_server_wait(struct weir_server *server)
{
    live_check(server);
    server__check_outside(server);
    weir_check_use(!atomic_exchange(&server->is_waited_for, true),
                   "weir_server_wait() and weir_server_free() are called by one thread at a time");
    for (uint32_t i = 0; i < server->workers_count; i++) {
        weir_check_use(!server->threads[i].here || server->threads[i].here == thread_self(),
                       "weir_server_wait() and weir_server_free() are called on the thread of "
                       "weir_server_start_here()");
        worker_thread_join(&server->threads[i]);
    }
    atomic_store(&server->is_waited_for, false);
}

void weir_server_free(struct weir_server *server)
{
    if (!server) return;
    weir_server_stop(server);
    weir_server_wait(server);
    live_remove(server);
    server__destroy(server);
}
