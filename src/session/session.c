/* SPDX-License-Identifier: MIT */
/* session.c - the state machine of a session.
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
 * A datagram's peer knows OPEN, CLOSING and FREE alone: it has no ends. The end is one chain that
 * nothing skips: session_close (the reason is fixed) -> NET_CLOSED, or a datagram peer's flush ->
 * session_end (counted, on_close, FREE).
 *
 * Memory: a received buffer is in hand for the length of on_message (hand.c); it is then in the
 * send queue (sent back) or in the pool. The queue's buffers pass to net with each send; at most
 * one send is out. Above the high mark receiving pauses, so a peer that does not read costs at most
 * that mark and one buffer.
 */
#include "session.h"

#include <string.h>

#include "admission.h"
#include "check.h"
#include "deadline.h"
#include "drain.h"
#include "group.h"
#include "hand.h"
#include "memory.h"
#include "peers.h"
#include "place.h"
#include "session_table.h"
#include "worker.h"

_Static_assert(sizeof(struct weir_session) <= SESSION_BYTES_MAX,
               "a session costs at most SESSION_BYTES_MAX");

/* ---- states ---- */

static void session__enter(struct weir_session *session, enum session_state state)
{
    static const uint32_t ways[SESSION_STATES_COUNT] = {
        /* a bit for each state to go to */
        [SESSION_FREE] = 1u << SESSION_OPEN,
        [SESSION_OPEN] = 1u << SESSION_PEER_DONE | 1u << SESSION_FINISHING | 1u << SESSION_CLOSING,
        [SESSION_PEER_DONE] = 1u << SESSION_FINISHING | 1u << SESSION_CLOSING,
        [SESSION_FINISHING] = 1u << SESSION_CLOSING,
        [SESSION_CLOSING] = 1u << SESSION_FREE,
    };

    weir_check(ways[session->state] >> state & 1u);
    session->state = (uint8_t)state;
}

/* What holds whenever net or the worker turns to a session over a connection. */
static void session__check(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;

    weir_check(session->state != SESSION_FREE);
    weir_check(!session->is_datagram);
    weir_check(session->worker->hand.session != session);
    weir_check(session->send_out == (queue->flight_bytes > 0));
    weir_check(queue->pinned_bytes >= queue->flight_pinned_bytes);
    weir_check(send_queue_is_empty(queue) == (queue->pinned_bytes == queue->flight_pinned_bytes));
    if (session->state == SESSION_PEER_DONE) weir_check(session->peer_done);
    if (session->state == SESSION_OPEN) weir_check(!session->finished);
    if (session->state == SESSION_FINISHING) weir_check(session->reason != WEIR_REASON_NONE);
    if (session->state == SESSION_CLOSING) {
        weir_check(send_queue_is_empty(queue));
        weir_check(session->reason != WEIR_REASON_NONE);
        weir_check(!list_has(&session->in_pending_flush));
    }
}

bool session_may_send(const struct weir_session *session)
{
    return session->state == SESSION_OPEN || session->state == SESSION_PEER_DONE;
}

void *session_codec_state(struct weir_session *session)
{
    return session_table_extra(session);
}

void *session_handler_state(struct weir_session *session)
{
    const struct place *place = session->place;

    if (place->handler->session_bytes == 0) return NULL;
    weir_check(session->id != 0); /* who keeps something has no visitors */
    return session_table_extra(session) + place->handler_state_at;
}

/* What the queue pins is summed over the worker for its counters. */
static void session__account(struct weir_session *session)
{
    struct send_queue *queue = &session->queue;

    counter_move(&session->worker->counters.queued_bytes, queue->pinned_bytes,
                 queue->counted_bytes);
    queue->counted_bytes = queue->pinned_bytes;
}

/* ---- open ---- */

void session_start(struct weir_session *session, struct worker *worker, const struct place *place,
                   const struct weir_address *peer)
{
    session->owner.kind = OWNER_SESSION;
    session->worker = worker;
    session->place = place;
    session->peer = *peer;
    session->opened_ms = session->received_ms = session->sent_ms = (uint32_t)worker->now_ms;
    session->is_datagram = place->proto == WEIR_UDP;
    session__enter(session, SESSION_OPEN);
}

