/* SPDX-License-Identifier: MIT */
/* codecs.c - decodes the worst streams of every codec, for tools/codec_instructions.
 *
 *      tables of streams -> codecs_write() -> codecs_decode(), which callgrind counts -> one line
 *
 * Each stream is decoded with several cuts, and in two sizes. The tool finds the worst cut, and
 * whether the double size costs more than double. Lines on stdout: codec, kind, bytes, streams,
 * description. A kind that ends in _cut has small pieces. In the order of the lines, callgrind
 * writes one dump per call of codecs_decode().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/frame.h>

#define CODECS_BYTES 16384 /* the smaller size */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

/* The function keeps its name, by which callgrind finds it. */
#if defined(__clang__)
#define CODECS_COUNTED __attribute__((noinline))
#elif defined(__GNUC__)
#define CODECS_COUNTED __attribute__((noinline, noclone))
#else
#define CODECS_COUNTED
#endif

enum codecs_kind {
    CODECS_LEGAL,   /* every received message is valid */
    CODECS_ILLEGAL, /* oversized messages that are skipped, or a stream that ends inside a frame */
    CODECS_REFUSED, /* many streams, each malformed in its first bytes */
};

static const char *const codecs_kinds[] = {"legal", "illegal", "refused"};

/* A stream is the opening, then the unit again and again, then the closing. */
struct codecs_stream {
    int line;          /* of this file */
    const char *codec; /* the row of the budget */
    enum codecs_kind kind;
    const char *spec; /* null: a probe that continues its scan; "": a probe that does not */
    const char *opening;
    size_t opening_length;
    const char *unit;
    size_t unit_length;
    const char *closing;
    size_t closing_length;
};

#define LEGAL(codec, spec, opening, unit, closing)                                    \
    {                                                                                 \
        __LINE__, codec, CODECS_LEGAL, spec, TEXT(opening), TEXT(unit), TEXT(closing) \
    }
#define ILLEGAL(codec, spec, opening, unit)                                        \
    {                                                                              \
        __LINE__, codec, CODECS_ILLEGAL, spec, TEXT(opening), TEXT(unit), TEXT("") \
    }
#define REFUSED(codec, spec, bytes)                                            \
    {                                                                          \
        __LINE__, codec, CODECS_REFUSED, spec, TEXT(bytes), TEXT(""), TEXT("") \
    }

