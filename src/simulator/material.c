/* SPDX-License-Identifier: MIT */
/* material.c - chooses, changes and invents messages.
 *
 * Most messages are the user's, in their order: a conversation reaches states that random bytes
 * never reach. Without inputs, short printable words and small binary messages are sent. */
#include "material.h"

#include <stdio.h>
#include <string.h>

/* ---- invented messages ---- */

static size_t material__words(struct dice *dice, uint8_t *bytes)
{
    static const char characters[] = "abcdeABCDE0123 /:,.\"'{}[]-_=";
    size_t length = 1 + dice_roll(dice, dice_one_in(dice, 10) ? 2000 : 20);

    for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)characters[dice_roll(dice, 28)];
    return length;
}

static size_t material__binary(struct dice *dice, uint8_t *bytes)
{
    size_t length = dice_roll(dice, dice_one_in(dice, 10) ? 2000 : 40);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(dice_one_in(dice, 2) ? dice_roll(dice, 4) : dice_next(dice));
    return length;
}

static size_t material__copy(const struct weir_test_input *input, uint8_t *bytes)
{
    size_t length =
        input->length < MATERIAL_MESSAGE_BYTES_MAX ? input->length : MATERIAL_MESSAGE_BYTES_MAX;

    if (length > 0) memcpy(bytes, input->bytes, length);
    return length;
}

size_t material_message(const struct material *material, struct dice *dice, size_t *cursor,
                        uint8_t bytes[MATERIAL_MESSAGE_BYTES_MAX])
{
    size_t length, count = material->inputs_count;

    if (count == 0 || dice_one_in(dice, 12))
        return dice_one_in(dice, 2) ? material__words(dice, bytes) : material__binary(dice, bytes);
    if (dice_one_in(dice, 4)) *cursor = dice_roll(dice, (uint32_t)count);
    length = material__copy(&material->inputs[*cursor % count], bytes);
    *cursor = (*cursor + 1) % count;
    if (dice_one_in(dice, 8))
        length = material_mutate(material, dice, bytes, length, MATERIAL_MESSAGE_BYTES_MAX);
    return length;
}

/* ---- changes ---- */

/* Moves the bytes from `at` on, so that there is room for `count` bytes. Returns the new length. */
static size_t material__insert(uint8_t *bytes, size_t length, size_t at, const void *from,
                               size_t count, size_t bytes_max)
{
    if (count > bytes_max - length) count = bytes_max - length;
    memmove(bytes + at + count, bytes + at, length - at);
    if (count > 0) memcpy(bytes + at, from, count);
    return length + count;
}

static size_t material__insert_number(struct dice *dice, uint8_t *bytes, size_t length, size_t at,
                                      size_t bytes_max)
{
    static const char *const numbers[] = {"0",          "-1",         "255",
                                          "256",        "65535",      "65536",
                                          "2147483648", "4294967296", "99999999999999999999"};
    const char *number = numbers[dice_roll(dice, 9)];

    return material__insert(bytes, length, at, number, strlen(number), bytes_max);
}

static size_t material__insert_run(struct dice *dice, uint8_t *bytes, size_t length, size_t at,
                                   size_t bytes_max)
{
    uint8_t run[1024];

    memset(run, dice_one_in(dice, 2) ? 'A' : (int)dice_roll(dice, 256), sizeof run);
    return material__insert(bytes, length, at, run, 1 + dice_roll(dice, sizeof run), bytes_max);
}

static size_t material__remove(struct dice *dice, uint8_t *bytes, size_t length, size_t at)
{
    size_t count = length - at;

    if (count == 0) return length;
    if (dice_one_in(dice, 2)) return at; /* cut */
    count = 1 + dice_roll(dice, (uint32_t)count);
    memmove(bytes + at, bytes + at + count, length - at - count);
    return length - count;
}

static size_t material__insert_input(const struct material *material, struct dice *dice,
                                     uint8_t *bytes, size_t length, size_t at, size_t bytes_max)
{
    if (material->inputs_count == 0) return length;
    const struct weir_test_input *input =
        &material->inputs[dice_roll(dice, (uint32_t)material->inputs_count)];
    return material__insert(bytes, length, at, input->bytes, input->length, bytes_max);
}

size_t material_mutate(const struct material *material, struct dice *dice, uint8_t *bytes,
                       size_t length, size_t bytes_max)
{
    size_t at = dice_roll(dice, (uint32_t)length + 1);
    uint8_t byte = (uint8_t)dice_next(dice);

    switch (dice_roll(dice, 7)) {
    case 0: return material__remove(dice, bytes, length, at);
    case 1: return material__insert_number(dice, bytes, length, at, bytes_max);
    case 2: return material__insert_run(dice, bytes, length, at, bytes_max);
    case 3: return material__insert_input(material, dice, bytes, length, at, bytes_max);
    case 4: return material__insert(bytes, length, at, &byte, 1, bytes_max);
    case 5:
        if (at < length) bytes[at] ^= (uint8_t)(1u << dice_roll(dice, 8));
        return length;
    default:
        if (at < length) bytes[at] = byte;
        return length;
    }
}

/* ---- framing ---- */

static size_t material__encode(const struct weir_codec *codec, const uint8_t *message,
                               size_t length, uint8_t *frame)
{
    size_t frame_length;

    return weir_codec_encode(codec, message, length, frame, MATERIAL_FRAME_BYTES_MAX,
                             &frame_length) == WEIR_OK
               ? frame_length
               : 0;
}

/* A fixed codec accepts one length: finds it. A multiple of it is refused. */
static size_t material__find_length(const struct weir_codec *codec, uint8_t *message, size_t length,
                                    uint8_t *frame)
{
    size_t frame_length = 0;

    memset(message + length, 0, MATERIAL_MESSAGE_BYTES_MAX - length);
    for (size_t tried = 1; tried <= 1024 && frame_length == 0; tried++)
        frame_length = material__encode(codec, message, tried, frame);
    return frame_length;
}

size_t material_frame(const struct weir_codec *codec, uint8_t *message, size_t length,
                      uint8_t frame[MATERIAL_FRAME_BYTES_MAX])
{
    size_t frame_length = material__encode(codec, message, length, frame);

    if (frame_length > 0 || length == 0) return frame_length;
    for (size_t i = 0; i < length; i++) /* a delimiter is in it */
        if (message[i] < ' ') message[i] = '_';
    frame_length = material__encode(codec, message, length, frame);
    if (frame_length == 0) frame_length = material__find_length(codec, message, length, frame);
    if (frame_length > 0) return frame_length;
    memcpy(frame, message, length);
    return length;
}
