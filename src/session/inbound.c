/* SPDX-License-Identifier: MIT */
/* inbound.c - passes received bytes of a TCP session through the codec to the handler.
 *
 *      NET_RECEIVED -> [ receive buffer ] -> codec -> message -> handler
 *                         |  ^     |                                | weir_session_send_back
 *                         v  |     '------- borrowed run <----------'
 *                        unread                  v
 *                                           send queue, or the pool if nothing was sent back
 *
 * The borrowed run (send_queue.h) owns the receive buffer while its messages are dispatched.
 * Decoding stops when the session has used its share of the iteration's work (worker.h), or when
 * reading pauses: by the high-water mark, the rate limit or the handler. The rest of the buffer
 * then becomes `unread`, and so do the buffers that arrive after it. Receiving is off while a
 * session has unread input, so it never exceeds what the transport holds for one connection.
 * A FIN behind unread input waits too (end_unread). Filters stand before all of this: filters_in.c.
 */
#include "inbound.h"

#include "check.h"
#include "congestion.h"
#include "filters_state.h"
#include "inlining.h"
#include "session.h"
#include "watch.h"
#include "worker.h"

/* ---- decoding ---- */

/* Also without input: the codec then frees what it held for a message. */
static inline enum weir_decoded inbound__next(struct weir_session *session,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_decode_error *decode_error)
{
    const struct weir_codec *codec = session->service->codec;
    size_t before = input->length;
    enum weir_decoded decoded =
        codec->decode(codec, session_codec_state(session), input, message, decode_error);

    weir_check_use(input->length <= before, "a codec only takes bytes off the input");
    weir_check_use(decoded != WEIR_DECODED_MESSAGE || input->ended || input->length < before,
                   "a codec takes bytes off the input for every message");
    weir_check_use(decoded != WEIR_DECODED_MORE || input->length == 0,
                   "a codec that needs more bytes has used up the input");
    return decoded;
}

/* Returns the work that the session may still do in this iteration. When the iteration's work is
 * used up, only sessions that recently used less than their share are served: a flood waits, and an
 * honest session does not wait for it. */
static uint32_t inbound__work_left(struct weir_session *session)
{
    const struct work *work = &session->worker->work;

    if (session->work_iteration != work->iteration) {
        session->work_iteration = work->iteration;
        session->work_done = 0;
    }
    if (session->used_share && work_is_used_up(work)) return 0;
    return session->work_done < work->session_max ? work->session_max - session->work_done : 0;
}

static void inbound__reject(struct weir_session *session, const char *text)
{
    watch_malformed(session, session->worker->dispatch.run.buffer);
    session_fail(session, text);
}

/* A codec that does not decode: what was received is one message. Returns the number of messages.
 */
static inline uint32_t inbound__deliver_whole(struct weir_session *session,
                                              struct weir_input *input)
{
    const struct dispatch *dispatch = &session->worker->dispatch;
    const struct weir_message message = {input->bytes, input->length, input->bytes, input->length,
                                         0};

    weir_check(dispatch->session == session);
    if (input->length == 0 || session->state != SESSION_OPEN) return 0;
    input->length = 0;
    watch_deliver(session, &message);
    borrowed_run_poison(&dispatch->run, message.frame, message.frame_length,
                        message.frame + message.frame_length);
    return 1;
}

/* Delivers the messages of the input until it is used up or the session must stop. Returns the
 * number of messages. */
static uint32_t inbound__decode_some(struct weir_session *session, struct weir_input *input,
                                     uint32_t messages_max)
{
    const struct dispatch *dispatch = &session->worker->dispatch;
    struct weir_message message;
    struct weir_decode_error decode_error;
    uint32_t count = 0;

    weir_check(dispatch->session == session);
    message.header_length = 0;   /* a codec can leave it out */
    decode_error.text[0] = '\0'; /* the same; not all of it, because this runs per message */
    while (session->state == SESSION_OPEN) {
        enum weir_decoded decoded = inbound__next(session, input, &message, &decode_error);
        if (decoded == WEIR_DECODED_BAD) inbound__reject(session, decode_error.text);
        if (decoded != WEIR_DECODED_MESSAGE) break;
        count++;
        watch_deliver(session, &message);
        borrowed_run_poison(&dispatch->run, message.frame, message.frame_length, input->bytes);
        if (input->ended) break;
        if ((count >= messages_max || dispatch->must_stop) && input->length > 0) {
            /* Without input a codec only frees what it held for the message. */
            inbound__next(session, &(struct weir_input){input->bytes, 0, false}, &message,
                          &decode_error);
            break;
        }
    }
    return count;
}

