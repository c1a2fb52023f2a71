/* SPDX-License-Identifier: MIT */
/* test_proxy_header.c - PROXY headers of both versions: every header is read whole, split at each
 * byte, and byte by byte, with the same result, and no byte after it is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "check.h"
#include "crc32c.h"
#include "proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define FOLLOWING "PROXY TCP4 " /* data after a header, which resembles another one */

/* ---- reading ---- */

struct outcome {
    enum proxy_header_result result;
    struct proxy_header header;
    struct proxy_header_error error;
    size_t used;
};

/* Reads the bytes in pieces: first `cut`, then as many at a time as `step` says. */
static struct outcome read_pieces(const uint8_t *bytes, size_t length, size_t cut, size_t step)
{
    struct outcome outcome = {.result = PROXY_HEADER_MORE};
    size_t end = cut;

    while (outcome.result == PROXY_HEADER_MORE && outcome.used < length) {
        const uint8_t *at = bytes + outcome.used;
        size_t left = (end < length ? end : length) - outcome.used;
        outcome.result = proxy_header_read(&outcome.header, &at, &left, &outcome.error);
        outcome.used = (size_t)(at - bytes);
        if (outcome.result == PROXY_HEADER_MORE) assert_int_equal(left, 0);
        end += step;
    }
    return outcome;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->result, b->result);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->header.kind, b->header.kind);
    assert_memory_equal(&a->header.client, &b->header.client, sizeof a->header.client);
    assert_memory_equal(&a->header.server, &b->header.server, sizeof a->header.server);
    assert_int_equal(a->header.authority_length, b->header.authority_length);
    assert_memory_equal(a->header.authority, b->header.authority, sizeof a->header.authority);
    assert_int_equal(a->header.unique_id_length, b->header.unique_id_length);
    assert_memory_equal(a->header.unique_id, b->header.unique_id, sizeof a->header.unique_id);
}

/* Reads the bytes whole and in pieces, and compares. */
static struct outcome read_bytes(const uint8_t *bytes, size_t length)
{
    struct outcome whole = read_pieces(bytes, length, length, 1);

    for (size_t cut = 1; cut < length; cut++) {
        struct outcome two = read_pieces(bytes, length, cut, length);
        assert_same(&whole, &two);
    }
    struct outcome single = read_pieces(bytes, length, 1, 1);
    assert_same(&whole, &single);
    return whole;
}

/* Reads a header that is followed by data, and checks that the data remains. */
static struct outcome read_header(const uint8_t *bytes, size_t length)
{
    static uint8_t stream[5000];

    assert_true(length + sizeof FOLLOWING <= sizeof stream);
    memcpy(stream, bytes, length);
    memcpy(stream + length, FOLLOWING, sizeof FOLLOWING);
    struct outcome outcome = read_bytes(stream, length + sizeof FOLLOWING);
    assert_int_equal(outcome.result, PROXY_HEADER_DONE);
    assert_int_equal(outcome.used, length);
    return outcome;
}

static void assert_bad(const uint8_t *bytes, size_t length, const char *text)
{
    struct outcome outcome = read_bytes(bytes, length);

    assert_int_equal(outcome.result, PROXY_HEADER_BAD);
    if (!strstr(outcome.error.text, text))
        fail_msg("\"%s\" does not contain \"%s\"", outcome.error.text, text);
}

static void assert_address(const struct proxy_address *address, const char *text)
{
    struct net_address public = {.port = address->port};
    char written[NET_ADDRESS_TEXT_BYTES];

    memcpy(public.ip, address->ip, sizeof public.ip);
    assert_string_equal(net_address_text(&public, written, sizeof written), text);
}

/* ---- version 1 ---- */

