/* SPDX-License-Identifier: MIT */
/* bridge_parts.c - allocates and frees a bridge with all its parts, and reads its counts. */
#include <stdio.h>
#include <string.h>

#include "bridge_state.h"
#include "cluster_bridge.h"
#include "error_fill.h"
#include "memory.h"

#define BRIDGE_PARTS__STREAMS_MAX 65536u
#define BRIDGE_PARTS__CONTROLS_MAX 4096u
#define BRIDGE_PARTS__CONTROLS_BYTES_MAX 2097152u

void cluster_bridge_free(struct cluster_bridge *bridge)
{
    if (!bridge) return;
    streams_free(bridge->sent);
    streams_free(bridge->received);
    counts_free(bridge->counts);
    claim_free(bridge->claim);
    nodes_free(bridge->nodes);
    binds_free(bridge->binds);
    interest_free(bridge->interest);
    outbox_free(bridge->controls);
    outbox_free(bridge->messages);
    memory_free(bridge);
}

/* Returns false if memory is exhausted. */
static bool bridge_parts__open(struct cluster_bridge *bridge, const struct siphash_key *key)
{
    const struct weir_cluster_options *options = &bridge->options;

    bridge->messages = outbox_open(options->queue_messages_max, options->queue_bytes_max);
    bridge->controls = outbox_open(BRIDGE_PARTS__CONTROLS_MAX, BRIDGE_PARTS__CONTROLS_BYTES_MAX);
    bridge->interest = interest_open(&bridge->subjects, &bridge->tallies, options->groups_max,
                                     options->group_linger_ms, key);
    bridge->binds = binds_open(bridge->node, key);
    bridge->nodes = nodes_open(options->hello_interval_ms);
    bridge->claim =
        claim_open(bridge->incarnation, NODES_SILENT_INTERVALS * options->hello_interval_ms);
    bridge->counts = counts_open();
    bridge->received = streams_open(BRIDGE_PARTS__STREAMS_MAX, key);
    bridge->sent = streams_open(BRIDGE_PARTS__STREAMS_MAX, key);
    return bridge->messages && bridge->controls && bridge->interest && bridge->binds &&
           bridge->nodes && bridge->claim && bridge->counts && bridge->received && bridge->sent;
}

/* The members that stay constant. */
static void bridge_parts__init(struct cluster_bridge *bridge,
                               const struct cluster_bridge_setup *setup)
{
    bool has_name = subjects_init(&bridge->subjects, setup->options->name);

    weir_check(has_name); /* cluster_join_options() has read it */
    bridge->options = *setup->options;
    bridge->node = setup->node;
    bridge->local = setup->local;
    bridge->server = setup->server;
    bridge->wake = setup->wake;
    bridge->wake_argument = setup->wake_argument;
    snprintf(bridge->address, sizeof bridge->address, "%s",
             setup->options->address ? setup->options->address : "");
    subjects_node(&bridge->subjects, setup->node, &bridge->own_subject);
    subjects_hello(&bridge->subjects, &bridge->hello_subject);
    subjects_questions(&bridge->subjects, &bridge->questions_subject);
}

enum weir_code cluster_bridge_open(const struct cluster_bridge_setup *setup,
                                   struct cluster_bridge **opened, struct weir_error *error)
{
    struct cluster_bridge *bridge = memory_alloc(sizeof *bridge);
    struct siphash_key key;
    uint16_t random;

    if (!bridge)
        return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, setup->options->name, NULL,
                          NULL);
    bridge_parts__init(bridge, setup);
    if (weir_random(&key, sizeof key) != WEIR_OK ||
        weir_random(&random, sizeof random) != WEIR_OK) {
        memory_free(bridge);
        return error_fill(error, WEIR_SYSTEM, 0, BROKER_OPERATION, setup->options->name,
                          "the system has no random numbers", NULL);
    }
    bridge->incarnation = (uint64_t)weir_unix_time_ms() << 16 | random;
    if (!bridge_parts__open(bridge, &key)) {
        cluster_bridge_free(bridge);
        return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, setup->options->name, NULL,
                          NULL);
    }
    *opened = bridge;
    return WEIR_OK;
}

/* ---- counts ---- */

static enum weir_cluster_state bridge_parts__state(const struct cluster_bridge *bridge)
{
    switch (atomic_load(&bridge->gate)) {
    case BRIDGE_OPEN: return WEIR_CLUSTER_CONNECTED;
    case BRIDGE_REFUSED: return WEIR_CLUSTER_REFUSED;
    default: return WEIR_CLUSTER_CONNECTING;
    }
}

void cluster_bridge_stats(const struct cluster_bridge *bridge, struct weir_cluster_stats *stats)
{
    const struct tallies *from = &bridge->tallies;

    *stats = (struct weir_cluster_stats){
        .state = bridge_parts__state(bridge),
        .connects = tallies_read(from, TALLY_CONNECTS),
        .disconnects = tallies_read(from, TALLY_DISCONNECTS),
        .queue_messages = outbox_messages(bridge->messages),
        .queue_bytes = outbox_bytes(bridge->messages),
        .groups = interest_count(bridge->interest, SUBJECT_GROUP),
        .names = interest_count(bridge->interest, SUBJECT_NAME),
        .nodes = nodes_live(bridge->nodes, NULL),
        .sent = tallies_read(from, TALLY_SENT),
        .sent_bytes = tallies_read(from, TALLY_SENT_BYTES),
        .dropped_away = tallies_read(from, TALLY_DROPPED_AWAY),
        .dropped_queue = tallies_read(from, TALLY_DROPPED_QUEUE),
        .dropped_write = tallies_read(from, TALLY_DROPPED_WRITE),
        .dropped_too_large = tallies_read(from, TALLY_DROPPED_TOO_LARGE),
        .dropped_refused = tallies_read(from, TALLY_DROPPED_REFUSED),
        .dropped_memory = tallies_read(from, TALLY_DROPPED_MEMORY),
        .received = tallies_read(from, TALLY_RECEIVED),
        .received_bytes = tallies_read(from, TALLY_RECEIVED_BYTES),
        .refused_mailbox = tallies_read(from, TALLY_REFUSED_MAILBOX),
        .refused_gone = tallies_read(from, TALLY_REFUSED_GONE),
        .refused_repeated = tallies_read(from, TALLY_REFUSED_REPEATED),
        .refused_malformed = tallies_read(from, TALLY_REFUSED_MALFORMED),
        .refused_other = tallies_read(from, TALLY_REFUSED_OTHER),
        .gaps = tallies_read(from, TALLY_GAPS),
        .slow_consumer = tallies_read(from, TALLY_SLOW_CONSUMER),
        .groups_refused = tallies_read(from, TALLY_GROUPS_REFUSED),
        .evicted = tallies_read(from, TALLY_EVICTED),
        .conflicts = tallies_read(from, TALLY_CONFLICTS),
    };
}

size_t cluster_bridge_nodes(const struct cluster_bridge *bridge, struct weir_cluster_node *nodes,
                            size_t node_size, size_t nodes_max)
{
    return nodes_list(bridge->nodes, weir_now(), nodes, node_size, nodes_max);
}
