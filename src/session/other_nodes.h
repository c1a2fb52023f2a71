/* SPDX-License-Identifier: MIT */
/* other_nodes.h - what workers tell the bridge to the servers of other nodes (weir/bridge.h).
 *
 *      broadcast.c    accepted    -> on_broadcast
 *      group.c        first, last -> on_group_begin, on_group_end
 *      names.c        table       -> on_name_bound, on_name_unbound
 *      group_count.c  question    -> on_count -> weir_bridge_counted
 *      server.c       id, name    -> on_send, on_close, on_send_name
 *
 * Most servers have no bridge: each of these calls is then one test. Thread: any.
 */
#ifndef SESSION_OTHER_NODES_H
#define SESSION_OTHER_NODES_H

#include <weir/bridge.h>

#include "payload.h"
#include "session_table.h"
#include "worker.h"

/* A broadcast was accepted on this node. */
static inline void other_nodes_broadcast(const struct worker_common *common,
                                         const struct payload *payload)
{
    const struct weir_bridge *bridge = common->bridge;

    if (!bridge) return;
    bridge->on_broadcast(bridge->user, payload->group, payload->bytes + payload->message_at,
                         payload->message_length, payload->except_id);
}

/* The group has its first member on a worker. Returns false if the bridge lacks memory: the group
 * does not begin. */
static inline bool other_nodes_begin_group(const struct worker_common *common, const char *group)
{
    const struct weir_bridge *bridge = common->bridge;

    return !bridge || bridge->on_group_begin(bridge->user, group) == WEIR_OK;
}

/* The group has lost its last member on a worker. */
static inline void other_nodes_end_group(const struct worker_common *common, const char *group)
{
    const struct weir_bridge *bridge = common->bridge;

    if (bridge) bridge->on_group_end(bridge->user, group);
}

/* A session binds the name. Returns false if the bridge lacks memory: then it does not. The calls
 * for one name come in the sequence in which the table of names changes. */
static inline bool other_nodes_bind_name(const struct worker_common *common, const char *name,
                                         uint64_t id, enum weir_bind how)
{
    const struct weir_bridge *bridge = common->bridge;

    return !bridge || bridge->on_name_bound(bridge->user, name, id, how) == WEIR_OK;
}

/* A session no longer holds the name that other_nodes_bind_name() reported. */
static inline void other_nodes_unbind_name(const struct worker_common *common, const char *name,
                                           uint64_t id)
{
    const struct weir_bridge *bridge = common->bridge;

    if (bridge) bridge->on_name_unbound(bridge->user, name, id);
}

/* Returns the bridge if the id is of a session of another node. */
static inline const struct weir_bridge *other_nodes__bridge(const struct worker_common *common,
                                                            uint64_t id)
{
    bool is_elsewhere = id != 0 && session_table_node_of(id) != common->config.node;

    return is_elsewhere ? common->bridge : NULL;
}

/* weir_send() for an id that no worker of this node has. */
static inline enum weir_code other_nodes_send(const struct worker_common *common, uint64_t id,
                                              const void *bytes, size_t length)
{
    const struct weir_bridge *bridge = other_nodes__bridge(common, id);

    return bridge ? bridge->on_send(bridge->user, id, bytes, length) : WEIR_GONE;
}

/* weir_abort() or weir_finish() likewise. */
static inline enum weir_code other_nodes_close(const struct worker_common *common, uint64_t id,
                                               bool abort)
{
    const struct weir_bridge *bridge = other_nodes__bridge(common, id);

    return bridge ? bridge->on_close(bridge->user, id, abort) : WEIR_GONE;
}

/* weir_send_name() for a valid name that no session of this node holds. */
static inline enum weir_code other_nodes_send_name(const struct worker_common *common,
                                                   const char *name, const void *bytes,
                                                   size_t length)
{
    const struct weir_bridge *bridge = common->bridge;

    return bridge ? bridge->on_send_name(bridge->user, name, bytes, length) : WEIR_GONE;
}

#endif
