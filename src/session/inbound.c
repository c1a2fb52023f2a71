/* SPDX-License-Identifier: MIT */
/* inbound.c - passes received bytes of a TCP session through the codec to the handler.
 *
 *      NET_RECEIVED -> [ receive buffer ] -> codec -> message -> handler
 *                             |                                    | weir_session_send_back
 *                             '------- borrowed run <--------------'
 *                                           v
 *                                      send queue, or the pool if nothing was sent back
 *
 * The borrowed run (send_queue.h) owns the receive buffer while its messages are dispatched. A
 * service's filters will stand before the codec (service.h).
 */
#include "inbound.h"

#include "check.h"
#include "session.h"
#include "worker.h"

/* ---- decoding ---- */

static enum weir_decoded inbound__next(struct weir_session *session, struct weir_input *input,
                                       struct weir_message *message,
                                       struct weir_decode_error *decode_error)
{
    const struct weir_codec *codec = session->service->codec;
    size_t before = input->length;

    if (codec->decode) { /* also without input: the codec then frees what it held for a message */
        enum weir_decoded decoded =
            codec->decode(codec, session_codec_state(session), input, message, decode_error);
        weir_check_use(input->length <= before, "a codec only takes bytes off the input");
        weir_check_use(decoded != WEIR_DECODED_MESSAGE || input->ended || input->length < before,
                       "a codec takes bytes off the input for every message");
        return decoded;
    }
    if (before == 0) return WEIR_DECODED_MORE;
    *message = (struct weir_message){input->bytes, before, input->bytes, before};
    input->length = 0;
    return WEIR_DECODED_MESSAGE;
}

static void inbound__deliver(struct weir_session *session, const struct weir_message *message)
{
    struct worker *worker = session->worker;

    weir_check(session->state == SESSION_OPEN);
    counter_add(&worker->counters.messages_in, 1);
    if (session->service->handler->on_message) worker_dispatch(worker, session, message);
}

/* Delivers each message of the input. Returns how many. */
static uint32_t inbound__decode(struct weir_session *session, struct weir_input *input)
{
    struct weir_message message;
    struct weir_decode_error decode_error = {.text = ""};
    uint32_t count = 0;

    weir_check(session->worker->dispatch.session == session);
    while (session->state == SESSION_OPEN) {
        enum weir_decoded decoded = inbound__next(session, input, &message, &decode_error);
        if (decoded == WEIR_DECODED_BAD) session_fail(session, decode_error.text);
        if (decoded != WEIR_DECODED_MESSAGE) break;
        inbound__deliver(session, &message);
        count++;
        if (input->ended) break;
    }
    return count;
}

/* ---- limits ---- */

/* The frame timeout runs from a frame's first byte. Receiving more bytes does not extend it. */
static void inbound__update_frame(struct weir_session *session, uint32_t messages_count)
{
    const struct weir_codec *codec = session->service->codec;
    struct worker *worker = session->worker;
    size_t partial_bytes =
        codec->partial_bytes ? codec->partial_bytes(codec, session_codec_state(session)) : 0;
    bool was_partial = session->frame_partial && messages_count == 0;

    weir_check(session->state == SESSION_OPEN);
    session->frame_partial = partial_bytes > 0;
    counter_raise(&worker->counters.reassembly_bytes_max, partial_bytes);
    if (partial_bytes == 0 || was_partial) return;
    session->timestamps.frame_ms = (uint32_t)worker->now_ms;
    session_update_deadline(session);
}

/* Reading pauses until the token buckets refill. Bytes that have been received count as debt. */
static void inbound__update_rate(struct weir_session *session, uint32_t bytes, uint32_t messages)
{
    struct worker *worker = session->worker;
    const struct weir_config *config = &worker->common->config;
    uint64_t bytes_pause_ns = 0, messages_pause_ns = 0;

    weir_check(bytes > 0);
    if (config->receive_rate_max_bytes > 0)
        bytes_pause_ns =
            bucket_take(&session->bytes_bucket, worker->now_ns, bytes,
                        config->receive_rate_max_bytes, config->receive_rate_max_bytes);
    if (config->message_rate_max > 0)
        messages_pause_ns = bucket_take(&session->messages_bucket, worker->now_ns, messages,
                                        config->message_rate_max, config->message_rate_max);
    uint64_t pause_ns = messages_pause_ns > bytes_pause_ns ? messages_pause_ns : bytes_pause_ns;
    if (pause_ns == 0) return;
    session->timestamps.resume_ms = (uint32_t)(worker->now_ms + pause_ns / CLOCK_NS_PER_MS + 1);
    if (!session->rate_paused) counter_add(&worker->counters.pauses_rate, 1);
    session->rate_paused = true;
    session_update_deadline(session);
}

/* ---- events ---- */

/* Returns the receive buffer to the pool, or queues it if the handler sent back frames of it. */
static void inbound__end_dispatch(struct weir_session *session)
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

static void inbound__receive(struct weir_session *session, struct net_buffer *buffer)
{
    struct weir_input input = {buffer->bytes, buffer->length, false};
    uint32_t bytes = buffer->length;

    worker_begin_dispatch(session->worker, session, buffer);
    uint32_t messages = inbound__decode(session, &input);
    inbound__end_dispatch(session);
    if (session->state != SESSION_OPEN) return;
    inbound__update_frame(session, messages);
    inbound__update_rate(session, bytes, messages);
}

void inbound_on_received(struct weir_session *session, struct net_buffer *buffer)
{
    struct worker *worker = session->worker;

    session_check(session);
    weir_check(buffer->length > 0);
    weir_check(!session->peer_done);
    counter_add(&worker->counters.bytes_in, buffer->length);
    session->timestamps.received_ms = (uint32_t)worker->now_ms;
    session->has_received = true;
    inbound__receive(session, buffer);
    session_account(session);
    session_update_receiving(session);
}

static void inbound__receive_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct weir_input input = {(const uint8_t *)"", 0, true};

    weir_check(session->peer_done);
    worker_begin_dispatch(worker, session, NULL);
    inbound__decode(session, &input);
    worker->dispatch.session = NULL;
    session->frame_partial = false;
}

void inbound_on_peer_done(struct weir_session *session)
{
    session_check(session);
    weir_check(!session->peer_done);
    if (session->state == SESSION_CLOSING) return;
    session->peer_done = true;
    session->has_received = true;
    if (session->state == SESSION_OPEN) inbound__receive_end(session);
    if (session->state == SESSION_OPEN) session_enter(session, SESSION_PEER_DONE);
    if (session->state != SESSION_CLOSING) worker_flush_later(session->worker, session);
}
