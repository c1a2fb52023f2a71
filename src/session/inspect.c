/* SPDX-License-Identifier: MIT */
/* inspect.c - describes sessions and workers for tools.
 *
 *      any thread: weir_sessions_list -> command with a copy of the query -> [ mailbox ]
 *      the worker: a slice of its table -> on_session for each session -> on_end with the cursor
 *
 * One command looks at INSPECT__SLOTS_MAX slots at most, and counts as work of the iteration, so a
 * list of any length delays no session by more than a slice. The cursor is a worker and a slot.
 */
#include "inspect.h"

#include <string.h>

#include "check.h"
#include "frame_watch.h"
#include "group.h"
#include "mailbox.h"
#include "memory.h"
#include "owner.h"
#include "session.h"
#include "worker.h"

#define INSPECT__SLOTS_MAX 256u

/* ---- words ---- */

const char *weir_session_state_text(enum weir_session_state state)
{
    static const char *const texts[] = {"none",      "open",    "peer_done",
                                        "finishing", "closing", "opening"};

    return (unsigned)state < weir_count_of(texts) ? texts[state] : "unknown";
}

const char *weir_pause_text(enum weir_pause pause)
{
    static const char *const texts[] = {"none", "handler", "queue", "group", "rate"};

    return (unsigned)pause < weir_count_of(texts) ? texts[pause] : "unknown";
}

/* ---- one session ---- */

static enum weir_session_state inspect__state(const struct weir_session *session)
{
    static const uint8_t states[SESSION_STATES_COUNT] = {
        [SESSION_OPENING] = WEIR_SESSION_OPENING,     [SESSION_OPEN] = WEIR_SESSION_OPEN,
        [SESSION_PEER_DONE] = WEIR_SESSION_PEER_DONE, [SESSION_FINISHING] = WEIR_SESSION_FINISHING,
        [SESSION_CLOSING] = WEIR_SESSION_CLOSING,
    };

    weir_check(session->state != SESSION_FREE);
    return (enum weir_session_state)states[session->state];
}

static enum weir_pause inspect__pause(const struct weir_session *session)
{
    if (!session_may_send(session)) return WEIR_PAUSE_NONE; /* what arrives is discarded */
    if (session->handler_paused) return WEIR_PAUSE_HANDLER;
    if (session->queue_paused) return WEIR_PAUSE_QUEUE;
    if (session->speaker_waits) return WEIR_PAUSE_GROUP;
    return session->rate_paused ? WEIR_PAUSE_RATE : WEIR_PAUSE_NONE;
}

static void inspect__deadline(const struct weir_session *session, struct weir_session_info *info)
{
    uint64_t now_ms = session->worker->now_ms;

    info->deadline_ms = UINT64_MAX;
    if (session_is_transient(session) || session->state == SESSION_CLOSING) return;
    struct deadline next = session_next_end(session);
    if (next.at_ms == UINT64_MAX) return;
    info->deadline_ms = next.at_ms > now_ms ? next.at_ms - now_ms : 0;
    info->deadline_reason = next.reason;
}

static void inspect__times(const struct weir_session *session, struct weir_session_info *info)
{
    uint32_t now_ms = (uint32_t)session->worker->now_ms;

    info->age_ms = now_ms - session->timestamps.opened_ms;
    info->received_ago_ms = now_ms - session->timestamps.received_ms;
    info->sent_ago_ms = now_ms - session->timestamps.sent_ms;
    if (info->pause != WEIR_PAUSE_NONE) info->paused_ms = now_ms - session->off_ms;
    if (session->frame_partial) info->partial_ms = now_ms - session->timestamps.frame_ms;
}

static uint32_t inspect__groups_count(const struct weir_session *session)
{
    uint32_t count = 0;

    for (const struct group_membership *at = session->memberships; at; at = at->next) count++;
    return count;
}

