/* SPDX-License-Identifier: MIT */
/* gather.c - puts together frames that came in pieces, and passes over those nobody may have. */
#include "gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fault.h"
#include "memory.h"

static _Thread_local uint64_t gather__copied;

uint64_t gather_copied_bytes(void)
{
    return gather__copied;
}

static void gather__take_off(struct weir_input *input, size_t count)
{
    input->bytes += count;
    input->length -= count;
}

/* Room for `needed` bytes. Doubling keeps the copying cheap; a known end keeps it from going
 * beyond. */
static bool gather__grow(struct gather *gather, size_t needed)
{
    size_t capacity = gather->heap ? gather->capacity : GATHER_SMALL_BYTES;

    if (needed <= capacity) return true;
    capacity *= 2;
    if (gather->frame_bytes != 0 && capacity > gather->frame_bytes)
        capacity = (size_t)gather->frame_bytes;
    if (capacity < needed) capacity = needed;
    uint8_t *heap = memory_alloc(capacity);
    if (!heap) return false;
    memcpy(heap, gather_bytes(gather), gather->length);
    memory_free(gather->heap);
    gather->heap = heap;
    gather->capacity = capacity;
    return true;
}

bool gather_take(struct gather *gather, struct weir_input *input, size_t count)
{
    weir_check(count <= input->length);
    if (!gather__grow(gather, gather->length + count)) return false;
    if (count > 0) memcpy(gather_bytes(gather) + gather->length, input->bytes, count);
    gather->length += count;
    gather->phase = GATHER_GATHERING;
    gather__copied += count;
    gather__take_off(input, count);
    return true;
}

bool gather_skip(struct gather *gather, struct weir_input *input)
{
    size_t count = input->length;

    if (count > gather->skip_bytes) count = (size_t)gather->skip_bytes;
    gather__take_off(input, count);
    gather->skip_bytes -= count;
    return gather->skip_bytes == 0;
}

void gather_clear(struct gather *gather)
{
    memory_free(gather->heap);
    gather->heap = NULL;
    gather->length = 0;
    gather->capacity = 0;
    gather->frame_bytes = 0;
    gather->skip_bytes = 0;
    gather->phase = GATHER_IDLE;
    gather->note = 0;
}

enum weir_decoded gather_need_more(struct gather *gather, const struct weir_input *input,
                                   struct weir_fault *fault)
{
    uint64_t came = gather->length;

    if (!input->ended) return WEIR_DECODED_MORE;
    if (gather->phase == GATHER_SKIPPING) came = gather->frame_bytes - gather->skip_bytes;
    if (gather->frame_bytes == 0)
        return fault_write(
            fault, "the stream ended inside a frame: %" PRIu64 " bytes, not all of its head", came);
    return fault_write(fault, "the stream ended inside a frame: %" PRIu64 " of %" PRIu64 " bytes",
                       came, gather->frame_bytes);
}

enum weir_decoded gather_refuse(const struct gather_head *head, const uint8_t *bytes, size_t length,
                                struct weir_fault *fault)
{
    char what[128];

    snprintf(what, sizeof what, "length %" PRIu64 " exceeds %" PRIu64, head->said, head->max);
    if (head->swapped == 0 || fault_recognise(bytes, length))
        return fault_explain(fault, what, bytes, length);
    return fault_write(fault,
                       "%s: with its bytes in the other order it is %" PRIu64
                       ": does the sender mean the other endian?",
                       what, head->swapped);
}

enum weir_decoded gather_no_memory(const struct gather *gather, struct weir_fault *fault)
{
    return fault_write(fault, "no memory to gather a frame of which %" PRIu64 " bytes came",
                       (uint64_t)gather->length);
}

/* ---- a frame with a head that a probe reads ---- */

/* The head is known, and the message is too long. */
static enum weir_decoded gather__oversize(struct gather *gather, const struct gather_shape *shape,
                                          const struct gather_head *head,
                                          const struct weir_input *input, struct weir_fault *fault)
{
    const uint8_t *bytes = gather->length > 0 ? gather_bytes(gather) : input->bytes;
    size_t held = gather->length;

    if (!shape->skips) return gather_refuse(head, bytes, held > 0 ? held : input->length, fault);
    gather_clear(gather);
    gather->phase = GATHER_SKIPPING;
    gather->skipped_count++;
    gather->frame_bytes = head->frame_bytes;
    gather->skip_bytes = head->frame_bytes - held;
    return WEIR_DECODED_MESSAGE;
}

