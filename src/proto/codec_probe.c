/* SPDX-License-Identifier: MIT */
/* codec_probe.c - frames whose header its author's own function reads. It is not trusted: what it
 * says is checked before it is believed. */
#include <string.h>

#include "codec.h"
#include "decode_error.h"

static enum weir_decoded codec_probe__probe(const void *shape, const uint8_t *bytes, size_t length,
                                            struct reassembly_layout *header,
                                            struct weir_decode_error *decode_error)
{
    const struct weir_probe *probe = shape;
    size_t shown = length < probe->header_bytes_max ? length : probe->header_bytes_max;
    struct weir_header told = {0};

    decode_error->text[0] = '\0';
    enum weir_decoded answer = probe->probe(probe->user, bytes, shown, &told, decode_error);
    header->frame_bytes = length + 1;
    if (answer == WEIR_DECODED_MORE && shown == probe->header_bytes_max)
        return decode_error_write(
            decode_error, "after %u bytes the header of a frame is not complete", (unsigned)shown);
    if (answer == WEIR_DECODED_MORE) return answer;
    if (answer == WEIR_DECODED_BAD && decode_error->text[0] == '\0')
        return decode_error_explain(decode_error, "the header of a frame is bad", bytes, shown);
    if (answer == WEIR_DECODED_BAD) return answer;
    if (told.header_bytes > shown || told.trailer_bytes > UINT32_MAX ||
        told.message_bytes > UINT64_MAX / 2 || told.header_bytes + told.message_bytes == 0)
        return decode_error_write(decode_error, "the probe said what no frame can be");
    header->header_bytes = told.header_bytes;
    header->trailer_bytes = told.trailer_bytes;
    header->frame_bytes = told.message_bytes + told.header_bytes + told.trailer_bytes;
    header->is_oversize = told.message_bytes > probe->message_bytes_max;
    header->said = told.message_bytes;
    header->max = probe->message_bytes_max;
    header->swapped = 0;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_probe__decode(const struct weir_codec *codec, void *state,
                                             struct weir_input *input, struct weir_message *message,
                                             struct weir_decode_error *decode_error)
{
    return reassembly_decode(state, &codec_frame(codec)->shape, codec_probe__probe, input, message,
                             decode_error);
}

static enum weir_code codec_probe__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                          size_t length, struct weir_framing *framing)
{
    const struct weir_probe *probe = &codec_frame(codec)->probe;

    if (length > probe->message_bytes_max) return WEIR_TOO_LARGE;
    memset(framing, 0, sizeof *framing);
    return probe->encode ? probe->encode(probe->user, bytes, length, framing) : WEIR_OK;
}

void codec_probe_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_probe__decode;
    frame->codec.encode = codec_probe__encode;
    frame->shape.probe = codec_probe__probe;
    frame->shape.spec = &frame->probe;
    frame->shape.skips = frame->probe.skips_oversize;
}
