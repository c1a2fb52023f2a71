/* SPDX-License-Identifier: MIT */
/* codec_probe.c - frames whose head its author's own function reads. It is not trusted: what it
 * says is checked before it is believed. */
#include <string.h>

#include "codec.h"
#include "fault.h"

static enum weir_decoded codec_probe__probe(const void *shape, const uint8_t *bytes, size_t length,
                                            struct gather_head *head, struct weir_fault *fault)
{
    const struct weir_probe *probe = shape;
    size_t shown = length < probe->head_bytes_max ? length : probe->head_bytes_max;
    struct weir_head told = {0};

    fault->text[0] = '\0';
    enum weir_decoded answer = probe->probe(probe->user, bytes, shown, &told, fault);
    head->frame_bytes = length + 1;
    if (answer == WEIR_DECODED_MORE && shown == probe->head_bytes_max)
        return fault_write(fault, "after %u bytes the head of a frame is not complete",
                           (unsigned)shown);
    if (answer == WEIR_DECODED_MORE) return answer;
    if (answer == WEIR_DECODED_BAD && fault->text[0] == '\0')
        return fault_explain(fault, "the head of a frame is bad", bytes, shown);
    if (answer == WEIR_DECODED_BAD) return answer;
    if (told.head_bytes > shown || told.tail_bytes > UINT32_MAX ||
        told.message_bytes > UINT64_MAX / 2 || told.head_bytes + told.message_bytes == 0)
        return fault_write(fault, "the probe said what no frame can be");
    head->head_bytes = told.head_bytes;
    head->tail_bytes = told.tail_bytes;
    head->frame_bytes = told.message_bytes + told.head_bytes + told.tail_bytes;
    head->is_oversize = told.message_bytes > probe->message_bytes_max;
    head->said = told.message_bytes;
    head->max = probe->message_bytes_max;
    head->swapped = 0;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_probe__decode(const struct weir_codec *codec, void *state,
                                             struct weir_input *input, struct weir_message *message,
                                             struct weir_fault *fault)
{
    return gather_decode(state, &codec_frame(codec)->shape, codec_probe__probe, input, message,
                         fault);
}

static enum weir_code codec_probe__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                          size_t length, struct weir_envelope *envelope)
{
    const struct weir_probe *probe = &codec_frame(codec)->probe;

    if (length > probe->message_bytes_max) return WEIR_TOO_LARGE;
    memset(envelope, 0, sizeof *envelope);
    return probe->encode ? probe->encode(probe->user, bytes, length, envelope) : WEIR_OK;
}

void codec_probe_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_probe__decode;
    frame->codec.encode = codec_probe__encode;
    frame->shape.probe = codec_probe__probe;
    frame->shape.description = &frame->probe;
    frame->shape.skips = frame->probe.skips_oversize;
}
