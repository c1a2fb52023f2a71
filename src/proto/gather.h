/* SPDX-License-Identifier: MIT */
/* gather.h - the messages of a stream, in place where they can be.
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
#ifndef PROTO_GATHER_H
#define PROTO_GATHER_H

#include <weir/frame.h>

enum gather_phase { GATHER_IDLE, GATHER_GATHERING, GATHER_HELD, GATHER_SKIPPING };

#define GATHER_SMALL_BYTES 18

/* What one decoder keeps. All zero: IDLE. */
struct gather {
    uint8_t *heap; /* null: what is held is in `small` */
    size_t length; /* what is held */
    size_t capacity;
    uint64_t frame_bytes; /* the whole frame; 0: not known yet */
    uint64_t skip_bytes;  /* still to come of what is skipped */
    uint32_t skipped_count;
    uint8_t phase;
    uint8_t note; /* the codec's own */
    uint8_t small[GATHER_SMALL_BYTES];
};

/* What the first bytes of a frame say of it. */
struct gather_head {
    uint64_t frame_bytes; /* all of the frame; when more bytes are needed: how many, at least */
    size_t head_bytes, tail_bytes; /* of the frame, what is not the message */
    bool is_oversize;
    uint64_t said, max, swapped; /* for the text: the length, its limit, what it is backwards */
};

/* WEIR_DECODED_MESSAGE: *head says where it is; WEIR_DECODED_MORE: the bytes do not tell yet.
 * More bytes never change an answer that was not WEIR_DECODED_MORE, unless the frame was not whole:
 * then it may turn to WEIR_DECODED_BAD. */
typedef enum weir_decoded gather_probe(const void *description, const uint8_t *bytes, size_t length,
                                       struct gather_head *head, struct weir_fault *fault);

/* How one codec cuts a stream. */
struct gather_shape {
    gather_probe *probe;
    const void *description;
    bool skips; /* a message that is too long is passed over, and does not end the stream */
};

/* What decode is, where the frame is not simply whole in the input. */
enum weir_decoded gather_decode_slowly(struct gather *gather, const struct gather_shape *shape,
                                       struct weir_input *input, struct weir_message *message,
                                       struct weir_fault *fault);

/* The message that is whole in the input; takes it off. */
static inline enum weir_decoded gather_hand_up(struct weir_input *input,
                                               const struct gather_head *head,
                                               struct weir_message *message)
{
    size_t frame_length = (size_t)head->frame_bytes;

    message->frame = input->bytes;
    message->frame_length = frame_length;
    message->bytes = input->bytes + head->head_bytes;
    message->length = frame_length - head->head_bytes - head->tail_bytes;
    input->bytes += frame_length;
    input->length -= frame_length;
    return WEIR_DECODED_MESSAGE;
}

/* What a probing codec's decode does. Inline, so that the codec's own probe is part of it. */
static inline enum weir_decoded gather_decode(struct gather *gather,
                                              const struct gather_shape *shape, gather_probe *probe,
                                              struct weir_input *input,
                                              struct weir_message *message,
                                              struct weir_fault *fault)
{
    struct gather_head head = {0};

    if (gather->phase == GATHER_IDLE && input->length > 0 &&
        probe(shape->description, input->bytes, input->length, &head, fault) ==
            WEIR_DECODED_MESSAGE &&
        !head.is_oversize && head.frame_bytes <= input->length)
        return gather_hand_up(input, &head, message);
    return gather_decode_slowly(gather, shape, input, message, fault);
}

/* ---- for codecs that do it themselves ---- */

/* What is held. */
static inline uint8_t *gather_bytes(struct gather *gather)
{
    return gather->heap ? gather->heap : gather->small;
}

/* Begins, or goes on: takes `count` bytes off the input and holds them. False: no memory. */
bool gather_take(struct gather *gather, struct weir_input *input, size_t count);

/* Takes off the input what is to be skipped, and is there. True: that was all of it. */
bool gather_skip(struct gather *gather, struct weir_input *input);

/* Frees what is held and is IDLE again. */
void gather_clear(struct gather *gather);

/* The answer when the input holds no more, and a frame has begun: WEIR_DECODED_MORE, or, at the end
 * of the stream, WEIR_DECODED_BAD. */
enum weir_decoded gather_need_more(struct gather *gather, const struct weir_input *input,
                                   struct weir_fault *fault);

/* The text for a length that is too large: what it says, the limit, what the bytes look like. */
enum weir_decoded gather_refuse(const struct gather_head *head, const uint8_t *bytes, size_t length,
                                struct weir_fault *fault);

/* The text for memory that is not there. */
enum weir_decoded gather_no_memory(const struct gather *gather, struct weir_fault *fault);

/* begun_bytes and release of every codec whose state is, or begins with, a struct gather. */
size_t gather_begun_bytes(const struct weir_codec *codec, const void *state);
void gather_release(const struct weir_codec *codec, void *state);

/* For tests: how many bytes this thread has ever copied to gather them. */
uint64_t gather_copied_bytes(void);

#endif
