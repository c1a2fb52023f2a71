/* SPDX-License-Identifier: MIT */
/* cluster.h - one server on several machines (nodes): groups, names and session ids reach across
 * them through a message broker, NATS. Link with weir::cluster.
 *
 *      struct weir_cluster_options options = {.size = sizeof options};
 *      options.servers = "nats://10.0.0.5:4222, nats://10.0.0.6:4222";
 *      options.name = "shop";
 *      config.node = 3;                                     // different on each node
 *      weir_server_open(&config, &server, &error);
 *      weir_cluster_join(server, &options, &cluster, &error);
 *      weir_server_start(server, &error);
 *      ...
 *      weir_server_wait(server);
 *      weir_cluster_leave(cluster);
 *      weir_server_free(server);
 *
 * Then weir_broadcast(), weir_session_broadcast(), weir_send(), weir_finish(), weir_abort(),
 * weir_session_bind(), weir_send_name() and weir_group_count() reach every node. A message reaches
 * a session of another node at most once. The messages of one thread to one group, session or name
 * stay in order. WEIR_OK says nothing about sessions of other nodes. docs/cluster.md describes what
 * happens when a node or the broker fails.
 */
#ifndef WEIR_CLUSTER_H
#define WEIR_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_cluster;
struct weir_server;

/* What becomes of messages for other nodes while the broker is away. */
enum weir_cluster_stale {
    WEIR_CLUSTER_STALE_DROP, /* dropped immediately, and counted */
    WEIR_CLUSTER_STALE_KEEP, /* kept up to keep_bytes_max, and sent when the broker is back */
};

/* Zero the struct, then set `size`, `servers` and `name`. 0 is the default of every other member.
 * Everything that it points to is read during weir_cluster_join() only. */
struct weir_cluster_options {
    size_t size;             /* sizeof(struct weir_cluster_options) of the author's version */
    const char *servers;     /* URLs of the broker's servers, separated by commas */
    const char *name;        /* of the cluster: 1 to 64 letters, digits, - and _ */
    const char *credentials; /* file of NATS credentials (nkey and JWT); null: none */
    const char *tls_ca; /* file of the certificates that may sign the broker's; null: the system's,
                          * if a URL begins with tls:// */
    enum weir_cluster_stale stale;
    uint32_t keep_bytes_max;     /* with WEIR_CLUSTER_STALE_KEEP: default 8 MiB */
    uint32_t queue_messages_max; /* that wait for the bridge's thread: default 65536 */
    uint64_t queue_bytes_max;    /* and their bytes: default 64 MiB */
    uint32_t write_timeout_ms;   /* for one write to the broker: default 500 */
    uint32_t groups_max;         /* groups and names of this node in the broker: default 100000 */
    uint32_t group_linger_ms;    /* a group without members stays in the broker: default 5000 */
    uint32_t hello_interval_ms;  /* a node says that it is alive: default 2000 */
    uint32_t count_deadline_max_ms; /* longest wait for the counts of other nodes: default 1000 */
    const char *address;            /* of this node, for people: in the list of nodes; null: none */
};

/* Returns whether weir was built with the library of a broker (libnats). Thread: any. */
WEIR_API bool weir_cluster_is_supported(void);

/* Checks the options as weir_cluster_join() does, and reads the files that they name. Connects to
 * nothing. Returns WEIR_OK, WEIR_INVALID, WEIR_UNSUPPORTED or WEIR_NO_MEMORY. Thread: any. */
WEIR_API enum weir_code weir_cluster_check(const struct weir_cluster_options *options,
                                           struct weir_error *error);

/* Makes the server a node of the cluster; its number is config.node. Starts the bridge's thread and
 * connects to the broker. If the broker is reachable, waits up to a second for another node that
 * has the same number; otherwise goes on connecting in the background, and asks later. To be called
 * before weir_server_start(). Returns:
 *   WEIR_OK           *cluster is set; weir_cluster_leave() frees it
 *   WEIR_INVALID      a member is wrong: *error names it, the cause and the next step
 *   WEIR_UNSUPPORTED  weir was built without libnats
 *   WEIR_NAME_TAKEN   a live node of this cluster has the same number
 *   WEIR_NO_MEMORY
 *   WEIR_SYSTEM       a call of the system or of libnats failed: *error says which
 * Thread: the one that opened the server. */