static void a_line_names_the_client(void **state)
{
    static const struct {
        const char *line, *client, *server;
    } lines[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n", "192.0.2.1:56324", "198.51.100.7:443"},
        {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535",
         "255.255.255.255:65535"},
        {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0", "0.0.0.0:0"},
        {"PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", "[2001:db8::1]:1", "[2001:db8::2]:2"},
        {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65534\r\n",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65534"},
        {"PROXY TCP6 :: ::1 0 65535\r\n", "[::]:0", "[::1]:65535"},
        /* The address of an IPv4 client of a dual-stack listener, as HAProxy and nginx write it. */
        {"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 5 6\r\n", "192.0.2.1:5", "192.0.2.2:6"},
    };

    (void)state;
    for (size_t i = 0; i < weir_count_of(lines); i++) {
        struct outcome outcome = read_header((const uint8_t *)lines[i].line, strlen(lines[i].line));
        assert_int_equal(outcome.header.version, 1);
        assert_int_equal(outcome.header.kind, PROXY_HEADER_CLIENT);
        assert_address(&outcome.header.client, lines[i].client);
        assert_address(&outcome.header.server, lines[i].server);
    }
}

#define LONGEST_ADDRESS "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

static void an_unknown_line_names_no_client(void **state)
{
    static const char *const lines[] = {
        "PROXY UNKNOWN\r\n",
        "PROXY UNKNOWN \r\n",
        "PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWN anything at all, even PROXY TCP4\r\n",
        "PROXY UNKNOWN " LONGEST_ADDRESS " " LONGEST_ADDRESS " 65535 65535\r\n",
    };

    (void)state;
    assert_int_equal(strlen(lines[4]), 107); /* the longest line of the specification */
    for (size_t i = 0; i < weir_count_of(lines); i++) {
        struct outcome outcome = read_header((const uint8_t *)lines[i], strlen(lines[i]));
        assert_int_equal(outcome.header.kind, PROXY_HEADER_UNNAMED);
    }
}

static void a_malformed_line_is_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } lines[] = {
        {"PROXY \r\n", "the protocol is \"\", not TCP4, TCP6 or UNKNOWN"},
        {"PROXY TCP4\r\n", "the line ends before the source address"},
        {"PROXY TCP4 192.0.2.1\r\n", "the line ends before the destination address"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2\r\n", "the line ends before the source port"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "the line ends before the destination port"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "the line continues after the destination"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "the line continues after the destination"},
        {"PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "the source address is \"\""},
        {"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "the protocol is \"\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n", "the source port is \"\""},
        {"PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n", "the protocol is \"tcp4\""},
        {"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "the protocol is \"UDP4\""},
        {"PROXY UNKNOWNX 192.0.2.1\r\n", "the protocol is \"UNKNOWNX\""},
        {"PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
         "the source address is \"192.0.2.01\", not an IPv4 address"},
        {"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "the source address is \"192.0.2.256\""},
        {"PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", "the source address is \"192.0.2\""},
        {"PROXY TCP4 192.0.2.1.5 192.0.2.2 1 2\r\n", "the source address is \"192.0.2.1.5\""},
        {"PROXY TCP4 192.0.2.1 ::1 1 2\r\n", "the destination address is \"::1\", not an IPv4"},
        {"PROXY TCP6 192.0.2.1 ::1 1 2\r\n", "the source address is \"192.0.2.1\", not an IPv6"},
        {"PROXY TCP6 fe80::1%1 ::1 1 2\r\n", "the source address is \"fe80::1%1\""},
        {"PROXY TCP6 [::1] ::1 1 2\r\n", "the source address is \"[::1]\""},
        {"PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", "the source address is \"1:2:3:4:5:6:7\""},
        {"PROXY TCP6 1::2::3 ::1 1 2\r\n", "the source address is \"1::2::3\""},
        {"PROXY TCP6 12345::1 ::1 1 2\r\n", "the source address is \"12345::1\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "the source port is \"01\", not a number"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n", "the source port is \"00\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "the source port is \"65536\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n", "the destination port is \"-2\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 +2\r\n", "the destination port is \"+2\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 0x2\r\n", "the destination port is \"0x2\""},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "a LF without CR"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rX", "a CR without LF"},
        {"PROXY UNKNOWN one\ntwo\r\n", "a LF without CR"},
        {"PROXY UNKNOWN one\rtwo\r\n", "a CR without LF"},
        {"PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n", "the byte 0x09 is not printable ASCII"},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\xc2\xb2\r\n", "the byte 0xc2 is not printable"},
        {"PROXY UNKNOWN \x7f\r\n", "the byte 0x7f is not printable"},
    };

    (void)state;
    for (size_t i = 0; i < weir_count_of(lines); i++)
        assert_bad((const uint8_t *)lines[i].line, strlen(lines[i].line), lines[i].says);
    assert_bad(TEXT("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), "the byte 0x00 is not printable");
}

static void a_line_has_at_most_107_bytes(void **state)
{
    char line[160];

    (void)state;
    snprintf(line, sizeof line, "PROXY UNKNOWN %92s\r\n", "x");
    assert_int_equal(strlen(line), 108);
    assert_bad((const uint8_t *)line, strlen(line), "no CR and LF within 107 bytes");
    snprintf(line, sizeof line, "PROXY UNKNOWN %91s\r\n", "x");
    read_header((const uint8_t *)line, strlen(line));
    snprintf(line, sizeof line, "PROXY UNKNOWN %92s\n\n", "x");
    line[106] = '\r'; /* a CR cannot be the last byte */
    assert_bad((const uint8_t *)line, strlen(line), "no CR and LF within 107 bytes");
}

/* ---- version 2 ---- */

/* A header under construction. */
struct made {
    uint8_t bytes[PROXY_HEADER_BLOCK_BYTES_MAX + 64];
    size_t length;
};

static struct made made;

static void add(const void *bytes, size_t length)
{
    assert_true(made.length + length <= sizeof made.bytes);
    memcpy(made.bytes + made.length, bytes, length);
    made.length += length;
}

static void begin(uint8_t version_and_command, uint8_t family_and_protocol)
{
    made.length = 0;
    add(SIGNATURE, 12);
    add(&version_and_command, 1);
    add(&family_and_protocol, 1);
    add("\0", 2);
}

static void add_tlv(uint8_t type, const void *value, size_t length)
{
    const uint8_t head[3] = {type, (uint8_t)(length >> 8), (uint8_t)length};

    add(head, sizeof head);
    add(value, length);
}

/* Sets the length of the block; `change` makes it wrong. */
static void end(int change)
{
    size_t length = made.length - 16 + (size_t)change;

    made.bytes[14] = (uint8_t)(length >> 8);
    made.bytes[15] = (uint8_t)length;
}

/* Writes the checksum into the value at `at`. */
static void set_checksum(size_t at)
{
    uint32_t crc = crc32c_add(0, made.bytes, made.length);

    for (int i = 0; i < 4; i++) made.bytes[at + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void begin_v4(void)
{
    begin(0x21, 0x11);
    add("\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb", 12);
}

static void a_block_names_an_ipv4_client(void **state)
{
    (void)state;
    begin_v4();
    end(0);
    struct outcome outcome = read_header(made.bytes, made.length);
    assert_int_equal(outcome.header.version, 2);
    assert_int_equal(outcome.header.kind, PROXY_HEADER_CLIENT);
    assert_address(&outcome.header.client, "192.0.2.1:56324");
    assert_address(&outcome.header.server, "198.51.100.7:443");
    assert_int_equal(outcome.header.authority_length, 0);
    assert_int_equal(outcome.header.unique_id_length, 0);
}

static void a_block_names_an_ipv6_client(void **state)
{
    (void)state;
    begin(0x21, 0x21);
    add("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
    add("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
    add("\xff\xff\x00\x50", 4);
    end(0);
    struct outcome outcome = read_header(made.bytes, made.length);
    assert_int_equal(outcome.header.kind, PROXY_HEADER_CLIENT);
    assert_address(&outcome.header.client, "[2001:db8::1]:65535");
    assert_address(&outcome.header.server, "[2001:db8::2]:80");
}

static void other_families_name_no_client(void **state)
{
    static const uint8_t families[] = {0x00, 0x01, 0x02, 0x10, 0x20, 0x30, 0x12, 0x22, 0x31, 0x32};

    (void)state;
    for (size_t i = 0; i < weir_count_of(families); i++) {
        begin(0x21, families[i]);
        for (int j = 0; j < 216; j++) add("\x01", 1);
        if ((families[i] & 15) != 0 && families[i] != 0x31 && families[i] != 0x32)
            made.length = 16 + (families[i] >> 4 == 1 ? 12 : 36);
        end(0);
        struct outcome outcome = read_header(made.bytes, made.length);
        assert_int_equal(outcome.header.kind, PROXY_HEADER_UNNAMED);
    }
    begin(0x21, 0);
    end(0);
    assert_int_equal(read_header(made.bytes, made.length).header.kind, PROXY_HEADER_UNNAMED);
}

static void the_block_of_local_is_skipped_unread(void **state)
{
    (void)state;
    assert_int_equal(read_header(TEXT(SIGNATURE "\x20\x00\x00\x00")).header.kind,
                     PROXY_HEADER_LOCAL); /* HAProxy's health check */
    begin_v4();
    add_tlv(5, "forged", 6);
    add("\x05\xff", 2); /* no TLV: it does not matter */
    made.bytes[12] = 0x20;
    end(0);
    struct outcome outcome = read_header(made.bytes, made.length);
    assert_int_equal(outcome.header.kind, PROXY_HEADER_LOCAL);
    assert_address(&outcome.header.client, "[::]:0");
    assert_int_equal(outcome.header.unique_id_length, 0);
    made.bytes[13] = 0xff; /* the family of LOCAL is ignored */
    assert_int_equal(read_header(made.bytes, made.length).header.kind, PROXY_HEADER_LOCAL);
}

static void a_malformed_block_is_refused(void **state)
{
    static const uint8_t bad_families[] = {0x03, 0x0f, 0x13, 0x40, 0xf1};

    (void)state;
    for (size_t i = 0; i < weir_count_of(bad_families); i++) {
        begin(0x21, bad_families[i]);
        end(0);
        assert_bad(made.bytes, made.length, "unknown family and protocol 0x");
    }
    begin(0x11, 0x11);
    end(0);
    assert_bad(made.bytes, made.length, "PROXY header: unknown version 1");
    begin(0x22, 0x11);
    end(0);
    assert_bad(made.bytes, made.length, "version 2: unknown command 2");
    begin_v4();
    made.length--;
    end(0);
    assert_bad(made.bytes, made.length, "11 bytes are too few for addresses of 12 bytes");
    made.bytes[13] = 0x21;
    assert_bad(made.bytes, made.length, "11 bytes are too few for addresses of 36 bytes");
    made.bytes[13] = 0x32;
    assert_bad(made.bytes, made.length, "11 bytes are too few for addresses of 216 bytes");
}

static void a_block_has_at_most_4096_bytes(void **state)
{
    static const uint8_t zeros[PROXY_HEADER_BLOCK_BYTES_MAX];

    (void)state;
    begin_v4();
    add_tlv(4, zeros, 4096 - 12 - 3); /* NOOP */
    end(0);
    assert_int_equal(made.length, 16 + 4096);
    struct outcome outcome = read_pieces(made.bytes, made.length, made.length, 1);
    assert_int_equal(outcome.result, PROXY_HEADER_DONE);
    outcome = read_pieces(made.bytes, made.length, 1, 1);
    assert_int_equal(outcome.result, PROXY_HEADER_DONE);
    end(1);
    outcome = read_pieces(made.bytes, made.length, made.length, 1);
    assert_int_equal(outcome.result, PROXY_HEADER_BAD);
    assert_int_equal(outcome.used, 16); /* none of the block is read */
    assert_non_null(strstr(outcome.error.text, "4097 bytes follow, more than 4096"));
    made.bytes[12] = 0x20; /* nor for LOCAL */
    outcome = read_pieces(made.bytes, made.length, made.length, 1);
    assert_int_equal(outcome.result, PROXY_HEADER_BAD);
}

static void authority_and_unique_id_are_kept(void **state)
{
    char id[PROXY_HEADER_UNIQUE_ID_BYTES_MAX + 1], name[PROXY_HEADER_AUTHORITY_BYTES_MAX + 1];

    (void)state;
    memset(id, 'i', sizeof id);
    memset(name, 'n', sizeof name);
    begin_v4();
    add_tlv(1, "h2", 2);            /* ALPN */
    add_tlv(0x20, "\1\0\0\0\0", 5); /* SSL */
    add_tlv(2, name, sizeof name - 1);
    add_tlv(4, "", 0);
    add_tlv(5, id, sizeof id - 1);
    add_tlv(0xe0, "custom", 6);
    end(0);
    struct outcome outcome = read_header(made.bytes, made.length);
    assert_int_equal(outcome.header.authority_length, sizeof name - 1);
    assert_memory_equal(outcome.header.authority, name, sizeof name - 1);
    assert_int_equal(outcome.header.unique_id_length, sizeof id - 1);
    assert_memory_equal(outcome.header.unique_id, id, sizeof id - 1);
    begin_v4();
    add_tlv(2, name, sizeof name);
    end(0);
    assert_bad(made.bytes, made.length, "TLV 0x02 has 256 bytes, not 0 to 255");
    begin_v4();
    add_tlv(5, id, sizeof id);
    end(0);
    assert_bad(made.bytes, made.length, "TLV 0x05 has 129 bytes, not 0 to 128");
}

static void a_unix_block_has_tlvs_too(void **state)
{
    (void)state;
    begin(0x21, 0x31);
    for (int j = 0; j < 216; j++) add("/", 1);
    add_tlv(5, "abc", 3);
    end(0);
    struct outcome outcome = read_header(made.bytes, made.length);
    assert_int_equal(outcome.header.kind, PROXY_HEADER_UNNAMED);
    assert_int_equal(outcome.header.unique_id_length, 3);
}

static void malformed_tlvs_are_refused(void **state)
{
    (void)state;
    begin_v4();
    add_tlv(5, "abc", 3);
    end(-1);
    assert_bad(made.bytes, made.length, "TLV 0x05 has 3 bytes, but 2 remain");
    begin_v4();
    add_tlv(0xe0, "abc", 3);
    add("\x04\x00", 2);
    end(0);
    assert_bad(made.bytes, made.length, "2 bytes after the last TLV");
    static const uint8_t once[] = {2, 3, 5};
    for (size_t i = 0; i < sizeof once; i++) {
        begin_v4();
        add_tlv(once[i], "\0\0\0\0", 4);
        add_tlv(once[i], "\0\0\0\0", 4);
        end(0);
        assert_bad(made.bytes, made.length, "occurs twice");
    }
    begin_v4();
    add_tlv(3, "\0\0\0", 3);
    end(0);
    assert_bad(made.bytes, made.length, "TLV 0x03 has 3 bytes, not 4 to 4");
}

static void the_checksum_is_verified(void **state)
{
    (void)state;
    begin_v4();
    add_tlv(2, "a.example", 9);
    add_tlv(3, "\0\0\0\0", 4);
    size_t at = made.length - 4;
    add_tlv(5, "id", 2);
    end(0);
    set_checksum(at);
    read_header(made.bytes, made.length);
    for (size_t i = 16; i < made.length; i++) { /* any other bit makes it wrong */
        made.bytes[i] ^= 1;
        assert_int_equal(read_bytes(made.bytes, made.length).result, PROXY_HEADER_BAD);
        made.bytes[i] ^= 1;
    }
    made.bytes[made.length - 1] ^= 1;
    assert_bad(made.bytes, made.length, "but CRC32C says 0x");
    begin_v4(); /* the checksum is the last TLV */
    add_tlv(3, "\0\0\0\0", 4);
    end(0);
    set_checksum(made.length - 4);
    read_header(made.bytes, made.length);
}

static void a_checksum_equals_those_of_the_rfcs(void **state)
{
    uint8_t bytes[48] = {0};

    (void)state; /* RFC 7143 section A.4 */
    assert_int_equal(crc32c_add(0, (const uint8_t *)"123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_add(0, bytes, 32), 0x8a9136aa);
    for (size_t i = 0; i < 32; i++) bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c_add(0, bytes, 32), 0x46dd794e);
    assert_int_equal(crc32c_add(crc32c_add(0, bytes, 7), bytes + 7, 25), 0x46dd794e);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c_add(0, bytes, 32), 0x62a8ab43);
    assert_int_equal(crc32c_add(5, bytes, 0), 5);
}

/* Headers as HAProxy 2.6.12 sent them, with proxy-v2-options ssl,authority,crc32c,unique-id: of a
 * client of TLS with ALPN, and of one of a Unix-domain socket, for which HAProxy sends LOCAL. */
static void headers_of_haproxy_are_read(void **state)
{
    struct outcome outcome = read_header(
        TEXT(SIGNATURE "\x21\x11\x00\x46\x7f\x00\x00\x01\x7f\x00\x00\x01\xa4\x7a\x42\x69"
                       "\x03\x00\x04\xb6\xd1\x4f\x5f\x01\x00\x04game\x02\x00\x09"
                       "a.example\x05\x00\x0bhello-15497\x20\x00\x0f\x01\x00\x00\x00\x00"
                       "\x21\x00\x07TLSv1.3"));

    (void)state;
    assert_address(&outcome.header.client, "127.0.0.1:42106");
    assert_address(&outcome.header.server, "127.0.0.1:17001");
    assert_int_equal(outcome.header.authority_length, 9);
    assert_memory_equal(outcome.header.authority, "a.example", 9);
    assert_int_equal(outcome.header.unique_id_length, 11);
    assert_memory_equal(outcome.header.unique_id, "hello-15497", 11);
    outcome = read_header(TEXT(SIGNATURE "\x20\x00\x00\x1d\x03\x00\x04\x73\xb9\xf9\xf6\x05\x00\x0b"
                                         "hello-15497\x20\x00\x05\x00\x00\x00\x00\x00"));
    assert_int_equal(outcome.header.kind, PROXY_HEADER_LOCAL);
}

/* ---- what is not a header ---- */

static void something_else_is_refused_and_named(void **state)
{
    (void)state;
    assert_bad(TEXT("GET / HTTP/1.1\r\n"),
               "there is no PROXY header: the first bytes are ASCII \"GET / HTTP/1\": this is an "
               "HTTP request");
    assert_bad(TEXT("PRI * HTTP/2.0\r\n"), "this is an HTTP/2 client");
    assert_bad(TEXT("\x16\x03\x01\x02\x00\x01\x00\x01"), "this is a TLS ClientHello");
    assert_bad(TEXT("SSH-2.0-OpenSSH"), "this is an SSH client");
    assert_bad(TEXT("hello\r\n"), "this client speaks text");
    assert_bad(TEXT("PROXY\r\n"), "this client speaks text");
    assert_bad(TEXT("PROXX TCP4"), "this client speaks text");
    assert_bad(TEXT("\0\0\0\5hello"),
               "there is no PROXY header: the first bytes are \"\\x00\\x00\\x00\\x05hello\"");
    assert_bad(TEXT("\r\n\r\n\0\r\nQUIX\n"), "\"\\r\\n\\r\\n\\x00\\r\\nQUIX\\n\"");
    assert_bad(TEXT("\r\n\r\nGET /"), "this client speaks text");
}

static void every_prefix_of_a_header_needs_more(void **state)
{
    (void)state;
    begin_v4();
    add_tlv(2, "a.example", 9);
    add_tlv(4, "", 0);
    end(0);
    for (size_t length = 0; length < made.length; length++)
        assert_int_equal(read_bytes(made.bytes, length).result, PROXY_HEADER_MORE);
}

static void nothing_is_used_after_the_end(void **state)
{
    struct outcome outcome = read_header(TEXT("PROXY UNKNOWN\r\n"));
    const uint8_t *at = (const uint8_t *)FOLLOWING;
    size_t left = sizeof FOLLOWING;

    (void)state;
    assert_int_equal(proxy_header_read(&outcome.header, &at, &left, &outcome.error),
                     PROXY_HEADER_DONE);
    assert_int_equal(left, sizeof FOLLOWING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_names_the_client),
        cmocka_unit_test(an_unknown_line_names_no_client),
        cmocka_unit_test(a_malformed_line_is_refused),
        cmocka_unit_test(a_line_has_at_most_107_bytes),
        cmocka_unit_test(a_block_names_an_ipv4_client),
        cmocka_unit_test(a_block_names_an_ipv6_client),
        cmocka_unit_test(other_families_name_no_client),
        cmocka_unit_test(the_block_of_local_is_skipped_unread),
        cmocka_unit_test(a_malformed_block_is_refused),
        cmocka_unit_test(a_block_has_at_most_4096_bytes),
        cmocka_unit_test(authority_and_unique_id_are_kept),
        cmocka_unit_test(a_unix_block_has_tlvs_too),
        cmocka_unit_test(malformed_tlvs_are_refused),
        cmocka_unit_test(the_checksum_is_verified),
        cmocka_unit_test(a_checksum_equals_those_of_the_rfcs),
        cmocka_unit_test(headers_of_haproxy_are_read),
        cmocka_unit_test(something_else_is_refused_and_named),
        cmocka_unit_test(every_prefix_of_a_header_needs_more),
        cmocka_unit_test(nothing_is_used_after_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
