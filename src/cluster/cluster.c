/* SPDX-License-Identifier: MIT */
/* cluster.c - the calls of weir/cluster.h, over NATS. */
#include <string.h>

#include <weir/cluster.h>

#include "broker_nats.h"
#include "cluster_bridge.h"
#include "cluster_join.h"
#include "cluster_thread.h"
#include "memory.h"

enum weir_code weir_cluster_join(struct weir_server *server,
                                 const struct weir_cluster_options *options,
                                 struct weir_cluster **cluster, struct weir_error *error)
{
    return cluster_join_broker(server, options, broker_nats_open, NULL, cluster, error);
}

enum weir_code weir_cluster_check(const struct weir_cluster_options *given,
                                  struct weir_error *error)
{
    struct weir_cluster_options options = {.size = 0};
    enum weir_code code = cluster_join_options(given, &options, error);

    return code == WEIR_OK ? broker_nats_check(&options, error) : code;
}

void weir_cluster_leave(struct weir_cluster *cluster)
{
    if (!cluster) return;
    cluster_thread_free(cluster->thread);
    cluster_bridge_close(cluster->bridge);
    cluster_bridge_free(cluster->bridge);
    memory_free(cluster);
}

void weir_cluster_read_stats(const struct weir_cluster *cluster, struct weir_cluster_stats *stats,
                             size_t stats_size)
{
    struct weir_cluster_stats whole;

    cluster_bridge_stats(cluster->bridge, &whole);
    memset(stats, 0, stats_size);
    memcpy(stats, &whole, stats_size < sizeof whole ? stats_size : sizeof whole);
}

size_t weir_cluster_nodes(const struct weir_cluster *cluster, struct weir_cluster_node *nodes,
                          size_t node_size, size_t nodes_max)
{
    return cluster_bridge_nodes(cluster->bridge, nodes, node_size, nodes_max);
}
