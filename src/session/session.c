/* SPDX-License-Identifier: MIT */
/* session.c - the state machine of a session over a TCP connection.
 *
 *            session_open
 *                v
 *              OPEN --------- the peer's end ------> PEER_DONE
 *                | session_finish                      | queue empty: our end,
 *                v                                     | both ends done
 *            FINISHING -- both ends done ---> CLOSING <'   (and from anywhere: session_close)
 *                                                | NET_CLOSED
 *                                                v
 *                                              FREE          the slot's next session has another id
 *
 * Memory: a received buffer is lent to the handler for the length of on_message; it is then in the
 * send queue (sent back) or in the pool. The queue's buffers pass to net with each send; at most
 * one send is out. Above the high mark receiving pauses, so a peer that does not read costs at most
 * that mark and one buffer.
 */
#include "session.h"

#include "check.h"
#include "session_table.h"
#include "worker.h"

_Static_assert(sizeof(struct weir_session) <= SESSION_BYTES_MAX,
               "a session costs at most SESSION_BYTES_MAX");

/* ---- states ---- */

static bool session__may_enter(enum session_state from, enum session_state to)
{
    switch (from) {
    case SESSION_FREE: return to == SESSION_OPEN;
    case SESSION_OPEN:
        return to == SESSION_PEER_DONE || to == SESSION_FINISHING || to == SESSION_CLOSING;
    case SESSION_PEER_DONE:
    case SESSION_FINISHING: return to == SESSION_CLOSING;
    case SESSION_CLOSING: return to == SESSION_FREE;
    default: return false;
    }
}

static void session__enter(struct weir_session *session, enum session_state state)
{
    weir_check(session__may_enter((enum session_state)session->state, state));
    session->state = (uint8_t)state;
}

/* What holds whenever net or the worker turns to a session. */
static void session__check(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;

    weir_check(session->state != SESSION_FREE);
    weir_check(session->lent == NULL);
    weir_check(session->send_out == (queue->flight_bytes > 0));
    weir_check(queue->pinned_bytes >= queue->flight_pinned_bytes);
    weir_check(send_queue_is_empty(queue) == (queue->pinned_bytes == queue->flight_pinned_bytes));
    if (session->state == SESSION_PEER_DONE) weir_check(session->peer_done);
    if (session->state == SESSION_OPEN) weir_check(session->finished_at_ns == 0);
    if (session->state == SESSION_CLOSING) {
        weir_check(send_queue_is_empty(queue));
        weir_check(session->reason != WEIR_REASON_NONE);
        weir_check(!list_has(&session->in_touched));
    }
}

static bool session__may_send(const struct weir_session *session)
{
    return session->state == SESSION_OPEN || session->state == SESSION_PEER_DONE;
}

static void session__touch(struct weir_session *session)
{
    if (!list_has(&session->in_touched))
        list_add_last(&session->worker->touched, &session->in_touched);
}

/* ---- open, close ---- */

static void session__refuse_admitted(struct worker *worker)
{
    worker_dismiss(worker);
    counter_add(&worker->counters.refused_failed, 1);
}

void session_open(struct worker *worker, const struct place *place, struct net_socket socket,
                  const struct weir_address *peer)
{
    struct weir_session *session;

    if (!worker_admit(worker)) {
        net_refuse(worker->net, socket);
        return;
    }
    session = session_table_open(&worker->table);
    if (!session) {
        session__refuse_admitted(worker);
        net_refuse(worker->net, socket);
        return;
    }
    session->owner.kind = OWNER_SESSION;
    session->worker = worker;
    session->place = place;
    session->peer = *peer;
    session->received_at_ns = net_now_ns(worker->net);
    if (net_adopt(worker->net, socket, &session->owner, &session->handle, NULL) != WEIR_OK) {
        session_table_close(&worker->table, session);
        session__refuse_admitted(worker);
        return;
    }
    session__enter(session, SESSION_OPEN);
    counter_add(&worker->counters.accepted, 1);
    list_add_last(&worker->open, &session->in_open);
    net_receive(worker->net, session->handle, true);
}

void session_close(struct weir_session *session, enum weir_reason reason)
{
    weir_check(reason != WEIR_REASON_NONE);
    if (session->state == SESSION_CLOSING) return;
    if (session->reason == WEIR_REASON_NONE) session->reason = (uint8_t)reason;
    session__enter(session, SESSION_CLOSING);
    send_queue_drop(&session->queue, session->worker->net);
    list_remove(&session->in_touched);
    net_close(session->worker->net, session->handle);
}

void session_finish(struct weir_session *session, enum weir_reason reason)
{
    if (session->state != SESSION_OPEN) return; /* on its way to an end already */
    session->reason = (uint8_t)reason;
    session__enter(session, SESSION_FINISHING);
    session__touch(session);
}

