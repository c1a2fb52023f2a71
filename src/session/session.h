/* SPDX-License-Identifier: MIT */
/* session.h - what session.c does with a session: states, sending, flush, pausing of reading.
 *
 * All calls come from the thread of the session's worker. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "payload.h"
#include "session_deadlines.h"
#include "session_rare.h"
#include "session_table.h"
#include "worker.h"

/* Responses are queued above any mark: up to twice the longest message, and what else one batch of
 * events contains. Only a custom codec can exceed this limit, which keeps 32-bit sums correct. */
#define SESSION_PINNED_BYTES_MAX (UINT64_C(3) << 30)

/* The row of TCP sessions without filters. */
extern const struct session_ops session_tcp_ops;

/* Checks the invariants that hold between any two calls into a TCP session. */
void session_check(const struct weir_session *session);

/* Changes the state; the change must be one that session.c draws. */
void session_enter(struct weir_session *session, enum session_state state);

/* Discards what is queued and ends the session: by RST if it loses output that was accepted from
 * the handler, else by FIN. No effect on one that is closing already. */
void session_close(struct weir_session *session, enum weir_reason reason);

/* As session_close(), but by RST in any case. */
void session_abort(struct weir_session *session);

/* Ends the session gracefully: sends what is queued, then FIN, and waits for the peer's FIN. No
 * effect on one that is ending already. */
void session_finish(struct weir_session *session, enum weir_reason reason);

/* As weir_session_end_output() says. TCP only. */
void session_end_output(struct weir_session *session);

/* Finishes the session because its peer sent malformed input. Logs and copies the text. */
void session_fail(struct weir_session *session, const char *text);

/* The same for another reason. */
void session_fail_for(struct weir_session *session, enum weir_reason reason, const char *text);

/* Logs and copies the text that says why the session is about to end, the first time. */
void session_note_failure(struct weir_session *session, const char *text);

/* Sends what is queued, and closes what is done. */
static inline void session_flush(struct weir_session *session)
{
    session->ops->flush(session);
}

/* Same return values as weir_session_send(). */
static inline enum weir_code session_send(struct weir_session *session, const void *bytes,
                                          size_t length)
{
    return session->ops->send(session, bytes, length);
}

/* Same return values as weir_session_sendv(). */
enum weir_code session_send_parts(struct weir_session *session, const struct weir_part *parts,
                                  size_t count);

/* Same return values as weir_session_send_static(). */
enum weir_code session_send_static(struct weir_session *session, const void *bytes, size_t length,
                                   void (*release)(void *user, const void *bytes), void *user);

/* Whether a queue that holds this much stays within its share of the high-water mark and one buffer
 * after adding `length` bytes. An empty queue has the whole mark, however short memory is. */
static inline bool session_has_room(const struct worker *worker, uint32_t pinned_bytes,
                                    size_t length)
{
    uint64_t buffers_count = (length + worker->buffer_bytes - 1) / worker->buffer_bytes;
    uint64_t most_bytes = pinned_bytes == 0 ? worker->high_bytes : worker->share_bytes;

    weir_check(length > 0);
    return pinned_bytes + (buffers_count - 1) * worker->buffer_bytes <= most_bytes;
}

/* A message was queued: counts it, and flushes it later. TCP only. */
void session_note_queued(struct weir_session *session);

/* Queues bytes of an accepted response unframed, above any mark; closes the session if memory is
 * exhausted. TCP only. */
void session_send_or_close(struct weir_session *session, const uint8_t *bytes, size_t length);

/* Queues a reference to a broadcast payload; broadcast_policy decides if the queue is full. TCP
 * only. */
enum weir_code session_share(struct weir_session *session, struct payload *payload);

/* As weir_session_pause() and the others say. */
void session_pause(struct weir_session *session);
void session_resume(struct weir_session *session);
void session_hold(struct weir_session *session);
void session_release(struct weir_session *session);

/* Whether reading is paused: by the high-water mark, the rate limit, the handler, or a group that
 * the session speaks to. TCP only. */
static inline bool session_is_paused(const struct weir_session *session)
{
    return session->queue_paused || session->rate_paused || session->handler_paused ||
           session->speaker_waits;
}

/* Pauses or resumes reading and the decoding of unread input. TCP only. */
void session_update_receiving(struct weir_session *session);