/* Whole, from what is held. */
static enum weir_decoded gather__finish(struct gather *gather, const struct gather_head *head,
                                        struct weir_message *message)
{
    message->frame = gather_bytes(gather);
    message->frame_length = gather->length;
    message->bytes = message->frame + head->head_bytes;
    message->length = gather->length - head->head_bytes - head->tail_bytes;
    gather->phase = GATHER_HELD;
    return WEIR_DECODED_MESSAGE;
}

/* Nothing is held: a frame begins with the input's first byte. */
static enum weir_decoded gather__begin(struct gather *gather, const struct gather_shape *shape,
                                       struct weir_input *input, struct weir_message *message,
                                       struct weir_fault *fault)
{
    struct gather_head head;
    enum weir_decoded told;

    if (input->length == 0) return WEIR_DECODED_MORE;
    told = shape->probe(shape->description, input->bytes, input->length, &head, fault);
    if (told == WEIR_DECODED_BAD) return told;
    if (told == WEIR_DECODED_MESSAGE && head.is_oversize)
        return gather__oversize(gather, shape, &head, input, fault);
    if (told == WEIR_DECODED_MESSAGE && head.frame_bytes <= input->length)
        return gather_hand_up(input, &head, message);
    if (told == WEIR_DECODED_MESSAGE) gather->frame_bytes = head.frame_bytes;
    if (!gather_take(gather, input, input->length)) return gather_no_memory(gather, fault);
    return gather_need_more(gather, input, fault);
}

/* Takes what the frame is known to need. False: no memory. */
static bool gather__fill(struct gather *gather, struct weir_input *input, uint64_t needed)
{
    uint64_t missing = needed - gather->length;

    return gather_take(gather, input, missing < input->length ? (size_t)missing : input->length);
}

/* Some of a frame is held. */
static enum weir_decoded gather__go_on(struct gather *gather, const struct gather_shape *shape,
                                       struct weir_input *input, struct weir_message *message,
                                       struct weir_fault *fault)
{
    struct gather_head head = {0};
    enum weir_decoded told;

    for (;;) {
        if (gather->frame_bytes == 0 || gather->length == gather->frame_bytes) {
            told = shape->probe(shape->description, gather_bytes(gather), gather->length, &head,
                                fault);
            if (told == WEIR_DECODED_BAD) return told;
            if (told == WEIR_DECODED_MESSAGE && head.frame_bytes < gather->length)
                return fault_write(fault, "the probe asked for bytes beyond the end of the frame");
            if (told == WEIR_DECODED_MESSAGE && head.is_oversize)
                return gather__oversize(gather, shape, &head, input, fault);
            if (told == WEIR_DECODED_MESSAGE && gather->length == head.frame_bytes)
                return gather__finish(gather, &head, message);
            if (told == WEIR_DECODED_MESSAGE) gather->frame_bytes = head.frame_bytes;
        }
        if (input->length == 0) return gather_need_more(gather, input, fault);
        if (!gather__fill(gather, input,
                          gather->frame_bytes > 0 ? gather->frame_bytes : head.frame_bytes))
            return gather_no_memory(gather, fault);
    }
}

enum weir_decoded gather_decode_slowly(struct gather *gather, const struct gather_shape *shape,
                                       struct weir_input *input, struct weir_message *message,
                                       struct weir_fault *fault)
{
    enum weir_decoded told;

    if (gather->phase == GATHER_HELD) gather_clear(gather);
    do {
        if (gather->phase == GATHER_SKIPPING) {
            if (!gather_skip(gather, input)) return gather_need_more(gather, input, fault);
            gather_clear(gather);
        }
        told = gather->phase == GATHER_IDLE ? gather__begin(gather, shape, input, message, fault)
                                            : gather__go_on(gather, shape, input, message, fault);
    } while (told == WEIR_DECODED_MESSAGE && gather->phase == GATHER_SKIPPING);
    return told;
}

size_t gather_begun_bytes(const struct weir_codec *codec, const void *state)
{
    const struct gather *gather = state;

    (void)codec;
    if (gather->phase == GATHER_GATHERING) return gather->length;
    if (gather->phase == GATHER_SKIPPING) return gather->length > 0 ? gather->length : 1;
    return 0;
}

void gather_release(const struct weir_codec *codec, void *state)
{
    (void)codec;
    gather_clear(state);
}
