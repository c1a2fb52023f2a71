/* SPDX-License-Identifier: MIT */
/* frame_tool.c - `weir frame`: explains frame specifications, and applies them to stdin. */
#include "frame_tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "escape.h"
#include "exit_code.h"
#include "frame_explain.h"
#include "frame_guess.h"
#include "os.h"
#include "suggest.h"

#define FRAME_TOOL__PIECE_BYTES 65536
#define FRAME_TOOL__CAPTURE_BYTES_MAX (1U << 18) /* bytes of stdin that a guess is based on */
#define FRAME_TOOL__LINE_BYTES_MAX "64m"         /* longest line to encode */

static int frame_tool__help(FILE *out)
{
    const struct weir_frame_preset *preset;

    fprintf(
        out,
        "weir frame: explains and tests frame specifications, which split bytes into messages:\n"
        "\n"
        "  weir frame explain SPEC            draws it; settings for Netty, tokio, Erlang, libhv\n"
        "  weir frame decode SPEC <FILE       prints the messages: offset, length, text\n"
        "  weir frame encode SPEC <LINES      writes a frame per line; \\n, \\xHH are escapes\n"
        "  weir frame guess <CAPTURE          lists SPECs that fit the first 256k, best first\n"
        "\n"
        "SPEC is a name below, or NAME:key=value,...; docs/frames.md lists all keys:\n"
        "  length:width=4,endian=big,offset=0,header=4,covers=body,adjust=0,strip=yes\n"
        "  netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)\n"
        "  line:delimiter=\\r\\n   netstring   fixed:size=16   sunrpc:fragments=1024\n"
        "  raw   datagram\n"
        "each optionally followed by ,max=64k or ,oversize=skip.\n"
        "\n");
    for (size_t i = 0; (preset = weir_frame_preset_at(i)) != NULL; i++)
        fprintf(out, "  %-12s %s\n", preset->name, preset->summary);
    return EXIT_CODE_OK;
}

static struct weir_frame *frame_tool__open(const char *spec)
{
    struct weir_frame *frame;
    struct weir_error error;
    char text[512];

    if (weir_frame_open(spec, &frame, &error) == WEIR_OK) return frame;
    fprintf(stderr, "weir: %s\n", weir_error_text(&error, text, sizeof text));
    return NULL;
}

static int frame_tool__explain(const struct weir_frame *frame)
{
    static char text[16384];
    struct text_builder builder = {text, sizeof text, 0};

    frame_explain(&builder, frame);
    if (weir_frame_codec(frame)->decode) frame_elsewhere(&builder, frame);
    fputs(text, stdout);
    return EXIT_CODE_OK;
}

/* ---- decode ---- */

/* A stream whose messages are printed while it is read. */
struct frame_tool__stream {
    struct weir_decoder *decoder;
    uint64_t received, end, skipped; /* bytes received; end of the last message; messages skipped */
};

/* Prints one message: the offset of its frame, its length, its text. */
static void frame_tool__print(struct frame_tool__stream *stream, const struct weir_message *message,
                              uint64_t end)
{
    uint64_t skipped = weir_decoder_skipped_count(stream->decoder);
    char piece[4096];

    /* Skipped bytes are between two messages. */
    uint64_t begin = skipped == stream->skipped ? stream->end : end - message->frame_length;
    if (skipped > stream->skipped)
        printf("%10s  %8" PRIu64 "  too long: skipped\n", "-", skipped - stream->skipped);
    printf("%10" PRIu64 "  %8zu  \"", begin, message->length);
    for (size_t at = 0; at < message->length; at += sizeof piece / 8) {
        size_t left = message->length - at;
        struct text_builder builder = {piece, sizeof piece, 0};
        text_builder_escape(&builder, message->bytes + at,
                            left < sizeof piece / 8 ? left : sizeof piece / 8);
        fputs(piece, stdout);
    }
    printf("\"\n");
    stream->end = end;
    stream->skipped = skipped;
}

/* Decodes one piece of the stream. Returns false after printing an error. */
static bool frame_tool__feed(struct frame_tool__stream *stream, const uint8_t *bytes, size_t length,
                             bool ended)
{
    struct weir_input input = {bytes, length, ended};
    struct weir_message message;
    struct weir_decode_error decode_error;
    enum weir_decoded result;

    while ((result = weir_decoder_next(stream->decoder, &input, &message, &decode_error)) ==
           WEIR_DECODED_MESSAGE)
        frame_tool__print(stream, &message, stream->received + (uint64_t)(input.bytes - bytes));
    stream->received += length;
    if (result == WEIR_DECODED_MORE) return true;
    fflush(stdout);
    fprintf(stderr, "weir: bad frame at byte %" PRIu64 ": %s\n", stream->end, decode_error.text);
    return false;
}

