/* SPDX-License-Identifier: MIT */
/* frame_tool.c - `weir frame`: explains frame specifications, and applies them to a file or to
 * stdin. */
#include "frame_tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "escape.h"
#include "exit_code.h"
#include "failure.h"
#include "frame_arguments.h"
#include "frame_explain.h"
#include "frame_wireshark.h"
#include "guess_print.h"
#include "input.h"
#include "os.h"
#include "os_stream.h"
#include "print.h"

#define FRAME_TOOL__PIECE_BYTES 65536
#define FRAME_TOOL__LINE_BYTES_MAX "64m" /* longest line to encode */

static int frame_tool__help(void)
{
    const struct weir_frame_preset *preset;

    print_text(
        "weir frame: explains and tests frame specifications, which split bytes into messages:\n"
        "\n"
        "  weir frame explain SPEC            draws it; settings for Netty, tokio, Erlang, libhv\n"
        "  weir frame decode SPEC [FILE]      prints the messages: offset, length, text\n"
        "  weir frame encode SPEC [FILE]      writes a frame per line; \\n, \\xHH are escapes\n"
        "  weir frame wireshark SPEC          writes a Wireshark dissector in Lua; --name, --port\n"
        "  weir frame guess [FILE]            lists SPECs that fit the first 4m, best first\n"
        "\n"
        "Without FILE, or with -, they read stdin.\n"
        "SPEC is a name below, or NAME:key=value,...; docs/frames.md lists all keys:\n"
        "  length:width=4,endian=big,offset=0,header=4,covers=body,adjust=0,strip=yes\n"
        "  netty(lengthFieldOffset,lengthFieldLength,lengthAdjustment,initialBytesToStrip)\n"
        "  line:delimiter=\\r\\n   netstring   fixed:size=16   sunrpc:fragments=1024\n"
        "  raw   datagram\n"
        "each optionally followed by ,max=64k or ,oversize=skip.\n"
        "\n");
    for (size_t i = 0; (preset = weir_frame_preset_at(i)) != NULL; i++)
        print_text("  %-12s %s\n", preset->name, preset->summary);
    return EXIT_CODE_OK;
}

static struct weir_frame *frame_tool__open(const char *spec)
{
    struct weir_frame *frame;
    struct weir_error error;
    char text[512];

    if (weir_frame_open(spec, &frame, &error) == WEIR_OK) return frame;
    print_failure("%s", weir_error_text(&error, text, sizeof text));
    return NULL;
}

static int frame_tool__explain(const struct weir_frame *frame)
{
    static char text[16384];
    struct text_builder builder = {text, sizeof text, 0};

    frame_explain(&builder, frame);
    if (weir_frame_codec(frame)->decode) frame_elsewhere(&builder, frame);
    print_bytes(text, strlen(text));
    return EXIT_CODE_OK;
}

static int frame_tool__wireshark(const struct weir_frame *frame, const char *name, uint16_t port)
{
    static char text[FRAME_WIRESHARK_BYTES_MAX];
    struct text_builder builder = {text, sizeof text, 0};

    frame_wireshark(&builder, frame, name, port);
    print_bytes(text, strlen(text));
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
        print_text("%10s  %8" PRIu64 "  too long: skipped\n", "-", skipped - stream->skipped);
    print_text("%10" PRIu64 "  %8zu  \"", begin, message->length);
    for (size_t at = 0; at < message->length; at += sizeof piece / 8) {
        size_t left = message->length - at;
        struct text_builder builder = {piece, sizeof piece, 0};
        text_builder_escape(&builder, message->bytes + at,
                            left < sizeof piece / 8 ? left : sizeof piece / 8);
        print_bytes(piece, strlen(piece));
    }
    print_text("\"\n");
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
    if (result == WEIR_DECODED_MORE) return print_flush();
    print_failure("bad frame at byte %" PRIu64 ": %s", stream->end, decode_error.text);
    return false;
}

static int frame_tool__decode(const struct weir_frame *frame)
{
    static uint8_t piece[FRAME_TOOL__PIECE_BYTES];
    struct frame_tool__stream stream = {.received = 0};
    size_t length = 1;
    int code = EXIT_CODE_OK;

    if (weir_decoder_open(weir_frame_codec(frame), &stream.decoder, NULL) != WEIR_OK) {
        print_failure("out of memory");
        return EXIT_CODE_FAILED;
    }
    while (code == EXIT_CODE_OK && length > 0) {
        if (!input_read(piece, sizeof piece, &length))
            code = EXIT_CODE_IO;
        else if (!frame_tool__feed(&stream, piece, length, length == 0))
            code = EXIT_CODE_FAILED;
    }
    if (weir_decoder_skipped_count(stream.decoder) > stream.skipped)
        print_text("%10s  %8" PRIu64 "  too long: skipped\n", "-",
                   weir_decoder_skipped_count(stream.decoder) - stream.skipped);
    weir_decoder_free(stream.decoder);
    return code;
}

/* ---- encode ---- */