/* A session of the socket, OPEN, that nobody knows of yet. Null: the socket has been closed. */
static struct weir_session *session__adopt(struct worker *worker, const struct place *place,
                                           struct net_socket socket,
                                           const struct weir_address *peer)
{
    struct weir_session *session = session_table_open(&worker->table);

    if (!session) {
        net_refuse(worker->net, socket);
        return NULL;
    }
    if (net_adopt(worker->net, socket, &session->owner, &session->handle, NULL) != WEIR_OK) {
        session_table_close(&worker->table, session);
        return NULL;
    }
    session_start(session, worker, place, peer);
    list_add_last(&worker->open, &session->in_sessions);
    return session;
}

/* Who is turned away may be told so: a session that counts nowhere carries the farewell. */
static void session__reject(struct worker *worker, const struct place *place,
                            struct net_socket socket, const struct weir_address *peer)
{
    const char *reject_message = worker->common->config.reject_message;

    if (!reject_message || reject_message[0] == '\0' ||
        worker->reject_messages_open == WORKER_REJECT_MESSAGES_MAX) {
        net_refuse(worker->net, socket);
        return;
    }
    struct weir_session *session = session__adopt(worker, place, socket, peer);
    if (!session) return;
    worker->reject_messages_open++;
    net_receive(worker->net, session->handle, true);
    session_send_or_close(session, (const uint8_t *)reject_message, strlen(reject_message));
    session_finish(session, WEIR_REASON_APPLICATION);
    deadline_update(session);
}

void session_open(struct worker *worker, const struct place *place, struct net_socket socket,
                  const struct weir_address *peer)
{
    if (!admission_admit(worker, peer)) {
        session__reject(worker, place, socket, peer);
        return;
    }
    struct weir_session *session = session__adopt(worker, place, socket, peer);
    if (!session) {
        admission_release(worker, peer);
        admission_count(worker, ADMISSION_FAILED, peer, 1);
        return;
    }
    session->admitted = session->opened = true;
    counter_add(&worker->counters.accepted, 1);
    net_receive(worker->net, session->handle, true);
    deadline_update(session);
    if (place->handler->on_open) place->handler->on_open(session);
    drain_notify(session);
}

/* ---- close ---- */

void session_close(struct weir_session *session, enum weir_reason reason)
{
    struct worker *worker = session->worker;

    weir_check(reason != WEIR_REASON_NONE);
    if (session->state == SESSION_CLOSING) return;
    if (session->reason == WEIR_REASON_NONE) session->reason = (uint8_t)reason;
    session__enter(session, SESSION_CLOSING);
    wheel_stop(&worker->deadlines, &session->deadline);
    wheel_stop(&worker->user_timers, &session->user_timer);
    if (session->is_datagram) {
        worker_flush_later(worker, session); /* its flush ends it: we may be inside its handler */
        return;
    }
    send_queue_drop(&session->queue, worker->net);
    session__account(session);
    list_remove(&session->in_pending_flush);
    net_close(worker->net, session->handle);
}

void session_finish(struct weir_session *session, enum weir_reason reason)
{
    if (!session_may_send(session)) return; /* on its way to an end already */
    if (session->is_datagram) {
        place_settle(session);
        session_close(session, reason);
        return;
    }
    hand_settle(session);
    if (!session_may_send(session)) return; /* it could not even be promised what was */
    session->reason = (uint8_t)reason;
    session->frame_partial = false; /* nobody waits for the rest of it */
    session__enter(session, SESSION_FINISHING);
    session_update_receiving(session); /* what comes is discarded, up to the peer's end */
    worker_flush_later(session->worker, session);
}

void session_fail(struct weir_session *session, const char *text)
{
    if (!session_may_send(session)) return;
    session->decode_error = memory_copy_text(text); /* null: the reason alone must do */
    admission_tell(session->worker, &session->worker->faults, "closing", &session->peer, text);
    session_finish(session, WEIR_REASON_PROTOCOL);
}

