/* SPDX-License-Identifier: MIT */
/* send.c - `weir send`: connects, sends messages and prints the answers.
 *
 *     arguments, or --> message --encode--> out ----> peer ----> decode ----> stdout
 *     lines of stdin                           (in both directions at the same time)
 *
 * TCP: sends FIN after the last message, and exits when the peer's FIN arrives. With --wait it
 * sends no FIN, and exits when nothing arrived for that long.
 * UDP: sends each message as one datagram, and exits after as many answers. */
#include "send.h"

#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#include "diagnostics.h"
#include "escape.h"
#include "exit_code.h"
#include "failure.h"
#include "print.h"
#include "send_connect.h"
#include "send_options.h"
#include "send_stream.h"

#define SEND__PIECE_BYTES 65536
#define SEND__DATAGRAM_BYTES_MAX 65507     /* of UDP over IPv4 */
#define SEND__PENDING_BYTES_MAX (1u << 20) /* above this, stdin is not read */

/* A growing array in the arena of the options. */
struct send__bytes {
    uint8_t *at;
    size_t used, room;
};

struct send {
    struct send_options options;
    struct send_stream stream;
    struct weir_frame *frame;
    struct weir_decoder *decoder;
    struct send__bytes out, line; /* unsent bytes; an incomplete line of stdin */
    size_t out_sent;              /* bytes of `out` that are sent */
    size_t messages, answers;
    bool input_open; /* set while messages are read from stdin */
    bool finished;   /* FIN was sent */
    bool peer_ended;
    bool input_failed; /* stdin cannot be read, and that was printed */
    uint8_t piece[SEND__PIECE_BYTES];
};

static bool send__fail(const struct send *send, const char *what, const char *why)
{
    print_failure("%s %.100s: %s", what, send->options.address, why);
    return false;
}

/* Makes room for `more` bytes after those in use. */
static bool send__reserve(struct send *send, struct send__bytes *bytes, size_t more)
{
    size_t room = bytes->room > 0 ? bytes->room : 4096;
    uint8_t *grown;

    while (room - bytes->used < more) room *= 2;
    if (room == bytes->room) return true;
    grown = arena_alloc(&send->options.arena, room);
    if (!grown) return send__fail(send, "cannot send to", "out of memory");
    if (bytes->used > 0) memcpy(grown, bytes->at, bytes->used);
    bytes->at = grown;
    bytes->room = room;
    return true;
}

/* ---- messages ---- */

static bool send__datagram(struct send *send, const uint8_t *bytes, size_t length)
{
    size_t sent;
    enum os_peer_result result;

    while ((result = os_peer_send(&send->stream.peer, bytes, length, &sent)) == OS_PEER_NOT_NOW)
        os_peer_wait(&send->stream.peer, OS_PEER_SEND, send->options.timeout_ms);
    return result == OS_PEER_DONE || send__fail(send, "cannot send to", send->stream.peer.why);
}

static bool send__frame(struct send *send, const uint8_t *bytes, size_t length)
{
    size_t room = WEIR_HEADER_BYTES_MAX + length + WEIR_TRAILER_BYTES_MAX, frame;
    enum weir_code code;

    if (!send__reserve(send, &send->out, room)) return false;
    code = weir_codec_encode(weir_frame_codec(send->frame), bytes, length,
                             send->out.at + send->out.used, room, &frame);
    if (code == WEIR_TOO_LARGE)
        return send__fail(send, "cannot send to",
                          "the message is too long for a frame of that codec");
    if (code != WEIR_OK)
        return send__fail(send, "cannot send to",
                          "a frame of that codec cannot contain these bytes");
    send->out.used += frame;
    return true;
}

/* Returns the bytes of a message as the options describe it, and sets *length; null after printing
 * why it cannot be sent. */
static const uint8_t *send__bytes_of(struct send *send, const char *text, size_t *length)
{
    const char *kind = send->options.messages_count > 0 ? "message" : "line";
    size_t written = *length, number = send->messages + 1;

    if (!send->options.hex) return (const uint8_t *)text;
    uint8_t *read = arena_alloc(&send->options.arena, written / 2 + 1);
    if (!read) {
        send__fail(send, "cannot send to", "out of memory");
        return NULL;
    }
    *length = escape_read_hex(text, written, read);
    if (*length != ESCAPE_INVALID) return read;
    char escaped[40 * ESCAPE_BYTES_MAX + 1];
    escape_text((const uint8_t *)text, written < 40 ? written : 40, escaped, sizeof escaped);
    print_failure("%s %zu, \"%s\"%s: with --hex write pairs of hexadecimal digits, such as "
                  "68 65 6c",
                  kind, number, escaped, written > 40 ? "..." : "");
    return NULL;
}