void session_on_closed(struct weir_session *session)
{
    struct worker *worker = session->worker;

    session__check(session);
    weir_check(session->state == SESSION_CLOSING);
    weir_check(!session->send_out);
    counter_add(&worker->counters.closed, 1);
    counter_add(&worker->counters.closed_by_reason[session->reason], 1);
    list_remove(&session->in_open);
    session__enter(session, SESSION_FREE);
    session_table_close(&worker->table, session);
    worker_dismiss(worker);
}

/* ---- receiving ---- */

/* Receiving pauses above the high mark and resumes below the low one; in between it stays as it
 * is. */
static void session__mind_the_marks(struct weir_session *session)
{
    struct worker *worker = session->worker;
    bool pause = session->paused;

    if (session->queue.pinned_bytes >= worker->pause_bytes) pause = true;
    if (session->queue.pinned_bytes <= worker->resume_bytes) pause = false;
    if (pause == session->paused || session->state == SESSION_CLOSING) return;
    session->paused = pause;
    net_receive(worker->net, session->handle, !pause);
}

void session_on_received(struct weir_session *session, struct net_buffer *buffer)
{
    struct worker *worker = session->worker;
    struct weir_message message = {buffer->bytes, buffer->length, buffer->bytes, buffer->length};

    session__check(session);
    counter_add(&worker->counters.bytes_in, buffer->length);
    session->received_at_ns = net_now_ns(worker->net);
    session->lent = buffer;
    if (session->state == SESSION_OPEN) session->place->handler->on_message(session, &message);
    if (session->lent) net_give_back(worker->net, session->lent);
    session->lent = NULL;
    session__mind_the_marks(session);
}

void session_on_peer_done(struct weir_session *session)
{
    session__check(session);
    if (session->state == SESSION_CLOSING) return;
    session->peer_done = true;
    if (session->state == SESSION_OPEN) session__enter(session, SESSION_PEER_DONE);
    session__touch(session);
}

/* ---- sending ---- */

/* Our end is due when nothing is left to send: after the peer's end, or when a finish was asked
 * for. */
static void session__end_if_done(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->send_out || !send_queue_is_empty(&session->queue)) return;
    if (session->state != SESSION_PEER_DONE && session->state != SESSION_FINISHING) return;
    if (session->finished_at_ns == 0) {
        net_finish(worker->net, session->handle);
        session->finished_at_ns = net_now_ns(worker->net);
    }
    if (session->peer_done) session_close(session, WEIR_REASON_PEER_DONE);
}

void session_flush(struct weir_session *session)
{
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];

    session__check(session);
    weir_check(session->state != SESSION_CLOSING);
    if (!session->send_out && !send_queue_is_empty(&session->queue)) {
        uint32_t count = send_queue_take(&session->queue, buffers);
        session->send_out = true;
        net_send(session->worker->net, session->handle, buffers, count);
    }
    session__end_if_done(session);
}

void session_on_sent(struct weir_session *session, enum weir_code code)
{
    session__check(session);
    uint32_t bytes = send_queue_landed(&session->queue);

    session->send_out = false;
    if (session->state == SESSION_CLOSING) return;
    if (code != WEIR_OK) { /* how much of it went is unknown: nothing may be sent again */
        session_close(session, WEIR_REASON_RESET);
        return;
    }
    counter_add(&session->worker->counters.bytes_out, bytes);
    session__mind_the_marks(session);
    session__touch(session);
}

void session_on_broken(struct weir_session *session, enum weir_code code)
{
    session__check(session);
    weir_check(code != WEIR_OK);
    session_close(session, WEIR_REASON_RESET);
}

/* ---- what the handler sends ---- */

/* Whether the peer costs no more than the high mark and one buffer with so many bytes more. */
static bool session__has_room(const struct weir_session *session, size_t length)
{
    const struct worker *worker = session->worker;
    uint64_t buffers_count = (length + worker->buffer_bytes - 1) / worker->buffer_bytes;

    return session->queue.pinned_bytes + (buffers_count - 1) * worker->buffer_bytes <=
           worker->high_bytes;
}

enum weir_code session_send(struct weir_session *session, const void *bytes, size_t length)
{
    struct worker *worker = session->worker;

    if (!session__may_send(session)) return WEIR_CANCELLED;
    if (length == 0) return WEIR_OK;
    if (length > worker->high_bytes) return WEIR_TOO_LARGE;
    if (!session__has_room(session, length)) return WEIR_NO_ROOM;
    if (!send_queue_copy(&session->queue, worker->net, bytes, length)) return WEIR_NO_BUFFERS;
    session__touch(session);
    return WEIR_OK;
}

enum weir_code session_send_back(struct weir_session *session, const struct weir_message *message)
{
    struct net_buffer *buffer = session->lent;

    if (!session__may_send(session)) return WEIR_CANCELLED;
    weir_check_use(buffer != NULL, "weir_session_send_back is for the message in hand, once");
    if (message->bytes != buffer->bytes || message->length != buffer->length)
        return session_send(session, message->bytes, message->length);
    session->lent = NULL;
    send_queue_add(&session->queue, session->worker->net, buffer);
    session__touch(session);
    return WEIR_OK;
}
