/* SPDX-License-Identifier: MIT */
/* fuzz_websocket.c - frames of a WebSocket client: how the stream is cut changes nothing, and what
 * is collected is bounded.
 *
 *      input: byte 0 selects the codec, bytes 1 and 2 the cuts, the rest is the stream
 */
#include "fuzz_stream.h"
#include "websocket_codec.h"

#define MESSAGE_BYTES_MAX 300

/* Opens each codec once: message mode, then stream mode with these inner codecs. */
static const struct weir_codec *codec_at(size_t index)
{
    static const char *const specs[] = {"line:max=50", "u8", "fixed:size=3", "raw"};
    static struct websocket_codec codecs[5];
    static struct weir_frame *frames[5];
    struct websocket_codec *codec = &codecs[index];

    if (codec->codec.size > 0) return &codec->codec;
    if (index > 0 && weir_frame_open(specs[index - 1], &frames[index], NULL) != WEIR_OK) abort();
    websocket_codec_init(codec, index > 0 ? weir_frame_codec(frames[index]) : NULL,
                         MESSAGE_BYTES_MAX, WEBSOCKET_SEND_SAME);
    return &codec->codec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > FUZZ_STREAM_BYTES_MAX) return 0;
    size_t index = data[0] % 5;
    const struct weir_codec *codec = codec_at(index);
    const size_t all = SIZE_MAX;

    if (index < 4) { /* raw: each piece is a message */
        fuzz_stream_cut(codec, data + 3, size - 3, data[1], data[2]);
        return 0;
    }
    struct frames frames = fuzz_stream_decode(codec, data + 3, size - 3, &all, 1, true);
    frames_free(&frames);
    return 0;
}
