/* SPDX-License-Identifier: MIT */
/* server.c - the composition: workers on their threads, the places they listen on, and their common
 * end.
 *
 *   weir_server_open -> listen, listen, ... -> start -> [ workers run ] -> drain or stop -> wait ->
 *   free
 *
 * Start is one worker after the other: the first binds every address (and finds out which port "0"
 * became), the next ones share it. A worker's net may only be touched by its own thread, so each
 * opens, runs and frees its own, and says through a gate how the opening went.
 */
#include <weir/weir.h>

#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "check.h"
#include "config.h"
#include "error_fill.h"
#include "memory.h"
#include "thread.h"
#include "worker.h"

#define SERVER__LISTENERS_MAX 128u

/* One thread and its worker. */
struct crew {
    struct weir_server *server;
    struct worker worker;
    struct place *places; /* one per listener of the server, in their order */
    struct thread *thread;
    struct gate *opened; /* unlocked when `code` is known */
    struct lock *lock;   /* over `alive`, so that nobody wakes a net that is gone */
    bool alive;          /* true exactly while orders may be given to the worker */
    enum weir_code code;
    struct weir_error error;
};

struct listener {
    enum weir_proto proto;
    struct net_place where; /* its port is known once the first worker listens */
    const struct weir_codec *codec;
    const struct weir_handler *handler;
};

struct weir_server {
    struct weir_config config;
    char *transport_asked;
    struct worker_common common;
    struct listener listeners[SERVER__LISTENERS_MAX];
    uint32_t listeners_count;
    struct crew *crews;
    uint32_t crews_count;  /* whose threads run */
    const char *transport; /* what runs, from the first worker */
    bool started;
    _Atomic uint32_t running; /* workers that have not ended */
    _Atomic bool failed;      /* it did not start: its end is not announced */
};

const char *weir_version(void)
{
    return WEIR_VERSION;
}

/* ---- open, listen ---- */

static void server__log(void *user, int level, const char *line)
{
    struct weir_server *server = user;

    server->config.log(server->config.user, (enum weir_log_level)level, line);
}

enum weir_code weir_server_open(const struct weir_config *config, struct weir_server **out,
                                struct weir_error *error)
{
    enum weir_code code = config_check(config, error);

    *out = NULL;
    if (code != WEIR_OK) return code;
    struct weir_server *server = memory_alloc(sizeof *server);
    if (server) {
        server->config = *config;
        server->transport_asked = memory_copy_text(config->transport);
        server->common.log.lock = lock_open();
    }
    if (!server || !server->transport_asked || !server->common.log.lock) {
        weir_server_free(server);
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a server", NULL, NULL,
                          "free some memory");
    }
    server->config.transport = server->transport_asked;
    server->common.sessions_max = config->sessions_max;
    server->common.send_queue_high_bytes = config->send_queue_high_bytes;
    server->common.send_queue_low_bytes = config->send_queue_low_bytes;
    server->common.log.write = config->log ? server__log : NULL;
    server->common.log.user = server;
    *out = server;
    return WEIR_OK;
}

static enum weir_code server__choose_codec(struct listener *listener, const char *name,
                                           struct weir_error *error)
{
    if (!name) name = listener->proto == WEIR_TCP ? codec_raw.name : codec_datagram.name;
    listener->codec = builtin_codec(name);
    if (!listener->codec)
        return error_fill(error, WEIR_INVALID, 0, "use codec", name, "no such codec",
                          "there are: raw, datagram");
    if (listener->codec->proto != listener->proto)
        return error_fill(error, WEIR_INVALID, 0, "use codec", name, "it is for the other protocol",
                          "raw goes with TCP, datagram with UDP");
    return WEIR_OK;
}

enum weir_code weir_server_listen(struct weir_server *server, const struct weir_listen *listen,
                                  struct weir_error *error)
{
    struct listener *listener = &server->listeners[server->listeners_count];
    const char *handler = listen->handler ? listen->handler : handler_echo.name;

