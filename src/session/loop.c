/* SPDX-License-Identifier: MIT */
/* loop.c - the event loop of a worker.
 *
 *      +-> net_wait -> events, each to its owner -> unread input -> commands -> timers -+
 *      |                                                                                v
 *      '-------- sessions on the pending-flush list are flushed <-------------- drain, stop
 *
 * If net_wait fails for good, the worker stops, and its thread reports the cause.
 * Commands come from other threads through the mailbox, drain and stop requests through an atomic.
 * One iteration: all events of a batch are handled before anything is sent.
 *
 * The work of an iteration has a budget (worker.h, struct work). A session that has more input than
 * its share waits, and is served again after the others that wait. A session that used less is
 * served in the iteration in which its bytes arrive. So a flood delays an honest session by one
 * short iteration, and timers run in between.
 */
#include "loop.h"

#include "blocked.h"
#include "broadcast.h"
#include "check.h"
#include "commands.h"
#include "connector.h"
#include "filters.h"
#include "filters_in.h"
#include "inbound.h"
#include "inspect.h"
#include "oversize.h"
#include "remote.h"
#include "renewal.h"
#include "session.h"
#include "settings.h"
#include "timeouts.h"
#include "udp_shared.h"
#include "worker_timers.h"

/* 64 buffers of 16 KiB fill half of a usual second-level cache. The data of a larger batch would be
 * evicted before it is answered. */
#define LOOP__EVENTS_MAX 64
/* How soon a session that found no buffers tries again. */
#define LOOP__BUFFERS_RETRY_NS (5 * CLOCK_NS_PER_MS)
/* How soon a speaker looks again whether members on other workers have read. */
#define LOOP__SPEAKERS_RETRY_NS (5 * CLOCK_NS_PER_MS)
/* If a wait returns this late, the thread was stopped. */
#define LOOP__STOPPED_NS (1000 * CLOCK_NS_PER_MS)
/* For how long timers wait for unread bytes after that, also in a loop that is never idle. */
#define LOOP__CATCH_UP_NS (1000 * CLOCK_NS_PER_MS)
/* If a wait returns this late, more than one batch may be pending. */
#define LOOP__LATE_NS (20 * CLOCK_NS_PER_MS)
#define LOOP__SAMPLE_INTERVAL_NS (100 * CLOCK_NS_PER_MS)
/* Units of work of the commands of one iteration. */
#define LOOP__COMMANDS_WORK_MAX 1024u

/* ---- life ---- */

bool loop_init(struct loop *loop, uint8_t index, struct worker_common *common, size_t extra_bytes)
{
    const struct weir_config *config = &common->config;
    struct worker *worker = &loop->worker;

    worker->index = index;
    worker->common = common;
    settings_use(worker, NULL);
    worker->table = &loop->table;
    worker->mailbox = &loop->mailbox;
    worker->groups = &loop->groups;
    hash_table_init(&loop->groups.by_name);
    worker->udp_peers = &loop->udp_peers;
    worker->admission = &loop->admission;
    worker->connects = &loop->connects;
    account_init(&worker->account, common->memory_bytes);
    list_init(&worker->tcp_sessions);
    list_init(&worker->udp_sessions);
    list_init(&worker->pending_flush);
    list_init(&worker->waiting_for_buffers);
    list_init(&worker->readable);
    list_init(&worker->readable_again);
    list_init(&worker->speakers);
    list_init(&worker->endpoints);
    list_init(&worker->frame_watches);
    list_init(&worker->group_counts);
    wheel_timer_init(&worker->group_count_timer);
    if (!connector_init(worker)) return false;
    if (!mailbox_init(&loop->mailbox, config->mailbox_commands_max, config->mailbox_bytes_max))
        return false;
    if (!session_table_init(&loop->table, (uint8_t)config->node, index, worker_slots_max(common),
                            extra_bytes))
        return false;
    loop->table.account = &worker->account;
    return true;
}

/* After a pause, the transport may still hold some buffers of a peer (net_info.held_bytes_max).
 * Reading pauses that much earlier, so that the peer costs no more than the high-water mark. */
