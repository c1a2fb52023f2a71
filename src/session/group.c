/* SPDX-License-Identifier: MIT */
/* group.c - membership of sessions in named groups.
 *
 *      worker.groups [bucket] -> group "red" -> group "blue"     each while it has members
 *                                 | members
 *                    session A -- membership -- membership       one session in one group
 *                    session B -- membership
 *
 * A group is looked up when a session joins or leaves, and once per broadcast (broadcast.c), which
 * then walks the memberships. A session that closes keeps its memberships until it ends.
 */
#include "group.h"

#include <string.h>

#include "check.h"
#include "congestion.h"
#include "memory.h"
#include "other_nodes.h"
#include "siphash.h"
#include "worker.h"

bool group_name_is_good(const char *name)
{
    size_t length = strnlen(name, WEIR_GROUP_NAME_BYTES_MAX + 1);

    return length > 0 && length <= WEIR_GROUP_NAME_BYTES_MAX;
}

uint32_t group_hash(const struct worker_common *common, const char *name)
{
    return (uint32_t)siphash(&common->key, name, strlen(name));
}

struct group *group_find(struct worker *worker, uint32_t hash, const char *name)
{
    struct hash_node *node = *hash_table_bucket(&worker->groups->by_name, hash);

    for (; node; node = node->next) {
        struct group *group = weir_container_of(node, struct group, in_table);
        if (strcmp(group->name, name) == 0) return group;
    }
    return NULL;
}

/* Begins a group, which its caller gives a member: nothing fails after the bridge knows it. Returns
 * null if memory is exhausted. */
static struct group *group__open(struct worker *worker, uint32_t hash, const char *name)
{
    struct group *group = memory_alloc(sizeof *group);

    if (!group) return NULL;
    if (!other_nodes_begin_group(worker->common, name)) {
        memory_free(group);
        return NULL;
    }
    list_init(&group->memberships);
    memcpy(group->name, name, strlen(name) + 1);
    group->in_table.hash = hash;
    hash_table_add(&worker->groups->by_name, &group->in_table);
    return group;
}

static void group__close_if_empty(struct worker *worker, struct group *group)
{
    weir_check((group->members_count == 0) == list_is_empty(&group->memberships));
    if (group->members_count > 0) return;
    hash_table_remove(&worker->groups->by_name, &group->in_table);
    other_nodes_end_group(worker->common, group->name);
    memory_free(group);
}

/* Returns where the session's membership in the group is linked, or would be; *count: how many
 * memberships precede it. */
static struct group_membership **group__membership(struct weir_session *session,
                                                   const struct group *group, uint32_t *count)
{
    struct group_membership **link = &session->memberships;

    for (*count = 0; *link && (*link)->group != group; (*count)++) link = &(*link)->next;
    return link;
}

/* Adds the session to the group (null: there is none of that name yet), at *link. */
static enum weir_code group__join(struct weir_session *session, struct group *group, uint32_t hash,
                                  const char *name, struct group_membership **link)
{
    struct worker *worker = session->worker;

    if (!account_charge_membership(&worker->account, GROUP_MEMBERSHIP_BYTES)) return WEIR_NO_MEMORY;
    struct group_membership *membership = memory_alloc(sizeof *membership);
    if (membership && !group) group = group__open(worker, hash, name);
    if (!membership || !group) {
        memory_free(membership);
        account_release_membership(&worker->account, GROUP_MEMBERSHIP_BYTES);
        return WEIR_NO_MEMORY;
    }
    membership->session = session;
    membership->group = group;
    membership->slot = congestion_slot(hash);
    list_init(&membership->in_group);
    list_add_last(&group->memberships, &membership->in_group);
    group->members_count++;
    *link = membership;
    congestion_join(membership);
    session->first_byte_due = false;
    return WEIR_OK;
}

enum weir_code group_join(struct weir_session *session, const char *name)
{
    struct worker *worker = session->worker;
    uint32_t count;

    if (!group_name_is_good(name)) return WEIR_INVALID;
    if (!session_may_send(session) || session->output_ended) return WEIR_CANCELLED;
    uint32_t hash = group_hash(worker->common, name);
    struct group *group = group_find(worker, hash, name);
    struct group_membership **link = group__membership(session, group, &count);
    if (*link) return WEIR_OK;
    if (count >= worker->config->groups_per_session_max) return WEIR_NO_ROOM;
    return group__join(session, group, hash, name, link);
}

static void group__leave(struct weir_session *session, struct group_membership **link)
{
    struct group_membership *membership = *link;
    struct group *group = membership->group;

    weir_check(membership->session == session);
    weir_check(group->members_count > 0);
    congestion_leave(membership);
    *link = membership->next;
    list_remove(&membership->in_group);
    group->members_count--;
    memory_free(membership);
    account_release_membership(&session->worker->account, GROUP_MEMBERSHIP_BYTES);
    group__close_if_empty(session->worker, group);
}

void group_leave(struct weir_session *session, const char *name)
{
    struct worker *worker = session->worker;
    struct group *group = group_find(worker, group_hash(worker->common, name), name);
    uint32_t count;
    struct group_membership **link = group__membership(session, group, &count);

    if (*link) group__leave(session, link);
}

void group_leave_all(struct weir_session *session)
{
    while (session->memberships) group__leave(session, &session->memberships);
}
