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
 * Thread: any, also several at the same time: workers call from inside a handler's callback, and
 * some calls hold a lock of the server. So a callback must not block, and must not call the server,
 * except for weir_bridge_counted(). It may take a lock of the bridge, if the bridge never holds
 * that lock while it calls the server. A callback that cannot pass something on drops it and counts
 * it. All pointers are valid during the call only. The calls of one thread come in the order of
 * that thread's own calls to the server. */
struct weir_bridge {
    size_t size; /* sizeof(struct weir_bridge) of the version the author compiled with */
    void *user;  /* passed to every callback */

    /* A broadcast was accepted for the members on this node: exactly once for each, also without
     * members here. The message is not framed. A weir_session_broadcast() that waits with its
     * speaker is reported when it goes to the members, and never if it is dropped before. */
    void (*on_broadcast)(void *user, const char *group, const void *bytes, size_t length,
                         uint64_t except_id);

    /* weir_send() and weir_finish() or weir_abort() for a session of another node, the top 8 bits
     * of `id`, which is not 0. The result is that of the call; WEIR_OK: the bridge has taken it. */
    enum weir_code (*on_send)(void *user, uint64_t id, const void *bytes, size_t length);
    enum weir_code (*on_close)(void *user, uint64_t id, bool abort);

    /* weir_send_name() for a name that no session of this node holds. Likewise. */
    enum weir_code (*on_send_name)(void *user, const char *name, const void *bytes, size_t length);

    /* A worker got its first member of the group, or has lost its last one. Each worker reports its
     * own: the node has members as long as one on_group_begin() has no on_group_end(). WEIR_OK, or
     * WEIR_NO_MEMORY: the session does not join, and no on_group_end() follows. */
    enum weir_code (*on_group_begin)(void *user, const char *group);
    void (*on_group_end)(void *user, const char *group);

    /* A session of this node binds the name, and has released it or lost it, also by
     * weir_bridge_evict(). A session that replaces another one of this node: on_name_bound() of the
     * new one comes before on_name_unbound() of the old one, identified by its id. The calls for
     * one name, of all threads, come in the sequence in which its holder changes. WEIR_OK, or
     * WEIR_NO_MEMORY: the session does not bind, and no on_name_unbound() follows. */
    enum weir_code (*on_name_bound)(void *user, const char *name, uint64_t id, enum weir_bind how);
    void (*on_name_unbound)(void *user, const char *name, uint64_t id);

    /* weir_group_count(): the bridge is asked for the members on other nodes, and calls
     * weir_bridge_counted() exactly once, later or inside this call, also if it knows nothing. A
     * deadline of 0 is none: the bridge has one of its own. The server reports what it has at the
     * deadline. But it keeps `count` until the bridge answers, and until then weir_server_wait()
     * does not return, also after weir_server_stop(). */
    void (*on_count)(void *user, const char *group, uint32_t deadline_ms,
                     struct weir_bridge_count *count);
};

/* Connects the server to a bridge. *bridge is copied. `user` must live until weir_server_free(). To
 * be called before weir_server_start() and before other threads use the server, at most once.
 * Returns:
 *   WEIR_OK
 *   WEIR_INVALID  the size is wrong, a callback is missing, the server has a bridge, or it has
 *                 started: *error says which
 * Thread: the one that opened the server. */
WEIR_API enum weir_code weir_server_set_bridge(struct weir_server *server,
                                               const struct weir_bridge *bridge,
                                               struct weir_error *error);

/* ---- What the bridge received from other nodes ----
 *
 * These calls affect this node only: the server does not report them to the bridge, except that
 * weir_bridge_evict() causes an on_name_unbound(). They do not block. Before the start and after
 * the end of the workers they find no member and no session. Thread: any, from
 * weir_server_set_bridge() until weir_server_free(). */

/* As weir_broadcast(), for the members on this node. Also returns WEIR_GONE: the server has not
 * started. */
WEIR_API enum weir_code weir_bridge_broadcast(struct weir_server *server, const char *group,
                                              const void *bytes, size_t length, uint64_t except_id);

/* As weir_send_name(), for a session of this node. For an id of this node, use weir_send(),
 * weir_finish() and weir_abort(): a bridge may call them at any time, too. */
WEIR_API enum weir_code weir_bridge_send_name(struct weir_server *server, const char *name,
                                              const void *bytes, size_t length);

/* Takes the name from the session `id` if it holds it, and finishes the session with
 * WEIR_REASON_REPLACED. Then on_name_unbound() runs inside this call. Returns:
 *   WEIR_OK            the name is free on this node, or another session holds it
 *   WEIR_MAILBOX_FULL  the session keeps the name: try again later */
WEIR_API enum weir_code weir_bridge_evict(struct weir_server *server, const char *name,
                                          uint64_t id);

/* As weir_group_count(), for the members on this node. Returns WEIR_GONE also before the start. */
WEIR_API enum weir_code weir_bridge_group_count(struct weir_server *server, const char *group,
                                                uint32_t deadline_ms, weir_group_count_fn *on_count,
                                                void *argument);

/* Answers on_count(): the sums over the other nodes. `incomplete`: a node did not answer in time.
 * `count` is invalid afterwards. Thread: any, also inside a callback of the bridge. */
WEIR_API void weir_bridge_counted(struct weir_bridge_count *count, uint64_t members,
                                  uint64_t offered, uint64_t dropped, bool incomplete);

/* ---- About this node ---- */

/* Returns the number of this node, config.node. Thread: any. */
WEIR_API uint32_t weir_bridge_node(const struct weir_server *server);

/* Returns whether weir_server_drain() or weir_server_stop() was called. Thread: any. */
WEIR_API bool weir_bridge_draining(const struct weir_server *server);

#ifdef __cplusplus
}
#endif

#endif