static bool send__message(struct send *send, const char *text, size_t length)
{
    const uint8_t *bytes = send__bytes_of(send, text, &length);

    if (!bytes) return false;
    send->messages++;
    return send->options.udp ? send__datagram(send, bytes, length)
                             : send__frame(send, bytes, length);
}

/* Checks the messages of the command line before the connect, and frames those for TCP. */
static bool send__prepare(struct send *send)
{
    const struct send_options *options = &send->options;

    for (size_t i = 0; i < options->messages_count; i++) {
        size_t length = strlen(options->messages[i]);
        const uint8_t *bytes = send__bytes_of(send, options->messages[i], &length);
        if (!bytes) return false;
        if (!options->udp && !send__frame(send, bytes, length)) return false;
        if (options->udp && length > SEND__DATAGRAM_BYTES_MAX)
            return send__fail(send, "cannot send to",
                              "the message is too long for a datagram (65507 bytes)");
        send->messages++;
    }
    return true;
}

/* Sends the datagrams of the command line, which send__prepare() has checked. */
static bool send__datagrams(struct send *send)
{
    const struct send_options *options = &send->options;
    bool good = true;

    if (!options->udp) return true;
    send->messages = 0;
    for (size_t i = 0; good && i < options->messages_count; i++)
        good = send__message(send, options->messages[i], strlen(options->messages[i]));
    return good;
}

/* ---- stdin ---- */

static bool send__line(struct send *send)
{
    size_t length = send->line.used;

    if (length > 0 && send->line.at[length - 1] == '\r') length--;
    send->line.used = 0;
    return send__message(send, (const char *)send->line.at, length);
}

/* Reads from stdin. Each line is a message; the last one can lack its newline. */
static bool send__read_input(struct send *send)
{
    size_t length;
    bool ended;
    int os_error = os_peer_read_input(send->piece, sizeof send->piece, &length, &ended);
    const uint8_t *at = send->piece, *end = at + length;

    if (os_error != 0) {
        char text[FAILURE_BYTES];
        print_failure("%s", failure_text("cannot read stdin", os_error, NULL, text, sizeof text));
        send->input_failed = true;
        return false;
    }
    if (ended) {
        send->input_open = false;
        return send->line.used == 0 || send__line(send);
    }
    while (at < end) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        size_t part = (size_t)((stop ? stop : end) - at);
        if (!send__reserve(send, &send->line, part + 1)) return false;
        memcpy(send->line.at + send->line.used, at, part);
        send->line.used += part;
        if (stop && !send__line(send)) return false;
        at += part + (stop ? 1 : 0);
    }
    return true;
}

/* ---- the peer ---- */

static bool send__push(struct send *send)
{
    size_t sent = 0;
    enum os_peer_result result = send_stream_send(&send->stream, send->out.at + send->out_sent,
                                                  send->out.used - send->out_sent, &sent);

    if (result == OS_PEER_FAILED) return send__fail(send, "cannot send to", send->stream.peer.why);
    send->out_sent += sent;
    if (send->out_sent == send->out.used) send->out_sent = send->out.used = 0;
    return true;
}

static void send__print(struct send *send, const uint8_t *bytes, size_t length)
{
    send->answers++;
    if (send->options.raw) {
        print_bytes(bytes, length);
        return;
    }
    (send->options.hex ? print_hex : print_escaped)(bytes, length);
    print_bytes("\n", 1);
}

/* Prints the messages in the received bytes. An incomplete message at the end is an error. */
static bool send__decode(struct send *send, size_t length)
{
    struct weir_input input = {send->piece, length, send->peer_ended};
    struct weir_message message;
    struct weir_decode_error decode_error;
    enum weir_decoded result;

    if (send->options.udp) {
        send__print(send, send->piece, length);
        return true;
    }
    while ((result = weir_decoder_next(send->decoder, &input, &message, &decode_error)) ==
           WEIR_DECODED_MESSAGE)
        send__print(send, message.bytes, message.length);
    if (result == WEIR_DECODED_BAD) return send__fail(send, "cannot read", decode_error.text);
    if (send->peer_ended && weir_decoder_partial_bytes(send->decoder) > 0)
        return send__fail(send, "cannot read", "the connection ended in the middle of a message");
    return true;
}

