/* SPDX-License-Identifier: MIT */
/* session_deadlines.c - which deadlines of a session run in its present state, and the timer for
 * the next one. deadline.c computes it; timeouts.c acts when the timer expires.
 *
 * The send deadline runs while bytes are in flight: for those that were in flight when it began,
 * and when they are released, for those that followed. The acknowledged bytes are measured a few
 * times per send_timeout_ms meanwhile, and when the timeout of the send or of the FIN expires. The
 * system is asked for them, so that bytes in its queue count, too:
 *
 *      send posted    1st: the base    2nd ... enough was acknowledged?
 *          |--- 1/32 ------|------ 1/4 ------|   yes: the timeout begins anew, with a new base
 */
#include "session_deadlines.h"

#include "check.h"
#include "filters_state.h"
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

/* Until its filters are open, a session waits for them alone; or for its sends, if one of them
 * serves the client. */
static uint32_t session__filter_deadlines(const struct weir_session *session)
{
    const struct filters *filters = session->filters;

    if (!filters_are_open(filters))
        return filters->serves ? DEADLINE_WAKE : DEADLINE_OPENING | DEADLINE_WAKE;
    return session->state == SESSION_OPEN && !session->peer_ended ? DEADLINE_WAKE : 0;
}

/* Whether output waits for the peer: to acknowledge it, or to send what must come before it. */
static bool session__awaits_peer(const struct weir_session *session)
{
    return session->queue.flight_bytes > 0 || (session->filters && session->filters->seal_waits);
}

static uint32_t session__running_deadlines(const struct weir_session *session)
{
    uint32_t running = session__idle_deadlines(session);

    if (session->is_datagram) return running;
    bool has_flight = session__awaits_peer(session);
    if (session->filters && !session_is_ending(session))
        running |= session__filter_deadlines(session);
    if (session->state == SESSION_OPEN) running |= session__receive_deadlines(session);
    if (has_flight) running |= DEADLINE_SEND | DEADLINE_MEASURE;
    if (session__holds_speakers(session)) running |= DEADLINE_CONGESTED;
    if (session->finished && (has_flight || !session->peer_done)) running |= DEADLINE_LINGER;
    return running;
}

uint32_t session_linger_ms(const struct weir_session *session)
{
    uint32_t own_ms = session->service->config.linger_timeout_ms;
    uint32_t max_ms = session->worker->linger_max_ms;

    return max_ms > 0 && (own_ms == 0 || own_ms > max_ms) ? max_ms : own_ms;
}

/* Returns the first of these deadlines. */
static struct deadline session__first(const struct weir_session *session, uint32_t running)
{
    const struct worker *worker = session->worker;

    weir_check(session->state != SESSION_CLOSING);
    const struct deadline_input input = {
        .timestamps = &session->timestamps,
        .config = &session->service->config,
        .now_ms = worker->now_ms,
        .running = running,
        .linger_ms = session->finished ? session_linger_ms(session) : 0,
        .idle_timeout_ms = session->idle_timeout_ms,
        .queued_bytes = session->is_datagram ? 0 : session->queue.pinned_bytes,
        .flight_bytes = session->is_datagram ? 0 : send_queue_timed_bytes(&session->queue),
        .began_ms = session->filters ? session->filters->began_ms : 0,
        .wake_ms = session->filters ? session->filters->wake_ms : UINT64_MAX,
        .is_measured = session->is_measured,
        /* After the peer's FIN, the session ends on its own: no reason was given. */
        .finish_reason = session->reason == WEIR_REASON_NONE ? WEIR_REASON_STALLED
                                                             : (enum weir_reason)session->reason,
        .is_datagram = session->is_datagram,
    };

    return deadline_next(&input);
}

struct deadline session_next_deadline(const struct weir_session *session)
{
    return session__first(session, session__running_deadlines(session));
}

struct deadline session_next_end(const struct weir_session *session)
{
    const uint32_t others = DEADLINE_RESUME | DEADLINE_MEASURE | DEADLINE_WAKE;

    return session__first(session, session__running_deadlines(session) & ~others);
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

/* Its measurement alone can be earlier than the timer: the deadline is later, and the others are
 * unchanged or later. */
void session_start_send_deadline(struct weir_session *session)
{
    struct worker *worker = session->worker;
    const struct weir_config *config = &session->service->config;
    uint64_t at_ms = worker->now_ms + deadline_measure_ms(config, false) + 1;

    weir_check(session__awaits_peer(session));
    session->timestamps.send_ms = session->timestamps.measured_ms = (uint32_t)worker->now_ms;
    session->is_measured = false;
    if (config->send_timeout_ms == 0) return;
    if (wheel_timer_runs(&session->deadline) && session->deadline.due_ms <= at_ms) return;
    wheel_start(&worker->deadlines, &session->deadline, at_ms);
}

void session_start_linger(struct weir_session *session)
{
    struct worker *worker = session->worker;

    weir_check(session->finished);
    session->timestamps.finished_ms = (uint32_t)worker->now_ms;
    session->acknowledged_bytes =
        (uint32_t)net_progress(worker->net, session->handle).acknowledged_bytes;
    session->is_measured = true;
    session_update_deadline(session);
}

/* Whether the peer acknowledged enough since the base: any byte, or as many as at
 * send_rate_min_bytes. The rate is that of the whole timeout, because acknowledgements can come in
 * bursts. */
static bool session__is_fast_enough(const struct weir_session *session, int32_t bytes)
{
    const struct worker *worker = session->worker;
    const struct weir_config *config = &session->service->config;
    uint64_t rate = config->send_rate_min_bytes;
    uint64_t passed_ms = (uint32_t)((uint32_t)worker->now_ms - session->timestamps.send_ms);

    weir_check(session->is_measured || bytes == 0);
    if (bytes <= 0) return false;
    if (rate == 0 || session->finished) return true;
    return passed_ms >= deadline_send_ms(config, send_queue_timed_bytes(&session->queue)) &&
           (uint64_t)bytes * 1000 >= rate * (passed_ms - deadline_measure_ms(config, false));
}

bool session_measure_progress(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct deadline_timestamps *timestamps = &session->timestamps;
    uint32_t now_ms = (uint32_t)worker->now_ms;
    uint32_t acknowledged_bytes =
        (uint32_t)net_progress(worker->net, session->handle).acknowledged_bytes;
    int32_t bytes =
        session->is_measured ? (int32_t)(acknowledged_bytes - session->acknowledged_bytes) : 0;

    weir_check(!session->is_datagram);
    weir_check(session__awaits_peer(session) || session->finished);
    timestamps->measured_ms = now_ms;
    if (bytes > 0) timestamps->sent_ms = now_ms;
    if (session->is_measured && !session__is_fast_enough(session, bytes)) return false;
    if (session->is_measured) timestamps->send_ms = timestamps->finished_ms = now_ms;
    session->acknowledged_bytes = acknowledged_bytes;
    session->is_measured = true;
    return true;
}
