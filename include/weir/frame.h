/* SPDX-License-Identifier: MIT */
/* frame.h - messages in a stream of bytes: what a codec is, and codecs made of a description of
 * their frames. Usable alone: no server, no socket, no thread.
 *
 *      bytes as they come -> decode -> messages          a message -> encode -> head, bytes, tail
 *
 * One description works both ways. Print the messages that are behind lengths of 4 bytes:
 *
 *      int print_messages(const uint8_t *bytes, size_t length)
 *      {
 *          struct weir_frame *frame = NULL;
 *          struct weir_decoder *decoder = NULL;
 *          struct weir_input input = {bytes, length, true};
 *          struct weir_message message;
 *          struct weir_decode_error fault;
 *          enum weir_decoded told = WEIR_DECODED_BAD;
 *
 *          if (weir_frame_open("u32be,max=64k", &frame, NULL) == WEIR_OK &&
 *              weir_decoder_open(weir_frame_codec(frame), &decoder, NULL) == WEIR_OK)
 *              while ((told = weir_decoder_next(decoder, &input, &message, &fault)) ==
 *                     WEIR_DECODED_MESSAGE)
 *                  printf("%.*s\n", (int)message.length, (const char *)message.bytes);
 *          weir_decoder_free(decoder);
 *          weir_frame_free(frame);
 *          return told == WEIR_DECODED_MORE ? 0 : 1;
 *      }
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
struct weir_decode_error {
    char text[256];
};

#define WEIR_HEADER_BYTES_MAX 64  /* what a codec may write ahead of a message */
#define WEIR_TRAILER_BYTES_MAX 16 /* and behind it */

/* A frame to be sent is `head`, then the message from its byte `skip` on, then `tail`. */
struct weir_framing {
    uint8_t header[WEIR_HEADER_BYTES_MAX];
    uint8_t trailer[WEIR_TRAILER_BYTES_MAX];
    uint32_t header_length, trailer_length;
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
    /* Takes the next message off the input, or all of the input, which may be empty already. Null:
     * all of the input, as it comes, is one message. */
    enum weir_decoded (*decode)(const struct weir_codec *codec, void *state,
                                struct weir_input *input, struct weir_message *message,
                                struct weir_decode_error *decode_error);
    /* How many bytes of a frame that was begun and is not complete the state stands for; 0: it is
     * between two frames. Null: always 0. */
    size_t (*partial_bytes)(const struct weir_codec *codec, const void *state);
    /* Frees what the state holds; the decoder is not used after it. Null: nothing to free. */
    void (*release)(const struct weir_codec *codec, void *state);
    /* What goes around a message. WEIR_TOO_LARGE when no frame can carry it, WEIR_INVALID when its
     * bytes cannot stand in one. Null: it goes as it is. */
    enum weir_code (*encode)(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                             struct weir_framing *framing);
};

/* ---- Codecs made of a description ---- */

/* A description of frames and the codec that was made of it. */
struct weir_frame;

#define WEIR_FRAME_TEXT_BYTES_MAX 256 /* the longest description, with its end */

/* Makes a codec of a description:
 *
 *      u8 u16be u16le u24be u24le u32be u32le u64be u64le     a length, then so many bytes
 *      varint                     a length in LEB128: protobuf's delimited messages
 *      length:KEY=VALUE,...       any header with a length in it
 *          width=1..8|varint      bytes of the length field (4)
 *          endian=big|little      (big)
 *          offset=N               bytes ahead of the length field (0)
 *          header=N               bytes of the whole header (offset + width)
 *          covers=body|header+body|rest   what it counts; rest: all behind its field (body)
 *          adjust=N               is added to the length that was read (0)
 *          strip=yes|no|N         how much of the header is not part of the message (yes)
 *          magic=BYTES            what every frame begins with (nothing)
 *      netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)
 *      line:delimiter=BYTES       ends in the delimiter (\n, before which a \r is taken off, too)
 *      netstring                  5:hello,
 *      fixed:size=N               every message has N bytes
 *      sunrpc                     ONC RPC's record marking; fragments are joined
 *      erlang1 erlang2 erlang4 dns-tcp tpkt mqtt tls-record diameter bgp crlf nul
 *      raw, datagram              no frames: bytes as they come, or datagrams
 *
 * All but fixed, raw and datagram also have max=N, the bytes of the longest message that is handed
 * up, and that may be sent (1m; k, m and g are powers of 1024; what is more than the length field
 * can say means that)
 * and oversize=close|skip: whether a longer one ends the stream or is passed over (close).
 * docs/frames.md has an example of each.
 *
 * WEIR_INVALID: it can never work, *error says why and what may have been meant. WEIR_NO_MEMORY.
 * The caller frees it, after the last use of its codec. */
WEIR_API enum weir_code weir_frame_open(const char *spec, struct weir_frame **frame,
                                        struct weir_error *error);

/* Null is allowed. */
WEIR_API void weir_frame_free(struct weir_frame *frame);

/* Its codec, whose name is the shortest description that means the same. Lives as long as it. */
WEIR_API const struct weir_codec *weir_frame_codec(const struct weir_frame *frame);

/* The shortest description that means the same, cut to `size` bytes with its end. Returns
 * `text`. */
WEIR_API char *weir_frame_text(const struct weir_frame *frame, char *text, size_t size);

