/* SPDX-License-Identifier: MIT */
/* serve_cluster.h - the cluster of `weir serve` (--cluster). Without --cluster these calls do
 * nothing. Thread: the main one, unless a comment says otherwise. */
#ifndef CLI_SERVE_CLUSTER_H
#define CLI_SERVE_CLUSTER_H

#include "options.h"

/* Joins the cluster, before the server starts. */
enum weir_code serve_cluster_join(const struct options *options, struct weir_server *server,
                                  struct weir_error *error);

/* Leaves it, after the server has ended and before it is freed. `server`: as in
 * serve_admin_stop(). */
void serve_cluster_leave(struct weir_server *server);

/* Fill in what the admin server shows. Return false or 0 without a cluster. Thread: any, until
 * serve_cluster_leave(). */
bool serve_cluster_stats(struct weir_cluster_stats *stats);
size_t serve_cluster_nodes(struct weir_cluster_node *nodes, size_t nodes_max);

#endif
