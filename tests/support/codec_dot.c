/* SPDX-License-Identifier: MIT */
/* codec_dot.c - implements messages that end with a dot. */
#include "codec_dot.h"

#include <stdio.h>
#include <string.h>

static enum weir_decoded codec_dot__decode(const struct weir_codec *codec, void *state,
                                           struct weir_input *input, struct weir_message *message,
                                           struct weir_decode_error *decode_error)
{
    struct {
        uint32_t length;
        char bytes[28];
    } *partial = state;

    (void)codec;
    if (input->ended && partial->length > 0) {
        snprintf(decode_error->text, sizeof decode_error->text, "it ended inside");
        return WEIR_DECODED_BAD;
    }
    while (input->length > 0) {
        char byte = (char)*input->bytes++;
        input->length--;
        if (byte == '!' || partial->length == sizeof partial->bytes) {
            snprintf(decode_error->text, sizeof decode_error->text, "there was a %c", byte);
            return WEIR_DECODED_BAD;
        }
        partial->bytes[partial->length++] = byte;
        if (byte != '.') continue;
        *message = (struct weir_message){(uint8_t *)partial->bytes, partial->length - 1,
                                         (uint8_t *)partial->bytes, partial->length, 0};
        partial->length = 0;
        return WEIR_DECODED_MESSAGE;
    }
    return WEIR_DECODED_MORE;
}

static size_t codec_dot__partial(const struct weir_codec *codec, const void *state)
{
    (void)codec;
    return *(const uint32_t *)state;
}

static enum weir_code codec_dot__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                        size_t length, struct weir_framing *framing)
{
    (void)codec;
    if (length > 0 && memchr(bytes, '.', length)) return WEIR_INVALID;
    framing->trailer[0] = '.';
    framing->trailer_length = 1;
    return WEIR_OK;
}

const struct weir_codec codec_dot = {
    .size = sizeof(struct weir_codec),
    .name = "dot",
    .summary = "",
    .streams = true,
    .state_bytes = 32,
    .decode = codec_dot__decode,
    .partial_bytes = codec_dot__partial,
    .encode = codec_dot__encode,
};
