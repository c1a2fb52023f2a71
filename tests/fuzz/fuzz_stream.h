/* SPDX-License-Identifier: MIT */
/* fuzz_stream.h - the assertions of every codec fuzzer: the result of a stream does not depend on
 * how it is cut into pieces, the copied bytes are proportional to the stream, and the decoder reads
 * what the encoder writes.
 *
 *      input: byte 0 selects the specification, bytes 1 and 2 the cuts, the rest is the stream
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/frame.h>

#include "frames.h"
#include "reassembly.h"

#define FUZZ_STREAM_BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_stream_fail(const struct weir_codec *codec, const char *what)
{
    fprintf(stderr, "%s: %s\n", codec->name, what);
    abort();
}

/* Decodes, and checks that no byte is copied more than twice, nor moved more than twice on
 * average. */
static struct frames fuzz_stream_decode(const struct weir_codec *codec, const uint8_t *bytes,
                                        size_t length, const size_t *pieces, size_t pieces_count,
                                        bool ends)
{
    uint64_t copied = reassembly_copied_bytes(), moved = reassembly_moved_bytes();
    struct frames frames = frames_decode(codec, bytes, length, pieces, pieces_count, ends);

    if (reassembly_copied_bytes() - copied > 2 * length)
        fuzz_stream_fail(codec, "bytes are copied more than twice");
    if (reassembly_moved_bytes() - moved > 2 * length)
        fuzz_stream_fail(codec, "held bytes are moved more than twice");
    if (frames.broken) fuzz_stream_fail(codec, frames.broken);
    return frames;
}

static void fuzz_stream_same(const struct weir_codec *codec, const struct frames *whole,
                             const uint8_t *bytes, size_t length, const size_t *pieces,
                             size_t pieces_count, bool ends)
{
    struct frames cut = fuzz_stream_decode(codec, bytes, length, pieces, pieces_count, ends);

    if (!frames_same(whole, &cut)) fuzz_stream_fail(codec, "the cut changes the result");
    frames_free(&cut);
}

/* Checks a stream with several cuts. */
static void fuzz_stream_cut(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                            uint8_t first, uint8_t next)
{
    const size_t all = SIZE_MAX, one = 1;
    const size_t pieces[] = {first & 63U, (first >> 6) + 1U, (next & 63U) + 1U, (next >> 6) + 1U};
    bool ends = (first & 1) != 0;
    struct frames whole = fuzz_stream_decode(codec, bytes, length, &all, 1, ends);

    fuzz_stream_same(codec, &whole, bytes, length, pieces, 4, ends);
    fuzz_stream_same(codec, &whole, bytes, length, &one, 1, ends);
    if (whole.result == WEIR_DECODED_BAD)
        for (const char *at = whole.decode_error.text; *at; at++)
            if (*at < ' ' || *at > '~')
                fuzz_stream_fail(codec, "the text of a decode error is not printable");
    frames_free(&whole);
}

/* Checks that the decoder returns an encoded message, twice in a row. */
static inline void fuzz_stream_encode(const struct weir_codec *codec, const uint8_t *bytes,
                                      size_t length)
{
    static uint8_t
        stream[2 * (FUZZ_STREAM_BYTES_MAX + WEIR_HEADER_BYTES_MAX + WEIR_TRAILER_BYTES_MAX)];
    const size_t all = SIZE_MAX;
    size_t frame_length, message_length;

    if (weir_codec_encode(codec, bytes, length, stream, sizeof stream / 2, &frame_length) !=
        WEIR_OK)
        return;
    memcpy(stream + frame_length, stream, frame_length);
    struct frames back = frames_decode(codec, stream, 2 * frame_length, &all, 1, true);
    if (back.broken) fuzz_stream_fail(codec, back.broken);
    if (back.count != 2 || back.result != WEIR_DECODED_MORE || back.uncopied_count != 2)
        fuzz_stream_fail(codec, "it cannot decode what it encoded");
    const uint8_t *message = frames_message(&back, 1, &message_length);
    /* A header that is kept in the message gets its length corrected, which can change the width of
     * a varint. The other bytes must not change. */
    size_t rest = length > WEIR_HEADER_BYTES_MAX ? length - WEIR_HEADER_BYTES_MAX : 0;
    bool keeps_varint = strstr(codec->name, "mqtt") ||
                        (strstr(codec->name, "varint") && strstr(codec->name, "strip=no"));
    if ((message_length != length && !keeps_varint) || message_length < rest ||
        memcmp(message + message_length - rest, bytes + length - rest, rest) != 0)
        fuzz_stream_fail(codec, "encoding and decoding changed a message");
    frames_free(&back);
}

/* Runs one input with one of these frame specifications. Each codec is opened once. */
static inline void fuzz_stream_run(const char *const *specs, size_t specs_count,
                                   const uint8_t *data, size_t size)
{
    static struct weir_frame *frames[64];

    if (size < 3 || size > FUZZ_STREAM_BYTES_MAX) return;
    size_t index = data[0] % specs_count;
    if (!frames[index] && weir_frame_open(specs[index], &frames[index], NULL) != WEIR_OK) {
        fprintf(stderr, "%s does not open\n", specs[index]);
        abort();
    }
    const struct weir_codec *codec = weir_frame_codec(frames[index]);
    fuzz_stream_cut(codec, data + 3, size - 3, data[1], data[2]);
    fuzz_stream_encode(codec, data + 3, size - 3);
}

#endif
