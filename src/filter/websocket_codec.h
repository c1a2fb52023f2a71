/* SPDX-License-Identifier: MIT */
/* websocket_codec.h - the codec of a WebSocket listener: what follows the request head.
 *
 *      client's frames -> [ header | mask | payload ] -> unmasked in place -> message
 *                                                '-> fragments are collected -> message
 *                                                '-> stream mode: the inner codec -> message
 *      message -> [ inner codec's framing ] -> [ server's header | payload ] -> client
 *
 * Message mode (no inner codec): one WebSocket message is one message. Stream mode: the payloads of
 * all data frames are one byte stream for the inner codec, whatever their boundaries are.
 *
 * The receive buffer belongs to weir, so the codec removes masks in it. It writes a server's header
 * before each message, directly behind the message before: message->frame can be sent back as it
 * is, and messages that follow each other are adjacent, as borrowed_run_extend() needs it.
 *
 * Control frames are not messages. The codec keeps what they ask for in its state, where the filter
 * finds it: a pong to send, and the end of the peer's side. After a close frame, input is
 * discarded.
 */
#ifndef FILTER_WEBSOCKET_CODEC_H
#define FILTER_WEBSOCKET_CODEC_H

#include "websocket_state.h"

/* Initialises the codec. `inner` must outlive it. */
void websocket_codec_init(struct websocket_codec *codec, const struct weir_codec *inner,
                          uint64_t message_bytes_max, enum websocket_send send);

#define WEBSOCKET_CONTROL_FRAME_BYTES_MAX (2 + WEBSOCKET_CONTROL_BYTES_MAX)

/* Writes the pong that is due. Returns its bytes; 0: none is due. */
size_t websocket_codec_pong(struct websocket_state *state,
                            uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX]);

/* Writes a close frame: with the status of the failure, or that of the peer's close frame, or else
 * with `status` and `text`. Returns its bytes. */
size_t websocket_codec_close(const struct websocket_state *state, enum websocket_status status,
                             const char *text, uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX]);

#endif
