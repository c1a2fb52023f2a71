/* SPDX-License-Identifier: MIT */
/* update_plan.c - checks and loads what a weir_server_update() contains, before anything changes.
 *
 *      config    -> checked alone, with what the server was opened with, and with each listener
 *      listeners -> limits, senders of PROXY headers, texts of WebSocket
 *      tls       -> contexts with certificates
 */
#include "update_plan.h"

#include <string.h>

#include "config.h"
#include "error_fill.h"
#include "memory.h"
#include "proxy_filter.h"
#include "settings.h"
#include "sized.h"
#include "thread.h"

static enum weir_code update_plan__no_memory(struct weir_error *error)
{
    return error_fill(error, WEIR_NO_MEMORY, 0, "change settings", NULL, NULL, "free some memory");
}

/* ---- the server ---- */

/* Makes room for the counts of addresses, if the new settings need more. */
static enum weir_code update_plan__count_addresses(struct update_plan *plan,
                                                   struct weir_error *error)
{
    struct weir_server *server = plan->server;
    uint32_t most = plan->config.sessions_max;

    if (plan->config.sessions_per_address_max == 0) return WEIR_OK;
    /* Sessions that were open before a lower sessions_max count, too. */
    if (server->sessions_max_ever > most) most = server->sessions_max_ever;
    if (server->addresses_max >= most) return WEIR_OK;
    plan->has_counts = address_counts_init(&plan->counts, most, &server->common.key);
    if (!plan->has_counts) return update_plan__no_memory(error);
    plan->addresses_max = most;
    return WEIR_OK;
}

static enum weir_code update_plan__read_config(struct update_plan *plan,
                                               const struct weir_config *given,
                                               struct weir_error *error)
{
    const struct weir_config *opened = &plan->server->common.config;
    struct weir_config settings;
    enum weir_code code = config_read(given, &settings, error);

    if (code != WEIR_OK) return code;
    config_set_live(&plan->config, &settings);
    code = config_check_live(&plan->config, opened, error);
    if (code == WEIR_OK) code = settings_open(&plan->config, &plan->settings, error);
    return code == WEIR_OK ? update_plan__count_addresses(plan, error) : code;
}

/* ---- listeners ---- */

/* Returns the listener with this id; null: there is none. The caller has the lock. */
static struct listen_spec *update_plan__find(const struct weir_server *server, uint32_t id)
{
    for (uint32_t i = 0; i < server->listeners_count; i++)
        if (server->listeners[i]->id == id) return server->listeners[i];
    return NULL;
}

static enum weir_code update_plan__read_filters(struct update_listener *own,
                                                const struct weir_listen *listen,
                                                struct weir_error *error)
{
    struct filter *proxy = listen_spec_filter(own->spec, &proxy_filter_kind);
    struct filter *websocket = listen_spec_filter(own->spec, &websocket_kind);
    enum weir_code code = WEIR_OK;

    if (proxy && listen->proxy != WEIR_PROXY_OFF) {
        own->proxy = proxy;
        code = proxy_rules_read(listen, own->spec->service.is_unix, &own->rules, error);
    }
    if (code != WEIR_OK || !websocket || !listen->websocket) return code;
    own->websocket = websocket;
    return websocket_listen_prepare(listen, websocket, &own->change, error);
}

static enum weir_code update_plan__read_listener(struct update_plan *plan,
                                                 const struct weir_update_listener *given,
                                                 struct weir_error *error)
{
    struct weir_listen completed = {.size = 0};
    const struct weir_listen *listen =
        sized_complete(&sized_listen, given->settings, &completed, error);