static void loop__set_marks(struct worker *worker)
{
    const struct weir_config *config = &worker->common->config;
    uint64_t held = net_info(worker->net).held_bytes_max;

    weir_check(held <= config->send_queue_high_bytes / 2); /* loop_open asked for it */
    worker->high_bytes = config->send_queue_high_bytes;
    worker->pause_full_bytes = (uint32_t)(config->send_queue_high_bytes - held);
    worker->resume_full_bytes = config->send_queue_low_bytes;
    if (worker->resume_full_bytes >= worker->pause_full_bytes)
        worker->resume_full_bytes = worker->pause_full_bytes / 2;
    memory_watch_start(worker, LOOP__EVENTS_MAX);
}

static void loop__set_clock(struct worker *worker, uint64_t now_ns)
{
    worker->now_ns = now_ns;
    worker->now_ms = now_ns / CLOCK_NS_PER_MS;
}

/* Whether a drain, a stop, or work on outbound connections was requested, in this iteration or
 * before. */
static bool loop__is_requested(const struct worker *worker)
{
    return atomic_load_explicit(&worker->requested, memory_order_relaxed) != WORKER_RUN;
}

enum weir_code loop_open(struct loop *loop, const struct net_options *asked,
                         struct weir_error *error)
{
    struct worker *worker = &loop->worker;
    struct net_options options = *asked;
    uint32_t high_bytes = worker->common->config.send_queue_high_bytes;

    options.memory_grew = &worker->account.must_look;
    options.busy_max_ns = worker->config->handler_warn_ms * CLOCK_NS_PER_MS;
    options.was_busy = &worker->account.must_look;
    options.busy_times = &worker->iteration_times;
    options.has_failed = &worker->account.must_look;
    worker->datagram_sends_max = options.datagram_sends_max;
    worker->buffer_bytes = options.stream_buffer_bytes;
    weir_check(options.stream_buffer_bytes <= high_bytes / 2); /* the settings were checked */
    while ((uint64_t)options.receive_buffers_ready * options.stream_buffer_bytes > high_bytes / 2)
        options.receive_buffers_ready /= 2;
    enum weir_code code = net_open(&options, &worker->net, error);
    if (code != WEIR_OK) return code;
    loop__set_marks(worker);
    loop__set_clock(worker, net_now_ns(worker->net));
    wheel_init(&worker->deadlines, worker->now_ms);
    wheel_init(&worker->user_timers, worker->now_ms);
    wheel_init(&loop->connects.timers, worker->now_ms);
    worker_timers_init(worker);
    worker->home = thread_self();
    mailbox_open(&loop->mailbox, worker->net);
    if (loop__is_requested(worker)) net_wake(worker->net); /* a connector was made before */
    return WEIR_OK;
}

void loop_free(struct loop *loop)
{
    if (!loop->worker.common) return;
    if (loop->connects.inbox.lock) connector_discard(&loop->worker);
    inbox_free(&loop->connects.inbox);
    if (loop->table.chunks) session_table_free(&loop->table);
    mailbox_free(&loop->mailbox);
    udp_shared_free(&loop->worker);
    settings_unref(loop->worker.settings);
}

/* ---- commands of other threads ---- */

static void loop__read_commands(struct loop *loop)
{
    struct worker *worker = &loop->worker;
    struct work *work = &worker->work;
    uint32_t count = 0, began = work->done;
    struct mailbox_command command;

    /* Threads that post without pause, and broadcasts to many members, must not delay the sessions.
     */
    while (work->done - began < LOOP__COMMANDS_WORK_MAX && mailbox_take(&loop->mailbox, &command)) {
        work->done++;
        commands_execute(worker, &command);
        count++;
    }
    loop->has_commands = work->done - began >= LOOP__COMMANDS_WORK_MAX;
    counter_add(&worker->counters.commands, count);
    worker->account.must_look = true; /* their payloads take memory */
    remote_report_refused(worker);
}

