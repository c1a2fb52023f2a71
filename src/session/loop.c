/* SPDX-License-Identifier: MIT */
/* worker.c - the loop: wait for a batch of events, handle each, send what they queued.
 *
 *      +-> net_wait -> events, each to its place or session -> mail -> timers -> orders -+
 *      '------------------------------ touched sessions flushed <------------------------'
 *
 * Orders come from other threads through one atomic and a wake-up (drain.c), everything else
 * through the mailbox.
 */
#include "worker.h"

#include <stdio.h>

#include "check.h"
#include "deadline.h"
#include "drain.h"
#include "error_fill.h"
#include "remote.h"

/* 64 buffers of 16 KiB are half of a usual second-level cache: a larger batch would be cold before
 * it is answered. */
#define WORKER__EVENTS_MAX 64
/* How soon a session that found no buffers tries again. */
#define WORKER__BUFFERS_RETRY_NS (5 * CLOCK_NS_PER_MS)
/* A wait that returns so much too late was no wait: the thread stood still. */
#define WORKER__STILL_NS (1000 * CLOCK_NS_PER_MS)
#define WORKER__CATCH_UP_ITERATIONS_MAX 1000u
/* A wait that returns so much too late found more than one batch, perhaps. */
#define WORKER__LATE_NS (20 * CLOCK_NS_PER_MS)
#define WORKER__SAMPLE_EVERY_MS 100u

/* ---- life ---- */

bool worker_init(struct worker *worker, uint8_t index, struct worker_common *common,
                 size_t extra_bytes)
{
    const struct weir_config *config = &common->config;
    uint32_t slots_max =
        config->sessions_max + config->datagram_peers_max + WORKER_REJECT_MESSAGES_MAX;

    worker->index = index;
    worker->common = common;
    list_init(&worker->open);
    list_init(&worker->pending_flush);
    list_init(&worker->waiting_for_buffers);
    list_init(&worker->places);
    peers_init(&worker->peers);
    if (!mailbox_init(&worker->mailbox, config->mailbox_commands_max)) return false;
    return session_table_init(&worker->table, (uint8_t)config->node, index, slots_max, extra_bytes);
}

/* The transport may hold some buffers after a pause (net_info.held_bytes_max); with them the peer
 * must still cost no more than the high mark, so receiving pauses that much earlier. */
static void worker__set_marks(struct worker *worker)
{
    const struct weir_config *config = &worker->common->config;
    uint64_t held = net_info(worker->net).held_bytes_max;

    weir_check(held <= config->send_queue_high_bytes / 2); /* worker_open asked for it */
    worker->high_bytes = config->send_queue_high_bytes;
    worker->pause_bytes = (uint32_t)(config->send_queue_high_bytes - held);
    worker->resume_bytes = config->send_queue_low_bytes;
    if (worker->resume_bytes >= worker->pause_bytes) worker->resume_bytes = worker->pause_bytes / 2;
}

static void worker__note_time(struct worker *worker)
{
    worker->now_ns = net_now_ns(worker->net);
    worker->now_ms = worker->now_ns / CLOCK_NS_PER_MS;
}

enum weir_code worker_open(struct worker *worker, const struct net_options *asked,
                           struct weir_error *error)
{
    struct net_options options = *asked;
    uint32_t high_bytes = worker->common->config.send_queue_high_bytes;

    worker->datagram_sends_max = options.datagram_sends_max;
    worker->buffer_bytes = options.stream_buffer_bytes;
    weir_check(options.stream_buffer_bytes <= high_bytes / 2); /* the settings were checked */
    while ((uint64_t)options.receive_buffers_ready * options.stream_buffer_bytes > high_bytes / 2)
        options.receive_buffers_ready /= 2;
    enum weir_code code = net_open(&options, &worker->net, error);
    if (code != WEIR_OK) return code;
    worker__set_marks(worker);
    worker__note_time(worker);
    worker->linger_ms = worker->common->config.linger_timeout_ms;
    wheel_init(&worker->deadlines, worker->now_ms);
    wheel_init(&worker->user_timers, worker->now_ms);
    mailbox_open(&worker->mailbox, worker->net);
    return WEIR_OK;
}

void worker_close(struct worker *worker)
{
    if (!worker->net) return;
    weir_check(worker->groups.count == 0);
    weir_check(worker->reject_messages_open == 0);
    while (!mailbox_shut(&worker->mailbox)) remote_read(worker);
    net_free(worker->net);
    worker->net = NULL;
}

void worker_free(struct worker *worker)
{
    if (!worker->common) return;
    if (worker->table.chunks) session_table_free(&worker->table);
    mailbox_free(&worker->mailbox);
    peers_free(&worker->peers);
}

/* ---- the team ---- */

