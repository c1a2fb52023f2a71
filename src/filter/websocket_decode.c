/* SPDX-License-Identifier: MIT */
/* websocket_decode.c - decodes the frames of a WebSocket client.
 *
 *      header -> control frame: into `control`, then pong or end
 *             -> data frame     message mode: whole in the input -> unmasked there, no copy
 *                                             otherwise -> collected in `held`
 *                               stream mode:  unmasked in the input, then the inner codec
 */
#include "websocket_decode.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "websocket_state.h"

/* What a step of decoding did: enum weir_decoded, or: */
#define WEBSOCKET__AGAIN (-1) /* it used some input: there may be another step */

/* One call of the decoder. */
struct websocket__call {
    const struct websocket_codec *codec;
    struct websocket_state *state;
    struct weir_input *input;
    struct weir_message *message;
    struct weir_decode_error *decode_error;
};

static int websocket__fail(const struct websocket__call *call, enum websocket_status status,
                           const char *why)
{
    snprintf(call->decode_error->text, sizeof call->decode_error->text, "WebSocket: %s", why);
    call->state->fail_status = (uint16_t)status;
    return WEIR_DECODED_BAD;
}

static int websocket__fail_text(const struct websocket__call *call)
{
    return websocket__fail(call, WEBSOCKET_STATUS_TEXT, "a text message is not valid UTF-8");
}

static void websocket__take_off(struct weir_input *input, size_t count)
{
    input->bytes += count;
    input->length -= count;
}

/* Returns the front of the input. It can be written: receive buffers belong to weir. */
static uint8_t *websocket__front(const struct weir_input *input)
{
    union {
        const uint8_t *constant;
        uint8_t *variable;
    } front = {input->bytes};

    return front.variable;
}

/* ---- headers ---- */

/* Checks a data frame against the message to which it belongs. */
static int websocket__begin_data(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    const struct websocket_frame *frame = &state->frame;
    char why[96];

    if (frame->opcode == WEBSOCKET_CONTINUATION && state->message_opcode == 0)
        return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL,
                               "a continuation frame continues no message");
    if (frame->opcode != WEBSOCKET_CONTINUATION && state->message_opcode != 0)
        return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL,
                               "a message begins before the last fragment of another");
    if (!call->codec->inner &&
        frame->length > call->codec->message_bytes_max - state->held_length) {
        snprintf(why, sizeof why, "a message is longer than %llu bytes",
                 (unsigned long long)call->codec->message_bytes_max);
        return websocket__fail(call, WEBSOCKET_STATUS_TOO_LARGE, why);
    }
    if (frame->opcode == WEBSOCKET_CONTINUATION) return WEBSOCKET__AGAIN;
    state->message_opcode = frame->opcode;
    state->text = (struct utf8_check){.missing = 0};
    return WEBSOCKET__AGAIN;
}

/* The input is used up. */
static int websocket__need_more(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;

    state->run_end = NULL;
    if (!call->input->ended) return WEIR_DECODED_MORE;
    if (state->in_frame || state->header_length > 0)
        return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL, "the stream ended inside a frame");
    if (state->message_opcode != 0)
        return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL,
                               "the stream ended inside a fragmented message");
    return WEIR_DECODED_MORE;
}

/* Reads a header, of which a part may have come in earlier input. */
static int websocket__read_header(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    struct weir_input *input = call->input;
    const uint8_t *bytes = input->bytes;
    size_t held = state->header_length, length = input->length;
    const char *why = NULL;

    if (held > 0 || length < 2) {
        length = sizeof state->header - held < length ? sizeof state->header - held : length;
        if (length > 0) memcpy(state->header + held, input->bytes, length);
        bytes = state->header;
        length += held;
    }
    enum weir_decoded read = websocket_frame_read(bytes, length, &state->frame, &why);
    if (read == WEIR_DECODED_BAD) return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL, why);
    if (read == WEIR_DECODED_MORE) {
        if (bytes == input->bytes) memcpy(state->header, bytes, length);
        weir_check(length < sizeof state->header);
        state->header_length = (uint8_t)length;
        websocket__take_off(input, input->length);
        return websocket__need_more(call);
    }
    websocket__take_off(input, state->frame.header_bytes - held);
    if (held > 0) state->run_end = NULL; /* there is no room for a header in the input */
    state->header_length = 0;
    state->left = state->frame.length;
    state->in_frame = true;
    if (websocket_frame_is_control(state->frame.opcode)) return WEBSOCKET__AGAIN;
    return websocket__begin_data(call);
}

