/* SPDX-License-Identifier: MIT */
/* codec_length.c - frames with a length of 1 to 8 bytes in a header of fixed size.
 *
 *      |<-- offset -->|<- width ->|            |
 *      +--------------+-----------+------------+--------------------+
 *      | magic ...    |  length   |            |  body              |
 *      +--------------+-----------+------------+--------------------+
 *      |<----------------- header ------------>|
 *      |<--- strip: not delivered -------->|<----- message -------->|
 *
 * The length counts the body, or header and body, or the bytes after the length field. In each case
 * frame = length + constant, and frame_spec_check() computes the constant.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "codec.h"
#include "decode_error.h"
#include "escape.h"
#include "recognise.h"

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

/* Reads the length field. Compilers turn the common widths, written out here, into one load. */
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

enum weir_decoded codec_length_refuse_magic(const struct frame_spec *spec, const uint8_t *bytes,
                                            size_t length, struct weir_decode_error *decode_error)
{
    char expected[4 * FRAME_SPEC_MAGIC_BYTES_MAX + 1], came[40], what[160];

    if (length > spec->magic_length && !recognise_protocol(bytes, length))
        length = spec->magic_length;
    snprintf(what, sizeof what, "a frame must begin with \"%s\", not with \"%s\"",
             escape_text(spec->magic, spec->magic_length, expected, sizeof expected),
             escape_text(bytes, length < 8 ? length : 8, came, sizeof came));
    return decode_error_explain(decode_error, what, bytes, length);
}

/* Sets *layout for a length above the limit. frame_bytes is needed only to skip the frame. */
static enum weir_decoded codec_length__oversize(const struct frame_spec *spec, uint64_t value,
                                                int64_t constant, uint64_t value_limit,
                                                struct reassembly_layout *layout,
                                                struct weir_decode_error *decode_error)
{
    uint64_t added = constant > 0 ? (uint64_t)constant : 0;

    if (value > UINT64_MAX - added)
        return decode_error_write(decode_error,
                                  "length %" PRIu64 " exceeds %" PRIu64 " and overflows 64 bits",
                                  value, value_limit);
    layout->frame_bytes = value + added - (constant < 0 ? (uint64_t)-constant : 0);
    layout->is_oversize = true;
    layout->length = value;
    layout->max = value_limit;
    layout->swapped = 0;
    if (spec->width > 1) {
        uint8_t bytes[8];
        codec_length__write(bytes, spec->width, spec->is_little, value);
        uint64_t swapped = codec_length__read(bytes, spec->width, !spec->is_little);
        if (swapped <= value_limit && swapped > 0) layout->swapped = swapped;
    }
    return WEIR_DECODED_MESSAGE;
}

enum weir_decoded codec_length_check(const struct frame_spec *spec, uint64_t value,
                                     int64_t constant, uint32_t header, uint32_t strip,
                                     struct reassembly_layout *layout,
                                     struct weir_decode_error *decode_error)
{
    int64_t value_limit = (int64_t)spec->max + (int64_t)strip - constant;
    int64_t value_least = (int64_t)header - constant;

    if (value_least > 0 && value < (uint64_t)value_least)
        return decode_error_write(decode_error,
                                  "length %" PRIu64 " would make a frame of %" PRId64
                                  " bytes, shorter than its header of %u",
                                  value, (int64_t)value + constant, (unsigned)header);
    if (value_limit < 0 || value > (uint64_t)value_limit)
        return codec_length__oversize(spec, value, constant,
                                      value_limit > 0 ? (uint64_t)value_limit : 0, layout,
                                      decode_error);
    layout->frame_bytes = (uint64_t)((int64_t)value + constant);
    layout->strip_bytes = strip;
    layout->header_bytes = header;
    layout->is_oversize = false;
    return WEIR_DECODED_MESSAGE;
}

static inline enum weir_decoded codec_length__probe(const void *shape, const uint8_t *bytes,
                                                    size_t length, struct reassembly_layout *layout,
                                                    struct weir_decode_error *decode_error)
{
    const struct frame_spec *spec = shape;
    uint32_t field_end = spec->offset + spec->width;

