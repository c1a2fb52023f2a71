/* SPDX-License-Identifier: MIT */
/* cluster_fake.h - nodes of a cluster in virtual time: real bridges over the broker in memory,
 * and a fake server for each, which records what the bridge asks of it.
 *
 *      test -> node->calls (struct weir_bridge) -> bridge -> hub -> bridge -> fake server
 */
#ifndef SUPPORT_CLUSTER_FAKE_H
#define SUPPORT_CLUSTER_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/bridge.h>
#include <weir/cluster.h>

#include "cluster_bridge.h"
#include "memory_broker.h"

#define CLUSTER_FAKE_NODES_MAX 8u

/* A call that the bridge made. */
struct cluster_fake_call {
    char kind[12]; /* "broadcast", "send", "finish", "abort", "send_name", "evict" */
    char name[64], text[64];
    uint64_t id;
};

struct cluster_fake_count {
    bool is_answered, incomplete;
    uint64_t members, offered, dropped;
};

struct cluster_fake_node {
    struct cluster_bridge *bridge; /* null: the node does not run */
    struct broker broker;          /* in front of that of the hub */
    struct broker *in_hub;
    enum weir_code publish_result; /* not WEIR_OK: publishing fails with it */
    uint32_t publishes_failed;
    struct weir_bridge calls;
    uint32_t number;
    struct weir_cluster_options options;
    enum weir_code result; /* of the next calls of the bridge */
    uint64_t members;      /* that the fake server reports for any group */
    bool answers_counts;
    bool unbinds; /* an evicted session gives its name up, as in the server */
    struct cluster_fake_call log[256];
    uint32_t log_count; /* of all calls; only the last ones are in `log` */
    char last_line[256];
};

extern struct cluster_fake_node cluster_fake_nodes[CLUSTER_FAKE_NODES_MAX];
extern struct memory_hub *cluster_fake_hub;
extern uint64_t cluster_fake_now_ms;

/* Begins and ends a test. All nodes are closed. */
void cluster_fake_begin(uint64_t seed);
void cluster_fake_end(void);

/* Starts node i with its number, by default i. Set `options` before. */
struct cluster_fake_node *cluster_fake_start(uint32_t i);

/* Ends it; or kills it, without a word to the others. */
void cluster_fake_stop(uint32_t i);
void cluster_fake_kill(uint32_t i);

/* Lets the time pass. */
void cluster_fake_pass(uint64_t ms);

/* Starts nodes 0 to count - 1, and waits until they know each other. */
void cluster_fake_start_all(uint32_t count);

struct weir_cluster_stats cluster_fake_stats(uint32_t i);

/* Calls of node i for a handler. */
void cluster_fake_broadcast(uint32_t i, const char *group, const char *text);
void cluster_fake_count(uint32_t i, const char *group, uint32_t deadline_ms,
                        struct cluster_fake_count *count);

/* The call that the bridge of node i made `back` calls ago; 0: the last one. */
const struct cluster_fake_call *cluster_fake_call(uint32_t i, uint32_t back);

#endif
