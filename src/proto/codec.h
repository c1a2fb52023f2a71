/* SPDX-License-Identifier: MIT */
/* codec.h - the codecs that a description can name: each is the decode and encode of one kind. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <weir/frame.h>

#include "check.h"
#include "frame_spec.h"
#include "reassembly.h"

/* A codec and what it works by. The codec's functions find the rest around it. */
struct weir_frame {
    struct weir_codec codec;
    struct frame_spec spec;
    struct reassembly_shape shape;
    struct weir_probe probe; /* FRAME_SPEC_PROBE */
    char name[WEIR_FRAME_TEXT_BYTES_MAX];
    char summary[96];
};

/* Returns the frame that contains the codec. */
static inline const struct weir_frame *codec_frame(const struct weir_codec *codec)
{
    return weir_container_of(codec, const struct weir_frame, codec);
}

/* Each fills in what is its own: state_bytes, decode, encode, partial_bytes, release, shape. */
void codec_length_fill(struct weir_frame *frame);
void codec_varint_fill(struct weir_frame *frame);
void codec_line_fill(struct weir_frame *frame);
void codec_netstring_fill(struct weir_frame *frame);
void codec_fixed_fill(struct weir_frame *frame);
void codec_sunrpc_fill(struct weir_frame *frame);
void codec_probe_fill(struct weir_frame *frame);

/* What the codecs with a header say when it is read: the frame is `value` + `constant` bytes, of
 * which `header` come ahead of the body and `strip` are not the message's. */
enum weir_decoded codec_length_check(const struct frame_spec *spec, uint64_t value,
                                     int64_t constant, uint32_t header, uint32_t strip,
                                     struct reassembly_layout *layout,
                                     struct weir_decode_error *decode_error);

/* The frame begins otherwise than all of them do. */
enum weir_decoded codec_length_refuse_magic(const struct frame_spec *spec, const uint8_t *bytes,
                                            size_t length, struct weir_decode_error *decode_error);

#endif