    weir_check_rule(!server->started, "listeners are added before weir_server_start");
    if (server->listeners_count == SERVER__LISTENERS_MAX)
        return error_fill(error, WEIR_NO_ROOM, 0, "listen on", listen->address,
                          "a server has at most 128 listeners", "start a second server");
    *listener =
        (struct listener){.proto = listen->proto, .where.backlog = server->config.listen_backlog};
    if (!weir_address_parse(listen->address, &listener->where.address))
        return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, "not an address",
                          "write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers");
    enum weir_code code = server__choose_codec(listener, listen->codec, error);
    if (code != WEIR_OK) return code;
    listener->handler = builtin_handler(handler);
    if (!listener->handler)
        return error_fill(error, WEIR_INVALID, 0, "use handler", handler, "no such handler",
                          "there is: echo");
    server->listeners_count++;
    return WEIR_OK;
}

/* ---- a worker's life, on its own thread ---- */

static void server__log_choice(struct weir_server *server, const struct net_info *info)
{
    char text[512];

    for (uint32_t i = 0; i < info->refused_count; i++)
        log_line(&server->common.log, WEIR_LOG_WARNING, "transport=%s: %s", info->transport,
                 weir_error_text(&info->refused[i].why, text, sizeof text));
}

/* Whether this worker is the one that listens, or one of those that do. */
static bool server__listens(const struct crew *crew, const struct net_info *info)
{
    return crew->worker.index == 0 || info->listeners_share;
}

static enum weir_code server__listen_all(struct crew *crew)
{
    struct weir_server *server = crew->server;
    struct net_info info = net_info(crew->worker.net);
    bool first = crew->worker.index == 0;

    if (!server__listens(crew, &info)) return WEIR_OK;
    for (uint32_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        struct place *place = &crew->places[i];
        struct net_place where = listener->where;

        *place = (struct place){
            .proto = listener->proto, .handler = listener->handler, .codec = listener->codec};
        if (server->config.workers > 1 && info.listeners_share)
            where.share = first ? NET_SHARE_FIRST : NET_SHARE_NEXT;
        enum weir_code code = place_open(place, &crew->worker, &where, &crew->error);
        if (code != WEIR_OK) return code;
        if (first) listener->where.address = net_local_address(crew->worker.net, place->handle);
    }
    return WEIR_OK;
}

static enum weir_code server__open_worker(struct crew *crew)
{
    struct weir_server *server = crew->server;
    struct net_options options = config_net_options(&server->config);
    uint8_t index = (uint8_t)(crew - server->crews);
    enum weir_code code =
        worker_open(&crew->worker, index, &server->common, &options, &crew->error);

    if (code != WEIR_OK) return code;
    if (index == 0) {
        struct net_info info = net_info(crew->worker.net);
        server->transport = info.transport;
        server__log_choice(server, &info);
    }
    return server__listen_all(crew);
}

static void server__set_alive(struct crew *crew, bool alive)
{
    lock_take(crew->lock);
    crew->alive = alive;
    lock_give_back(crew->lock);
}

static void server__run_worker(void *argument)
{
    struct crew *crew = argument;
    struct weir_server *server = crew->server;

    crew->code = server__open_worker(crew);
    if (crew->worker.net) {
        server__set_alive(crew, true);
        if (crew->code != WEIR_OK) worker_stop(&crew->worker);
    }
    gate_unlock(crew->opened);
    if (crew->worker.net) {
        worker_run(&crew->worker);
        server__set_alive(crew, false);
        worker_free(&crew->worker);
    }
    if (atomic_fetch_sub(&server->running, 1) == 1 && !atomic_load(&server->failed) &&
        server->config.on_stopped)
        server->config.on_stopped(server->config.user);
}

/* ---- start ---- */

static enum weir_code server__start_crew(struct weir_server *server, uint32_t index,
                                         struct weir_error *error)
{
    struct crew *crew = &server->crews[index];
    char name[16];
    int os_error = 0;

