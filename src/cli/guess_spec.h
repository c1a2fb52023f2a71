/* SPDX-License-Identifier: MIT */
/* guess_spec.h - writes a guess as the simplest frame specification that cuts the same frames. */
#ifndef CLI_GUESS_SPEC_H
#define CLI_GUESS_SPEC_H

#include "guess_start.h"

/* A frame specification, and what a decoder of it made of the capture. */
struct guess_spec {
    char text[WEIR_FRAME_TEXT_BYTES_MAX];
    uint64_t messages_count, partial_bytes;
    uint64_t frame_min, frame_max; /* bytes of the frames; both 0: none */
};

/* Writes the specification, and decodes the capture with it from the first frame on. Returns false
 * if no specification can say it, or the decoder finds other frames. */
bool guess_spec_write(struct guess_spec *spec, const struct guess_start *start,
                      const struct guess_capture *capture);

#endif
