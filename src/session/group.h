/* SPDX-License-Identifier: MIT */
/* group.h - membership of sessions in named groups. Each worker knows its own members. */
#ifndef SESSION_GROUP_H
#define SESSION_GROUP_H

#include "hash_table.h"
#include "session_state.h"

struct worker_common;

/* The groups of one worker that have members. */
struct group_table {
    struct hash_table by_name;
};

/* One group, as far as this worker's members are concerned; it exists while there are some. */
struct group {
    struct hash_node in_table;
    uint32_t members_count;
    struct list memberships; /* may be walked while its sessions are closed: they leave when they
                              * end */
    /* Messages of broadcasts, one for each member that they were meant for, since the group began
     * on this worker: all of them, and those that the members' queues did not take. */
    uint64_t offered, dropped;
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
};

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
