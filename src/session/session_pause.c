/* SPDX-License-Identifier: MIT */
/* session_pause.c - pauses and holds of a session by its handler. session.c combines the pause with
 * those of the high-water mark and of the rate limit. The session's worker owns the state. */
#include "check.h"
#include "session.h"
#include "worker.h"

void session_resume_reading(struct weir_session *session)
{
    session->timestamps.received_ms = (uint32_t)session->worker->now_ms;
    if (!session->is_datagram) session_update_receiving(session);
    session_update_deadline(session);
}

static void session__set_paused(struct weir_session *session, bool paused)
{
    session->handler_paused = paused;
    if (!paused) {
        session_resume_reading(session);
        return;
    }
    worker_stop_dispatch(session->worker, session);
    if (session->is_datagram)
        session->off_ms = (uint32_t)session->worker->now_ms;
    else
        session_update_receiving(session);
}

void session_pause(struct weir_session *session)
{
    if (!session->handler_paused && session_may_send(session)) session__set_paused(session, true);
}

void session_resume(struct weir_session *session)
{
    if (session->handler_paused && session_may_send(session)) session__set_paused(session, false);
}

void session_hold(struct weir_session *session)
{
    if (session->output_ended) return; /* no answer can follow */
    weir_check_use(session->holds < UINT32_MAX, "weir_session_release follows weir_session_hold");
    session->holds++;
}

void session_release(struct weir_session *session)
{
    if (session->holds == 0) return;
    session->holds--;
    if (session->holds == 0 && session->state == SESSION_PEER_DONE)
        worker_flush_later(session->worker, session);
}
