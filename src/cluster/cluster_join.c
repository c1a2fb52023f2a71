/* SPDX-License-Identifier: MIT */
/* cluster_join.c - the start of a node: options, bridge, broker, thread, node number, server. The
 * server comes last: it has no bridge after a failure. */
#include "cluster_join.h"

#include <stdio.h>

#include "check.h"
#include "cluster_bridge.h"
#include "cluster_thread.h"
#include "error_fill.h"
#include "memory.h"
#include "sized.h"
#include "subjects.h"

#define CLUSTER_JOIN__CONNECT_MS 1000u /* for which the start waits for the broker */

static const struct sized cluster_join__sized = {"weir_cluster_options",
                                                 sizeof(struct weir_cluster_options),
                                                 sizeof(struct weir_cluster_options)};

/* ---- options ---- */

static void cluster_join__default(uint32_t *member, uint32_t value)
{
    if (*member == 0) *member = value;
}

static enum weir_code cluster_join__invalid(struct weir_error *error, const char *member,
                                            const char *reason, const char *hint)
{
    return error_fill(error, WEIR_INVALID, 0, BROKER_OPERATION, member, reason, hint);
}

enum weir_code cluster_join_options(const struct weir_cluster_options *given,
                                    struct weir_cluster_options *options, struct weir_error *error)
{
    struct subjects subjects;
    enum weir_code code = sized_copy(&cluster_join__sized, given, options, error);

    if (code != WEIR_OK) return code;
    if (!options->servers || !options->servers[0])
        return cluster_join__invalid(error, "servers", "no URL of a broker is given",
                                     "give at least one, such as nats://10.0.0.5:4222");
    if (!options->name)
        return cluster_join__invalid(error, "name", "the cluster has no name", NULL);
    if (!subjects_init(&subjects, options->name))
        return cluster_join__invalid(
            error, options->name, "a cluster cannot have this name",
            "use 1 to 64 letters, digits, - and _, the same on every node");
    if (options->stale != WEIR_CLUSTER_STALE_DROP && options->stale != WEIR_CLUSTER_STALE_KEEP)
        return cluster_join__invalid(error, "stale",
                                     "it must be a value of enum weir_cluster_stale", NULL);
    if (options->queue_bytes_max == 0) options->queue_bytes_max = UINT64_C(67108864);
    cluster_join__default(&options->keep_bytes_max, 8388608);
    cluster_join__default(&options->queue_messages_max, 65536);
    cluster_join__default(&options->write_timeout_ms, 500);
    cluster_join__default(&options->groups_max, 100000);
    cluster_join__default(&options->group_linger_ms, 5000);
    cluster_join__default(&options->hello_interval_ms, 2000);
    cluster_join__default(&options->count_deadline_max_ms, 1000);
    if (options->hello_interval_ms > 60000)
        return cluster_join__invalid(error, "hello_interval_ms", "it is longer than a minute",
                                     "other nodes would see late that a node has gone");
    return WEIR_OK;
}

/* ---- parts ---- */

static void cluster_join__undo(struct weir_cluster *cluster, bool has_broker)
{
    cluster_thread_free(cluster->thread);
    if (has_broker) cluster_bridge_close(cluster->bridge);
    cluster_bridge_free(cluster->bridge);
    memory_free(cluster);
}

/* Opens the bridge and its broker. */
static enum weir_code cluster_join__open(struct weir_server *server,
                                         const struct weir_cluster_options *options,
                                         broker_open *open, void *open_argument,
                                         struct weir_cluster *cluster, struct weir_error *error)
{
    struct broker *broker;
    const struct cluster_bridge_setup setup = {
        .options = options,
        .node = (uint8_t)weir_bridge_node(server),
        .local = &local_server_ops,
        .server = server,
        .wake = cluster->thread ? cluster_thread_wake : NULL,
        .wake_argument = cluster->thread,
    };
    enum weir_code code = cluster_bridge_open(&setup, &cluster->bridge, error);

