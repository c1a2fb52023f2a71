/* SPDX-License-Identifier: MIT */
/* frame.h - messages in a stream of bytes: what a codec is, and codecs made of a description of
 * their frames. Usable alone: no server, no socket, no thread.
 *
 *      bytes as they come -> decode -> messages          a message -> encode -> head, bytes, tail
 *
 * One description works both ways:
 *
 *      struct weir_frame *frame;
 *      if (weir_frame_open("u32be,max=64k", &frame, &error) != WEIR_OK) ...
 *      const struct weir_codec *codec = weir_frame_codec(frame);
 */
#ifndef WEIR_FRAME_H
#define WEIR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a codec made of received bytes. Valid until the next bytes are decoded; in a handler: until
 * on_message returns or sends it back, whichever comes first. */
struct weir_message {
    const uint8_t *bytes; /* what the frame carries */
    size_t length;
    const uint8_t *frame; /* the same as it came, with its head and its tail */
    size_t frame_length;
};

/* Bytes that came, of which a decoder takes as many as it can use. */
struct weir_input {
    const uint8_t *bytes;
    size_t length;
    bool ended; /* nothing will follow them */
};

/* What a decoder says of its input. */
enum weir_decoded {
    WEIR_DECODED_MORE,    /* all of the input was taken; the next message needs more of it */
    WEIR_DECODED_MESSAGE, /* here is one; the rest of the input may hold another */
    WEIR_DECODED_BAD,     /* what came is no frame: nothing after it can be decoded */
};

/* What was wrong with what came, for a person: one line. */
struct weir_fault {
    char text[256];
};

#define WEIR_HEAD_BYTES_MAX 64 /* what a codec may write ahead of a message */
#define WEIR_TAIL_BYTES_MAX 16 /* and behind it */

/* A frame to be sent is `head`, then the message from its byte `skip` on, then `tail`. */
struct weir_envelope {
    uint8_t head[WEIR_HEAD_BYTES_MAX];
    uint8_t tail[WEIR_TAIL_BYTES_MAX];
    uint32_t head_length, tail_length;
    uint32_t skip; /* how much of the message the head replaces */
};

/* How bytes become messages, and messages bytes. Constant while it is in use; any number of
 * decoders, on any threads, may share one. */
struct weir_codec {
    size_t size; /* sizeof(struct weir_codec), as its author knew it */
    const char *name;
    const char *summary; /* one line for a person */
    bool streams;        /* it cuts a stream (TCP) into messages */
    bool datagrams;      /* it reads and writes datagrams (UDP) */
    /* What one decoder keeps between calls: so many bytes, zeroed at first, well aligned. */
    size_t state_bytes;
    void *user; /* the author's own */
    /* Takes the next message off the input, or all of the input. Null: all of the input, as it
     * comes, is one message. */
    enum weir_decoded (*decode)(const struct weir_codec *codec, void *state,
                                struct weir_input *input, struct weir_message *message,
                                struct weir_fault *fault);
    /* How many bytes of a frame that was begun and is not complete the state stands for; 0: it is
     * between two frames. Null: always 0. */
    size_t (*begun_bytes)(const struct weir_codec *codec, const void *state);
    /* Frees what the state holds; the decoder is not used after it. Null: nothing to free. */
    void (*release)(const struct weir_codec *codec, void *state);
    /* What goes around a message. WEIR_TOO_LARGE when no frame can carry it, WEIR_INVALID when its
     * bytes cannot stand in one. Null: it goes as it is. */
    enum weir_code (*encode)(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                             struct weir_envelope *envelope);
};

#ifdef __cplusplus
}
#endif
#endif
