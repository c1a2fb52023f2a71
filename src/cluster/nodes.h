/* SPDX-License-Identifier: MIT */
/* nodes.h - the other nodes of the cluster, as far as they have been heard.
 *
 *      hello, any message  -> live: heard within NODES_SILENT_INTERVALS of its hello interval
 *      bye, or silence     -> gone
 *
 * An incarnation is a start of a node; later starts have higher numbers, unless the clock was set
 * back. So a message of a lower incarnation comes from an earlier start, and is refused as long as
 * the later one is live.
 *
 * Thread: any.
 */
#ifndef CLUSTER_NODES_H
#define CLUSTER_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cluster.h>

#define NODES_SILENT_INTERVALS 3u
#define NODES_COUNT_MAX 256u
#define NODES_INTERVAL_MS_MAX 60000u

struct nodes;

/* A set of node numbers. */
struct nodes_set {
    uint64_t bits[NODES_COUNT_MAX / 64];
};

/* Returns a table without nodes; null: out of memory. interval_ms is that of this node, used for a
 * node that has said no hello yet. */
struct nodes *nodes_open(uint32_t interval_ms);
void nodes_free(struct nodes *nodes); /* null is allowed */

/* A message of the node has arrived. Returns false if a later incarnation of the node is live. */
bool nodes_heard(struct nodes *nodes, uint8_t node, uint64_t incarnation, uint64_t now_ms);

/* What a node says about itself. */
struct nodes_hello {
    uint8_t node;
    bool draining;
    uint32_t interval_ms;
    uint64_t incarnation, sessions;
    const uint8_t *address; /* text that is not trusted */
    size_t address_length;
};

/* Returns whether this is the node's first hello: it may know this one as little. */
bool nodes_hello(struct nodes *nodes, const struct nodes_hello *hello, uint64_t now_ms);
void nodes_bye(struct nodes *nodes, uint8_t node, uint64_t incarnation);

/* Ends the nodes that have been silent for too long. Returns when it must be called next. */
uint64_t nodes_step(struct nodes *nodes, uint64_t now_ms);

/* Returns how many are live. *set, which may be null: their numbers. */
size_t nodes_live(struct nodes *nodes, struct nodes_set *set);

/* As weir_cluster_nodes(). */
size_t nodes_list(struct nodes *nodes, uint64_t now_ms, struct weir_cluster_node *list,
                  size_t node_size, size_t nodes_max);

#endif
