/* SPDX-License-Identifier: MIT */
/* material.h - messages that random peers send: the user's inputs, changed ones, and random ones.
 */
#ifndef SIMULATOR_MATERIAL_H
#define SIMULATOR_MATERIAL_H

#include <weir/test.h>

#include "dice.h"

#define MATERIAL_MESSAGE_BYTES_MAX 8192u
#define MATERIAL_FRAME_BYTES_MAX \
    (MATERIAL_MESSAGE_BYTES_MAX + WEIR_HEADER_BYTES_MAX + WEIR_TRAILER_BYTES_MAX)

struct material {
    const struct weir_test_input *inputs;
    size_t inputs_count;
};

/* Writes one message without its framing. *cursor is the next input of a conversation, which goes
 * through the inputs from a random one on. Returns the length. */
size_t material_message(const struct material *material, struct dice *dice, size_t *cursor,
                        uint8_t bytes[MATERIAL_MESSAGE_BYTES_MAX]);

/* Changes a message or a frame at a random position. Returns its new length. */
size_t material_mutate(const struct material *material, struct dice *dice, uint8_t *bytes,
                       size_t length, size_t bytes_max);

/* Frames a message by the codec, after adapting it if the codec refuses it. Returns the length;
 * the message itself if no adaptation helps, or the codec has no `encode`. */
size_t material_frame(const struct weir_codec *codec, uint8_t *message, size_t length,
                      uint8_t frame[MATERIAL_FRAME_BYTES_MAX]);

#endif