WEIR_API enum weir_code weir_cluster_join(struct weir_server *server,
                                          const struct weir_cluster_options *options,
                                          struct weir_cluster **cluster, struct weir_error *error);

/* Tells the other nodes that this one leaves, ends the bridge's thread and frees the cluster. To be
 * called after weir_server_wait() and before weir_server_free(); null is allowed. */
WEIR_API void weir_cluster_leave(struct weir_cluster *cluster);

/* Whether the node works with the others. */
enum weir_cluster_state {
    WEIR_CLUSTER_CONNECTING, /* the broker is away */
    WEIR_CLUSTER_CONNECTED,
    /* A live node has the same number, which showed after the start: nothing is sent or received
     * until one of the two is restarted with another number. */
    WEIR_CLUSTER_REFUSED,
};

/* Counts since weir_cluster_join(). A broadcast counts once, not once per member or node. Each
 * message from a handler or thread for other nodes is counted in exactly one of `sent` and
 * dropped_...; each message that arrives in exactly one of `received` and refused_.... Later
 * versions add members at the end. */
struct weir_cluster_stats {
    enum weir_cluster_state state;
    uint64_t connects, disconnects;
    uint64_t queue_messages, queue_bytes; /* that wait now */
    uint64_t groups, names;               /* of this node in the broker, now */
    uint64_t nodes;                       /* other live nodes, now */
    uint64_t sent, sent_bytes;            /* handed to the broker's connection */
    uint64_t dropped_away;                /* the broker was away */
    uint64_t dropped_queue;               /* the queue to the bridge was full */
    uint64_t dropped_write;               /* the broker did not read within write_timeout_ms */
    uint64_t dropped_too_large;           /* larger than the broker allows */
    uint64_t dropped_refused;             /* state WEIR_CLUSTER_REFUSED */
    uint64_t dropped_memory;              /* memory was exhausted */
    uint64_t received, received_bytes;    /* passed to this node's workers */
    uint64_t refused_mailbox;             /* a worker's mailbox was full */
    uint64_t refused_gone;                /* the session or name has gone, or the group is empty */
    uint64_t refused_repeated;            /* arrived twice, or after a later one */
    uint64_t refused_malformed;           /* not a message of weir, or of an unknown version */
    uint64_t refused_other;               /* the message cannot be sent: too large, no memory */
    uint64_t gaps;           /* messages that another node sent and that did not arrive here */
    uint64_t slow_consumer;  /* messages that the broker's library dropped: they are also gaps */
    uint64_t groups_refused; /* joins beyond groups_max: their groups do not reach other nodes */
    uint64_t evicted;        /* sessions that lost their name to a session of another node */
    uint64_t conflicts;      /* other nodes seen with the number of this one */
};

/* Thread: any, until weir_cluster_leave(). */
WEIR_API void weir_cluster_read_stats(const struct weir_cluster *cluster,
                                      struct weir_cluster_stats *stats, size_t stats_size);

/* Another node. */
struct weir_cluster_node {
    uint32_t node;
    uint64_t incarnation; /* differs after each start */
    uint64_t sessions;    /* open when it last said hello */
    uint32_t silent_ms;   /* since then */
    bool draining;
    char address[64];
};

/* Copies the live nodes, by number, at most nodes_max, into `nodes` of `node_size` bytes each.
 * Returns how many there are. Thread: any, until weir_cluster_leave(). */
WEIR_API size_t weir_cluster_nodes(const struct weir_cluster *cluster,
                                   struct weir_cluster_node *nodes, size_t node_size,
                                   size_t nodes_max);

#ifdef __cplusplus
}
#endif

#endif