void loop_close(struct loop *loop)
{
    struct worker *worker = &loop->worker;

    if (!worker->net) return;
    weir_check(loop->groups.by_name.count == 0);
    weir_check(worker->udp_sessions_count == 0);
    weir_check(worker->reject_messages_open == 0);
    while (!mailbox_shut(&loop->mailbox)) loop__read_commands(loop);
    worker_timers_close(worker);
    filters_close_worker(worker);
    worker->home = 0;
    oversize_log(worker);
    net_free(worker->net);
    worker->net = NULL;
}

/* ---- waiting ---- */

/* A thread that was stopped (SIGSTOP, a suspended machine) finds every timer expired while received
 * bytes are unread. It reads first: timers run when a batch is empty. */
static void loop__check_lateness(struct loop *loop, uint32_t events_count, uint64_t late_ns)
{
    struct worker *worker = &loop->worker;

    worker->has_backlog = events_count == LOOP__EVENTS_MAX || late_ns > LOOP__LATE_NS;
    if (late_ns > LOOP__STOPPED_NS)
        worker->catch_up_until_ns = worker->now_ns + LOOP__CATCH_UP_NS;
    else if (events_count == 0 || worker->now_ns >= worker->catch_up_until_ns)
        worker->catch_up_until_ns = 0;
}

static inline uint64_t loop__earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t loop__ns_of_ms(uint64_t ms)
{
    return ms > UINT64_MAX / CLOCK_NS_PER_MS ? UINT64_MAX : ms * CLOCK_NS_PER_MS;
}

/* Returns when free memory is returned to the system: with the first sample after it is due. */
static uint64_t loop__trim_ns(const struct loop *loop)
{
    uint64_t due_ns = loop->memory_watch.due_ns;

    return due_ns > loop->sample_ns ? due_ns : loop->sample_ns;
}

/* The part of loop__wait_until() for what was requested. */
static uint64_t loop__requests_until(const struct loop *loop, uint64_t until_ns)
{
    const struct worker *worker = &loop->worker;

    if (atomic_load_explicit(&worker->requested, memory_order_relaxed) & WORKER_RENEWS) return 0;
    if (worker->request == WORKER_DRAIN)
        until_ns = loop__earlier(until_ns, drain_next_ns(&loop->drain, worker));
    return loop__earlier(until_ns, loop__ns_of_ms(connector_next_ms(worker)));
}

/* Returns when the next wait must end at the latest. */
static inline uint64_t loop__wait_until(const struct loop *loop, uint64_t until_ns)
{
    const struct worker *worker = &loop->worker;
    uint64_t timers_ms =
        loop__earlier(wheel_next_ms(&worker->deadlines), wheel_next_ms(&worker->user_timers));

    if ((worker->catch_up_until_ns | worker->readable_count | loop->has_commands) != 0) return 0;
    if (loop__is_requested(worker)) until_ns = loop__requests_until(loop, until_ns);
    until_ns = loop__earlier(until_ns, loop__ns_of_ms(timers_ms));
    if (!list_is_empty(&worker->waiting_for_buffers))
        until_ns = loop__earlier(until_ns, worker->now_ns + LOOP__BUFFERS_RETRY_NS);
    if (!list_is_empty(&worker->speakers))
        until_ns = loop->has_speakers
                       ? 0
                       : loop__earlier(until_ns, worker->now_ns + LOOP__SPEAKERS_RETRY_NS);
    if (loop->memory_watch.may_free) until_ns = loop__earlier(until_ns, loop__trim_ns(loop));
    return until_ns;
}

/* ---- one iteration ---- */

static void loop__on_event(struct worker *worker, const struct net_event *event)
{
    struct owner *owner = event->owner;

    if (event->kind == NET_WOKEN) { /* commands and requests are read after the batch */
        oversize_log(worker);
        return;
    }
    weir_check(owner != NULL);
    owner->ops->on_event(owner, event);
}

