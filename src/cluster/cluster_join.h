/* SPDX-License-Identifier: MIT */
/* cluster_join.h - makes a server a node of a cluster, over any broker. */
#ifndef CLUSTER_CLUSTER_JOIN_H
#define CLUSTER_CLUSTER_JOIN_H

#include <stdint.h>

#include <weir/cluster.h>

#include "broker.h"

struct cluster_bridge;
struct cluster_thread;

struct weir_cluster {
    struct cluster_bridge *bridge;
    struct cluster_thread *thread; /* null: the caller runs the steps */
};

/* Checks the options, except for what only the broker knows, and completes them by the defaults. */
enum weir_code cluster_join_options(const struct weir_cluster_options *given,
                                    struct weir_cluster_options *options, struct weir_error *error);

/* As weir_cluster_join(), with the broker that `open` opens. */
enum weir_code cluster_join_broker(struct weir_server *server,
                                   const struct weir_cluster_options *options, broker_open *open,
                                   void *open_argument, struct weir_cluster **cluster,
                                   struct weir_error *error);

/* For tests. Without a thread: the caller runs cluster_join_step(), and the claim to the node
 * number is decided by later steps. The time comes from weir_now() and weir_unix_time_ms(). */
enum weir_code cluster_join_here(struct weir_server *server,
                                 const struct weir_cluster_options *options, broker_open *open,
                                 void *open_argument, struct weir_cluster **cluster,
                                 struct weir_error *error);

/* One bounded step of the bridge. Returns when the next one must run. */
uint64_t cluster_join_step(struct weir_cluster *cluster, uint64_t now_ms);

#endif
