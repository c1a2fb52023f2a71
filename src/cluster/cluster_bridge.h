/* SPDX-License-Identifier: MIT */
/* cluster_bridge.h - the bridge between the server of this node and a broker. It has no thread of
 * its own: cluster_thread.c runs its steps, and so do tests.
 *
 *      open -> broker_open() with cluster_bridge_events() -> attach -> steps -> close -> free
 */
#ifndef CLUSTER_CLUSTER_BRIDGE_H
#define CLUSTER_CLUSTER_BRIDGE_H

#include <stdint.h>

#include <weir/bridge.h>
#include <weir/cluster.h>

#include "broker.h"
#include "claim.h"
#include "local_server.h"

struct cluster_bridge;

/* What a bridge works with. */
struct cluster_bridge_setup {
    const struct weir_cluster_options *options; /* without zeros where there is a default */
    uint8_t node;
    const struct local_server_ops *local;
    struct weir_server *server; /* passed to the calls of `local` */
    /* Makes the thread of the steps run one. Thread: any. Null: the caller does it by itself. */
    void (*wake)(void *argument);
    void *wake_argument;
};

/* Returns WEIR_OK with *bridge; or WEIR_INVALID (the name of the cluster), WEIR_NO_MEMORY or
 * WEIR_SYSTEM (no random bytes) with the cause in *error. */
enum weir_code cluster_bridge_open(const struct cluster_bridge_setup *setup,
                                   struct cluster_bridge **bridge, struct weir_error *error);

/* What the broker must call. */
struct broker_events cluster_bridge_events(struct cluster_bridge *bridge);

/* Takes the broker over, before the first step. */
void cluster_bridge_attach(struct cluster_bridge *bridge, struct broker *broker);

/* The callbacks for the server. From now on the server can be called, too. */
struct weir_bridge cluster_bridge_callbacks(struct cluster_bridge *bridge);

/* One bounded round: it waits for nothing but the broker's calls. Returns when the next one must
 * run, if the bridge is not woken before. Thread: one at a time. */
uint64_t cluster_bridge_step(struct cluster_bridge *bridge, uint64_t now_ms);

/* Publishes what waits, for at most write_timeout_ms plus one second, takes leave of the other
 * nodes, and closes the broker. What is left is counted as dropped. */
void cluster_bridge_close(struct cluster_bridge *bridge);
void cluster_bridge_free(struct cluster_bridge *bridge); /* null is allowed */

/* Whether the broker is connected; the state of the claim to the node number. Thread: any. */
bool cluster_bridge_is_connected(const struct cluster_bridge *bridge);
enum claim_state cluster_bridge_claim(const struct cluster_bridge *bridge);

/* As weir_cluster_read_stats() and weir_cluster_nodes(). Thread: any. */
void cluster_bridge_stats(const struct cluster_bridge *bridge, struct weir_cluster_stats *stats);
size_t cluster_bridge_nodes(const struct cluster_bridge *bridge, struct weir_cluster_node *nodes,
                            size_t node_size, size_t nodes_max);

#endif
