/* SPDX-License-Identifier: MIT */
/* group_list.h - lists of the groups of a worker, in slices. */
#ifndef SESSION_GROUP_LIST_H
#define SESSION_GROUP_LIST_H

#include <weir/weir.h>

struct mailbox_command;
struct worker;

/* Asks the worker for a slice of its groups, from this position on (hash_table_walk()), or for the
 * group of the name query->group. Returns WEIR_OK, and on_end is then called exactly once; or
 * WEIR_GONE: the worker has ended; WEIR_MAILBOX_FULL; WEIR_NO_MEMORY. Thread: any, while the worker
 * exists. */
enum weir_code group_list_post(struct worker *worker, uint32_t position,
                               const struct weir_groups_query *query);

/* Carries out such a command. Thread: the worker's. */
void group_list_execute(struct worker *worker, const struct mailbox_command *command);

#endif
