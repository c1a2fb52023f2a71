/* SPDX-License-Identifier: MIT */
/* header.c - a module whose handler puts the length of the header, in two digits, before each body.
 * It keeps the header bytes that the message contains, and parses no header itself. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

static void header__on_message(struct weir_session *session, const struct weir_message *message)
{
    char reply[256], digits[8];
    size_t kept = (size_t)(message->frame + message->header_length - message->bytes);

    if (message->length + 2 > sizeof reply) return;
    memcpy(reply, message->bytes, kept);
    snprintf(digits, sizeof digits, "%02u", (unsigned)message->header_length % 100);
    memcpy(reply + kept, digits, 2);
    memcpy(reply + kept + 2, message->bytes + kept, message->length - kept);
    weir_session_send(session, reply, message->length + 2);
}

/* A custom codec: two bytes of header, of which the first is stripped, and a body of 3 bytes. */
static enum weir_decoded header__probe(void *user, const uint8_t *bytes, size_t length,
                                       struct weir_header *header,
                                       struct weir_decode_error *decode_error)
{
    (void)user;
    (void)bytes;
    (void)decode_error;
    if (length < 2) return WEIR_DECODED_MORE;
    header->header_bytes = 1;
    header->kept_bytes = 1;
    header->message_bytes = 4;
    return WEIR_DECODED_MESSAGE;
}

static const struct weir_probe header_probe = {
    .size = sizeof(struct weir_probe),
    .name = "two_and_three",
    .header_bytes_max = 2,
    .probe = header__probe,
};

static const struct weir_handler header_handler = {
    .size = sizeof(struct weir_handler),
    .name = "header",
    .on_message = header__on_message,
};

WEIR_MODULE_PROBE(&header_handler, &header_probe);
