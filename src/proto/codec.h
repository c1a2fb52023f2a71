/* SPDX-License-Identifier: MIT */
/* codec.h - the codecs made of a frame specification: each kind has one decode and one encode
 * function. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <weir/frame.h>

#include "check.h"
#include "frame_spec.h"
#include "reassembly.h"

/* A codec with its frame specification. The codec's functions get a pointer to `codec` and find the
 * rest with codec_frame(). */
struct weir_frame {
    struct weir_codec codec;
    struct frame_spec spec;
    struct reassembly_shape shape;
    /* Kind length without magic bytes: numbers in the length field that are valid. Otherwise
     * lengths_count is 0. */
    uint64_t length_least, lengths_count;
    struct weir_probe probe; /* set if the kind is FRAME_SPEC_PROBE */
    char name[WEIR_FRAME_TEXT_BYTES_MAX];
    char summary[96];
};

/* Returns the frame that contains the codec. */
static inline const struct weir_frame *codec_frame(const struct weir_codec *codec)
{
    return weir_container_of(codec, const struct weir_frame, codec);
}

/* Each sets the functions of its kind in frame->codec, and frame->shape. */
void codec_length_fill(struct weir_frame *frame);
void codec_varint_fill(struct weir_frame *frame);
void codec_line_fill(struct weir_frame *frame);
void codec_netstring_fill(struct weir_frame *frame);
void codec_fixed_fill(struct weir_frame *frame);
void codec_sunrpc_fill(struct weir_frame *frame);
void codec_probe_fill(struct weir_frame *frame);

/* Checks the length that a header contains, and sets *layout. The frame has `value` + `constant`
 * bytes. It begins with `header` bytes, of which the first `strip` are not part of the message.
 * Returns WEIR_DECODED_MESSAGE, also for an oversized frame, or WEIR_DECODED_BAD. */
enum weir_decoded codec_length_check(const struct frame_spec *spec, uint64_t value,
                                     int64_t constant, uint32_t header, uint32_t strip,
                                     struct reassembly_layout *layout,
                                     struct weir_decode_error *decode_error);

/* Writes that the frame does not begin with the magic bytes. Returns WEIR_DECODED_BAD. */
enum weir_decoded codec_length_refuse_magic(const struct frame_spec *spec, const uint8_t *bytes,
                                            size_t length, struct weir_decode_error *decode_error);

#endif
