/* SPDX-License-Identifier: MIT */
/* group.h - groups of sessions by name, to broadcast to: each worker knows its own members. */
#ifndef SESSION_GROUP_H
#define SESSION_GROUP_H

#include "payload.h"
#include "session.h"

struct group;

#define GROUP_SLOTS_COUNT 1024u /* of one worker's table; a slot holds any number of groups */

/* The groups that a worker's sessions are in, by name. */
struct group_table {
    struct group *slots[GROUP_SLOTS_COUNT];
    uint32_t count;
};

/* As weir_session_join() and weir_session_leave() say. */
enum weir_code group_join(struct weir_session *session, const char *name);
void group_leave(struct weir_session *session, const char *name);

/* The session is over: it leaves all that it is in. */
void group_leave_all(struct weir_session *session);

/* Whether a group could have that name. */
bool group_name_is_good(const char *name);

/* Queues the broadcast for every member on this worker. */
void group_broadcast(struct worker *worker, struct payload *payload);

#endif
