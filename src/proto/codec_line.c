/* SPDX-License-Identifier: MIT */
/* codec_line.c - messages that end in a delimiter: a newline, or any 1 to 16 bytes.
 *
 * A delimiter can be split between the held bytes and the input. To find such a delimiter, the last
 * held bytes and the first bytes of the input are copied into one array. From each side it takes
 * one byte less than the delimiter has, so a match always spans both sides.
 *
 *      held ..........|xxxxxxx|  |yyyyyyy|.......... input
 *                        `--- split ---'
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "codec.h"
#include "decode_error.h"
#include "recognise.h"

#define CODEC_LINE__SPLIT_BYTES (2 * (FRAME_SPEC_DELIMITER_BYTES_MAX - 1))
#define CODEC_LINE__NOWHERE SIZE_MAX

/* Returns the offset of the first delimiter in these bytes; CODEC_LINE__NOWHERE: there is none. */
static inline size_t codec_line__find(const struct frame_spec *spec, const uint8_t *bytes,
                                      size_t length)
{
    size_t size = spec->delimiter_length;
    const uint8_t *at = bytes;

    while ((size_t)(bytes + length - at) >= size) {
        at = memchr(at, spec->delimiter[0], (size_t)(bytes + length - at) - size + 1);
        if (!at) break;
        if (size == 1 || memcmp(at, spec->delimiter, size) == 0) return (size_t)(at - bytes);
        at++;
    }
    return CODEC_LINE__NOWHERE;
}

/* Returns how many bytes of `right` end a delimiter that starts in `left`; 0: no delimiter is split
 * between them. */
static size_t codec_line__find_split(const struct frame_spec *spec, const uint8_t *left,
                                     size_t left_length, const uint8_t *right, size_t right_length)
{
    uint8_t split[CODEC_LINE__SPLIT_BYTES];
    size_t most = spec->delimiter_length - 1;
    size_t before = left_length < most ? left_length : most;
    size_t after = right_length < most ? right_length : most;

    if (before == 0 || after == 0) return 0;
    memcpy(split, left + left_length - before, before);
    memcpy(split + before, right, after);
    size_t at = codec_line__find(spec, split, before + after);
    return at == CODEC_LINE__NOWHERE ? 0 : at + spec->delimiter_length - before;
}

/* Returns whether a carriage return before the delimiter is removed, too. */
static bool codec_line__takes_return(const struct frame_spec *spec)
{
    return spec->delimiter_length == 1 && spec->delimiter[0] == '\n';
}

/* Returns the length of a line's message. `frame_length` includes the delimiter. */
static size_t codec_line__content(const struct frame_spec *spec, const uint8_t *bytes,
                                  size_t frame_length)
{
    size_t length = frame_length - spec->delimiter_length;

    if (codec_line__takes_return(spec) && length > 0 && bytes[length - 1] == '\r') length--;
    return length;
}

/* Returns the length of the longest line with its delimiter. */
static uint64_t codec_line__frame_max(const struct frame_spec *spec)
{
    return spec->max + spec->delimiter_length + (codec_line__takes_return(spec) ? 1U : 0);
}

/* Returns whether an unfinished line of this length is too long, whatever follows. */
static bool codec_line__is_hopeless(const struct frame_spec *spec, uint64_t length)
{
    return length >= codec_line__frame_max(spec);
}

static enum weir_decoded codec_line__refuse(const struct frame_spec *spec, const uint8_t *bytes,
                                            size_t length, struct weir_decode_error *decode_error)
{
    const char *is = recognise_protocol(bytes, length);

    if (is)
        return decode_error_write(decode_error, "a line is longer than %" PRIu64 " bytes: %s",
                                  spec->max, is);
    return decode_error_write(decode_error,
                              "a line is longer than %" PRIu64
                              " bytes: does the client use the delimiter of this listener?",
                              spec->max);
}

