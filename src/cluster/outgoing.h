/* SPDX-License-Identifier: MIT */
/* outgoing.h - what the server tells the bridge: messages wait in the outbox, everything else
 * becomes a state that the bridge's thread sees. Each message is counted once: here if it is
 * dropped before it waits, otherwise by publishing.c. */
#ifndef CLUSTER_OUTGOING_H
#define CLUSTER_OUTGOING_H

#include <weir/bridge.h>

struct cluster_bridge;
struct subject;
struct node_wire_message;

/* The callbacks for weir_server_set_bridge(); `user` is the bridge. */
void outgoing_callbacks(struct cluster_bridge *bridge, struct weir_bridge *callbacks);

/* Queues a message of the bridge itself. If there is no room, it is lost. Thread: any. */
void outgoing_post_control(struct cluster_bridge *bridge, struct node_wire_message *message,
                           const struct subject *subject);

#endif
