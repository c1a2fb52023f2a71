/* SPDX-License-Identifier: MIT */
/* codec_line.c - messages that end in a delimiter: a line end, or any 1 to 16 bytes.
 *
 * A delimiter may itself be split: then it is looked for where what is held and the input meet, in
 * a copy of so few bytes from both sides that it cannot lie in one of them alone.
 *
 *      held ..........|xxxxxxx|  |yyyyyyy|.......... input
 *                        `--- seam ---'
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "codec.h"
#include "fault.h"

#define CODEC_LINE__SEAM_BYTES (2 * (DESCRIPTION_DELIMITER_BYTES_MAX - 1))
#define CODEC_LINE__NOWHERE SIZE_MAX

/* Where the delimiter begins in these bytes. */
static inline size_t codec_line__find(const struct description *description, const uint8_t *bytes,
                                      size_t length)
{
    size_t size = description->delimiter_length;
    const uint8_t *at = bytes;

    while ((size_t)(bytes + length - at) >= size) {
        at = memchr(at, description->delimiter[0], (size_t)(bytes + length - at) - size + 1);
        if (!at) break;
        if (size == 1 || memcmp(at, description->delimiter, size) == 0) return (size_t)(at - bytes);
        at++;
    }
    return CODEC_LINE__NOWHERE;
}

/* How many bytes of `right` belong to a delimiter that began in `left`; 0: none did. */
static size_t codec_line__find_seam(const struct description *description, const uint8_t *left,
                                    size_t left_length, const uint8_t *right, size_t right_length)
{
    uint8_t seam[CODEC_LINE__SEAM_BYTES];
    size_t most = description->delimiter_length - 1;
    size_t before = left_length < most ? left_length : most;
    size_t after = right_length < most ? right_length : most;

    if (before == 0 || after == 0) return 0;
    memcpy(seam, left + left_length - before, before);
    memcpy(seam + before, right, after);
    size_t at = codec_line__find(description, seam, before + after);
    return at == CODEC_LINE__NOWHERE ? 0 : at + description->delimiter_length - before;
}

/* A line feed takes the carriage return before it along. */
static bool codec_line__takes_return(const struct description *description)
{
    return description->delimiter_length == 1 && description->delimiter[0] == '\n';
}

/* The bytes of a line's message, of all that it came as. */
static size_t codec_line__content(const struct description *description, const uint8_t *bytes,
                                  size_t frame_length)
{
    size_t length = frame_length - description->delimiter_length;

    if (codec_line__takes_return(description) && length > 0 && bytes[length - 1] == '\r') length--;
    return length;
}

/* Without a delimiter yet, and however the line goes on: it is too long. */
static bool codec_line__is_hopeless(const struct description *description, uint64_t length)
{
    uint64_t ends =
        description->delimiter_length + (codec_line__takes_return(description) ? 1U : 0);

    return length >= description->max + ends;
}

static enum weir_decoded codec_line__refuse(const struct description *description,
                                            const uint8_t *bytes, size_t length,
                                            struct weir_fault *fault)
{
    const char *is = fault_recognise(bytes, length);

    if (is)
        return fault_write(fault, "a line is longer than %" PRIu64 " bytes: %s", description->max,
                           is);
    return fault_write(fault,
                       "a line is longer than %" PRIu64
                       " bytes: does the client end its lines as this listener does?",
                       description->max);
}

/* The input's own part of a line that ends `count` bytes into it is taken. */
static enum weir_decoded codec_line__finish(const struct description *description,
                                            struct gather *gather, struct weir_input *input,
                                            size_t count, struct weir_message *message,
                                            struct weir_fault *fault)
{
    if (gather->phase == GATHER_IDLE) {
        message->frame = input->bytes;
        message->frame_length = count;
        message->length = codec_line__content(description, input->bytes, count);
        input->bytes += count;
        input->length -= count;
    } else {
        if (!gather_take(gather, input, count)) return gather_no_memory(gather, fault);
        message->frame = gather_bytes(gather);
        message->frame_length = gather->length;
        message->length = codec_line__content(description, message->frame, gather->length);
        gather->phase = GATHER_HELD;
    }
    message->bytes = message->frame;
    return WEIR_DECODED_MESSAGE;
}

/* What is held while a line is skipped: its last bytes, in which a delimiter may have begun. */
static void codec_line__hold_last(const struct description *description, struct gather *gather,
                                  struct weir_input *input)
{
    size_t most = description->delimiter_length - 1;
    uint8_t last[2 * DESCRIPTION_DELIMITER_BYTES_MAX];
    size_t held = gather->length < most ? gather->length : most;
    size_t fresh = input->length < most ? input->length : most;
    size_t kept = held + fresh < most ? held + fresh : most;

    memcpy(last, gather_bytes(gather) + gather->length - held, held);
    if (fresh > 0) memcpy(last + held, input->bytes + input->length - fresh, fresh);
    memmove(last, last + held + fresh - kept, kept);
    gather_clear(gather);
    memcpy(gather->small, last, kept);
    gather->length = kept;
    gather->phase = GATHER_SKIPPING;
    input->bytes += input->length;
    input->length = 0;
}

