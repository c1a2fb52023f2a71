/* SPDX-License-Identifier: MIT */
/* reassembly.h - the messages of a stream, in place where they can be.
 *
 *      IDLE --- a frame whole in the input -----------> handed up where it lies; IDLE
 *       |  `--- the beginning of one -> GATHERING ----> whole: handed up from here; HELD
 *       |                                 |  `--------> nobody may have it (too long): SKIPPING
 *       `------------- the next call ---- HELD
 *
 * A codec brings a probe, which looks at the first bytes of a frame and says how long all of it is.
 * The rest is the same for all of them and is here. What is gathered lies in the state while it is
 * short, then on the heap, in memory that is at most twice what came: never what was announced.
 */
#ifndef PROTO_REASSEMBLY_H
#define PROTO_REASSEMBLY_H

#include <weir/frame.h>

enum reassembly_phase { REASSEMBLY_IDLE, REASSEMBLY_PARTIAL, REASSEMBLY_HELD, REASSEMBLY_SKIPPING };

#define REASSEMBLY_SMALL_BYTES 18

/* What one decoder keeps. All zero: IDLE. */
struct reassembly {
    uint8_t *heap; /* null: what is held is in `small` */
    size_t length; /* what is held */
    size_t capacity;
    uint64_t frame_bytes; /* the whole frame; 0: not known yet */
    uint64_t skip_bytes;  /* still to come of what is skipped */
    uint32_t skipped_count;
    uint8_t phase;
    uint8_t note; /* the codec's own */
    uint8_t small[REASSEMBLY_SMALL_BYTES];
};

/* What the first bytes of a frame say of it. */
struct reassembly_layout {
    uint64_t frame_bytes; /* all of the frame; when more bytes are needed: how many, at least */
    size_t header_bytes, trailer_bytes; /* of the frame, what is not the message */
    bool is_oversize;
    uint64_t length, max, swapped; /* for the text: the length, its limit, what it is backwards */
};

/* WEIR_DECODED_MESSAGE: *layout says where it is; WEIR_DECODED_MORE: the bytes do not tell yet.
 * More bytes never change an answer that was not WEIR_DECODED_MORE, unless the frame was not whole:
 * then it may turn to WEIR_DECODED_BAD. */
typedef enum weir_decoded reassembly_probe(const void *spec, const uint8_t *bytes, size_t length,
                                           struct reassembly_layout *layout,
                                           struct weir_decode_error *decode_error);

/* How one codec cuts a stream. */
struct reassembly_shape {
    reassembly_probe *probe;
    const void *spec;
    bool skips; /* a message that is too long is passed over, and does not end the stream */
};

/* What decode is, where the frame is not simply whole in the input. */
enum weir_decoded reassembly_decode_slowly(struct reassembly *reassembly,
                                           const struct reassembly_shape *shape,
                                           struct weir_input *input, struct weir_message *message,
                                           struct weir_decode_error *decode_error);

/* The message that is whole in the input; takes it off. */
static inline enum weir_decoded reassembly_hand_up(struct weir_input *input,
                                                   const struct reassembly_layout *layout,
                                                   struct weir_message *message)
{
    size_t frame_length = (size_t)layout->frame_bytes;

    message->frame = input->bytes;
    message->frame_length = frame_length;
    message->bytes = input->bytes + layout->header_bytes;
    message->length = frame_length - layout->header_bytes - layout->trailer_bytes;
    input->bytes += frame_length;
    input->length -= frame_length;
    return WEIR_DECODED_MESSAGE;
}

/* What a probing codec's decode does. Inline, so that the codec's own probe is part of it. */
static inline enum weir_decoded reassembly_decode(struct reassembly *reassembly,
                                                  const struct reassembly_shape *shape,
                                                  reassembly_probe *probe, struct weir_input *input,
                                                  struct weir_message *message,
                                                  struct weir_decode_error *decode_error)
{
    struct reassembly_layout layout = {0};

    if (reassembly->phase == REASSEMBLY_IDLE && input->length > 0 &&
        probe(shape->spec, input->bytes, input->length, &layout, decode_error) ==
            WEIR_DECODED_MESSAGE &&
        !layout.is_oversize && layout.frame_bytes <= input->length)
        return reassembly_hand_up(input, &layout, message);
    return reassembly_decode_slowly(reassembly, shape, input, message, decode_error);
}

/* ---- for codecs that do it themselves ---- */

/* What is held. */
static inline uint8_t *reassembly_bytes(struct reassembly *reassembly)
{
    return reassembly->heap ? reassembly->heap : reassembly->small;
}

/* Begins, or goes on: takes `count` bytes off the input and holds them. False: no memory. */
bool reassembly_take(struct reassembly *reassembly, struct weir_input *input, size_t count);

/* Takes off the input what is to be skipped, and is there. True: that was all of it. */
bool reassembly_skip(struct reassembly *reassembly, struct weir_input *input);

/* Frees what is held and is IDLE again. */
void reassembly_clear(struct reassembly *reassembly);

/* The answer when the input holds no more, and a frame has begun: WEIR_DECODED_MORE, or, at the end
 * of the stream, WEIR_DECODED_BAD. */
enum weir_decoded reassembly_need_more(struct reassembly *reassembly,
                                       const struct weir_input *input,
                                       struct weir_decode_error *decode_error);

/* The text for a length that is too large: what it says, the limit, what the bytes look like. */
enum weir_decoded reassembly_refuse(const struct reassembly_layout *layout, const uint8_t *bytes,
                                    size_t length, struct weir_decode_error *decode_error);

/* The text for memory that is not there. */
enum weir_decoded reassembly_no_memory(const struct reassembly *reassembly,
                                       struct weir_decode_error *decode_error);

/* partial_bytes and release of every codec whose state is, or begins with, a struct gather. */
size_t reassembly_partial_bytes(const struct weir_codec *codec, const void *state);
void reassembly_release(const struct weir_codec *codec, void *state);

/* For tests: how many bytes this thread has ever copied to gather them. */
uint64_t reassembly_copied_bytes(void);

#endif
