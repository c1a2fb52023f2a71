/* SPDX-License-Identifier: MIT */
/* group_count.h - counts the members of a group on all workers, and on other nodes, and reports by
 * callback. */
#ifndef SESSION_GROUP_COUNT_H
#define SESSION_GROUP_COUNT_H

#include <weir/weir.h>

struct group_count;
struct weir_bridge_count;
struct worker;
struct worker_common;

/* weir_group_count(). Thread: any. */
enum weir_code group_count_ask(const struct worker_common *common, const char *group,
                               uint32_t deadline_ms, weir_group_count_fn *on_count, void *argument);

/* weir_bridge_group_count(): the same without the other nodes. Thread: any. */
enum weir_code group_count_ask_here(const struct worker_common *common, const char *group,
                                    uint32_t deadline_ms, weir_group_count_fn *on_count,
                                    void *argument);

/* weir_bridge_counted(): adds the sums of the other nodes. Thread: any. */
void group_count_add_nodes(struct weir_bridge_count *asked,
                           const struct weir_group_members *members);

/* Carries out MAILBOX_COUNT: adds this worker's members. Thread: the worker's. */
void group_count_add(struct worker *worker, struct group_count *count);

/* Carries out MAILBOX_COUNTED: the last worker has added its members. Thread: the worker's. */
void group_count_end(struct group_count *count);

/* worker.group_count_timer has expired: reports the counts whose deadline has passed. Thread: the
 * worker's. */
void group_count_expire(struct worker *worker);

#endif
