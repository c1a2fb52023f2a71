/* SPDX-License-Identifier: MIT */
/* fuzz_guess.c - any capture: each guess is a specification that opens, decodes the capture from
 * its first frame on without an error, and explains no more bytes than there are; no two guesses
 * are the same, and the best one is the first.
 *
 *      input: the capture
 *
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_guess.h"

#define FUZZ_GUESS_BYTES_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const struct frame_guess *guess, const char *what)
{
    fprintf(stderr, "%s: %s\n", guess->spec.text, what);
    abort();
}

/* Decodes the capture again, and compares the messages. */
static void check_frames(const struct frame_guess *guess, const uint8_t *data, size_t size)
{
    struct weir_input input = {data + guess->skipped_bytes, size - guess->skipped_bytes, false};
    enum weir_decoded result;
    struct weir_frame *frame;
    struct weir_decoder *decoder;
    struct weir_message message;
    uint64_t count = 0;

    if (weir_frame_open(guess->spec.text, &frame, NULL) != WEIR_OK) fail(guess, "does not open");
    if (weir_decoder_open(weir_frame_codec(frame), &decoder, NULL) != WEIR_OK) abort();
    while ((result = weir_decoder_next(decoder, &input, &message, NULL)) == WEIR_DECODED_MESSAGE)
        count++;
    if (result == WEIR_DECODED_BAD && !guess->start.chain.is_broken) fail(guess, "does not decode");
    if (count != guess->spec.messages_count) fail(guess, "decodes other messages");
    if (count == 0) fail(guess, "has no message");
    weir_decoder_free(decoder);
    weir_frame_free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame_guess_result result;

    if (size > FUZZ_GUESS_BYTES_MAX) return 0;
    if (!frame_guess_run(data, size, &result)) abort();
    for (size_t i = 0; i < result.count; i++) {
        const struct frame_guess *guess = &result.guesses[i];
        if (guess->skipped_bytes > size) fail(guess, "skips more than there is");
        if (guess->explained_bytes > size) fail(guess, "explains more than there is");
        if (guess->confidence_percent < 1 || guess->confidence_percent > 100)
            fail(guess, "has no confidence");
        if (i > 0 && guess->confidence_percent > result.guesses[i - 1].confidence_percent)
            fail(guess, "is better than the one before");
        check_frames(guess, data, size);
    }
    return 0;
}
