/* SPDX-License-Identifier: MIT */
/* connecting.c - weir_connect() and weir_disconnect(): checks the settings, finds codec and
 * handler, chooses the worker, and passes the connector to it.
 *
 *      weir_connect -> struct connecting -> started? yes: the worker's inbox
 *                                                    no:  server.early, until weir_server_start()
 */
#include "connecting.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "config.h"
#include "connector.h"
#include "connector_table.h"
#include "error_fill.h"
#include "host.h"
#include "listen_spec.h"
#include "memory.h"
#include "resolver.h"
#include "sized.h"
#include "tls_filter.h"
#include "worker.h"

/* Waits are compared with a clock in milliseconds of 32 bits elsewhere. */
#define CONNECTING__MS_MAX ((uint32_t)INT32_MAX)

/* A connector, and what it needs as long as it exists. */
struct connecting {
    struct connector connector;
    struct listen_spec spec; /* codec and handler, found as those of a listener */
    char *text;              /* the address */
    uint8_t worker;          /* index */
    struct list in_early;    /* server.early before the start */
};

static const struct weir_connect_options connecting__defaults = {
    .size = sizeof(struct weir_connect_options),
    .connect_timeout_ms = 10 * 1000,
    .reconnect_min_ms = 100,
    .reconnect_max_ms = 30 * 1000,
    .worker = WEIR_WORKER_ANY,
};

void weir_connect_init_sized(struct weir_connect_options *connect, size_t size)
{
    size_t known = size < sizeof *connect ? size : sizeof *connect;

    memset(connect, 0, size);
    memcpy(connect, &connecting__defaults, known);
    connect->size = size;
}

bool connecting_open(struct weir_server *server)
{
    const struct weir_config *config = &server->common.config;

    list_init(&server->early);
    if (!connector_table_init(&server->connectors, (uint8_t)config->node, config->connectors_max))
        return false;
    server->common.connectors = &server->connectors;
    server->common.resolver =
        resolver_open(config->resolver_threads, config->resolver_queue_max, host_lookup);
    return server->common.resolver != NULL;
}

/* ---- settings ---- */

static enum weir_code connecting__wrong(const struct weir_connect_options *connect,
                                        const char *reason, const char *hint,
                                        struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, "connect to", connect->address, reason, hint);
}

/* Copies the settings, and adds the defaults of those that the caller's version lacks. */
static enum weir_code connecting__read(const struct weir_connect_options *given,
                                       struct weir_connect_options *settings,
                                       struct weir_error *error)
{
    *settings = connecting__defaults;
    if (sized_copy(&sized_connect, given, settings, error) != WEIR_OK) return WEIR_INVALID;
    if (!settings->address)
        return error_fill(error, WEIR_INVALID, 0, "connect", NULL, "no address is given",
                          "set weir_connect_options.address");
    if (settings->connect_timeout_ms > CONNECTING__MS_MAX ||
        settings->reconnect_max_ms > CONNECTING__MS_MAX)
        return connecting__wrong(settings, "a time is longer than 24 days", "lower it", error);
    if (settings->reconnect_min_ms == 0 || settings->reconnect_min_ms > settings->reconnect_max_ms)
        return connecting__wrong(settings, "reconnect_min_ms must be 1 to reconnect_max_ms",
                                 "change it", error);
    return WEIR_OK;
}

/* ---- the connector ---- */

static void connecting__free(struct connecting *connecting)
{
    struct service *service = &connecting->connector.service;

    if (service->filters_count > 0) filter_unref(service->filters[0]);
    filter_unref(service->later);
    listen_spec_free(&connecting->spec);
    memory_free(connecting->text);
    memory_free(connecting);
}

static void connecting__free_connector(struct connector *connector)
{
    connecting__free(weir_container_of(connector, struct connecting, connector));
}

/* Finds codec and handler as for a listener. */
static enum weir_code connecting__find_service(struct weir_server *server,
                                               struct connecting *connecting,
                                               const struct weir_connect_options *settings,
                                               struct weir_error *error)
{
    const struct weir_listen like = {.size = sizeof like,
                                     .proto = WEIR_TCP,
                                     .address = "127.0.0.1:0",
                                     .codec = settings->codec,
                                     .handler = settings->handler,
                                     .custom_codec = settings->custom_codec,
                                     .custom_handler = settings->custom_handler,
                                     .custom_probe = settings->custom_probe};
    const struct weir_config *config = &server->common.config;
    struct service *service = &connecting->connector.service;
    const struct service *found = &connecting->spec.service;
    enum weir_code code = listen_spec_read(&like, config, &connecting->spec, error);

