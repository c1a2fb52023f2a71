/* SPDX-License-Identifier: MIT */
/* fuzz_probe.c - a custom header: one byte from 'a' to 'f', a length digit, and an optional
 * trailer. */
#include "fuzz_stream.h"

static enum weir_decoded probe_header(void *user, const uint8_t *bytes, size_t length,
                                      struct weir_header *header,
                                      struct weir_decode_error *decode_error)
{
    (void)user;
    (void)decode_error;
    if (header->seen_bytes >= length) abort(); /* a call without a new byte */
    if (bytes[0] < 'a' || bytes[0] > 'f') return WEIR_DECODED_BAD;
    size_t needed = (size_t)(bytes[0] - 'a') + 2;
    if (length < needed) return WEIR_DECODED_MORE;
    header->header_bytes = needed;
    header->message_bytes = bytes[needed - 1] % 16;
    header->trailer_bytes = bytes[0] & 1;
    return WEIR_DECODED_MESSAGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weir_frame *frames[2];

    if (size < 3 || size > FUZZ_STREAM_BYTES_MAX) return 0;
    for (int i = 0; i < 2 && !frames[i]; i++) {
        struct weir_probe probe = {.size = sizeof probe,
                                   .name = "custom",
                                   .header_bytes_max = 7,
                                   .message_bytes_max = 9,
                                   .skips_oversize = i == 1,
                                   .probe = probe_header};
        if (weir_frame_open_probe(&probe, &frames[i], NULL) != WEIR_OK) abort();
    }
    fuzz_stream_cut(weir_frame_codec(frames[data[0] & 1]), data + 3, size - 3, data[1], data[2]);
    return 0;
}
