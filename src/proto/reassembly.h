/* SPDX-License-Identifier: MIT */
/* reassembly.h - splits a stream into frames. A frame that is whole in the input is delivered in
 * place; other frames are reassembled.
 *
 *      IDLE --- whole frame in the input -------------> delivered in place; IDLE
 *       |  `--- start of a frame -----> PARTIAL ------> whole: delivered from here; HELD
 *       |                                 |  `--------> oversized, and skipped: SKIPPING
 *       `------------- the next call ---- HELD
 *
 * A codec has a probe function, which parses the first bytes of a frame and returns its length. All
 * else is common to the codecs and is in this file. Held bytes are in the state while they are few,
 * then on the heap. The heap memory is at most twice what was received, and at most the longest
 * frame; an announced length alone allocates nothing.
 *
 * The work is proportional to the received bytes, however they are cut. Held bytes move to larger
 * memory only when their number doubles. While a header is incomplete, the probe is called once for
 * each received piece, with all available bytes that can belong to the header. Bytes of the next
 * frame among them go back to the input.
 */
#ifndef PROTO_REASSEMBLY_H
#define PROTO_REASSEMBLY_H

#include <weir/frame.h>

enum reassembly_phase { REASSEMBLY_IDLE, REASSEMBLY_PARTIAL, REASSEMBLY_HELD, REASSEMBLY_SKIPPING };

#define REASSEMBLY_SMALL_BYTES 18

/* State of one decoder. All zero: IDLE. */
struct reassembly {
    uint8_t *heap; /* null: the held bytes are in `small` */
    size_t length; /* held bytes */
    size_t capacity;
    uint64_t frame_bytes; /* length of the whole frame; 0: not known yet */
    union {
        uint64_t skip_bytes;  /* SKIPPING: bytes still to be skipped */
        uint64_t parts_count; /* PARTIAL: used by the codec */
    };
    uint32_t skipped_count;
    uint8_t phase;
    uint8_t note; /* used by the codec */
    uint8_t small[REASSEMBLY_SMALL_BYTES];
};

/* A frame as its first bytes describe it. */
struct reassembly_layout {
    uint32_t seen_bytes; /* set by the caller: the probe has seen this many of the bytes, and
                            returned WEIR_DECODED_MORE */
    uint32_t trailer_bytes, strip_bytes; /* parts of the frame around the message */
    uint32_t header_bytes;               /* whole header, at least strip_bytes */
    uint64_t frame_bytes;                /* length of the whole frame */
    bool is_oversize;
    uint64_t length, max,
        swapped; /* for error texts: the length, its limit, its value in the other byte order */
};

/* Parses the first bytes of a frame. seen_bytes is set and trailer_bytes is 0 before the call.
 * Returns WEIR_DECODED_MESSAGE: *layout is set;
 * WEIR_DECODED_MORE: more bytes are needed, and fewer than the longest header arrived; or
 * WEIR_DECODED_BAD. More bytes must not change an answer other than WEIR_DECODED_MORE. One
 * exception: after the whole frame has arrived, the answer can become WEIR_DECODED_BAD. */
typedef enum weir_decoded reassembly_probe(const void *spec, const uint8_t *bytes, size_t length,
                                           struct reassembly_layout *layout,
                                           struct weir_decode_error *decode_error);

/* How one codec splits a stream into frames. */
struct reassembly_shape {
    reassembly_probe *probe;
    const void *spec;
    size_t header_bytes_max; /* longest header, as far as the probe reads it */
    bool skips;              /* an oversized message is skipped and does not end the stream */
};

/* Decodes in every state. It is the slow path of reassembly_decode(), and implements `decode` for a
 * probe that should not be called twice for one input. */
enum weir_decoded reassembly_go_on(struct reassembly *reassembly,
                                   const struct reassembly_shape *shape, struct weir_input *input,
                                   struct weir_message *message,
                                   struct weir_decode_error *decode_error);

