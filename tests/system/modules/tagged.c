/* SPDX-License-Identifier: MIT */
/* tagged.c - a module with a codec but no handler. Its probe parses only the header: four bytes in
 * angle brackets. */
#include <stdio.h>

#include <weir/weir.h>

static enum weir_decoded tagged__probe(void *user, const uint8_t *bytes, size_t length,
                                       struct weir_header *header,
                                       struct weir_decode_error *decode_error)
{
    (void)user;
    (void)length;
    if (bytes[0] != '<') {
        snprintf(decode_error->text, sizeof decode_error->text, "a message begins with '<'");
        return WEIR_DECODED_BAD;
    }
    header->header_bytes = 1;
    header->message_bytes = 4;
    header->trailer_bytes = 1;
    return WEIR_DECODED_MESSAGE;
}

static const struct weir_probe tagged = {
    .size = sizeof(struct weir_probe),
    .name = "tagged",
    .header_bytes_max = 1,
    .probe = tagged__probe,
};

WEIR_MODULE_PROBE(NULL, &tagged);
