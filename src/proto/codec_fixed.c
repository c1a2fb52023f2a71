/* SPDX-License-Identifier: MIT */
/* codec_fixed.c - messages of one size, and nothing between them. */
#include "codec.h"

static inline enum weir_decoded codec_fixed__probe(const void *shape, const uint8_t *bytes,
                                                   size_t length, struct gather_head *head,
                                                   struct weir_fault *fault)
{
    const struct description *description = shape;

    (void)bytes;
    (void)length;
    (void)fault;
    head->frame_bytes = description->size;
    head->head_bytes = 0;
    head->tail_bytes = 0;
    head->is_oversize = false;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_fixed__decode(const struct weir_codec *codec, void *state,
                                             struct weir_input *input, struct weir_message *message,
                                             struct weir_fault *fault)
{
    return gather_decode(state, &codec_frame(codec)->shape, codec_fixed__probe, input, message,
                         fault);
}

static enum weir_code codec_fixed__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                          size_t length, struct weir_envelope *envelope)
{
    uint64_t size = codec_frame(codec)->description.size;

    (void)bytes;
    if (length > size) return WEIR_TOO_LARGE;
    if (length < size) return WEIR_INVALID;
    envelope->head_length = 0;
    envelope->tail_length = 0;
    envelope->skip = 0;
    return WEIR_OK;
}

void codec_fixed_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_fixed__decode;
    frame->codec.encode = codec_fixed__encode;
    frame->shape.probe = codec_fixed__probe;
}
