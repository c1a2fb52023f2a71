/* SPDX-License-Identifier: MIT */
/* bench_frames.h - WebSocket (RFC 6455) from the client's side, for `weir bench`: the request,
 * frames to the server, and a header parser for frames from the server. It offers no extensions and
 * no subprotocols. */
#ifndef CLI_BENCH_FRAMES_H
#define CLI_BENCH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

enum {
    BENCH_FRAME_CONTINUATION = 0,
    BENCH_FRAME_TEXT = 1,
    BENCH_FRAME_BINARY = 2,
    BENCH_FRAME_CLOSE = 8,
    BENCH_FRAME_PING = 9,
    BENCH_FRAME_PONG = 10,
};

#define BENCH_FRAMES_HEAD_BYTES 14u /* longest header of a frame to the server */

/* Delivers the head of the server's answer as the first message, and then one message per frame,
 * without its header. Sends bytes unframed. */
extern const struct weir_probe bench_frames_probe;

/* Writes the request for a path of a host. Returns its length; 0: it has no room. */
size_t bench_frames_request(const char *host, const char *path, char *request, size_t size);

/* Returns what is wrong with the server's answer; null: the WebSocket is open. */
const char *bench_frames_denial(const struct weir_message *head);

/* Returns whether this is the head of an answer, and not a frame. */
bool bench_frames_is_head(const struct weir_message *message);

/* The opcode of a received frame, and whether it ends its message. */
unsigned bench_frames_opcode(const struct weir_message *frame);
bool bench_frames_is_final(const struct weir_message *frame);

/* Writes a whole frame, masked by `mask`, into `frame`, which has room for BENCH_FRAMES_HEAD_BYTES
 * more than `length`. Returns its length. */
size_t bench_frames_write(unsigned opcode, uint32_t mask, const uint8_t *bytes, size_t length,
                          uint8_t *frame);

#endif
