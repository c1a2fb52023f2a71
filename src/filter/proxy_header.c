/* SPDX-License-Identifier: MIT */
/* proxy_header.c - reads a PROXY header of either version from a stream.
 *
 *      START --"PROXY "--> LINE ---------------------------------------------> END
 *        |                                                                      ^
 *        '--signature--> FIXED -> ADDRESSES -> SKIP_ADDRESSES -> TLV <-> VALUE -'
 *                          |  LOCAL, no address family                          |
 *                          '-----------------> SKIP_BLOCK ----------------------'
 *
 * The first byte decides the version. Each step collects its bytes in `held`, or passes them on.
 * The block of LOCAL is skipped unread, as the specification demands: it could name any client.
 */
#include "proxy_header.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "crc32c.h"
#include "escape.h"
#include "proxy_line.h"
#include "recognise.h"

#define PROXY_HEADER__FIXED_BYTES 16u
#define PROXY_HEADER__TLV_BYTES 3u
#define PROXY_HEADER__V4_BYTES 12u
#define PROXY_HEADER__V6_BYTES 36u
#define PROXY_HEADER__UNIX_BYTES 216u
#define PROXY_HEADER__QUOTED_BYTES_MAX 12u

enum proxy_header__step {
    STEP_START,
    STEP_LINE,
    STEP_FIXED,
    STEP_ADDRESSES,
    STEP_SKIP_ADDRESSES, /* of a family that weir does not use */
    STEP_TLV,
    STEP_VALUE,
    STEP_SKIP_BLOCK,
    STEP_END,
    STEPS_COUNT
};

enum proxy_header__type { TYPE_AUTHORITY = 2, TYPE_CRC32C = 3, TYPE_UNIQUE_ID = 5 };

/* The bytes that were not used yet. */
struct proxy_header__input {
    const uint8_t *bytes;
    size_t length;
};

static const uint8_t proxy_header__signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static enum proxy_header_result
proxy_header__bad(struct proxy_header_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return PROXY_HEADER_BAD;
}

static enum proxy_header_result proxy_header__go(struct proxy_header *header,
                                                 enum proxy_header__step step)
{
    header->step = (uint8_t)step;
    header->held_length = 0;
    return PROXY_HEADER_MORE;
}

static uint16_t proxy_header__u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Moves one byte of the input to `held`. */
static uint8_t proxy_header__take(struct proxy_header *header, struct proxy_header__input *input)
{
    weir_check(header->held_length < sizeof header->held);
    input->length--;
    return header->held[header->held_length++] = *input->bytes++;
}

/* ---- the start ---- */

/* Fails because the bytes are something else. Quotes those that were read before, too. */
static enum proxy_header_result proxy_header__foreign(const struct proxy_header *header,
                                                      const struct proxy_header__input *input,
                                                      struct proxy_header_error *error)
{
    static const char what[] = "there is no PROXY header";
    uint8_t first[PROXY_HEADER__QUOTED_BYTES_MAX];
    char escaped[ESCAPE_BYTES_MAX * sizeof first + 1];
    size_t length = header->held_length, more = sizeof first - length;

    weir_check(length <= sizeof first);
    if (more > input->length) more = input->length;
    memcpy(first, header->held, length);
    memcpy(first + length, input->bytes, more);
    length += more;
    recognise_explain(what, first, length, error->text, sizeof error->text);
    if (strcmp(error->text, what) != 0) return PROXY_HEADER_BAD;
    return proxy_header__bad(error, "%s: the first bytes are \"%s\"", what,
                             escape_text(first, length, escaped, sizeof escaped));
}

static enum proxy_header_result proxy_header__start(struct proxy_header *header,
                                                    struct proxy_header__input *input,
                                                    struct proxy_header_error *error)
{
    uint8_t byte = proxy_header__take(header, input), at = header->held_length;

    if (at == 1) header->version = byte == proxy_header__signature[0] ? 2 : 1;
    bool is_line = header->version == 1;
    if (byte != (is_line ? (uint8_t)PROXY_LINE_START[at - 1] : proxy_header__signature[at - 1]))
        return proxy_header__foreign(header, input, error);
    if (is_line && at == sizeof PROXY_LINE_START - 1) header->step = STEP_LINE;
    if (!is_line && at == sizeof proxy_header__signature) header->step = STEP_FIXED;
    return PROXY_HEADER_MORE;
}

