/* SPDX-License-Identifier: MIT */
/* group_list.c - shows the groups of a worker to tools.
 *
 *      any thread: weir_groups_list -> command with a copy of the query -> [ mailbox ]
 *      the worker: a slice of its groups -> on_group for each -> on_end with the cursor
 *
 * The cursor is a worker and a position in the walk of its table (hash_table.h), so groups may come
 * and go between two slices. A slice is bounded by its number of groups, because the table has at
 * most two buckets for each of its groups.
 */
#include "group_list.h"

#include <string.h>

#include "check.h"
#include "group.h"
#include "mailbox.h"
#include "memory.h"
#include "worker.h"

struct group_listing {
    struct weir_groups_query query;
    uint64_t position;
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1]; /* if query.group is set */
};

/* ---- the worker ---- */

static void group_list__show(const struct worker *worker, const struct weir_groups_query *query,
                             const struct group *group)
{
    const struct group_drops *drops = &group->drops;
    const struct weir_group_info info = {
        .name = group->name,
        .worker = worker->index,
        .members = group->members_count,
        .congested = group->congested_count,
        .offered = group->offered,
        .delivered = group->offered - group->dropped,
        .dropped_full = drops->full,
        .dropped_closed = drops->closed,
        .dropped_not_framed = drops->not_framed,
        .dropped_no_memory = drops->no_memory,
        .dropped_reply = drops->reply,
        .dropped_late = group->dropped_late,
    };

    query->on_group(query->user, &info);
}

/* Returns the next node with this hash; null: there is none. Rarely there is more than one. */
static const struct hash_node *group_list__next(const struct hash_node *node, uint32_t hash)
{
    while (node && node->hash != hash) node = node->next;
    return node;
}

/* Shows the groups whose names have this hash, unless there are more than `room`. Returns their
 * number. */
static uint32_t group_list__show_all(struct worker *worker, const struct weir_groups_query *query,
                                     uint32_t hash, uint32_t room)
{
    const struct hash_node *first =
        group_list__next(*hash_table_bucket(&worker->groups->by_name, hash), hash);
    uint32_t count = 0;

    for (const struct hash_node *at = first; at; at = group_list__next(at->next, hash)) count++;
    if (count > room) return count;
    for (const struct hash_node *at = first; at; at = group_list__next(at->next, hash))
        group_list__show(worker, query, weir_container_of(at, struct group, in_table));
    return count;
}

/* Shows the groups of a slice. Returns the position after it. */
static uint64_t group_list__slice(struct worker *worker, const struct weir_groups_query *query,
                                  uint64_t position)
{
    uint32_t listed = 0, hash;

    while (position < HASH_TABLE_WALK_END && listed < query->count_max) {
        uint64_t before = position;
        if (!hash_table_walk(&worker->groups->by_name, &position, &hash)) continue;
        /* Groups of one hash are not separated. An empty slice takes them, however few it wants. */
        uint32_t room = listed > 0 ? query->count_max - listed : UINT32_MAX;
        uint32_t count = group_list__show_all(worker, query, hash, room);
        if (count > room) return before;
        listed += count;
        worker->work.done += count;
    }
    return position;
}

static void group_list__one(struct worker *worker, const struct weir_groups_query *query)
{
    const struct group *group =
        group_find(worker, group_hash(worker->common, query->group), query->group);

    if (group) group_list__show(worker, query, group);
}

/* Returns the cursor of the slice that begins at this position, or that of the next worker. */
static uint64_t group_list__cursor(const struct worker *worker, uint64_t position)
{
    uint32_t index = worker->index;

    if (position < HASH_TABLE_WALK_END) return (uint64_t)index << 32 | position;
    return index + 1 < worker->common->workers_count ? (uint64_t)(index + 1) << 32 : 0;
}

void group_list_execute(struct worker *worker, const struct mailbox_command *command)
{
    struct group_listing *listing = command->listing;
    const struct weir_groups_query *query = &listing->query;
    uint64_t position = HASH_TABLE_WALK_END;

    if (query->group)
        group_list__one(worker, query);
    else
        position = group_list__slice(worker, query, listing->position);
    query->on_end(query->user, group_list__cursor(worker, position));
    memory_free(listing);
}

/* ---- any thread ---- */

enum weir_code group_list_post(struct worker *worker, uint32_t position,
                               const struct weir_groups_query *query)
{
    struct mailbox_command command = {.kind = MAILBOX_GROUPS};
    struct group_listing *listing = memory_alloc(sizeof *listing);

    if (!listing) return WEIR_NO_MEMORY;
    command.listing = listing;
    listing->query = *query;
    listing->position = position;
    if (query->group) {
        memcpy(listing->group, query->group, strlen(query->group) + 1);
        listing->query.group = listing->group;
    }
    switch (mailbox_post(worker->mailbox, &command)) {
    case MAILBOX_POSTED: return WEIR_OK;
    case MAILBOX_FULL: memory_free(listing); return WEIR_MAILBOX_FULL;
    case MAILBOX_SHUT:
    default: memory_free(listing); return WEIR_GONE;
    }
}
