/* SPDX-License-Identifier: MIT */
/* frames.h - decodes a stream in pieces and records the result, so that a test can compare two ways
 * to cut one stream. Needs no cmocka, because the fuzzers use it, too. */
#ifndef SUPPORT_FRAMES_H
#define SUPPORT_FRAMES_H

#include <weir/frame.h>

/* The result of a stream. */
struct frames {
    uint8_t *log; /* per message: its length, bytes and frame */
    size_t log_length, log_size;
    size_t count;          /* messages */
    size_t uncopied_count; /* messages that were inside the input, without a copy */
    enum weir_decoded result;
    struct weir_decode_error decode_error;
    uint64_t skipped_count;
    size_t partial_bytes; /* at the end of the input */
    const char *broken;   /* the decoder rule that was violated; null: none */
};

/* Decodes the stream in pieces of these sizes; the last size is used repeatedly. Bytes after a
 * piece are poisoned (AddressSanitizer), and each used piece is overwritten. `ends`: the last piece
 * is marked as the end of the stream. The caller frees the result with frames_free(). */
struct frames frames_decode(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                            const size_t *pieces, size_t pieces_count, bool ends);
void frames_free(struct frames *frames);

/* Returns whether two ways to cut gave the same messages, skips and final result. */
bool frames_same(const struct frames *a, const struct frames *b);

/* Returns the index-th message of the log, or null if there is none. */
const uint8_t *frames_message(const struct frames *frames, size_t index, size_t *length);

#endif
