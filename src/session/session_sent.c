/* SPDX-License-Identifier: MIT */
/* session_sent.c - what net reports about the sends of a TCP session.
 *
 *      net_send -> NET_SENT: accepted, the next send may follow -> NET_RELEASED: the memory is free
 *
 * Where the system copies, both steps coincide (net.h, rule 4). Accepting frees no memory and is no
 * progress of the peer: the marks, the account, the send deadline, the drain and the linger follow
 * the release. A peer that does not acknowledge costs what a peer that does not read costs. The
 * session's worker owns the state.
 */
#include "session_sent.h"

#include "check.h"
#include "session.h"
#include "worker.h"

/* Counts what the event says was released. */
static inline void session__count_released(struct weir_session *session,
                                           const struct net_event *event)
{
    session_count_released(session, event->released_bytes,
                           event->released_buffers * session->worker->buffer_bytes);
}

/* The bytes for which the send deadline ran are released: it begins for those that followed. */
static void session__restart_deadline(struct weir_session *session)
{
    weir_check(send_queue_timed_bytes(&session->queue) == 0);
    session->queue.later_bytes = 0;
    if (session->queue.flight_bytes > 0) session_start_send_deadline(session);
}

/* A message was refused for a full queue: tells the handler when the queue is below the low-water
 * mark. The last action on the session, because the handler may end it. */
static void session__report_room(struct weir_session *session)
{
    const struct weir_handler *handler = session->service->handler;

    if (session->queue.pinned_bytes > session->worker->resume_bytes) return;
    if (!session_may_send(session)) return;
    session->wants_room = false;
    if (handler->on_room) handler->on_room(session);
}

/* Whether a flush would do nothing. */
static inline bool session__is_quiet(const struct weir_session *session)
{
    return session->state == SESSION_OPEN && send_queue_is_empty(&session->queue) &&
           !session->output_ended && !session->filters;
}

/* Acts on what was counted. */
static inline void session__on_progress(struct weir_session *session, const struct net_event *event)
{
    struct worker *worker = session->worker;

    if (event->released_bytes > 0) session->timestamps.sent_ms = (uint32_t)worker->now_ms;
    if (session->queue.later_bytes > 0 && send_queue_timed_bytes(&session->queue) == 0)
        session__restart_deadline(session);
    if (session->queue_paused || session->queue.pinned_bytes >= worker->pause_bytes)
        session_update_receiving(session);
    if (!session__is_quiet(session)) worker_flush_later(worker, session);
    if (session->wants_room) session__report_room(session);
}

void session_on_sent(struct weir_session *session, const struct net_event *event)
{
    session_check(session);
    weir_check(session->send_out);
    session->send_out = false;
    session__count_released(session, event);
    if (session->state == SESSION_CLOSING)
        account_left_buffers(&session->worker->account, session);
    else if (event->code != WEIR_OK) /* a part of the stream is lost: nothing may follow it */
        session_close(session, WEIR_REASON_RESET);
    else
        session__on_progress(session, event);
}

void session_on_released(struct weir_session *session, const struct net_event *event)
{
    session_check(session);
    session__count_released(session, event);
    if (session->state == SESSION_CLOSING)
        account_left_buffers(&session->worker->account, session);
    else
        session__on_progress(session, event);
}

void session_on_broken(struct weir_session *session, enum weir_code code)
{
    session_check(session);
    weir_check(code != WEIR_OK);
    session_close(session, WEIR_REASON_RESET);
}
