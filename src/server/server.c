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

/* One thread and its worker. */
struct crew {
    struct weir_server *server;
    struct worker worker;
    struct place *places; /* one per listener of the server, in their order */
    struct thread *thread;
    struct gate *opened; /* unlocked when `code` is known */
    bool alive;          /* true exactly while orders may be given; under the server's lock */
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
    struct listener listeners[WEIR_LISTENERS_MAX];
    uint32_t listeners_count;
    /* Over the next three, config.workers and every crew's `alive`: nobody wakes a net that is
     * gone, and no order is lost on its way to a worker that just starts. */
    struct lock *lock;
    uint8_t order;         /* enum worker_order: the furthest that was given */
    uint32_t drain_ms;     /* the shortest that was given */
    struct crew *crews;    /* config.workers of them, from weir_server_start on */
    struct worker **team;  /* theirs, where one listens for all */
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
    struct weir_config settings;
    enum weir_code code = config_read(config, &settings, error);

    *out = NULL;
    if (code != WEIR_OK) return code;
    struct weir_server *server = memory_alloc(sizeof *server);
    if (server) {
        server->config = settings;
        server->transport_asked = memory_copy_text(settings.transport);
        server->common.log.lock = lock_open();
        server->lock = lock_open();
    }
    if (!server || !server->transport_asked || !server->common.log.lock || !server->lock) {
        weir_server_free(server);
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a server", NULL, NULL,
                          "free some memory");
    }
    server->config.transport = server->transport_asked;
    server->common.sessions_max = settings.sessions_max;
    server->common.send_queue_high_bytes = settings.send_queue_high_bytes;
    server->common.send_queue_low_bytes = settings.send_queue_low_bytes;
    server->common.log.write = settings.log ? server__log : NULL;
    server->common.log.user = server;
    *out = server;
    return WEIR_OK;
}

/* A failure that lists what there is. */
static enum weir_code server__unknown(const char *what, const char *name, const char *known,
                                      struct weir_error *error)
{
    char operation[32], reason[48], hint[128];

    snprintf(operation, sizeof operation, "use %s", what);
    snprintf(reason, sizeof reason, "no such %s", what);
    snprintf(hint, sizeof hint, "there is: %s", known);
    return error_fill(error, WEIR_INVALID, 0, operation, name, reason, hint);
}

static enum weir_code server__choose_codec(struct listener *listener, const char *name,
                                           struct weir_error *error)
{
    char known[96];

    if (!name) name = listener->proto == WEIR_TCP ? codec_raw.name : codec_datagram.name;
    listener->codec = builtin_codec(name);
    if (!listener->codec)
        return server__unknown("codec", name, builtin_codec_names(known, sizeof known), error);
    if (listener->proto == WEIR_TCP ? listener->codec->streams : listener->codec->datagrams)
        return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use codec", name, "it is for the other protocol",
                      "raw goes with TCP, datagram with UDP");
}

static enum weir_code server__choose_handler(struct listener *listener, const char *name,
                                             struct weir_error *error)
{
    char known[96];

    listener->handler = builtin_handler(name ? name : handler_echo.name);
    if (listener->handler) return WEIR_OK;
    return server__unknown("handler", name, builtin_handler_names(known, sizeof known), error);
}

enum weir_code weir_server_listen(struct weir_server *server, const struct weir_listen *listen,
                                  struct weir_error *error)
{
    struct listener *listener = &server->listeners[server->listeners_count];

    weir_check_use(!server->started, "weir_server_listen comes before weir_server_start");
    if (server->listeners_count == WEIR_LISTENERS_MAX)
        return error_fill(error, WEIR_NO_ROOM, 0, "listen on", listen->address,
                          "a server has at most 64 listeners", "start a second server");
    *listener =
        (struct listener){.proto = listen->proto, .where.backlog = server->config.listen_backlog};
    if (!listen->address)
        return error_fill(error, WEIR_INVALID, 0, "listen", NULL, "no address is given",
                          "set weir_listen.address, to \"0\" for a free port");
    if (!weir_address_parse(listen->address, &listener->where.address))
        return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, "not an address",
                          "write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers");
    enum weir_code code = server__choose_codec(listener, listen->codec, error);
    if (code == WEIR_OK) code = server__choose_handler(listener, listen->handler, error);
    if (listen->own_handler) listener->handler = listen->own_handler;
    if (code == WEIR_OK) server->listeners_count++;
    return code;
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

        *place = (struct place){.proto = listener->proto, .handler = listener->handler};
        if (server->config.workers > 1 && info.listeners_share)
            where.share = first ? NET_SHARE_FIRST : NET_SHARE_NEXT;
        enum weir_code code = place_open(place, &crew->worker, &where, &crew->error);
        if (code != WEIR_OK) return code;
        if (first) listener->where.address = net_local_address(crew->worker.net, place->handle);
    }
    return WEIR_OK;
}

/* The workers become a team, in which one listens for all; before the second one starts. */
static enum weir_code server__make_team(struct weir_server *server, struct weir_error *error)
{
    uint32_t count = server->config.workers;
    bool good = true;

    server->team = memory_alloc_array(count, sizeof *server->team);
    for (uint32_t i = 0; server->team && i < count; i++) {
        server->team[i] = &server->crews[i].worker;
        good &= mailbox_init(&server->crews[i].worker.mailbox);
    }
    if (!server->team || !good)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start workers", NULL, NULL,
                          "lower the number of workers");
    server->common.team = server->team;
    server->common.team_count = count;
    return WEIR_OK;
}

