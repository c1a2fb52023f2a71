/* SPDX-License-Identifier: MIT */
/* bridge_state.h - the data of a bridge, for the files that it consists of.
 *
 *      any thread     outgoing.c    -> outbox, interest, binds, counts     (never blocks)
 *      bridge thread  cluster_bridge.c, publishing.c -> broker
 *      broker thread  incoming.c    -> this node's server; nodes, claim, binds, counts
 *
 * The gate tells any thread with one load whether messages for other nodes are taken.
 */
#ifndef CLUSTER_BRIDGE_STATE_H
#define CLUSTER_BRIDGE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/cluster.h>

#include "atomic.h"
#include "binds.h"
#include "broker.h"
#include "claim.h"
#include "counts.h"
#include "interest.h"
#include "local_server.h"
#include "node_wire.h"
#include "nodes.h"
#include "outbox.h"
#include "streams.h"
#include "subjects.h"
#include "tallies.h"

enum bridge_gate {
    BRIDGE_AWAY,    /* the broker is away, or the number of this node is not claimed yet */
    BRIDGE_OPEN,    /* messages are published */
    BRIDGE_REFUSED, /* another node has the number */
};

struct cluster_bridge {
    /* Constant. */
    struct weir_cluster_options options; /* with defaults; its strings are not valid any longer */
    char address[sizeof((struct weir_cluster_node *)0)->address];
    uint8_t node;
    uint64_t incarnation;
    struct subjects subjects;
    struct subject own_subject, hello_subject, questions_subject;
    const struct local_server_ops *local;
    struct weir_server *server;
    void (*wake)(void *argument); /* makes the bridge's thread run a step; any thread */
    void *wake_argument;

    /* Any thread. */
    _Atomic int gate;                /* enum bridge_gate */
    _Atomic uint64_t stuck_until_ms; /* the broker did not read; 0: it does */
    _Atomic bool is_connected;       /* set by the broker's events */
    _Atomic bool is_attached;        /* the server calls this bridge, and can be called */
    _Atomic uint64_t nodes_known_ms; /* before it, other nodes may be unknown */
    _Atomic uint32_t reconnects_count;
    struct tallies tallies;
    struct outbox *messages, *controls; /* of handlers; of bridges themselves */
    struct interest *interest;
    struct binds *binds;
    struct nodes *nodes;
    struct claim *claim;
    struct counts *counts;

    /* The broker's thread. */
    struct streams *received;

    /* The bridge's thread. */
    struct broker *broker;
    struct streams *sent;
    uint32_t reconnects_done; /* for which names were announced */
    enum claim_state claim_seen;
    size_t subscribed_count;                  /* of the subjects that every node has */
    _Atomic bool hello_is_due, names_are_due; /* set by other threads: a node has appeared */
    uint64_t hello_ms;                        /* when it was said */
};

#endif