/* ---- version 1 ---- */

static enum proxy_header_result proxy_header__line(struct proxy_header *header,
                                                   struct proxy_header__input *input,
                                                   struct proxy_header_error *error)
{
    bool after_cr = header->held[header->held_length - 1] == '\r';
    uint8_t byte = proxy_header__take(header, input);

    if (after_cr != (byte == '\n'))
        return proxy_header__bad(error, "PROXY header, version 1: %s",
                                 after_cr ? "a CR without LF" : "a LF without CR");
    if (after_cr) {
        header->held[header->held_length - 2] = '\0';
        if (!proxy_line_read((const char *)header->held, header, error)) return PROXY_HEADER_BAD;
        return proxy_header__go(header, STEP_END);
    }
    if (byte != '\r' && (byte < 0x20 || byte > 0x7e))
        return proxy_header__bad(
            error, "PROXY header, version 1: the byte 0x%02x is not printable ASCII", byte);
    if (header->held_length == PROXY_LINE_BYTES_MAX)
        return proxy_header__bad(error, "PROXY header, version 1: no CR and LF within %u bytes",
                                 PROXY_LINE_BYTES_MAX);
    return PROXY_HEADER_MORE;
}

/* ---- version 2 ---- */

/* Prepares the step that reads the addresses of this family and protocol. */
static enum proxy_header_result proxy_header__choose_family(struct proxy_header *header,
                                                            uint8_t family_and_protocol,
                                                            struct proxy_header_error *error)
{
    static const uint8_t bytes_of_family[] = {0, PROXY_HEADER__V4_BYTES, PROXY_HEADER__V6_BYTES,
                                              PROXY_HEADER__UNIX_BYTES};
    uint8_t family = family_and_protocol >> 4, protocol = family_and_protocol & 15;

    if (family > 3 || protocol > 2)
        return proxy_header__bad(error,
                                 "PROXY header, version 2: unknown family and protocol 0x%02x",
                                 family_and_protocol);
    header->kind = PROXY_HEADER_UNNAMED;
    if (family == 0 || protocol == 0) return proxy_header__go(header, STEP_SKIP_BLOCK);
    header->value_left = bytes_of_family[family];
    if (header->block_left < header->value_left)
        return proxy_header__bad(
            error, "PROXY header, version 2: %u bytes are too few for addresses of %u bytes",
            header->block_left, header->value_left);
    if (family == 3 || protocol == 2) return proxy_header__go(header, STEP_SKIP_ADDRESSES);
    header->kind = PROXY_HEADER_CLIENT;
    return proxy_header__go(header, STEP_ADDRESSES);
}

static enum proxy_header_result proxy_header__fixed(struct proxy_header *header,
                                                    struct proxy_header__input *input,
                                                    struct proxy_header_error *error)
{
    proxy_header__take(header, input);
    if (header->held_length < PROXY_HEADER__FIXED_BYTES) return PROXY_HEADER_MORE;
    uint8_t version = header->held[12] >> 4, command = header->held[12] & 15;
    header->block_left = proxy_header__u16(header->held + 14);
    header->checksum = crc32c_add(0, header->held, PROXY_HEADER__FIXED_BYTES);
    if (version != 2) return proxy_header__bad(error, "PROXY header: unknown version %u", version);
    if (command > 1)
        return proxy_header__bad(error, "PROXY header, version 2: unknown command %u", command);
    if (header->block_left > PROXY_HEADER_BLOCK_BYTES_MAX)
        return proxy_header__bad(error, "PROXY header, version 2: %u bytes follow, more than %u",
                                 header->block_left, PROXY_HEADER_BLOCK_BYTES_MAX);
    if (command == 1) return proxy_header__choose_family(header, header->held[13], error);
    header->kind = PROXY_HEADER_LOCAL;
    return proxy_header__go(header, STEP_SKIP_BLOCK);
}

/* Returns how many of the input's bytes belong to a part of which `left` bytes are still to be
 * read. Counts them as read, and as part of the checksum. */