/* The same, for calls of which most change nothing: reading is on, and no reason to pause it has
 * come up. Only before the peer's FIN, and for what came without filters. */
static inline void session_check_receiving(struct weir_session *session)
{
    bool is_off = session_is_paused(session) || session->receiving_off;

    if (is_off || session->unread || session->queue.pinned_bytes >= session->worker->pause_bytes)
        session_update_receiving(session);
}

/* A pause has ended, during which the peer was not idle: nothing was read. */
void session_resume_reading(struct weir_session *session);

/* Copies the borrowed run of the session into its queue, because other bytes must follow it, or
 * because its buffer is needed. May close the session, if memory is exhausted. Does nothing if the
 * session is closing. TCP only. */
void session_flush_run(struct weir_session *session);

/* Returns the rare state of the session, as session_rare(); but where it returns null, it has
 * closed the session as exhausted. */
static inline struct session_rare *session_rare_or_close(struct weir_session *session)
{
    struct session_rare *rare = session_rare(session);

    if (!rare) session_close(session, WEIR_REASON_EXHAUSTED);
    return rare;
}

/* Whether nothing is left to send, and FIN may follow: no answer is announced, and the end would
 * drop nothing that the session said to a group. TCP only. */
static inline bool session_is_done(const struct weir_session *session)
{
    if (session->state != SESSION_PEER_DONE && session->state != SESSION_FINISHING) return false;
    if (session->send_out || !send_queue_is_empty(&session->queue)) return false;
    return !session_waiting(session) &&
           !(session->state == SESSION_PEER_DONE && session->holds > 0);
}

/* Passes the first buffers of the queue to net. TCP only, while no send is unanswered. */
void session_send_queued(struct weir_session *session);

/* The peer's stream has ended and everything is sent: FIN follows, and nothing else. TCP only, in
 * the state PEER_DONE. */
static inline void session_complete(struct weir_session *session)
{
    weir_check(session->reason == WEIR_REASON_NONE);
    if (!session->peer_done) session->reason = WEIR_REASON_PEER_DONE; /* its FIN is awaited */
    session_enter(session, SESSION_FINISHING);
}

/* Sends FIN if nothing is left to send, and closes when both sides are done. TCP only. */
void session_end_if_done(struct weir_session *session);

/* Updates the worker's counter of queued bytes after the send queue became smaller. */
static inline void session_count_queued(struct weir_session *session)
{
    struct send_queue *queue = &session->queue;

    if (queue->counted_bytes == queue->pinned_bytes) return;
    counter_move(&session->worker->counters.queued_bytes, queue->pinned_bytes,
                 queue->counted_bytes);
    queue->counted_bytes = queue->pinned_bytes;
}

/* Counts bytes in flight that the system has released, with buffers of this capacity. */
static inline void session_count_released(struct weir_session *session, uint32_t bytes,
                                          uint32_t pinned_bytes)
{
    send_queue_released(&session->queue, bytes, pinned_bytes);
    session_count_queued(session);
    counter_add(&session->worker->counters.bytes_out, bytes);
    session->bytes_out += bytes;
}

/* A queue above its mark takes no further answers: the rest of the received buffer waits. */
static inline void session_check_mark(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->queue.pinned_bytes >= worker->pause_bytes) worker_stop_dispatch(worker, session);
}

/* Counts a message that was queued. */
static inline void session_count_message(struct weir_session *session)
{
    session->messages_out++;
    counter_add(&session->worker->counters.messages_out, 1);
}

/* Updates the counter and the worker's account after any change of the send queue. */
static inline void session_account(struct weir_session *session)
{
    session_count_queued(session);
    if (session->queue.pinned_bytes > session->listed_bytes)
        account_list(&session->worker->account, session);
}

/* Returns the state that the codec keeps per session. */
static inline void *session_codec_state(struct weir_session *session)
{
    return session_table_extra(session);
}

/* Returns the state that the handler keeps per session; null if it keeps none. */
static inline void *session_handler_state(struct weir_session *session)
{
    const struct service *service = session->service;

    if (service->handler->session_bytes == 0) return NULL;
    weir_check(!session_is_transient(session)); /* a handler with state has sessions for peers */
    return session_table_extra(session) + service->handler_state_at;
}

#endif
