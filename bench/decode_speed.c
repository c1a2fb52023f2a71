/* SPDX-License-Identifier: MIT */
/* decode_speed.c - the speed of cutting streams into messages, compared with the minimum: a loop
 * from length to length, or from line end to line end, that checks nothing and stores nothing.
 *
 *      decode_speed            a table: nanoseconds per message and GB/s of both, and their ratio
 *
 * Both run over the same 64 KiB, in alternating rounds, and the best round counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/frame.h>

#define STREAM_BYTES 65536
#define ROUNDS 40
#define ROUND_MESSAGES 400000 /* minimum, so that a round takes some milliseconds */

static uint8_t stream[STREAM_BYTES + 512];
static volatile uint64_t sink; /* keeps the compiler from removing the loops */

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- the minimal loops: each returns the number of messages ---- */

static size_t walk_u32be(size_t length)
{
    size_t count = 0, at = 0, sum = 0;

    while (at + 4 <= length) {
        size_t body = (size_t)stream[at] << 24 | (size_t)stream[at + 1] << 16 |
                      (size_t)stream[at + 2] << 8 | stream[at + 3];
        at += 4 + body;
        sum += body;
        count++;
    }
    sink += sum;
    return count;
}

static size_t walk_u16le(size_t length)
{
    size_t count = 0, at = 0;

    for (; at + 2 <= length; count++) at += 2 + (size_t)(stream[at] | stream[at + 1] << 8);
    sink += at;
    return count;
}

static size_t walk_varint(size_t length)
{
    size_t count = 0, at = 0;

    for (; at < length; count++) {
        size_t value = 0;
        int shift = 0;
        while (stream[at] & 0x80) {
            value |= (size_t)(stream[at++] & 0x7f) << shift;
            shift += 7;
        }
        value |= (size_t)stream[at++] << shift;
        at += value;
    }
    sink += at;
    return count;
}

static size_t walk_line(size_t length)
{
    const uint8_t *at = stream, *end = stream + length;
    size_t count = 0;

    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) count++;
    sink += count;
    return count;
}

/* ---- the decoder ---- */

static size_t decode_all(const struct weir_codec *codec, struct weir_decoder *decoder,
                         size_t length)
{
    struct weir_input input = {stream, length, false};
    struct weir_message message;
    size_t count = 0, sum = 0;

    (void)codec;
    while (weir_decoder_next(decoder, &input, &message, NULL) == WEIR_DECODED_MESSAGE) {
        count++;
        sum += message.length;
    }
    sink += sum;
    return count;
}

/* Fills the buffer with whole frames of messages of one size. Returns the number of bytes. */
static size_t fill(const struct weir_codec *codec, size_t message_bytes)
{
    static uint8_t message[16384];
    size_t used = 0, frame_bytes;

    memset(message, 'x', sizeof message);
    while (used + message_bytes + 32 < STREAM_BYTES &&
           weir_codec_encode(codec, message, message_bytes, stream + used, sizeof stream - used,
                             &frame_bytes) == WEIR_OK)
        used += frame_bytes;
    return used;
}

static void compare(const char *spec, size_t message_bytes, size_t (*walk)(size_t length))
{
    struct weir_frame *frame;
    struct weir_decoder *decoder;
    double walked = 1e300, decoded = 1e300;

    if (weir_frame_open(spec, &frame, NULL) != WEIR_OK) exit(EXIT_FAILURE);
    const struct weir_codec *codec = weir_frame_codec(frame);
    if (weir_decoder_open(codec, &decoder, NULL) != WEIR_OK) exit(EXIT_FAILURE);
    size_t length = fill(codec, message_bytes), count = walk(length);
    size_t rounds = ROUND_MESSAGES / count + 1;
    if (decode_all(codec, decoder, length) != count) exit(EXIT_FAILURE);
    for (int round = 0; round < ROUNDS; round++) {
        double began = now_ns();
        for (size_t i = 0; i < rounds; i++) walk(length);
        double between = now_ns();
        for (size_t i = 0; i < rounds; i++) decode_all(codec, decoder, length);
        double ended = now_ns();
        if (between - began < walked) walked = between - began;
        if (ended - between < decoded) decoded = ended - between;
    }
    double messages = (double)rounds * (double)count, bytes = (double)rounds * (double)length;
    printf("%-10s %6zu  %8.2f ns %7.2f GB/s  %8.2f ns %7.2f GB/s  %6.2f\n", spec, message_bytes,
           walked / messages, bytes / walked, decoded / messages, bytes / decoded,
           decoded / walked);
    weir_decoder_free(decoder);
    weir_frame_free(frame);
}

int main(void)
{
    static const size_t sizes[] = {16, 64, 256, 1024, 8192};

    printf("%-10s %6s  %-23s  %-23s  %6s\n", "codec", "bytes", "bare walk: a message", "decoder",
           "ratio");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        compare("u32be", sizes[i], walk_u32be);
        compare("u16le", sizes[i], walk_u16le);
        compare("varint", sizes[i], walk_varint);
        compare("line", sizes[i], walk_line);
    }
    return EXIT_SUCCESS;
}