/* Takes the rest of a line, `count` bytes of the input, and hands the line up. */
static enum weir_decoded codec_line__finish(const struct frame_spec *spec,
                                            struct reassembly *reassembly, struct weir_input *input,
                                            size_t count, struct weir_message *message,
                                            struct weir_decode_error *decode_error)
{
    if (reassembly->phase == REASSEMBLY_IDLE) {
        message->frame = input->bytes;
        message->frame_length = count;
        message->length = codec_line__content(spec, input->bytes, count);
        input->bytes += count;
        input->length -= count;
    } else {
        if (!reassembly_take(reassembly, input, count, codec_line__frame_max(spec)))
            return reassembly_no_memory(reassembly, decode_error);
        message->frame = reassembly_bytes(reassembly);
        message->frame_length = reassembly->length;
        message->length = codec_line__content(spec, message->frame, reassembly->length);
        reassembly->phase = REASSEMBLY_HELD;
    }
    message->bytes = message->frame;
    message->header_length = 0;
    return WEIR_DECODED_MESSAGE;
}

/* While a line is skipped, holds only its last bytes, which can be the start of a delimiter. */
static void codec_line__hold_last(const struct frame_spec *spec, struct reassembly *reassembly,
                                  struct weir_input *input)
{
    size_t most = spec->delimiter_length - 1;
    uint8_t last[2 * FRAME_SPEC_DELIMITER_BYTES_MAX];
    size_t held = reassembly->length < most ? reassembly->length : most;
    size_t fresh = input->length < most ? input->length : most;
    size_t kept = held + fresh < most ? held + fresh : most;

    memcpy(last, reassembly_bytes(reassembly) + reassembly->length - held, held);
    if (fresh > 0) memcpy(last + held, input->bytes + input->length - fresh, fresh);
    memmove(last, last + held + fresh - kept, kept);
    reassembly_clear(reassembly);
    memcpy(reassembly->small, last, kept);
    reassembly->length = kept;
    reassembly->phase = REASSEMBLY_SKIPPING;
    input->bytes += input->length;
    input->length = 0;
}

/* Returns whether the line is too long, although its delimiter has not been received. */
static bool codec_line__exceeds_max(const struct frame_spec *spec, uint64_t length, bool is_last)
{
    return codec_line__is_hopeless(spec, length) || (is_last && length > spec->max);
}

/* Hands up the last line of the stream, which may lack its delimiter. */
static enum weir_decoded codec_line__finish_last(struct reassembly *reassembly,
                                                 struct weir_input *input,
                                                 struct weir_message *message)
{
    if (reassembly->length > 0) {
        message->frame = reassembly_bytes(reassembly);
        message->frame_length = reassembly->length;
        reassembly->phase = REASSEMBLY_HELD;
    } else {
        message->frame = input->bytes;
        message->frame_length = input->length;
    }
    message->bytes = message->frame;
    message->header_length = 0;
    message->length = message->frame_length;
    input->bytes += input->length;
    input->length = 0;
    return WEIR_DECODED_MESSAGE;
}

/* Passes over the input, all of which belongs to an oversized line. */
static enum weir_decoded codec_line__skip(const struct frame_spec *spec,
                                          struct reassembly *reassembly, struct weir_input *input)
{
    codec_line__hold_last(spec, reassembly, input);
    if (input->ended) reassembly_clear(reassembly);
    return WEIR_DECODED_MORE;
}

/* Rejects a line that is too long, or begins to pass over it. */
static enum weir_decoded codec_line__oversize(const struct frame_spec *spec,
                                              struct reassembly *reassembly,
                                              struct weir_input *input,
                                              struct weir_decode_error *decode_error)
{
    bool is_held = reassembly->length > 0;

    if (!spec->skips)
        return codec_line__refuse(spec, is_held ? reassembly_bytes(reassembly) : input->bytes,
                                  is_held ? reassembly->length : input->length, decode_error);
    reassembly->skipped_count++;
    return codec_line__skip(spec, reassembly, input);
}

/* Takes the input of a line whose delimiter has not been received. */
static enum weir_decoded codec_line__go_on(const struct weir_frame *frame,
                                           struct reassembly *reassembly, struct weir_input *input,
                                           struct weir_message *message,
                                           struct weir_decode_error *decode_error)
{
    const struct frame_spec *spec = &frame->spec;
    uint64_t length = (uint64_t)reassembly->length + input->length;
    bool is_last = input->ended && length > 0;