/* Sets the work that each session may use in this iteration. */
static void loop__share_work(struct worker *worker, uint32_t events_count)
{
    struct work *work = &worker->work;
    const uint32_t few_max = WORK_BATCH_MAX / WORK_SESSION_MAX;

    weir_check(events_count <= LOOP__EVENTS_MAX);
    work->iteration++;
    work->began = work->done;
    work->session_max = WORK_SESSION_MAX;
    if (worker->readable_count + events_count <= few_max) return;
    worker->account.must_look = true; /* they can take much memory */
    if (events_count > few_max) work->session_max = WORK_BATCH_MAX / events_count;
}

/* Decodes the unread input of the first session on the list, if there is one. */
static void loop__read_first(struct worker *worker, struct list *sessions)
{
    if (list_is_empty(sessions)) return;
    struct weir_session *session =
        weir_container_of(sessions->next, struct weir_session, in_readable);
    worker_read_not(worker, session);
    if (session->filters)
        filters_in_continue(session);
    else
        inbound_continue(session);
}

/* Decodes the unread input of sessions, the longest waiting first: for an iteration's work those
 * that used less than their share, and the others until the iteration's work is used up. */
static void loop__read_on(struct worker *worker, struct list *fresh, struct list *again)
{
    const struct work *work = &worker->work;
    uint32_t began = work->done;

    while (!list_is_empty(fresh) && work->done - began < WORK_ITERATION_MAX)
        loop__read_first(worker, fresh);
    while (!list_is_empty(again) && !work_is_used_up(work)) loop__read_first(worker, again);
}

/* Handles the events, and decodes the unread input of sessions that had some before. */
static void loop__read_unread(struct worker *worker, const struct net_event *events, uint32_t count)
{
    struct list fresh, again;

    list_init(&fresh);
    list_init(&again);
    list_append_all(&fresh, &worker->readable);
    list_append_all(&again, &worker->readable_again);
    /* One before the events, which could use up the work of every iteration. */
    loop__read_first(worker, &again);
    for (uint32_t i = 0; i < count; i++) loop__on_event(worker, &events[i]);
    loop__read_on(worker, &fresh, &again);
    list_append_all(&fresh, &worker->readable); /* those not served stay in front */
    list_append_all(&worker->readable, &fresh);
    list_append_all(&again, &worker->readable_again);
    list_append_all(&worker->readable_again, &again);
}

/* Ten times a second. */
static void loop__sample(struct loop *loop)
{
    struct worker *worker = &loop->worker;

    blocked_check(&loop->blocked, worker);
    loop->sample_ns = worker->now_ns + LOOP__SAMPLE_INTERVAL_NS;
    loop->must_select = true;
    net_start_busy(worker->net); /* the first sample follows the first wait */
    inspect_sample(worker);
    memory_watch_sample(&loop->memory_watch, worker);
}

/* Handles and measures all events after a callback has blocked, otherwise the first one of a
 * sample. Selects sessions of the next batch with data. Returns how many events it handled. */
static uint32_t loop__measure(struct loop *loop, const struct net_event *events, uint32_t count)
{
    struct worker *worker = &loop->worker;

    bool is_due = worker->now_ns >= loop->sample_ns;

    if (is_due) loop__sample(loop);
    if (loop->must_select) loop->must_select = !inspect_select(events, count);
    if (!blocked_measures(&loop->blocked)) {
        loop->measure_ns = loop->must_select ? 0 : loop->sample_ns;
        return is_due && count > 0 && inspect_event(worker, events) ? 1 : 0;
    }
    blocked_begin(&loop->blocked);
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].owner)
            blocked_handle(&loop->blocked, worker, &events[i]);
        else
            loop__on_event(worker, &events[i]);
    }
    return count;
}

static void loop__read_input(struct loop *loop, const struct net_event *events, uint32_t count)
{
    struct worker *worker = &loop->worker;

    loop__share_work(worker, count);
    if (worker->now_ns >= loop->measure_ns) {
        uint32_t done = loop__measure(loop, events, count);
        events += done;
        count -= done;
    }
    if (worker->readable_count > 0)
        loop__read_unread(worker, events, count);
    else
        for (uint32_t i = 0; i < count; i++) loop__on_event(worker, &events[i]);
}

