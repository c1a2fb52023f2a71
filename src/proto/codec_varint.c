/* SPDX-License-Identifier: MIT */
/* codec_varint.c - frames with a length in LEB128: 7 bits per byte, the lowest first, the top bit
 * set in every byte except the last. By default only the shortest form of a number is accepted.
 * Other readers might reject a longer form, and then two of them would see different messages. With
 * minimal=no a longer form is accepted, because some senders reserve a fixed number of bytes. */
#include <string.h>

#include "codec.h"
#include "decode_error.h"

/* Reads a number from the front. Returns how many bytes it has; 0: more bytes are needed; -1: it is
 * invalid, *what says why. */
static int codec_varint__read(const struct frame_spec *spec, const uint8_t *bytes, size_t length,
                              uint64_t *value, const char **what)
{
    *value = 0;
    for (int i = 0; (size_t)i < length; i++) {
        if (i == FRAME_SPEC_VARINT_BYTES_MAX - 1 && bytes[i] > 1) {
            *what = "the varint is longer than 64 bits";
            return -1;
        }
        *value |= (uint64_t)(bytes[i] & 0x7f) << 7 * i;
        if (bytes[i] & 0x80) continue;
        *what = "the varint is longer than necessary";
        return i > 0 && bytes[i] == 0 && !spec->is_padding_valid ? -1 : i + 1;
    }
    return 0;
}

static uint32_t codec_varint__width(uint64_t value)
{
    uint32_t width = 1;

    for (; value > 0x7f; value >>= 7) width++;
    return width;
}

/* Returns the difference between the frame's length and a number of `width` bytes. */
static int64_t codec_varint__constant(const struct frame_spec *spec, uint32_t width)
{
    if (spec->covers == FRAME_SPEC_FRAME) return spec->adjust;
    return spec->adjust + (int64_t)spec->offset + width;
}

static inline enum weir_decoded codec_varint__probe(const void *shape, const uint8_t *bytes,
                                                    size_t length, struct reassembly_layout *layout,
                                                    struct weir_decode_error *decode_error)
{
    const struct frame_spec *spec = shape;
    size_t compared = length < spec->magic_length ? length : spec->magic_length;
    const char *what;
    uint64_t value;
    int width;

    if (compared > 0 && memcmp(bytes, spec->magic, compared) != 0)
        return codec_length_refuse_magic(spec, bytes, length, decode_error);
    if (length <= spec->offset) return WEIR_DECODED_MORE;
    width = codec_varint__read(spec, bytes + spec->offset, length - spec->offset, &value, &what);
    if (width < 0) return decode_error_explain(decode_error, what, bytes, length);
    if (width == 0) return WEIR_DECODED_MORE;
    uint32_t header = spec->offset + (uint32_t)width;
    return codec_length_check(spec, value, codec_varint__constant(spec, (uint32_t)width), header,
                              spec->strip == 0 ? 0 : header, layout, decode_error);
}

static enum weir_decoded codec_varint__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_decode_error *decode_error)
{
    return reassembly_decode(state, &codec_frame(codec)->shape, codec_varint__probe, input, message,
                             decode_error);
}

/* Finds the number for a body of this length. The number's own width can be part of what it counts.
 * Returns false if it would be negative. */
static bool codec_varint__value(const struct frame_spec *spec, uint64_t body, uint64_t *value,
                                uint32_t *width)
{
    for (*width = 1;; ++*width) {
        int64_t signed_value = (int64_t)body + (int64_t)spec->offset + (int64_t)*width -
                               codec_varint__constant(spec, *width);
        if (signed_value < 0) return false;
        *value = (uint64_t)signed_value;
        if (codec_varint__width(*value) == *width) return true;
    }
}

static enum weir_code codec_varint__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_framing *framing)
{
    const struct frame_spec *spec = &codec_frame(codec)->spec;
    uint32_t offset = spec->offset, own = 0, width;
    uint64_t value;
    const char *what;

    if (length > spec->max) return WEIR_TOO_LARGE;
    memset(framing->header, 0, offset);
    if (spec->strip == 0) { /* the message contains a header; only its length is set */
        if (length <= offset) return WEIR_INVALID;
        int took = codec_varint__read(spec, bytes + offset, length - offset, &value, &what);
        if (took <= 0) return WEIR_INVALID;
        own = offset + (uint32_t)took;
        memcpy(framing->header, bytes, offset);
    }
    memcpy(framing->header, spec->magic, spec->magic_length);
    if (!codec_varint__value(spec, length - own, &value, &width)) return WEIR_INVALID;
    if (spec->strip == 0 && length - own + offset + width > spec->max) return WEIR_TOO_LARGE;
    for (uint32_t i = 0; i < width; i++)
        framing->header[offset + i] =
            (uint8_t)((value >> 7 * i & 0x7f) | (i + 1 < width ? 0x80 : 0));
    framing->header_length = offset + width;
    framing->trailer_length = 0;
    framing->skip = own;
    return WEIR_OK;
}

void codec_varint_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_varint__decode;
    frame->codec.encode = codec_varint__encode;
    frame->shape.probe = codec_varint__probe;
    frame->shape.header_bytes_max = (size_t)frame->spec.offset + FRAME_SPEC_VARINT_BYTES_MAX;
}
