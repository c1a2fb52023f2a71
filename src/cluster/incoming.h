/* SPDX-License-Identifier: MIT */
/* incoming.h - messages of other nodes on their way to this node's server. Each message of a
 * handler is counted once, in `received` or in one of refused_.... */
#ifndef CLUSTER_INCOMING_H
#define CLUSTER_INCOMING_H

#include <stddef.h>
#include <stdint.h>

struct cluster_bridge;

/* A message has arrived. Thread: one at a time. */
void incoming_on_message(struct cluster_bridge *bridge, const char *subject, const uint8_t *bytes,
                         size_t length);

#endif