static void loop__flush_pending(struct worker *worker)
{
    struct list *node;

    weir_check(!worker->dispatch.session);
    while ((node = list_take_first(&worker->pending_flush)) != NULL) {
        struct weir_session *session =
            weir_container_of(node, struct weir_session, in_pending_flush);
        weir_check(session->worker == worker);
        session_flush(session);
    }
}

/* Sessions that found no buffers try again, longest waiting first, while buffers are left. Input
 * that waits for them is used now: others would take them before the next iteration. */
static void loop__flush_waiting(struct worker *worker)
{
    /* A session that finds no buffer joins the list again, but then none is left. */
    while (!list_is_empty(&worker->waiting_for_buffers) && net_buffers_left(worker->net) > 0) {
        struct list *node = list_take_first(&worker->waiting_for_buffers);
        struct weir_session *session =
            weir_container_of(node, struct weir_session, in_pending_flush);
        bool is_input = session->filters && session->filters->needs_buffer;
        session_flush(session);
        if (is_input && list_has(&session->in_readable)) filters_in_continue(session);
    }
}

/* Outbound connections come last: connector_update() also frees those that a drain ended. */
static void loop__do_requests(struct loop *loop)
{
    renewal_update(&loop->renewal, &loop->worker);
    drain_update(&loop->drain, &loop->worker);
    connector_update(&loop->worker);
}

/* Looks at what few iterations must: the memory, the time that callbacks took, and whether the net
 * has failed. */
static void loop__look(struct loop *loop, uint32_t events_count)
{
    blocked_report(&loop->blocked, &loop->worker, events_count, LOOP__EVENTS_MAX);
    if (blocked_measures(&loop->blocked)) loop->measure_ns = 0;
    memory_watch_look(&loop->memory_watch, &loop->worker);
    if (net_failure(loop->worker.net, NULL) != WEIR_OK) worker_request(&loop->worker, WORKER_STOP);
}

/* Whether nothing is left and nothing can arrive. */
static bool loop__has_ended(struct loop *loop)
{
    struct worker *worker = &loop->worker;

    if (worker->request == WORKER_RUN || !list_is_empty(&worker->tcp_sessions) ||
        worker->udp_sessions_count > 0 || !list_is_empty(&worker->endpoints) ||
        !connector_all_ended(worker) || !list_is_empty(&worker->group_counts))
        return false;
    worker->ending = true;
    return mailbox_shut(&loop->mailbox);
}

bool loop_iterate(struct loop *loop, uint64_t until_ns)
{
    struct worker *worker = &loop->worker;
    struct net_event events[LOOP__EVENTS_MAX];

    until_ns = loop__wait_until(loop, until_ns);
    uint32_t count = net_wait(worker->net, until_ns, events, LOOP__EVENTS_MAX);
    weir_check(count <= LOOP__EVENTS_MAX);
    struct net_time time = net_time(worker->net);
    loop__set_clock(worker, time.now_ns);
    loop__check_lateness(loop, count, time.late_ns);
    counter_add(&worker->counters.loop_iterations, 1);
    loop__read_input(loop, events, count);
    if (loop->has_commands || mailbox_may_have(&loop->mailbox)) loop__read_commands(loop);
    if (worker->account.must_look) loop__look(loop, count);
    atomic_store_explicit(&worker->load, loop->table.open_count, memory_order_relaxed);
    if (!list_is_empty(&worker->speakers)) loop->has_speakers = broadcast_retry(worker);
    if (worker->catch_up_until_ns == 0) timeouts_run(worker);
    if (loop__is_requested(worker)) loop__do_requests(loop);
    /* First: others must not take their buffers. */
    if (!list_is_empty(&worker->waiting_for_buffers)) loop__flush_waiting(worker);
    loop__flush_pending(worker);
    return !loop__has_ended(loop);
}

void loop_run(struct loop *loop)
{
    while (loop_iterate(loop, NET_FOREVER)) continue;
}

uint64_t loop_due_ns(const struct loop *loop)
{
    uint64_t due_ns = loop__wait_until(loop, NET_FOREVER);

    return loop__earlier(due_ns, net_due_ns(loop->worker.net));
}
