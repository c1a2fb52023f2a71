/* SPDX-License-Identifier: MIT */
/* frame_guess.h - guesses which frame specification a captured stream was framed with. */
#ifndef CLI_FRAME_GUESS_H
#define CLI_FRAME_GUESS_H

#include <weir/frame.h>

#define FRAME_GUESS_MAX 8

/* A specification that parses the whole stream. */
struct frame_guess {
    char spec[WEIR_FRAME_TEXT_BYTES_MAX];
    uint64_t messages_count;
    uint64_t partial_bytes; /* of an incomplete last frame; 0: there is none */
    int64_t score;          /* bits of evidence that it does not fit by chance */
};

/* Tries many specifications, and writes those that fit, best first. Returns how many. */
size_t frame_guess_all(const uint8_t *bytes, size_t length,
                       struct frame_guess guesses[FRAME_GUESS_MAX]);

#endif
