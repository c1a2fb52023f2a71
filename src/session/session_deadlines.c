/* SPDX-License-Identifier: MIT */
/* session_deadlines.c - which deadlines of a session run in its present state, and the timer for
 * the next one. deadline.c computes it; timeouts.c acts when the timer expires. */
#include "session_deadlines.h"

#include "check.h"
#include "worker.h"

/* Returns the deadlines that run while the session is OPEN: they wait for the peer's bytes. */
static uint32_t session__receive_deadlines(const struct weir_session *session)
{
    bool reads = !session->receiving_off;
    uint32_t running = 0;

    if (session->first_byte_due && reads) running |= DEADLINE_FIRST_BYTE;
    if (session->frame_partial && reads) running |= DEADLINE_FRAME;
    return running;
}

/* While the rate limit, the handler or a group pauses reading, the peer may have sent bytes: it is
 * not idle. */
static uint32_t session__idle_deadlines(const struct weir_session *session)
{
    if (session->rate_paused) return DEADLINE_RESUME;
    return session->handler_paused || session->speaker_waits ? 0 : DEADLINE_IDLE;
}

/* Whether speakers wait for this member to read. */
static bool session__holds_speakers(const struct weir_session *session)
{
    return session->congested && !session->lagging && session->memberships;
}

static uint32_t session__running_deadlines(const struct weir_session *session)
{
    uint32_t running = session__idle_deadlines(session);

    if (session->is_datagram) return running;
    weir_check(session->send_out == (session->queue.flight_bytes > 0));
    if (session->state == SESSION_OPEN) running |= session__receive_deadlines(session);
    if (session->send_out) running |= DEADLINE_SEND;
    if (session__holds_speakers(session)) running |= DEADLINE_CONGESTED;
    if (session->finished && !session->peer_done) running |= DEADLINE_LINGER;
    return running;
}

struct deadline session_next_deadline(const struct weir_session *session)
{
    const struct worker *worker = session->worker;
    const struct deadline_input input = {
        .timestamps = &session->timestamps,
        .config = &worker->common->config,
        .now_ms = worker->now_ms,
        .running = session__running_deadlines(session),
        .linger_ms = worker->linger_ms,
        .queued_bytes = session->is_datagram ? 0 : session->queue.pinned_bytes,
        .flight_bytes = session->send_out ? session->queue.flight_bytes : 0,
        .finish_reason = (enum weir_reason)session->reason,
        .is_datagram = session->is_datagram,
    };

    return deadline_next(&input);
}

void session_update_deadline(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->state == SESSION_CLOSING) return;
    struct deadline next = session_next_deadline(session);
    if (next.at_ms == UINT64_MAX) return; /* a timer that still runs will expire without effect */
    if (wheel_timer_runs(&session->deadline) && session->deadline.due_ms <= next.at_ms) return;
    wheel_start(&worker->deadlines, &session->deadline, next.at_ms);
}

/* Its deadline alone can be earlier than the timer: the others are unchanged or later. */
void session_start_send_deadline(struct weir_session *session)
{
    struct worker *worker = session->worker;
    uint64_t timeout_ms = deadline_send_ms(&worker->common->config, session->queue.flight_bytes);
    uint64_t at_ms = worker->now_ms + timeout_ms + 1;

    weir_check(session->send_out);
    session->timestamps.send_ms = (uint32_t)worker->now_ms;
    if (timeout_ms == 0) return;
    if (wheel_timer_runs(&session->deadline) && session->deadline.due_ms <= at_ms) return;
    wheel_start(&worker->deadlines, &session->deadline, at_ms);
}
