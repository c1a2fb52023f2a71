/* SPDX-License-Identifier: MIT */
/* worker_api.c - the calls of weir.h on a worker, which runs sessions and the application's own
 * work on one thread. worker_timers.c has those on its timers. */
#include <weir/weir.h>

#include "check.h"
#include "session_table.h"
#include "worker.h"

/* Slots of the table of sessions that one slice looks at: free ones cost a few nanoseconds each. */
#define WORKER_API__SLOTS_MAX 1024u

uint32_t weir_worker_index(const struct weir_worker *outer)
{
    return weir_container_of(outer, const struct worker, outer)->index;
}

void *weir_worker_user(const struct weir_worker *outer)
{
    return outer->user;
}

void weir_worker_set_user(struct weir_worker *outer, void *user)
{
    worker_check_thread(worker_of_outer(outer));
    outer->user = user;
}

struct weir_server *weir_worker_server(const struct weir_worker *outer)
{
    return weir_container_of(outer, const struct worker, outer)->common->server;
}

struct weir_worker *weir_worker_of(const struct weir_session *session)
{
    return &session->worker->outer;
}

uint32_t weir_session_worker(const struct weir_session *session)
{
    return session->worker->index;
}

uint64_t weir_worker_visit(struct weir_worker *outer, uint64_t cursor, uint32_t count_max,
                           void (*visit)(struct weir_session *session, void *argument),
                           void *argument)
{
    struct worker *worker = worker_of_outer(outer);
    const struct session_table *table = worker->table;
    uint64_t slot = cursor, end = cursor + WORKER_API__SLOTS_MAX;
    uint32_t visited = 0;

    worker_check_thread(worker);
    weir_check_use(count_max > 0, "weir_worker_visit() visits at least one session");
    for (; slot < end && slot < table->slots_count && visited < count_max; slot++) {
        struct weir_session *session = session_table_at(table, (uint32_t)slot);
        if (!session || !session->opened) continue; /* one with a reject message has no callbacks */
        visit(session, argument);
        visited++;
    }
    return slot < table->slots_count ? slot : 0;
}
