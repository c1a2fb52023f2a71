/* SPDX-License-Identifier: MIT */
/* bridge.h - connects a server to the servers of other machines (nodes).
 *
 *      weir_broadcast, weir_send, ... -> members and sessions of this node     (immediately)
 *                                     -> struct weir_bridge -> other nodes
 *      other nodes -> the bridge's thread -> weir_bridge_broadcast, ... -> members of this node
 *
 * <weir/cluster.h> is such a bridge, over a message broker. An application needs this header only
 * for a bridge of its own.
 */
#ifndef WEIR_BRIDGE_H
#define WEIR_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_bridge_count;

/* What a server tells its bridge. Zero the struct, then set `size` and all callbacks.
 *
 * Thread: any, also several at the same time: workers call from inside a handler's callback. So a
 * callback must not block, and must not call the server, except for weir_bridge_counted(). What it
 * cannot pass on it drops and counts. All pointers are valid during the call only. The calls of one
 * thread come in the order of that thread's own calls to the server. */
struct weir_bridge {
    size_t size; /* sizeof(struct weir_bridge) of the version the author compiled with */
    void *user;  /* passed to every callback */

    /* A broadcast was accepted for the members on this node. The message is not framed. */
    void (*on_broadcast)(void *user, const char *group, const void *bytes, size_t length,
                         uint64_t except_id);

    /* weir_send() and weir_finish() or weir_abort() for a session of another node, the top 8 bits
     * of `id`. The result is that of the call; WEIR_OK: the bridge has taken it. */
    enum weir_code (*on_send)(void *user, uint64_t id, const void *bytes, size_t length);
    enum weir_code (*on_close)(void *user, uint64_t id, bool abort);

    /* weir_send_name() for a name that no session of this node holds. Likewise. */
    enum weir_code (*on_send_name)(void *user, const char *name, const void *bytes, size_t length);

    /* A worker got its first member of the group, or has lost its last one. Each worker reports its
     * own: the node has members as long as one on_group_begin() has no on_group_end(). WEIR_OK, or
     * WEIR_NO_MEMORY: the session does not join. */
    enum weir_code (*on_group_begin)(void *user, const char *group);
    void (*on_group_end)(void *user, const char *group);

    /* A session of this node has bound the name, and has released it or lost it. A session that
     * replaces another one of this node: on_name_bound() of the new one comes before
     * on_name_unbound() of the old one, identified by its id. WEIR_OK, or WEIR_NO_MEMORY: the
     * session does not bind. */
    enum weir_code (*on_name_bound)(void *user, const char *name, uint64_t id, enum weir_bind how);
    void (*on_name_unbound)(void *user, const char *name, uint64_t id);

    /* weir_group_count(): the bridge is asked for the members on other nodes, and calls
     * weir_bridge_counted() exactly once, later or inside this call, also if it knows nothing. A
     * deadline of 0 is none: the bridge has one of its own. */
    void (*on_count)(void *user, const char *group, uint32_t deadline_ms,
                     struct weir_bridge_count *count);
};

/* Connects the server to a bridge. *bridge is copied. `user` must live until weir_server_free(). To
 * be called before weir_server_start(), at most once. Returns:
 *   WEIR_OK
 *   WEIR_INVALID  a callback is missing, the server has a bridge, or it has started
 * Thread: the one that opened the server. */
WEIR_API enum weir_code weir_server_set_bridge(struct weir_server *server,
                                               const struct weir_bridge *bridge,
                                               struct weir_error *error);

/* ---- What the bridge received from other nodes ----
 *
 * These calls affect this node only: the server does not report them to the bridge. Thread: any,
 * while the server runs; the bridge must make none after weir_server_wait() returned. They do not
 * block. */

/* As weir_broadcast(), for the members on this node. */
WEIR_API enum weir_code weir_bridge_broadcast(struct weir_server *server, const char *group,
                                              const void *bytes, size_t length, uint64_t except_id);

/* As weir_send_name(), for a session of this node. For an id of this node, use weir_send(),
 * weir_finish() and weir_abort(). */
WEIR_API enum weir_code weir_bridge_send_name(struct weir_server *server, const char *name,
                                              const void *bytes, size_t length);

/* Takes the name from the session `id` if it holds it, and finishes the session with
 * WEIR_REASON_REPLACED. Returns:
 *   WEIR_OK            the name is free on this node, or another session holds it
 *   WEIR_MAILBOX_FULL  the session keeps the name: try again later */
WEIR_API enum weir_code weir_bridge_evict(struct weir_server *server, const char *name,
                                          uint64_t id);

/* As weir_group_count(), for the members on this node. */
WEIR_API enum weir_code weir_bridge_group_count(struct weir_server *server, const char *group,
                                                uint32_t deadline_ms, weir_group_count_fn *on_count,
                                                void *argument);

/* Answers on_count(): the sums over the other nodes. `incomplete`: a node did not answer in time.
 * `count` is invalid afterwards. */
WEIR_API void weir_bridge_counted(struct weir_bridge_count *count, uint64_t members,
                                  uint64_t offered, uint64_t dropped, bool incomplete);

#ifdef __cplusplus
}
#endif

#endif
