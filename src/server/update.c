/* SPDX-License-Identifier: MIT */
/* update.c - changes the settings of a server that runs.
 *
 *      caller: plan (checked, loaded; can fail) -> commit (cannot fail) -> wait
 *                                                     | under the lock       ^
 *                                                     v                      |
 *      worker: WORKER_SETTINGS -> take_settings() between two events --------'
 *                                 then its open sessions, in slices (renewal.c)
 *
 * `updating` is held from the plan to the commit, so that updates follow each other. It is not held
 * while the caller waits: a callback that updates the server would wait for it then.
 */
#include <weir/weir.h>

#include "check.h"
#include "error_fill.h"
#include "live.h"
#include "log_queue.h"
#include "memory.h"
#include "remote.h"
#include "settings.h"
#include "sized.h"
#include "thread.h"
#include "update_plan.h"
#include "worker_thread.h"

/* ---- commit ---- */

/* Lets each worker take the settings. Returns their number. The caller has the lock. */
static uint64_t update__pass(struct weir_server *server)
{
    server->settings_count++;
    for (uint32_t i = 0; i < server->workers_count; i++)
        if (server->threads[i].alive) remote_renew(&server->threads[i].loop.worker);
    return server->settings_count;
}

static void update__set_log_level(struct weir_server *server, enum weir_log_level level)
{
    atomic_store(&server->common.log.muted_count, WEIR_LOG_DETAIL - (int)level);
    atomic_store(&server->common.watch.level, (int)level);
}

static void update__commit_filters(struct update_plan *plan)
{
    for (uint32_t i = 0; i < plan->listeners_count; i++) {
        struct update_listener *own = &plan->listeners[i];
        if (own->proxy) proxy_listen_replace(own->proxy, &own->rules);
        if (!own->websocket) continue;
        websocket_replace(own->websocket, own->change.texts, &own->change.settings);
        own->change.texts = NULL;
    }
    for (size_t i = 0; i < plan->tls_count; i++) server_tls_commit(plan->server, &plan->tls[i]);
}

/* What several workers share, and what belongs to none. */
static void update__commit_shared(struct update_plan *plan)
{
    struct weir_server *server = plan->server;
    const struct weir_config *config = &plan->config;

    if (!plan->settings) return;
    if (plan->has_counts) {
        address_counts_grow(&server->limits.address_counts, &plan->counts);
        server->addresses_max = plan->addresses_max;
    }
    if (config->sessions_max > server->sessions_max_ever)
        server->sessions_max_ever = config->sessions_max;
    connector_table_limit(&server->connectors, config->connectors_max);
    update__set_log_level(server, config->log_level);
    if (server->log_queue) log_queue_limit(server->log_queue, config->log_rate_max);
}

/* The caller has the lock. */
static void update__inherit(struct weir_server *server, struct listen_spec *spec)
{
    listen_spec_inherit(spec, server_config(server));
    if (server->started) return;
    for (uint32_t i = 0; i < server->workers_asked; i++) listen_spec_renew(spec, i);
}

/* Returns the number of the settings. */
static uint64_t update__commit_settings(struct update_plan *plan)
{
    struct weir_server *server = plan->server;
    struct settings *before = server->settings;

    lock_take(server->lock);
    if (plan->settings) {
        server->settings = plan->settings;
        plan->settings = before;
    }
    for (uint32_t i = 0; i < plan->listeners_count; i++)
        plan->listeners[i].spec->limits = plan->listeners[i].limits;
    for (uint32_t i = 0; i < server->listeners_count; i++)
        update__inherit(server, server->listeners[i]);
    for (struct listen_spec *at = server->removed; at; at = at->next_removed)
        update__inherit(server, at);
    if (server->opening) update__inherit(server, server->opening);
    uint64_t count = update__pass(server);
    lock_give_back(server->lock);
    return count;
}

static uint64_t update__commit(struct update_plan *plan)
{
    update__commit_filters(plan);
    update__commit_shared(plan);
    uint64_t count = update__commit_settings(plan);
    server_tls_limit(plan->server);
    return count;
}

/* ---- wait ---- */

/* Whether the caller is inside a callback of a worker. */
static bool update__is_inside(const struct weir_server *server)
{
    for (uint32_t i = 0; i < server->workers_count; i++)
        if (worker_thread_is_own(&server->threads[i])) return true;
    return false;
}

/* Waits until the worker uses these settings, or has ended. The caller has the lock. */
static void update__wait_for(struct weir_server *server, struct worker_thread *thread,
                             uint64_t count)
{
    while (thread->alive && thread->settings_used < count) {
        if (thread->here == thread_self()) { /* it does not run, because the caller does */
            lock_give_back(server->lock);
            worker_thread_renew_here(thread);
            lock_take(server->lock);
        } else {
            condition_wait(server->requested, server->lock, CONDITION_NO_DEADLINE);
        }
    }
}

static void update__wait(struct weir_server *server, uint64_t count)
{
    lock_take(server->lock);
    if (!update__is_inside(server))
        for (uint32_t i = 0; i < server->workers_count; i++)
            update__wait_for(server, &server->threads[i], count);
    lock_give_back(server->lock);
}

/* ---- calls ---- */

/* Makes the plan, and carries it out. *count: the number of the settings; 0: nothing changed. */
static enum weir_code update__run(struct weir_server *server, const struct weir_update *update,
                                  uint64_t *count, struct weir_error *error)
{
    struct update_plan *plan = memory_alloc(sizeof *plan);

    if (!plan)
        return error_fill(error, WEIR_NO_MEMORY, 0, "change settings", NULL, NULL,
                          "free some memory");
    lock_take(server->updating);
    enum weir_code code = update_plan_make(plan, server, update, error);
    if (code == WEIR_OK && !update->check_only) *count = update__commit(plan);
    lock_give_back(server->updating);
    update_plan_discard(plan);
    memory_free(plan);
    return code;
}

enum weir_code weir_server_update(struct weir_server *server, const struct weir_update *given,
                                  struct weir_error *error)
{
    struct weir_update completed = {.size = 0};
    const struct weir_update *update = sized_complete(&sized_update, given, &completed, error);
    uint64_t count = 0;

    live_check(server);
    if (!update) return WEIR_INVALID;
    enum weir_code code = update__run(server, update, &count, error);
    if (count > 0) update__wait(server, count);
    return code;
}

enum weir_code weir_server_set_log_level(struct weir_server *server, enum weir_log_level level)
{
    live_check(server);
    if ((unsigned)level > WEIR_LOG_DETAIL) return WEIR_INVALID;
    lock_take(server->updating);
    update__set_log_level(server, level);
    lock_take(server->lock);
    update__pass(server); /* open sessions may be watched, or no longer */
    lock_give_back(server->lock);
    lock_give_back(server->updating);
    return WEIR_OK;
}
