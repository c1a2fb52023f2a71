/* SPDX-License-Identifier: MIT */
/* bench_frames.c - see bench_frames.h. The first byte tells an answer from a frame: 'H' of "HTTP"
 * would be a frame with a reserved bit and no FIN. The key of the request is always that of RFC
 * 6455, section 1.3, so the answer to it is known. */
#include "bench_frames.h"

#include <stdio.h>
#include <string.h>

#define BENCH_FRAMES__KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define BENCH_FRAMES__ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define BENCH_FRAMES__HEAD_MAX 8192u
#define BENCH_FRAMES__FINAL 0x80u
#define BENCH_FRAMES__MASKED 0x80u

size_t bench_frames_request(const char *host, const char *path, char *request, size_t size)
{
    int length = snprintf(request, size,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: "
                          "Upgrade\r\nSec-WebSocket-Key: " BENCH_FRAMES__KEY
                          "\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          path, host);

    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* ---- receiving ---- */

static enum weir_decoded bench_frames__bad(struct weir_decode_error *error, const char *why)
{
    snprintf(error->text, sizeof error->text, "%s", why);
    return WEIR_DECODED_BAD;
}

/* Finds the end of the head of an HTTP answer. */
static enum weir_decoded bench_frames__head(const uint8_t *bytes, size_t length,
                                            struct weir_header *header,
                                            struct weir_decode_error *error)
{
    for (size_t i = header->seen_bytes > 3 ? header->seen_bytes - 3 : 0; i + 4 <= length; i++)
        if (memcmp(bytes + i, "\r\n\r\n", 4) == 0) {
            header->message_bytes = i + 4;
            return WEIR_DECODED_MESSAGE;
        }
    if (length >= BENCH_FRAMES__HEAD_MAX)
        return bench_frames__bad(error, "the answer to the WebSocket request is too long");
    return WEIR_DECODED_MORE;
}

static enum weir_decoded bench_frames__probe(void *user, const uint8_t *bytes, size_t length,
                                             struct weir_header *header,
                                             struct weir_decode_error *error)
{
    (void)user;
    if (bytes[0] == 'H') return bench_frames__head(bytes, length, header, error);
    if (bytes[0] & 0x70)
        return bench_frames__bad(error,
                                 "a WebSocket frame has a reserved bit without an extension");
    if (length < 2) return WEIR_DECODED_MORE;
    if (bytes[1] & BENCH_FRAMES__MASKED)
        return bench_frames__bad(error, "a WebSocket frame of the server is masked");
    size_t extra = bytes[1] == 126 ? 2 : bytes[1] == 127 ? 8 : 0;
    if (length < 2 + extra) return WEIR_DECODED_MORE;
    header->header_bytes = 2 + extra;
    header->message_bytes = extra == 0 ? bytes[1] : 0;
    for (size_t i = 0; i < extra; i++)
        header->message_bytes = header->message_bytes << 8 | bytes[2 + i];
    return WEIR_DECODED_MESSAGE;
}

const struct weir_probe bench_frames_probe = {
    .size = sizeof bench_frames_probe,
    .name = "websocket-client",
    .summary = "frames of a WebSocket server",
    .header_bytes_max = BENCH_FRAMES__HEAD_MAX,
    .message_bytes_max = WEIR_MESSAGE_BYTES_MAX,
    .probe = bench_frames__probe,
};

bool bench_frames_is_head(const struct weir_message *message)
{
    return message->frame_length > 0 && message->frame[0] == 'H';
}

unsigned bench_frames_opcode(const struct weir_message *frame)
{
    return frame->frame[0] & 0x0fu;
}

bool bench_frames_is_final(const struct weir_message *frame)
{
    return (frame->frame[0] & BENCH_FRAMES__FINAL) != 0;
}

static bool bench_frames__contains(const struct weir_message *head, const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i + length <= head->length; i++)
        if (memcmp(head->bytes + i, text, length) == 0) return true;
    return false;
}

const char *bench_frames_denial(const struct weir_message *head)
{
    static const char switching[] = "HTTP/1.1 101";

    if (head->length < sizeof switching - 1 ||
        memcmp(head->bytes, switching, sizeof switching - 1) != 0)
        return "the server does not open a WebSocket at this path";
    if (!bench_frames__contains(head, BENCH_FRAMES__ACCEPT))
        return "the server's answer to the WebSocket request has a wrong Sec-WebSocket-Accept";
    return NULL;
}

/* ---- sending ---- */

size_t bench_frames_write(unsigned opcode, uint32_t mask, const uint8_t *bytes, size_t length,
                          uint8_t *frame)
{
    size_t extra = length < 126 ? 0 : length <= UINT16_MAX ? 2 : 8, at = 2;
    uint8_t key[4];

    memcpy(key, &mask, sizeof key);
    frame[0] = (uint8_t)(BENCH_FRAMES__FINAL | opcode);
    frame[1] = (uint8_t)(BENCH_FRAMES__MASKED | (extra == 0 ? length : extra == 2 ? 126 : 127));
    for (size_t i = extra; i > 0; i--) frame[at++] = (uint8_t)(length >> (8 * (i - 1)));
    memcpy(frame + at, key, sizeof key);
    at += sizeof key;
    for (size_t i = 0; i < length; i++) frame[at + i] = bytes[i] ^ key[i % 4];
    return at + length;
}