/* Encodes a line as a message, in memory of its own. Returns false after printing an error. */
static bool frame_tool__encode_line(const struct weir_codec *codec, const struct weir_message *line,
                                    uint64_t number, struct arena *arena)
{
    size_t length = line->length, made_length, size = length + WEIR_HEADER_BYTES_MAX + 64;
    uint8_t *message = arena_alloc(arena, length + 1), *made = arena_alloc(arena, size);

    if (!message || !made) {
        print_failure("line %" PRIu64 ": out of memory", number);
        return false;
    }
    memcpy(message, line->bytes, length);
    if (!escape_read_text(message, &length)) {
        print_failure("line %" PRIu64 ": a backslash must be followed by r, n, t, 0, \\, \" or xHH",
                      number);
        return false;
    }
    enum weir_code code = weir_codec_encode(codec, message, length, made, size, &made_length);
    if (code != WEIR_OK) {
        print_failure("line %" PRIu64 ": cannot be sent as %s: %s", number, codec->name,
                      weir_code_text(code));
        return false;
    }
    print_bytes(made, made_length);
    return true;
}

/* The lines of stdin, and the codec of the frames. */
struct frame_tool__lines {
    const struct weir_codec *codec;
    struct weir_decoder *decoder;
    uint64_t count;
};

/* Encodes the lines in one piece of stdin. Returns false after printing an error. */
static bool frame_tool__encode_piece(struct frame_tool__lines *lines, const uint8_t *bytes,
                                     size_t length)
{
    struct weir_input input = {bytes, length, length == 0};
    struct weir_message line;
    struct weir_decode_error decode_error = {""};
    enum weir_decoded result;
    bool good = true;

    while (good && (result = weir_decoder_next(lines->decoder, &input, &line, &decode_error)) ==
                       WEIR_DECODED_MESSAGE) {
        struct arena arena = {0};
        good = frame_tool__encode_line(lines->codec, &line, ++lines->count, &arena);
        arena_free(&arena);
    }
    if (!good) return false;
    if (result == WEIR_DECODED_MORE) return print_flush();
    print_failure("%s", decode_error.text);
    return false;
}

static int frame_tool__encode(const struct weir_frame *frame)
{
    static uint8_t piece[FRAME_TOOL__PIECE_BYTES];
    struct weir_frame *framing = frame_tool__open("line,max=" FRAME_TOOL__LINE_BYTES_MAX);
    struct frame_tool__lines lines = {.codec = weir_frame_codec(frame)};
    size_t length = 1;
    int code = EXIT_CODE_OK;

    if (!framing || weir_decoder_open(weir_frame_codec(framing), &lines.decoder, NULL) != WEIR_OK)
        code = EXIT_CODE_FAILED;
    while (code == EXIT_CODE_OK && length > 0) {
        if (!input_read(piece, sizeof piece, &length))
            code = EXIT_CODE_IO;
        else if (!frame_tool__encode_piece(&lines, piece, length))
            code = EXIT_CODE_FAILED;
    }
    weir_decoder_free(lines.decoder);
    weir_frame_free(framing);
    return code;
}

/* ---- guess ---- */

static int frame_tool__guess(void)
{
    static uint8_t capture[FRAME_GUESS_BYTES_MAX + 1]; /* one more tells that there is more */
    static struct frame_guess_result result;
    size_t length = 0;

    for (size_t more = 1; more > 0 && length < sizeof capture; length += more)
        if (!input_read(capture + length, sizeof capture - length, &more)) return EXIT_CODE_IO;
    if (!frame_guess_run(capture, length, &result)) {
        print_failure("out of memory");
        return EXIT_CODE_FAILED;
    }
    if (result.count == 0) {
        guess_print_nothing(&result);
        return EXIT_CODE_FAILED;
    }
    for (size_t i = 0; i < result.count; i++)
        guess_print(&result.guesses[i], capture, result.bytes);
    if (length > result.bytes)
        print_text("Looked at the first %zu bytes of the capture only.\n", result.bytes);
    return EXIT_CODE_OK;
}

/* ---- which of them ---- */

static int frame_tool__run_spec(const struct frame_arguments *arguments)
{
    static int (*const runs[])(const struct weir_frame *frame) = {
        frame_tool__explain, frame_tool__decode, frame_tool__encode};
    struct weir_frame *frame = frame_tool__open(arguments->spec);
    int code;

    if (!frame) return EXIT_CODE_SETTING;
    code = arguments->command == FRAME_WIRESHARK
               ? frame_tool__wireshark(frame, arguments->name, arguments->port)
               : runs[arguments->command](frame);
    weir_frame_free(frame);
    return code;
}

/* Has the commands read this file instead of stdin. Returns false after printing an error. */
static bool frame_tool__open_file(const char *path)
{
    char what[FAILURE_BYTES / 2], text[FAILURE_BYTES];
    int os_error = os_redirect_input(path);

    if (os_error == 0) return true;
    snprintf(what, sizeof what, "cannot read %.250s", path);
    print_failure("%s", failure_text(what, os_error, "check that the file exists and is readable",
                                     text, sizeof text));
    return false;
}

int frame_tool_main(int count, char **words)
{
    struct frame_arguments arguments;
    struct diagnostics diagnostics = {0};

    os_carry_bytes();
    if (count == 0) {
        print_redirect(2, os_write);
        frame_tool__help();
        return EXIT_CODE_USAGE;
    }
    if (!frame_arguments_read(count, words, &arguments, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        return EXIT_CODE_USAGE;
    }
    if (arguments.help) return frame_tool__help();
    if (arguments.file && !frame_tool__open_file(arguments.file)) return EXIT_CODE_IO;
    return arguments.command == FRAME_GUESS ? frame_tool__guess()
                                            : frame_tool__run_spec(&arguments);
}
