/* SPDX-License-Identifier: MIT */
/* websocket_codec.c - the codec of WebSocket frames: its settings, outgoing frames and memory. */
#include "websocket_codec.h"

#include <string.h>

#include "check.h"
#include "framing_check.h"
#include "memory.h"
#include "websocket_decode.h"

_Static_assert(WEIR_HEADER_BYTES_MAX > WEBSOCKET_SERVER_HEADER_BYTES_MAX, "room for both headers");

/* Adds the bytes to a text. */
static bool websocket_codec__is_text(struct utf8_check *check, const uint8_t *bytes, size_t length)
{
    return utf8_check_continue(check, bytes, length) == length;
}

/* Checks that a whole frame of the inner codec is text. */
static bool websocket_codec__frame_is_text(const struct weir_framing *framing, const uint8_t *bytes,
                                           size_t length)
{
    struct utf8_check check = {.missing = 0};

    return websocket_codec__is_text(&check, framing->header, framing->header_length) &&
           websocket_codec__is_text(&check, bytes, length) &&
           websocket_codec__is_text(&check, framing->trailer, framing->trailer_length) &&
           utf8_check_is_whole(&check);
}

/* Puts a WebSocket header before the framing. `bytes` are the message without the skipped part. */
static enum weir_code websocket_codec__wrap(const struct websocket_codec *codec,
                                            const uint8_t *bytes, size_t length,
                                            struct weir_framing *framing)
{
    uint64_t payload = (uint64_t)framing->header_length + length + framing->trailer_length;
    uint32_t header = websocket_frame_header_bytes(payload);

    if (framing->header_length + header > WEIR_HEADER_BYTES_MAX) return WEIR_TOO_LARGE;
    if (codec->send_opcode == WEBSOCKET_TEXT &&
        !websocket_codec__frame_is_text(framing, bytes, length))
        return WEIR_INVALID;
    memmove(framing->header + header, framing->header, framing->header_length);
    framing->header_length += websocket_frame_write(framing->header, codec->send_opcode, payload);
    return WEIR_OK;
}

static enum weir_code websocket_codec__encode(const struct weir_codec *weir_codec,
                                              const uint8_t *bytes, size_t length,
                                              struct weir_framing *framing)
{
    const struct websocket_codec *codec = websocket_state_codec(weir_codec);

    if (length > codec->message_bytes_max) return WEIR_TOO_LARGE;
    return websocket_codec__wrap(codec, bytes, length, framing);
}

static enum weir_code websocket_codec__encode_inner(const struct weir_codec *weir_codec,
                                                    const uint8_t *bytes, size_t length,
                                                    struct weir_framing *framing)
{
    const struct websocket_codec *codec = websocket_state_codec(weir_codec);
    const struct weir_codec *inner = codec->inner;

    if (inner->encode) {
        enum weir_code code = inner->encode(inner, bytes, length, framing);
        if (code != WEIR_OK) return code;
        framing_check(framing, length);
    }
    if (framing->header_length + length - framing->skip + framing->trailer_length == 0)
        return WEIR_OK; /* nothing is sent */
    return websocket_codec__wrap(codec, length > 0 ? bytes + framing->skip : bytes,
                                 length - framing->skip, framing);
}

/* Frames a message that is sent back: the inner frame becomes the payload. */
static enum weir_code websocket_codec__encode_back(const struct weir_codec *weir_codec,
                                                   const struct weir_message *message,
                                                   struct weir_framing *framing)
{
    const struct websocket_codec *codec = websocket_state_codec(weir_codec);
    const struct weir_codec *inner = codec->inner;

    if (inner->encode_back) {
        enum weir_code code = inner->encode_back(inner, message, framing);
        if (code != WEIR_OK) return code;
        framing_check(framing, message->frame_length);
    }
    return websocket_codec__wrap(codec, message->frame + framing->skip,
                                 message->frame_length - framing->skip, framing);
}

static size_t websocket_codec__partial_bytes(const struct weir_codec *weir_codec,
                                             const void *codec_state)
{
    const struct websocket_state *state = codec_state;
    const struct weir_codec *inner = websocket_state_codec(weir_codec)->inner;
    bool in_control = state->in_frame && websocket_frame_is_control(state->frame.opcode);
    size_t partial = (size_t)state->header_length + state->control_length + in_control;

    if (inner && inner->partial_bytes)
        return partial +
               inner->partial_bytes(inner, (const uint8_t *)state + WEBSOCKET_INNER_STATE_AT);
    if (inner || state->message_opcode == 0) return partial;
    return partial + state->held_length + 1; /* also before the first byte of a fragment */
}

static void websocket_codec__release(const struct weir_codec *weir_codec, void *codec_state)
{
    struct websocket_state *state = codec_state;
    const struct weir_codec *inner = websocket_state_codec(weir_codec)->inner;

    memory_free(state->held);
    if (inner && inner->release) inner->release(inner, websocket_state_inner(state));
}

void websocket_codec_init(struct websocket_codec *codec, const struct weir_codec *inner,
                          uint64_t message_bytes_max, enum websocket_send send)
{
    uint8_t same = inner ? WEBSOCKET_BINARY : WEBSOCKET_TEXT;

    *codec = (struct websocket_codec){.inner = inner, .message_bytes_max = message_bytes_max};
    codec->send_opcode = send == WEBSOCKET_SEND_TEXT     ? WEBSOCKET_TEXT
                         : send == WEBSOCKET_SEND_BINARY ? WEBSOCKET_BINARY
                                                         : same;
    codec->codec = (struct weir_codec){
        .size = sizeof codec->codec,
        .name = inner ? inner->name : "websocket",
        .summary = inner ? inner->summary : "messages of WebSocket",
        .streams = true,
        .state_bytes = WEBSOCKET_INNER_STATE_AT + (inner ? inner->state_bytes : 0),
        .user = codec,
        .decode = websocket_decode,
        .partial_bytes = websocket_codec__partial_bytes,
        .release = websocket_codec__release,
        .encode = inner ? websocket_codec__encode_inner : websocket_codec__encode,
        .encode_back = inner ? websocket_codec__encode_back : NULL,
    };
}

size_t websocket_codec_pong(struct websocket_state *state,
                            uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX])
{
    if (!state->pong_is_due) return 0;
    state->pong_is_due = false;
    uint32_t header = websocket_frame_write(frame, WEBSOCKET_PONG, state->pong_length);
    memcpy(frame + header, state->pong, state->pong_length);
    return header + state->pong_length;
}

size_t websocket_codec_close(const struct websocket_state *state, enum websocket_status status,
                             const char *text, uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX])
{
    size_t length = strlen(text), payload;

    if (state->fail_status == 0 && state->is_closed) {
        status = state->peer_status;
        length = 0;
    } else if (state->fail_status > 0) {
        status = state->fail_status;
    }
    payload = status == WEBSOCKET_STATUS_NONE ? 0 : 2 + length;
    weir_check(payload <= WEBSOCKET_CONTROL_BYTES_MAX);
    uint32_t header = websocket_frame_write(frame, WEBSOCKET_CLOSE, payload);
    if (payload == 0) return header;
    frame[header] = (uint8_t)(status >> 8);
    frame[header + 1] = (uint8_t)status;
    memcpy(frame + header + 2, text, length);
    return header + payload;
}