/* What a description says, in values: for whoever draws or translates it. */
struct weir_frame_info {
    const char *kind;   /* "length", "line", "netstring", "fixed", "sunrpc", "raw", "datagram" */
    uint64_t max_bytes; /* of the longest message */
    bool skips_oversize;
    uint64_t size_bytes;        /* "fixed": of each message */
    const uint8_t *delimiter;   /* "line" */
    uint32_t delimiter_bytes;   /* the same's length */
    uint32_t width;             /* "length", from here on; 0: a varint */
    uint32_t offset;            /* bytes ahead of the length field */
    uint32_t header;            /* of the whole header; a varint's own bytes come on top */
    uint32_t strip;             /* of them, those that are not in the message; of a varint's */
    bool strips_all, is_little; /* header, all or none: strips_all */
    const char *covers;         /* "body", "header+body", "rest" */
    int64_t adjust;             /* is added to the length */
    int64_t constant;           /* frame = length + constant; not of a varint */
    const uint8_t *magic;       /* what every frame begins with */
    uint32_t magic_bytes;       /* the same's length; 0: nothing */
};

/* Fills in as much of *info as fits into `size` bytes. Its pointers live as long as the frame. */
WEIR_API void weir_frame_describe_sized(const struct weir_frame *frame,
                                        struct weir_frame_info *info, size_t size);

/* Fills in *info, whose pointers live as long as the frame. */
static inline void weir_frame_describe(const struct weir_frame *frame, struct weir_frame_info *info)
{
    weir_frame_describe_sized(frame, info, sizeof *info);
}

/* A description that has a name of its own. */
struct weir_frame_preset {
    const char *name;    /* "tpkt" */
    const char *spec;    /* "length:width=2,..." */
    const char *summary; /* one line for a person */
};

/* The index-th preset; null: no more. Any thread. */
WEIR_API const struct weir_frame_preset *weir_frame_preset_at(size_t index);

/* ---- Heads that no description describes ---- */

/* What a head says: the frame is head, message, tail. */
struct weir_header {
    size_t header_bytes; /* 0 is fine where the message is not empty: then it includes its head */
    uint64_t message_bytes;
    size_t trailer_bytes;
};

/* A codec of which only the head is its author's. */
struct weir_probe {
    size_t size; /* sizeof(struct weir_probe), as its author knew it */
    const char *name, *summary;
    size_t header_bytes_max;    /* the longest head; the probe is not shown more */
    uint64_t message_bytes_max; /* 0: 1 MiB */
    bool skips_oversize;        /* a longer message is passed over; else it ends the stream */
    void *user;                 /* handed to both functions */
    /* Reads a head, of which `length` bytes are here (at least 1). WEIR_DECODED_MORE: it needs
     * more; WEIR_DECODED_MESSAGE: *head is known; WEIR_DECODED_BAD: no frame begins so, because of
     * fault->text. More bytes must never change the answer once it was not WEIR_DECODED_MORE. */
    enum weir_decoded (*probe)(void *user, const uint8_t *bytes, size_t length,
                               struct weir_header *header, struct weir_decode_error *decode_error);
    /* As weir_codec has it; *envelope comes zeroed. Null: messages are sent as they are. */
    enum weir_code (*encode)(void *user, const uint8_t *bytes, size_t length,
                             struct weir_framing *framing);
};

/* Makes a codec of the probe, which is copied, strings too. Codes as of weir_frame_open(). */
WEIR_API enum weir_code weir_frame_open_probe(const struct weir_probe *probe,
                                              struct weir_frame **frame, struct weir_error *error);

/* ---- Without a server ---- */

/* One stream being decoded. One thread at a time. */
struct weir_decoder;

/* Begins a stream. WEIR_NO_MEMORY. The codec must outlive it; the caller frees it. */
WEIR_API enum weir_code weir_decoder_open(const struct weir_codec *codec,
                                          struct weir_decoder **decoder, struct weir_error *error);

/* Null is allowed. */
WEIR_API void weir_decoder_free(struct weir_decoder *decoder);

/* Takes the next message off the input. Call it until it says WEIR_DECODED_MORE: then the input is
 * used up, and only then is it safe to reuse its memory; what was gathered for the last message is
 * free again, too. After WEIR_DECODED_BAD only weir_decoder_free() is of use. `fault` may be
 * null. */
WEIR_API enum weir_decoded weir_decoder_next(struct weir_decoder *decoder, struct weir_input *input,
                                             struct weir_message *message,
                                             struct weir_decode_error *decode_error);

/* How many bytes of a frame that is not complete it holds; 0: it is between two frames. Of one that
 * is being passed over nothing is held, and it counts as 1. */
WEIR_API size_t weir_decoder_partial_bytes(const struct weir_decoder *decoder);

/* How many messages oversize=skip has passed over. */
WEIR_API uint64_t weir_decoder_skipped_count(const struct weir_decoder *decoder);

/* Writes a message's whole frame into `frame`, which has room for `size` bytes. WEIR_NO_ROOM: that
 * is not enough; WEIR_TOO_LARGE and WEIR_INVALID as of weir_codec's encode. */
WEIR_API enum weir_code weir_codec_encode(const struct weir_codec *codec, const void *bytes,
                                          size_t length, uint8_t *frame, size_t size,
                                          size_t *frame_length);

#ifdef __cplusplus
}
#endif
#endif
