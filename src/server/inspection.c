/* SPDX-License-Identifier: MIT */
/* inspection.c - the calls of weir.h by which tools see the sessions and workers of a server. */
#include <weir/weir.h>

#include <string.h>

#include "check.h"
#include "group.h"
#include "group_list.h"
#include "inspect.h"
#include "server_state.h"
#include "sized.h"

/* ---- sessions ---- */

static void inspection__check(struct weir_sessions_query *query)
{
    weir_check_use(query->on_session != NULL && query->on_end != NULL,
                   "a weir_sessions_query has both callbacks");
    weir_check_use(query->count_max <= WEIR_SESSIONS_PER_SLICE_MAX,
                   "weir_sessions_query.count_max is at most WEIR_SESSIONS_PER_SLICE_MAX");
    if (query->count_max == 0) query->count_max = WEIR_SESSIONS_PER_SLICE_MAX;
}

static enum weir_code inspection__one(struct weir_server *server,
                                      const struct weir_sessions_query *query)
{
    uint32_t index = session_table_worker_of(query->id);

    if (session_table_node_of(query->id) != server->common.config.node ||
        index >= server->workers_count)
        return WEIR_GONE;
    return inspect_post(&server->threads[index].loop.worker, 0, query);
}

enum weir_code weir_sessions_list(struct weir_server *server,
                                  const struct weir_sessions_query *given)
{
    struct weir_sessions_query query = {.size = 0};
    server_check_mark(server);
    enum weir_code code = sized_copy(&sized_sessions_query, given, &query, NULL);
    if (code != WEIR_OK) return code;
    inspection__check(&query);
    uint32_t slot = (uint32_t)query.cursor;
    code = WEIR_GONE;
    if (query.id != 0) return inspection__one(server, &query);
    for (uint64_t index = query.cursor >> 32; index < server->workers_count; index++) {
        code = inspect_post(&server->threads[index].loop.worker, slot, &query);
        if (code != WEIR_GONE) break;
        slot = 0; /* this worker has ended */
    }
    return code;
}

/* ---- groups ---- */

/* Checks the query, and sets its defaults. */
static enum weir_code inspection__check_groups(struct weir_groups_query *query)
{
    weir_check_use(query->on_group != NULL && query->on_end != NULL,
                   "a weir_groups_query has both callbacks");
    weir_check_use(query->count_max <= WEIR_GROUPS_PER_SLICE_MAX,
                   "weir_groups_query.count_max is at most WEIR_GROUPS_PER_SLICE_MAX");
    if (query->count_max == 0) query->count_max = WEIR_GROUPS_PER_SLICE_MAX;
    return !query->group || group_name_is_good(query->group) ? WEIR_OK : WEIR_INVALID;
}

enum weir_code weir_groups_list(struct weir_server *server, const struct weir_groups_query *given)
{
    struct weir_groups_query query = {.size = 0};

    server_check_mark(server);
    enum weir_code code = sized_copy(&sized_groups_query, given, &query, NULL);
    if (code == WEIR_OK) code = inspection__check_groups(&query);
    if (code != WEIR_OK) return code;
    uint32_t position = (uint32_t)query.cursor;
    code = WEIR_GONE;
    for (uint64_t index = query.cursor >> 32; index < server->workers_count; index++) {
        code = group_list_post(&server->threads[index].loop.worker, position, &query);
        if (code != WEIR_GONE) break;
        position = 0; /* this worker has ended */
    }
    return code;
}

/* ---- workers ---- */

uint32_t weir_server_workers_count(const struct weir_server *server)
{
    server_check_mark(server);
    return server->workers_count;
}

void weir_server_worker_stats_sized(const struct weir_server *server, uint32_t worker,
                                    struct weir_worker_stats *stats, size_t size)
{
    struct weir_worker_stats full;

    server_check_mark(server);
    weir_check_use(worker < server->workers_count, "the index is below weir_server_workers_count");
    inspect_worker(&server->threads[worker].loop.worker, &full);
    memset(stats, 0, size);
    memcpy(stats, &full, size < sizeof full ? size : sizeof full);
}