static void inspect__memory(const struct weir_session *session, struct weir_session_info *info)
{
    if (session_is_transient(session)) return; /* it has no state, and holds nothing */
    info->memory_bytes = session->worker->table->stride_bytes + SESSION_TABLE_HANDLE_BYTES +
                         info->groups_count * GROUP_MEMBERSHIP_BYTES +
                         (session->rare ? sizeof *session->rare : 0);
    if (!session->is_datagram) info->memory_bytes += account_held_bytes(session);
}

void inspect_session(const struct weir_session *session, struct weir_session_info *info)
{
    const struct service *service = session->service;

    *info = (struct weir_session_info){
        .id = session->id,
        .proto = service->proto,
        .state = inspect__state(session),
        .listener = service->listener,
        .worker = session->worker->index,
        .codec = service->codec->name,
        .handler = service->handler->name,
        .bytes_in = session->bytes_in,
        .bytes_out = session->bytes_out,
        .messages_in = session->messages_in,
        .messages_out = session->messages_out,
        .queued_bytes = session->is_datagram ? 0 : session->queue.pinned_bytes,
        .unread_bytes = session->unread_bytes,
        .partial_bytes = session->partial_bytes,
        .holds = session->holds,
        .pause = inspect__pause(session),
        .reason = (enum weir_reason)session->reason,
        .broadcasts_missed = session->missed,
        .groups_count = inspect__groups_count(session),
    };
    address_publish(&session->peer, &info->peer);
    inspect__times(session, info);
    inspect__memory(session, info);
    inspect__deadline(session, info);
    frame_watch_show(session, &info->received_frame, &info->sent_frame);
}

void weir_session_inspect_sized(const struct weir_session *session, struct weir_session_info *info,
                                size_t size)
{
    struct weir_session_info full;

    worker_check_thread(session->worker);
    weir_check_use(size >= sizeof full.id, "weir_session_inspect fills in a weir_session_info");
    inspect_session(session, &full);
    memset(info, 0, size);
    memcpy(info, &full, size < sizeof full ? size : sizeof full);
}

/* ---- lists ---- */

/* A query on its way to a worker. */
struct inspection {
    struct weir_sessions_query query;
    uint32_t slot; /* where the slice begins */
};

enum weir_code inspect_post(struct worker *worker, uint32_t slot,
                            const struct weir_sessions_query *query)
{
    struct mailbox_command command = {.kind = MAILBOX_INSPECT, .id = query->id};

    if (query->id != 0 && !session_table_is_live(worker->table, query->id)) return WEIR_GONE;
    command.inspection = memory_alloc(sizeof *command.inspection);
    if (!command.inspection) return WEIR_NO_MEMORY;
    *command.inspection = (struct inspection){.query = *query, .slot = slot};
    enum mailbox_posted posted = mailbox_post(worker->mailbox, &command);
    if (posted == MAILBOX_POSTED) return WEIR_OK;
    memory_free(command.inspection);
    return posted == MAILBOX_FULL ? WEIR_MAILBOX_FULL : WEIR_GONE;
}

static void inspect__show(const struct weir_sessions_query *query,
                          const struct weir_session *session)
{
    struct weir_session_info info;

    inspect_session(session, &info);
    query->on_session(query->user, &info);
}

/* Shows the sessions of a slice. Returns the slot after it. */
static uint32_t inspect__slice(struct worker *worker, const struct weir_sessions_query *query,
                               uint32_t slot)
{
    uint32_t end = slot + INSPECT__SLOTS_MAX, listed = 0;

    for (; slot < end && listed < query->count_max; slot++) {
        const struct weir_session *session = session_table_at(worker->table, slot);
        if (!session || !session->admitted) continue; /* one with a reject message counts nowhere */
        inspect__show(query, session);
        listed++;
    }
    worker->work.done += listed;
    return slot;
}