/* Delivers a message that is whole in the input, and removes its frame from the input. */
static inline enum weir_decoded reassembly_hand_up(struct weir_input *input,
                                                   const struct reassembly_layout *layout,
                                                   struct weir_message *message)
{
    size_t frame_length = (size_t)layout->frame_bytes;

    message->frame = input->bytes;
    message->frame_length = frame_length;
    message->header_length = layout->header_bytes;
    message->bytes = input->bytes + layout->strip_bytes;
    message->length = frame_length - layout->strip_bytes - layout->trailer_bytes;
    input->bytes += frame_length;
    input->length -= frame_length;
    return WEIR_DECODED_MESSAGE;
}

/* Implements `decode` of a codec with a cheap probe. Inline, so that the compiler can inline the
 * probe. */
static inline enum weir_decoded reassembly_decode(struct reassembly *reassembly,
                                                  const struct reassembly_shape *shape,
                                                  reassembly_probe *probe, struct weir_input *input,
                                                  struct weir_message *message,
                                                  struct weir_decode_error *decode_error)
{
    struct reassembly_layout layout;

    /* Not the members for error texts, which would cost an instruction per message. */
    layout.seen_bytes = layout.trailer_bytes = layout.strip_bytes = layout.header_bytes = 0;
    layout.frame_bytes = 0;
    layout.is_oversize = false;
    if (reassembly->phase == REASSEMBLY_IDLE && input->length > 0 &&
        probe(shape->spec, input->bytes, input->length, &layout, decode_error) ==
            WEIR_DECODED_MESSAGE &&
        !layout.is_oversize && layout.frame_bytes <= input->length)
        return reassembly_hand_up(input, &layout, message);
    return reassembly_go_on(reassembly, shape, input, message, decode_error);
}

/* ---- for codecs that do it themselves ---- */

/* Returns the held bytes. */
static inline uint8_t *reassembly_bytes(struct reassembly *reassembly)
{
    return reassembly->heap ? reassembly->heap : reassembly->small;
}

/* Moves `count` bytes from the input to the held bytes, of which there can be at most
 * `held_bytes_max`. Returns false if memory is exhausted. */
bool reassembly_take(struct reassembly *reassembly, struct weir_input *input, size_t count,
                     uint64_t held_bytes_max);

/* Removes bytes to be skipped from the input. Returns true if none remain to be skipped. */
bool reassembly_skip(struct reassembly *reassembly, struct weir_input *input);

/* Frees the held bytes and returns to IDLE. */
void reassembly_clear(struct reassembly *reassembly);

/* Returns the answer for a partial frame when the input is used up: WEIR_DECODED_MORE, or
 * WEIR_DECODED_BAD at the end of the stream. */
enum weir_decoded reassembly_need_more(struct reassembly *reassembly,
                                       const struct weir_input *input,
                                       struct weir_decode_error *decode_error);

/* Writes the error of a length above its limit: both numbers, and the protocol that the bytes
 * resemble. Returns WEIR_DECODED_BAD. */
enum weir_decoded reassembly_refuse(const struct reassembly_layout *layout, const uint8_t *bytes,
                                    size_t length, struct weir_decode_error *decode_error);

/* Writes the error of exhausted memory. Returns WEIR_DECODED_BAD. */
enum weir_decoded reassembly_no_memory(const struct reassembly *reassembly,
                                       struct weir_decode_error *decode_error);

/* Implement partial_bytes and release of each codec whose state begins with a struct reassembly. */
size_t reassembly_partial_bytes(const struct weir_codec *codec, const void *state);
void reassembly_release(const struct weir_codec *codec, void *state);

/* For tests: returns how many bytes this thread has copied into held bytes. */
uint64_t reassembly_copied_bytes(void);

/* For tests: returns how many held bytes this thread has moved to larger memory. */
uint64_t reassembly_moved_bytes(void);

#endif
