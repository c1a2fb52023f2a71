/* SPDX-License-Identifier: MIT */
/* reassembly.c - reassembles frames that arrive in pieces, and skips oversized ones. */
#include "reassembly.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "decode_error.h"
#include "memory.h"
#include "recognise.h"
#include "thread_local.h"

static THREAD_LOCAL uint64_t reassembly__copied, reassembly__moved;

uint64_t reassembly_copied_bytes(void)
{
    return reassembly__copied;
}

uint64_t reassembly_moved_bytes(void)
{
    return reassembly__moved;
}

static void reassembly__take_off(struct weir_input *input, size_t count)
{
    input->bytes += count;
    input->length -= count;
}

/* Makes room for `needed` bytes. The capacity doubles, which limits copying, but does not exceed
 * `held_bytes_max`. For a header that limit would be the header's end, and the frame's next bytes
 * would move everything again, so it applies only to more than a header. Returns false if memory is
 * exhausted. */
static bool reassembly__grow(struct reassembly *reassembly, size_t needed, uint64_t held_bytes_max)
{
    size_t capacity = reassembly->heap ? reassembly->capacity : REASSEMBLY_SMALL_BYTES;

    weir_check(needed <= held_bytes_max);
    if (needed <= capacity) return true;
    capacity *= 2;
    if (capacity > held_bytes_max && held_bytes_max > WEIR_HEADER_BYTES_MAX)
        capacity = (size_t)held_bytes_max;
    if (capacity < needed) capacity = needed;
    uint8_t *heap = memory_alloc(capacity);
    if (!heap) return false;
    memcpy(heap, reassembly_bytes(reassembly), reassembly->length);
    reassembly__moved += reassembly->length;
    memory_free(reassembly->heap);
    reassembly->heap = heap;
    reassembly->capacity = capacity;
    return true;
}

bool reassembly_take(struct reassembly *reassembly, struct weir_input *input, size_t count,
                     uint64_t held_bytes_max)
{
    weir_check(count <= input->length);
    if (!reassembly__grow(reassembly, reassembly->length + count, held_bytes_max)) return false;
    if (count > 0) memcpy(reassembly_bytes(reassembly) + reassembly->length, input->bytes, count);
    reassembly->length += count;
    reassembly->phase = REASSEMBLY_PARTIAL;
    reassembly__copied += count;
    reassembly__take_off(input, count);
    return true;
}

bool reassembly_skip(struct reassembly *reassembly, struct weir_input *input)
{
    size_t count = input->length;

    if (count > reassembly->skip_bytes) count = (size_t)reassembly->skip_bytes;
    reassembly__take_off(input, count);
    reassembly->skip_bytes -= count;
    return reassembly->skip_bytes == 0;
}

void reassembly_clear(struct reassembly *reassembly)
{
    memory_free(reassembly->heap);
    reassembly->heap = NULL;
    reassembly->length = 0;
    reassembly->capacity = 0;
    reassembly->frame_bytes = 0;
    reassembly->skip_bytes = 0;
    reassembly->phase = REASSEMBLY_IDLE;
    reassembly->note = 0;
}

enum weir_decoded reassembly_need_more(struct reassembly *reassembly,
                                       const struct weir_input *input,
                                       struct weir_decode_error *decode_error)
{
    uint64_t received = reassembly->length;

    if (!input->ended) return WEIR_DECODED_MORE;
    if (reassembly->phase == REASSEMBLY_SKIPPING)
        received = reassembly->frame_bytes - reassembly->skip_bytes;
    if (reassembly->frame_bytes == 0)
        return decode_error_write(
            decode_error,
            "the stream ended inside a frame: %" PRIu64 " bytes, not all of its header", received);
    return decode_error_write(decode_error,
                              "the stream ended inside a frame: %" PRIu64 " of %" PRIu64 " bytes",
                              received, reassembly->frame_bytes);
}

enum weir_decoded reassembly_refuse(const struct reassembly_layout *layout, const uint8_t *bytes,
                                    size_t length, struct weir_decode_error *decode_error)
{
    char what[128];

    snprintf(what, sizeof what, "length %" PRIu64 " exceeds %" PRIu64, layout->length, layout->max);
    if (layout->swapped == 0 || recognise_protocol(bytes, length))
        return decode_error_explain(decode_error, what, bytes, length);
    return decode_error_write(decode_error,
                              "%s: in the other byte order it is %" PRIu64
                              ": does the sender use the other endian?",
                              what, layout->swapped);
}

