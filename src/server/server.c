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
#include "mail.h"
#include "memory.h"
#include "random.h"
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
    struct net_listen_options where; /* its port is known once the first worker listens */
    const struct weir_codec *codec;
    struct weir_frame *frame; /* that the codec is of; null: it is built in, or the user's own */
    const struct weir_handler *handler;
    size_t extra_bytes; /* what a session of it keeps in the table */
};

#define SERVER__EXTRA_BYTES_MAX (64u * 1024)

struct weir_server {
    struct worker_common common; /* with the configuration, whose strings are ours */
    char *transport_asked, *reject_message;
    uint32_t workers_count; /* known from weir_server_start on */
    struct listener listeners[WEIR_LISTENERS_MAX];
    uint32_t listeners_count;
    /* Over the next three, workers_count and every crew's `alive`: nobody wakes a net that is gone,
     * and no order is lost on its way to a worker that just starts. */
    struct lock *lock;
    uint8_t order;         /* enum worker_order: the furthest that was given */
    uint32_t drain_ms;     /* the shortest that was given */
    struct crew *crews;    /* workers_count of them, from weir_server_start on */
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
    const struct weir_config *config = &((struct weir_server *)user)->common.config;

    config->log(config->user, (enum weir_log_level)level, line);
}

/* What the workers share, but for the lists of addresses. False: no memory. */
static bool server__set_common(struct weir_server *server, const struct weir_config *settings)
{
    struct worker_common *common = &server->common;

    common->config = *settings;
    common->config.allow = common->config.deny = NULL; /* read already, and the caller's */
    common->server = server;
    common->log.lock = lock_open();
    common->log.write = settings->log ? server__log : NULL;
    common->log.user = server;
    server->lock = lock_open();
    server->transport_asked = memory_copy_text(settings->transport);
    common->config.transport = server->transport_asked;
    if (settings->reject_message)
        server->reject_message = memory_copy_text(settings->reject_message);
    common->config.reject_message = server->reject_message;
    if (settings->sessions_per_address_max > 0 &&
        !address_counts_init(&common->address_counts, settings->sessions_max, &common->key))
        return false;
    return common->log.lock && server->lock && server->transport_asked &&
           (server->reject_message || !settings->reject_message);
}

static enum weir_code server__read_lists(struct weir_server *server,
                                         const struct weir_config *config, struct weir_error *error)
{
    enum weir_code code = address_list_parse(&server->common.allow, config->allow, "allow", error);

    return code != WEIR_OK ? code
                           : address_list_parse(&server->common.deny, config->deny, "deny", error);
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
        weir_server_free(server);
        return code;
    }
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

static enum weir_code server__choose_codec(struct listener *listener,
                                           const struct weir_listen *listen,
                                           struct weir_error *error)
{
    const char *spec = listen->codec;
    enum weir_code code = WEIR_OK;

    if (!spec) spec = listener->proto == WEIR_TCP ? codec_raw.name : codec_datagram.name;
    listener->codec = listen->custom_codec ? listen->custom_codec : builtin_codec(spec);
    if (listen->custom_probe)
        code = weir_frame_open_probe(listen->custom_probe, &listener->frame, error);
    else if (!listener->codec)
        code = weir_frame_open(spec, &listener->frame, error);
    if (code != WEIR_OK) return code;
    if (listener->frame) listener->codec = weir_frame_codec(listener->frame);
    if (listener->codec->size != sizeof(struct weir_codec))
        return error_fill(error, WEIR_INVALID, 0, "use codec", listener->codec->name,
                          "it was made for another version of weir", "build it anew");
    if (listener->proto == WEIR_TCP ? listener->codec->streams : listener->codec->datagrams)
        return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use codec", listener->codec->name,
                      listener->proto == WEIR_TCP ? "it is not for streams (TCP)"
                                                  : "it is not for datagrams (UDP)",
                      "leave it out where a datagram is a message as it is");
}

static enum weir_code server__choose_handler(struct listener *listener,
                                             const struct weir_listen *listen,
                                             struct weir_error *error)
{
    char known[96];
    const char *name = listen->handler ? listen->handler : handler_echo.name;

    listener->handler = listen->custom_handler ? listen->custom_handler : builtin_handler(name);
    if (!listener->handler)
        return server__unknown("handler", name, builtin_handler_names(known, sizeof known), error);
    if (listener->handler->size == sizeof(struct weir_handler)) return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use handler", listener->handler->name,
                      "it was made for another version of weir", "build it anew");
}

