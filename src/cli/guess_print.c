/* SPDX-License-Identifier: MIT */
/* guess_print.c - prints guesses: each with its confidence, and its evidence in one line. */
#include "guess_print.h"

#include <inttypes.h>
#include <string.h>

#include "guess_bits.h"
#include "guess_fixed.h"
#include "guess_search.h"
#include "print.h"

#define GUESS_PRINT__HEADER_BYTES 24 /* that are compared */
#define GUESS_PRINT__FRAMES_MIN 2    /* with fewer, all bytes are the same */

/* The bytes that are the same at the start of every frame. */
struct guess_print__constants {
    uint8_t bytes[GUESS_PRINT__HEADER_BYTES];
    bool are_same[GUESS_PRINT__HEADER_BYTES];
    size_t frames_count;
};

static void guess_print__compare(struct guess_print__constants *constants, const uint8_t *frame,
                                 size_t length)
{
    for (size_t i = 0; i < GUESS_PRINT__HEADER_BYTES; i++) {
        if (i >= length)
            constants->are_same[i] = false;
        else if (constants->frames_count == 0)
            constants->bytes[i] = frame[i];
        else if (constants->bytes[i] != frame[i])
            constants->are_same[i] = false;
    }
    constants->frames_count++;
}

/* Compares the headers of all whole frames. */
static void guess_print__find(struct guess_print__constants *constants,
                              const struct frame_guess *guess, const uint8_t *bytes, size_t length)
{
    const struct guess_start *start = &guess->start;
    struct guess_capture capture = {.bytes = bytes, .length = length};
    struct guess_rule_step step;
    size_t at = start->begin;

    memset(constants->are_same, true, sizeof constants->are_same);
    constants->frames_count = 0;
    for (uint32_t i = 0; i < start->chain.frames_count; i++) {
        if (guess_rule_read(&start->chain.rule, &capture, at + start->offset, &step) !=
                GUESS_RULE_STEP ||
            step.jump > length - at)
            break;
        guess_print__compare(constants, bytes + at, (size_t)step.jump);
        at += (size_t)step.jump;
    }
}

/* Prints the first run of header bytes that are the same in all frames. Zeros alone say little. */
static void guess_print__constants(const struct guess_print__constants *constants)
{
    size_t from = 0, until;

    while (from < GUESS_PRINT__HEADER_BYTES &&
           !(constants->are_same[from] && constants->bytes[from] != 0))
        from++;
    if (from == GUESS_PRINT__HEADER_BYTES || constants->frames_count < GUESS_PRINT__FRAMES_MIN)
        return;
    for (until = from; until < GUESS_PRINT__HEADER_BYTES && constants->are_same[until];) until++;
    print_text("; every frame has ");
    for (size_t i = from; i < until; i++) print_text("%02x ", constants->bytes[i]);
    print_text("at byte %zu", from);
}

static void guess_print__end(const struct frame_guess *guess)
{
    if (guess->start.chain.is_broken)
        print_text("; then come bytes that do not fit");
    else if (guess->spec.partial_bytes > 0)
        print_text("; the last %" PRIu64 " bytes begin another", guess->spec.partial_bytes);
    else
        print_text("; the last one ends with the capture");
}

void guess_print(const struct frame_guess *guess, const uint8_t *bytes, size_t length)
{
    const struct guess_spec *spec = &guess->spec;
    struct guess_print__constants constants;
    uint64_t tenths = length > 0 ? guess->explained_bytes * 1000 / length : 0;

    print_text("%s  confidence %d %%\n", spec->text, guess->confidence_percent);
    print_text("    explains %" PRIu64 ".%" PRIu64 " %% of %zu bytes: %" PRIu64
               " frames of %" PRIu64 " to %" PRIu64 " bytes",
               tenths / 10, tenths % 10, length, spec->messages_count, spec->frame_min,
               spec->frame_max);
    if (guess->skipped_bytes > 0)
        print_text(" after %" PRIu64 " other bytes", guess->skipped_bytes);
    guess_print__end(guess);
    guess_print__find(&constants, guess, bytes, length);
    guess_print__constants(&constants);
    if (guess->start.known) print_text("; headers as in %s", guess->start.known);
    print_text("; %" PRId64 " bits of evidence\n", guess->start.score / GUESS_BIT);
}

void guess_print_nothing(const struct frame_guess_result *result)
{
    print_failure("no frame specification fits these %zu bytes", result->bytes);
    print_failure("tried %zu chains: lengths of 1 to 4 bytes in both byte orders, varints, and the "
                  "marks of sunrpc, at every offset up to %d, that count from %d bytes too many to "
                  "%d too few",
                  result->chains_count, GUESS_PRIOR_OFFSET_MAX, -GUESS_SEARCH_CONSTANT_MIN,
                  GUESS_SEARCH_CONSTANT_MAX);
    print_failure("tried netstrings, records of up to %d bytes, and text up to a delimiter",
                  GUESS_FIXED_SIZE_MAX);
    print_failure("does the capture contain one direction of one connection? More messages of "
                  "different lengths give more evidence");
}
