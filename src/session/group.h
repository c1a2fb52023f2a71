/* SPDX-License-Identifier: MIT */
/* group.h - membership of sessions in named groups. Each worker knows its own members. */
#ifndef SESSION_GROUP_H
#define SESSION_GROUP_H

#include "congestion.h"
#include "session_state.h"

#define GROUP_SLOTS_COUNT CONGESTION_SLOTS_COUNT /* a slot holds any number of groups */

/* The groups of one worker that have members, by name. */
struct group_table {
    struct group *slots[GROUP_SLOTS_COUNT];
    uint32_t count;
};

/* As weir_session_join() and weir_session_leave() say. */
enum weir_code group_join(struct weir_session *session, const char *name);
void group_leave(struct weir_session *session, const char *name);

/* Leaves every group; the session ends. */
void group_leave_all(struct weir_session *session);

/* Returns the slot of a group's name, the same on every worker. */
uint16_t group_slot(const struct worker_common *common, const char *name);

/* Whether the name is allowed for a group. */
bool group_name_is_good(const char *name);

/* Returns the list of this worker's memberships in the group; null: it has none. The list may be
 * walked while its sessions are closed: they leave when they end. */
struct list *group_members(struct worker *worker, uint16_t slot, const char *name);

#endif
