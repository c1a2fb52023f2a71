/* SPDX-License-Identifier: MIT */
/* session.c - the states of a session, and sending over TCP.
 *
 *          lifecycle.c begins it
 *                v
 *            (OPENING, while its filters open: filters.c)
 *                v
 *              OPEN -------- peer's FIN ---------> PEER_DONE
 *                | session_finish                      | queue empty: FIN is sent
 *                v                                     v
 *            FINISHING <-- if the system has not released everything
 *                | both FINs seen, all released        | released
 *                '--------------> CLOSING <------------'    (and from any state: session_close)
 *                                    | NET_CLOSED
 *                                    v
 *                                  FREE                     lifecycle.c ends it
 *
 * A UDP peer has only the states OPEN, CLOSING and FREE: UDP has no FIN. Every end follows one
 * path: session_close() fixes the reason; NET_CLOSED, or the flush of a UDP peer, leads to
 * lifecycle_end(). A session that loses accepted output ends by RST: FIN would end a whole stream.
 *
 * Ownership: the queue owns its buffers until net_send() takes them over; the system releases them
 * to the pool. At most one send is unanswered; several can be in flight (session_sent.c). The
 * borrowed run (send_queue.h) owns the receive buffer being processed. Reading pauses above the
 * high-water mark, so a queue whose peer does not read holds at most it, one buffer and one frame.
 */
#include "session.h"

#include <string.h>

#include "check.h"
#include "filters_state.h"
#include "framing_check.h"
#include "inlining.h"
#include "memory.h"
#include "oversize.h"
#include "watch.h"
#include "worker.h"

_Static_assert(sizeof(struct weir_session) <= SESSION_BYTES_MAX,
               "a session costs at most SESSION_BYTES_MAX");

/* ---- states ---- */

void session_enter(struct weir_session *session, enum session_state state)
{
    static const uint32_t successors[SESSION_STATES_COUNT] = {
        /* one bit per state that may follow */
        [SESSION_FREE] = 1u << SESSION_OPENING | 1u << SESSION_OPEN,
        [SESSION_OPENING] = 1u << SESSION_OPEN | 1u << SESSION_FINISHING | 1u << SESSION_CLOSING,
        [SESSION_OPEN] = 1u << SESSION_PEER_DONE | 1u << SESSION_FINISHING | 1u << SESSION_CLOSING,
        [SESSION_PEER_DONE] = 1u << SESSION_FINISHING | 1u << SESSION_CLOSING,
        [SESSION_FINISHING] = 1u << SESSION_CLOSING,
        [SESSION_CLOSING] = 1u << SESSION_FREE,
    };

    weir_check(successors[session->state] >> state & 1u);
    session->state = (uint8_t)state;
}

static void session__check_state(const struct weir_session *session)
{
    if (session->state == SESSION_OPENING) weir_check(session->filters && !session->opened);
    if (session->state == SESSION_PEER_DONE) weir_check(session->peer_done || session->peer_ended);
    if (session->state == SESSION_FINISHING)
        weir_check(session->reason != WEIR_REASON_NONE || session->peer_done);
    if (session->state == SESSION_CLOSING) {
        weir_check(send_queue_is_empty(&session->queue));
        weir_check(session->reason != WEIR_REASON_NONE);
        weir_check(!list_has(&session->in_pending_flush));
    }
}

void session_check(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;

    weir_check(session->state != SESSION_FREE);
    weir_check(!session->is_datagram);
    weir_check(session->worker->dispatch.session != session);
    weir_check(!session->send_out || queue->flight_bytes > 0);
    weir_check(queue->flight_bytes > 0 || queue->flight_pinned_bytes == 0);
    weir_check(queue->pinned_bytes >= queue->flight_pinned_bytes);
    weir_check(send_queue_is_empty(queue) == (queue->pinned_bytes == queue->flight_pinned_bytes));
    if (session->state == SESSION_OPEN)
        weir_check(!session->finished);
    else
        session__check_state(session);
}

/* ---- ending ---- */

void session_close(struct weir_session *session, enum weir_reason reason)
{
    struct worker *worker = session->worker;

    weir_check(reason != WEIR_REASON_NONE);
    if (session->state == SESSION_CLOSING) return;
    if (session->reason == WEIR_REASON_NONE) session->reason = (uint8_t)reason;
    /* The handler has announced an answer. */
    if (session->holds > 0 && session_may_send(session)) session->loses_output = true;
    session_enter(session, SESSION_CLOSING);
    wheel_stop(&worker->deadlines, &session->deadline);
    if (session->rare) wheel_stop(&worker->user_timers, &session->rare->user_timer);
    session->ops->close(session);
}

