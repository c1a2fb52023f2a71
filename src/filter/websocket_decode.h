/* SPDX-License-Identifier: MIT */
/* websocket_decode.h - decodes the frames of a WebSocket client. */
#ifndef FILTER_WEBSOCKET_DECODE_H
#define FILTER_WEBSOCKET_DECODE_H

#include <weir/frame.h>

/* Implements `decode` of both modes. */
enum weir_decoded websocket_decode(const struct weir_codec *codec, void *state,
                                   struct weir_input *input, struct weir_message *message,
                                   struct weir_decode_error *decode_error);

#endif