#define BGP_MAGIC "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct codecs_stream codecs_streams[] = {
    LEGAL("raw", "raw", "", "x", ""),
    /* A length: empty messages, short ones, the longest header, one long message. */
    LEGAL("length", "u8", "", "\0", ""),
    LEGAL("length", "u8", "", "\1x", ""),
    LEGAL("length", "u16be", "", "\0\x15xxxxxxxxxxxxxxxxxxxxx", ""),
    LEGAL("length", "u64le", "", "\1\0\0\0\0\0\0\0x", ""),
    LEGAL("length", "u32be", "\0\x0f\0\0", "x", ""),
    LEGAL("length", "bgp", "", BGP_MAGIC "\0\x13x", ""),
    LEGAL("length", "bgp", BGP_MAGIC "\xff\xff", "x", ""),
    LEGAL("length", "tls-record", "", "\x16\3\1\0\0", ""),
    ILLEGAL("length", "u8,max=1,oversize=skip", "", "\2xx"),
    ILLEGAL("length", "u32be,max=1,oversize=skip", "", "\0\0\0\2xx"),
    ILLEGAL("length", "u64le,oversize=skip", "\0\0\0\0\0\0\0\1", "x"),
    ILLEGAL("length", "u32be", "\0\x0f\0\0", "x"),
    REFUSED("length", "u32be", "GET "),
    REFUSED("length", "u32be", "\0\x7f\0\0"),
    REFUSED("length", "tpkt", "\4"),
    REFUSED("length", "u64be", "\xff\xff\xff\xff\xff\xff\xff\xff"),
    REFUSED("length", "length:width=2,covers=header+body", "\0\1"),
    /* A varint: the shortest and the longest numbers. */
    LEGAL("varint", "varint", "", "\0", ""),
    LEGAL("varint", "varint", "", "\1x", ""),
    LEGAL("varint", "varint", "\x80\x80\x20", "x", ""),
    LEGAL("varint", "mqtt", "", "\xc0\0", ""),
    LEGAL("varint", "length:width=varint,offset=16,magic=aaaaaaaaaaaaaaaa", "",
          "aaaaaaaaaaaaaaaa\0", ""),
    LEGAL("varint", "length:width=varint,offset=54", "",
          "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\0", ""),
    ILLEGAL("varint", "varint,max=1,oversize=skip", "", "\2xx"),
    ILLEGAL("varint", "varint,oversize=skip", "\x80\x80\x80\x80\x80\x80\x80\x80\x40", "x"),
    ILLEGAL("varint", "varint", "\x80\x80\x20", "x"),
    REFUSED("varint", "varint", "\x80\0"),
    REFUSED("varint", "varint", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
    REFUSED("varint", "varint", "\xff\xff\xff\x7f"),
    REFUSED("varint", "mqtt,max=1k", "GET "),
    /* A netstring: the fewest and the most digits. */
    LEGAL("netstring", "netstring", "", "0:,", ""),
    LEGAL("netstring", "netstring", "", "1:x,", ""),
    LEGAL("netstring", "netstring", "", "17:xxxxxxxxxxxxxxxxx,", ""),
    LEGAL("netstring", "netstring", "1048576:", "x", ""),
    ILLEGAL("netstring", "netstring,max=1,oversize=skip", "", "2:xx,"),
    ILLEGAL("netstring", "netstring,oversize=skip", "1234567890123456789:", "x"),
    ILLEGAL("netstring", "netstring", "1048576:", "x"),
    REFUSED("netstring", "netstring", "x"),
    REFUSED("netstring", "netstring", "00"),
    REFUSED("netstring", "netstring", "GET / HTTP/1"),
    REFUSED("netstring", "netstring", "0:x"),
    REFUSED("netstring", "netstring", "12345678901234567890"),
    /* One size. */
    LEGAL("fixed", "fixed:size=1", "", "x", ""),
    LEGAL("fixed", "fixed:size=19", "", "x", ""),
    LEGAL("fixed", "fixed:size=1m", "", "x", ""),
    ILLEGAL("fixed", "fixed:size=1m", "", "x"),
    REFUSED("fixed", "fixed:size=2", "x"),
    /* A delimiter, and streams of its beginnings. */
    LEGAL("line", "line", "", "\n", ""),
    LEGAL("line", "line", "", "\r\n", ""),
    LEGAL("line", "line", "", "x", "\n"),
    LEGAL("line", "line", "", "\r", "\n"),
    LEGAL("line", "line", "", "xxxxxxxxxxxxxxxxxxx\n", ""),
    LEGAL("line", "crlf", "", "\r", "\r\n"),
    LEGAL("line", "crlf", "", "\r\n", ""),
    LEGAL("line", "line:delimiter=aaaaaaaaaaaaaaab", "", "a", "b"),
    LEGAL("line", "line:delimiter=aaaaaaaaaaaaaaab", "", "aaaaaaaaaaaaaac", "aaaaaaaaaaaaaaab"),
    LEGAL("line", "line:delimiter=aaaaaaaaaaaaaaab", "", "aaaaaaaaaaaaaaab", ""),
    ILLEGAL("line", "line,max=1,oversize=skip", "", "xx\n"),
    ILLEGAL("line", "line,max=1,oversize=skip", "", "x"),
    ILLEGAL("line", "line:delimiter=aaaaaaaaaaaaaaab,max=1,oversize=skip", "", "a"),
    ILLEGAL("line", "line:delimiter=aaaaaaaaaaaaaaab,max=1,oversize=skip", "",
            "xxaaaaaaaaaaaaaaab"),
    REFUSED("line", "line,max=1", "xxx"),
    REFUSED("line", "line,max=1", "GET "),
    REFUSED("line", "line,max=1", "xx\n"),
    /* Fragments. */
    LEGAL("sunrpc", "sunrpc", "", "\x80\0\0\0", ""),
    LEGAL("sunrpc", "sunrpc", "", "\x80\0\0\1x", ""),
    LEGAL("sunrpc", "sunrpc", "", "\0\0\0\1x\x80\0\0\0", ""),
    LEGAL("sunrpc", "sunrpc:fragments=1m", "", "\0\0\0\0", "\x80\0\0\0"),
    LEGAL("sunrpc", "sunrpc:fragments=1m", "", "\0\0\0\1x", "\x80\0\0\0"),
    LEGAL("sunrpc", "sunrpc", "\x80\x0f\0\0", "x", ""),
    ILLEGAL("sunrpc", "sunrpc,max=1,oversize=skip", "\0\0\0\2xx", "\0\0\0\0"),
    ILLEGAL("sunrpc", "sunrpc,max=1,oversize=skip", "\0\0\0\2xx", "\0\0\0\1x"),
    ILLEGAL("sunrpc", "sunrpc,max=1,oversize=skip", "", "\x80\0\0\2xx"),
    ILLEGAL("sunrpc", "sunrpc:fragments=1m", "", "\0\0\0\1x"),
    ILLEGAL("sunrpc", "sunrpc", "\x80\x0f\0\0", "x"),
    REFUSED("sunrpc", "sunrpc", "GET "),
    REFUSED("sunrpc", "sunrpc:fragments=1", "\0\0\0\0\0\0\0\0"),
    /* Headers that a user's function scans: one long header, and short ones. */
    LEGAL("probe", NULL, "", "a", "\n\n"),
    LEGAL("probe", NULL, "", "a\n\n", ""),
    LEGAL("probe", NULL, "", "aaaaaaaaaaaaaaaaaaa\n\n", ""),
    LEGAL("probe_restarts", "", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n", ""),
    LEGAL("probe_restarts", "", "", "\n\n", ""),
    ILLEGAL("probe", NULL, "", "a"),
    REFUSED("probe", NULL, "!"),
};

/* The sizes of the first and of all other pieces. */
static const size_t codecs_cuts[][2] = {
    {SIZE_MAX, SIZE_MAX}, {1, SIZE_MAX}, {1, 1}, {2, 2}, {3, 3}, {5, 5}, {17, 17}, {1000, 1000},
};

/* ---- a probe: a header ends in an empty line ---- */

static enum weir_decoded codecs_scan(const uint8_t *bytes, size_t length, size_t from,
                                     struct weir_header *header)
{
    if (bytes[0] == '!') return WEIR_DECODED_BAD;
    for (size_t at = from; at + 2 <= length; at++) {
        if (bytes[at] != '\n' || bytes[at + 1] != '\n') continue;
        header->message_bytes = at + 2;
        return WEIR_DECODED_MESSAGE;
    }
    return WEIR_DECODED_MORE;
}

static enum weir_decoded codecs_probe(void *user, const uint8_t *bytes, size_t length,
                                      struct weir_header *header,
                                      struct weir_decode_error *decode_error)
{
    (void)user;
    (void)decode_error;
    return codecs_scan(bytes, length, header->seen_bytes > 0 ? header->seen_bytes - 1 : 0, header);
}

static enum weir_decoded codecs_probe_restarts(void *user, const uint8_t *bytes, size_t length,
                                               struct weir_header *header,
                                               struct weir_decode_error *decode_error)
{
    (void)user;
    (void)decode_error;
    return codecs_scan(bytes, length, 0, header);
}

/* ---- one measurement ---- */

static void codecs_fail(const struct codecs_stream *stream, const char *what)
{
    fprintf(stderr, "codecs: %s: %s\n", stream->spec ? stream->spec : stream->codec, what);
    exit(2);
}

static struct weir_frame *codecs_open(const struct codecs_stream *stream)
{
    const struct weir_probe resumes = {
        .size = sizeof resumes, .header_bytes_max = 4 * CODECS_BYTES, .probe = codecs_probe};
    const struct weir_probe restarts = {
        .size = sizeof restarts, .header_bytes_max = 32, .probe = codecs_probe_restarts};
    struct weir_frame *frame;
    enum weir_code code;

    if (!stream->spec)
        code = weir_frame_open_probe(&resumes, &frame, NULL);
    else if (stream->spec[0] == '\0')
        code = weir_frame_open_probe(&restarts, &frame, NULL);
    else
        code = weir_frame_open(stream->spec, &frame, NULL);
    if (code != WEIR_OK) codecs_fail(stream, "the codec does not open");
    return frame;
}

/* Writes the stream of about `size` bytes. Returns its length. */
static size_t codecs_write(const struct codecs_stream *stream, uint8_t *bytes, size_t size)
{
    size_t at = stream->opening_length;

    memcpy(bytes, stream->opening, at);
    while (stream->unit_length > 0 && at + stream->unit_length + stream->closing_length <= size) {
        memcpy(bytes + at, stream->unit, stream->unit_length);
        at += stream->unit_length;
    }
    memcpy(bytes + at, stream->closing, stream->closing_length);
    return at + stream->closing_length;
}

/* Decodes one stream in pieces. */
static enum weir_decoded codecs_feed(const struct weir_codec *codec, const uint8_t *bytes,
                                     size_t length, const size_t *cut, bool ends)
{
    enum weir_decoded result = WEIR_DECODED_MORE;
    struct weir_decode_error decode_error;
    struct weir_message message;
    struct weir_decoder *decoder;
    size_t piece = cut[0];

    if (weir_decoder_open(codec, &decoder, NULL) != WEIR_OK) return WEIR_DECODED_BAD;
    for (size_t at = 0; at < length && result != WEIR_DECODED_BAD; piece = cut[1]) {
        if (piece > length - at) piece = length - at;
        struct weir_input input = {bytes + at, piece, ends && at + piece == length};
        do {
            result = weir_decoder_next(decoder, &input, &message, &decode_error);
        } while (result == WEIR_DECODED_MESSAGE);
        at += piece;
    }
    weir_decoder_free(decoder);
    return result;
}

/* Everything that callgrind counts. */
CODECS_COUNTED static enum weir_decoded codecs_decode(const struct weir_codec *codec,
                                                      const uint8_t *bytes, size_t length,
                                                      const size_t *cut, enum codecs_kind kind,
                                                      size_t streams_count)
{
    enum weir_decoded result = WEIR_DECODED_MORE;

    for (size_t i = 0; i < streams_count; i++)
        result = codecs_feed(codec, bytes, length, cut, kind != CODECS_LEGAL);
    return result;
}

static void codecs_measure(const struct codecs_stream *stream, const size_t *cut, size_t size)
{
    static uint8_t bytes[2 * CODECS_BYTES];
    struct weir_frame *frame = codecs_open(stream);
    size_t length = codecs_write(stream, bytes, size);
    bool is_refused = stream->kind == CODECS_REFUSED;
    size_t streams_count = is_refused ? size / 1024 : 1;
    enum weir_decoded result =
        codecs_decode(weir_frame_codec(frame), bytes, length, cut, stream->kind, streams_count);

    if ((stream->kind == CODECS_LEGAL) != (result == WEIR_DECODED_MORE) &&
        (stream->kind != CODECS_ILLEGAL || !strstr(weir_frame_codec(frame)->name, "=skip")))
        codecs_fail(stream, "the result of the decoder is not the expected one");
    printf("%s\t%s%s\t%zu\t%zu\t", stream->codec, codecs_kinds[stream->kind],
           is_refused || cut[1] == SIZE_MAX ? "" : "_cut", length, streams_count);
    printf("%s, line %d in pieces of %zu then %zu\n", weir_frame_codec(frame)->name, stream->line,
           cut[0] < length ? cut[0] : length, cut[1] < length ? cut[1] : length);
    weir_frame_free(frame);
}

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(codecs_streams); i++) {
        const struct codecs_stream *stream = &codecs_streams[i];
        for (size_t j = 0; j < COUNT_OF(codecs_cuts); j++) {
            codecs_measure(stream, codecs_cuts[j], CODECS_BYTES);
            codecs_measure(stream, codecs_cuts[j], 2 * (size_t)CODECS_BYTES);
        }
    }
    return 0;
}