/* Returns the cursor of the slice that begins at this slot, or that of the next worker. */
static uint64_t inspect__cursor(const struct worker *worker, uint32_t slot)
{
    uint32_t index = worker->index;

    if (slot < worker->table->slots_count) return (uint64_t)index << 32 | slot;
    return index + 1 < worker->common->workers_count ? (uint64_t)(index + 1) << 32 : 0;
}

void inspect_execute(struct worker *worker, const struct mailbox_command *command)
{
    struct inspection *inspection = command->inspection;
    const struct weir_sessions_query query = inspection->query;
    const struct weir_session *session = session_table_find(worker->table, query.id);
    uint64_t cursor = 0;

    if (query.id == 0)
        cursor = inspect__cursor(worker, inspect__slice(worker, &query, inspection->slot));
    else if (session)
        inspect__show(&query, session);
    memory_free(inspection);
    query.on_end(query.user, cursor);
}

/* ---- a worker ---- */

void inspect_sample(struct worker *worker)
{
    struct net_info info = net_info(worker->net);
    struct counters *counters = &worker->counters;

    counter_move(&counters->buffer_bytes, info.buffer_bytes, counter_read(&counters->buffer_bytes));
    counter_move(&counters->spin_hits, info.spin_hits, counter_read(&counters->spin_hits));
    counter_raise(&counters->iteration_max_ns, info.busy_max_ns);
}

bool inspect_select(const struct net_event *events, uint32_t count)
{
    bool some = false;

    for (uint32_t i = 0; i < count; i++) {
        struct owner *owner = events[i].owner;
        if (events[i].kind != NET_RECEIVED && events[i].kind != NET_DATAGRAM) continue;
        owner->ops->sample(owner);
        some = true;
    }
    return some;
}

bool inspect_event(struct worker *worker, const struct net_event *event)
{
    uint64_t began_ns = net_clock_ns(worker->net);
    struct owner *owner = event->owner;

    if (!owner) return false;
    owner->ops->on_event(owner, event);
    counter_raise(&worker->counters.handler_max_ns, net_clock_ns(worker->net) - began_ns);
    return true;
}

void inspect_worker(const struct worker *worker, struct weir_worker_stats *stats)
{
    const struct counters *counters = &worker->counters;
    struct weir_stats sums = {0};
    struct mailbox_load load = mailbox_load(worker->mailbox);

    counters_add_to(counters, &sums);
    *stats = (struct weir_worker_stats){
        .loop_iterations = sums.loop_iterations,
        .iteration_max_ns = counter_read(&counters->iteration_max_ns),
        .handler_max_ns = counter_read(&counters->handler_max_ns),
        .timer_lag_max_ms = sums.timer_lag_max_ms,
        .sessions = sums.open,
        .datagram_sessions = sums.peers_opened - sums.peers_closed,
        .mailbox_commands = load.commands,
        .mailbox_bytes = load.bytes,
        .commands = sums.commands,
        .commands_refused = sums.commands_refused,
        .queued_bytes = sums.queued_bytes,
        .buffer_bytes = sums.buffer_bytes,
        .memory_bytes = sums.memory_bytes,
        .memory_max_bytes = worker->common->memory_bytes,
        .busy_ns = counter_read(&worker->iteration_times.sum_ns),
    };
}

void inspect_histogram(const struct worker *worker, enum weir_histogram_kind kind,
                       struct weir_histogram *sum)
{
    struct weir_histogram own;

    if (kind == WEIR_HISTOGRAM_OPENING) {
        histogram_read(&worker->opening_times, 0, &own);
    } else {
        weir_check(kind == WEIR_HISTOGRAM_ITERATION);
        histogram_read(&worker->iteration_times, NET_BUSY_COUNTED_NS, &own);
        /* Iterations that are too short to be counted. Those that were counted are among all,
         * because all are read last. */
        uint64_t short_count = counter_read(&worker->counters.loop_iterations) - own.count;
        own.count += short_count;
        own.counts[0] += short_count;
    }
    histogram_sum(sum, &own);
}