/* Without close_notify the answer can have been cut on the way, unless frames show its end. */
static bool send__check_end(const struct send *send)
{
    if (!send->stream.is_truncated || strncmp(send->options.codec, "raw", 3) != 0) return true;
    return send__fail(send, "cannot read",
                      "the connection ended without close_notify of TLS, so the answer can be "
                      "incomplete");
}

static bool send__receive(struct send *send)
{
    do {
        size_t length = 0;
        enum os_peer_result result =
            send_stream_receive(&send->stream, send->piece, sizeof send->piece, &length);
        if (result == OS_PEER_NOT_NOW) return true;
        if (result == OS_PEER_FAILED) return send__fail(send, "cannot read", send->stream.peer.why);
        send->peer_ended = result == OS_PEER_ENDED;
        if (!send__decode(send, length) || !print_flush()) return false;
    } while (send->stream.has_more);
    return !send->peer_ended || send__check_end(send);
}

/* ---- exchange ---- */

static bool send__all_is_sent(const struct send *send)
{
    return !send->input_open && send->out.used == 0 && !send_stream_unsent(&send->stream);
}

static bool send__is_over(const struct send *send)
{
    if (send->peer_ended) return true;
    return send->options.udp && send->options.wait_ms == 0 && send__all_is_sent(send) &&
           send->answers >= send->messages;
}

static unsigned send__wanted(const struct send *send)
{
    unsigned wanted = OS_PEER_RECEIVE;

    if ((send->out.used > 0 && !send->stream.waits_for_input) || send_stream_unsent(&send->stream))
        wanted |= OS_PEER_SEND;
    if (send->input_open && send->out.used < SEND__PENDING_BYTES_MAX) wanted |= OS_PEER_INPUT;
    return wanted;
}

/* Returns how long to wait. There is no timeout while a user types. */
static uint32_t send__timeout_ms(const struct send *send)
{
    if (send->input_open && send->out.used == 0) return UINT32_MAX;
    return send->options.wait_ms > 0 && send__all_is_sent(send) ? send->options.wait_ms
                                                                : send->options.timeout_ms;
}

static bool send__on_timeout(const struct send *send)
{
    if (send->options.wait_ms > 0 && send__all_is_sent(send)) return true;
    if (send->input_open && send->out.used == 0) return true;
    return send__fail(send, "gave up on",
                      send->out.used > 0 ? "the peer stopped reading, see --timeout"
                      : send->options.udp
                          ? "not every datagram was answered, see --timeout"
                          : "the peer does not close the connection, see --timeout and --wait");
}

/* Sends FIN when everything is sent, except with --wait. */
static void send__finish_when_sent(struct send *send)
{
    if (send->finished || send->options.udp || send->options.wait_ms > 0) return;
    if (!send__all_is_sent(send)) return;
    send->finished = send_stream_finish(&send->stream) == OS_PEER_DONE;
}

/* Sends, receives or reads stdin. `able` is the result of os_peer_wait(). */
static bool send__on_ready(struct send *send, unsigned able)
{
    if (able & OS_PEER_SEND && !send__push(send)) return false;
    if (able & OS_PEER_RECEIVE && !send__receive(send)) return false;
    if (able & OS_PEER_INPUT && !send->peer_ended) return send__read_input(send);
    return true;
}

static bool send__exchange(struct send *send)
{
    while (!send__is_over(send)) {
        send__finish_when_sent(send);
        unsigned able =
            os_peer_wait(&send->stream.peer, send__wanted(send), send__timeout_ms(send));
        if (able == 0) return send__on_timeout(send);
        if (!send__on_ready(send, able)) return false;
    }
    return send__all_is_sent(send) ||
           send__fail(send, "cannot send to",
                      "the peer closed the connection before everything was sent");
}

/* ---- the command ---- */

