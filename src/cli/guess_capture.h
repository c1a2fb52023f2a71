/* SPDX-License-Identifier: MIT */
/* guess_capture.h - a capture, and what can be predicted of each byte without knowing any frames.
 */
#ifndef CLI_GUESS_CAPTURE_H
#define CLI_GUESS_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

#define GUESS_CAPTURE_SURPRISE_BIT 16 /* one bit of `surprise` */

/* A capture and its measurements. The memory belongs to the arena that measured it. */
struct guess_capture {
    const uint8_t *bytes;
    size_t length;
    uint8_t *surprise;   /* of each byte: -log2 of its probability after the two bytes before it */
    uint8_t rarity[256]; /* of each value: -log2 of its probability anywhere, in the same unit */
    uint32_t *repeated; /* [i]: bytes before i that repeat a run of bytes seen before; length + 1 */
};

/* Measures the bytes, which must live as long as the capture. At most UINT32_MAX bytes. Returns
 * false if memory is exhausted. Takes time proportional to the length. */
bool guess_capture_measure(struct guess_capture *capture, const uint8_t *bytes, size_t length,
                           struct arena *arena);

/* Returns whether the range has a byte that does not repeat bytes seen before. */
static inline bool guess_capture_is_fresh(const struct guess_capture *capture, size_t from,
                                          size_t until)
{
    return capture->repeated[until] - capture->repeated[from] < until - from;
}

#endif