/* A line without an end so far. */
static enum weir_decoded codec_line__go_on(const struct weir_frame *frame, struct gather *gather,
                                           struct weir_input *input, struct weir_message *message,
                                           struct weir_fault *fault)
{
    const struct description *description = &frame->description;
    uint64_t length = (uint64_t)gather->length + input->length;
    bool is_last = input->ended && gather->phase != GATHER_SKIPPING;

    if (gather->phase != GATHER_SKIPPING &&
        (codec_line__is_hopeless(description, length) || (is_last && length > description->max))) {
        if (!description->skips)
            return codec_line__refuse(description,
                                      gather->length > 0 ? gather_bytes(gather) : input->bytes,
                                      gather->length > 0 ? gather->length : input->length, fault);
        gather->skipped_count++;
        gather->phase = GATHER_SKIPPING;
    }
    if (gather->phase == GATHER_SKIPPING) {
        codec_line__hold_last(description, gather, input);
        if (input->ended) gather_clear(gather);
        return WEIR_DECODED_MORE;
    }
    if (input->length > 0 && !(is_last && gather->length == 0) &&
        !gather_take(gather, input, input->length))
        return gather_no_memory(gather, fault);
    if (!is_last || length == 0) return WEIR_DECODED_MORE;
    /* The last line of the stream may do without its end. */
    message->frame = gather->length > 0 ? gather_bytes(gather) : input->bytes;
    message->bytes = message->frame;
    message->frame_length = message->length = (size_t)length;
    input->bytes += input->length;
    input->length = 0;
    if (gather->phase == GATHER_GATHERING) gather->phase = GATHER_HELD;
    return WEIR_DECODED_MESSAGE;
}

/* How many bytes of the input belong to the line that is being read; 0: no end is in sight. */
static inline size_t codec_line__end(const struct description *description, struct gather *gather,
                                     const struct weir_input *input)
{
    size_t seam = 0, at;

    if (gather->length > 0 && description->delimiter_length > 1)
        seam = codec_line__find_seam(description, gather_bytes(gather), gather->length,
                                     input->bytes, input->length);
    if (seam > 0) return seam;
    at = codec_line__find(description, input->bytes, input->length);
    return at == CODEC_LINE__NOWHERE ? 0 : at + description->delimiter_length;
}

/* Whether the line that ends `count` bytes into the input is too long. */
static bool codec_line__is_oversize(const struct description *description, struct gather *gather,
                                    const struct weir_input *input, size_t count)
{
    uint64_t length = (uint64_t)gather->length + count - description->delimiter_length;

    if (length <= description->max) return false;
    if (length > description->max + 1 || !codec_line__takes_return(description)) return true;
    return (count > 1 ? input->bytes[count - 2] : gather_bytes(gather)[gather->length - 1]) != '\r';
}

static enum weir_decoded codec_line__decode(const struct weir_codec *codec, void *state,
                                            struct weir_input *input, struct weir_message *message,
                                            struct weir_fault *fault)
{
    const struct weir_frame *frame = codec_frame(codec);
    const struct description *description = &frame->description;
    struct gather *gather = state;

    if (gather->phase == GATHER_HELD) gather_clear(gather);
    for (;;) {
        size_t count = input->length > 0 ? codec_line__end(description, gather, input) : 0;
        if (count == 0) return codec_line__go_on(frame, gather, input, message, fault);
        bool is_skipped = gather->phase == GATHER_SKIPPING;
        if (!is_skipped && !codec_line__is_oversize(description, gather, input, count))
            return codec_line__finish(description, gather, input, count, message, fault);
        if (!is_skipped && !description->skips)
            return codec_line__refuse(description, input->bytes, count, fault);
        if (!is_skipped) gather->skipped_count++;
        gather_clear(gather);
        input->bytes += count;
        input->length -= count;
    }
}

static enum weir_code codec_line__encode(const struct weir_codec *codec, const uint8_t *bytes,
                                         size_t length, struct weir_envelope *envelope)
{
    const struct description *description = &codec_frame(codec)->description;

    if (length > description->max) return WEIR_TOO_LARGE;
    if (length > 0) {
        if (codec_line__find(description, bytes, length) != CODEC_LINE__NOWHERE)
            return WEIR_INVALID;
        if (codec_line__takes_return(description) && bytes[length - 1] == '\r') return WEIR_INVALID;
        /* One that begins in the message and ends in our delimiter would cut it short. */
        size_t seam = codec_line__find_seam(description, bytes, length, description->delimiter,
                                            description->delimiter_length - 1);
        if (seam > 0) return WEIR_INVALID;
    }
    memcpy(envelope->tail, description->delimiter, description->delimiter_length);
    envelope->head_length = 0;
    envelope->tail_length = description->delimiter_length;
    envelope->skip = 0;
    return WEIR_OK;
}

void codec_line_fill(struct weir_frame *frame)
{
    frame->codec.decode = codec_line__decode;
    frame->codec.encode = codec_line__encode;
}
