/* SPDX-License-Identifier: MIT */
/* custom_codec.c - a codec that no frame specification can describe, and a handler that uses it:
 * `custom_codec [ADDR:]PORT` sends each text back reversed.
 *
 *      $5\r\nhello\r\n        a text of 5 bytes, in the format of Redis bulk strings
 *
 * The length is written in decimal digits, so the header has no fixed size and must be parsed. The
 * author of a codec writes only this header parser, which is called a probe. The library does the
 * rest: reassembly of pieces, the maximum message size, timeouts for incomplete headers, and
 * memory. This example is a program; the same probe in a module works with `weir serve`, see
 * docs/extending.md. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define BULK__TEXT_BYTES_MAX 65536
#define BULK__HEADER_BYTES_MAX 8 /* '$', five digits, and \r\n */

/* ---- bytes to messages: parse the header ---- */

static enum weir_decoded bulk__refuse(struct weir_decode_error *decode_error, const char *text)
{
    snprintf(decode_error->text, sizeof decode_error->text, "%s", text);
    return WEIR_DECODED_BAD;
}

/* Parses the first `length` bytes of a frame, which may be a single byte. Called again when more
 * bytes have arrived; keeps no state between calls. */
static enum weir_decoded bulk__probe(void *user, const uint8_t *bytes, size_t length,
                                     struct weir_header *header,
                                     struct weir_decode_error *decode_error)
{
    uint64_t count = 0;
    size_t at = 1;

    (void)user;
    if (bytes[0] != '$') return bulk__refuse(decode_error, "a text begins with '$'");
    /* No overflow: `length` never exceeds BULK__HEADER_BYTES_MAX. */
    for (; at < length && bytes[at] >= '0' && bytes[at] <= '9'; at++)
        count = count * 10 + (uint64_t)(bytes[at] - '0');
    if (at == length) return WEIR_DECODED_MORE;
    if (at == 1 || bytes[at] != '\r')
        return bulk__refuse(decode_error, "behind '$' stands a number");
    if (at + 1 == length) return WEIR_DECODED_MORE;
    if (bytes[at + 1] != '\n') return bulk__refuse(decode_error, "\\r stands without \\n");
    header->header_bytes = at + 2;
    header->message_bytes = count;
    header->trailer_bytes = 2; /* \r\n, which is skipped */
    return WEIR_DECODED_MESSAGE;
}

/* ---- messages to bytes: write the header and trailer ---- */

static enum weir_code bulk__encode(void *user, const uint8_t *bytes, size_t length,
                                   struct weir_framing *framing)
{
    (void)user;
    (void)bytes; /* a codec that forbids some bytes would check them */
    framing->header_length = (uint32_t)snprintf((char *)framing->header, sizeof framing->header,
                                                "$%u\r\n", (unsigned)length);
    memcpy(framing->trailer, "\r\n", 2);
    framing->trailer_length = 2;
    return WEIR_OK;
}

static const struct weir_probe bulk = {
    .size = sizeof(struct weir_probe),
    .name = "bulk",
    .summary = "$5, a line's end, 5 bytes, and a line's end",
    .header_bytes_max = BULK__HEADER_BYTES_MAX,
    .message_bytes_max = BULK__TEXT_BYTES_MAX,
    .probe = bulk__probe,
    .encode = bulk__encode,
};

/* ---- the handler: it receives texts without header and trailer ---- */

static void reverse__on_message(struct weir_session *session, const struct weir_message *message)
{
    char text[BULK__TEXT_BYTES_MAX];

    for (size_t i = 0; i < message->length; i++)
        text[i] = (char)message->bytes[message->length - 1 - i];
    if (weir_session_send(session, text, message->length) != WEIR_OK) weir_session_abort(session);
}

static const struct weir_handler reverse = {
    .size = sizeof(struct weir_handler), .name = "reverse", .on_message = reverse__on_message};

int main(int argc, char **argv)
{
    struct weir_listen listener = {.size = sizeof listener,
                                   .address = argc > 1 ? argv[1] : "7004",
                                   .custom_probe = &bulk,
                                   .custom_handler = &reverse};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &listener, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    weir_server_listener(server, 0, &info);
    printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_free(server);
    return 0;
}
