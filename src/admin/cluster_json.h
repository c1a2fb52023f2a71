/* SPDX-License-Identifier: MIT */
/* cluster_json.h - the cluster of the observed server as JSON. */
#ifndef ADMIN_CLUSTER_JSON_H
#define ADMIN_CLUSTER_JSON_H

#include "json.h"
#include "snapshot.h"

/* Writes the member "cluster": state, counters and other nodes; nothing without a cluster.
 * `read_nodes`: of struct admin_settings; or null. */
void cluster_json_write(struct json *json, const struct snapshot *snapshot,
                        size_t (*read_nodes)(struct weir_cluster_node *nodes, size_t nodes_max));

#endif
