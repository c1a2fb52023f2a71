/* SPDX-License-Identifier: MIT */
/* decoder.c - decodes one stream without a server, and encodes whole frames into the caller's
 * memory. */
#include <string.h>

#include "check.h"
#include "codec.h"
#include "error_fill.h"
#include "framing_check.h"
#include "memory.h"
#include "sized.h"

/* The codec's state follows in the same allocation, and after it a completed copy of the codec, if
 * the caller's is of an older version. */
struct weir_decoder {
    const struct weir_codec *codec;
    _Alignas(16) uint8_t state[];
};

enum weir_code weir_decoder_open(const struct weir_codec *codec, struct weir_decoder **decoder,
                                 struct weir_error *error)
{
    size_t bytes = sizeof **decoder + codec->state_bytes;

    *decoder = NULL;
    if (codec->size != sizeof *codec) /* the codec is the first member of the decoder */
        return sized_open(&sized_codec, codec, bytes, (void **)decoder, error);
    *decoder = memory_alloc(bytes);
    if (!*decoder)
        return error_fill(error, WEIR_NO_MEMORY, 0, "open a decoder of", codec->name, NULL, NULL);
    (*decoder)->codec = codec;
    return WEIR_OK;
}

void weir_decoder_free(struct weir_decoder *decoder)
{
    if (!decoder) return;
    if (decoder->codec->release) decoder->codec->release(decoder->codec, decoder->state);
    memory_free(decoder);
}

/* Decodes for a caller that does not read the text of an error. Not inline: its room for the text
 * would cost every other caller a check of the stack. */
static enum weir_decoded decoder__next_unread(struct weir_decoder *decoder,
                                              struct weir_input *input,
                                              struct weir_message *message)
{
    struct weir_decode_error unread;

    return weir_decoder_next(decoder, input, message, &unread);
}

enum weir_decoded weir_decoder_next(struct weir_decoder *decoder, struct weir_input *input,
                                    struct weir_message *message,
                                    struct weir_decode_error *decode_error)
{
    const struct weir_codec *codec = decoder->codec;

    if (!decode_error) return decoder__next_unread(decoder, input, message);
    if (codec->decode) {
        message->header_length = 0; /* a codec can leave it out */
        return codec->decode(codec, decoder->state, input, message, decode_error);
    }
    if (input->length == 0) return WEIR_DECODED_MORE;
    message->bytes = message->frame = input->bytes;
    message->length = message->frame_length = input->length;
    message->header_length = 0;
    input->bytes += input->length;
    input->length = 0;
    return WEIR_DECODED_MESSAGE;
}

size_t weir_decoder_partial_bytes(const struct weir_decoder *decoder)
{
    const struct weir_codec *codec = decoder->codec;

    return codec->partial_bytes ? codec->partial_bytes(codec, decoder->state) : 0;
}

uint64_t weir_decoder_skipped_count(const struct weir_decoder *decoder)
{
    if (decoder->codec->release != reassembly_release) return 0; /* not made by weir_frame_open() */
    return ((const struct reassembly *)(const void *)decoder->state)->skipped_count;
}

enum weir_code weir_codec_encode(const struct weir_codec *codec, const void *bytes, size_t length,
                                 uint8_t *frame, size_t size, size_t *frame_length)
{
    struct weir_framing framing = {.header_length = 0};
    struct weir_codec completed = {.size = 0};

    *frame_length = 0;
    codec = sized_complete(&sized_codec, codec, &completed, NULL);
    if (!codec) return WEIR_INVALID;
    enum weir_code code = codec->encode ? codec->encode(codec, bytes, length, &framing) : WEIR_OK;
    if (code != WEIR_OK) return code;
    framing_check(&framing, length);
    size_t kept = length - framing.skip;
    size_t around = (size_t)framing.header_length + framing.trailer_length;
    if (kept > size || around > size - kept) return WEIR_NO_ROOM;
    memcpy(frame, framing.header, framing.header_length);
    if (kept > 0)
        memcpy(frame + framing.header_length, (const uint8_t *)bytes + framing.skip, kept);
    memcpy(frame + framing.header_length + kept, framing.trailer, framing.trailer_length);
    *frame_length = around + kept;
    return WEIR_OK;
}