    crew->server = server;
    crew->opened = gate_open();
    crew->lock = lock_open();
    crew->places = memory_alloc_array(server->listeners_count, sizeof *crew->places);
    if (!crew->opened || !crew->lock || !crew->places)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a worker", NULL, NULL,
                          "lower the number of workers");
    snprintf(name, sizeof name, "weir-%u", index);
    crew->thread = thread_start(name, server__run_worker, crew, &os_error);
    if (!crew->thread)
        return error_fill(error, os_error ? error_code_of_os(os_error) : WEIR_NO_MEMORY, os_error,
                          "start a worker", NULL, NULL,
                          "lower the number of workers, or raise the limit on threads (ulimit -u)");
    server->crews_count++;
    gate_pass(crew->opened);
    if (crew->code != WEIR_OK && error) *error = crew->error;
    return crew->code;
}

enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    weir_check_rule(!server->started, "weir_server_start is called once");
    if (server->listeners_count == 0)
        return error_fill(error, WEIR_INVALID, 0, "start a server", NULL, "it listens nowhere",
                          "add a listener with weir_server_listen()");
    server->started = true;
    server->config.workers = config_workers(&server->config);
    server->crews = memory_alloc_array(server->config.workers, sizeof *server->crews);
    if (!server->crews)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a server", NULL, NULL,
                          "lower the number of workers");
    atomic_store(&server->running,
                 server->config.workers); /* the first to end must not think itself the last */
    for (uint32_t i = 0; i < server->config.workers && code == WEIR_OK; i++)
        code = server__start_crew(server, i, error);
    if (code == WEIR_OK) return WEIR_OK;
    atomic_store(&server->failed, true);
    weir_server_stop(server);
    weir_server_wait(server);
    return code;
}

/* ---- questions ---- */

size_t weir_server_listeners_count(const struct weir_server *server)
{
    return server->listeners_count;
}

struct weir_listener_info weir_server_listener(const struct weir_server *server, size_t index)
{
    weir_check(index < server->listeners_count);
    const struct listener *listener = &server->listeners[index];
    return (struct weir_listener_info){
        .proto = listener->proto,
        .address = listener->where.address,
        .transport = server->transport ? server->transport : "none",
        .codec = listener->codec->name,
        .handler = listener->handler->name,
        .workers = server->config.workers,
    };
}

void weir_server_stats(const struct weir_server *server, struct weir_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    for (uint32_t i = 0; i < server->crews_count; i++)
        counters_add_to(&server->crews[i].worker.counters, stats);
}

/* ---- the end ---- */

void weir_server_drain(struct weir_server *server, uint32_t deadline_ms)
{
    for (uint32_t i = 0; i < server->crews_count; i++) {
        struct crew *crew = &server->crews[i];
        lock_take(crew->lock);
        if (crew->alive) worker_drain(&crew->worker, deadline_ms);
        lock_give_back(crew->lock);
    }
}

void weir_server_stop(struct weir_server *server)
{
    for (uint32_t i = 0; i < server->crews_count; i++) {
        struct crew *crew = &server->crews[i];
        lock_take(crew->lock);
        if (crew->alive) worker_stop(&crew->worker);
        lock_give_back(crew->lock);
    }
}

void weir_server_wait(struct weir_server *server)
{
    for (uint32_t i = 0; i < server->crews_count; i++) {
        struct crew *crew = &server->crews[i];
        if (crew->thread) thread_join(crew->thread);
        crew->thread = NULL;
    }
}

void weir_server_free(struct weir_server *server)
{
    if (!server) return;
    weir_server_stop(server);
    weir_server_wait(server);
    for (uint32_t i = 0; server->crews && i < server->config.workers; i++) {
        gate_free(server->crews[i].opened);
        lock_free(server->crews[i].lock);
        memory_free(server->crews[i].places);
    }
    memory_free(server->crews);
    lock_free(server->common.log.lock);
    memory_free(server->transport_asked);
    memory_free(server);
}
