/* SPDX-License-Identifier: MIT */
/* codec_netstring.c - "5:hello,": the length in decimal digits, a colon, the message, a comma. */
#include <inttypes.h>
#include <stdio.h>

#include "codec.h"
#include "fault.h"

#define CODEC_NETSTRING__DIGITS_MAX 19 /* what has so many fits into 64 bits */

static bool codec_netstring__is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static inline enum weir_decoded codec_netstring__probe(const void *shape, const uint8_t *bytes,
                                                       size_t length, struct gather_head *head,
                                                       struct weir_fault *fault)
{
    const struct description *description = shape;
    uint64_t value = 0;
    size_t digits = 0;

    while (digits < length && codec_netstring__is_digit(bytes[digits])) {
        if (digits == CODEC_NETSTRING__DIGITS_MAX)
            return fault_write(fault, "a netstring's length has more than %d digits",
                               CODEC_NETSTRING__DIGITS_MAX);
        if (digits == 1 && bytes[0] == '0')
            return fault_write(fault, "a netstring's length begins with a needless 0");
        value = value * 10 + (uint64_t)(bytes[digits++] - '0');
    }
    head->frame_bytes = length + 1;
    if (digits == length) return WEIR_DECODED_MORE;
    if (digits == 0)
        return fault_explain(fault, "a netstring begins with a digit, and this does not", bytes,
                             length);
    if (bytes[digits] != ':')
        return fault_explain(fault, "no colon follows the digits of a netstring's length", bytes,
                             length);
    head->head_bytes = digits + 1;
    head->tail_bytes = 1;
    head->frame_bytes = value + digits + 2; /* 19 digits leave room for it */
    head->is_oversize = value > description->max;
    head->said = value;
    head->max = description->max;
    head->swapped = 0;
    if (!head->is_oversize && head->frame_bytes <= length && bytes[head->frame_bytes - 1] != ',')
        return fault_write(fault, "no comma ends the netstring of %" PRIu64 " bytes", value);
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_netstring__decode(const struct weir_codec *codec, void *state,
                                                 struct weir_input *input,
                                                 struct weir_message *message,
                                                 struct weir_fault *fault)
{
    return gather_decode(state, &codec_frame(codec)->shape, codec_netstring__probe, input, message,
                         fault);
}

static enum weir_code codec_netstring__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                              size_t length, struct weir_envelope *envelope)
{
    (void)bytes;
    if (length > codec_frame(codec)->description.max) return WEIR_TOO_LARGE;
    envelope->head_length =
        (uint32_t)snprintf((char *)envelope->head, sizeof envelope->head, "%zu:", length);
    envelope->tail[0] = ',';
    envelope->tail_length = 1;
    envelope->skip = 0;
    return WEIR_OK;
}

void codec_netstring_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_netstring__decode;
    frame->codec.encode = codec_netstring__encode;
    frame->shape.probe = codec_netstring__probe;
}