void session_abort(struct weir_session *session)
{
    session->loses_output = true;
    session_close(session, WEIR_REASON_APPLICATION);
}

/* Discards the input that was not decoded. */
static void session__drop_unread(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct net_buffer *buffer;

    worker_read_not(worker, session);
    session->end_unread = false;
    while ((buffer = session->unread) != NULL) {
        session->unread = buffer->next;
        net_give_back(worker->net, buffer);
    }
    session->unread_bytes = 0;
}

/* Whether output is lost that was accepted and never passed to net. net itself knows whether a send
 * lost bytes. */
static bool session__loses_output(const struct weir_session *session)
{
    const struct dispatch *dispatch = &session->worker->dispatch;

    return session->loses_output || !send_queue_is_empty(&session->queue) ||
           (dispatch->session == session && dispatch->run.length > 0);
}

static void session__close(struct weir_session *session)
{
    struct worker *worker = session->worker;
    bool loses_output = session__loses_output(session);

    weir_check(session->state == SESSION_CLOSING);
    session__drop_unread(session);
    congestion_drop(session);
    if (session->congested) congestion_end(session);
    worker_count_late_drop(session, WEIR_CANCELLED, send_queue_drop(&session->queue, worker->net));
    session_count_queued(session);
    list_remove(&session->in_pending_flush);
    account_leave(&worker->account, session);
    if (loses_output)
        net_abort(worker->net, session->handle);
    else
        net_close(worker->net, session->handle);
}

void session_flush_run(struct weir_session *session)
{
    struct dispatch *dispatch = &session->worker->dispatch;
    const uint8_t *bytes;

    if (dispatch->session != session || dispatch->run.length == 0) return;
    if (session->state == SESSION_CLOSING) return; /* the end of the dispatch discards it */
    uint32_t length = borrowed_run_take(&dispatch->run, &bytes);
    session_send_or_close(session, bytes, length);
}

void session_finish(struct weir_session *session, enum weir_reason reason)
{
    if (session_is_ending(session)) return;
    session->ops->finish(session, reason);
}

static void session__finish(struct weir_session *session, enum weir_reason reason)
{
    session_flush_run(session);
    if (session_is_ending(session)) return; /* memory was exhausted */
    weir_check(session->reason == WEIR_REASON_NONE);
    session->reason = (uint8_t)reason;
    session->frame_partial = false;  /* its deadline no longer applies */
    session->handler_paused = false; /* what arrives is discarded */
    session_enter(session, SESSION_FINISHING);
    session__drop_unread(session);
    session_update_receiving(session); /* received bytes are discarded, up to the peer's FIN */
    worker_flush_later(session->worker, session);
}

void session_note_failure(struct weir_session *session, const char *text)
{
    struct worker *worker = session->worker;
    char peer[NET_ADDRESS_TEXT_BYTES];

    if (session_decode_error(session)) return; /* the first failure counts */
    struct session_rare *rare = session_rare(session);
    if (rare) rare->decode_error = memory_copy_text(text); /* else on_close gets only the reason */
    log_limited(&worker->decode_errors, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING,
                "closing %s: %s", address_peer_text(&session->peer, peer, sizeof peer), text);
}

void session_fail_for(struct weir_session *session, enum weir_reason reason, const char *text)
{
    if (session_is_ending(session)) return;
    session_note_failure(session, text);
    session_finish(session, reason);
}

void session_fail(struct weir_session *session, const char *text)
{
    session_fail_for(session, WEIR_REASON_PROTOCOL, text);
}

/* ---- pausing of reading ---- */

/* Whether the queue holds messages until a filter is open, which needs the peer's bytes. */
static bool session__holds(const struct weir_session *session)
{
    return session->filters && filters_are_upgrading(session->filters);
}

static void session__update_queue_paused(struct weir_session *session)
{
    struct worker *worker = session->worker;
    uint32_t pinned_bytes = session->queue.pinned_bytes;

    if (!session->queue_paused && pinned_bytes >= worker->pause_bytes && !session__holds(session)) {
        session->queue_paused = true;
        counter_add(&worker->counters.pauses_queue, 1);
        congestion_begin(session);
        if (session->memberships) session_update_deadline(session);
    } else if (session->queue_paused &&
               (pinned_bytes <= worker->resume_bytes || session__holds(session))) {
        session->queue_paused = false;
        congestion_end(session);
    }
}