static void worker__note_order(struct worker *worker, enum worker_request order)
{
    atomic_fetch_or(&worker->requested, (uint8_t)order);
}

static struct worker *worker__least_busy(struct worker *worker)
{
    const struct worker_common *common = worker->common;
    struct worker *least = worker;
    uint32_t least_load = UINT32_MAX;

    for (uint32_t i = 0; i < common->handoff_count; i++) {
        struct worker *member =
            common->handoff_workers[(worker->handoff_next + i) % common->handoff_count];
        uint32_t load = atomic_load_explicit(&member->load, memory_order_relaxed);
        if (load >= least_load) continue;
        least_load = load;
        least = member;
    }
    worker->handoff_next++;
    return least;
}

void worker_place_accepted(struct worker *worker, const struct place *place,
                           struct net_socket socket, const struct weir_address *peer)
{
    const struct mailbox_command command = {
        .kind = MAILBOX_ACCEPTED, .place = place, .socket = socket, .peer = *peer};
    struct worker *chosen = worker->common->handoff_workers ? worker__least_busy(worker) : worker;

    /* Counted before it is there, so that the next one of this batch goes elsewhere. */
    if (worker->common->handoff_workers)
        atomic_fetch_add_explicit(&chosen->load, 1, memory_order_relaxed);
    if (chosen == worker || mailbox_post(&chosen->mailbox, &command) != MAILBOX_POSTED)
        session_open(worker, place, socket, peer);
}

/* Nobody can reach the team any more. */
static void worker__stop_all(struct worker *worker)
{
    const struct worker_common *common = worker->common;

    for (uint32_t i = 0; i < common->handoff_count; i++) {
        struct worker *member = common->handoff_workers[i];
        worker__note_order(member, WORKER_STOP);
        mailbox_wake(&member->mailbox);
    }
}

void worker_count_pause(struct worker *worker, enum weir_code code)
{
    struct counters *counters = &worker->counters;

    counter_add(code == WEIR_NO_BUFFERS ? &counters->pauses_no_buffers : &counters->pauses_no_files,
                1);
}

static bool worker__listens(const struct worker *worker)
{
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        if (!weir_container_of(at, struct place, in_places)->closing) return true;
    return false;
}

void worker_place_broke(struct worker *worker, struct place *place, const struct net_event *event)
{
    char subject[96], where[WEIR_ADDRESS_TEXT_BYTES], text[512];
    struct weir_error error;

    if (place->closing) return; /* it was in the same batch as what made us close it */
    struct weir_address address = net_local_address(worker->net, place->handle);
    snprintf(subject, sizeof subject, "%s %s", place->proto == WEIR_TCP ? "tcp" : "udp",
             weir_address_text(&address, where, sizeof where));
    error_fill(&error, event->code, event->os_error, "go on listening on", subject, NULL,
               "restart the server");
    log_line(&worker->common->log, WEIR_LOG_ERROR, "%s",
             weir_error_text(&error, text, sizeof text));
    place_close(place);
    /* Nobody could reach it any more. A drain ends by itself, and answers first. */
    if (worker->request != WORKER_RUN || worker__listens(worker)) return;
    if (worker->common->handoff_workers)
        worker__stop_all(worker);
    else
        worker_stop(worker);
}

/* ---- orders ---- */

static void worker__ask(struct worker *worker, enum worker_request order)
{
    worker__note_order(worker, order);
    net_wake(worker->net);
}

void worker_drain(struct worker *worker, uint32_t deadline_ms)
{
    atomic_store(&worker->drain_ms, deadline_ms);
    atomic_fetch_add(&worker->drains_asked, 1);
    worker__ask(worker, WORKER_DRAIN);
}

void worker_stop(struct worker *worker)
{
    worker__ask(worker, WORKER_STOP);
}

/* ---- times ---- */

/* A thread that was stopped (SIGSTOP, a machine asleep) finds every timer due, and all that peers
 * sent meanwhile still unread: it reads first, and lets timers run when nothing more comes. */
static void worker__check_lateness(struct worker *worker, uint32_t events_count)
{
    uint64_t late_ns =
        worker->now_ns > worker->waited_until_ns ? worker->now_ns - worker->waited_until_ns : 0;

    worker->has_backlog = events_count == WORKER__EVENTS_MAX || late_ns > WORKER__LATE_NS;
    if (late_ns > WORKER__STILL_NS)
        worker->catching_up_iterations = WORKER__CATCH_UP_ITERATIONS_MAX;
    else if (events_count == 0)
        worker->catching_up_iterations = 0;
    else if (worker->catching_up_iterations > 0)
        worker->catching_up_iterations--;
}

static void worker__count_timer(struct worker *worker, const struct wheel_timer *timer)
{
    counter_add(&worker->counters.timers_fired, 1);
    counter_raise(&worker->counters.timer_lag_max_ms, worker->now_ms - timer->due_ms);
}