void session_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    const struct weir_handler *handler = session->place->handler;
    const struct weir_codec *codec = session->place->codec;
    struct counters *counters = &worker->counters;

    weir_check(session->state == SESSION_CLOSING);
    group_leave_all(session);
    if (session->admitted) {
        counter_add(session->is_datagram ? &counters->peers_closed : &counters->closed, 1);
        counter_add(&counters->closed_by_reason[session->reason], 1);
        if (session->opened && handler->on_close)
            handler->on_close(session, (enum weir_reason)session->reason,
                              session->decode_error ? session->decode_error : "");
        if (!session->is_datagram) admission_release(worker, &session->peer);
    } else {
        worker->reject_messages_open--;
    }
    if (session->is_datagram) peers_forget(session);
    if (codec->release) codec->release(codec, session_codec_state(session));
    memory_free(session->decode_error);
    list_remove(&session->in_sessions);
    session__enter(session, SESSION_FREE);
    session_table_close(&worker->table, session);
}

void session_on_closed(struct weir_session *session)
{
    session__check(session);
    weir_check(session->state == SESSION_CLOSING);
    weir_check(!session->send_out);
    session_end(session);
}

/* ---- receiving ---- */

void session_update_receiving(struct weir_session *session)
{
    struct worker *worker = session->worker;
    const struct send_queue *queue = &session->queue;
    bool discards = session->state == SESSION_FINISHING;

    if (session->state == SESSION_CLOSING) return;
    if (!session->queue_paused && queue->pinned_bytes >= worker->pause_bytes) {
        session->queue_paused = true;
        counter_add(&worker->counters.pauses_queue, 1);
    } else if (queue->pinned_bytes <= worker->resume_bytes) {
        session->queue_paused = false;
    }
    bool off = (session->queue_paused || session->rate_paused) && !discards;
    if (off == session->receiving_off) return;
    session->receiving_off = off;
    net_receive(worker->net, session->handle, !off);
    if (off) return;
    /* What the peer sent meanwhile lies there unread: it was not silent, nor could a frame end. */
    session->received_ms = session->frame_ms = (uint32_t)worker->now_ms;
    deadline_update(session);
}

void session_on_received(struct weir_session *session, struct net_buffer *buffer)
{
    struct worker *worker = session->worker;

    session__check(session);
    counter_add(&worker->counters.bytes_in, buffer->length);
    session->received_ms = (uint32_t)worker->now_ms;
    session->has_received = true;
    hand_receive(session, buffer);
    session__account(session);
    session_update_receiving(session);
}

void session_on_peer_done(struct weir_session *session)
{
    session__check(session);
    if (session->state == SESSION_CLOSING) return;
    session->peer_done = true;
    session->has_received = true;
    if (session->state == SESSION_OPEN) hand_receive_end(session);
    if (session->state == SESSION_OPEN) session__enter(session, SESSION_PEER_DONE);
    if (session->state != SESSION_CLOSING) worker_flush_later(session->worker, session);
}

/* ---- sending ---- */

/* Our end is due when nothing is left to send: after the peer's end, or when a finish was asked
 * for. */
static void session__end_if_done(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->send_out || !send_queue_is_empty(&session->queue)) return;
    if (session->state != SESSION_PEER_DONE && session->state != SESSION_FINISHING) return;
    if (!session->finished) {
        net_finish(worker->net, session->handle);
        session->finished = true;
        session->finished_ms = (uint32_t)worker->now_ms;
    }
    if (session->peer_done)
        session_close(session, WEIR_REASON_PEER_DONE);
    else
        deadline_update(session);
}

static void session__send_queued(struct weir_session *session)
{
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    struct worker *worker = session->worker;
    uint32_t count = send_queue_take(&session->queue, worker->net, buffers);

    session__account(session);
    if (count == 0) { /* the pool is empty: when a buffer is back, it is tried again */
        list_add_last(&worker->waiting_for_buffers, &session->in_pending_flush);
        return;
    }
    session->send_out = true;
    session->send_ms = (uint32_t)worker->now_ms;
    net_send(worker->net, session->handle, buffers, count);
    deadline_update(session);
}

void session_flush(struct weir_session *session)
{
    if (session->is_datagram) {
        session_end(session);
        return;
    }
    session__check(session);
    weir_check(session->state != SESSION_CLOSING);
    if (!session->send_out && !send_queue_is_empty(&session->queue)) session__send_queued(session);
    session__end_if_done(session);
}

