/* SPDX-License-Identifier: MIT */
/* frame.h - message framing for byte streams: codecs, and codecs made from a frame specification.
 * Usable without a server, a socket or a thread.
 *
 *      received bytes -> decode -> messages      message -> encode -> header, bytes, trailer
 *
 * A frame is the wire form of one message, with header and trailer. A message is the part of the
 * frame that a handler receives: usually the payload, or more if the specification keeps header
 * bytes (strip=no). One specification serves both directions. This function prints messages that
 * are preceded by a length of 4 bytes:
 *
 *      int print_messages(const uint8_t *bytes, size_t length)
 *      {
 *          struct weir_frame *frame = NULL;
 *          struct weir_decoder *decoder = NULL;
 *          struct weir_input input = {bytes, length, true};
 *          struct weir_message message;
 *          struct weir_decode_error decode_error;
 *          enum weir_decoded result = WEIR_DECODED_BAD;
 *
 *          if (weir_frame_open("u32be,max=64k", &frame, NULL) == WEIR_OK &&
 *              weir_decoder_open(weir_frame_codec(frame), &decoder, NULL) == WEIR_OK)
 *              while ((result = weir_decoder_next(decoder, &input, &message, &decode_error)) ==
 *                     WEIR_DECODED_MESSAGE)
 *                  printf("%.*s\n", (int)message.length, (const char *)message.bytes);
 *          weir_decoder_free(decoder);
 *          weir_frame_free(frame);
 *          return result == WEIR_DECODED_MORE ? 0 : 1;
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

/* A decoded message. Its memory is valid until the next call of the decoder. In a handler it is
 * valid until on_message returns or weir_session_send_back() is called, whichever is first. */
struct weir_message {
    const uint8_t *bytes; /* the message: the frame without the stripped header and trailer */
    size_t length;
    /* The whole frame as received, with header and trailer; weir_session_send_back() sends it. If a
     * codec joined the message from several frames, this is one frame that carries the whole
     * message. */
    const uint8_t *frame;
    size_t frame_length;
    /* Length of the frame's header in bytes: the body begins at frame + header_length, whether or
     * not the codec strips the header. With strip=no that is bytes + header_length. 0 if the frame
     * has no header (lines, fixed sizes, raw bytes, datagrams), or if a custom codec does not set
     * this member. */
    size_t header_length;
};

/* Received bytes. A decoder removes the bytes that it has used from the front. */
struct weir_input {
    const uint8_t *bytes;
    size_t length;
    /* The stream ends after these bytes. A frame that is still incomplete then is malformed; but
     * the codec "line" accepts a last line without its delimiter. */
    bool ended;
};

/* Result of decoding. */
enum weir_decoded {
    WEIR_DECODED_MORE,    /* all input was used; the next message needs more bytes */
    WEIR_DECODED_MESSAGE, /* *message is filled in; the rest of the input may hold another one */
    WEIR_DECODED_BAD,     /* malformed input; nothing after it can be decoded */
};

/* Description of malformed input for a person: one line. */
struct weir_decode_error {
    char text[256];
};

#define WEIR_HEADER_BYTES_MAX 64  /* bytes that a codec may write before a message */
#define WEIR_TRAILER_BYTES_MAX 16 /* bytes that a codec may write after a message */

/* The framing of one outgoing message. The frame consists of `header`, then the message without its
 * first `skip` bytes, then `trailer`. */
struct weir_framing {
    uint8_t header[WEIR_HEADER_BYTES_MAX];
    uint8_t trailer[WEIR_TRAILER_BYTES_MAX];
    uint32_t header_length, trailer_length;
    uint32_t skip; /* bytes at the start of the message that the header replaces */
};

/* A codec: splits a byte stream into messages, and frames outgoing messages. It must not change
 * while it is in use. Any number of decoders on any threads may share one codec. The functions
 * below receive this struct as `codec`, or a copy if the struct is of an earlier version (see
 * `size` in weir.h). So keep other data behind `user`, not next to the struct. */
