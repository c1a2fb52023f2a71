/* SPDX-License-Identifier: MIT */
/* codec_fixed.c - decodes and encodes messages of one fixed size, without headers. */
#include "codec.h"

static inline enum weir_decoded codec_fixed__probe(const void *shape, const uint8_t *bytes,
                                                   size_t length, struct reassembly_layout *layout,
                                                   struct weir_decode_error *decode_error)
{
    const struct frame_spec *spec = shape;

    (void)bytes;
    (void)length;
    (void)decode_error;
    layout->frame_bytes = spec->size;
    layout->strip_bytes = layout->header_bytes = 0;
    layout->is_oversize = false;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_fixed__decode(const struct weir_codec *codec, void *state,
                                             struct weir_input *input, struct weir_message *message,
                                             struct weir_decode_error *decode_error)
{
    return reassembly_decode(state, &codec_frame(codec)->shape, codec_fixed__probe, input, message,
                             decode_error);
}

static enum weir_code codec_fixed__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                          size_t length, struct weir_framing *framing)
{
    uint64_t size = codec_frame(codec)->spec.size;

    (void)bytes;
    if (length > size) return WEIR_TOO_LARGE;
    if (length < size) return WEIR_INVALID;
    framing->header_length = 0;
    framing->trailer_length = 0;
    framing->skip = 0;
    return WEIR_OK;
}

void codec_fixed_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_fixed__decode;
    frame->codec.encode = codec_fixed__encode;
    frame->shape.probe = codec_fixed__probe;
}
