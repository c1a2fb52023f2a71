/* SPDX-License-Identifier: MIT */
/* worker.c - the loop: wait for a batch of events, handle each, send what they queued.
 *
 *      +-> net_wait -> events, each to its place or session -> orders -> touched ones flushed -+
 *      '---------------------------------------------------------------------------------------'
 *
 * Orders come from other threads through one atomic and a wake-up:
 *
 *      RUN -> DRAIN -> STOP -> nothing is left: the end
 *
 * A drain closes the listeners, lets every session answer what it was asked, finishes those that
 * have gone quiet, and stops what is left at the deadline.
 */
#include "worker.h"

#include <stdio.h>

#include "check.h"
#include "error_fill.h"
#include "wall.h"

/* 64 buffers of 16 KiB are half of a usual second-level cache: a larger batch would be cold before
 * it is answered. */
#define WORKER__EVENTS_MAX 64
#define WORKER__DRAIN_LOOK_NS (20 * WALL_NS_PER_MS)
/* How long a place that is never idle goes on taking in what the system had taken for us before. */
#define WORKER__DRAIN_PLACES_NS (200 * WALL_NS_PER_MS)
/* When nothing was received for so long, nothing is on its way. */
#define WORKER__DRAIN_QUIET_NS (100 * WALL_NS_PER_MS)
/* How long a finished peer may take to finish too. */
#define WORKER__DRAIN_LINGER_NS (1000 * WALL_NS_PER_MS)

/* ---- open, free ---- */

/* The transport may hold some buffers after a pause (net_info.held_bytes_max); with them the peer
 * must still cost no more than the high mark, so receiving pauses that much earlier. */
static void worker__set_marks(struct worker *worker)
{
    struct worker_common *common = worker->common;
    uint64_t held = net_info(worker->net).held_bytes_max;

    weir_check(held <= common->send_queue_high_bytes / 2); /* worker_open asked for it */
    worker->high_bytes = common->send_queue_high_bytes;
    worker->pause_bytes = (uint32_t)(common->send_queue_high_bytes - held);
    worker->resume_bytes = common->send_queue_low_bytes;
    if (worker->resume_bytes >= worker->pause_bytes) worker->resume_bytes = worker->pause_bytes / 2;
}

enum weir_code worker_open(struct worker *worker, uint8_t index, struct worker_common *common,
                           const struct net_options *asked, struct weir_error *error)
{
    struct net_options options = *asked;

    worker->index = index;
    worker->common = common;
    list_init(&worker->open);
    list_init(&worker->touched);
    list_init(&worker->places);
    worker->datagram_sends_max = options.datagram_sends_max;
    worker->buffer_bytes = options.stream_buffer_bytes;
    while (options.receive_buffers_ready > 1 &&
           (uint64_t)options.receive_buffers_ready * options.stream_buffer_bytes >
               common->send_queue_high_bytes / 2)
        options.receive_buffers_ready /= 2;
    enum weir_code code = net_open(&options, &worker->net, error);
    if (code != WEIR_OK) return code;
    if (!session_table_init(&worker->table, index, common->sessions_max)) {
        net_free(worker->net);
        worker->net = NULL;
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a worker", NULL, NULL,
                          "lower sessions_max");
    }
    worker__set_marks(worker);
    return WEIR_OK;
}

void worker_free(struct worker *worker)
{
    if (!worker->net) return;
    session_table_free(&worker->table);
    net_free(worker->net);
    worker->net = NULL;
}

/* ---- what sessions and places ask ---- */

bool worker_admit(struct worker *worker)
{
    struct worker_common *common = worker->common;

    if (atomic_fetch_add_explicit(&common->sessions_open, 1, memory_order_relaxed) <
        common->sessions_max)
        return true;
    worker_dismiss(worker);
    counter_add(&worker->counters.refused_full, 1);
    return false;
}

void worker_dismiss(struct worker *worker)
{
    atomic_fetch_sub_explicit(&worker->common->sessions_open, 1, memory_order_relaxed);
}

static void worker__note_order(struct worker *worker, enum worker_order order)
{
    uint8_t asked = atomic_load(&worker->asked);

    while (asked < (uint8_t)order &&
           !atomic_compare_exchange_weak(&worker->asked, &asked, (uint8_t)order))
        continue;
}

/* ---- the team ---- */

static struct worker *worker__least_busy(struct worker *worker)
{
    const struct worker_common *common = worker->common;
    struct worker *least = worker;
    uint32_t least_load = UINT32_MAX;

    for (uint32_t i = 0; i < common->team_count; i++) {
        struct worker *member = common->team[(worker->team_next + i) % common->team_count];
        uint32_t load = atomic_load_explicit(&member->load, memory_order_relaxed);
        if (load >= least_load) continue;
        least_load = load;
        least = member;
    }
    worker->team_next++;
    return least;
}

void worker_place_accepted(struct worker *worker, const struct place *place,
                           struct net_socket socket, const struct weir_address *peer)
{
    const struct mailbox_letter letter = {socket, *peer, place};
    struct worker *chosen = worker->common->team ? worker__least_busy(worker) : worker;

    /* Counted before it is there, so that the next one of this batch goes elsewhere. */
    if (worker->common->team) atomic_fetch_add_explicit(&chosen->load, 1, memory_order_relaxed);
    if (chosen == worker || !mailbox_post(&chosen->mailbox, &letter))
        session_open(worker, place, socket, peer);
}

