/* SPDX-License-Identifier: MIT */
/* codec_netstring.c - netstrings, "5:hello,": the length in decimal digits, a colon, the message, a
 * comma. */
#include <inttypes.h>
#include <stdio.h>

#include "codec.h"
#include "decode_error.h"

#define CODEC_NETSTRING__DIGITS_MAX 19 /* a number of 19 digits fits into 64 bits */

static bool codec_netstring__is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Reads the digits at the front into *value. Returns WEIR_DECODED_MESSAGE if something follows
 * them. */
static inline enum weir_decoded codec_netstring__read(const uint8_t *bytes, size_t length,
                                                      uint64_t *value, size_t *digits,
                                                      struct weir_decode_error *decode_error)
{
    *value = 0;
    *digits = 0;
    while (*digits < length && codec_netstring__is_digit(bytes[*digits])) {
        if (*digits == CODEC_NETSTRING__DIGITS_MAX)
            return decode_error_write(decode_error, "a netstring's length has more than %d digits",
                                      CODEC_NETSTRING__DIGITS_MAX);
        if (*digits == 1 && bytes[0] == '0')
            return decode_error_write(decode_error,
                                      "a netstring's length begins with a needless 0");
        *value = *value * 10 + (uint64_t)(bytes[(*digits)++] - '0');
    }
    return *digits == length ? WEIR_DECODED_MORE : WEIR_DECODED_MESSAGE;
}

static inline enum weir_decoded codec_netstring__probe(const void *shape, const uint8_t *bytes,
                                                       size_t length,
                                                       struct reassembly_layout *layout,
                                                       struct weir_decode_error *decode_error)
{
    const struct frame_spec *spec = shape;
    uint64_t value;
    size_t digits;
    enum weir_decoded read = codec_netstring__read(bytes, length, &value, &digits, decode_error);

    if (read != WEIR_DECODED_MESSAGE) return read;
    if (digits == 0)
        return decode_error_explain(decode_error, "a netstring must begin with a digit", bytes,
                                    length);
    if (bytes[digits] != ':')
        return decode_error_explain(
            decode_error, "no colon follows the digits of a netstring's length", bytes, length);
    layout->strip_bytes = layout->header_bytes = (uint32_t)digits + 1;
    layout->trailer_bytes = 1;
    layout->frame_bytes = value + digits + 2; /* 19 digits cannot overflow it */
    layout->is_oversize = value > spec->max;
    if (layout->is_oversize) {
        layout->length = value;
        layout->max = spec->max;
        layout->swapped = 0;
        return WEIR_DECODED_MESSAGE;
    }
    if (layout->frame_bytes <= length && bytes[layout->frame_bytes - 1] != ',')
        return decode_error_write(decode_error, "no comma ends the netstring of %" PRIu64 " bytes",
                                  value);
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded codec_netstring__decode(const struct weir_codec *codec, void *state,
                                                 struct weir_input *input,
                                                 struct weir_message *message,
                                                 struct weir_decode_error *decode_error)
{
    return reassembly_decode(state, &codec_frame(codec)->shape, codec_netstring__probe, input,
                             message, decode_error);
}

static enum weir_code codec_netstring__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                              size_t length, struct weir_framing *framing)
{
    (void)bytes;
    if (length > codec_frame(codec)->spec.max) return WEIR_TOO_LARGE;
    framing->header_length =
        (uint32_t)snprintf((char *)framing->header, sizeof framing->header, "%zu:", length);
    framing->trailer[0] = ',';
    framing->trailer_length = 1;
    framing->skip = 0;
    return WEIR_OK;
}

void codec_netstring_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_netstring__decode;
    frame->codec.encode = codec_netstring__encode;
    frame->shape.probe = codec_netstring__probe;
    frame->shape.header_bytes_max = CODEC_NETSTRING__DIGITS_MAX + 1; /* the colon */
}