    if (code != WEIR_OK) return code;
    service_init(service, WEIR_TCP, found->codec, found->handler, config);
    service->framing_codec = found->framing_codec;
    service->handler_times = &server->common.outbound_times;
    return WEIR_OK;
}

/* Returns the host by whose name a server proves itself: in the address, or "". */
static const char *connecting__host(const struct dial_target *target, char *text, size_t size)
{
    struct weir_address address;

    if (target->name[0] != '\0' || target->path[0] != '\0') return target->name;
    address_publish(&target->address, &address);
    address.scope = 0; /* of this machine alone */
    weir_address_text(&address, text, size);
    text[strcspn(text, "]")] = '\0';
    if (text[0] == '[') return text + 1;
    text[strcspn(text, ":")] = '\0';
    return text;
}

/* Opens the filter of TLS settings. `host` is "" if the target is a path. */
static enum weir_code connecting__open_filter(const struct weir_connect_options *settings,
                                              const struct weir_tls_connect *given,
                                              const char *host, struct filter **filter,
                                              struct weir_error *error)
{
    struct weir_tls_connect tls = {.size = sizeof tls};
    enum weir_code code = sized_copy(&sized_tls_connect, given, &tls, error);

    if (code != WEIR_OK) return code;
    if (host[0] == '\0' && !tls.name && !tls.insecure)
        return connecting__wrong(settings, "a path is no name that a certificate could have",
                                 "set tls->name", error);
    return tls_filter_open_client(&tls, host, filter, error);
}

static enum weir_code connecting__open_tls(struct connecting *connecting,
                                           const struct weir_connect_options *settings,
                                           struct weir_error *error)
{
    struct service *service = &connecting->connector.service;
    char text[WEIR_ADDRESS_TEXT_BYTES];
    const char *host = connecting__host(&connecting->connector.options.target, text, sizeof text);

    if (settings->tls && settings->tls_later)
        return connecting__wrong(settings, "tls and tls_later are both set", "set one of them",
                                 error);
    if (settings->tls_later)
        return connecting__open_filter(settings, settings->tls_later, host, &service->later, error);
    if (!settings->tls) return WEIR_OK;
    enum weir_code code =
        connecting__open_filter(settings, settings->tls, host, &service->filters[0], error);
    if (code == WEIR_OK) service->filters_count = 1;
    return code;
}

static enum weir_code connecting__fill(struct weir_server *server, struct connecting *connecting,
                                       const struct weir_connect_options *settings,
                                       struct weir_error *error)
{
    struct connector *connector = &connecting->connector;
    enum weir_code code = connecting__find_service(server, connecting, settings, error);

    if (code == WEIR_OK)
        code = dial_target_read(settings->address, &connector->options.target, error);
    if (code == WEIR_OK) code = connecting__open_tls(connecting, settings, error);
    if (code != WEIR_OK) return code;
    connecting->text = memory_copy_text(settings->address);
    if (!connecting->text)
        return error_fill(error, WEIR_NO_MEMORY, 0, "connect to", settings->address, NULL,
                          "free some memory");
    connector->options.text = connecting->text;
    connector->options.timeout_ms = settings->connect_timeout_ms;
    connector->options.reconnects = settings->reconnect;
    connector->options.reconnect_min_ms = settings->reconnect_min_ms;
    connector->options.reconnect_max_ms = settings->reconnect_max_ms;
    connector->options.on_failed = settings->on_failed;
    connector->options.user = settings->user;
    connector->free = connecting__free_connector;
    connector->memory_bytes = sizeof *connecting + strlen(connecting->text) + 1;
    return WEIR_OK;
}

/* Checks that a session of the running server has room for the state of codec and handler. */
static enum weir_code connecting__check_state(const struct weir_server *server,
                                              const struct connecting *connecting,
                                              struct weir_error *error)
{
    char hint[96];

    if (!server->started || connecting->spec.extra_bytes <= server->extra_bytes) return WEIR_OK;
    snprintf(hint, sizeof hint, "set connect_state_bytes in weir_config to %zu",
             connecting->spec.extra_bytes);
    return error_fill(error, WEIR_INVALID, 0, "connect to", connecting->text,
                      "sessions have too little memory for the state of this codec and handler",
                      hint);
}

/* ---- the worker ---- */

/* Returns the worker of this index. A server with a loop of its own has one worker, which also gets
 * the connectors that were made for the others before its start. Null: there is no worker. */
static struct worker *connecting__worker(const struct weir_server *server, uint8_t index)
{
    if (server->workers_count == 0) return NULL;
    return server->workers[index < server->workers_count ? index : 0];
}