static void worker__read_mail(struct worker *worker)
{
    struct mailbox_letter letter;

    if (!worker->common->team) return;
    while (mailbox_take(&worker->mailbox, &letter)) {
        if (worker->order == WORKER_STOP)
            net_refuse(worker->net, letter.socket);
        else
            session_open(worker, letter.place, letter.socket, &letter.peer);
    }
    atomic_store_explicit(&worker->load, worker->table.open_count, memory_order_relaxed);
}

/* Nobody can reach the team any more. */
static void worker__stop_all(struct worker *worker)
{
    const struct worker_common *common = worker->common;

    for (uint32_t i = 0; i < common->team_count; i++) {
        struct worker *member = common->team[i];
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
    if (worker->order != WORKER_RUN || worker__listens(worker)) return;
    if (worker->common->team)
        worker__stop_all(worker);
    else
        worker_stop(worker);
}

/* ---- orders ---- */

static void worker__ask(struct worker *worker, enum worker_order order)
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

/* A later drain may shorten the time of the one that is under way, and not lengthen it. */
static void worker__mind_deadline(struct worker *worker)
{
    uint32_t asked = atomic_load(&worker->drains_asked);
    uint64_t until_ns = net_now_ns(worker->net) + atomic_load(&worker->drain_ms) * WALL_NS_PER_MS;

    if (asked == worker->drains_seen) return;
    worker->drains_seen = asked;
    if (until_ns < worker->drain_until_ns) worker->drain_until_ns = until_ns;
}

static void worker__start_drain(struct worker *worker)
{
    worker->order = WORKER_DRAIN;
    worker->drain_until_ns = NET_FOREVER;
    worker->drain_began_ns = worker->drain_look_at_ns = net_now_ns(worker->net);
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        weir_container_of(at, struct place, in_places)->was_busy = true;
}

static void worker__start_stop(struct worker *worker)
{
    worker->order = WORKER_STOP;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        place_close(weir_container_of(at, struct place, in_places));
    for (struct list *at = worker->open.next; at != &worker->open; at = at->next)
        session_close(weir_container_of(at, struct weir_session, in_open), WEIR_REASON_SHUTDOWN);
}

static void worker__drain_session(struct weir_session *session, uint64_t now)
{
    bool idle = !session->send_out && send_queue_is_empty(&session->queue);

    if (session->state == SESSION_OPEN && idle &&
        now - session->received_at_ns >= WORKER__DRAIN_QUIET_NS)
        session_finish(session, WEIR_REASON_DRAIN);
    else if (session->finished_at_ns != 0 &&
             now - session->finished_at_ns >= WORKER__DRAIN_LINGER_NS)
        session_close(session, WEIR_REASON_DRAIN);
}

static void worker__drain(struct worker *worker)
{
    uint64_t now = net_now_ns(worker->net);
    bool is_last_look = now - worker->drain_began_ns >= WORKER__DRAIN_PLACES_NS;

    worker__mind_deadline(worker);
    if (now >= worker->drain_until_ns) {
        worker__start_stop(worker);
        return;
    }
    if (now < worker->drain_look_at_ns) return;
    worker->drain_look_at_ns = now + WORKER__DRAIN_LOOK_NS;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        place_drain(weir_container_of(at, struct place, in_places), is_last_look);
    for (struct list *at = worker->open.next; at != &worker->open; at = at->next)
        worker__drain_session(weir_container_of(at, struct weir_session, in_open), now);
}

static void worker__mind_orders(struct worker *worker)
{
    uint8_t asked = atomic_load_explicit(&worker->asked, memory_order_acquire);

    if (asked > worker->order && asked == WORKER_DRAIN) worker__start_drain(worker);
    if (asked > worker->order && asked == WORKER_STOP) worker__start_stop(worker);
    if (worker->order == WORKER_DRAIN) worker__drain(worker);
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
    case NET_PAUSED: worker_count_pause(session->worker, event->code); break;
    default: weir_unreachable("an event that no connection has");
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

static void worker__flush_touched(struct worker *worker)
{
    struct list *node;

    while ((node = list_take_first(&worker->touched)) != NULL)
        session_flush(weir_container_of(node, struct weir_session, in_touched));
}

/* Nothing is left, and nothing can come any more. */
static bool worker__has_ended(struct worker *worker)
{
    if (worker->order == WORKER_RUN || !list_is_empty(&worker->open) ||
        !list_is_empty(&worker->places))
        return false;
    return !worker->common->team || mailbox_shut(&worker->mailbox);
}

bool worker_turn(struct worker *worker, uint64_t until_ns)
{
    struct net_event events[WORKER__EVENTS_MAX];

    if (worker->order == WORKER_DRAIN && worker->drain_look_at_ns < until_ns)
        until_ns = worker->drain_look_at_ns;
    uint32_t count = net_wait(worker->net, until_ns, events, WORKER__EVENTS_MAX);
    for (uint32_t i = 0; i < count; i++) worker__on_event(&events[i]);
    worker__read_mail(worker);
    worker__mind_orders(worker);
    worker__flush_touched(worker);
    return !worker__has_ended(worker);
}

void worker_run(struct worker *worker)
{
    while (worker_turn(worker, NET_FOREVER)) continue;
}
