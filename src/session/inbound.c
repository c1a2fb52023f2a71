/* SPDX-License-Identifier: MIT */
/* hand.c - from received bytes to messages, and back.
 *
 * A received buffer often holds many frames. As long as the handler sends back each in turn, they
 * are left where they lie, and the whole run goes into the send queue as one buffer:
 *
 *      [ end of a frame | f1 | f2 | f3 | begin of f4 ]     f1, f2, f3 sent back: one run
 *                       '---- run ----'                    anything else sent in between: the run
 *                                                          so far is copied ahead of it
 */
#include "hand.h"

#include "check.h"
#include "deadline.h"
#include "place.h"
#include "worker.h"

/* ---- the run ---- */

static bool hand__lies_in(const struct net_buffer *buffer, const uint8_t *bytes)
{
    return bytes >= buffer->bytes && bytes < buffer->bytes + buffer->length;
}

bool hand_extend_run(struct hand *hand, const struct weir_message *message)
{
    const uint8_t *frame = message->frame;

    if (!hand->buffer || !hand__lies_in(hand->buffer, frame)) return false;
    if (hand->run_bytes > 0 && frame != hand->run + hand->run_bytes) return false;
    if (hand->run_bytes == 0) hand->run = hand->buffer->bytes + (frame - hand->buffer->bytes);
    hand->run_bytes += (uint32_t)message->frame_length;
    return true;
}

void hand_settle(struct weir_session *session)
{
    struct hand *hand = &session->worker->hand;
    uint32_t bytes = hand->run_bytes;

    if (hand->session != session || bytes == 0) return;
    hand->run_bytes = 0;
    session_send_or_close(session, hand->run, bytes);
}

void hand_take_message(struct hand *hand, const struct weir_session *session,
                       const struct weir_message *message)
{
    weir_check_use(hand->session == session && hand->message == message,
                   "weir_session_send_back is for the message in hand, once");
    hand->message = NULL;
}

enum weir_code hand_send_back(struct weir_session *session, const struct weir_message *message)
{
    struct hand *hand = &session->worker->hand;

    hand_take_message(hand, session, message);
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (message->frame_length > 0 && !hand_extend_run(hand, message)) {
        hand_settle(session);
        if (session_may_send(session))
            session_send_or_close(session, message->frame, message->frame_length);
    }
    if (!session_may_send(session)) return WEIR_CANCELLED; /* nothing was left to promise it with */
    counter_add(&session->worker->counters.messages_out, 1);
    return WEIR_OK;
}

/* ---- decoding ---- */

static enum weir_decoded hand__next(struct weir_session *session, struct weir_input *input,
                                    struct weir_message *message,
                                    struct weir_decode_error *decode_error)
{
    const struct weir_codec *codec = session->place->codec;
    size_t before = input->length;

    if (codec->decode) { /* also with nothing: it then frees what it held for the last message */
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

static void hand__deliver(struct weir_session *session, const struct weir_message *message)
{
    const struct weir_handler *handler = session->place->handler;

    counter_add(&session->worker->counters.messages_in, 1);
    if (!handler->on_message) return;
    session->worker->hand.message = message;
    handler->on_message(session, message);
    session->worker->hand.message = NULL;
}

/* Hands up message after message; returns how many. */
static uint32_t hand__decode(struct weir_session *session, struct weir_input *input)
{
    struct weir_message message;
    struct weir_decode_error decode_error = {.text = ""};
    uint32_t count = 0;

    while (session->state == SESSION_OPEN) {
        enum weir_decoded decoded = hand__next(session, input, &message, &decode_error);
        if (decoded == WEIR_DECODED_BAD) session_fail(session, decode_error.text);
        if (decoded != WEIR_DECODED_MESSAGE) break;
        hand__deliver(session, &message);
        count++;
        if (input->ended) break;
    }
    return count;
}

/* A frame's time runs from its first byte; bytes that are added to it do not lengthen it. */
static void hand__update_frame(struct weir_session *session, uint32_t messages_count)
{
    const struct weir_codec *codec = session->place->codec;
    struct worker *worker = session->worker;
    size_t begun =
        codec->partial_bytes ? codec->partial_bytes(codec, session_codec_state(session)) : 0;
    bool was_partial = session->frame_partial && messages_count == 0;

    session->frame_partial = begun > 0;
    counter_raise(&worker->counters.reassembly_bytes_max, begun);
    if (begun == 0 || was_partial) return;
    session->frame_ms = (uint32_t)worker->now_ms;
    deadline_update(session);
}

/* Beyond its rate a session rests; what came is handled all the same, and counts as a debt. */
static void hand__update_rate(struct weir_session *session, uint32_t bytes, uint32_t messages)
{
    struct worker *worker = session->worker;
    const struct weir_config *config = &worker->common->config;
    uint64_t rest_ns = 0, more_ns = 0;

    if (config->receive_rate_max_bytes > 0)
        rest_ns = bucket_take(&session->bytes_bucket, worker->now_ns, bytes,
                              config->receive_rate_max_bytes, config->receive_rate_max_bytes);
    if (config->message_rate_max > 0)
        more_ns = bucket_take(&session->messages_bucket, worker->now_ns, messages,
                              config->message_rate_max, config->message_rate_max);
    if (more_ns > rest_ns) rest_ns = more_ns;
    if (rest_ns == 0) return;
    session->resume_ms = (uint32_t)(worker->now_ms + rest_ns / CLOCK_NS_PER_MS + 1);
    if (!session->rate_paused) counter_add(&worker->counters.pauses_rate, 1);
    session->rate_paused = true;
    deadline_update(session);
}

static void hand__put_down(struct hand *hand)
{
    struct weir_session *session = hand->session;
    struct net_buffer *buffer = hand->buffer;
    struct net *net = session->worker->net;

    if (hand->run_bytes > 0 && session_may_send(session)) {
        buffer->bytes = hand->run;
        buffer->length = hand->run_bytes;
        send_queue_add(&session->queue, net, buffer);
        worker_flush_later(session->worker, session);
    } else {
        net_give_back(net, buffer);
    }
    *hand = (struct hand){.session = NULL};
}

void hand_receive(struct weir_session *session, struct net_buffer *buffer)
{
    struct hand *hand = &session->worker->hand;
    struct weir_input input = {buffer->bytes, buffer->length, false};
    uint32_t bytes = buffer->length;

    weir_check(!hand->session);
    *hand = (struct hand){.session = session, .buffer = buffer};
    uint32_t messages = hand__decode(session, &input);
    hand__put_down(hand);
    if (session->state != SESSION_OPEN) return;
    hand__update_frame(session, messages);
    hand__update_rate(session, bytes, messages);
}

void hand_receive_end(struct weir_session *session)
{
    struct hand *hand = &session->worker->hand;
    struct weir_input input = {(const uint8_t *)"", 0, true};

    weir_check(!hand->session);
    *hand = (struct hand){.session = session};
    hand__decode(session, &input);
    *hand = (struct hand){.session = NULL};
    session->frame_partial = false;
}