static int frame_tool__decode(const struct weir_frame *frame)
{
    static uint8_t piece[FRAME_TOOL__PIECE_BYTES];
    struct frame_tool__stream stream = {.received = 0};
    bool good = true, ended = false;

    if (weir_decoder_open(weir_frame_codec(frame), &stream.decoder, NULL) != WEIR_OK) {
        fprintf(stderr, "weir: out of memory\n");
        return EXIT_CODE_FAILED;
    }
    while (good && !ended) {
        size_t length = fread(piece, 1, sizeof piece, stdin);
        ended = length < sizeof piece;
        good = frame_tool__feed(&stream, piece, length, ended);
    }
    if (weir_decoder_skipped_count(stream.decoder) > stream.skipped)
        printf("%10s  %8" PRIu64 "  too long: skipped\n", "-",
               weir_decoder_skipped_count(stream.decoder) - stream.skipped);
    weir_decoder_free(stream.decoder);
    return good ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* ---- encode ---- */

/* A line as a message, in memory of its own. False: it cannot be, and that was said. */
static bool frame_tool__write(const struct weir_codec *codec, const struct weir_message *line,
                              uint64_t number)
{
    struct arena arena = {0};
    size_t length = line->length, made_length, size = length + WEIR_HEADER_BYTES_MAX + 64;
    uint8_t *message = arena_alloc(&arena, length + 1), *made = arena_alloc(&arena, size);
    bool is_good = false;

    if (!message || !made) {
        fprintf(stderr, "weir: line %" PRIu64 ": out of memory\n", number);
    } else {
        memcpy(message, line->bytes, length);
        if (!escape_read_text(message, &length)) {
            fprintf(stderr,
                    "weir: line %" PRIu64 ": a backslash must be followed by r, n, t, 0, \\, \" or "
                    "xHH\n",
                    number);
        } else {
            enum weir_code code =
                weir_codec_encode(codec, message, length, made, size, &made_length);
            is_good = code == WEIR_OK && fwrite(made, 1, made_length, stdout) == made_length;
            if (!is_good)
                fprintf(stderr, "weir: line %" PRIu64 ": cannot be sent as %s: %s\n", number,
                        codec->name, code == WEIR_OK ? "stdout is closed" : weir_code_text(code));
        }
    }
    arena_free(&arena);
    return is_good;
}

static int frame_tool__encode(const struct weir_frame *frame)
{
    static uint8_t piece[FRAME_TOOL__PIECE_BYTES];
    struct weir_frame *lines = frame_tool__open("line,max=" FRAME_TOOL__LINE_BYTES_MAX);
    struct weir_decoder *decoder = NULL;
    enum weir_decoded result = WEIR_DECODED_BAD;
    struct weir_message line;
    struct weir_decode_error decode_error = {""};
    uint64_t number = 0;
    bool good = lines && weir_decoder_open(weir_frame_codec(lines), &decoder, NULL) == WEIR_OK;

    for (bool ended = false; good && !ended;) {
        size_t length = fread(piece, 1, sizeof piece, stdin);
        ended = length < sizeof piece;
        struct weir_input input = {piece, length, ended};
        while (good && (result = weir_decoder_next(decoder, &input, &line, &decode_error)) ==
                           WEIR_DECODED_MESSAGE)
            good = frame_tool__write(weir_frame_codec(frame), &line, ++number);
        if (result == WEIR_DECODED_BAD) fprintf(stderr, "weir: %s\n", decode_error.text);
        good = good && result == WEIR_DECODED_MORE;
    }
    weir_decoder_free(decoder);
    weir_frame_free(lines);
    return good && fflush(stdout) == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* ---- guess ---- */

static int frame_tool__guess(void)
{
    static uint8_t capture[FRAME_TOOL__CAPTURE_BYTES_MAX];
    struct frame_guess guesses[FRAME_GUESS_MAX];
    size_t length = fread(capture, 1, sizeof capture, stdin);
    size_t count = frame_guess_all(capture, length, guesses);

    if (count == 0) {
        fprintf(stderr, "weir: no frame specification fits these %zu bytes\n", length);
        return EXIT_CODE_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        printf("%-44s %8" PRIu64 " messages", guesses[i].spec, guesses[i].messages_count);
        if (guesses[i].partial_bytes > 0)
            printf(", and %" PRIu64 " bytes of one more", guesses[i].partial_bytes);
        printf("\n");
    }
    return EXIT_CODE_OK;
}

/* ---- which of them ---- */

static const struct {
    const char *name;
    int (*run)(const struct weir_frame *frame);
} frame_tool__commands[] = {
    {"explain", frame_tool__explain},
    {"decode", frame_tool__decode},
    {"encode", frame_tool__encode},
};

static int frame_tool__unknown(const char *word)
{
    static const char *const names[] = {"explain", "decode", "encode", "guess"};
    const char *suggestion =
        suggest_word(word, strlen(word), names, sizeof names / sizeof names[0]);
    struct diagnostics diagnostics = {0};

    diagnostics_add(&diagnostics, "frame %.100s: no such command; %s%s", word,
                    suggestion ? "did you mean " : "see weir frame --help",
                    suggestion ? suggestion : "");
    diagnostics_print(&diagnostics, stderr);
    return EXIT_CODE_USAGE;
}

int frame_tool_main(int count, char **arguments)
{
    os_carry_bytes();
    if (count == 0) {
        frame_tool__help(stderr);
        return EXIT_CODE_USAGE;
    }
    if (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0)
        return frame_tool__help(stdout);
    if (strcmp(arguments[0], "guess") == 0 && count == 1) return frame_tool__guess();
    for (size_t i = 0; i < sizeof frame_tool__commands / sizeof frame_tool__commands[0]; i++) {
        if (strcmp(arguments[0], frame_tool__commands[i].name) != 0) continue;
        if (count != 2) {
            fprintf(stderr, "weir: frame %s takes one SPEC; see weir frame --help\n", arguments[0]);
            return EXIT_CODE_USAGE;
        }
        struct weir_frame *frame = frame_tool__open(arguments[1]);
        if (!frame) return EXIT_CODE_SETTING;
        int code = frame_tool__commands[i].run(frame);
        weir_frame_free(frame);
        return code;
    }
    return frame_tool__unknown(arguments[0]);
}
