/* SPDX-License-Identifier: MIT */
/* frame_guess.h - which description may have framed a stream that somebody captured. */
#ifndef CLI_FRAME_GUESS_H
#define CLI_FRAME_GUESS_H

#include <weir/frame.h>

#define FRAME_GUESS_MAX 8

/* One description that parses the whole stream. */
struct frame_guess {
    char spec[WEIR_FRAME_TEXT_BYTES_MAX];
    uint64_t messages_count;
    uint64_t partial_bytes; /* of a last frame that is not whole; 0: the stream ends between two */
    int64_t score;          /* bits of evidence: how unlikely it is that this fits by chance */
};

/* Tries the combinations, and gives the best first. Returns how many. */
size_t frame_guess_all(const uint8_t *bytes, size_t length,
                       struct frame_guess guesses[FRAME_GUESS_MAX]);

#endif
