/* SPDX-License-Identifier: MIT */
/* websocket_frame.c - reads and writes headers of WebSocket frames, and removes masks. */
#include "websocket_frame.h"

#include <string.h>

/* Checks the first byte. Returns the cause of the failure, or null. */
static const char *websocket_frame__check_first(uint8_t byte)
{
    uint8_t opcode = byte & 0x0f;

    if (byte & 0x70) return "a reserved bit is set, but no extension was negotiated";
    if (opcode > WEBSOCKET_PONG || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE))
        return "the opcode is reserved";
    if (opcode >= WEBSOCKET_CLOSE && !(byte & 0x80)) return "a control frame is fragmented";
    return NULL;
}

/* Checks the first two bytes. */
static const char *websocket_frame__check_second(const uint8_t *bytes)
{
    uint8_t opcode = bytes[0] & 0x0f;

    if (!(bytes[1] & 0x80)) return "a frame of a client must be masked";
    if (opcode >= WEBSOCKET_CLOSE && (bytes[1] & 0x7f) > WEBSOCKET_CONTROL_BYTES_MAX)
        return "a control frame has more than 125 bytes";
    return NULL;
}

/* Reads a length of `width` bytes, as far as `length` bytes of it arrived. */
static enum weir_decoded websocket_frame__length(const uint8_t *bytes, size_t length,
                                                 uint32_t width, uint64_t *value, const char **why)
{
    *value = 0;
    if (width == 8 && length > 0 && bytes[0] & 0x80) {
        *why = "the highest bit of a length is set";
        return WEIR_DECODED_BAD;
    }
    if (length < width) return WEIR_DECODED_MORE;
    for (uint32_t i = 0; i < width; i++) *value = *value << 8 | bytes[i];
    if (*value >= (width == 2 ? 126U : UINT16_MAX + 1U)) return WEIR_DECODED_MESSAGE;
    *why = "a length is written in more bytes than it needs";
    return WEIR_DECODED_BAD;
}

/* Checks the first bytes, of which there is at least one. */
static const char *websocket_frame__check(const uint8_t *bytes, size_t length)
{
    const char *why = websocket_frame__check_first(bytes[0]);

    if (!why && length > 1) why = websocket_frame__check_second(bytes);
    return why;
}

enum weir_decoded websocket_frame_read(const uint8_t *bytes, size_t length,
                                       struct websocket_frame *frame, const char **why)
{
    if (length == 0) return WEIR_DECODED_MORE;
    *why = websocket_frame__check(bytes, length);
    if (*why) return WEIR_DECODED_BAD;
    if (length == 1) return WEIR_DECODED_MORE;
    uint8_t field = bytes[1] & 0x7f;
    uint32_t width = field < 126 ? 0 : field == 126 ? 2 : 8;
    frame->length = field;
    if (width > 0) {
        enum weir_decoded read =
            websocket_frame__length(bytes + 2, length - 2, width, &frame->length, why);
        if (read != WEIR_DECODED_MESSAGE) return read;
    }
    frame->header_bytes = 2 + width + WEBSOCKET_MASK_BYTES;
    if (length < frame->header_bytes) return WEIR_DECODED_MORE;
    memcpy(frame->mask, bytes + 2 + width, WEBSOCKET_MASK_BYTES);
    frame->opcode = bytes[0] & 0x0f;
    frame->is_final = (bytes[0] & 0x80) != 0;
    return WEIR_DECODED_MESSAGE;
}

uint32_t websocket_frame_write(uint8_t *header, uint8_t opcode, uint64_t length)
{
    uint32_t bytes = websocket_frame_header_bytes(length);

    header[0] = (uint8_t)(0x80 | opcode);
    header[1] = bytes == 2 ? (uint8_t)length : bytes == 4 ? 126 : 127;
    for (uint32_t i = bytes; i > 2; i--) {
        header[i - 1] = (uint8_t)length;
        length >>= 8;
    }
    return bytes;
}

void websocket_frame_unmask(uint8_t *to, const uint8_t *from, size_t length,
                            const uint8_t mask[WEBSOCKET_MASK_BYTES], uint64_t phase)
{
    uint8_t rotated[2 * WEBSOCKET_MASK_BYTES];
    uint64_t mask_word, word;
    size_t at = 0;

    for (uint32_t i = 0; i < sizeof rotated; i++)
        rotated[i] = mask[(phase + i) % WEBSOCKET_MASK_BYTES];
    memcpy(&mask_word, rotated, sizeof mask_word);
    /* A word is stored at most where it was loaded, so it never overwrites what is still masked. */
    for (; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, from + at, sizeof word);
        word ^= mask_word;
        memcpy(to + at, &word, sizeof word);
    }
    for (; at < length; at++) to[at] = from[at] ^ rotated[at % sizeof rotated];
}

bool websocket_frame_status_is_valid(uint32_t status)
{
    if (status >= 3000) return status < 5000;
    return status >= 1000 && status <= 1014 && (status < 1004 || status > 1006);
}
