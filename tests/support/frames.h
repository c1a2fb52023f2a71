/* SPDX-License-Identifier: MIT */
/* frames.h - a stream cut into pieces and decoded, with all that came of it written down, so that
 * two ways to cut one stream can be compared. Needs no cmocka: fuzzers use it, too. */
#ifndef SUPPORT_FRAMES_H
#define SUPPORT_FRAMES_H

#include <weir/frame.h>

/* What came of a stream. */
struct frames {
    uint8_t *log; /* of each message its length, and its bytes and frame */
    size_t log_length, log_size;
    size_t count;    /* of messages */
    size_t in_place; /* of those that lay in the input */
    enum weir_decoded told;
    struct weir_decode_error decode_error;
    uint64_t skipped_count;
    size_t partial_bytes; /* before the end */
    const char *broken;   /* a rule that the decoder broke; null: none */
};

/* Decodes the stream in pieces of these sizes, the last of which is used again and again. Behind a
 * piece nothing can be read (address sanitizer); when it is used up, it is overwritten. `ends`: the
 * end of the stream is told, with the last piece. The caller frees the result with
 * frames_free(). */
struct frames frames_decode(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                            const size_t *pieces, size_t pieces_count, bool ends);
void frames_free(struct frames *frames);

/* Whether two ways to cut gave the same: messages, skips, and how it ended. */
bool frames_same(const struct frames *a, const struct frames *b);

/* The index-th message of the log; null: there is none. */
const uint8_t *frames_message(const struct frames *frames, size_t index, size_t *length);

#endif
