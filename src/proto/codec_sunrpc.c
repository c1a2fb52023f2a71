/* SPDX-License-Identifier: MIT */
/* codec_sunrpc.c - record marking of ONC RPC (RFC 5531, 11): a record is one fragment or more, each
 * behind 4 bytes: the top bit set in the last one, the other 31 are its length.
 *
 *      in the stream:    mark A | mark+last B        held:   mark | A B
 *
 * A record in one fragment lies as it came. One of several is joined, and put behind one mark: the
 * same record, as a sender of one fragment would have sent it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "fault.h"

#define CODEC_SUNRPC__MARK_BYTES 4
#define CODEC_SUNRPC__LAST UINT32_C(0x80000000)

/* In gather's `note`: what is being read, and whether the fragment is the last one. While a mark is
 * read its bytes are the last ones held; frame_bytes is where the mark, or the fragment, ends. */
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

/* A fragment that makes the record too long; `length` is that of the record so far. */
static enum weir_decoded codec_sunrpc__refuse(uint64_t length, uint64_t max, const uint8_t *bytes,
                                              size_t count, struct weir_fault *fault)
{
    char what[128];

    snprintf(what, sizeof what, "a record of %" PRIu64 " bytes, or more, exceeds %" PRIu64, length,
             max);
    return fault_explain(fault, what, bytes, count);
}

/* A whole record in one fragment, in place. */
static bool codec_sunrpc__take_whole(uint64_t max, struct weir_input *input,
                                     struct weir_message *message)
{
    if (input->length < CODEC_SUNRPC__MARK_BYTES) return false;
    uint32_t mark = codec_sunrpc__mark(input->bytes);
    size_t length = mark & ~CODEC_SUNRPC__LAST;
    if (!(mark & CODEC_SUNRPC__LAST) || length > max ||
        length > input->length - CODEC_SUNRPC__MARK_BYTES)
        return false;
    struct gather_head head = {.frame_bytes = (uint64_t)length + CODEC_SUNRPC__MARK_BYTES,
                               .head_bytes = CODEC_SUNRPC__MARK_BYTES};
    return gather_hand_up(input, &head, message) == WEIR_DECODED_MESSAGE;
}

/* A mark is held at the end of what is held: what follows it. False: the record is too long. */
static bool codec_sunrpc__begin_fragment(struct gather *gather, uint64_t max)
{
    uint32_t mark =
        codec_sunrpc__mark(gather_bytes(gather) + gather->length - CODEC_SUNRPC__MARK_BYTES);
    uint64_t length = mark & ~CODEC_SUNRPC__LAST;

    if (gather->length > CODEC_SUNRPC__MARK_BYTES) gather->length -= CODEC_SUNRPC__MARK_BYTES;
    gather->note = mark & CODEC_SUNRPC__LAST ? CODEC_SUNRPC__IN_LAST_BODY : CODEC_SUNRPC__IN_BODY;
    gather->frame_bytes = gather->length + length;
    return length <= max - (gather->length - CODEC_SUNRPC__MARK_BYTES);
}

/* Drops what is held of the record, whose fragment is known; the rest will be skipped. */
static void codec_sunrpc__begin_skip(struct gather *gather)
{
    uint64_t left = gather->frame_bytes - gather->length;
    uint8_t note = gather->note;

    gather_clear(gather);
    gather->skipped_count++;
    gather->phase = GATHER_SKIPPING;
    gather->skip_bytes = left;
    gather->note = note;
}

/* Skips until the record has ended. False: the input has. */
static bool codec_sunrpc__skip(struct gather *gather, struct weir_input *input)
{
    for (;;) {
        if (gather->note == CODEC_SUNRPC__IN_MARK) {
            while (gather->length < CODEC_SUNRPC__MARK_BYTES && input->length > 0) {
                gather->small[gather->length++] = *input->bytes++;
                input->length--;
            }
            if (gather->length < CODEC_SUNRPC__MARK_BYTES) return false;
            uint32_t mark = codec_sunrpc__mark(gather->small);
            gather->length = 0;
            gather->skip_bytes = mark & ~CODEC_SUNRPC__LAST;
            gather->note =
                mark & CODEC_SUNRPC__LAST ? CODEC_SUNRPC__IN_LAST_BODY : CODEC_SUNRPC__IN_BODY;
        }
        if (!gather_skip(gather, input)) return false;
        if (gather->note == CODEC_SUNRPC__IN_LAST_BODY) break;
        gather->note = CODEC_SUNRPC__IN_MARK;
    }
    gather_clear(gather);
    return true;
}

