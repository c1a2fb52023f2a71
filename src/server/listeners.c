/* SPDX-License-Identifier: MIT */
/* listeners.c - adds, removes and describes the listeners of a server.
 *
 *      weir_server_listen -> spec -> [ listeners ] -> weir_server_unlisten -> [ removed ] -> free
 *                                    bound at the start, or by                 sessions may
 *                                    listen_order.c while it runs              continue
 */
#include "listeners.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "handler_opening.h"
#include "listen_order.h"
#include "live.h"
#include "memory.h"
#include "proxy_filter.h"
#include "server_tls.h"
#include "settings.h"
#include "thread.h"
#include "tls_filter.h"
#include "websocket.h"

/* A listener, and what its spec refers to. */
struct listeners__one {
    struct listen_spec spec;
    struct histogram handler_times;
};

static void listeners__free_spec(struct listen_spec *spec)
{
    listen_spec_free(spec);
    memory_free(weir_container_of(spec, struct listeners__one, spec));
}

/* A worker that waited for another one, or for itself, would block both. */
static void listeners__check_thread(const struct weir_server *server)
{
    live_check(server);
    weir_check_use(!server->threads || server->threads[0].here != thread_self(),
                   "weir_server_listen() and weir_server_unlisten() of a server that runs here are "
                   "called on another thread");
    for (uint32_t i = 0; i < server->workers_count; i++)
        weir_check_use(!worker_is_own(server->workers[i]),
                       "weir_server_listen() and weir_server_unlisten() are not called inside a "
                       "callback of a running server: call them on another thread");
}

/* Returns a slot that no listener uses. */
static uint32_t listeners__free_slot(const struct weir_server *server)
{
    uint64_t used = 0;
    uint32_t slot = 0;

    _Static_assert(WEIR_LISTENERS_MAX == 64, "one bit per slot");
    weir_check(server->listeners_count < WEIR_LISTENERS_MAX);
    for (uint32_t i = 0; i < server->listeners_count; i++)
        used |= UINT64_C(1) << server->listeners[i]->slot;
    while (used >> slot & 1) slot++;
    return slot;
}

/* Opens the listener of a server that runs. */
static enum weir_code listeners__open(struct weir_server *server, struct listen_spec *spec,
                                      struct weir_error *error)
{
    if (!server->started) return WEIR_OK; /* the start will open it */
    if (spec->extra_bytes > server->extra_bytes)
        return error_fill(error, WEIR_NO_ROOM, 0, "use handler", spec->service.handler->name,
                          "its sessions need more memory than those of the first listeners",
                          "add a listener with this handler and codec before the start");
    return listen_order_open(server, spec, error);
}

/* Adds the TLS filter that the listener names, after those that precede it on the wire. */
static enum weir_code listeners__add_tls(struct weir_server *server, struct listen_spec *spec,
                                         struct weir_error *error)
{
    struct service *service = &spec->service;
    struct filter *filter;

    if (!spec->given_tls) return WEIR_OK;
    if (service->proto == WEIR_UDP)
        return error_fill(error, WEIR_INVALID, 0, "use TLS settings", spec->given_tls,
                          "TLS is for streams (TCP)", "leave tls out");
    filter = server_tls_find(server, spec->given_tls);
    if (!filter)
        return error_fill(error, WEIR_INVALID, 0, "use TLS settings", spec->given_tls,
                          "the server has none with this name",
                          "call weir_server_tls() before weir_server_listen()");
    spec->tls = server_tls_name(server, filter);
    weir_check(service->filters_count < SERVICE_FILTERS_MAX);
    uint8_t at = service->filters_count++;
    bool has_websocket = at > 0 && service->filters[at - 1]->kind == &websocket_kind;
    if (has_websocket) { /* it is above TLS */
        service->filters[at] = service->filters[at - 1];
        at--;
    }
    service->filters[at] = filter;
    return has_websocket ? tls_filter_require_http1(filter, error) : WEIR_OK;
}

/* From here on, changes of the server's settings reach the listener. */
static void listeners__begin_opening(struct weir_server *server, struct listen_spec *spec)
{
    lock_take(server->lock);
    listen_spec_inherit(spec, server_config(server)); /* they can have changed meanwhile */
    listen_spec_copy_service(spec, server->workers_asked);
    server->opening = spec;
    lock_give_back(server->lock);
}

static enum weir_code listeners__add(struct weir_server *server, const struct weir_listen *listen,
                                     struct listen_spec *spec, struct weir_error *error)
{
    struct weir_config config;