    if (!listen) return WEIR_INVALID;
    lock_take(plan->server->lock);
    struct listen_spec *spec = update_plan__find(plan->server, given->id);
    lock_give_back(plan->server->lock);
    if (!spec)
        return error_fill(error, WEIR_GONE, 0, "change a listener", NULL,
                          "the server has no listener with this id", NULL);
    for (uint32_t i = 0; i < plan->listeners_count; i++)
        if (plan->listeners[i].spec == spec)
            return error_fill(error, WEIR_INVALID, 0, "change a listener", NULL,
                              "the update contains it twice", "leave one out");
    struct update_listener *own = &plan->listeners[plan->listeners_count++];
    own->spec = spec;
    own->limits = listen_spec_limits(listen);
    enum weir_code code = listen_spec_check(spec, &own->limits, &plan->config, error);
    return code == WEIR_OK ? update_plan__read_filters(own, listen, error) : code;
}

/* Whether the update contains the listener: then it was checked. */
static bool update_plan__has(const struct update_plan *plan, const struct listen_spec *spec)
{
    for (uint32_t i = 0; i < plan->listeners_count; i++)
        if (plan->listeners[i].spec == spec) return true;
    return false;
}

/* Checks the other listeners with the new settings of the server. */
static enum weir_code update_plan__check_others(const struct update_plan *plan,
                                                struct weir_error *error)
{
    const struct weir_server *server = plan->server;
    enum weir_code code = WEIR_OK;

    lock_take(server->lock);
    for (uint32_t i = 0; i < server->listeners_count && code == WEIR_OK; i++) {
        const struct listen_spec *spec = server->listeners[i];
        if (!update_plan__has(plan, spec))
            code = listen_spec_check(spec, &spec->limits, &plan->config, error);
    }
    lock_give_back(server->lock);
    return code;
}

/* ---- TLS ---- */

static enum weir_code update_plan__check_names(const struct weir_update *update,
                                               struct weir_error *error)
{
    for (size_t i = 0; i < update->tls_count; i++)
        for (size_t before = 0; before < i; before++)
            if (strcmp(update->tls[i].name, update->tls[before].name) == 0)
                return error_fill(error, WEIR_INVALID, 0, "use TLS settings", update->tls[i].name,
                                  "the update contains the name twice", "leave one out");
    return WEIR_OK;
}

static enum weir_code update_plan__load_tls(struct update_plan *plan,
                                            const struct weir_update *update,
                                            struct weir_error *error)
{
    enum weir_code code = update_plan__check_names(update, error);

    if (code != WEIR_OK || update->tls_count == 0) return code;
    plan->tls = memory_alloc_array(update->tls_count, sizeof *plan->tls);
    if (!plan->tls) return update_plan__no_memory(error);
    for (; plan->tls_count < update->tls_count && code == WEIR_OK; plan->tls_count++) {
        const struct weir_update_tls *given = &update->tls[plan->tls_count];
        code = server_tls_prepare(plan->server, given->name, given->settings,
                                  &plan->tls[plan->tls_count], error);
    }
    return code;
}

/* ---- all ---- */

enum weir_code update_plan_make(struct update_plan *plan, struct weir_server *server,
                                const struct weir_update *update, struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    plan->server = server;
    plan->config = *server_config(server); /* it changes while server->updating is held alone */
    if (update->config) code = update_plan__read_config(plan, update->config, error);
    for (size_t i = 0; i < update->listeners_count && code == WEIR_OK; i++)
        code = update_plan__read_listener(plan, &update->listeners[i], error);
    if (code == WEIR_OK) code = update_plan__check_others(plan, error);
    return code == WEIR_OK ? update_plan__load_tls(plan, update, error) : code;
}

void update_plan_discard(struct update_plan *plan)
{
    settings_unref(plan->settings);
    address_counts_free(&plan->counts);
    for (uint32_t i = 0; i < plan->listeners_count; i++) {
        proxy_rules_free(&plan->listeners[i].rules);
        websocket_texts_unref(plan->listeners[i].change.texts);
    }
    for (size_t i = 0; i < plan->tls_count; i++) server_tls_discard(&plan->tls[i]);
    memory_free(plan->tls);
}
