/* SPDX-License-Identifier: MIT */
/* group_count.c - counts the members of a group on all workers, and on other nodes.
 *
 *      weir_group_count -> COUNT -> [ mailbox of each worker ] -> members are added to the count
 *                    '---> on_count of the bridge -> weir_bridge_counted() -> likewise
 *                                                                  |  by the last of them
 *      on_count <- the home worker <- COUNTED <- [ its mailbox ] <-'
 *
 * The home worker is the one whose callback asks, or the first one that runs. It keeps its counts
 * in a list, with one timer for the earliest deadline, and does not end while it has one. A count
 * that has passed its deadline is reported, and stays in the list until the last one answers: each
 * worker before it ends, and the bridge because weir/bridge.h obliges it to.
 *
 * Room for every command is reserved when the question is asked: an answer is never refused.
 */
#include "group_count.h"

#include <string.h>

#include "check.h"
#include "group.h"
#include "mailbox.h"
#include "memory.h"
#include "other_nodes.h"
#include "worker.h"

/* The bridge knows it as a struct weir_bridge_count. */
struct group_count {
    struct weir_server *server;
    struct worker *home; /* set before the last worker can answer */
    weir_group_count_fn *on_count;
    void *argument;
    uint32_t hash, deadline_ms;
    uint64_t due_ms;          /* on the home worker's clock; UINT64_MAX: none, or it was reported */
    bool is_reported;         /* used by the home worker alone, like due_ms */
    struct list in_counts;    /* worker.group_counts of the home worker */
    _Atomic uint32_t waiting; /* workers, and the bridge, that have not answered */
    _Atomic bool lacks_nodes; /* the bridge has answered for some of the other nodes */
    _Atomic uint64_t members, offered, dropped;
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];
};

/* ---- the home worker ---- */

static void group_count__report(struct group_count *count)
{
    const struct weir_group_members result = {
        .server = count->server,
        .group = count->group,
        /* First: sums of all that answered. */
        .incomplete = atomic_load(&count->waiting) > 0 || atomic_load(&count->lacks_nodes),
        .members = atomic_load(&count->members),
        .offered = atomic_load(&count->offered),
        .dropped = atomic_load(&count->dropped),
    };

    count->is_reported = true;
    count->due_ms = UINT64_MAX;
    count->on_count(&result, count->argument);
}

/* Starts the timer for the earliest deadline. */
static void group_count__start_timer(struct worker *worker)
{
    uint64_t due_ms = UINT64_MAX;

    for (struct list *at = worker->group_counts.next; at != &worker->group_counts; at = at->next) {
        const struct group_count *count = weir_container_of(at, struct group_count, in_counts);
        if (count->due_ms < due_ms) due_ms = count->due_ms;
    }
    if (due_ms == UINT64_MAX)
        wheel_stop(&worker->user_timers, &worker->group_count_timer);
    else
        wheel_start(&worker->user_timers, &worker->group_count_timer, due_ms);
}

static void group_count__await(struct worker *worker, struct group_count *count)
{
    count->due_ms = count->deadline_ms > 0 ? worker->now_ms + count->deadline_ms + 1 : UINT64_MAX;
    list_init(&count->in_counts);
    list_add_last(&worker->group_counts, &count->in_counts);
    group_count__start_timer(worker);
}

void group_count_expire(struct worker *worker)
{
    struct list counts;
    struct list *node;

    list_init(&counts);
    list_append_all(&counts, &worker->group_counts); /* the callback can ask again */
    while ((node = list_take_first(&counts)) != NULL) {
        struct group_count *count = weir_container_of(node, struct group_count, in_counts);
        list_add_last(&worker->group_counts, &count->in_counts);
        if (count->due_ms <= worker->now_ms) group_count__report(count);
    }
    group_count__start_timer(worker);
}

void group_count_end(struct group_count *count)
{
    struct worker *worker = count->home;

    weir_check(atomic_load(&count->waiting) == 0);
    list_remove(&count->in_counts);
    group_count__start_timer(worker);
    if (!count->is_reported) group_count__report(count);
    memory_free(count);
}

/* ---- each worker, and the bridge ---- */

/* A worker or the bridge has answered. The last one passes the count to the home worker. */
static void group_count__answered(struct group_count *count)
{
    if (atomic_fetch_sub(&count->waiting, 1) > 1) return;
    const struct mailbox_command command = {.kind = MAILBOX_COUNTED, .count = count};
    enum mailbox_posted posted = mailbox_post_reserved(count->home->mailbox, &command);
    weir_check(posted == MAILBOX_POSTED); /* it does not end while it has counts */
}

void group_count_add(struct worker *worker, struct group_count *count)
{
    const struct group *group = group_find(worker, count->hash, count->group);

    if (group) {
        atomic_fetch_add(&count->members, group->members_count);
        atomic_fetch_add(&count->offered, group->offered);
        atomic_fetch_add(&count->dropped, group->dropped);
    }
    if (worker == count->home) group_count__await(worker, count);
    group_count__answered(count);
}