/* ---- control frames ---- */

static int websocket__close(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    size_t length = state->control_length;
    const uint8_t *bytes = state->control;
    struct utf8_check check = {.missing = 0};

    state->peer_status = WEBSOCKET_STATUS_NONE;
    if (length == 1)
        return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL,
                               "a close frame has half a status code");
    if (length > 1) {
        state->peer_status = (uint16_t)(bytes[0] << 8 | bytes[1]);
        if (!websocket_frame_status_is_valid(state->peer_status))
            return websocket__fail(call, WEBSOCKET_STATUS_PROTOCOL,
                                   "a close frame has a status code that must not be sent");
        if (utf8_check_continue(&check, bytes + 2, length - 2) < length - 2 ||
            !utf8_check_is_whole(&check))
            return websocket__fail(call, WEBSOCKET_STATUS_TEXT,
                                   "the reason in a close frame is not valid UTF-8");
    }
    state->is_closed = true;
    return WEBSOCKET__AGAIN;
}

/* Collects a control frame, and acts on it when it is whole. */
static int websocket__control(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    size_t count = call->input->length < state->left ? call->input->length : (size_t)state->left;
    int result = WEBSOCKET__AGAIN;

    websocket_frame_unmask(state->control + state->control_length, call->input->bytes, count,
                           state->frame.mask, state->control_length);
    websocket__take_off(call->input, count);
    state->control_length = (uint8_t)(state->control_length + count);
    state->left -= count;
    if (state->left > 0) return websocket__need_more(call);
    if (state->frame.opcode == WEBSOCKET_CLOSE) result = websocket__close(call);
    if (state->frame.opcode == WEBSOCKET_PING) {
        memcpy(state->pong, state->control, state->control_length);
        state->pong_length = state->control_length;
        state->pong_is_due = true; /* it answers earlier pings, too */
        state->pings_count++;
    }
    state->control_length = 0;
    state->in_frame = false;
    return result;
}

/* ---- message mode ---- */

/* Fills in the message, whose payload begins behind room for a server's header. */
static int websocket__deliver(const struct websocket__call *call, uint8_t *payload, size_t length)
{
    struct websocket_state *state = call->state;
    uint32_t header = websocket_frame_header_bytes(length);

    if (state->message_opcode == WEBSOCKET_TEXT && !utf8_check_is_whole(&state->text))
        return websocket__fail_text(call);
    websocket_frame_write(payload - header, state->message_opcode, length);
    *call->message = (struct weir_message){.bytes = payload,
                                           .length = length,
                                           .frame = payload - header,
                                           .frame_length = header + length,
                                           .header_length = header};
    state->message_opcode = 0;
    state->in_frame = false;
    return WEIR_DECODED_MESSAGE;
}

/* Checks the bytes of a text message. */
static bool websocket__check_text(struct websocket_state *state, const uint8_t *bytes,
                                  size_t length)
{
    return state->message_opcode != WEBSOCKET_TEXT ||
           utf8_check_continue(&state->text, bytes, length) == length;
}