static uint8_t connecting__least_loaded(const struct weir_server *server)
{
    uint32_t least_load = UINT32_MAX, least = 0;

    for (uint32_t i = 0; i < server->workers_count; i++) {
        struct worker *worker = server->workers[i];
        uint32_t load = atomic_load_explicit(&worker->load, memory_order_relaxed);
        if (worker_is_own(worker)) return (uint8_t)i;
        if (load >= least_load) continue;
        least_load = load;
        least = i;
    }
    return (uint8_t)least;
}

static enum weir_code connecting__choose_worker(struct weir_server *server,
                                                const struct weir_connect_options *settings,
                                                uint8_t *index, struct weir_error *error)
{
    uint32_t count = config_workers(&server->common.config);

    if (settings->worker == WEIR_WORKER_ANY) {
        *index = (uint8_t)(server->started ? connecting__least_loaded(server)
                                           : server->early_count % count);
        return WEIR_OK;
    }
    *index = (uint8_t)settings->worker;
    if (settings->worker < count) return WEIR_OK;
    return connecting__wrong(settings, "there is no such worker",
                             "give an index below the number of workers, or WEIR_WORKER_ANY",
                             error);
}

/* ---- public calls ---- */

/* Gives the connector its id, and lets it begin, if the server has started. */
static enum weir_code connecting__add(struct weir_server *server, struct connecting *connecting,
                                      uint64_t *id, struct weir_error *error)
{
    struct connector *connector = &connecting->connector;

    *id = connector_add(connector, &server->connectors, connecting->worker);
    if (*id == 0)
        return error_fill(error, WEIR_NO_ROOM, 0, "connect to", connecting->text,
                          "connectors_max exist", "raise connectors_max in weir_config");
    if (!server->started) {
        list_add_last(&server->early, &connecting->in_early);
        server->early_count++;
        return WEIR_OK;
    }
    if (connector_begin(connector, server->workers[connecting->worker])) return WEIR_OK;
    return error_fill(error, WEIR_CANCELLED, 0, "connect to", connecting->text,
                      "the server has ended", NULL);
}

enum weir_code weir_connect(struct weir_server *server, const struct weir_connect_options *connect,
                            uint64_t *connector, struct weir_error *error)
{
    struct weir_connect_options settings;
    enum weir_code code = connecting__read(connect, &settings, error);
    uint64_t id = 0;

    server_check_mark(server);
    if (code != WEIR_OK) return code;
    struct connecting *connecting = memory_alloc(sizeof *connecting);
    if (!connecting)
        return error_fill(error, WEIR_NO_MEMORY, 0, "connect to", settings.address, NULL,
                          "free some memory");
    list_init(&connecting->in_early);
    code = connecting__fill(server, connecting, &settings, error);
    if (code == WEIR_OK)
        code = connecting__choose_worker(server, &settings, &connecting->worker, error);
    if (code == WEIR_OK) code = connecting__check_state(server, connecting, error);
    if (code == WEIR_OK) code = connecting__add(server, connecting, &id, error);
    if (code != WEIR_OK)
        connecting__free(connecting);
    else if (connector)
        *connector = id;
    return code;
}

enum weir_code weir_disconnect(struct weir_server *server, uint64_t connector)
{
    server_check_mark(server);
    weir_check_use(server->started, "weir_disconnect comes after weir_server_start");
    struct worker *worker = connecting__worker(server, session_table_worker_of(connector));
    return worker ? connector_disconnect(worker, connector) : WEIR_GONE;
}

/* ---- start and end ---- */

size_t connecting_extra_bytes(const struct weir_server *server)
{
    size_t most_bytes = server->common.config.connect_state_bytes;

    for (const struct list *at = server->early.next; at != &server->early; at = at->next) {
        const struct connecting *connecting = weir_container_of(at, struct connecting, in_early);
        if (connecting->spec.extra_bytes > most_bytes) most_bytes = connecting->spec.extra_bytes;
    }
    return most_bytes;
}

void connecting_begin(struct weir_server *server)
{
    struct list *node;

    while ((node = list_take_first(&server->early)) != NULL) {
        struct connecting *connecting = weir_container_of(node, struct connecting, in_early);
        bool begins =
            connector_begin(&connecting->connector, connecting__worker(server, connecting->worker));
        weir_check(begins); /* no worker has ended yet */
    }
}

void connecting_free(struct weir_server *server)
{
    struct list *node;

    if (!server->common.connectors) return;
    while ((node = list_take_first(&server->early)) != NULL) {
        struct connecting *connecting = weir_container_of(node, struct connecting, in_early);
        connector_table_remove(&server->connectors, connecting->connector.id);
        connecting__free(connecting);
    }
    resolver_free(server->common.resolver);
    connector_table_free(&server->connectors);
}
