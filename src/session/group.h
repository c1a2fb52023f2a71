/* SPDX-License-Identifier: MIT */
/* group.h - membership of sessions in named groups. Each worker knows its own members. */
#ifndef SESSION_GROUP_H
#define SESSION_GROUP_H

#include "group_state.h"

struct worker_common;

/* Charged for each membership: at worst its group has no other member. */
#define GROUP_MEMBERSHIP_BYTES \
    (sizeof(struct group_membership) + sizeof(struct group) + HASH_TABLE_NODE_BYTES + 32)

/* As weir_session_join() and weir_session_leave() say. */
enum weir_code group_join(struct weir_session *session, const char *name);
void group_leave(struct weir_session *session, const char *name);

/* Leaves every group; the session ends. */
void group_leave_all(struct weir_session *session);

/* Returns the hash of a group's name, the same on every worker. */
uint32_t group_hash(const struct worker_common *common, const char *name);

/* Whether the name is allowed for a group. */
bool group_name_is_good(const char *name);

/* Returns the group of that name, of which `hash` is group_hash(). Null: this worker has no member
 * of it. */
struct group *group_find(struct worker *worker, uint32_t hash, const char *name);

#endif