/* Delivers a message that is whole in the input, behind its client's header. */
static int websocket__deliver_in_place(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    size_t length = (size_t)state->left;
    uint8_t *from = websocket__front(call->input);
    uint8_t *payload = from;

    if (state->run_end) payload = state->run_end + websocket_frame_header_bytes(length);
    weir_check(payload <= from);
    websocket_frame_unmask(payload, from, length, state->frame.mask, 0);
    websocket__take_off(call->input, length);
    state->run_end = payload + length;
    if (!websocket__check_text(state, payload, length)) return websocket__fail_text(call);
    return websocket__deliver(call, payload, length);
}

/* Makes room for `more` bytes of the collected message. The capacity doubles up to the end of the
 * frame. Returns false if memory is exhausted. */
static bool websocket__grow(struct websocket_state *state, size_t more)
{
    size_t room = WEBSOCKET_SERVER_HEADER_BYTES_MAX, needed = room + state->held_length + more;
    uint64_t most = room + state->held_length + state->left;
    size_t capacity = 2 * state->held_capacity;

    if (state->held && needed <= state->held_capacity) return true;
    if (capacity > most && state->frame.is_final) capacity = (size_t)most;
    if (capacity < needed) capacity = needed;
    uint8_t *held = memory_alloc(capacity);
    if (!held) return false;
    if (state->held) memcpy(held + room, state->held + room, state->held_length);
    memory_free(state->held);
    state->held = held;
    state->held_capacity = capacity;
    return true;
}

/* Adds a part of a frame to the collected message. */
static int websocket__collect(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    size_t count = call->input->length < state->left ? call->input->length : (size_t)state->left;

    if (!websocket__grow(state, count))
        return websocket__fail(call, WEBSOCKET_STATUS_INTERNAL, "out of memory for a message");
    uint8_t *to = state->held + WEBSOCKET_SERVER_HEADER_BYTES_MAX + state->held_length;
    websocket_frame_unmask(to, call->input->bytes, count, state->frame.mask,
                           state->frame.length - state->left);
    websocket__take_off(call->input, count);
    state->held_length += count;
    state->left -= count;
    if (!websocket__check_text(state, to, count)) return websocket__fail_text(call);
    if (state->left > 0) return websocket__need_more(call);
    state->in_frame = false;
    if (!state->frame.is_final) return WEBSOCKET__AGAIN;
    state->run_end = NULL;
    state->held_is_delivered = true;
    return websocket__deliver(call, state->held + WEBSOCKET_SERVER_HEADER_BYTES_MAX,
                              state->held_length);
}

/* `from_input`: the header of the frame is in the input, directly before its payload. */
static int websocket__message(const struct websocket__call *call, bool from_input)
{
    const struct websocket_state *state = call->state;

    if (from_input && state->frame.is_final && state->frame.opcode != WEBSOCKET_CONTINUATION &&
        state->left <= call->input->length)
        return websocket__deliver_in_place(call);
    return websocket__collect(call);
}

static void websocket__free_delivered(struct websocket_state *state)
{
    if (!state->held_is_delivered) return;
    memory_free(state->held);
    state->held = NULL;
    state->held_length = state->held_capacity = 0;
    state->held_is_delivered = false;
}

/* ---- stream mode ---- */

/* Returns the inner codec's answer for the bytes. */
static enum weir_decoded websocket__inner(const struct websocket__call *call,
                                          struct weir_input *bytes)
{
    const struct weir_codec *inner = call->codec->inner;
    enum weir_decoded decoded;

    if (!inner->decode) {
        if (bytes->length == 0) return WEIR_DECODED_MORE;
        *call->message =
            (struct weir_message){bytes->bytes, bytes->length, bytes->bytes, bytes->length, 0};
        websocket__take_off(bytes, bytes->length);
        return WEIR_DECODED_MESSAGE;
    }
    decoded = inner->decode(inner, websocket_state_inner(call->state), bytes, call->message,
                            call->decode_error);
    if (decoded == WEIR_DECODED_BAD) call->state->fail_status = WEBSOCKET_STATUS_PROTOCOL;
    weir_check_use(decoded != WEIR_DECODED_MORE || bytes->length == 0,
                   "a codec that needs more bytes has used up the input");
    return decoded;
}