    if (reassembly->phase == REASSEMBLY_SKIPPING) return codec_line__skip(spec, reassembly, input);
    if (codec_line__exceeds_max(spec, length, is_last))
        return codec_line__oversize(spec, reassembly, input, decode_error);
    if (is_last && reassembly->length == 0)
        return codec_line__finish_last(reassembly, input, message);
    if (input->length > 0 &&
        !reassembly_take(reassembly, input, input->length, codec_line__frame_max(spec)))
        return reassembly_no_memory(reassembly, decode_error);
    return is_last ? codec_line__finish_last(reassembly, input, message) : WEIR_DECODED_MORE;
}

/* Returns how many bytes of the input complete the current line; 0: it has no delimiter yet. */
static inline size_t codec_line__end(const struct frame_spec *spec, struct reassembly *reassembly,
                                     const struct weir_input *input)
{
    size_t split = 0, at;

    if (reassembly->length > 0 && spec->delimiter_length > 1)
        split = codec_line__find_split(spec, reassembly_bytes(reassembly), reassembly->length,
                                       input->bytes, input->length);
    if (split > 0) return split;
    at = codec_line__find(spec, input->bytes, input->length);
    return at == CODEC_LINE__NOWHERE ? 0 : at + spec->delimiter_length;
}

/* Returns whether a line that `count` bytes of the input complete is too long. */
static bool codec_line__is_oversize(const struct frame_spec *spec, struct reassembly *reassembly,
                                    const struct weir_input *input, size_t count)
{
    uint64_t length = (uint64_t)reassembly->length + count - spec->delimiter_length;

    if (length <= spec->max) return false;
    if (length > spec->max + 1 || !codec_line__takes_return(spec)) return true;
    return (count > 1 ? input->bytes[count - 2]
                      : reassembly_bytes(reassembly)[reassembly->length - 1]) != '\r';
}

static enum weir_decoded codec_line__decode(const struct weir_codec *codec, void *state,
                                            struct weir_input *input, struct weir_message *message,
                                            struct weir_decode_error *decode_error)
{
    const struct weir_frame *frame = codec_frame(codec);
    const struct frame_spec *spec = &frame->spec;
    struct reassembly *reassembly = state;

    if (reassembly->phase == REASSEMBLY_HELD) reassembly_clear(reassembly);
    for (;;) {
        size_t count = input->length > 0 ? codec_line__end(spec, reassembly, input) : 0;
        if (count == 0) return codec_line__go_on(frame, reassembly, input, message, decode_error);
        bool is_skipped = reassembly->phase == REASSEMBLY_SKIPPING;
        if (!is_skipped && !codec_line__is_oversize(spec, reassembly, input, count))
            return codec_line__finish(spec, reassembly, input, count, message, decode_error);
        if (!is_skipped && !spec->skips)
            return codec_line__refuse(spec, input->bytes, count, decode_error);
        if (!is_skipped) reassembly->skipped_count++;
        reassembly_clear(reassembly);
        input->bytes += count;
        input->length -= count;
    }
}

static enum weir_code codec_line__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                         size_t length, struct weir_framing *framing)
{
    const struct frame_spec *spec = &codec_frame(codec)->spec;

    if (length > spec->max) return WEIR_TOO_LARGE;
    if (length > 0) {
        if (codec_line__find(spec, bytes, length) != CODEC_LINE__NOWHERE) return WEIR_INVALID;
        if (codec_line__takes_return(spec) && bytes[length - 1] == '\r') return WEIR_INVALID;
        /* A delimiter that starts in the message and ends in the appended one would truncate it. */
        size_t split = codec_line__find_split(spec, bytes, length, spec->delimiter,
                                              spec->delimiter_length - 1);
        if (split > 0) return WEIR_INVALID;
    }
    memcpy(framing->trailer, spec->delimiter, spec->delimiter_length);
    framing->header_length = 0;
    framing->trailer_length = spec->delimiter_length;
    framing->skip = 0;
    return WEIR_OK;
}

void codec_line_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_line__decode;
    frame->codec.encode = codec_line__encode;
}