static size_t proxy_header__pass(struct proxy_header *header, struct proxy_header__input *input,
                                 size_t left)
{
    size_t count = input->length < left ? input->length : left;

    weir_check(count <= header->block_left);
    header->block_left = (uint16_t)(header->block_left - count);
    header->checksum = crc32c_add(header->checksum, input->bytes, count);
    input->bytes += count;
    input->length -= count;
    return count;
}

static enum proxy_header_result proxy_header__skip_block(struct proxy_header *header,
                                                         struct proxy_header__input *input,
                                                         struct proxy_header_error *error)
{
    (void)error;
    proxy_header__pass(header, input, header->block_left);
    return header->block_left > 0 ? PROXY_HEADER_MORE : proxy_header__go(header, STEP_END);
}

static enum proxy_header_result proxy_header__skip_addresses(struct proxy_header *header,
                                                             struct proxy_header__input *input,
                                                             struct proxy_header_error *error)
{
    size_t count = proxy_header__pass(header, input, header->value_left);

    (void)error;
    header->value_left = (uint16_t)(header->value_left - count);
    return header->value_left > 0 ? PROXY_HEADER_MORE : proxy_header__go(header, STEP_TLV);
}

/* Fills `held` with `value_left` bytes. Returns whether all of them are there. */
static bool proxy_header__fill(struct proxy_header *header, struct proxy_header__input *input)
{
    const uint8_t *bytes = input->bytes;
    size_t count = proxy_header__pass(header, input, header->value_left);

    weir_check(header->held_length + count <= sizeof header->held);
    memcpy(header->held + header->held_length, bytes, count);
    header->held_length = (uint8_t)(header->held_length + count);
    header->value_left = (uint16_t)(header->value_left - count);
    return header->value_left == 0;
}

static enum proxy_header_result proxy_header__addresses(struct proxy_header *header,
                                                        struct proxy_header__input *input,
                                                        struct proxy_header_error *error)
{
    const uint8_t *held = header->held;

    (void)error;
    if (!proxy_header__fill(header, input)) return PROXY_HEADER_MORE;
    size_t ip_bytes = header->held_length == PROXY_HEADER__V4_BYTES ? 4 : 16;
    if (ip_bytes == 4) { /* ::ffff:a.b.c.d */
        memset(header->client.ip + 10, 0xff, 2);
        memset(header->server.ip + 10, 0xff, 2);
    }
    memcpy(header->client.ip + 16 - ip_bytes, held, ip_bytes);
    memcpy(header->server.ip + 16 - ip_bytes, held + ip_bytes, ip_bytes);
    header->client.port = proxy_header__u16(held + 2 * ip_bytes);
    header->server.port = proxy_header__u16(held + 2 * ip_bytes + 2);
    return proxy_header__go(header, STEP_TLV);
}

/* ---- TLVs ---- */

/* The block is complete: its checksum must be right if it has one. */
static enum proxy_header_result proxy_header__finish(struct proxy_header *header,
                                                     struct proxy_header_error *error)
{
    if ((header->seen_types & 1u << TYPE_CRC32C) != 0 &&
        header->checksum != header->checksum_claimed)
        return proxy_header__bad(
            error, "PROXY header, version 2: its checksum is 0x%08x, but CRC32C says 0x%08x",
            (unsigned)header->checksum, (unsigned)header->checksum_claimed);
    return proxy_header__go(header, STEP_END);
}

/* Checks the length of a value that weir uses, and that there is one at most. */
static enum proxy_header_result proxy_header__check_tlv(struct proxy_header *header,
                                                        struct proxy_header_error *error)
{
    static const struct {
        uint16_t least, most;
    } lengths[] = {[TYPE_AUTHORITY] = {0, PROXY_HEADER_AUTHORITY_BYTES_MAX},
                   [TYPE_CRC32C] = {4, 4},
                   [TYPE_UNIQUE_ID] = {0, PROXY_HEADER_UNIQUE_ID_BYTES_MAX}};
    uint8_t type = header->type;

