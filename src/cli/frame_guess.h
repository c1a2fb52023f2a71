/* SPDX-License-Identifier: MIT */
/* frame_guess.h - guesses which frame specification a captured stream was framed with. */
#ifndef CLI_FRAME_GUESS_H
#define CLI_FRAME_GUESS_H

#include "guess_spec.h"

#define FRAME_GUESS_MAX 4
#define FRAME_GUESS_BYTES_MAX (UINT32_C(1) << 22) /* of a capture that are looked at */

/* A specification that cuts the capture, and how well. */
struct frame_guess {
    struct guess_spec spec;
    struct guess_start start;
    struct guess_chain_check check;
    uint64_t skipped_bytes;   /* before the first frame */
    uint64_t explained_bytes; /* of frames that look like the others */
    int confidence_percent;
};

/* What was found in a capture. */
struct frame_guess_result {
    struct frame_guess guesses[FRAME_GUESS_MAX]; /* best first; no two cut the same frames */
    size_t count;
    size_t bytes;        /* of the capture that were looked at */
    size_t chains_count; /* rules and first fields that were tried */
};

/* Guesses by the first FRAME_GUESS_BYTES_MAX bytes. Returns false if memory is exhausted. The
 * memory is at most 5 bytes per byte of the capture, plus 16 MiB. The time has a bound, too: the
 * search is limited to a window, and the walks are proportional to the number of frames. */
bool frame_guess_run(const uint8_t *bytes, size_t length, struct frame_guess_result *result);

#endif
