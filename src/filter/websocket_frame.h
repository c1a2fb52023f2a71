/* SPDX-License-Identifier: MIT */
/* websocket_frame.h - the header of one WebSocket frame (RFC 6455, section 5.2), and its mask.
 *
 *      | FIN, 3 reserved bits, opcode | mask bit, 7 bits of length | 0, 2 or 8 bytes of length |
 *      | 4 bytes of mask, from clients only | payload |
 */
#ifndef FILTER_WEBSOCKET_FRAME_H
#define FILTER_WEBSOCKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/frame.h>

#define WEBSOCKET_MASK_BYTES 4u
#define WEBSOCKET_SERVER_HEADER_BYTES_MAX 10u
#define WEBSOCKET_CLIENT_HEADER_BYTES_MAX (WEBSOCKET_SERVER_HEADER_BYTES_MAX + WEBSOCKET_MASK_BYTES)
#define WEBSOCKET_CONTROL_BYTES_MAX 125u /* payload of a control frame */

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8, /* the control frames: from here on */
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};

/* Status codes of a close frame (RFC 6455, section 7.4.1). */
enum websocket_status {
    WEBSOCKET_STATUS_NORMAL = 1000,
    WEBSOCKET_STATUS_GOING_AWAY = 1001,
    WEBSOCKET_STATUS_PROTOCOL = 1002,
    WEBSOCKET_STATUS_NONE = 1005, /* never sent: the close frame had no status */
    WEBSOCKET_STATUS_TEXT = 1007,
    WEBSOCKET_STATUS_POLICY = 1008,
    WEBSOCKET_STATUS_TOO_LARGE = 1009,
    WEBSOCKET_STATUS_INTERNAL = 1011,
};

/* The header of a frame from a client. */
struct websocket_frame {
    uint64_t length;       /* of the payload */
    uint32_t header_bytes; /* including the mask */
    uint8_t opcode;        /* enum websocket_opcode */
    bool is_final;         /* FIN: the message ends with this frame */
    uint8_t mask[WEBSOCKET_MASK_BYTES];
};

/* Parses the header of which `length` bytes have arrived. Returns WEIR_DECODED_MORE; BAD, as soon
 * as a byte is wrong, with the cause in *why, a constant; or MESSAGE: *frame is filled in. */
enum weir_decoded websocket_frame_read(const uint8_t *bytes, size_t length,
                                       struct websocket_frame *frame, const char **why);

static inline bool websocket_frame_is_control(uint8_t opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

/* Returns the size of a server's header for a payload of this length. */
static inline uint32_t websocket_frame_header_bytes(uint64_t length)
{
    if (length < 126) return 2;
    return length <= UINT16_MAX ? 4 : WEBSOCKET_SERVER_HEADER_BYTES_MAX;
}

/* Writes the header of a server's unfragmented frame. Returns its size. */
uint32_t websocket_frame_write(uint8_t *header, uint8_t opcode, uint64_t length);

/* Removes the mask, and moves the bytes: `to` is `from` or lower in the same memory. `phase` is how
 * many bytes of the payload came before. */
void websocket_frame_unmask(uint8_t *to, const uint8_t *from, size_t length,
                            const uint8_t mask[WEBSOCKET_MASK_BYTES], uint64_t phase);

/* Returns whether a close frame of a client may carry this status. */
bool websocket_frame_status_is_valid(uint32_t status);

#endif