void session_on_sent(struct weir_session *session, enum weir_code code)
{
    session__check(session);
    uint32_t bytes = send_queue_completed(&session->queue);
    session->send_out = false;
    session__account(session);
    if (session->state == SESSION_CLOSING) return;
    if (code != WEIR_OK) { /* how much of it went is unknown: nothing may be sent again */
        session_close(session, WEIR_REASON_RESET);
        return;
    }
    session->sent_ms = (uint32_t)session->worker->now_ms;
    counter_add(&session->worker->counters.bytes_out, bytes);
    session_update_receiving(session);
    worker_flush_later(session->worker, session);
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
    const struct weir_codec *codec = session->place->codec;
    struct weir_framing around = {.header_length = 0};

    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (length > worker->high_bytes) return WEIR_TOO_LARGE;
    enum weir_code code = codec->encode ? codec->encode(codec, bytes, length, &around) : WEIR_OK;
    if (code != WEIR_OK) return code;
    weir_check_use(around.skip <= length, "a codec's head replaces bytes that are there");
    const struct send_piece pieces[] = {
        {around.header, around.header_length},
        {length > 0 ? (const uint8_t *)bytes + around.skip : NULL, length - around.skip},
        {around.trailer, around.trailer_length},
    };
    size_t frame_length = around.header_length + length - around.skip + around.trailer_length;
    if (frame_length == 0) return WEIR_OK;
    hand_settle(session);
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (!session__has_room(session, frame_length)) return WEIR_NO_ROOM;
    if (!send_queue_copy(&session->queue, worker->net, pieces, weir_count_of(pieces)))
        return WEIR_NO_BUFFERS;
    counter_add(&worker->counters.messages_out, 1);
    session__account(session);
    worker_flush_later(worker, session);
    return WEIR_OK;
}

void session_send_or_close(struct weir_session *session, const uint8_t *bytes, size_t length)
{
    const struct send_piece piece = {bytes, length};
    enum weir_code code;

    weir_check(session_may_send(session));
    if (!send_queue_copy(&session->queue, session->worker->net, &piece, 1)) {
        struct payload *payload = payload_open(NULL, bytes, length, &code);
        bool shared = payload && send_queue_share(&session->queue, payload, false);
        if (payload) payload_unref(payload);
        if (!shared) {
            session_close(session, WEIR_REASON_EXHAUSTED);
            return;
        }
    }
    session__account(session);
    worker_flush_later(session->worker, session);
}

/* ---- broadcasts ---- */

/* Makes room in a full queue, by the policy. False: the session does not get this one. */
static bool session__make_room(struct weir_session *session, uint32_t bytes)
{
    struct worker *worker = session->worker;
    struct send_queue *queue = &session->queue;

    /* One frame always goes: nobody is slow who owes nothing. */
    if (queue->pinned_bytes == 0 || queue->pinned_bytes + (uint64_t)bytes <= worker->high_bytes)
        return true;
    switch (worker->common->config.broadcast_policy) {
    case WEIR_BROADCAST_DISCONNECT: session_close(session, WEIR_REASON_SLOW_READER); return false;
    case WEIR_BROADCAST_DROP_OLDEST: break;
    case WEIR_BROADCAST_DROP_NEWEST:
    default: counter_add(&worker->counters.sends_dropped, 1); return false;
    }
    uint32_t most = bytes < worker->high_bytes ? (uint32_t)worker->high_bytes - bytes : 0;
    counter_add(&worker->counters.sends_dropped, send_queue_drop_oldest(queue, most));
    session__account(session);
    if (queue->pinned_bytes + (uint64_t)bytes <= worker->high_bytes) return true;
    counter_add(&worker->counters.sends_dropped, 1);
    return false;
}

void session_share(struct weir_session *session, struct payload *payload)
{
    struct worker *worker = session->worker;

    if (!session_may_send(session) || payload->length == 0) return;
    weir_check(session->worker->hand.session != session); /* nothing to settle */
    if (!session__make_room(session, send_queue_share_bytes(payload))) return;
    if (!send_queue_share(&session->queue, payload, true)) {
        counter_add(&worker->counters.sends_dropped, 1);
        return;
    }
    counter_add(&worker->counters.messages_out, 1);
    session__account(session);
    worker_flush_later(worker, session);
}