static inline uint32_t inbound__decode(struct weir_session *session, struct weir_input *input,
                                       uint32_t work_left)
{
    struct worker *worker = session->worker;
    uint32_t count = session->service->codec->decode
                         ? inbound__decode_some(session, input, work_left)
                         : inbound__deliver_whole(session, input);
    uint32_t answers = worker->dispatch.answers;

    session->messages_in += count;
    session->messages_out += answers;
    counter_add(&worker->counters.messages_out, answers);
    session->work_done += count;
    session->used_share = session->work_done >= worker->work.session_max;
    worker->work.done += count;
    counter_add(&worker->counters.messages_in, count);
    return count;
}

/* ---- limits ---- */

/* Charges the memory of a partial frame: a codec's memory is at most twice what it holds. */
inlining_never void inbound__charge_frame(struct weir_session *session, size_t partial_bytes)
{
    uint32_t bytes = partial_bytes < UINT32_MAX / 2 ? (uint32_t)partial_bytes : UINT32_MAX / 2;
    struct account *account = &session->worker->account;

    account_move(account, 2 * (uint64_t)bytes, 2 * (uint64_t)session->partial_bytes);
    session->partial_bytes = bytes;
    account_list(account, session);
}

/* The frame timeout runs from a frame's first byte. Receiving more bytes does not extend it. */
static inline void inbound__update_frame(struct weir_session *session, uint32_t messages_count)
{
    const struct weir_codec *codec = session->service->codec;
    struct worker *worker = session->worker;

    if (!codec->partial_bytes) {
        weir_check(session->partial_bytes == 0 && !session->frame_partial);
        return;
    }
    size_t partial_bytes = codec->partial_bytes(codec, session_codec_state(session));
    bool was_partial = session->frame_partial && messages_count == 0;

    weir_check(session->state == SESSION_OPEN);
    session->frame_partial = partial_bytes > 0;
    counter_raise(&worker->counters.reassembly_bytes_max, partial_bytes);
    if (partial_bytes != session->partial_bytes) inbound__charge_frame(session, partial_bytes);
    if (partial_bytes == 0 || was_partial) return;
    session->timestamps.frame_ms = (uint32_t)worker->now_ms;
    session_update_deadline(session);
}

/* Reading pauses until the token buckets refill. Bytes that have been received count as debt. */
static inline void inbound__update_rate(struct weir_session *session, uint32_t bytes,
                                        uint32_t messages)
{
    struct worker *worker = session->worker;
    const struct weir_config *config = &session->service->config;
    uint64_t bytes_pause_ns = 0, messages_pause_ns = 0;

    weir_check(bytes > 0);
    if (config->receive_rate_max_bytes == 0 && config->message_rate_max == 0) return;
    struct session_rare *rare = session_rare_or_close(session);
    if (!rare) return;
    if (config->receive_rate_max_bytes > 0)
        bytes_pause_ns =
            bucket_take(&rare->bytes_bucket, worker->now_ns, bytes, config->receive_rate_max_bytes,
                        config->receive_rate_max_bytes);
    if (config->message_rate_max > 0)
        messages_pause_ns = bucket_take(&rare->messages_bucket, worker->now_ns, messages,
                                        config->message_rate_max, config->message_rate_max);
    uint64_t pause_ns = messages_pause_ns > bytes_pause_ns ? messages_pause_ns : bytes_pause_ns;
    if (pause_ns == 0) return;
    weir_check(!session->rate_paused); /* else nothing would have been decoded */
    session->timestamps.resume_ms = (uint32_t)(worker->now_ms + pause_ns / CLOCK_NS_PER_MS + 1);
    counter_add(&worker->counters.pauses_rate, 1);
    session->rate_paused = true;
    session_update_deadline(session);
}

/* ---- events ---- */

/* Returns the receive buffer to the pool, or queues it if the handler sent back frames of it. */
static inline void inbound__end_dispatch(struct weir_session *session)
{
    struct worker *worker = session->worker;

    weir_check(worker->dispatch.session == session);
    struct net_buffer *buffer =
        borrowed_run_close(&worker->dispatch.run, worker->net, session_may_send(session));

    worker->dispatch.session = NULL;
    if (!buffer) return;
    send_queue_add(&session->queue, worker->net, buffer);
    worker_flush_later(worker, session);
}

/* Makes the rest of the buffer the first unread input. What was sent back of it is copied. */
inlining_never void inbound__keep_rest(struct weir_session *session, const struct weir_input *rest)
{
    struct dispatch *dispatch = &session->worker->dispatch;

    weir_check(rest->length > 0);
    session_flush_run(session);
    if (session->state != SESSION_OPEN) return; /* memory was exhausted */
    struct net_buffer *buffer = borrowed_run_release(&dispatch->run);
    dispatch->session = NULL;
    buffer->bytes += buffer->length - rest->length;
    buffer->length = (uint32_t)rest->length;
    buffer->next = session->unread;
    session->unread = buffer;
    session->unread_bytes += buffer->capacity;
    account_list(&session->worker->account, session);
}