    lock_take(server->lock);
    config = *server_config(server);
    lock_give_back(server->lock);
    enum weir_code code = listen_spec_read(listen, &config, spec, error);
    if (code != WEIR_OK) return code;
    spec->service.handler_times =
        &weir_container_of(spec, struct listeners__one, spec)->handler_times;
    lock_take(server->updating); /* TLS settings must not change while they are checked */
    code = listeners__add_tls(server, spec, error);
    lock_give_back(server->updating);
    if (code != WEIR_OK) return code;
    if (!listen_spec_make_copies(spec, server->workers_asked))
        return error_fill(error, WEIR_NO_MEMORY, 0, "add a listener", NULL, NULL,
                          "free some memory");
    spec->slot = listeners__free_slot(server);
    spec->id = spec->service.listener = server->listener_id_last + 1;
    code = handler_opening_open(server, spec, error);
    if (code != WEIR_OK) return code;
    listeners__begin_opening(server, spec);
    code = listeners__open(server, spec, error);
    if (code != WEIR_OK) handler_opening_close(server, spec);
    lock_take(server->lock);
    server->opening = NULL;
    if (code == WEIR_OK) {
        server->listener_id_last++;
        server->listeners[server->listeners_count++] = spec;
    }
    lock_give_back(server->lock);
    return code;
}

enum weir_code weir_server_listen(struct weir_server *server, const struct weir_listen *listen,
                                  struct weir_error *error)
{
    listeners__check_thread(server);
    if (server->listeners_count == WEIR_LISTENERS_MAX)
        return error_fill(error, WEIR_NO_ROOM, 0, "add a listener", NULL,
                          "a server has at most 64 listeners", "start a second server");
    struct listeners__one *one = memory_alloc(sizeof *one);
    if (!one)
        return error_fill(error, WEIR_NO_MEMORY, 0, "add a listener", NULL, NULL,
                          "free some memory");
    enum weir_code code = listeners__add(server, listen, &one->spec, error);
    if (code != WEIR_OK) listeners__free_spec(&one->spec);
    return code;
}

enum weir_code weir_server_unlisten(struct weir_server *server, uint32_t id,
                                    struct weir_error *error)
{
    uint32_t at = 0;

    listeners__check_thread(server);
    while (at < server->listeners_count && server->listeners[at]->id != id) at++;
    if (at == server->listeners_count)
        return error_fill(error, WEIR_GONE, 0, "remove a listener", NULL,
                          "the server has no listener with this id", NULL);
    struct listen_spec *spec = server->listeners[at];
    if (server->started) listen_order_close(server, spec);
    lock_take(server->lock);
    server->listeners_count--;
    memmove((void *)&server->listeners[at], (void *)&server->listeners[at + 1],
            (server->listeners_count - at) * sizeof(struct listen_spec *));
    spec->next_removed = server->removed;
    server->removed = spec;
    lock_give_back(server->lock);
    return WEIR_OK;
}

void listeners_free(struct weir_server *server)
{
    for (uint32_t i = 0; i < server->listeners_count; i++)
        listeners__free_spec(server->listeners[i]);
    while (server->removed) {
        struct listen_spec *spec = server->removed;
        server->removed = spec->next_removed;
        listeners__free_spec(spec);
    }
}

size_t weir_server_listeners_count(const struct weir_server *server)
{
    server_check_mark(server);
    lock_take(server->lock);
    size_t count = server->listeners_count;
    lock_give_back(server->lock);
    return count;
}

/* Names the filters of a listener. */
static void listeners__describe_filters(const struct listen_spec *spec,
                                        struct weir_listener_info *info)
{
    info->tls = spec->tls;
    for (uint8_t i = 0; i < spec->service.filters_count; i++) {
        const struct filter *filter = spec->service.filters[i];
        if (filter->kind == &websocket_kind) info->websocket = websocket_path_of_filter(filter);
        if (filter->kind == &proxy_filter_kind) info->proxy = WEIR_PROXY_REQUIRED;
    }
}

/* Connections of one listener are handed to all workers, but datagrams of one socket are not. */
static bool listeners__has_one_worker(const struct weir_server *server,
                                      const struct listen_spec *spec)
{
    return spec->service.proto == WEIR_UDP &&
           (server->common.handoff_workers || spec->where.inherited != 0);
}

void weir_server_listener_sized(const struct weir_server *server, size_t index,
                                struct weir_listener_info *info, size_t size)
{
    server_check_mark(server);
    lock_take(server->lock);
    weir_check_use(index < server->listeners_count,
                   "the index is below weir_server_listeners_count");
    const struct listen_spec *spec = server->listeners[index];
    struct weir_listener_info whole = {
        .proto = spec->service.proto,
        .transport = server->transport ? server->transport : "none",
        .codec = spec->service.codec->name,
        .handler = spec->service.handler->name,
        .workers = listeners__has_one_worker(server, spec) ? 1 : server->workers_count,
        .id = spec->id,
        .sessions = atomic_load_explicit(spec->service.sessions_open, memory_order_relaxed),
        .sessions_max = spec->service.proto == WEIR_TCP ? spec->service.sessions_max : 0,
    };
    if (spec->where.unix_path)
        whole.address = spec->unix_address;
    else
        address_publish(&spec->where.address, &whole.address);
    listeners__describe_filters(spec, &whole);
    lock_give_back(server->lock);
    memset(info, 0, size);
    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
}