/* Input waits: lets the loop continue with it unless reading is paused, or a buffer is missing. */
static void session__schedule_unread(struct weir_session *session, bool is_paused)
{
    if (is_paused || (session->filters && session->filters->needs_buffer))
        worker_read_not(session->worker, session);
    else
        worker_read_later(session->worker, session);
}

void session_update_receiving(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->state == SESSION_CLOSING) return;
    session__update_queue_paused(session);
    bool off = session_is_paused(session);
    if (session->unread || session->end_unread || session->wire_unread) {
        session__schedule_unread(session, off);
        off = true;
    }
    if (session->state == SESSION_FINISHING) off = false;
    if (off == session->receiving_off) return;
    session->receiving_off = off;
    net_receive(worker->net, session->handle, !off);
    session->off_ms = (uint32_t)worker->now_ms;
    if (off) return;
    /* Bytes that came during the pause are unread: the peer was not idle, and could not complete a
     * frame. */
    session->timestamps.received_ms = session->timestamps.frame_ms = (uint32_t)worker->now_ms;
    session_update_deadline(session);
}

/* ---- flush ---- */

static void session__send_fin(struct weir_session *session, bool is_done)
{
    net_finish(session->worker->net, session->handle);
    session->finished = true;
    if (is_done) return;
    if (session->state == SESSION_PEER_DONE) session_enter(session, SESSION_FINISHING);
    session_start_linger(session);
}

/* Sends FIN if nothing is left to send, after the peer's FIN or after session_finish(). Closes when
 * both sides are done, and the system has released everything: a close would cancel the rest. */
static inline void session__end_if_done(struct weir_session *session)
{
    if (!session_is_done(session)) return;
    bool is_done = session->peer_done && session->queue.flight_bytes == 0;
    if (!session->finished) session__send_fin(session, is_done);
    if (is_done) session_close(session, WEIR_REASON_PEER_DONE);
}

/* Whether nothing follows the send: what does waits for NET_SENT, in the next iteration. */
static inline bool session__sends_last(const struct weir_session *session)
{
    return send_queue_is_empty(&session->queue) && !session->wants_room && !session->queue_paused &&
           !session->output_ended;
}

/* Passes buffers that were taken out of the queue to net. Returns false if none of them is in
 * flight now, because the system has released them immediately. */
static inline bool session__pass(struct weir_session *session, struct net_buffer *const *buffers,
                                 uint32_t count, bool is_alone)
{
    struct worker *worker = session->worker;
    const struct send_queue *queue = &session->queue;

    if (is_alone && session__sends_last(session)) {
        session->send_out = !net_send_now(worker->net, session->handle, buffers, count);
        if (!session->send_out) {
            session_count_released(session, queue->flight_bytes, queue->flight_pinned_bytes);
            session->timestamps.sent_ms = (uint32_t)worker->now_ms;
            return false;
        }
    } else {
        session->send_out = true;
        net_send(worker->net, session->handle, buffers, count);
    }
    session_account(session);
    return true;
}

/* Passes the first buffers of the queue to net. Returns false if none of them is in flight now, or
 * if the pool has none for a share: then the loop tries again. */
static bool session__post_several(struct weir_session *session)
{
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    struct worker *worker = session->worker;
    bool is_alone = session->queue.flight_bytes == 0;
    uint32_t count = send_queue_take(&session->queue, worker->net, buffers);

    weir_check(count <= NET_SEND_BUFFERS_MAX);
    if (count > 0) return session__pass(session, buffers, count, is_alone);
    session_account(session);
    list_add_last(&worker->waiting_for_buffers, &session->in_pending_flush);
    return false;
}

/* The same; most queues hold one buffer. */
static inline bool session__post(struct weir_session *session)
{
    bool is_alone = session->queue.flight_bytes == 0;

    if (!send_queue_is_single(&session->queue)) return session__post_several(session);
    struct net_buffer *buffer = send_queue_take_single(&session->queue);
    return session__pass(session, &buffer, 1, is_alone);
}

/* Sends although earlier bytes are not released. Above the mark, a share must not take a buffer of
 * its own; several of them are coalesced after a release. */
static void session__send_next(struct weir_session *session)
{
    struct send_queue *queue = &session->queue;
    uint32_t before_bytes = queue->flight_bytes;

    if (queue->pinned_bytes >= session->worker->pause_bytes && send_queue_begins_with_share(queue))
        return;
    if (session__post(session)) queue->later_bytes += queue->flight_bytes - before_bytes;
}

static inline void session__send_queued(struct weir_session *session)
{
    if (session->queue.flight_bytes > 0)
        session__send_next(session);
    else if (session__post(session))
        session_start_send_deadline(session);
}