static enum weir_decoded codec_sunrpc__finish(struct gather *gather, struct weir_message *message)
{
    uint8_t *bytes = gather_bytes(gather);

    message->frame = bytes;
    message->frame_length = gather->length;
    message->bytes = bytes + CODEC_SUNRPC__MARK_BYTES;
    message->length = gather->length - CODEC_SUNRPC__MARK_BYTES;
    codec_sunrpc__write_mark(bytes, CODEC_SUNRPC__LAST | (uint32_t)message->length);
    gather->phase = GATHER_HELD;
    return WEIR_DECODED_MESSAGE;
}

/* Holds what is there of the mark or fragment being read. False: no memory. */
static bool codec_sunrpc__fill(struct gather *gather, struct weir_input *input)
{
    uint64_t missing;

    if (gather->note == CODEC_SUNRPC__IN_MARK && gather->frame_bytes == 0)
        gather->frame_bytes = gather->length + CODEC_SUNRPC__MARK_BYTES;
    missing = gather->frame_bytes - gather->length;
    return gather_take(gather, input, missing < input->length ? (size_t)missing : input->length);
}

static enum weir_decoded codec_sunrpc__ended(const struct gather *gather,
                                             const struct weir_input *input,
                                             struct weir_fault *fault)
{
    if (!input->ended) return WEIR_DECODED_MORE;
    return fault_write(fault,
                       "the stream ended inside a record, of which %" PRIu64 " bytes are held",
                       (uint64_t)gather->length);
}

/* A record that is not whole in the input, or of several fragments. */
static enum weir_decoded codec_sunrpc__gather(const struct weir_frame *frame, struct gather *gather,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_fault *fault)
{
    for (;;) {
        if (!codec_sunrpc__fill(gather, input)) return gather_no_memory(gather, fault);
        if (gather->length < gather->frame_bytes) return codec_sunrpc__ended(gather, input, fault);
        if (gather->note == CODEC_SUNRPC__IN_LAST_BODY)
            return codec_sunrpc__finish(gather, message);
        if (gather->note == CODEC_SUNRPC__IN_BODY) {
            gather->note = CODEC_SUNRPC__IN_MARK;
            gather->frame_bytes = 0;
            continue;
        }
        if (codec_sunrpc__begin_fragment(gather, frame->description.max)) continue;
        if (!frame->description.skips)
            return codec_sunrpc__refuse(gather->frame_bytes - CODEC_SUNRPC__MARK_BYTES,
                                        frame->description.max, gather_bytes(gather),
                                        gather->length, fault);
        codec_sunrpc__begin_skip(gather);
        return WEIR_DECODED_MESSAGE;
    }
}

static enum weir_decoded codec_sunrpc__decode(const struct weir_codec *codec, void *state,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_fault *fault)
{
    const struct weir_frame *frame = codec_frame(codec);
    struct gather *gather = state;
    enum weir_decoded told;

    if (gather->phase == GATHER_HELD) gather_clear(gather);
    do {
        if (gather->phase == GATHER_SKIPPING && !codec_sunrpc__skip(gather, input))
            return codec_sunrpc__ended(gather, input, fault);
        if (gather->phase == GATHER_IDLE) {
            if (input->length == 0) return WEIR_DECODED_MORE;
            if (codec_sunrpc__take_whole(frame->description.max, input, message))
                return WEIR_DECODED_MESSAGE;
        }
        told = codec_sunrpc__gather(frame, gather, input, message, fault);
    } while (told == WEIR_DECODED_MESSAGE && gather->phase == GATHER_SKIPPING);
    return told;
}

static enum weir_code codec_sunrpc__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                           size_t length, struct weir_envelope *envelope)
{
    (void)bytes;
    if (length > codec_frame(codec)->description.max) return WEIR_TOO_LARGE;
    codec_sunrpc__write_mark(envelope->head, CODEC_SUNRPC__LAST | (uint32_t)length);
    envelope->head_length = CODEC_SUNRPC__MARK_BYTES;
    envelope->tail_length = 0;
    envelope->skip = 0;
    return WEIR_OK;
}

void codec_sunrpc_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_sunrpc__decode;
    frame->codec.encode = codec_sunrpc__encode;
}