    if (code != WEIR_OK) return code;
    const struct broker_events events = cluster_bridge_events(cluster->bridge);
    code = open(open_argument, options, &events, &broker, error);
    if (code == WEIR_OK) cluster_bridge_attach(cluster->bridge, broker);
    return code;
}

/* Whether the claim is decided. */
static bool cluster_join__is_claimed(const struct cluster_bridge *bridge)
{
    enum claim_state claim = cluster_bridge_claim(bridge);

    return claim == CLAIM_OWNED || claim == CLAIM_REFUSED;
}

/* Starts the thread, and waits for the node number if the broker is reachable. */
static enum weir_code cluster_join__claim(struct weir_server *server, struct weir_cluster *cluster,
                                          struct weir_error *error)
{
    char number[16];

    enum weir_code code = cluster_thread_start(cluster->thread, cluster->bridge, error);

    if (code != WEIR_OK) return code;
    if (!cluster_thread_wait(cluster->thread, cluster_bridge_is_connected,
                             CLUSTER_JOIN__CONNECT_MS))
        return WEIR_OK; /* the bridge goes on connecting, and asks later */
    cluster_thread_wait(cluster->thread, cluster_join__is_claimed, 2 * CLAIM_WAIT_MS);
    if (cluster_bridge_claim(cluster->bridge) != CLAIM_REFUSED) return WEIR_OK;
    snprintf(number, sizeof number, "node %u", (unsigned)weir_bridge_node(server));
    return error_fill(error, WEIR_NAME_TAKEN, 0, BROKER_OPERATION, number,
                      "a live node of the cluster has the same number",
                      "give each node another number (config.node, --node)");
}

static enum weir_code cluster_join__start(struct weir_server *server, struct weir_cluster *cluster,
                                          struct weir_error *error)
{
    enum weir_code code = cluster->thread ? cluster_join__claim(server, cluster, error) : WEIR_OK;

    if (code != WEIR_OK) return code;
    const struct weir_bridge callbacks = cluster_bridge_callbacks(cluster->bridge);
    return weir_server_set_bridge(server, &callbacks, error);
}

static enum weir_code cluster_join__join(struct weir_server *server,
                                         const struct weir_cluster_options *given,
                                         broker_open *open, void *open_argument, bool has_thread,
                                         struct weir_cluster **joined, struct weir_error *error)
{
    struct weir_cluster_options options = {0};
    enum weir_code code = cluster_join_options(given, &options, error);

    if (code != WEIR_OK) return code;
    struct weir_cluster *cluster = memory_alloc(sizeof *cluster);
    if (cluster && has_thread) cluster->thread = cluster_thread_open();
    if (!cluster || (has_thread && !cluster->thread)) {
        memory_free(cluster);
        return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, options.name, NULL, NULL);
    }
    code = cluster_join__open(server, &options, open, open_argument, cluster, error);
    bool has_broker = code == WEIR_OK;
    if (code == WEIR_OK) code = cluster_join__start(server, cluster, error);
    if (code == WEIR_OK)
        *joined = cluster;
    else
        cluster_join__undo(cluster, has_broker);
    return code;
}

enum weir_code cluster_join_broker(struct weir_server *server,
                                   const struct weir_cluster_options *options, broker_open *open,
                                   void *open_argument, struct weir_cluster **cluster,
                                   struct weir_error *error)
{
    return cluster_join__join(server, options, open, open_argument, true, cluster, error);
}

enum weir_code cluster_join_here(struct weir_server *server,
                                 const struct weir_cluster_options *options, broker_open *open,
                                 void *open_argument, struct weir_cluster **cluster,
                                 struct weir_error *error)
{
    return cluster_join__join(server, options, open, open_argument, false, cluster, error);
}

uint64_t cluster_join_step(struct weir_cluster *cluster, uint64_t now_ms)
{
    weir_check(cluster->thread == NULL);
    return cluster_bridge_step(cluster->bridge, now_ms);
}
