/* SPDX-License-Identifier: MIT */
/* session_begin.c - the moment in which a TCP session opens for its handler: when it is accepted or
 * connected, or when its filters are open. */
#include "session_begin.h"

#include "check.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

void session_notify_drain(struct weir_session *session)
{
    const struct weir_handler *handler = session->service->handler;

    if (session->drain_notified || !session->opened || !session_may_send(session)) return;
    session->drain_notified = true;
    if (handler->on_drain) handler->on_drain(session);
}

void session_begin(struct weir_session *session)
{
    const struct service *service = session->service;

    weir_check(session->state == SESSION_OPEN);
    weir_check(!session->opened);
    session->opened = true;
    if (service->connector == 0) watch_begin(session);
    if (service->handler->on_open) service->handler->on_open(session);
    /* A greeting does not show that the client may only listen; membership does. */
    if (service->connector == 0) session->first_byte_due = !session->memberships;
    session_update_deadline(session);
    if (session->worker->request == WORKER_DRAIN) session_notify_drain(session);
}
