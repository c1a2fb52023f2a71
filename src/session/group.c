/* SPDX-License-Identifier: MIT */
/* group.c - membership of sessions in named groups.
 *
 *      worker.groups [slot] -> group "red" -> group "blue"       each while it has members
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
#include "memory.h"
#include "siphash.h"
#include "worker.h"

struct group {
    struct group *next; /* in the same slot */
    struct list memberships;
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
};

/* Charged for each membership: at worst its group has no other member. */
#define GROUP__MEMBERSHIP_BYTES (sizeof(struct group_membership) + sizeof(struct group) + 32)

bool group_name_is_good(const char *name)
{
    size_t length = strnlen(name, WEIR_GROUP_NAME_BYTES_MAX + 1);

    return length > 0 && length <= WEIR_GROUP_NAME_BYTES_MAX;
}

uint16_t group_slot(const struct worker_common *common, const char *name)
{
    return (uint16_t)(siphash(&common->key, name, strlen(name)) % GROUP_SLOTS_COUNT);
}

/* Returns where the group of that name is linked, or would be. */
static struct group **group__link(struct worker *worker, uint16_t slot, const char *name)
{
    struct group **link = &worker->groups->slots[slot];

    while (*link && strcmp((*link)->name, name) != 0) link = &(*link)->next;
    return link;
}

static struct group *group__open(struct worker *worker, uint16_t slot, const char *name)
{
    struct group **link = group__link(worker, slot, name);

    if (*link) return *link;
    struct group *group = memory_alloc(sizeof *group);
    if (!group) return NULL;
    list_init(&group->memberships);
    memcpy(group->name, name, strlen(name) + 1);
    *link = group;
    worker->groups->count++;
    return group;
}

static void group__close_if_empty(struct worker *worker, uint16_t slot, struct group *group)
{
    if (!list_is_empty(&group->memberships)) return;
    struct group **link = group__link(worker, slot, group->name);
    weir_check(*link == group);
    weir_check(worker->groups->count > 0);
    *link = group->next;
    worker->groups->count--;
    memory_free(group);
}

/* Returns where the session's membership in the group of that name is linked, or would be; *count:
 * how many memberships precede it. */
static struct group_membership **group__membership(struct weir_session *session, const char *name,
                                                   uint32_t *count)
{
    struct group_membership **link = &session->memberships;

    for (*count = 0; *link && strcmp((*link)->group->name, name) != 0; (*count)++)
        link = &(*link)->next;
    return link;
}

enum weir_code group_join(struct weir_session *session, const char *name)
{
    uint32_t count;

    if (!group_name_is_good(name)) return WEIR_INVALID;
    if (!session_may_send(session) || session->output_ended) return WEIR_CANCELLED;
    struct group_membership **link = group__membership(session, name, &count);
    if (*link) return WEIR_OK;
    if (count == WEIR_GROUPS_PER_SESSION_MAX) return WEIR_NO_ROOM;
    if (!account_charge_membership(&session->worker->account, GROUP__MEMBERSHIP_BYTES))
        return WEIR_NO_MEMORY;
    struct group_membership *membership = memory_alloc(sizeof *membership);
    uint16_t slot = group_slot(session->worker->common, name);
    struct group *group = membership ? group__open(session->worker, slot, name) : NULL;
    if (!group) {
        memory_free(membership);
        account_release_membership(&session->worker->account, GROUP__MEMBERSHIP_BYTES);
        return WEIR_NO_MEMORY;
    }
    membership->session = session;
    membership->group = group;
    membership->slot = slot;
    list_init(&membership->in_group);
    list_add_last(&group->memberships, &membership->in_group);
    *link = membership;
    congestion_join(membership);
    session->first_byte_due = false;
    return WEIR_OK;
}

static void group__leave(struct weir_session *session, struct group_membership **link)
{
    struct group_membership *membership = *link;
    struct group *group = membership->group;
    uint16_t slot = membership->slot;

    weir_check(membership->session == session);
    congestion_leave(membership);
    *link = membership->next;
    list_remove(&membership->in_group);
    memory_free(membership);
    account_release_membership(&session->worker->account, GROUP__MEMBERSHIP_BYTES);
    group__close_if_empty(session->worker, slot, group);
}

void group_leave(struct weir_session *session, const char *name)
{
    uint32_t count;
    struct group_membership **link = group__membership(session, name, &count);

    if (*link) group__leave(session, link);
}

void group_leave_all(struct weir_session *session)
{
    while (session->memberships) group__leave(session, &session->memberships);
}

struct list *group_members(struct worker *worker, uint16_t slot, const char *name)
{
    struct group *group = *group__link(worker, slot, name);

    weir_check(!group || !list_is_empty(&group->memberships));
    return group ? &group->memberships : NULL;
}
