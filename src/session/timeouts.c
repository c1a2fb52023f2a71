/* SPDX-License-Identifier: MIT */
/* timeouts.c - acts on expired timers: closes the session, resumes reading, or calls on_timer.
 *
 *      timer expires -> is a deadline due now? no:  restart the timer for the next deadline
 *                                              yes: close with its reason, resume reading, or
 *                                                   measure the acknowledged bytes
 *
 * Received bytes move a timestamp and no timer. So a timer often expires before its deadline.
 */
#include "timeouts.h"

#include "check.h"
#include "congestion.h"
#include "filters_in.h"
#include "group_count.h"
#include "session.h"
#include "worker.h"
#include "worker_timers.h"

static void timeouts__resume_reading(struct weir_session *session)
{
    session->rate_paused = false;
    session_resume_reading(session);
}

/* Whether filters can still send their last bytes ahead of FIN: nothing else is to be sent. */
static bool timeouts__can_finish(const struct weir_session *session)
{
    return session->filters && session->opened && !session_is_ending(session) &&
           send_queue_is_empty(&session->queue) && !session->send_out && session->holds == 0;
}

/* Closes the session, unless its peer is only slow. */
static void timeouts__expire(struct weir_session *session, struct deadline deadline)
{
    bool waits_for_peer = deadline.kind == DEADLINE_SEND || deadline.kind == DEADLINE_LINGER;

    weir_check(deadline.reason != WEIR_REASON_NONE);
    if (waits_for_peer && session_measure_progress(session)) return;
    /* Nothing is queued, but the peer does not take the last bytes. */
    if (deadline.kind == DEADLINE_LINGER &&
        net_progress(session->worker->net, session->handle).undelivered_bytes > 0)
        session->loses_output = true;
    if (timeouts__can_finish(session))
        session_finish(session, deadline.reason);
    else
        session_close(session, deadline.reason);
}

/* A member of a group holds its speakers for too long. */
static void timeouts__end_congestion(struct weir_session *session)
{
    if (session->worker->config->broadcast_policy == WEIR_BROADCAST_DISCONNECT)
        session_close(session, WEIR_REASON_SLOW_READER);
    else
        congestion_give_up(session);
}

static void timeouts__on_deadline(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct deadline next = session_next_deadline(session);

    weir_check(session->state != SESSION_CLOSING);
    if (next.at_ms <= worker->now_ms) {
        switch (next.kind) {
        case DEADLINE_MEASURE: session_measure_progress(session); break;
        case DEADLINE_RESUME: timeouts__resume_reading(session); break;
        case DEADLINE_WAKE: filters_in_wake(session); break;
        case DEADLINE_CONGESTED: timeouts__end_congestion(session); break;
        default: timeouts__expire(session, next);
        }
    }
    session_update_deadline(session);
}

/* Calls on_timer of the session whose timer has expired. */
static void timeouts__on_user_timer(struct worker *worker, struct wheel_timer *timer)
{
    struct weir_session *session =
        weir_container_of(timer, struct session_rare, user_timer)->session;
    const struct weir_handler *handler = session->service->handler;

    weir_check(session->worker == worker);
    worker_count_timer(worker, timer);
    if (handler->on_timer) handler->on_timer(session);
}

void timeouts_run(struct worker *worker)
{
    struct wheel_timer *timer;

    while ((timer = wheel_take_due(&worker->deadlines, worker->now_ms)) != NULL) {
        worker_count_timer(worker, timer);
        timeouts__on_deadline(weir_container_of(timer, struct weir_session, deadline));
    }
    while ((timer = wheel_take_due(&worker->user_timers, worker->now_ms)) != NULL) {
        if (timer == &worker->outer.next) {
            worker_timers_run(worker);
        } else if (timer == &worker->group_count_timer) {
            worker_count_timer(worker, timer);
            group_count_expire(worker);
        } else {
            timeouts__on_user_timer(worker, timer);
        }
    }
}