inlining_always void inbound__receive(struct weir_session *session, struct net_buffer *buffer,
                                      uint32_t work_left)
{
    struct weir_input input = {buffer->bytes, buffer->length, false};
    uint32_t bytes = buffer->length;

    worker_begin_dispatch(session->worker, session, buffer);
    uint32_t messages = inbound__decode(session, &input, work_left);
    bytes -= (uint32_t)input.length;
    if (input.length > 0 && session->state == SESSION_OPEN) inbound__keep_rest(session, &input);
    if (session->worker->dispatch.session) inbound__end_dispatch(session);
    if (session->state != SESSION_OPEN) return;
    inbound__update_frame(session, messages);
    inbound__update_rate(session, bytes, messages);
}

/* Decoding is behind: the buffer waits behind the others. */
inlining_never void inbound__add_unread(struct weir_session *session, struct net_buffer *buffer)
{
    struct net_buffer **link = &session->unread;

    while (*link) link = &(*link)->next;
    buffer->next = NULL;
    *link = buffer;
    session->unread_bytes += buffer->capacity;
    account_list(&session->worker->account, session);
}

/* Lets a speaker wait if a group to which it speaks became congested meanwhile. */
static void inbound__check_group(struct weir_session *session)
{
    if (session->speaks && session->state == SESSION_OPEN &&
        congestion_has(&session->worker->common->congestion, session->rare->speaks_slot))
        congestion_wait(session, session->rare->speaks_slot);
}

/* Whether the next unread input, bytes or FIN, may be decoded now. */
bool inbound_may_decode(struct weir_session *session)
{
    weir_check(session->state == SESSION_OPEN); /* no other state keeps unread input */
    if (session->filters && !filters_are_open(session->filters)) return false;
    inbound__check_group(session);
    return !session_is_paused(session) &&
           session->queue.pinned_bytes < session->worker->pause_bytes &&
           inbound__work_left(session) > 0;
}

static inline void inbound__add(struct weir_session *session, struct net_buffer *buffer)
{
    inbound__check_group(session);
    uint32_t work_left = inbound__work_left(session);
    if (session->state == SESSION_OPEN &&
        (session->unread || session_is_paused(session) || work_left == 0))
        inbound__add_unread(session, buffer);
    else
        inbound__receive(session, buffer, work_left);
}

void inbound_add(struct weir_session *session, struct net_buffer *buffer)
{
    weir_check(buffer->length > 0);
    session->first_byte_due = false;
    inbound__add(session, buffer);
}

void inbound_on_received(struct weir_session *session, struct net_buffer *buffer)
{
    struct worker *worker = session->worker;

    weir_check(buffer->length > 0);
    weir_check(!session->peer_done);
    counter_add(&worker->counters.bytes_in, buffer->length);
    session->bytes_in += buffer->length;
    session->timestamps.received_ms = (uint32_t)worker->now_ms;
    session->first_byte_due = false;
    inbound__add(session, buffer);
    session_account(session);
    session_check_receiving(session);
    if (!list_has(&session->in_pending_flush))
        session_check(session); /* otherwise the flush does */
}

/* Everything before the peer's FIN was delivered. */
static void inbound__enter_peer_done(struct weir_session *session)
{
    const struct weir_handler *handler = session->service->handler;

    session_enter(session, SESSION_PEER_DONE);
    if (handler->on_peer_done) handler->on_peer_done(session);
}

static void inbound__receive_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct weir_input input = {(const uint8_t *)"", 0, true};

    weir_check(session->peer_done || session->peer_ended);
    worker_begin_dispatch(worker, session, NULL);
    session->end_unread = false;
    inbound__decode(session, &input, inbound__work_left(session));
    worker->dispatch.session = NULL;
    session->frame_partial = false;
    if (session->state == SESSION_OPEN) inbound__enter_peer_done(session);
    if (session->state != SESSION_CLOSING) worker_flush_later(session->worker, session);
}

void inbound_continue(struct weir_session *session)
{
    struct net_buffer *buffer;

    session_check(session);
    while (session->unread && inbound_may_decode(session)) {
        buffer = session->unread;
        session->unread = buffer->next;
        session->unread_bytes -= buffer->capacity;
        inbound__receive(session, buffer, inbound__work_left(session));
    }
    if (session->end_unread && !session->unread && inbound_may_decode(session))
        inbound__receive_end(session);
    if (session->state == SESSION_CLOSING) return;
    session_account(session);
    session_update_receiving(session);
}

void inbound_end(struct weir_session *session)
{
    session->first_byte_due = false;
    if (session->state != SESSION_OPEN)
        worker_flush_later(session->worker, session);
    else if (session->unread || session->handler_paused || session->speaker_waits ||
             inbound__work_left(session) == 0)
        session->end_unread = true;
    else
        inbound__receive_end(session);
    if (session->end_unread) session_update_receiving(session);
}

void inbound_on_peer_done(struct weir_session *session)
{
    session_check(session);
    weir_check(!session->peer_done);
    if (session->state == SESSION_CLOSING) return;
    session->peer_done = true;
    inbound_end(session);
}