    if (header->value_left > header->block_left)
        return proxy_header__bad(error,
                                 "PROXY header, version 2: TLV 0x%02x has %u bytes, but %u remain",
                                 type, header->value_left, header->block_left);
    if (type != TYPE_AUTHORITY && type != TYPE_CRC32C && type != TYPE_UNIQUE_ID)
        return proxy_header__go(header, STEP_VALUE);
    if (header->value_left < lengths[type].least || header->value_left > lengths[type].most)
        return proxy_header__bad(error,
                                 "PROXY header, version 2: TLV 0x%02x has %u bytes, not %u to %u",
                                 type, header->value_left, lengths[type].least, lengths[type].most);
    if ((header->seen_types & 1u << type) != 0)
        return proxy_header__bad(error, "PROXY header, version 2: TLV 0x%02x occurs twice", type);
    header->seen_types |= 1u << type;
    return proxy_header__go(header, STEP_VALUE);
}

static enum proxy_header_result proxy_header__tlv(struct proxy_header *header,
                                                  struct proxy_header__input *input,
                                                  struct proxy_header_error *error)
{
    if (header->held_length == 0) {
        if (header->block_left == 0) return proxy_header__finish(header, error);
        if (header->block_left < PROXY_HEADER__TLV_BYTES)
            return proxy_header__bad(error, "PROXY header, version 2: %u bytes after the last TLV",
                                     header->block_left);
        header->value_left = PROXY_HEADER__TLV_BYTES;
    }
    if (!proxy_header__fill(header, input)) return PROXY_HEADER_MORE;
    header->type = header->held[0];
    header->value_left = proxy_header__u16(header->held + 1);
    return proxy_header__check_tlv(header, error);
}

/* Keeps bytes of a value. */
static void proxy_header__keep(struct proxy_header *header, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (header->type == TYPE_AUTHORITY)
            header->authority[header->authority_length++] = bytes[i];
        else if (header->type == TYPE_UNIQUE_ID)
            header->unique_id[header->unique_id_length++] = bytes[i];
        else if (header->type == TYPE_CRC32C)
            header->checksum_claimed = header->checksum_claimed << 8 | bytes[i];
    }
}

static enum proxy_header_result proxy_header__value(struct proxy_header *header,
                                                    struct proxy_header__input *input,
                                                    struct proxy_header_error *error)
{
    static const uint8_t zeros[4];
    const uint8_t *bytes = input->bytes;
    uint32_t before = header->checksum;
    size_t count = proxy_header__pass(header, input, header->value_left);

    (void)error;
    /* The checksum is that of the header with zeros in its place. */
    if (header->type == TYPE_CRC32C) header->checksum = crc32c_add(before, zeros, count);
    proxy_header__keep(header, bytes, count);
    header->value_left = (uint16_t)(header->value_left - count);
    return header->value_left > 0 ? PROXY_HEADER_MORE : proxy_header__go(header, STEP_TLV);
}

/* ---- the header ---- */

/* Whether the step can go on without a byte: it has none left to read. */
static bool proxy_header__needs_byte(const struct proxy_header *header)
{
    switch (header->step) {
    case STEP_SKIP_BLOCK:
    case STEP_TLV: return header->block_left > 0;
    case STEP_VALUE: return header->value_left > 0;
    default: return true;
    }
}

enum proxy_header_result proxy_header_read(struct proxy_header *header, const uint8_t **bytes,
                                           size_t *length, struct proxy_header_error *error)
{
    static enum proxy_header_result (*const steps[STEPS_COUNT])(
        struct proxy_header *, struct proxy_header__input *, struct proxy_header_error *) = {
        [STEP_START] = proxy_header__start,
        [STEP_LINE] = proxy_header__line,
        [STEP_FIXED] = proxy_header__fixed,
        [STEP_ADDRESSES] = proxy_header__addresses,
        [STEP_SKIP_ADDRESSES] = proxy_header__skip_addresses,
        [STEP_TLV] = proxy_header__tlv,
        [STEP_VALUE] = proxy_header__value,
        [STEP_SKIP_BLOCK] = proxy_header__skip_block,
    };
    struct proxy_header__input input = {*bytes, *length};
    enum proxy_header_result result = PROXY_HEADER_MORE;

    while (result == PROXY_HEADER_MORE && header->step != STEP_END &&
           (input.length > 0 || !proxy_header__needs_byte(header)))
        result = steps[header->step](header, &input, error);
    *bytes = input.bytes;
    *length = input.length;
    return header->step == STEP_END ? PROXY_HEADER_DONE : result;
}
