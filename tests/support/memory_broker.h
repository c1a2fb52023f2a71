/* SPDX-License-Identifier: MIT */
/* memory_broker.h - a message broker in memory, in virtual time, behind struct broker. Its faults
 * follow from a seed.
 *
 *      node --publish, subscribe--> [ up, in order ] -> hub -> [ down, in order ] --> on_message
 *
 * Each message needs some milliseconds in each direction. The nodes on one side of a partition do
 * not receive messages from the other side. A node that is cut off loses what is on its way in both
 * directions. Copies and late messages are faults that NATS does not have; the cluster must not
 * need that.
 */
#ifndef SUPPORT_MEMORY_BROKER_H
#define SUPPORT_MEMORY_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker.h"

#define MEMORY_BROKER_NODES_MAX 64u

struct memory_hub;

struct memory_hub_options {
    uint64_t seed;
    uint32_t latency_max_ms; /* of each direction; at least 1 ms */
    /* Of 100 deliveries, how many come twice, and how many after later ones. */
    uint32_t copy_percent, late_percent;
    size_t message_bytes_max; /* WEIR_TOO_LARGE above it; 0: no limit */
};

struct memory_hub *memory_hub_open(const struct memory_hub_options *options);
/* Every broker is closed before. */
void memory_hub_free(struct memory_hub *hub);

/* Changes the share of copies and late messages from now on. */
void memory_hub_set_faults(struct memory_hub *hub, uint32_t copy_percent, uint32_t late_percent);

/* Moves the time to `now_ms`, and reports all events that are due by then. Time begins with 0. */
void memory_hub_step(struct memory_hub *hub, uint64_t now_ms);

/* Connects a node, whose `slot` (below MEMORY_BROKER_NODES_MAX) is not in use. on_connected follows
 * in the next step, unless the slot is cut off. ops->close() frees it, without any delay: what it
 * has published still arrives. */
struct broker *memory_broker_open(struct memory_hub *hub, uint32_t slot,
                                  const struct broker_events *events);

/* Cuts the slot off from the hub, or connects it again. Also before it is opened. */
void memory_hub_cut(struct memory_hub *hub, uint32_t slot, bool is_cut);

/* The hub does not read from the slot: publish() returns WEIR_TIMED_OUT. */
void memory_hub_set_stuck(struct memory_hub *hub, uint32_t slot, bool is_stuck);

/* Puts the slot on one side of a partition; 0 at first. What is on its way between two sides is
 * lost when it arrives at the hub. */
void memory_hub_set_side(struct memory_hub *hub, uint32_t slot, uint32_t side);

/* The slot's process died: what it has published may be lost, and no event is reported to it. Then
 * close its broker. */
void memory_hub_kill(struct memory_hub *hub, uint32_t slot);

/* What the hub did with a slot's messages on subjects that contain ".g." (broadcasts to groups). */
struct memory_hub_counts {
    uint64_t published; /* publish() returned WEIR_OK */
    uint64_t delivered; /* on_message was called, copies included */
};
struct memory_hub_counts memory_hub_counts(const struct memory_hub *hub, uint32_t slot);

/* Returns how many nodes subscribe to the subject at the hub now. */
uint32_t memory_hub_interest(const struct memory_hub *hub, const char *subject);

/* Returns a hash of everything that happened. */
uint64_t memory_hub_hash(const struct memory_hub *hub);

#endif
