/* SPDX-License-Identifier: MIT */
/* fixture_validate.c - invariants of a worker between two loop iterations.
 *
 * Sums are taken anew from the sessions, and times from the stamps, so that neither the counters
 * nor the deadline are asked about themselves.
 */
#include "fixture_validate.h"

#include "admission.h"
#include "check.h"
#include "connector.h"
#include "connects.h"
#include "filters_state.h"
#include "require.h"
#include "session.h"
#include "worker.h"

uint32_t fixture_broadcast_bytes_max = 64 * 1024;

/* What the sessions of a worker amount to. */
struct fixture_validate__sums {
    uint64_t admitted, rejected, peers, pinned_bytes, partial_bytes, leaving_bytes, filter_bytes,
        opening;
};

/* ---- times ---- */

/* A time that runs from the stamp: the timer runs, too, and comes no later. */
static void fixture_validate__time(const struct weir_session *session, uint32_t stamp_ms,
                                   uint64_t timeout_ms)
{
    const struct worker *worker = session->worker;
    uint64_t age_ms = (uint32_t)((uint32_t)worker->now_ms - stamp_ms);
    uint64_t due_ms = worker->now_ms - age_ms + timeout_ms + 1;

    if (timeout_ms == 0) return;
    if (due_ms <= worker->deadlines.taken_ms) due_ms = worker->deadlines.taken_ms + 1;
    require(wheel_timer_runs(&session->deadline));
    require(session->deadline.due_ms <= due_ms);
}

static void fixture_validate__stream_times(const struct weir_session *session)
{
    const struct weir_config *config = &session->service->config;
    uint64_t rate = config->send_rate_min_bytes;
    uint64_t timed_bytes = send_queue_timed_bytes(&session->queue);
    uint64_t more_ms = rate > 0 ? timed_bytes * 1000 / rate : 0;
    bool paused = session->receiving_off, has_flight = session->queue.flight_bytes > 0;

    if (session->filters && session->state == SESSION_OPENING && !session->filters->serves)
        fixture_validate__time(session, session->filters->began_ms, config->opening_timeout_ms);
    if (session->state == SESSION_OPEN && session->first_byte_due && !paused)
        fixture_validate__time(session, session->timestamps.received_ms,
                               config->first_byte_timeout_ms);
    if (session->state == SESSION_OPEN && session->frame_partial && !paused)
        fixture_validate__time(session, session->timestamps.frame_ms, config->frame_timeout_ms);
    require((timed_bytes > 0) == has_flight);
    if (has_flight && config->send_timeout_ms > 0)
        fixture_validate__time(session, session->timestamps.send_ms,
                               config->send_timeout_ms + more_ms);
    if (has_flight && config->send_timeout_ms > 0)
        fixture_validate__time(session, session->timestamps.measured_ms,
                               config->send_timeout_ms / (session->is_measured ? 4 : 32) + 1);
    if (session->finished && (has_flight || !session->peer_done))
        fixture_validate__time(session, session->timestamps.finished_ms,
                               session_linger_ms(session));
    if (session->rate_paused) require(wheel_timer_runs(&session->deadline));
}

static void fixture_validate__times(const struct weir_session *session)
{
    const struct weir_config *config = &session->service->config;
    uint32_t now_ms = (uint32_t)session->worker->now_ms;
    uint32_t idle_ms = session->idle_timeout_ms;
    bool sent_last =
        now_ms - session->timestamps.sent_ms < now_ms - session->timestamps.received_ms;

    if (session->state == SESSION_CLOSING) {
        require(!wheel_timer_runs(&session->deadline));
        require(!session->rare || !wheel_timer_runs(&session->rare->user_timer));
        return;
    }
    /* A timeout that has finished the session does not run again. */
    if (!session->rate_paused && !session->handler_paused && !session->speaker_waits &&
        session->reason != WEIR_REASON_IDLE)
        fixture_validate__time(
            session, sent_last ? session->timestamps.sent_ms : session->timestamps.received_ms,
            idle_ms);
    if (session->reason != WEIR_REASON_LIFETIME)
        fixture_validate__time(session, session->timestamps.opened_ms, config->lifetime_ms);
    if (!session->is_datagram) fixture_validate__stream_times(session);
}

/* ---- sums ---- */

/* The counts of the filters agree with what they hold. */
static void fixture_validate__filters(const struct weir_session *session,
                                      struct fixture_validate__sums *sums)
{
    const struct filters *filters = session->filters;
    size_t held_bytes = sizeof *filters;
    bool is_used = session->state == SESSION_OPENING || session->state == SESSION_OPEN;
    bool waits = filters->wire || filters->plain ||
                 (is_used && (filters->must_feed || filters->again || filters->end_waits ||
                              filters->fin_waits || filters->must_respond || filters->must_look));

    for (uint32_t i = 0; i < filters->count; i++) held_bytes += filters->chain[i].held_bytes;
    require_equal(held_bytes, filters->held_bytes);
    require_equal(session->wire_unread, waits);
    bool is_open = filters->at == filters->count;
    require(session->opened == is_open || (session->opened && filters->is_upgrade));
    sums->filter_bytes += held_bytes;
    sums->opening += !is_open;
}

static void fixture_validate__stream(const struct weir_session *session,
                                     struct fixture_validate__sums *sums)
{
    const struct worker *worker = session->worker;

