/* SPDX-License-Identifier: MIT */
/* session_api.c - the calls of weir.h that a handler makes on a session. TCP sessions, UDP peers
 * and transient sessions (udp_socket.h) behave alike. A transient session ignores calls about
 * anything that outlives its datagram. */
#include <weir/weir.h>

#include "broadcast.h"
#include "check.h"
#include "filters_state.h"
#include "group.h"
#include "names.h"
#include "session.h"
#include "session_settings.h"
#include "worker.h"

/* Checks that the session exists and that its own thread calls. Sending does not need the first: a
 * session that has ended refuses it. */
static void session_api__check(const struct weir_session *session)
{
    worker_check_thread(session->worker);
    weir_check_use(session->state != SESSION_FREE,
                   "a session is not used after its on_close has returned");
}

enum weir_code weir_session_send(struct weir_session *session, const void *bytes, size_t length)
{
    weir_check_use(bytes || length == 0, "weir_session_send: the bytes are null");
    worker_check_thread(session->worker);
    return session_send(session, bytes, length);
}

enum weir_code weir_session_sendv(struct weir_session *session, const struct weir_part *parts,
                                  size_t count)
{
    worker_check_thread(session->worker);
    return session_send_parts(session, parts, count);
}

enum weir_code weir_session_send_static(struct weir_session *session, const void *bytes,
                                        size_t length,
                                        void (*release)(void *user, const void *bytes), void *user)
{
    worker_check_thread(session->worker);
    return session_send_static(session, bytes, length, release, user);
}

size_t weir_session_queued_bytes(const struct weir_session *session)
{
    return session->is_datagram ? 0 : session->queue.pinned_bytes;
}

enum weir_code weir_session_send_back(struct weir_session *session,
                                      const struct weir_message *message)
{
    /* Checks instead that on_message is handling this message. */
    return session->ops->send_back(session, message);
}

void weir_session_finish(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_finish(session, WEIR_REASON_APPLICATION);
}

void weir_session_end_output(struct weir_session *session)
{
    session_api__check(session);
    if (session->is_datagram) return;
    session_end_output(session);
    if (session->output_ended) group_leave_all(session);
}

void weir_session_abort(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_abort(session);
}

void weir_session_fail(struct weir_session *session, const char *text)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_fail(session, text);
}

enum weir_code weir_session_broadcast(struct weir_session *session, const char *group,
                                      const void *bytes, size_t length, uint64_t except_id)
{
    weir_check_use(bytes || length == 0, "weir_session_broadcast: the bytes are null");
    worker_check_thread(session->worker);
    return broadcast_speak(session, group, bytes, length, except_id);
}

void weir_session_pause(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_pause(session);
}

void weir_session_resume(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_resume(session);
}

void weir_session_hold(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_hold(session);
}

void weir_session_release(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session_release(session);
}

void weir_session_start_timer(struct weir_session *session, uint32_t ms)
{
    struct worker *worker = session->worker;
    uint64_t due_ns = worker->now_ns + ms * CLOCK_NS_PER_MS;
    uint64_t due_ms = (due_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS; /* never earlier */

    session_api__check(session);
    if (session_is_transient(session) || session->state == SESSION_CLOSING) return;
    struct session_rare *rare = session_rare_or_close(session);
    if (rare) wheel_start(&worker->user_timers, &rare->user_timer, due_ms);
}

void weir_session_stop_timer(struct weir_session *session)
{
    session_api__check(session);
    if (session->rare) wheel_stop(&session->worker->user_timers, &session->rare->user_timer);
}

enum weir_code weir_session_set_idle_timeout(struct weir_session *session, uint32_t ms)
{
    session_api__check(session);
    return session_is_transient(session) ? WEIR_INVALID : session_set_idle_timeout(session, ms);
}

enum weir_code weir_session_set_message_max(struct weir_session *session, size_t bytes)
{
    session_api__check(session);
    return session_set_message_max(session, bytes);
}

enum weir_code weir_session_set_codec(struct weir_session *session, const struct weir_codec *codec)
{
    session_api__check(session);
    return session_set_codec(session, codec);
}

enum weir_code weir_session_join(struct weir_session *session, const char *group)
{
    session_api__check(session);
    weir_check_use(group != NULL, "weir_session_join: the group is null");
    if (session_is_transient(session)) return WEIR_INVALID;
    return group_join(session, group);
}

void weir_session_leave(struct weir_session *session, const char *group)
{
    session_api__check(session);
    weir_check_use(group != NULL, "weir_session_leave: the group is null");
    if (!session_is_transient(session)) group_leave(session, group);
}

uint32_t weir_session_missed(const struct weir_session *session)
{
    return session->missed;
}

enum weir_code weir_session_bind(struct weir_session *session, const char *name, enum weir_bind how)
{
    session_api__check(session);
    weir_check_use(name != NULL, "weir_session_bind: the name is null");
    if (session_is_transient(session)) return WEIR_INVALID;
    return names_bind(session, name, how);
}

void weir_session_unbind(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) names_unbind(session);
}

void *weir_session_state(struct weir_session *session)
{
    return session_handler_state(session);
}

void *weir_session_user(const struct weir_session *session)
{
    return session->service->handler->user;
}

struct weir_server *weir_session_server(const struct weir_session *session)
{
    return session->worker->common->server;
}

enum weir_proto weir_session_proto(const struct weir_session *session)
{
    return session->service->proto;
}

struct weir_address *weir_session_local_address(const struct weir_session *session,
                                                struct weir_address *address)
{
    struct net_address local = {.port = 0};

    worker_check_thread(session->worker);
    if (session->is_datagram)
        local = session->local;
    else if (session->state != SESSION_CLOSING)
        local = net_local_address(session->worker->net, session->handle);
    return address_publish(&local, address);
}

void weir_session_vouch(struct weir_session *session)
{
    session_api__check(session);
    if (!session_is_transient(session)) session->vouched = true;
}

struct weir_address *weir_session_peer(const struct weir_session *session,
                                       struct weir_address *peer)
{
    return address_publish(&session->peer, peer);
}

bool weir_session_via(const struct weir_session *session, struct weir_address *via)
{
    const struct filters *filters = session->filters;

    if (!filters || !filters->is_counted) return false;
    address_publish(&filters->via, via);
    return true;
}

uint64_t weir_session_connector(const struct weir_session *session)
{
    return session->service->connector;
}

void *weir_session_connect_user(const struct weir_session *session)
{
    return session->service->user;
}

uint64_t weir_session_id(const struct weir_session *session)
{
    return session->id;
}