static enum weir_code server__open_worker(struct crew *crew)
{
    struct weir_server *server = crew->server;
    struct net_options options = config_net_options(&server->config);
    uint8_t index = (uint8_t)(crew - server->crews);

    if (index > 0) options.transport = server->transport; /* a socket may change hands only so */
    enum weir_code code =
        worker_open(&crew->worker, index, &server->common, &options, &crew->error);

    if (code != WEIR_OK) return code;
    if (index == 0) {
        struct net_info info = net_info(crew->worker.net);
        server->transport = info.transport;
        server__log_choice(server, &info);
        if (!info.listeners_share && server->config.workers > 1)
            code = server__make_team(server, &crew->error);
        if (code != WEIR_OK) return code;
    }
    if (server->common.team) mailbox_open(&crew->worker.mailbox, crew->worker.net);
    return server__listen_all(crew);
}

/* Passes the furthest order on to a worker that can take it. Under the lock. */
static void server__pass_order(const struct weir_server *server, struct crew *crew)
{
    if (!crew->alive) return;
    if (server->order >= WORKER_DRAIN) worker_drain(&crew->worker, server->drain_ms);
    if (server->order == WORKER_STOP) worker_stop(&crew->worker);
}

static void server__set_alive(struct crew *crew, bool alive)
{
    struct weir_server *server = crew->server;

    lock_take(server->lock);
    crew->alive = alive;
    server__pass_order(server, crew);
    lock_give_back(server->lock);
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
    if (crew->code != WEIR_OK) atomic_store(&server->failed, true); /* before anybody counts ends */
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
    crew->places = memory_alloc_array(server->listeners_count, sizeof *crew->places);
    if (!crew->opened || !crew->places)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a worker", NULL, NULL,
                          "lower the number of workers");
    snprintf(name, sizeof name, "weir-%u", index);
    crew->thread = thread_start(name, server__run_worker, crew, &os_error);
    if (!crew->thread)
        return error_fill(error, os_error ? error_code_of_os(os_error) : WEIR_NO_MEMORY, os_error,
                          "start a worker", NULL, NULL,
                          "lower the number of workers, or raise the limit on threads (ulimit -u)");
    gate_pass(crew->opened);
    if (crew->code != WEIR_OK && error) *error = crew->error;
    return crew->code;
}

enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    weir_check_use(!server->started, "weir_server_start is called once");
    if (server->listeners_count == 0)
        return error_fill(error, WEIR_INVALID, 0, "start a server", NULL, "it listens nowhere",
                          "add a listener with weir_server_listen()");
    server->started = true;
    uint32_t workers = config_workers(&server->config);
    lock_take(server->lock);
    server->config.workers = workers;
    server->crews = memory_alloc_array(workers, sizeof *server->crews);
    lock_give_back(server->lock);
    if (!server->crews)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a server", NULL, NULL,
                          "lower the number of workers");
    atomic_store(&server->running, workers); /* the first to end must not think itself the last */
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
    weir_check_use(index < server->listeners_count,
                   "the index is below weir_server_listeners_count");
    const struct listener *listener = &server->listeners[index];
    return (struct weir_listener_info){
        .proto = listener->proto,
        .address = listener->where.address,
        .transport = server->transport ? server->transport : "none",
        .codec = listener->codec->name,
        .handler = listener->handler->name,
        /* One listener's connections go to all workers of a team; its datagrams do not. */
        .workers = server->common.team && listener->proto == WEIR_UDP ? 1 : server->config.workers,
    };
}

void weir_server_stats_sized(const struct weir_server *server, struct weir_stats *stats,
                             size_t size)
{
    struct weir_stats sums = {0};

    lock_take(server->lock);
    for (uint32_t i = 0; server->crews && i < server->config.workers; i++)
        counters_add_to(&server->crews[i].worker.counters, &sums);
    lock_give_back(server->lock);
    memset(stats, 0, size);
    memcpy(stats, &sums, size < sizeof sums ? size : sizeof sums);
}

/* ---- the end ---- */

static void server__give_order(struct weir_server *server, enum worker_order order,
                               uint32_t drain_ms)
{
    lock_take(server->lock);
    if (server->order < WORKER_DRAIN || drain_ms < server->drain_ms) server->drain_ms = drain_ms;
    if (server->order < order) server->order = (uint8_t)order;
    for (uint32_t i = 0; server->crews && i < server->config.workers; i++)
        server__pass_order(server,
                           &server->crews[i]); /* one that is not alive yet looks when it is */
    lock_give_back(server->lock);
}

void weir_server_drain(struct weir_server *server, uint32_t deadline_ms)
{
    server__give_order(server, WORKER_DRAIN, deadline_ms);
}

void weir_server_stop(struct weir_server *server)
{
    server__give_order(server, WORKER_STOP, 0);
}

void weir_server_wait(struct weir_server *server)
{
    for (uint32_t i = 0; server->crews && i < server->config.workers; i++) {
        struct crew *crew = &server->crews[i];
        if (crew->thread) thread_join(crew->thread);
        crew->thread = NULL;
    }
}

void weir_server_free(struct weir_server *server)
{
    if (!server) return;
    if (server->lock) weir_server_stop(server);
    weir_server_wait(server);
    for (uint32_t i = 0; server->crews && i < server->config.workers; i++) {
        gate_free(server->crews[i].opened);
        if (server->team) mailbox_free(&server->crews[i].worker.mailbox);
        memory_free(server->crews[i].places);
    }
    memory_free(server->team);
    memory_free(server->crews);
    lock_free(server->common.log.lock);
    lock_free(server->lock);
    memory_free(server->transport_asked);
    memory_free(server);
}