static void worker__run_timers(struct worker *worker)
{
    struct wheel_timer *timer;

    if (worker->catching_up_iterations > 0) return;
    while ((timer = wheel_take_due(&worker->deadlines, worker->now_ms)) != NULL) {
        worker__count_timer(worker, timer);
        deadline_on_due(weir_container_of(timer, struct weir_session, deadline));
    }
    while ((timer = wheel_take_due(&worker->user_timers, worker->now_ms)) != NULL) {
        struct weir_session *session = weir_container_of(timer, struct weir_session, user_timer);
        const struct weir_handler *handler = session->place->handler;
        worker__count_timer(worker, timer);
        if (handler->on_timer) handler->on_timer(session);
    }
}

static uint64_t worker__sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t worker__ns_of_ms(uint64_t ms)
{
    return ms > UINT64_MAX / CLOCK_NS_PER_MS ? UINT64_MAX : ms * CLOCK_NS_PER_MS;
}

/* How long the next wait may take at most. */
static uint64_t worker__wait_until(struct worker *worker, uint64_t until_ns)
{
    if (worker->catching_up_iterations > 0) return 0;
    until_ns = worker__sooner(until_ns, drain_next_ns(worker));
    until_ns = worker__sooner(until_ns, worker__ns_of_ms(wheel_next_ms(&worker->deadlines)));
    until_ns = worker__sooner(until_ns, worker__ns_of_ms(wheel_next_ms(&worker->user_timers)));
    if (!list_is_empty(&worker->waiting_for_buffers))
        until_ns = worker__sooner(until_ns, worker->now_ns + WORKER__BUFFERS_RETRY_NS);
    return until_ns;
}

/* ---- the turn ---- */

static void worker__on_session_event(struct weir_session *session, const struct net_event *event)
{
    switch (event->kind) {
    case NET_RECEIVED: session_on_received(session, event->buffer); break;
    case NET_PEER_DONE: session_on_peer_done(session); break;
    case NET_SENT: session_on_sent(session, event->code); break;
    case NET_BROKEN: session_on_broken(session, event->code); break;
    case NET_CLOSED: session_on_closed(session); break;
    case NET_PAUSED:
    default: /* what the others are, no connection has */
        weir_check(event->kind == NET_PAUSED);
        worker_count_pause(session->worker, event->code);
    }
}

static void worker__on_event(const struct net_event *event)
{
    struct owner *owner = event->owner;

    if (event->kind == NET_WOKEN) return; /* the order is looked at after the batch */
    if (owner->kind == OWNER_SESSION)
        worker__on_session_event(weir_container_of(owner, struct weir_session, owner), event);
    else
        place_on_event(weir_container_of(owner, struct place, owner), event);
}

static void worker__flush_pending(struct worker *worker)
{
    struct list *node;

    while ((node = list_take_first(&worker->pending_flush)) != NULL)
        session_flush(weir_container_of(node, struct weir_session, in_pending_flush));
}

static void worker__sample(struct worker *worker)
{
    if (worker->now_ms - worker->sampled_at_ms < WORKER__SAMPLE_EVERY_MS) return;
    worker->sampled_at_ms = worker->now_ms;
    counter_move(&worker->counters.buffer_bytes, net_info(worker->net).buffer_bytes,
                 counter_read(&worker->counters.buffer_bytes));
}

/* Nothing is left, and nothing can come any more. */
static bool worker__has_ended(struct worker *worker)
{
    return worker->request != WORKER_RUN && list_is_empty(&worker->open) &&
           worker->peers.count == 0 && list_is_empty(&worker->places) &&
           mailbox_shut(&worker->mailbox);
}

bool worker_iterate(struct worker *worker, uint64_t until_ns)
{
    struct net_event events[WORKER__EVENTS_MAX];

    until_ns = worker__wait_until(worker, until_ns);
    /* A wait that is already over is as long as the turn before it. */
    worker->waited_until_ns = until_ns > worker->now_ns ? until_ns : worker->now_ns;
    uint32_t count = net_wait(worker->net, until_ns, events, WORKER__EVENTS_MAX);
    worker__note_time(worker);
    worker__check_lateness(worker, count);
    counter_add(&worker->counters.loop_iterations, 1);
    for (uint32_t i = 0; i < count; i++) worker__on_event(&events[i]);
    remote_read(worker);
    worker__run_timers(worker);
    drain_update(worker);
    list_append_all(&worker->pending_flush, &worker->waiting_for_buffers);
    worker__flush_pending(worker);
    worker__sample(worker);
    return !worker__has_ended(worker);
}

void worker_run(struct worker *worker)
{
    while (worker_iterate(worker, NET_FOREVER)) continue;
}
