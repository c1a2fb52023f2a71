/* SPDX-License-Identifier: MIT */
/* session_api.c - what a handler may ask of a session (weir.h): a connection, a datagram's peer and
 * a datagram's sender without a session of its own answer alike. */
#include <weir/weir.h>

#include "check.h"
#include "group.h"
#include "hand.h"
#include "place.h"
#include "session.h"
#include "worker.h"

/* Whether it stands for the sender of the datagram in hand (place.h): it is gone with it. */
static bool session_api__is_transient(const struct weir_session *session)
{
    return session->owner.kind == OWNER_PLACE;
}

enum weir_code weir_session_send(struct weir_session *session, const void *bytes, size_t length)
{
    return session->is_datagram ? place_send(session, bytes, length)
                                : session_send(session, bytes, length);
}

enum weir_code weir_session_send_back(struct weir_session *session,
                                      const struct weir_message *message)
{
    return session->is_datagram ? place_send_back(session, message)
                                : hand_send_back(session, message);
}

void weir_session_finish(struct weir_session *session)
{
    if (!session_api__is_transient(session)) session_finish(session, WEIR_REASON_APPLICATION);
}

void weir_session_abort(struct weir_session *session)
{
    if (!session_api__is_transient(session)) session_close(session, WEIR_REASON_APPLICATION);
}

void weir_session_fail(struct weir_session *session, const char *text)
{
    if (!session_api__is_transient(session)) session_fail(session, text);
}

void weir_session_start_timer(struct weir_session *session, uint32_t ms)
{
    struct worker *worker = session->worker;
    uint64_t due_ns = worker->now_ns + ms * CLOCK_NS_PER_MS;

    if (session_api__is_transient(session) || session->state == SESSION_CLOSING) return;
    /* Rounded up: never sooner. */
    wheel_start(&worker->user_timers, &session->user_timer,
                (due_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

void weir_session_stop_timer(struct weir_session *session)
{
    if (!session_api__is_transient(session))
        wheel_stop(&session->worker->user_timers, &session->user_timer);
}

enum weir_code weir_session_join(struct weir_session *session, const char *group)
{
    if (session_api__is_transient(session)) return WEIR_INVALID;
    return group_join(session, group);
}

void weir_session_leave(struct weir_session *session, const char *group)
{
    if (!session_api__is_transient(session)) group_leave(session, group);
}

void *weir_session_state(struct weir_session *session)
{
    return session_handler_state(session);
}

void *weir_session_user(const struct weir_session *session)
{
    return session->place->handler->user;
}

struct weir_server *weir_session_server(const struct weir_session *session)
{
    return session->worker->common->server;
}

enum weir_proto weir_session_proto(const struct weir_session *session)
{
    return session->place->proto;
}

const struct weir_address *weir_session_peer(const struct weir_session *session)
{
    return &session->peer;
}

uint64_t weir_session_id(const struct weir_session *session)
{
    return session->id;
}
