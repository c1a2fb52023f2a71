/* SPDX-License-Identifier: MIT */
/* custom_codec.c - a codec that no description describes, and a handler behind it:
 * `custom_codec [ADDR:]PORT` sends each text back reversed.
 *
 *      $5\r\nhello\r\n        a text of 5 bytes, as Redis writes its bulk strings
 *
 * The length is written in decimal digits, so the head has no length of its own: one has to look.
 * That look is all that a codec's author writes; it is called a probe. The rest is the library's:
 * gathering what comes in pieces, the longest message, heads that are never finished, and memory.
 * examples/custom_codec is a program; the same probe in a module serves `weir serve`, see
 * docs/extending.md. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define BULK__TEXT_BYTES_MAX 65536
#define BULK__HEAD_BYTES_MAX 8 /* '$', five digits, and the line's end */

/* ---- bytes to messages: what does this head say? ---- */

static enum weir_decoded bulk__refuse(struct weir_fault *fault, const char *text)
{
    snprintf(fault->text, sizeof fault->text, "%s", text);
    return WEIR_DECODED_BAD;
}

/* Looks at the first `length` bytes of a frame, which may be as few as one, and is asked again when
 * there are more. It keeps nothing between two looks. */
static enum weir_decoded bulk__probe(void *user, const uint8_t *bytes, size_t length,
                                     struct weir_head *head, struct weir_fault *fault)
{
    uint64_t count = 0;
    size_t at = 1;

    (void)user;
    if (bytes[0] != '$') return bulk__refuse(fault, "a text begins with '$'");
    /* No overflow: no more than BULK__HEAD_BYTES_MAX bytes are ever shown. */
    for (; at < length && bytes[at] >= '0' && bytes[at] <= '9'; at++)
        count = count * 10 + (uint64_t)(bytes[at] - '0');
    if (at == length) return WEIR_DECODED_MORE;
    if (at == 1 || bytes[at] != '\r') return bulk__refuse(fault, "behind '$' stands a number");
    if (at + 1 == length) return WEIR_DECODED_MORE;
    if (bytes[at + 1] != '\n') return bulk__refuse(fault, "\\r stands without \\n");
    head->head_bytes = at + 2;
    head->message_bytes = count;
    head->tail_bytes = 2; /* \r\n, which is passed over */
    return WEIR_DECODED_MESSAGE;
}

/* ---- messages to bytes: what goes around this text? ---- */

static enum weir_code bulk__encode(void *user, const uint8_t *bytes, size_t length,
                                   struct weir_envelope *envelope)
{
    (void)user;
    (void)bytes; /* a codec whose messages may not hold everything would look */
    envelope->head_length = (uint32_t)snprintf((char *)envelope->head, sizeof envelope->head,
                                               "$%u\r\n", (unsigned)length);
    memcpy(envelope->tail, "\r\n", 2);
    envelope->tail_length = 2;
    return WEIR_OK;
}

static const struct weir_probe bulk = {
    .size = sizeof(struct weir_probe),
    .name = "bulk",
    .summary = "$5, a line's end, 5 bytes, and a line's end",
    .head_bytes_max = BULK__HEAD_BYTES_MAX,
    .message_bytes_max = BULK__TEXT_BYTES_MAX,
    .probe = bulk__probe,
    .encode = bulk__encode,
};

/* ---- the handler: it sees texts, and never a '$' ---- */

static void reverse__on_message(struct weir_session *session, const struct weir_message *message)
{
    char text[BULK__TEXT_BYTES_MAX];

    for (size_t i = 0; i < message->length; i++)
        text[i] = (char)message->bytes[message->length - 1 - i];
    if (weir_session_send(session, text, message->length) != WEIR_OK) weir_session_close(session);
}

static const struct weir_handler reverse = {
    .size = sizeof(struct weir_handler), .name = "reverse", .on_message = reverse__on_message};

int main(int argc, char **argv)
{
    struct weir_listen place = {
        .address = argc > 1 ? argv[1] : "7004", .own_probe = &bulk, .own_handler = &reverse};
    struct weir_config config;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    weir_config_init(&config);
    if (weir_server_open(&config, &server, &error) != WEIR_OK ||
        weir_server_listen(server, &place, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    struct weir_address address = weir_server_listener(server, 0).address;
    printf("%s; Enter ends it\n", weir_address_text(&address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_free(server);
    return 0;
}
