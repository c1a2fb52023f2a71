/* SPDX-License-Identifier: MIT */
/* codec_length.c - a length of 1 to 8 bytes in a header of fixed size.
 *
 *      |<-- offset -->|<- width ->|            |
 *      +--------------+-----------+------------+--------------------+
 *      | magic ...    |  length   |            |  body              |
 *      +--------------+-----------+------------+--------------------+
 *      |<----------------- header ------------>|
 *      |<--- strip: not the message's ---->|<----- message -------->|
 *
 * The length counts the body, or header and body, or all behind its own field; so frame = length +
 * constant, with one constant that is known beforehand.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "codec.h"
#include "fault.h"

static uint64_t codec_length__big(const uint8_t *bytes, uint32_t width)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < width; i++) value = value << 8 | bytes[i];
    return value;
}

static uint64_t codec_length__little(const uint8_t *bytes, uint32_t width)
{
    uint64_t value = 0;

    for (uint32_t i = width; i > 0; i--) value = value << 8 | bytes[i - 1];
    return value;
}

/* The common widths as constants, which compilers make one load of. */
static inline uint64_t codec_length__read(const uint8_t *bytes, uint32_t width, bool is_little)
{
    if (is_little) {
        if (width == 4)
            return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
                   (uint64_t)bytes[3] << 24;
        return codec_length__little(bytes, width);
    }
    if (width == 4)
        return (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 |
               (uint64_t)bytes[3];
    if (width == 2) return (uint64_t)bytes[0] << 8 | (uint64_t)bytes[1];
    return codec_length__big(bytes, width);
}

static void codec_length__write(uint8_t *bytes, uint32_t width, bool is_little, uint64_t value)
{
    for (uint32_t i = 0; i < width; i++) {
        uint32_t at = is_little ? i : width - 1 - i;
        bytes[at] = (uint8_t)(value >> 8 * i);
    }
}

enum weir_decoded codec_length_refuse_magic(const struct description *description,
                                            const uint8_t *bytes, size_t length,
                                            struct weir_fault *fault)
{
    char expected[4 * DESCRIPTION_MAGIC_BYTES_MAX + 1], came[40], what[160];

    if (length > description->magic_length && !fault_recognise(bytes, length))
        length = description->magic_length;
    snprintf(what, sizeof what, "a frame begins with \"%s\" here, and not with \"%s\"",
             fault_escape(description->magic, description->magic_length, expected, sizeof expected),
             fault_escape(bytes, length < 8 ? length : 8, came, sizeof came));
    return fault_explain(fault, what, bytes, length);
}

/* A length beyond the limit: how long the frame would be, which is of use only to skip it. */
static enum weir_decoded codec_length__oversize(const struct description *description,
                                                uint64_t value, int64_t constant,
                                                uint64_t value_limit, struct gather_head *head,
                                                struct weir_fault *fault)
{
    uint64_t added = constant > 0 ? (uint64_t)constant : 0;

    if (value > UINT64_MAX - added)
        return fault_write(fault,
                           "length %" PRIu64 " exceeds %" PRIu64 " and all that is countable",
                           value, value_limit);
    head->frame_bytes = value + added - (constant < 0 ? (uint64_t)-constant : 0);
    head->is_oversize = true;
    head->said = value;
    head->max = value_limit;
    head->swapped = 0;
    if (description->width > 1) {
        uint8_t bytes[8];
        codec_length__write(bytes, description->width, description->is_little, value);
        uint64_t swapped = codec_length__read(bytes, description->width, !description->is_little);
        if (swapped <= value_limit && swapped > 0) head->swapped = swapped;
    }
    return WEIR_DECODED_MESSAGE;
}

enum weir_decoded codec_length_judge(const struct description *description, uint64_t value,
                                     int64_t constant, uint32_t header, uint32_t strip,
                                     struct gather_head *head, struct weir_fault *fault)
{
    int64_t value_limit = (int64_t)description->max + (int64_t)strip - constant;
    int64_t value_least = (int64_t)header - constant;

    if (value_least > 0 && value < (uint64_t)value_least)
        return fault_write(fault,
                           "length %" PRIu64 " would make a frame of %" PRId64
                           " bytes, shorter than its header of %u",
                           value, (int64_t)value + constant, (unsigned)header);
    if (value_limit < 0 || value > (uint64_t)value_limit)
        return codec_length__oversize(description, value, constant,
                                      value_limit > 0 ? (uint64_t)value_limit : 0, head, fault);
    head->frame_bytes = (uint64_t)((int64_t)value + constant);
    head->head_bytes = strip;
    head->tail_bytes = 0;
    head->is_oversize = false;
    return WEIR_DECODED_MESSAGE;
}

static inline enum weir_decoded codec_length__probe(const void *shape, const uint8_t *bytes,
                                                    size_t length, struct gather_head *head,
                                                    struct weir_fault *fault)
{
    const struct description *description = shape;
    uint32_t field_end = description->offset + description->width;

    if (description->magic_length > 0) {
        size_t compared = length < description->magic_length ? length : description->magic_length;
        if (memcmp(bytes, description->magic, compared) != 0)
            return codec_length_refuse_magic(description, bytes, length, fault);
    }
    if (length < field_end) {
        head->frame_bytes = field_end;
        return WEIR_DECODED_MORE;
    }
    return codec_length_judge(
        description,
        codec_length__read(bytes + description->offset, description->width, description->is_little),
        description->constant, description->header, description->strip, head, fault);
}

static enum weir_decoded codec_length__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_fault *fault)
{
    return gather_decode(state, &codec_frame(codec)->shape, codec_length__probe, input, message,
                         fault);
}

static enum weir_code codec_length__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_envelope *envelope)
{
    const struct description *description = &codec_frame(codec)->description;
    uint32_t own = description->header - description->strip; /* of the header, in the message */

    if (length > description->max) return WEIR_TOO_LARGE;
    if (length < own) return WEIR_INVALID;
    int64_t value = (int64_t)length + (int64_t)description->strip - description->constant;
    if (value < 0) return WEIR_INVALID;
    weir_check((uint64_t)value <= description->value_max); /* max is no more than it can say */
    memset(envelope->head, 0, description->strip);
    if (own > 0) memcpy(envelope->head + description->strip, bytes, own);
    memcpy(envelope->head, description->magic, description->magic_length);
    codec_length__write(envelope->head + description->offset, description->width,
                        description->is_little, (uint64_t)value);
    envelope->head_length = description->header;
    envelope->tail_length = 0;
    envelope->skip = own;
    return WEIR_OK;
}

void codec_length_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_length__decode;
    frame->codec.encode = codec_length__encode;
    frame->shape.probe = codec_length__probe;
}
