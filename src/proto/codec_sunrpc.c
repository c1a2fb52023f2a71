/* SPDX-License-Identifier: MIT */
/* codec_sunrpc.c - record marking of ONC RPC (RFC 5531, section 11). A record has one or more
 * fragments. Each fragment follows a mark of 4 bytes: the top bit is set for the last fragment, and
 * the other 31 bits are the fragment's length.
 *
 *      in the stream:    mark A | mark+last B        held:   mark | A B
 *
 * A record of one fragment is delivered in place. Several fragments are joined after one mark, as
 * if the sender had sent one fragment. Their number has a limit, because a fragment can be empty:
 * without the limit, a record could go on forever without growing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "decode_error.h"

#define CODEC_SUNRPC__MARK_BYTES 4
#define CODEC_SUNRPC__LAST UINT32_C(0x80000000)

/* Values of the reassembly's `note`: the part that is being read, and whether it is the last
 * fragment. A mark that is being read is at the end of the held bytes. frame_bytes is where the
 * mark or the fragment ends, and parts_count counts the record's fragments. */
enum { CODEC_SUNRPC__IN_MARK, CODEC_SUNRPC__IN_BODY, CODEC_SUNRPC__IN_LAST_BODY };

static uint32_t codec_sunrpc__mark(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void codec_sunrpc__write_mark(uint8_t *bytes, uint32_t mark)
{
    for (uint32_t i = 0; i < CODEC_SUNRPC__MARK_BYTES; i++)
        bytes[i] = (uint8_t)(mark >> (24 - 8 * i));
}

/* Rejects a fragment that makes the record too long. `length` includes this fragment. */
static enum weir_decoded codec_sunrpc__refuse(uint64_t length, uint64_t max, const uint8_t *bytes,
                                              size_t count, struct weir_decode_error *decode_error)
{
    char what[128];

    snprintf(what, sizeof what, "a record of %" PRIu64 " bytes, or more, exceeds %" PRIu64, length,
             max);
    return decode_error_explain(decode_error, what, bytes, count);
}

static enum weir_decoded codec_sunrpc__refuse_fragments(uint32_t max,
                                                        struct weir_decode_error *decode_error)
{
    return decode_error_write(decode_error, "a record has more than %u fragments", (unsigned)max);
}

/* Hands up a whole record of one fragment, in place. Returns false if the input does not begin with
 * one. */
static bool codec_sunrpc__take_whole(uint64_t max, struct weir_input *input,
                                     struct weir_message *message)
{
    if (input->length < CODEC_SUNRPC__MARK_BYTES) return false;
    uint32_t mark = codec_sunrpc__mark(input->bytes);
    size_t length = mark & ~CODEC_SUNRPC__LAST;
    if (!(mark & CODEC_SUNRPC__LAST) || length > max ||
        length > input->length - CODEC_SUNRPC__MARK_BYTES)
        return false;
    struct reassembly_layout layout = {.frame_bytes = (uint64_t)length + CODEC_SUNRPC__MARK_BYTES,
                                       .strip_bytes = CODEC_SUNRPC__MARK_BYTES,
                                       .header_bytes = CODEC_SUNRPC__MARK_BYTES};
    return reassembly_hand_up(input, &layout, message) == WEIR_DECODED_MESSAGE;
}

/* Starts the fragment whose mark is at the end of the held bytes. Returns false if the record
 * becomes too long. */
static bool codec_sunrpc__begin_fragment(struct reassembly *reassembly, uint64_t max)
{
    uint32_t mark = codec_sunrpc__mark(reassembly_bytes(reassembly) + reassembly->length -
                                       CODEC_SUNRPC__MARK_BYTES);
    uint64_t length = mark & ~CODEC_SUNRPC__LAST;

    if (reassembly->length > CODEC_SUNRPC__MARK_BYTES)
        reassembly->length -= CODEC_SUNRPC__MARK_BYTES;
    reassembly->note =
        mark & CODEC_SUNRPC__LAST ? CODEC_SUNRPC__IN_LAST_BODY : CODEC_SUNRPC__IN_BODY;
    reassembly->frame_bytes = reassembly->length + length;
    return length <= max - (reassembly->length - CODEC_SUNRPC__MARK_BYTES);
}

/* Drops the held part of an oversized record. The rest will be skipped. */
static void codec_sunrpc__begin_skip(struct reassembly *reassembly)
{
    uint64_t left = reassembly->frame_bytes - reassembly->length;
    uint8_t note = reassembly->note;

    reassembly_clear(reassembly);
    reassembly->skipped_count++;
    reassembly->phase = REASSEMBLY_SKIPPING;
    reassembly->skip_bytes = left;
    reassembly->note = note;
}

/* Skips to the end of the record. Returns false if the input ended first. */
static bool codec_sunrpc__skip(struct reassembly *reassembly, struct weir_input *input)
{
    for (;;) {
        if (reassembly->note == CODEC_SUNRPC__IN_MARK) {
            while (reassembly->length < CODEC_SUNRPC__MARK_BYTES && input->length > 0) {
                reassembly->small[reassembly->length++] = *input->bytes++;
                input->length--;
            }
            if (reassembly->length < CODEC_SUNRPC__MARK_BYTES) return false;
            uint32_t mark = codec_sunrpc__mark(reassembly->small);
            reassembly->length = 0;
            reassembly->skip_bytes = mark & ~CODEC_SUNRPC__LAST;
            reassembly->note =
                mark & CODEC_SUNRPC__LAST ? CODEC_SUNRPC__IN_LAST_BODY : CODEC_SUNRPC__IN_BODY;
        }
        if (!reassembly_skip(reassembly, input)) return false;
        if (reassembly->note == CODEC_SUNRPC__IN_LAST_BODY) break;
        reassembly->note = CODEC_SUNRPC__IN_MARK;
    }
    reassembly_clear(reassembly);
    return true;
}

static enum weir_decoded codec_sunrpc__finish(struct reassembly *reassembly,
                                              struct weir_message *message)
{
    uint8_t *bytes = reassembly_bytes(reassembly);

    message->frame = bytes;
    message->frame_length = reassembly->length;
    message->header_length = CODEC_SUNRPC__MARK_BYTES;
    message->bytes = bytes + CODEC_SUNRPC__MARK_BYTES;
    message->length = reassembly->length - CODEC_SUNRPC__MARK_BYTES;
    codec_sunrpc__write_mark(bytes, CODEC_SUNRPC__LAST | (uint32_t)message->length);
    reassembly->phase = REASSEMBLY_HELD;
    return WEIR_DECODED_MESSAGE;
}

/* Takes the available bytes of the current mark or fragment. Returns false if memory is exhausted.
 * Memory grows as for one long record: a fragment must not cause a copy of those before it. */
static bool codec_sunrpc__fill(struct reassembly *reassembly, uint64_t max,
                               struct weir_input *input)
{
    uint64_t missing, held_bytes_max = max + 2 * CODEC_SUNRPC__MARK_BYTES;

    if (reassembly->note == CODEC_SUNRPC__IN_MARK && reassembly->frame_bytes == 0)
        reassembly->frame_bytes = reassembly->length + CODEC_SUNRPC__MARK_BYTES;
    missing = reassembly->frame_bytes - reassembly->length;
    return reassembly_take(reassembly, input,
                           missing < input->length ? (size_t)missing : input->length,
                           held_bytes_max);
}

static enum weir_decoded codec_sunrpc__ended(const struct reassembly *reassembly,
                                             const struct weir_input *input,
                                             struct weir_decode_error *decode_error)
{
    if (!input->ended) return WEIR_DECODED_MORE;
    return decode_error_write(
        decode_error, "the stream ended inside a record, of which %" PRIu64 " bytes are held",
        (uint64_t)reassembly->length);
}

/* Continues a record that is not whole in the input, or has several fragments. */
static enum weir_decoded codec_sunrpc__reassemble(const struct weir_frame *frame,
                                                  struct reassembly *reassembly,
                                                  struct weir_input *input,
                                                  struct weir_message *message,
                                                  struct weir_decode_error *decode_error)
{
    for (;;) {
        if (!codec_sunrpc__fill(reassembly, frame->spec.max, input))
            return reassembly_no_memory(reassembly, decode_error);
        if (reassembly->length < reassembly->frame_bytes)
            return codec_sunrpc__ended(reassembly, input, decode_error);
        if (reassembly->note == CODEC_SUNRPC__IN_LAST_BODY)
            return codec_sunrpc__finish(reassembly, message);
        if (reassembly->note == CODEC_SUNRPC__IN_BODY) {
            reassembly->note = CODEC_SUNRPC__IN_MARK;
            reassembly->frame_bytes = 0;
            continue;
        }
        if (reassembly->parts_count++ == frame->spec.fragments_max)
            return codec_sunrpc__refuse_fragments(frame->spec.fragments_max, decode_error);
        if (codec_sunrpc__begin_fragment(reassembly, frame->spec.max)) continue;
        if (!frame->spec.skips)
            return codec_sunrpc__refuse(reassembly->frame_bytes - CODEC_SUNRPC__MARK_BYTES,
                                        frame->spec.max, reassembly_bytes(reassembly),
                                        reassembly->length, decode_error);
        codec_sunrpc__begin_skip(reassembly);
        return WEIR_DECODED_MESSAGE;
    }
}

static enum weir_decoded codec_sunrpc__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_decode_error *decode_error)
{
    const struct weir_frame *frame = codec_frame(codec);
    struct reassembly *reassembly = state;
    enum weir_decoded result;

