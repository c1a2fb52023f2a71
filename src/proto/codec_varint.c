/* SPDX-License-Identifier: MIT */
/* codec_varint.c - a length in LEB128: 7 bits a byte, the lowest first, the top bit set in all but
 * the last. One number has one way to be written here: a longer one is refused, as what some
 * readers take and others do not lets two of them see different messages. */
#include <string.h>

#include "codec.h"
#include "fault.h"

/* Reads a number off the front. Returns the bytes it took; 0: more are needed; -1: *what is wrong
 * with it. */
static int codec_varint__read(const uint8_t *bytes, size_t length, uint64_t *value,
                              const char **what)
{
    *value = 0;
    for (int i = 0; (size_t)i < length; i++) {
        if (i == DESCRIPTION_VARINT_BYTES_MAX - 1 && bytes[i] > 1) {
            *what = "the varint is longer than 64 bits";
            return -1;
        }
        *value |= (uint64_t)(bytes[i] & 0x7f) << 7 * i;
        if (bytes[i] & 0x80) continue;
        *what = "the varint is longer than its value needs";
        return i > 0 && bytes[i] == 0 ? -1 : i + 1;
    }
    return 0;
}

static uint32_t codec_varint__width(uint64_t value)
{
    uint32_t width = 1;

    for (; value > 0x7f; value >>= 7) width++;
    return width;
}

/* What is added to a number of `width` bytes to make it the length of the frame. */
static int64_t codec_varint__constant(const struct description *description, uint32_t width)
{
    if (description->covers == DESCRIPTION_FRAME) return description->adjust;
    return description->adjust + (int64_t)description->offset + width;
}

static inline enum weir_decoded codec_varint__probe(const void *shape, const uint8_t *bytes,
                                                    size_t length, struct gather_head *head,
                                                    struct weir_fault *fault)
{
    const struct description *description = shape;
    size_t compared = length < description->magic_length ? length : description->magic_length;
    const char *what;
    uint64_t value;
    int width;

    if (compared > 0 && memcmp(bytes, description->magic, compared) != 0)
        return codec_length_refuse_magic(description, bytes, length, fault);
    head->frame_bytes = length < description->offset ? description->offset + 1 : length + 1;
    if (length <= description->offset) return WEIR_DECODED_MORE;
    width = codec_varint__read(bytes + description->offset, length - description->offset, &value,
                               &what);
    if (width < 0) return fault_explain(fault, what, bytes, length);
    if (width == 0) return WEIR_DECODED_MORE;
    uint32_t header = description->offset + (uint32_t)width;
    return codec_length_judge(description, value,
                              codec_varint__constant(description, (uint32_t)width), header,
                              description->strip == 0 ? 0 : header, head, fault);
}

static enum weir_decoded codec_varint__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_fault *fault)
{
    return gather_decode(state, &codec_frame(codec)->shape, codec_varint__probe, input, message,
                         fault);
}

/* The number for so long a body, whose own width may count in it. False: it would be negative. */
static bool codec_varint__value(const struct description *description, uint64_t body,
                                uint64_t *value, uint32_t *width)
{
    for (*width = 1;; ++*width) {
        int64_t signed_value = (int64_t)body + (int64_t)description->offset + (int64_t)*width -
                               codec_varint__constant(description, *width);
        if (signed_value < 0) return false;
        *value = (uint64_t)signed_value;
        if (codec_varint__width(*value) == *width) return true;
    }
}

static enum weir_code codec_varint__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_envelope *envelope)
{
    const struct description *description = &codec_frame(codec)->description;
    uint32_t offset = description->offset, own = 0, width;
    uint64_t value;
    const char *what;

    if (length > description->max) return WEIR_TOO_LARGE;
    memset(envelope->head, 0, offset);
    if (description->strip == 0) { /* the message brings its header, and we put the length right */
        if (length <= offset) return WEIR_INVALID;
        int took = codec_varint__read(bytes + offset, length - offset, &value, &what);
        if (took <= 0) return WEIR_INVALID;
        own = offset + (uint32_t)took;
        memcpy(envelope->head, bytes, offset);
    }
    memcpy(envelope->head, description->magic, description->magic_length);
    if (!codec_varint__value(description, length - own, &value, &width)) return WEIR_INVALID;
    if (description->strip == 0 && length - own + offset + width > description->max)
        return WEIR_TOO_LARGE;
    for (uint32_t i = 0; i < width; i++)
        envelope->head[offset + i] =
            (uint8_t)((value >> 7 * i & 0x7f) | (i + 1 < width ? 0x80 : 0));
    envelope->head_length = offset + width;
    envelope->tail_length = 0;
    envelope->skip = own;
    return WEIR_OK;
}

void codec_varint_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_varint__decode;
    frame->codec.encode = codec_varint__encode;
    frame->shape.probe = codec_varint__probe;
}
