/* SPDX-License-Identifier: MIT */
/* session_output.c - a session whose output ends before its input (shutdown(SHUT_WR)).
 *
 *      OPEN --session_end_output--> OPEN: queue empty, FIN --peer's FIN--> FINISHING -> CLOSING
 *                                        '-- session_finish -------------> FINISHING -> CLOSING
 *
 * It has its own row of functions, so that other sessions pay nothing for it.
 */
#include "session.h"

#include "check.h"
#include "filters_out.h"
#include "worker.h"

/* Returns the row that the session had before. */
static const struct session_ops *session_output__base(const struct weir_session *session)
{
    return session->filters ? &filters_out_ops : &session_tcp_ops;
}

static enum weir_code session_output__send(struct weir_session *session, const void *bytes,
                                           size_t length)
{
    (void)session;
    (void)bytes;
    (void)length;
    return WEIR_CANCELLED;
}

static enum weir_code session_output__send_back(struct weir_session *session,
                                                const struct weir_message *message)
{
    worker_take_message(session->worker, session, message);
    return WEIR_CANCELLED;
}

/* The end begins, and FIN was sent before. */
static void session_output__count_fin(struct weir_session *session)
{
    if (!session->fin_sent || session->finished) return;
    session->finished = true;
    if (session->state == SESSION_PEER_DONE) session_complete(session);
    session_start_linger(session);
}

static void session_output__send_fin(struct weir_session *session)
{
    if (session->filters && filters_out_goodbye(session)) return; /* its bytes leave first */
    session->fin_sent = true;
    net_finish(session->worker->net, session->handle);
}

/* Whether FIN is due: everything before it is sent, also what waits for a filter that opens. */
static bool session_output__must_send_fin(const struct weir_session *session)
{
    if (session->filters && filters_are_upgrading(session->filters)) return false;
    return session->state == SESSION_OPEN && !session->fin_sent && !session->send_out &&
           send_queue_is_empty(&session->queue);
}

static void session_output__flush(struct weir_session *session)
{
    if (session_output__must_send_fin(session)) session_output__send_fin(session);
    if (session->state == SESSION_CLOSING) return; /* there was no memory for a goodbye */
    if (session->state != SESSION_OPEN) session_output__count_fin(session);
    session_output__base(session)->flush(session);
}

static void session_output__finish(struct weir_session *session, enum weir_reason reason)
{
    session_output__base(session)->finish(session, reason);
}

static void session_output__close(struct weir_session *session)
{
    session_output__base(session)->close(session);
}

static const struct session_ops session_output__ops = {
    .send = session_output__send,
    .send_back = session_output__send_back,
    .finish = session_output__finish,
    .close = session_output__close,
    .flush = session_output__flush,
};

void session_end_output(struct weir_session *session)
{
    session_flush_run(session);
    if (!session_may_send(session)) return;
    session->output_ended = true;
    session->holds = 0; /* no answer can follow */
    session->ops = &session_output__ops;
    worker_flush_later(session->worker, session);
}