struct weir_codec {
    size_t size; /* sizeof(struct weir_codec) of the version the author compiled with */
    const char *name;
    const char *summary; /* one line for --help */
    bool streams;        /* it can decode a byte stream (TCP) */
    /* It can serve UDP, where each datagram is one message; decode and encode are not called. */
    bool datagrams;
    /* Bytes of state for each decoder; zeroed at the start, aligned to max_align_t. */
    size_t state_bytes;
    void *user; /* pointer for the author's use */
    /* Removes the next message from the front of the input, or all bytes if they contain no whole
     * message. Null: all input bytes are one message. Returns:
     *   WEIR_DECODED_MORE     All input was removed. The codec has copied an incomplete frame into
     *                         its own memory, because the input's memory is reused.
     *   WEIR_DECODED_MESSAGE  *message is filled in, and at least one byte was removed. If the
     *                         stream has ended (input->ended), no byte needs to be removed: one
     *                         last message can consist of bytes that were copied earlier.
     *   WEIR_DECODED_BAD      decode_error->text says why, in one line. `decode_error` is never
     *                         null here.
     * A codec whose frames have a header sets message->header_length for every message, or for
     * none; without that it stays 0. message->bytes and message->frame point into the input or into
     * memory of the codec. The codec keeps that memory unchanged until the next call of decode or
     * release with the same state. Weir also calls decode with an empty input, so that the codec
     * can free that memory. Weir does not limit the length of a message. The codec must have a
     * maximum, and return WEIR_DECODED_BAD for a longer message: otherwise a peer can make the
     * codec store any number of bytes. */
    enum weir_decoded (*decode)(const struct weir_codec *codec, void *state,
                                struct weir_input *input, struct weir_message *message,
                                struct weir_decode_error *decode_error);
    /* Returns the number of received bytes of an incomplete frame; 0 at a frame boundary. A session
     * for which it stays above 0 for frame_timeout_ms, without a complete message meanwhile, is
     * closed. Null: always 0. */
    size_t (*partial_bytes)(const struct weir_codec *codec, const void *state);
    /* Frees the memory that the state refers to. It is the last call for this state. Null: there is
     * nothing to free. */
    void (*release)(const struct weir_codec *codec, void *state);
    /* Fills in *framing, which is zeroed, for a message. framing->skip is at most `length`. Returns
     * WEIR_OK, WEIR_TOO_LARGE if no frame can carry the message, or WEIR_INVALID if its bytes
     * cannot appear in a frame. Null: messages are sent without framing. */
    enum weir_code (*encode)(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                             struct weir_framing *framing);
    /* Fills in *framing, which is zeroed, for a message that weir_session_send_back() returns. The
     * frame that is sent consists of framing->header, then message->frame without its first
     * framing->skip bytes, then framing->trailer. Needed only if a frame that was received must not
     * be sent as it is: because the two directions of the protocol have different headers, for
     * example. Such an answer is copied. Same return values as encode. Null: message->frame is sent
     * unchanged. */
    enum weir_code (*encode_back)(const struct weir_codec *codec,
                                  const struct weir_message *message, struct weir_framing *framing);
};

/* ---- Codecs made from a frame specification ---- */

/* A frame specification and the codec that was made from it: not a frame on the wire, which is
 * weir_message.frame. */
struct weir_frame;

#define WEIR_MESSAGE_BYTES_MAX (UINT32_C(1) << 30) /* longest message of any codec made here */

#define WEIR_FRAME_TEXT_BYTES_MAX 256 /* longest specification, including the NUL */

/* Makes a codec from a frame specification: a name with options, such as "u32be,max=64k" or
 * "line:delimiter=\\0,max=4k" (as C strings). The first option follows ':' or ',', each further one
 * ','. Every option can be left out, except size= of fixed. A number N can end in k, m or g (powers
 * of 1024). BYTES are 1 to 16 characters; \r \n \t \0 \\ \" and \xHH are escapes, and a comma is
 * written as \x2c.
 *
 *      u8 u16be u16le u24be u24le u32be u32le u64be u64le   a length, then that many bytes
 *      varint                     a length in LEB128: protobuf's delimited messages
 *      length:KEY=VALUE,...       any header that contains a length
 *          width=1..8|varint      bytes of the length field (default 4)
 *          endian=big|little      byte order (default big)
 *          offset=N               bytes before the length field (default 0)
 *          header=N               bytes of the whole header (default offset + width)
 *          covers=body|header+body|rest   the bytes that the length counts; rest: all bytes after
 *                                 the length field (default body)
 *          adjust=N               added to the received length; can be negative (default 0)
 *          strip=yes|no|N         header bytes that are not part of the message (default yes: all)
 *          minimal=yes|no         no: a varint may have unnecessary bytes, up to 10 in all; the
 *                                 encoder writes none (default yes)
 *          magic=BYTES            bytes at the start of every frame (default none)
 *      netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)
 *                                 the parameters of Netty's LengthFieldBasedFrameDecoder; options
 *                                 can follow: netty(0,4,0,4),max=64k
 *      line:delimiter=BYTES       ends with the delimiter (default \n, with an optional \r before)
 *      netstring                  5:hello,
 *      fixed:size=N               every message has N bytes, at most 1g
 *      sunrpc                     ONC RPC record marking; fragments are joined
 *          fragments=N            most fragments of one record, including empty ones; a record with
 *                                 more is malformed (default 1024, or one per KiB of max if that is
 *                                 more)
 *      erlang1 erlang2 erlang4 dns-tcp tpkt mqtt tls-record diameter bgp crlf nul
 *                                 presets: weir_frame_preset_at() has the specification of each
 *      raw, datagram              no framing: bytes as received, or datagrams
 *
 * raw and datagram accept neither of the following options. fixed accepts only max=, and a larger
 * size is then an error. All others accept both:
 *          max=N                  bytes of the longest message in both directions, without the
 *                                 stripped header (default 1m, at most 1g; capped at what the
 *                                 length field can express)
 *          oversize=close|skip    a longer message ends the stream, or is skipped (default close)
 * docs/frames.md has an example of each.
 *
 * A program never computes a length: when it sends a message, the codec writes the length field,
 * the magic, and zeros for the other stripped header bytes. If strip= keeps header bytes in the
 * message, a message to send must begin with its own copy of the kept part of the header: the whole
 * header for strip=no, the header without its first N bytes for strip=N. The codec overwrites the
 * length field and the magic in it. A message that is shorter than this part is refused with
 * WEIR_INVALID.
 *
 * Returns WEIR_OK; WEIR_INVALID with the cause and a suggestion in *error; or WEIR_NO_MEMORY. The
 * caller frees *frame, the specification with its codec, after the last use of the codec. `error`
 * may be null. Thread: any. */