    if (spec->magic_length > 0) {
        size_t compared = length < spec->magic_length ? length : spec->magic_length;
        if (memcmp(bytes, spec->magic, compared) != 0)
            return codec_length_refuse_magic(spec, bytes, length, decode_error);
    }
    if (length < field_end) return WEIR_DECODED_MORE;
    return codec_length_check(
        spec, codec_length__read(bytes + spec->offset, spec->width, spec->is_little),
        spec->constant, spec->header, spec->strip, layout, decode_error);
}

/* Hands up a frame that is whole in the input, and whose length is valid. No bytes are held.
 * Returns false, and changes nothing, in any other case. */
static inline bool codec_length__hand_up(const struct weir_frame *frame, struct weir_input *input,
                                         struct weir_message *message)
{
    const struct frame_spec *spec = &frame->spec;

    if (input->length < spec->header) return false;
    uint64_t value = codec_length__read(input->bytes + spec->offset, spec->width, spec->is_little);
    if (value - frame->length_least >= frame->lengths_count) return false;
    uint64_t frame_bytes = value + (uint64_t)spec->constant;
    if (frame_bytes > input->length) return false;
    message->bytes = input->bytes + spec->strip;
    message->length = (size_t)frame_bytes - spec->strip;
    message->frame = input->bytes;
    message->frame_length = (size_t)frame_bytes;
    message->header_length = spec->header;
    input->bytes += frame_bytes;
    input->length -= (size_t)frame_bytes;
    return true;
}

static enum weir_decoded codec_length__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_decode_error *decode_error)
{
    const struct reassembly *reassembly = state;

    if (reassembly->phase == REASSEMBLY_IDLE) {
        if (input->length == 0) return WEIR_DECODED_MORE; /* ends most inputs */
        if (codec_length__hand_up(codec_frame(codec), input, message)) return WEIR_DECODED_MESSAGE;
    }
    return reassembly_go_on(state, &codec_frame(codec)->shape, input, message, decode_error);
}

/* The same for frames that begin with magic bytes. */
static enum weir_decoded codec_length__decode_magic(const struct weir_codec *codec, void *state,
                                                    struct weir_input *input,
                                                    struct weir_message *message,
                                                    struct weir_decode_error *decode_error)
{
    return reassembly_decode(state, &codec_frame(codec)->shape, codec_length__probe, input, message,
                             decode_error);
}

static enum weir_code codec_length__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_framing *framing)
{
    const struct frame_spec *spec = &codec_frame(codec)->spec;
    uint32_t own = spec->header - spec->strip; /* header bytes that are part of the message */

    if (length > spec->max) return WEIR_TOO_LARGE;
    if (length < own) return WEIR_INVALID;
    int64_t value = (int64_t)length + (int64_t)spec->strip - spec->constant;
    if (value < 0) return WEIR_INVALID;
    weir_check((uint64_t)value <= spec->value_max); /* frame_spec_check() lowers max to this */
    memset(framing->header, 0, spec->strip);
    if (own > 0) memcpy(framing->header + spec->strip, bytes, own);
    memcpy(framing->header, spec->magic, spec->magic_length);
    codec_length__write(framing->header + spec->offset, spec->width, spec->is_little,
                        (uint64_t)value);
    framing->header_length = spec->header;
    framing->trailer_length = 0;
    framing->skip = own;
    return WEIR_OK;
}

/* Sets the valid lengths, as codec_length_check() finds them. */
static void codec_length__set_lengths(struct weir_frame *frame)
{
    const struct frame_spec *spec = &frame->spec;
    int64_t most = (int64_t)spec->max + (int64_t)spec->strip - spec->constant;
    int64_t least = (int64_t)spec->header - spec->constant;

    if (least < 0) least = 0;
    if (spec->magic_length > 0 || most < least) return;
    frame->length_least = (uint64_t)least;
    frame->lengths_count = (uint64_t)(most - least) + 1;
}

void codec_length_fill(struct weir_frame *frame)
{
    codec_length__set_lengths(frame);
    frame->codec.decode =
        frame->spec.magic_length > 0 ? codec_length__decode_magic : codec_length__decode;
    frame->codec.encode = codec_length__encode;
    frame->shape.probe = codec_length__probe;
    frame->shape.header_bytes_max = (size_t)frame->spec.offset + frame->spec.width;
}