enum weir_decoded reassembly_no_memory(const struct reassembly *reassembly,
                                       struct weir_decode_error *decode_error)
{
    return decode_error_write(decode_error,
                              "out of memory for a frame of which %" PRIu64 " bytes arrived",
                              (uint64_t)reassembly->length);
}

/* ---- a frame with a header that a probe reads ---- */

/* Rejects or starts to skip an oversized message, whose header is known. */
static enum weir_decoded reassembly__oversize(struct reassembly *reassembly,
                                              const struct reassembly_shape *shape,
                                              const struct reassembly_layout *layout,
                                              const struct weir_input *input,
                                              struct weir_decode_error *decode_error)
{
    const uint8_t *bytes = reassembly->length > 0 ? reassembly_bytes(reassembly) : input->bytes;
    size_t held = reassembly->length;

    if (!shape->skips)
        return reassembly_refuse(layout, bytes, held > 0 ? held : input->length, decode_error);
    reassembly_clear(reassembly);
    reassembly->phase = REASSEMBLY_SKIPPING;
    reassembly->skipped_count++;
    reassembly->frame_bytes = layout->frame_bytes;
    reassembly->skip_bytes = layout->frame_bytes - held;
    return WEIR_DECODED_MESSAGE;
}

/* Hands up a whole frame from the held bytes. */
static enum weir_decoded reassembly__finish(struct reassembly *reassembly,
                                            const struct reassembly_layout *layout,
                                            struct weir_message *message)
{
    message->frame = reassembly_bytes(reassembly);
    message->frame_length = reassembly->length;
    message->header_length = layout->header_bytes;
    message->bytes = message->frame + layout->strip_bytes;
    message->length = reassembly->length - layout->strip_bytes - layout->trailer_bytes;
    reassembly->phase = REASSEMBLY_HELD;
    return WEIR_DECODED_MESSAGE;
}

/* Takes the front of the input until `wanted` bytes are held. Returns false if memory is
 * exhausted. */
static bool reassembly__fill(struct reassembly *reassembly, struct weir_input *input,
                             uint64_t wanted)
{
    uint64_t missing = wanted - reassembly->length;

    return reassembly_take(reassembly, input,
                           missing < input->length ? (size_t)missing : input->length, wanted);
}

/* Puts the held bytes after the frame back to the input, from which this call took them. */
static void reassembly__put_back(struct reassembly *reassembly, struct weir_input *input,
                                 uint64_t frame_bytes)
{
    size_t count = reassembly->length - (size_t)frame_bytes;

    reassembly->length -= count;
    input->bytes -= count;
    input->length += count;
}

/* Reads the header at the front of the held bytes, of which the probe has seen `seen`. Returns
 * WEIR_DECODED_MESSAGE if they are a whole frame, or if the frame is now skipped. Returns
 * WEIR_DECODED_MORE if more bytes are needed. */
static enum weir_decoded reassembly__read_header(struct reassembly *reassembly,
                                                 const struct reassembly_shape *shape, size_t seen,
                                                 struct weir_input *input,
                                                 struct weir_message *message,
                                                 struct weir_decode_error *decode_error)
{
    struct reassembly_layout layout;

    layout.seen_bytes = (uint32_t)seen; /* below header_bytes_max */
    layout.trailer_bytes = 0;
    enum weir_decoded answer = shape->probe(shape->spec, reassembly_bytes(reassembly),
                                            reassembly->length, &layout, decode_error);

    if (answer != WEIR_DECODED_MESSAGE) return answer;
    if (layout.frame_bytes < seen)
        return decode_error_write(decode_error,
                                  "the probe asked for bytes after the end of the frame");
    if (layout.frame_bytes < reassembly->length)
        reassembly__put_back(reassembly, input, layout.frame_bytes);
    if (layout.is_oversize)
        return reassembly__oversize(reassembly, shape, &layout, input, decode_error);
    if (reassembly->length == layout.frame_bytes)
        return reassembly__finish(reassembly, &layout, message);
    reassembly->frame_bytes = layout.frame_bytes;
    return WEIR_DECODED_MORE;
}

/* Hands up the held bytes, which are a whole frame. The probe says where its message is. */
static enum weir_decoded reassembly__read_whole(struct reassembly *reassembly,
                                                const struct reassembly_shape *shape,
                                                struct weir_message *message,
                                                struct weir_decode_error *decode_error)
{
    struct reassembly_layout layout;