WEIR_API enum weir_code weir_frame_open(const char *spec, struct weir_frame **frame,
                                        struct weir_error *error);

/* Frees the specification and its codec. Null is allowed. Thread: any. */
WEIR_API void weir_frame_free(struct weir_frame *frame);

/* Returns the codec, which is valid until weir_frame_free(). Its name is the shortest equivalent
 * specification. Thread: any. */
WEIR_API const struct weir_codec *weir_frame_codec(const struct weir_frame *frame);

/* Writes the shortest equivalent specification, cut to `size` bytes including the NUL. Returns
 * `text`. Thread: any. */
WEIR_API char *weir_frame_text(const struct weir_frame *frame, char *text, size_t size);

/* The values of a frame specification, for programs that draw or translate it. */
struct weir_frame_info {
    const char *kind;   /* "length", "line", "netstring", "fixed", "sunrpc", "raw", "datagram" */
    uint64_t max_bytes; /* longest message */
    bool skips_oversize;
    uint64_t size_bytes;        /* "fixed": bytes of each message */
    const uint8_t *delimiter;   /* "line" */
    uint32_t delimiter_bytes;   /* length of `delimiter` */
    uint32_t width;             /* "length" from here on; bytes of the length field, 0: a varint */
    uint32_t offset;            /* bytes before the length field */
    uint32_t header;            /* bytes of the whole header; a varint's own bytes are extra */
    uint32_t strip;             /* header bytes not in the message; unused for a varint */
    bool strips_all, is_little; /* the whole header is stripped; little endian */
    const char *covers;         /* "body", "header+body", "rest" */
    int64_t adjust;             /* added to the received length */
    int64_t constant;           /* frame bytes = length field + this; unused for a varint */
    const uint8_t *magic;       /* bytes at the start of every frame */
    uint32_t magic_bytes;       /* length of `magic`; 0: none */
    uint32_t fragments_max;     /* "sunrpc": most fragments of one record; otherwise 0 */
    bool is_padding_valid;      /* "length" with a varint: it may have unnecessary bytes */
};

/* Fills in the first `size` bytes of *info. Call weir_frame_describe() instead. */
WEIR_API void weir_frame_describe_sized(const struct weir_frame *frame,
                                        struct weir_frame_info *info, size_t size);

/* Fills in *info. Its pointers are valid until weir_frame_free(). Thread: any. */
static inline void weir_frame_describe(const struct weir_frame *frame, struct weir_frame_info *info)
{
    weir_frame_describe_sized(frame, info, sizeof *info);
}

/* A named frame specification. */
struct weir_frame_preset {
    const char *name;    /* "tpkt" */
    const char *spec;    /* "length:width=2,..." */
    const char *summary; /* one line for a person */
};

/* Returns the preset with this index, from 0; null after the last one. Thread: any. */
WEIR_API const struct weir_frame_preset *weir_frame_preset_at(size_t index);

/* ---- Header parsers, for headers that no specification covers ---- */

/* The result of a probe, the function that parses a header (struct weir_probe). The frame consists
 * of header, message and trailer. All members are 0 before the call, except `seen_bytes`. In the
 * comments below, `length` is the number of bytes that the probe was called with. An impossible
 * result makes the input malformed. */
