/* SPDX-License-Identifier: MIT */
/* counts.h - questions of this node how many members a group has on the others.
 *
 *      counts_ask -> [pending] -> counts_answered, once per node -> counts_take -> the server
 *                         `-> the deadline: incomplete ---------------^
 *
 * A question is complete when every node that was live when it was asked has answered, or has gone.
 *
 * Thread: any.
 */
#ifndef CLUSTER_COUNTS_H
#define CLUSTER_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "nodes.h"

#define COUNTS_PENDING_MAX 1024u

struct counts;
struct weir_bridge_count;

/* The sums of a question. */
struct counts_result {
    struct weir_bridge_count *count; /* of the server */
    uint64_t members, offered, dropped;
    bool incomplete;
};

/* Returns a table without questions; null: out of memory. */
struct counts *counts_open(void);
void counts_free(struct counts *counts); /* no question is pending; null is allowed */

/* Asks the nodes of *asked; `incomplete`: there may be others. Returns the number of the question;
 * 0: too many are pending, or no memory. */
uint64_t counts_ask(struct counts *counts, const struct nodes_set *asked, bool incomplete,
                    uint64_t deadline_ms, struct weir_bridge_count *count);

/* A node has answered. *answer is added; its `count` is ignored. Returns whether the question is
 * complete now. */
bool counts_answered(struct counts *counts, uint64_t question, uint8_t node,
                     const struct counts_result *answer);

/* Takes a question that is complete, or whose deadline has passed: all, if `ends`. *live: nodes
 * that can still answer. Returns false if there is none: *next_ms is when to ask again. */
bool counts_take(struct counts *counts, const struct nodes_set *live, uint64_t now_ms, bool ends,
                 struct counts_result *result, uint64_t *next_ms);

#endif