    layout.seen_bytes = 0;
    layout.trailer_bytes = 0;
    enum weir_decoded answer = shape->probe(shape->spec, reassembly_bytes(reassembly),
                                            reassembly->length, &layout, decode_error);

    if (answer == WEIR_DECODED_BAD) return answer;
    if (answer == WEIR_DECODED_MORE || layout.frame_bytes != reassembly->length)
        return decode_error_write(decode_error,
                                  "the probe changed its result when more bytes arrived");
    return reassembly__finish(reassembly, &layout, message);
}

/* Continues a frame of which some bytes are held. */
static enum weir_decoded reassembly__resume(struct reassembly *reassembly,
                                            const struct reassembly_shape *shape,
                                            struct weir_input *input, struct weir_message *message,
                                            struct weir_decode_error *decode_error)
{
    if (reassembly->frame_bytes == 0 && input->length > 0) {
        size_t seen = reassembly->length;
        weir_check(seen < shape->header_bytes_max);
        if (!reassembly__fill(reassembly, input, shape->header_bytes_max))
            return reassembly_no_memory(reassembly, decode_error);
        enum weir_decoded answer =
            reassembly__read_header(reassembly, shape, seen, input, message, decode_error);
        if (answer != WEIR_DECODED_MORE) return answer;
    }
    if (reassembly->frame_bytes > 0) {
        if (!reassembly__fill(reassembly, input, reassembly->frame_bytes))
            return reassembly_no_memory(reassembly, decode_error);
        if (reassembly->length == reassembly->frame_bytes)
            return reassembly__read_whole(reassembly, shape, message, decode_error);
    }
    return reassembly_need_more(reassembly, input, decode_error);
}

/* Starts the frame at the front of the input. No bytes are held. Returns WEIR_DECODED_MESSAGE also
 * if the frame is now skipped. */
static enum weir_decoded reassembly__begin(struct reassembly *reassembly,
                                           const struct reassembly_shape *shape,
                                           struct weir_input *input, struct weir_message *message,
                                           struct weir_decode_error *decode_error)
{
    struct reassembly_layout layout;
    enum weir_decoded answer;

    if (input->length == 0) return WEIR_DECODED_MORE;
    layout.seen_bytes = 0;
    layout.trailer_bytes = 0;
    answer = shape->probe(shape->spec, input->bytes, input->length, &layout, decode_error);
    if (answer == WEIR_DECODED_BAD) return answer;
    if (answer == WEIR_DECODED_MESSAGE && layout.is_oversize)
        return reassembly__oversize(reassembly, shape, &layout, input, decode_error);
    if (answer == WEIR_DECODED_MESSAGE && layout.frame_bytes <= input->length)
        return reassembly_hand_up(input, &layout, message);
    if (answer == WEIR_DECODED_MESSAGE) reassembly->frame_bytes = layout.frame_bytes;
    if (!reassembly_take(reassembly, input, input->length,
                         answer == WEIR_DECODED_MORE ? shape->header_bytes_max
                                                     : layout.frame_bytes))
        return reassembly_no_memory(reassembly, decode_error);
    return reassembly_need_more(reassembly, input, decode_error);
}

enum weir_decoded reassembly_go_on(struct reassembly *reassembly,
                                   const struct reassembly_shape *shape, struct weir_input *input,
                                   struct weir_message *message,
                                   struct weir_decode_error *decode_error)
{
    enum weir_decoded result;

    if (reassembly->phase == REASSEMBLY_HELD) reassembly_clear(reassembly);
    do {
        if (reassembly->phase == REASSEMBLY_SKIPPING) {
            if (!reassembly_skip(reassembly, input))
                return reassembly_need_more(reassembly, input, decode_error);
            reassembly_clear(reassembly);
        }
        result = reassembly->phase == REASSEMBLY_IDLE
                     ? reassembly__begin(reassembly, shape, input, message, decode_error)
                     : reassembly__resume(reassembly, shape, input, message, decode_error);
    } while (result == WEIR_DECODED_MESSAGE && reassembly->phase == REASSEMBLY_SKIPPING);
    return result;
}

size_t reassembly_partial_bytes(const struct weir_codec *codec, const void *state)
{
    const struct reassembly *reassembly = state;

    (void)codec;
    if (reassembly->phase == REASSEMBLY_PARTIAL) return reassembly->length;
    if (reassembly->phase == REASSEMBLY_SKIPPING)
        return reassembly->length > 0 ? reassembly->length : 1;
    return 0;
}

void reassembly_release(const struct weir_codec *codec, void *state)
{
    (void)codec;
    reassembly_clear(state);
}