/* What a listener was given, of what it is to have. */
static enum weir_code server__read_listen(struct weir_server *server,
                                          const struct weir_listen *listen,
                                          struct listener *listener, struct weir_error *error)
{
    *listener = (struct listener){.proto = listen->proto,
                                  .where.backlog = server->common.config.listen_backlog};
    if (!listen->address)
        return error_fill(error, WEIR_INVALID, 0, "listen", NULL, "no address is given",
                          "set weir_listen.address, to \"0\" for a free port");
    if (!weir_address_parse(listen->address, &listener->where.address))
        return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, "not an address",
                          "write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers");
    enum weir_code code = server__choose_handler(listener, listen, error);
    if (code == WEIR_OK) code = server__choose_codec(listener, listen, error);
    if (code != WEIR_OK) return code;
    listener->extra_bytes = place_extra_bytes(listener->codec, listener->handler);
    if (listener->extra_bytes <= SERVER__EXTRA_BYTES_MAX) return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use handler", listener->handler->name,
                      "a session's memory is 64 KiB at most",
                      "keep a pointer to what is larger, and free it in on_close");
}

enum weir_code weir_server_listen(struct weir_server *server, const struct weir_listen *listen,
                                  struct weir_error *error)
{
    struct listener *listener = &server->listeners[server->listeners_count];

    weir_check_use(!server->started, "weir_server_listen comes before weir_server_start");
    if (server->listeners_count == WEIR_LISTENERS_MAX)
        return error_fill(error, WEIR_NO_ROOM, 0, "listen on", listen->address,
                          "a server has at most 64 listeners", "start a second server");
    enum weir_code code = server__read_listen(server, listen, listener, error);
    if (code == WEIR_OK)
        server->listeners_count++;
    else
        weir_frame_free(listener->frame);
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
        struct net_listen_options where = listener->where;

        place_init(place, listener->proto, listener->codec, listener->handler);
        if (server->workers_count > 1 && info.listeners_share)
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
    uint32_t count = server->workers_count;

    server->team = memory_alloc_array(count, sizeof *server->team);
    if (!server->team)
        return error_fill(error, WEIR_NO_MEMORY, 0, "start workers", NULL, NULL,
                          "lower the number of workers");
    for (uint32_t i = 0; i < count; i++) server->team[i] = &server->crews[i].worker;
    server->common.team = server->team;
    server->common.team_count = count;
    return WEIR_OK;
}

static enum weir_code server__open_worker(struct crew *crew)
{
    struct weir_server *server = crew->server;
    struct net_options options = config_net_options(&server->common.config);
    uint8_t index = crew->worker.index;

    if (index > 0) options.transport = server->transport; /* a socket may change hands only so */
    enum weir_code code = worker_open(&crew->worker, &options, &crew->error);

    if (code != WEIR_OK) return code;
    if (index == 0) {
        struct net_info info = net_info(crew->worker.net);
        server->transport = info.transport;
        server__log_choice(server, &info);
        if (!info.listeners_share && server->workers_count > 1)
            code = server__make_team(server, &crew->error);
        if (code != WEIR_OK) return code;
    }
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
    const struct weir_config *config = &server->common.config;

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
        worker_close(&crew->worker);
    }
    if (atomic_fetch_sub(&server->running, 1) == 1 && !atomic_load(&server->failed) &&
        config->on_stopped)
        config->on_stopped(config->user);
}

/* ---- start ---- */

static enum weir_code server__start_crew(struct weir_server *server, uint32_t index,
                                         struct weir_error *error)
{
    struct crew *crew = &server->crews[index];
    char name[16];
    int os_error = 0;

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

/* Makes the workers, before any thread can look at one. False: no memory. */
static bool server__make_crews(struct weir_server *server, uint32_t count)
{
    struct crew *crews = memory_alloc_array(count, sizeof *crews);
    size_t extra_bytes = 0;
    bool good = crews != NULL;

    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i].extra_bytes > extra_bytes)
            extra_bytes = server->listeners[i].extra_bytes;
    for (uint32_t i = 0; crews && i < count; i++) {
        crews[i].server = server;
        good &= worker_init(&crews[i].worker, (uint8_t)i, &server->common, extra_bytes);
    }
    lock_take(server->lock);
    server->crews = crews;
    server->workers_count = crews ? count : 0;
    lock_give_back(server->lock);
    return good;
}

enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    weir_check_use(!server->started, "weir_server_start is called once");
    if (server->listeners_count == 0)
        return error_fill(error, WEIR_INVALID, 0, "start a server", NULL, "it listens nowhere",
                          "add a listener with weir_server_listen()");
    server->started = true;
    if (!server__make_crews(server, config_workers(&server->common.config)))
        return error_fill(error, WEIR_NO_MEMORY, 0, "start a server", NULL, NULL,
                          "lower the number of workers, or sessions_max");
    /* The first to end must not think itself the last. */
    atomic_store(&server->running, server->workers_count);
    for (uint32_t i = 0; i < server->workers_count && code == WEIR_OK; i++)
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
        .workers = server->common.team && listener->proto == WEIR_UDP ? 1 : server->workers_count,
    };
}

void weir_server_stats_sized(const struct weir_server *server, struct weir_stats *stats,
                             size_t size)
{
    struct weir_stats sums = {0};

    lock_take(server->lock);
    for (uint32_t i = 0; i < server->workers_count; i++)
        counters_add_to(&server->crews[i].worker.counters, &sums);
    lock_give_back(server->lock);
    memset(stats, 0, size);
    memcpy(stats, &sums, size < sizeof sums ? size : sizeof sums);
}

/* ---- from any thread, to anyone ---- */

static struct worker *server__worker_of(struct weir_server *server, uint64_t id)
{
    uint8_t index = session_table_worker_of(id);

    if (session_table_node_of(id) != server->common.config.node) return NULL;
    return index < server->workers_count ? &server->crews[index].worker : NULL;
}

enum weir_code weir_send(struct weir_server *server, uint64_t id, const void *bytes, size_t length)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? mail_send(worker, id, bytes, length) : WEIR_GONE;
}

enum weir_code weir_finish(struct weir_server *server, uint64_t id)
{
    struct worker *worker = server__worker_of(server, id);

    return worker ? mail_close(worker, id) : WEIR_GONE;
}

/* The codec that most of a server's sessions have: a broadcast is framed for it, once. */
static const struct weir_codec *server__main_codec(const struct weir_server *server)
{
    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i].proto == WEIR_TCP) return server->listeners[i].codec;
    return NULL;
}

enum weir_code weir_broadcast(struct weir_server *server, const char *group, const void *bytes,
                              size_t length, uint64_t except_id)
{
    enum weir_code code;

    if (!group_name_is_good(group)) return WEIR_INVALID;
    if (length > server->common.config.send_queue_high_bytes) return WEIR_TOO_LARGE;
    struct payload *payload = payload_open(server__main_codec(server), bytes, length, &code);
    /* What the main codec cannot carry, others may: each listener's frames it, or counts it. */
    if (!payload && (code == WEIR_INVALID || code == WEIR_TOO_LARGE))
        payload = payload_open(NULL, bytes, length, &code);
    if (!payload) return code;
    memcpy(payload->group, group, strlen(group) + 1);
    payload->except_id = except_id;
    for (uint32_t i = 0; i < server->workers_count; i++) {
        enum weir_code posted = mail_broadcast(&server->crews[i].worker, payload);
        if (posted != WEIR_OK) code = posted;
    }
    payload_unref(payload);
    return code;
}

/* ---- the end ---- */

static void server__give_order(struct weir_server *server, enum worker_order order,
                               uint32_t drain_ms)
{
    lock_take(server->lock);
    if (server->order < WORKER_DRAIN || drain_ms < server->drain_ms) server->drain_ms = drain_ms;
    if (server->order < order) server->order = (uint8_t)order;
    for (uint32_t i = 0; i < server->workers_count; i++)
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
    for (uint32_t i = 0; i < server->workers_count; i++) {
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
    for (uint32_t i = 0; i < server->workers_count; i++) {
        gate_free(server->crews[i].opened);
        worker_free(&server->crews[i].worker);
        memory_free(server->crews[i].places);
    }
    for (uint32_t i = 0; i < server->listeners_count; i++)
        weir_frame_free(server->listeners[i].frame);
    memory_free(server->team);
    memory_free(server->crews);
    address_list_free(&server->common.allow);
    address_list_free(&server->common.deny);
    address_counts_free(&server->common.address_counts);
    lock_free(server->common.log.lock);
    lock_free(server->lock);
    memory_free(server->transport_asked);
    memory_free(server->reject_message);
    memory_free(server);
}
