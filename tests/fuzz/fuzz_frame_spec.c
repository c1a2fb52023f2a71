/* SPDX-License-Identifier: MIT */
/* fuzz_frame_spec.c - any frame specification: it is rejected with a printable reason, or has one
 * canonical text with the same meaning, and cuts and encodes as every codec must.
 *
 *      input: a specification up to a zero byte, then bytes 1 and 2 for the cuts, then the stream
 */
#include "frame_spec.h"
#include "fuzz_stream.h"

static void check_text(const char *text, size_t size)
{
    if (strlen(text) >= size) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char spec[512], canonical[WEIR_FRAME_TEXT_BYTES_MAX], again[WEIR_FRAME_TEXT_BYTES_MAX];
    struct weir_frame *frame;
    struct weir_error error;
    size_t length = 0;

    while (length < size && data[length] != 0) length++;
    if (length >= sizeof spec || size > FUZZ_STREAM_BYTES_MAX) return 0;
    memcpy(spec, data, length);
    spec[length] = '\0';
    if (weir_frame_open(spec, &frame, &error) != WEIR_OK) {
        check_text(error.reason, sizeof error.reason);
        if (error.code != WEIR_INVALID || error.reason[0] == '\0') abort();
        return 0;
    }
    weir_frame_text(frame, canonical, sizeof canonical);
    for (const char *at = canonical; *at; at++)
        if (*at <= ' ' || *at > '~')
            fuzz_stream_fail(weir_frame_codec(frame), "the canonical text has a blank");
    struct weir_frame *second;
    if (weir_frame_open(canonical, &second, NULL) != WEIR_OK)
        fuzz_stream_fail(weir_frame_codec(frame), "the canonical text is rejected");
    weir_frame_text(second, again, sizeof again);
    if (strcmp(canonical, again) != 0)
        fuzz_stream_fail(weir_frame_codec(frame), "the canonical text is not stable");
    if (size - length > 3 && weir_frame_codec(frame)->decode) {
        const uint8_t *stream = data + length + 3;
        fuzz_stream_cut(weir_frame_codec(frame), stream, size - length - 3, data[length + 1],
                        data[length + 2]);
        fuzz_stream_encode(weir_frame_codec(second), stream, size - length - 3);
    }
    weir_frame_free(frame);
    weir_frame_free(second);
    return 0;
}