    if (reassembly->phase == REASSEMBLY_HELD) reassembly_clear(reassembly);
    do {
        if (reassembly->phase == REASSEMBLY_SKIPPING && !codec_sunrpc__skip(reassembly, input))
            return codec_sunrpc__ended(reassembly, input, decode_error);
        if (reassembly->phase == REASSEMBLY_IDLE) {
            if (input->length == 0) return WEIR_DECODED_MORE;
            if (codec_sunrpc__take_whole(frame->spec.max, input, message))
                return WEIR_DECODED_MESSAGE;
        }
        result = codec_sunrpc__reassemble(frame, reassembly, input, message, decode_error);
    } while (result == WEIR_DECODED_MESSAGE && reassembly->phase == REASSEMBLY_SKIPPING);
    return result;
}

static enum weir_code codec_sunrpc__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_framing *framing)
{
    (void)bytes;
    if (length > codec_frame(codec)->spec.max) return WEIR_TOO_LARGE;
    codec_sunrpc__write_mark(framing->header, CODEC_SUNRPC__LAST | (uint32_t)length);
    framing->header_length = CODEC_SUNRPC__MARK_BYTES;
    framing->trailer_length = 0;
    framing->skip = 0;
    return WEIR_OK;
}

void codec_sunrpc_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_sunrpc__decode;
    frame->codec.encode = codec_sunrpc__encode;
}
