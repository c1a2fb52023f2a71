/* SPDX-License-Identifier: MIT */
/* cluster_world.h - virtual nodes of one cluster: servers on one simulated network, connected by
 * the broker in memory, with clients. One thread, virtual time, one seed.
 *
 *      client --line--> [ node: server, cluster ] --struct broker--> hub --> other nodes
 *
 * What a client says:                  what the node does, and answers
 *      j GROUP, l GROUP                joins, leaves
 *      b GROUP                         broadcasts "m GROUP NODE LIFE NUMBER", numbered per group
 *      r NAME, f NAME                  binds (REPLACE, IF_FREE): "bound NAME" or "taken NAME"
 *      u                               unbinds: "unbound"
 *      s NAME                          sends "n NAME NODE LIFE NUMBER" to the name
 *
 * Each "m" that a client receives is checked immediately: it must come after the last one of its
 * node, life (start of the node) and group, so no message comes twice or too late.
 */
#ifndef SUPPORT_CLUSTER_WORLD_H
#define SUPPORT_CLUSTER_WORLD_H

#include <weir/cluster.h>
#include <weir/weir.h>

#include "memory_broker.h"

#define CLUSTER_WORLD_NODES_MAX 52u
#define CLUSTER_WORLD_CLIENTS_MAX 2u /* of a node */
#define CLUSTER_WORLD_GROUPS 4u      /* "0" to "3" */
#define CLUSTER_WORLD_STEP_MS 5u

struct sim_peer;
struct cluster_node;

struct cluster_client {
    struct cluster_node *node;
    struct sim_peer *peer; /* null: not connected */
    char line[128];        /* an incomplete one */
    uint32_t line_length;
    char name[16];      /* that it holds; "": none */
    uint64_t bound_at;  /* world->now_ms of that */
    uint32_t name_news; /* "n" received */
    bool in_group[CLUSTER_WORLD_GROUPS];
    uint64_t news;       /* "m" received from other nodes, in all groups */
    uint64_t local_news; /* from its own node */
    struct {
        uint32_t life, number; /* of the last "m" */
    } last[CLUSTER_WORLD_NODES_MAX][CLUSTER_WORLD_GROUPS];
};

struct cluster_node {
    struct cluster_world *world;
    uint32_t slot, number;      /* number: weir_config.node */
    uint32_t life;              /* starts so far */
    struct weir_server *server; /* null: it does not run */
    struct weir_cluster *cluster;
    uint64_t due_ms; /* of the next cluster_join_step() */
    bool is_cut;
    uint32_t numbers[CLUSTER_WORLD_GROUPS]; /* of its last broadcasts, in this life */
    uint32_t name_numbers;
    uint64_t accepted;     /* broadcasts, in this life */
    uint64_t remote_sends; /* to names without a holder on this node */
    struct cluster_client clients[CLUSTER_WORLD_CLIENTS_MAX];
};

struct cluster_world {
    struct net_simulation *simulation;
    struct memory_hub *hub;
    uint64_t now_ms; /* since the beginning */
    uint64_t random;
    uint32_t nodes_count;
    struct cluster_node nodes[CLUSTER_WORLD_NODES_MAX];
};

/* Opens a world whose nodes do not run yet. Node i has the number i + 1. One world at a time. */
struct cluster_world *cluster_world_open(uint64_t seed, uint32_t nodes_count,
                                         const struct memory_hub_options *hub);
void cluster_world_free(struct cluster_world *world); /* stops the nodes */

/* Returns a random number below `bound`, from the seed. */
uint32_t cluster_world_roll(struct cluster_world *world, uint32_t bound);

/* Starts a node, and connects its clients, which join group "0". Returns the result of the join.
 * After a failure the node does not run. */
enum weir_code cluster_world_start(struct cluster_world *world, uint32_t node);
/* Ends a node. `kill`: as kill -9 does, without a word to the others. */
void cluster_world_stop(struct cluster_world *world, uint32_t node, bool kill);

/* Passes time: everything runs in every step, of CLUSTER_WORLD_STEP_MS or of this many. */
void cluster_world_run(struct cluster_world *world, uint32_t ms);
void cluster_world_run_by(struct cluster_world *world, uint32_t ms, uint32_t step_ms);

/* Lets the client say a line. Does nothing if it is not connected. */
void cluster_client_say(struct cluster_client *client, const char *verb, const char *object);
/* Disconnects the client, if it is connected, and connects it again. It joins group "0". */
void cluster_client_connect(struct cluster_client *client);

struct weir_cluster_stats cluster_node_stats(const struct cluster_node *node);

/* Returns the clients of all nodes that hold the name; *holder is the last of them. */
uint32_t cluster_world_holders(struct cluster_world *world, const char *name,
                               struct cluster_client **holder);

/* Prints the state of the nodes, for a failure. */
void cluster_world_print(struct cluster_world *world);

#endif
