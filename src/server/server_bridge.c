/* SPDX-License-Identifier: MIT */
/* server_bridge.c - connects a server to the bridge to other nodes, and passes what the bridge
 * received to the workers of this node. session/other_nodes.h has the opposite direction.
 *
 * The bridge's own thread can call before the start: server.workers_count is set last, and until
 * then there is nothing to reach. After weir_server_wait() the mailboxes are shut, and each call
 * finds that out by itself.
 */
#include <weir/bridge.h>

#include "broadcast.h"
#include "check.h"
#include "error_fill.h"
#include "group_count.h"
#include "live.h"
#include "names.h"
#include "server_state.h"
#include "sized.h"

static bool server_bridge__is_complete(const struct weir_bridge *bridge)
{
    return bridge->on_broadcast && bridge->on_send && bridge->on_close && bridge->on_send_name &&
           bridge->on_group_begin && bridge->on_group_end && bridge->on_name_bound &&
           bridge->on_name_unbound && bridge->on_count;
}

/* Returns why the server cannot have the bridge, and the next step in *hint; null: it can. */
static const char *server_bridge__objection(const struct weir_server *server,
                                            const struct weir_bridge *bridge, const char **hint)
{
    *hint = "set all callbacks of struct weir_bridge";
    if (!server_bridge__is_complete(bridge)) return "a callback is null";
    *hint = "connect a server to one bridge";
    if (server->common.bridge) return "it has one";
    *hint = "call weir_server_set_bridge() before weir_server_start()";
    return server->started ? "the server has started" : NULL;
}

enum weir_code weir_server_set_bridge(struct weir_server *server, const struct weir_bridge *given,
                                      struct weir_error *error)
{
    struct weir_bridge bridge = {.size = 0};
    const char *hint;

    live_check(server);
    if (sized_copy(&sized_bridge, given, &bridge, error) != WEIR_OK) return WEIR_INVALID;
    const char *reason = server_bridge__objection(server, &bridge, &hint);
    if (reason) return error_fill(error, WEIR_INVALID, 0, "set a bridge", NULL, reason, hint);
    server->bridge = bridge;
    server->common.bridge = &server->bridge;
    return WEIR_OK;
}

/* ---- from other nodes ---- */

/* Whether the server has workers, also if they have ended. */
static bool server_bridge__has_workers(const struct weir_server *server)
{
    server_check_mark(server);
    return atomic_load_explicit(&server->workers_count, memory_order_acquire) > 0;
}

enum weir_code weir_bridge_broadcast(struct weir_server *server, const char *group,
                                     const void *bytes, size_t length, uint64_t except_id)
{
    weir_check_use(bytes || length == 0, "weir_bridge_broadcast: the bytes are null");
    weir_check_use(group != NULL, "weir_bridge_broadcast: the group is null");
    if (!server_bridge__has_workers(server)) return WEIR_GONE;
    return broadcast_receive(&server->common, group, bytes, length, except_id);
}

enum weir_code weir_bridge_send_name(struct weir_server *server, const char *name,
                                     const void *bytes, size_t length)
{
    weir_check_use(name != NULL, "weir_bridge_send_name: the name is null");
    if (!server_bridge__has_workers(server)) return WEIR_GONE;
    uint64_t id = names_holder(&server->common, name);
    return id > 0 ? weir_send(server, id, bytes, length) : WEIR_GONE;
}

enum weir_code weir_bridge_evict(struct weir_server *server, const char *name, uint64_t id)
{
    weir_check_use(name != NULL, "weir_bridge_evict: the name is null");
    if (!server_bridge__has_workers(server)) return WEIR_OK;
    return names_evict(&server->common, name, id);
}

enum weir_code weir_bridge_group_count(struct weir_server *server, const char *group,
                                       uint32_t deadline_ms, weir_group_count_fn *on_count,
                                       void *argument)
{
    if (!server_bridge__has_workers(server)) return WEIR_GONE;
    return group_count_ask_here(&server->common, group, deadline_ms, on_count, argument);
}

void weir_bridge_counted(struct weir_bridge_count *count, uint64_t members, uint64_t offered,
                         uint64_t dropped, bool incomplete)
{
    const struct weir_group_members sums = {
        .incomplete = incomplete, .members = members, .offered = offered, .dropped = dropped};

    group_count_add_nodes(count, &sums);
}

/* ---- about this node ---- */

uint32_t weir_bridge_node(const struct weir_server *server)
{
    server_check_mark(server);
    return server->common.config.node;
}

bool weir_bridge_draining(const struct weir_server *server)
{
    server_check_mark(server);
    lock_take(server->lock);
    bool is_draining = server->request >= WORKER_DRAIN;
    lock_give_back(server->lock);
    return is_draining;
}
