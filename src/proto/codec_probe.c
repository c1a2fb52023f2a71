/* SPDX-License-Identifier: MIT */
/* codec_probe.c - frames whose header a user's function parses (struct weir_probe). Its answers are
 * checked before they are used. */
#include <string.h>

#include "codec.h"
#include "decode_error.h"

/* Returns whether a frame can have this header, of which the probe saw `visible` bytes. */
static bool codec_probe__is_possible(const struct weir_header *header, size_t visible)
{
    return header->header_bytes <= visible && header->trailer_bytes <= WEIR_MESSAGE_BYTES_MAX &&
           header->message_bytes <= UINT64_MAX / 2 &&
           header->header_bytes + header->message_bytes > 0;
}

/* Calls the user's function. Returns WEIR_DECODED_MESSAGE if *header is set and possible. */
static enum weir_decoded codec_probe__ask(const struct weir_probe *probe, const uint8_t *bytes,
                                          size_t length, struct weir_header *header,
                                          struct weir_decode_error *decode_error)
{
    size_t visible = length < probe->header_bytes_max ? length : probe->header_bytes_max;

    decode_error->text[0] = '\0';
    enum weir_decoded answer = probe->probe(probe->user, bytes, visible, header, decode_error);
    if (answer == WEIR_DECODED_MORE && visible == probe->header_bytes_max)
        return decode_error_write(decode_error,
                                  "after %u bytes the header of a frame is not complete",
                                  (unsigned)visible);
    if (answer == WEIR_DECODED_BAD && decode_error->text[0] == '\0')
        return decode_error_explain(decode_error, "the header of a frame is bad", bytes, visible);
    if (answer == WEIR_DECODED_MORE || answer == WEIR_DECODED_BAD) return answer;
    if (!codec_probe__is_possible(header, visible))
        return decode_error_write(decode_error, "the probe returned an impossible header");
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_probe__probe(const void *shape, const uint8_t *bytes, size_t length,
                                            struct reassembly_layout *layout,
                                            struct weir_decode_error *decode_error)
{
    const struct weir_probe *probe = shape;
    struct weir_header header = {.seen_bytes = layout->seen_bytes};
    enum weir_decoded answer = codec_probe__ask(probe, bytes, length, &header, decode_error);

    if (answer != WEIR_DECODED_MESSAGE) return answer;
    layout->header_bytes = header.header_bytes;
    layout->trailer_bytes = header.trailer_bytes;
    layout->frame_bytes = header.message_bytes + header.header_bytes + header.trailer_bytes;
    layout->is_oversize = header.message_bytes > probe->message_bytes_max;
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