struct weir_header {
    size_t header_bytes; /* bytes to strip, at most `length`. 0: the message includes the header */
    uint64_t message_bytes; /* length of the message; must not be 0 if header_bytes is 0 */
    size_t trailer_bytes;   /* bytes after the message to strip, at most WEIR_MESSAGE_BYTES_MAX */
    /* Bytes at the start of the message that belong to the header. The sum header_bytes +
     * kept_bytes is at most `length`, and becomes the message's header_length. */
    size_t kept_bytes;
    /* Set by weir: the number of bytes that the previous call for this frame got when it returned
     * WEIR_DECODED_MORE. 0 in the first call, and in the call for a whole frame. A scan for the end
     * of the header can continue at this offset. If the header ends with a text of n bytes,
     * continue n - 1 bytes earlier (at least at 0), because the text can straddle two received
     * pieces. */
    size_t seen_bytes;
};

/* A probe: a header parser from which weir makes a codec. Weir finds the frame's end by calling the
 * probe, and reassembles the message itself. */
struct weir_probe {
    size_t size; /* sizeof(struct weir_probe) of the version the author compiled with */
    const char *name, *summary;
    size_t header_bytes_max;    /* longest header, at most WEIR_MESSAGE_BYTES_MAX; the probe never
                                 * sees more bytes */
    uint64_t message_bytes_max; /* longest message, at most WEIR_MESSAGE_BYTES_MAX; 0: 1 MiB */
    bool skips_oversize;        /* skip a longer message; false: it ends the stream */
    void *user;                 /* passed to both functions */
    /* Parses a header of which `length` bytes (at least 1) have arrived. Returns
     *   WEIR_DECODED_MORE     more bytes are needed
     *   WEIR_DECODED_MESSAGE  *header is filled in
     *   WEIR_DECODED_BAD      invalid header, with a description in decode_error->text
     * If the bytes contain a whole frame, it must not return WEIR_DECODED_MORE. Additional bytes
     * must not change a result other than WEIR_DECODED_MORE. `decode_error` is never null here.
     *
     * Each call gets all bytes that have arrived since the start of the frame, up to
     * header_bytes_max. They can include bytes of the message and of the next frames. A frame that
     * arrives whole causes one call. A frame that arrives in pieces causes at most one call per
     * piece until its header is complete, and one more call, with seen_bytes 0, when the frame is
     * whole. So a peer that sends single bytes can cause header_bytes_max calls per frame: a probe
     * that scans should use seen_bytes. */
    enum weir_decoded (*probe)(void *user, const uint8_t *bytes, size_t length,
                               struct weir_header *header, struct weir_decode_error *decode_error);
    /* Frames an outgoing message, as encode in struct weir_codec does. Null: messages are sent
     * without framing. */
    enum weir_code (*encode)(void *user, const uint8_t *bytes, size_t length,
                             struct weir_framing *framing);
};

/* Makes a codec from a copy of the probe and its strings. Returns the same values as
 * weir_frame_open(). Thread: any. */
WEIR_API enum weir_code weir_frame_open_probe(const struct weir_probe *probe,
                                              struct weir_frame **frame, struct weir_error *error);

/* ---- Decoding and encoding without a server ---- */

/* A decoder: the state of decoding one byte stream. Thread of its functions: any, but only one at a
 * time. */
struct weir_decoder;

/* Makes a decoder for a new stream. Returns WEIR_OK; or WEIR_INVALID (the codec's size is wrong) or
 * WEIR_NO_MEMORY with the cause in *error, which may be null. The codec must outlive the decoder.
 * The caller frees the decoder. */
WEIR_API enum weir_code weir_decoder_open(const struct weir_codec *codec,
                                          struct weir_decoder **decoder, struct weir_error *error);

/* Frees the decoder. Null is allowed. */
WEIR_API void weir_decoder_free(struct weir_decoder *decoder);

/* Removes the next message from the input. Call it in a loop until it returns WEIR_DECODED_MORE:
 * then all input was removed, its memory can be reused, and the last message is no longer valid.
 * After WEIR_DECODED_BAD the decoder can only be freed. `decode_error` may be null. */
WEIR_API enum weir_decoded weir_decoder_next(struct weir_decoder *decoder, struct weir_input *input,
                                             struct weir_message *message,
                                             struct weir_decode_error *decode_error);

/* Returns the number of received bytes of an incomplete frame; 0 at a frame boundary. While an
 * oversize message is being skipped it returns 1. */
WEIR_API size_t weir_decoder_partial_bytes(const struct weir_decoder *decoder);

/* Returns the number of messages that oversize=skip has skipped. */
WEIR_API uint64_t weir_decoder_skipped_count(const struct weir_decoder *decoder);

/* Writes the complete frame of a message into `frame`, which has room for `size` bytes. Returns
 * WEIR_OK, WEIR_NO_ROOM if the frame is longer than `size`, or WEIR_TOO_LARGE or WEIR_INVALID as
 * encode in struct weir_codec does. Thread: any. */
WEIR_API enum weir_code weir_codec_encode(const struct weir_codec *codec, const void *bytes,
                                          size_t length, uint8_t *frame, size_t size,
                                          size_t *frame_length);

#ifdef __cplusplus
}
#endif
#endif
