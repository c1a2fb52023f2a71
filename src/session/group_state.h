/* SPDX-License-Identifier: MIT */
/* group_state.h - the groups of one worker: their members there, and counts of their messages.
 * group.c opens and closes them. */
#ifndef SESSION_GROUP_STATE_H
#define SESSION_GROUP_STATE_H

#include "hash_table.h"
#include "session_state.h"

/* The groups of one worker that have members. */
struct group_table {
    struct hash_table by_name;
};

/* Messages of broadcasts that members did not get, by cause: struct weir_group_info. */
struct group_drops {
    uint64_t full, closed, not_framed, no_memory, reply;
};

/* One group, as far as this worker's members are concerned; it exists while there are some. */
struct group {
    struct hash_node in_table;
    uint32_t members_count;
    uint32_t congested_count; /* members for which speakers wait: congestion.h */
    struct list memberships;  /* may be walked while its sessions are closed: they leave when they
                               * end */
    /* Messages of broadcasts, one for each member that they were meant for, since the group began
     * on this worker: all of them, and those that the members' queues did not take. */
    uint64_t offered, dropped;
    struct group_drops drops; /* `dropped` by cause */
    uint64_t dropped_late;    /* queued, and dropped before they were sent */
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
};

/* Counts messages that were queued for a member of groups, and dropped before they were sent. */
static inline void group_count_late_drops(const struct weir_session *session, uint32_t count)
{
    for (const struct group_membership *at = session->memberships; at; at = at->next)
        at->group->dropped_late += count;
}

#endif
