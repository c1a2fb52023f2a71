/* SPDX-License-Identifier: MIT */
/* deadline.c - the times of a session, all on one timer.
 *
 *      received_ms, sent_ms -+                       +- the soonest is due: the session ends
 *      opened_ms ------------+--> deadline.due_ms ---+- it has moved on meanwhile: set again
 *      frame_ms, send_ms ----'    (never later)      '- a rate has rested: receiving goes on
 *
 * Bytes that come move a stamp and nothing else; the timer finds out when it runs out.
 */
#include "deadline.h"

#include "check.h"
#include "place.h"
#include "worker.h"

/* What is due, and when. */
struct deadline__due {
    uint64_t at_ms;
    enum weir_reason reason; /* NONE: receiving goes on */
};

static uint64_t deadline__age(const struct weir_session *session, uint32_t stamp_ms)
{
    return (uint32_t)((uint32_t)session->worker->now_ms - stamp_ms);
}

/* A time of 0 means never. One more millisecond, because the stamp was cut to a whole one: a
 * deadline is a floor. */
static void deadline__consider(const struct weir_session *session, uint32_t stamp_ms,
                               uint64_t timeout_ms, enum weir_reason reason,
                               struct deadline__due *soonest)
{
    uint64_t now_ms = session->worker->now_ms;
    uint64_t at_ms = now_ms - deadline__age(session, stamp_ms) + timeout_ms + 1;

    if (timeout_ms == 0 || at_ms >= soonest->at_ms) return;
    *soonest = (struct deadline__due){at_ms, reason};
}

/* How long the send that is out may take: its time, and its share at the lowest rate. */
static uint64_t deadline__send_ms(const struct weir_session *session)
{
    const struct weir_config *config = &session->worker->common->config;
    uint64_t rate = config->send_rate_min_bytes;
    uint64_t at_rate_ms = rate > 0 ? (uint64_t)session->queue.flight_bytes * 1000 / rate : 0;

    return config->send_timeout_ms == 0 ? 0 : config->send_timeout_ms + at_rate_ms;
}

static void deadline__consider_stream(const struct weir_session *session,
                                      struct deadline__due *soonest)
{
    const struct weir_config *config = &session->worker->common->config;

    if (!session->has_received && session->state == SESSION_OPEN)
        deadline__consider(session, session->opened_ms, config->first_byte_timeout_ms,
                           WEIR_REASON_FIRST_BYTE, soonest);
    if (session->state == SESSION_OPEN && session->frame_partial && !session->queue_paused &&
        !session->rate_paused)
        deadline__consider(session, session->frame_ms, config->frame_timeout_ms, WEIR_REASON_FRAME,
                           soonest);
    if (session->send_out)
        deadline__consider(session, session->send_ms, deadline__send_ms(session),
                           WEIR_REASON_STALLED, soonest);
    if (session->finished && !session->peer_done)
        deadline__consider(session, session->finished_ms, session->worker->linger_ms,
                           (enum weir_reason)session->reason, soonest);
    if (session->rate_paused) {
        uint32_t rest_ms = session->resume_ms - (uint32_t)session->worker->now_ms;
        uint64_t at_ms = session->worker->now_ms + (rest_ms <= INT32_MAX ? rest_ms : 0);
        if (at_ms < soonest->at_ms) *soonest = (struct deadline__due){at_ms, WEIR_REASON_NONE};
    }
}

static struct deadline__due deadline__soonest(const struct weir_session *session)
{
    const struct weir_config *config = &session->worker->common->config;
    struct deadline__due soonest = {UINT64_MAX, WEIR_REASON_NONE};
    uint64_t sent_age = deadline__age(session, session->sent_ms);
    bool sent_last =
        !session->is_datagram && sent_age < deadline__age(session, session->received_ms);

    if (!session->rate_paused) /* else it is we who do not listen */
        deadline__consider(session, sent_last ? session->sent_ms : session->received_ms,
                           session->is_datagram ? config->datagram_idle_timeout_ms
                                                : config->idle_timeout_ms,
                           WEIR_REASON_IDLE, &soonest);
    deadline__consider(session, session->opened_ms, config->lifetime_ms, WEIR_REASON_LIFETIME,
                       &soonest);
    if (!session->is_datagram) deadline__consider_stream(session, &soonest);
    return soonest;
}

void deadline_update(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->state == SESSION_CLOSING) return;
    struct deadline__due soonest = deadline__soonest(session);
    if (soonest.at_ms == UINT64_MAX) return; /* a timer that runs finds nothing to do */
    if (wheel_timer_runs(&session->deadline) && session->deadline.due_ms <= soonest.at_ms) return;
    wheel_start(&worker->deadlines, &session->deadline, soonest.at_ms);
}

void deadline_on_due(struct weir_session *session)
{
    struct deadline__due soonest = deadline__soonest(session);

    weir_check(session->state != SESSION_CLOSING);
    if (soonest.at_ms > session->worker->now_ms) {
        deadline_update(session);
        return;
    }
    if (soonest.reason == WEIR_REASON_NONE) {
        session->rate_paused = false;
        session->received_ms = (uint32_t)session->worker->now_ms; /* it could not be heard before */
        session_update_receiving(session);
        deadline_update(session);
        return;
    }
    session_close(session, soonest.reason);
}
