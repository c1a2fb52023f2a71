/* SPDX-License-Identifier: MIT */
/* serve_cluster.c - see serve_cluster.h. */
#include "serve_cluster.h"

#include <stdatomic.h>

static struct weir_cluster *_Atomic serve_cluster__joined; /* null: none */

enum weir_code serve_cluster_join(const struct options *options, struct weir_server *server,
                                  struct weir_error *error)
{
    struct weir_cluster *cluster = NULL;

    if (!options->cluster.servers) return WEIR_OK;
    enum weir_code code = weir_cluster_join(server, &options->cluster, &cluster, error);
    atomic_store(&serve_cluster__joined, cluster);
    return code;
}

void serve_cluster_leave(struct weir_server *server)
{
    struct weir_cluster *cluster = atomic_exchange(&serve_cluster__joined, NULL);

    if (!cluster) return;
    weir_server_stop(server);
    weir_server_wait(server);
    weir_cluster_leave(cluster);
}

bool serve_cluster_stats(struct weir_cluster_stats *stats)
{
    const struct weir_cluster *cluster = atomic_load(&serve_cluster__joined);

    if (cluster) weir_cluster_read_stats(cluster, stats, sizeof *stats);
    return cluster != NULL;
}

size_t serve_cluster_nodes(struct weir_cluster_node *nodes, size_t nodes_max)
{
    const struct weir_cluster *cluster = atomic_load(&serve_cluster__joined);

    return cluster ? weir_cluster_nodes(cluster, nodes, sizeof *nodes, nodes_max) : 0;
}
