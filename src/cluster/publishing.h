/* SPDX-License-Identifier: MIT */
/* publishing.h - takes messages from the outbox, and publishes them or counts why not. Thread: the
 * bridge's. */
#ifndef CLUSTER_PUBLISHING_H
#define CLUSTER_PUBLISHING_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct cluster_bridge;
struct subject;
struct node_wire_message;

/* Publishes a message of the bridge itself. Returns the broker's result, or WEIR_NO_MEMORY. */
enum weir_code publishing_send(struct cluster_bridge *bridge, struct node_wire_message *message,
                               const struct subject *subject);

/* Publishes up to messages_max waiting messages; while the broker is away, drops them, unless they
 * are kept. Returns true if messages are left that it can publish or drop now. */
bool publishing_step(struct cluster_bridge *bridge, uint32_t messages_max);

/* Drops every waiting message, counted as `tally`: the bridge ends. */
void publishing_drop_all(struct cluster_bridge *bridge, int tally);

#endif