void group_count_add_nodes(struct weir_bridge_count *asked,
                           const struct weir_group_members *members)
{
    struct group_count *count = (struct group_count *)asked;

    atomic_fetch_add(&count->members, members->members);
    atomic_fetch_add(&count->offered, members->offered);
    atomic_fetch_add(&count->dropped, members->dropped);
    if (members->incomplete) atomic_store(&count->lacks_nodes, true);
    group_count__answered(count);
}

/* ---- any thread ---- */

static struct group_count *group_count__make(const struct worker_common *common, const char *group)
{
    struct group_count *count = memory_alloc(sizeof *count);

    if (!count) return NULL;
    count->server = common->server;
    count->hash = group_hash(common, group);
    atomic_init(&count->waiting, common->workers_count);
    memcpy(count->group, group, strlen(group) + 1);
    return count;
}

/* Returns the worker whose callback calls; null: another thread does. */
static struct worker *group_count__own(const struct worker_common *common)
{
    for (uint32_t i = 0; i < common->workers_count; i++)
        if (worker_is_own(common->workers[i])) return common->workers[i];
    return NULL;
}

/* Reserves room for the question in each mailbox, and for the answer in that of `home`. Returns
 * false, with no room reserved, if one of them has none. */
static bool group_count__reserve(const struct worker_common *common, struct worker *home)
{
    uint32_t i = 0;

    if (!mailbox_reserve(home->mailbox, 0)) return false;
    while (i < common->workers_count && mailbox_reserve(common->workers[i]->mailbox, 0)) i++;
    if (i == common->workers_count) return true;
    while (i-- > 0) mailbox_cancel(common->workers[i]->mailbox, 0);
    mailbox_cancel(home->mailbox, 0);
    return false;
}

static void group_count__cancel(const struct worker_common *common, struct worker *home)
{
    for (uint32_t i = 0; i < common->workers_count; i++)
        if (common->workers[i] != home) mailbox_cancel(common->workers[i]->mailbox, 0);
    mailbox_cancel(home->mailbox, 0); /* of the answer; that of the question was given up */
}

/* Asks the worker that will report, then the others. Returns WEIR_GONE if the first has ended. */
static enum weir_code group_count__post(const struct worker_common *common,
                                        struct group_count *count, struct worker *home)
{
    const struct mailbox_command command = {.kind = MAILBOX_COUNT, .count = count};

    if (!group_count__reserve(common, home)) return WEIR_MAILBOX_FULL;
    count->home = home;
    if (mailbox_post_reserved(home->mailbox, &command) != MAILBOX_POSTED) {
        group_count__cancel(common, home);
        return WEIR_GONE;
    }
    for (uint32_t i = 0; i < common->workers_count; i++) {
        struct worker *worker = common->workers[i];
        if (worker != home && mailbox_post_reserved(worker->mailbox, &command) != MAILBOX_POSTED)
            group_count__answered(count); /* a worker that has ended has no members */
    }
    return WEIR_OK;
}

/* Asks a worker, which then asks the others. Returns WEIR_GONE if all have ended. */
static enum weir_code group_count__begin(const struct worker_common *common,
                                         struct group_count *count)
{
    struct worker *own = group_count__own(common);
    enum weir_code code = own ? group_count__post(common, count, own) : WEIR_GONE;

    for (uint32_t i = 0; i < common->workers_count && code == WEIR_GONE; i++)
        code = group_count__post(common, count, common->workers[i]);
    return code;
}

/* Asks the workers, and the other nodes if there is a bridge. The bridge answers later, or inside
 * its callback; until then the count exists. */
static enum weir_code group_count__ask(const struct worker_common *common,
                                       const struct weir_bridge *bridge, const char *group,
                                       uint32_t deadline_ms, weir_group_count_fn *on_count,
                                       void *argument)
{
    weir_check_use(on_count != NULL, "weir_group_count takes a function that receives the count");
    weir_check_use(group != NULL, "weir_group_count: the group is null");
    if (!group_name_is_good(group)) return WEIR_INVALID;
    struct group_count *count = group_count__make(common, group);
    if (!count) return WEIR_NO_MEMORY;
    count->on_count = on_count;
    count->argument = argument;
    count->deadline_ms = deadline_ms;
    if (bridge) atomic_fetch_add(&count->waiting, 1);
    enum weir_code code = group_count__begin(common, count);
    if (code != WEIR_OK)
        memory_free(count);
    else if (bridge)
        bridge->on_count(bridge->user, group, deadline_ms, (struct weir_bridge_count *)count);
    return code;
}

enum weir_code group_count_ask(const struct worker_common *common, const char *group,
                               uint32_t deadline_ms, weir_group_count_fn *on_count, void *argument)
{
    return group_count__ask(common, common->bridge, group, deadline_ms, on_count, argument);
}

enum weir_code group_count_ask_here(const struct worker_common *common, const char *group,
                                    uint32_t deadline_ms, weir_group_count_fn *on_count,
                                    void *argument)
{
    return group_count__ask(common, NULL, group, deadline_ms, on_count, argument);
}
