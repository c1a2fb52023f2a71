/* SPDX-License-Identifier: MIT */
/* fuzz_proxy_header.c - any bytes as a PROXY header: the result does not depend on how the bytes
 * are cut, no byte after the header is used, and the text of an error is printable.
 *
 *      input: byte 0 selects the cuts, and whether the checksum is corrected; the rest: the stream
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "proxy_header.h"

#define FUZZ__BYTES_MAX 5000
#define FUZZ__CHECKSUM_AT 31 /* of a TLV that follows IPv4 addresses */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz__outcome {
    struct proxy_header header;
    enum proxy_header_result result;
    size_t used;
};

static void fuzz__check_text(const struct proxy_header_error *error)
{
    if (memchr(error->text, '\0', sizeof error->text) == NULL || error->text[0] == '\0') abort();
    for (const char *at = error->text; *at; at++)
        if (*at < ' ' || *at > '~') abort();
}

static struct fuzz__outcome fuzz__read(const uint8_t *bytes, size_t length, size_t piece)
{
    struct fuzz__outcome outcome = {.result = PROXY_HEADER_MORE};

    while (outcome.result == PROXY_HEADER_MORE && outcome.used < length) {
        struct proxy_header_error error = {.text = ""};
        size_t left = length - outcome.used < piece ? length - outcome.used : piece, given = left;
        uint8_t *copy = malloc(left); /* of its exact size, so that the sanitizer sees its end */
        if (!copy) abort();
        memcpy(copy, bytes + outcome.used, left);
        const uint8_t *at = copy;
        outcome.result = proxy_header_read(&outcome.header, &at, &left, &error);
        if ((size_t)(at - copy) + left != given) abort();
        if (outcome.result == PROXY_HEADER_MORE && left > 0) abort();
        if (outcome.result == PROXY_HEADER_BAD) fuzz__check_text(&error);
        outcome.used += given - left;
        free(copy);
    }
    return outcome;
}

/* Returns the length of a header of version 2. */
static size_t fuzz__block_end(const uint8_t *bytes)
{
    return 16 + ((size_t)bytes[14] << 8 | bytes[15]);
}

static void fuzz__check(const struct fuzz__outcome *outcome, const uint8_t *bytes)
{
    const struct proxy_header *header = &outcome->header;

    if (outcome->result != PROXY_HEADER_DONE) return;
    if (header->kind == PROXY_HEADER_UNREAD) abort();
    if (header->unique_id_length > PROXY_HEADER_UNIQUE_ID_BYTES_MAX) abort();
    if (header->version == 2 && outcome->used != fuzz__block_end(bytes)) abort();
    if (header->version == 1 && memcmp(bytes + outcome->used - 2, "\r\n", 2) != 0) abort();
    if (header->kind == PROXY_HEADER_LOCAL && (header->client.port | header->unique_id_length) != 0)
        abort();
}

static void fuzz__set_checksum(uint8_t *bytes, size_t length)
{
    size_t total = fuzz__block_end(bytes);

    if (total > length || total < FUZZ__CHECKSUM_AT + 4) return;
    memset(bytes + FUZZ__CHECKSUM_AT, 0, 4);
    uint32_t crc = crc32c_add(0, bytes, total);
    for (int i = 0; i < 4; i++) bytes[FUZZ__CHECKSUM_AT + i] = (uint8_t)(crc >> (24 - 8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FUZZ__BYTES_MAX];

    if (size < 2 || size - 1 > sizeof bytes) return 0;
    size_t length = size - 1;
    memcpy(bytes, data + 1, length);
    if ((data[0] & 1) != 0 && length > 16) fuzz__set_checksum(bytes, length);
    struct fuzz__outcome whole = fuzz__read(bytes, length, length);
    fuzz__check(&whole, bytes);
    const size_t pieces[] = {1, (data[0] >> 1) + 1U};
    for (size_t i = 0; i < 2; i++) {
        struct fuzz__outcome cut = fuzz__read(bytes, length, pieces[i]);
        if (cut.result != whole.result || cut.used != whole.used) abort();
        if (memcmp(&cut.header, &whole.header, sizeof cut.header) != 0) abort();
    }
    return 0;
}
