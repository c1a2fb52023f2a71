/* SPDX-License-Identifier: MIT */
/* codec_probe.c - frames whose header a user's function parses (struct weir_probe). Its answers are
 * checked before they are used. */
#include <string.h>

#include "codec.h"
#include "decode_error.h"

/* Returns whether a frame can have this header, of which the probe saw `visible` bytes. */
static bool codec_probe__is_possible(const struct weir_header *header, size_t visible)
{
    return header->header_bytes <= visible &&
           (header->kept_bytes == 0 || (header->kept_bytes <= visible - header->header_bytes &&
                                        header->kept_bytes <= header->message_bytes)) &&
           header->trailer_bytes <= WEIR_MESSAGE_BYTES_MAX &&
           header->message_bytes <= UINT64_MAX / 2 &&
           header->header_bytes + header->message_bytes > 0;
}

/* Returns the answer of a probe that found no header, or an impossible one, and describes it. */
static enum weir_decoded codec_probe__without_header(const struct weir_probe *probe,
                                                     enum weir_decoded answer, const uint8_t *bytes,
                                                     size_t visible,
                                                     struct weir_decode_error *decode_error)
{
    if (answer == WEIR_DECODED_MORE && visible < probe->header_bytes_max) return answer;
    if (answer == WEIR_DECODED_MORE)
        return decode_error_write(decode_error,
                                  "after %u bytes the header of a frame is not complete",
                                  (unsigned)visible);
    if (answer != WEIR_DECODED_BAD)
        return decode_error_write(decode_error, "the probe returned an impossible header");
    if (decode_error->text[0] == '\0')
        return decode_error_explain(decode_error, "the header of a frame is bad", bytes, visible);
    return answer;
}

static enum weir_decoded codec_probe__probe(const void *shape, const uint8_t *bytes, size_t length,
                                            struct reassembly_layout *layout,
                                            struct weir_decode_error *decode_error)
{
    const struct weir_probe *probe = shape;
    struct weir_header header = {.seen_bytes = layout->seen_bytes};
    size_t visible = length < probe->header_bytes_max ? length : probe->header_bytes_max;

    decode_error->text[0] = '\0';
    enum weir_decoded answer = probe->probe(probe->user, bytes, visible, &header, decode_error);
    if (answer == WEIR_DECODED_MORE || answer == WEIR_DECODED_BAD ||
        !codec_probe__is_possible(&header, visible))
        return codec_probe__without_header(probe, answer, bytes, visible, decode_error);
    layout->strip_bytes =
        (uint32_t)header.header_bytes; /* each is at most WEIR_MESSAGE_BYTES_MAX */
    layout->header_bytes = (uint32_t)(header.header_bytes + header.kept_bytes);
    layout->trailer_bytes = (uint32_t)header.trailer_bytes;
    layout->frame_bytes = header.message_bytes + header.header_bytes + header.trailer_bytes;
    layout->is_oversize = header.message_bytes > probe->message_bytes_max;
    if (!layout->is_oversize) return WEIR_DECODED_MESSAGE;
    layout->length = header.message_bytes;
    layout->max = probe->message_bytes_max;
    layout->swapped = 0;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_probe__decode(const struct weir_codec *codec, void *state,
                                             struct weir_input *input, struct weir_message *message,
                                             struct weir_decode_error *decode_error)
{
    return reassembly_go_on(state, &codec_frame(codec)->shape, input, message, decode_error);
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
    frame->shape.header_bytes_max = frame->probe.header_bytes_max;
    frame->shape.skips = frame->probe.skips_oversize;
}