/* Passes the unmasked bytes at the front of the input to the inner codec. */
static int websocket__pass_plain(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    struct weir_input plain = {call->input->bytes, state->plain, false};

    weir_check(state->plain <= call->input->length);
    enum weir_decoded decoded = websocket__inner(call, &plain);

    weir_check_use(plain.length <= state->plain, "a codec only takes bytes off the input");
    websocket__take_off(call->input, state->plain - plain.length);
    state->plain = plain.length;
    return decoded == WEIR_DECODED_MORE ? WEBSOCKET__AGAIN : (int)decoded;
}

/* The end of a data frame. A rejection leaves the state as it is: a call without input can be the
 * one that finds it, and the next call must find it again. */
static int websocket__end_frame(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    bool is_final = state->frame.is_final;

    if (is_final && state->message_opcode == WEBSOCKET_TEXT && !utf8_check_is_whole(&state->text))
        return websocket__fail_text(call);
    state->in_frame = false;
    if (is_final) state->message_opcode = 0;
    return WEBSOCKET__AGAIN;
}

/* Unmasks the part of the frame that is in the input. */
static int websocket__stream(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    size_t count = call->input->length < state->left ? call->input->length : (size_t)state->left;
    uint8_t *bytes = websocket__front(call->input);

    if (state->text_is_bad) return websocket__fail_text(call);
    if (state->left == 0) return websocket__end_frame(call);
    if (count == 0) return websocket__need_more(call);
    websocket_frame_unmask(bytes, bytes, count, state->frame.mask,
                           state->frame.length - state->left);
    state->left -= count;
    state->plain = count;
    if (state->message_opcode == WEBSOCKET_TEXT)
        state->plain = utf8_check_continue(&state->text, bytes, count);
    state->text_is_bad = state->plain < count;
    return WEBSOCKET__AGAIN;
}

/* The input of the WebSocket is used up: the inner codec can free what it held, and ends with the
 * stream. */
static int websocket__end_inner(const struct websocket__call *call)
{
    struct weir_input none = {call->input->bytes, 0, call->input->ended};

    return (int)websocket__inner(call, &none);
}

/* ---- decoding ---- */

static int websocket__step(const struct websocket__call *call)
{
    struct websocket_state *state = call->state;
    const uint8_t *header = call->input->bytes;

    if (state->plain > 0) {
        /* Without input, the call only frees what the last message held. */
        return call->input->length > 0 ? websocket__pass_plain(call) : (int)WEIR_DECODED_MORE;
    }
    if (state->is_closed) {
        websocket__take_off(call->input, call->input->length);
        return WEIR_DECODED_MORE;
    }
    bool was_in_frame = state->in_frame;
    if (!was_in_frame) {
        int read = websocket__read_header(call);
        if (read != WEBSOCKET__AGAIN) return read;
    }
    if (websocket_frame_is_control(state->frame.opcode)) return websocket__control(call);
    if (call->codec->inner) return websocket__stream(call);
    return websocket__message(call, !was_in_frame && call->input->bytes - header ==
                                                         (ptrdiff_t)state->frame.header_bytes);
}

enum weir_decoded websocket_decode(const struct weir_codec *codec, void *state,
                                   struct weir_input *input, struct weir_message *message,
                                   struct weir_decode_error *decode_error)
{
    const struct websocket__call call = {websocket_state_codec(codec), state, input, message,
                                         decode_error};
    int result;

    websocket__free_delivered(state);
    call.state->has_received = call.state->has_received || input->length > 0;
    do {
        result = websocket__step(&call);
    } while (result == WEBSOCKET__AGAIN);
    if (result == WEIR_DECODED_MORE && call.codec->inner) result = websocket__end_inner(&call);
    return (enum weir_decoded)result;
}