void session_end_if_done(struct weir_session *session)
{
    session__end_if_done(session);
}

void session_send_queued(struct weir_session *session)
{
    session__send_queued(session);
}

static void session__flush(struct weir_session *session)
{
    session_check(session);
    weir_check(session->state != SESSION_CLOSING);
    if (!session->send_out && !send_queue_is_empty(&session->queue)) session__send_queued(session);
    session__end_if_done(session);
}

/* ---- sending ---- */

void session_note_queued(struct weir_session *session)
{
    session->first_byte_due = false;
    session_count_message(session);
    session_account(session);
    session_check_mark(session);
    worker_flush_later(session->worker, session);
}

/* Returns why a frame is refused: the queue is full, or even an empty one could not hold it. */
static enum weir_code session__no_room(struct weir_session *session, size_t length)
{
    if (!session_has_room(session->worker, 0, length))
        return oversize_refuse(session->worker, length);
    session->wants_room = true;
    return WEIR_QUEUE_FULL;
}

static enum weir_code session__send(struct weir_session *session, const void *bytes, size_t length)
{
    struct worker *worker = session->worker;
    const struct weir_codec *codec = session->service->codec;
    struct weir_framing framing = {.header_length = 0};

    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (length > worker->high_bytes) return oversize_refuse(worker, length);
    enum weir_code code = codec->encode ? codec->encode(codec, bytes, length, &framing) : WEIR_OK;
    if (code != WEIR_OK) return code;
    framing_check(&framing, length);
    const struct send_piece pieces[] = {
        {framing.header, framing.header_length},
        {length > 0 ? (const uint8_t *)bytes + framing.skip : NULL, length - framing.skip},
        {framing.trailer, framing.trailer_length},
    };
    size_t frame_length = framing.header_length + length - framing.skip + framing.trailer_length;
    if (frame_length == 0) return WEIR_OK;
    session_flush_run(session);
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (!session_has_room(worker, session->queue.pinned_bytes, frame_length))
        return session__no_room(session, frame_length);
    if (!send_queue_copy(&session->queue, worker->net, pieces, weir_count_of(pieces)))
        return WEIR_NO_BUFFERS;
    session_note_queued(session);
    watch_sent(session, pieces, weir_count_of(pieces), length);
    return WEIR_OK;
}

/* Queues a copy of the frame. Returns false if there was no memory: the session is closing. */
inlining_never bool session__copy_back(struct weir_session *session,
                                       const struct weir_message *message)
{
    session_flush_run(session);
    if (session_may_send(session))
        session_send_or_close(session, message->frame, message->frame_length);
    return session_may_send(session);
}

static enum weir_code session__send_back(struct weir_session *session,
                                         const struct weir_message *message)
{
    struct worker *worker = session->worker;

    worker_take_message(worker, session, message);
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (message->frame_length > 0 &&
        !borrowed_run_extend(&worker->dispatch.run, message->frame, message->frame_length) &&
        !session__copy_back(session, message))
        return WEIR_CANCELLED; /* memory was exhausted */
    worker->dispatch.answers++;
    watch_sent_frame(session, message->frame, message->frame_length, message->length);
    return WEIR_OK;
}

/* Closes the session, because there is no memory for an accepted answer. */
static void session__exhaust(struct weir_session *session)
{
    session->loses_output = true;
    session_close(session, WEIR_REASON_EXHAUSTED);
}

void session_send_or_close(struct weir_session *session, const uint8_t *bytes, size_t length)
{
    const struct send_piece piece = {bytes, length};
    enum weir_code code;

    weir_check(session->state != SESSION_CLOSING);
    if (length > SESSION_PINNED_BYTES_MAX ||
        session->queue.pinned_bytes + length > SESSION_PINNED_BYTES_MAX) {
        session__exhaust(session);
        return;
    }
    if (!send_queue_copy(&session->queue, session->worker->net, &piece, 1)) {
        struct payload *payload = payload_open(NULL, bytes, length, &code);
        if (payload) payload_charge(payload, &session->worker->common->payload_bytes);
        bool shared = payload && send_queue_share(&session->queue, payload, false);
        if (payload) payload_unref(payload);
        if (!shared) {
            session__exhaust(session);
            return;
        }
    }
    session_account(session);
    session_check_mark(session);
    worker_flush_later(session->worker, session);
}

const struct session_ops session_tcp_ops = {
    .send = session__send,
    .send_back = session__send_back,
    .finish = session__finish,
    .close = session__close,
    .flush = session__flush,
};