static bool send__open_codec(struct send *send)
{
    struct weir_error error;
    char text[512];

    if (weir_frame_open(send->options.codec, &send->frame, &error) != WEIR_OK ||
        weir_decoder_open(weir_frame_codec(send->frame), &send->decoder, &error) != WEIR_OK) {
        print_failure("%s", weir_error_text(&error, text, sizeof text));
        return false;
    }
    if (weir_frame_codec(send->frame)->streams || send->options.udp) return true;
    print_failure("--codec %.100s is not for TCP; see --udp", send->options.codec);
    return false;
}

/* Reads the files of TLS before connecting, so that their mistakes are settings. */
static bool send__open_tls(struct send *send)
{
    const struct send_options *options = &send->options;
    const struct weir_tls_connect settings = {.size = sizeof settings,
                                              .name = options->tls_name,
                                              .ca = options->tls_ca,
                                              .insecure = options->tls_insecure,
                                              .certificate = options->tls_cert,
                                              .key = options->tls_key,
                                              .min = (enum weir_tls_min)options->tls_min,
                                              .alpn = options->tls_alpn,
                                              .alpn_required = options->tls_alpn != NULL};
    struct weir_error error;
    char text[512], host[256];

    send_stream_init(&send->stream, NULL);
    snprintf(host, sizeof host, "%.*s", (int)strcspn(options->host, "%"), options->host);
    if (!options->tls ||
        weir_tls_client_open(&settings, host, &send->stream.tls, &error) == WEIR_OK)
        return true;
    print_failure("%s", weir_error_text(&error, text, sizeof text));
    return false;
}

static bool send__connect(struct send *send)
{
    const struct send_options *options = &send->options;
    struct send_stream *stream = &send->stream;

    if (!send_connect(&stream->peer, options->host, options->port, options->udp,
                      options->timeout_ms))
        return false;
    if (!stream->tls || send_stream_secure(stream, options->timeout_ms)) return true;
    send_stream_close(stream);
    return false;
}

static int send__run(struct send *send)
{
    const struct send_options *options = &send->options;

    if (!send__open_codec(send) || !send__open_tls(send)) return EXIT_CODE_SETTING;
    if (!send__prepare(send)) return EXIT_CODE_USAGE;
    if (!send__connect(send)) {
        send__fail(send, "cannot connect to", send->stream.peer.why);
        return EXIT_CODE_UNAVAILABLE;
    }
    send->input_open = options->messages_count == 0;
    bool good = send__datagrams(send) && send__exchange(send);
    send_stream_close(&send->stream);
    if (send->input_failed) return EXIT_CODE_IO;
    return good ? EXIT_CODE_OK : EXIT_CODE_FAILED; /* lost output: see print_end() */
}

static int send__help(void)
{
    struct send_options defaults;

    send_options_init(&defaults);
    print_text(
        "weir send [OPTION]... ADDRESS [MESSAGE...]: sends messages and prints the answers\n");
    option_help(&send_options_table, &defaults);
    print_text(
        "\n"
        "ADDRESS is HOST:PORT, [ADDR6]:PORT, PORT (this machine), tcp://HOST:PORT?codec=SPEC or\n"
        "udp://HOST:PORT, or unix:PATH on Linux. A link-local address names its interface:\n"
        "[fe80::1%%eth0]:PORT.\n"
        "Without MESSAGE, each line of stdin is a message. Each answer is printed on one line;\n"
        "bytes that are not printable ASCII are escaped.\n"
        "\n"
        "  weir send 127.0.0.1:5050 hello\n"
        "  weir send --codec u32be --hex server.example:7000 '08 01'\n"
        "  weir send --codec line --wait 1m chat.example:7000\n"
        "  weir send --tls --codec u32be server.example:7443 hello\n"
        "\n"
        "Exit codes: 0 everything sent, and the exchange is complete; 1 failed after connecting;\n"
        "64 wrong usage; 69 cannot connect, or the server's certificate is invalid; 74 cannot\n"
        "read stdin or write to stdout; 78 invalid codec, or a file of TLS that cannot be used.\n");
    return EXIT_CODE_OK;
}

int send_main(int count, char **arguments)
{
    static struct send send; /* too large for the stack */
    struct diagnostics diagnostics = {0};
    int code;

    if (!send_options_read(count, arguments, &send.options, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else {
        code = send.options.help ? send__help() : send__run(&send);
    }
    weir_decoder_free(send.decoder);
    weir_frame_free(send.frame);
    send_options_free(&send.options);
    return code;
}
