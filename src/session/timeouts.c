/* SPDX-License-Identifier: MIT */
/* timeouts.c - acts on expired timers: closes the session, resumes reading, or calls on_timer.
 *
 *      timer expires -> is a deadline due now? no:  restart the timer for the next deadline
 *                                              yes: close with its reason, or resume reading
 *
 * Received bytes move a timestamp and no timer. So a timer often expires before its deadline.
 */
#include "timeouts.h"

#include "check.h"
#include "congestion.h"
#include "session.h"
#include "worker.h"

static void timeouts__on_deadline(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct deadline next = session_next_deadline(session);

    weir_check(session->state != SESSION_CLOSING);
    if (next.at_ms > worker->now_ms) {
        session_update_deadline(session);
        return;
    }
    if (next.reason == WEIR_REASON_SLOW_READER &&
        worker->common->config.broadcast_policy != WEIR_BROADCAST_DISCONNECT) {
        congestion_give_up(session);
        session_update_deadline(session);
        return;
    }
    if (next.reason != WEIR_REASON_NONE) {
        session_close(session, next.reason);
        return;
    }
    session->rate_paused = false;
    session->timestamps.received_ms = (uint32_t)worker->now_ms; /* nothing was read before */
    session_update_receiving(session);
    session_update_deadline(session);
}

static void timeouts__count(struct worker *worker, const struct wheel_timer *timer)
{
    weir_check(timer->due_ms <= worker->now_ms);
    counter_add(&worker->counters.timers_fired, 1);
    counter_raise(&worker->counters.timer_lag_max_ms, worker->now_ms - timer->due_ms);
}

void timeouts_run(struct worker *worker)
{
    struct wheel_timer *timer;

    while ((timer = wheel_take_due(&worker->deadlines, worker->now_ms)) != NULL) {
        timeouts__count(worker, timer);
        timeouts__on_deadline(weir_container_of(timer, struct weir_session, deadline));
    }
    while ((timer = wheel_take_due(&worker->user_timers, worker->now_ms)) != NULL) {
        struct weir_session *session = weir_container_of(timer, struct weir_session, user_timer);
        const struct weir_handler *handler = session->service->handler;
        weir_check(session->worker == worker);
        timeouts__count(worker, timer);
        if (handler->on_timer) handler->on_timer(session);
    }
}