    require(session->state != SESSION_FREE);
    require(session->reason != WEIR_REASON_NONE || session->state == SESSION_OPEN ||
            session->state == SESSION_OPENING || session->peer_done || session->peer_ended);
    require(session->queue.counted_bytes == session->queue.pinned_bytes);
    /* Beyond the mark: the buffer into which shares are coalesced, a flushed borrowed run, and
     * what there is of one broadcast in the share and in buffers. */
    require(session->queue.pinned_bytes <=
            worker->high_bytes + 2 * worker->buffer_bytes + fixture_broadcast_bytes_max);
    bool may_read = !session->queue_paused && !session->rate_paused && !session->handler_paused &&
                    !session->speaker_waits;
    require(session->congested == session->queue_paused || session->state == SESSION_CLOSING);
    require((session->rare && list_has(&session->rare->in_speakers)) == session->speaker_waits);
    bool has_unread = session->unread || session->end_unread || session->wire_unread;
    bool lacks_buffer = session->filters && session->filters->needs_buffer;
    bool closes = session->state == SESSION_FINISHING || session->state == SESSION_CLOSING;
    require(session->receiving_off || may_read || closes);
    require(!session->receiving_off || !may_read || has_unread || closes);
    require(session->receiving_off || !session->end_unread);
    require(!has_unread || session->state == SESSION_OPEN || session->state == SESSION_OPENING);
    require(list_has(&session->in_readable) == (has_unread && may_read && !lacks_buffer));
    require(!lacks_buffer || list_has(&session->in_pending_flush));
    if (session->filters) fixture_validate__filters(session, sums);
    sums->pinned_bytes += session->queue.pinned_bytes;
    if (session->admitted)
        sums->admitted++;
    else
        sums->rejected++;
}

/* A search must find every session that holds memory. */
static void fixture_validate__account(const struct weir_session *session,
                                      struct fixture_validate__sums *sums)
{
    bool closes = session->state == SESSION_CLOSING;

    require(closes || account_held_bytes(session) <= 2 * (uint64_t)session->listed_bytes);
    require(list_has(&session->in_class) == (!closes && session->listed_bytes > 0));
    sums->partial_bytes += session->partial_bytes;
    if (closes)
        sums->leaving_bytes += session->leaving_bytes + 2 * (uint64_t)session->partial_bytes +
                               (session->filters ? session->filters->held_bytes : 0);
}

static void fixture_validate__sessions(const struct worker *worker,
                                       struct fixture_validate__sums *sums)
{
    const struct list *at;

    for (at = worker->tcp_sessions.next; at != &worker->tcp_sessions; at = at->next) {
        const struct weir_session *session =
            weir_container_of((struct list *)(uintptr_t)at, struct weir_session, in_sessions);
        fixture_validate__stream(session, sums);
        fixture_validate__account(session, sums);
        fixture_validate__times(session);
    }
    for (at = worker->udp_sessions.next; at != &worker->udp_sessions; at = at->next) {
        const struct weir_session *session =
            weir_container_of((struct list *)(uintptr_t)at, struct weir_session, in_sessions);
        require(session->is_datagram);
        require(session->state == SESSION_OPEN);
        fixture_validate__times(session);
        sums->peers++;
    }
}

/* Returns the number of connectors that dial: each has room for its session. */
static uint64_t fixture_validate__dialing(const struct worker *worker)
{
    const struct list *connectors = &worker->connects->connectors;
    uint64_t count = 0;

    for (const struct list *at = connectors->next; at != connectors; at = at->next) {
        const struct connector *connector =
            weir_container_of((struct list *)(uintptr_t)at, struct connector, in_connectors);
        require(!connector->dial || !connector->session);
        count += connector->dial != NULL;
    }
    return count;
}

void fixture_validate_broadcasts(const struct weir_stats *stats)
{
    uint64_t dropped = stats->broadcasts_dropped_full + stats->broadcasts_dropped_closed +
                       stats->broadcasts_dropped_not_framed + stats->broadcasts_dropped_no_memory +
                       stats->broadcasts_dropped_reply;

    require_equal(stats->broadcasts_offered, stats->broadcasts_delivered + dropped);
}

void fixture_validate(const struct worker *worker)
{
    struct fixture_validate__sums sums = {0};
    struct weir_stats stats = {0};
    uint64_t by_reason = 0;

    wheel_validate(&worker->deadlines);
    wheel_validate(&worker->user_timers);
    wheel_validate(&worker->connects->timers);
    require(!worker->dispatch.session && !worker->dispatch.message);
    require(list_is_empty(&worker->pending_flush));
    fixture_validate__sessions(worker, &sums);
    counters_add_to(&worker->counters, &stats);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++) by_reason += stats.closed_by_reason[i];
    require_equal(stats.accepted + stats.connected - stats.closed, sums.admitted);
    require_equal(stats.open, sums.admitted);
    require_equal(stats.peers_opened - stats.peers_closed, sums.peers);
    require_equal(by_reason, stats.closed + stats.peers_closed);
    require_equal(stats.queued_bytes, sums.pinned_bytes);
    require_equal(worker->account.leaving_bytes, sums.leaving_bytes);
    require(worker->account.charged_bytes >= worker->account.table_bytes +
                                                 worker->account.membership_bytes +
                                                 2 * sums.partial_bytes + sums.filter_bytes);
    require_equal(stats.opening, sums.opening);
    require_equal(worker->common->limits->sessions_open,
                  sums.admitted + fixture_validate__dialing(worker));
    fixture_validate_broadcasts(&stats);
    require_equal(worker->reject_messages_open, sums.rejected);
    require_equal(worker->udp_sessions_count, sums.peers);
    require_equal(worker->table->open_count, sums.admitted + sums.rejected + sums.peers);
}
