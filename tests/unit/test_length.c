/* SPDX-License-Identifier: MIT */
/* test_length.c - length headers: every width, byte order, meaning and position, compared with an
 * independent computation; and the boundary values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"
#include "memory_faults.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const size_t whole = SIZE_MAX, one = 1;

static void write_number(uint8_t *bytes, int width, bool is_little, uint64_t value)
{
    for (int i = 0; i < width; i++)
        bytes[is_little ? i : width - 1 - i] = (uint8_t)(value >> 8 * i);
}

/* ---- all combinations ---- */

struct layout {
    int width, offset, extra, adjust, strip; /* strip -1: yes */
    bool is_little;
    const char *covers;
};

static int layout_header(const struct layout *layout)
{
    return layout->offset + layout->width + layout->extra;
}

/* Returns the length field for a body of this size; negative if none exists. */
static int64_t layout_value(const struct layout *layout, int64_t body)
{
    int64_t counted = body;

    if (strcmp(layout->covers, "header+body") == 0) counted += layout_header(layout);
    if (strcmp(layout->covers, "rest") == 0) counted += layout->extra;
    return counted - layout->adjust;
}

static bool layout_can_hold(const struct layout *layout, int64_t value)
{
    return value >= 0 && (layout->width == 8 || value >> 8 * layout->width == 0);
}

/* Builds the expected frame of a body of this size. */
static size_t layout_frame(const struct layout *layout, uint8_t *frame, size_t body)
{
    size_t header = (size_t)layout_header(layout);
    size_t stripped = layout->strip < 0 ? header : (size_t)layout->strip;

    memset(frame, 0, header);
    for (size_t i = stripped; i < header; i++) frame[i] = (uint8_t)(0xe0 + i);
    for (size_t i = 0; i < body; i++) frame[header + i] = (uint8_t)(i * 7 + 1);
    write_number(frame + layout->offset, layout->width, layout->is_little,
                 (uint64_t)layout_value(layout, (int64_t)body));
    return header + body;
}

static void check_round_trip(const struct weir_codec *codec, const struct layout *layout,
                             size_t body)
{
    static uint8_t stream[3 * 512], made[512], message[512];
    size_t header = (size_t)layout_header(layout);
    size_t stripped = layout->strip < 0 ? header : (size_t)layout->strip, length, made_length;
    bool can = layout_can_hold(layout, layout_value(layout, (int64_t)body));

    size_t frame_length = layout_frame(layout, stream, body);
    memcpy(message, stream + stripped, frame_length - stripped);
    /* If the caller provides the header, its length field is corrected, whatever it was. */
    for (int i = layout->offset; i < layout->offset + layout->width; i++)
        if ((size_t)i >= stripped) message[(size_t)i - stripped] = 0x55;
    enum weir_code code =
        weir_codec_encode(codec, message, frame_length - stripped, made, sizeof made, &made_length);
    if (!can) {
        assert_int_not_equal(code, WEIR_OK);
        return;
    }
    assert_int_equal(code, WEIR_OK);
    assert_int_equal(made_length, frame_length);
    assert_memory_equal(made, stream, frame_length);
    memcpy(stream + frame_length, stream, frame_length);
    memcpy(stream + 2 * frame_length, stream, frame_length);
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct frames frames =
            frames_decode(codec, stream, 3 * frame_length, bytewise ? &one : &whole, 1, true);
        assert_null(frames.broken);
        assert_int_equal(frames.count, 3);
        assert_int_equal(frames.result, WEIR_DECODED_MORE);
        const uint8_t *last = frames_message(&frames, 2, &length);
        assert_int_equal(length, frame_length - stripped);
        assert_memory_equal(last, stream + stripped, length);
        frames_free(&frames);
    }
}

static size_t check_layout(const struct layout *layout)
{
    static const size_t bodies[] = {0, 1, 2, 3, 4, 5, 6, 100, 250, 254, 255, 256, 300};
    struct weir_frame *frame;
    char spec[160], strip[16] = "yes";

    if (layout->strip >= 0) snprintf(strip, sizeof strip, "%d", layout->strip);
    snprintf(spec, sizeof spec,
             "length:width=%d,endian=%s,offset=%d,header=%d,covers=%s,adjust=%d,strip=%s",
             layout->width, layout->is_little ? "little" : "big", layout->offset,
             layout_header(layout), layout->covers, layout->adjust, strip);
    if (weir_frame_open(spec, &frame, NULL) != WEIR_OK) fail_msg("%s is refused", spec);
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        check_round_trip(weir_frame_codec(frame), layout, bodies[i]);
    weir_frame_free(frame);
    return 1;
}

static void test_every_layout_encodes_and_decodes(void **state)
{
    static const int adjusts[] = {-3, -1, 0, 1, 5}, strips[] = {-1, 0, 1};
    static const char *const covers[] = {"body", "header+body", "rest"};
    size_t count = 0;

    (void)state;
    for (int width = 1; width <= 8; width++)
        for (int endian = 0; endian < 2; endian++)
            for (size_t a = 0; a < COUNT_OF(adjusts); a++)
                for (size_t s = 0; s < COUNT_OF(strips); s++)
                    for (size_t c = 0; c < COUNT_OF(covers); c++)
                        for (int position = 0; position < 4; position++) {
                            struct layout layout = {.width = width,
                                                    .offset = position & 1 ? 2 : 0,
                                                    .extra = position & 2 ? 3 : 0,
                                                    .adjust = adjusts[a],
                                                    .strip = strips[s],
                                                    .is_little = endian == 1,
                                                    .covers = covers[c]};
                            count += check_layout(&layout);
                        }
    assert_int_equal(count, 8 * 2 * 5 * 3 * 3 * 4);
}

/* ---- boundaries ---- */

/* Decodes a stream that begins with this length and continues with bytes; returns the result. */
static enum weir_decoded decode_start(const char *spec, int width, bool is_little, uint64_t value,
                                      size_t *partial)
{
    uint8_t stream[24] = {0};
    struct weir_frame *frame;

    assert_int_equal(weir_frame_open(spec, &frame, NULL), WEIR_OK);
    write_number(stream, width, is_little, value);
    uint64_t before = memory_allocations_count();
    struct frames frames =
        frames_decode(weir_frame_codec(frame), stream, sizeof stream, &whole, 1, false);
    /* Only the decoder and the received bytes are allocated, not the announced length. */
    assert_true(memory_allocations_count() - before <= 2);
    *partial = frames.partial_bytes;
    frames_free(&frames);
    weir_frame_free(frame);
    return frames.result;
}

static void test_limits_at_max_and_around_it(void **state)
{
    static const struct {
        const char *spec;
        int width;
        bool is_little;
        uint64_t value;
        enum weir_decoded result;
        size_t partial;
    } edges[] = {
        {"u8,max=200", 1, false, 199, WEIR_DECODED_MORE, 24},
        {"u8,max=200", 1, false, 200, WEIR_DECODED_MORE, 24},
        {"u8,max=200", 1, false, 201, WEIR_DECODED_BAD, 0},
        {"u8", 1, false, 255, WEIR_DECODED_MORE, 24},
        {"u16be", 2, false, 0x8000, WEIR_DECODED_MORE, 24},
        {"u16le", 2, true, 0xffff, WEIR_DECODED_MORE, 24},
        {"u32be", 4, false, 0x7fffffff, WEIR_DECODED_BAD, 0},
        {"u32be", 4, false, 0x80000000, WEIR_DECODED_BAD, 0},
        {"u32be", 4, false, 0xffffffff, WEIR_DECODED_BAD, 0},
        {"u32be,max=1g", 4, false, 0x40000000, WEIR_DECODED_MORE, 24},
        {"u32be,max=1g", 4, false, 0x40000001, WEIR_DECODED_BAD, 0},
        {"u64be,max=1g", 8, false, UINT64_C(1) << 32, WEIR_DECODED_BAD, 0},
        {"u32le,oversize=skip", 4, true, 0xffffffff, WEIR_DECODED_MORE, 1},
        {"u64be", 8, false, UINT64_C(1) << 20, WEIR_DECODED_MORE, 24},
        {"u64be", 8, false, (UINT64_C(1) << 20) + 1, WEIR_DECODED_BAD, 0},
        {"u64be", 8, false, UINT64_C(1) << 63, WEIR_DECODED_BAD, 0},
        {"u64be", 8, false, (UINT64_C(1) << 63) - 1, WEIR_DECODED_BAD, 0},
        {"u64le", 8, true, UINT64_MAX, WEIR_DECODED_BAD, 0},
        {"u64le,oversize=skip", 8, true, UINT64_C(1) << 63, WEIR_DECODED_MORE, 1},
        {"u64le,oversize=skip", 8, true, UINT64_MAX - 8, WEIR_DECODED_MORE, 1},
        {"u64le,oversize=skip", 8, true, UINT64_MAX - 7, WEIR_DECODED_BAD, 0},
        {"length:width=8,adjust=-9,oversize=skip", 8, false, UINT64_MAX, WEIR_DECODED_MORE, 1},
        {"length:width=8,adjust=-1", 8, false, 0, WEIR_DECODED_BAD, 0},
        {"length:width=4,covers=header+body", 4, false, 3, WEIR_DECODED_BAD, 0},
        {"length:width=4,covers=header+body,max=36", 4, false, 40, WEIR_DECODED_MORE, 24},
        {"length:width=4,covers=header+body,max=36", 4, false, 41, WEIR_DECODED_BAD, 0},
        {"length:width=4,strip=no,max=1k", 4, false, 1020, WEIR_DECODED_MORE, 24},
        {"length:width=4,strip=no,max=1k", 4, false, 1021, WEIR_DECODED_BAD, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        size_t partial;
        enum weir_decoded result = decode_start(edges[i].spec, edges[i].width, edges[i].is_little,
                                                edges[i].value, &partial);
        if (result != edges[i].result || partial != edges[i].partial)
            fail_msg("%s: %#llx: result %d, %zu bytes partial", edges[i].spec,
                     (unsigned long long)edges[i].value, (int)result, partial);
    }
}

static void test_lengths_beyond_the_field_are_not_sent(void **state)
{
    static uint8_t message[70000], made[70100];
    static const struct {
        const char *spec;
        size_t length;
        enum weir_code code;
    } sent[] = {
        {"u8", 255, WEIR_OK},
        {"u8", 256, WEIR_TOO_LARGE},
        {"u8,max=10", 11, WEIR_TOO_LARGE},
        {"u16be", 65535, WEIR_OK},
        {"u16be", 65536, WEIR_TOO_LARGE},
        {"u16be,max=1m", 65536, WEIR_TOO_LARGE},
        {"length:width=1,covers=header+body", 254, WEIR_OK},
        {"length:width=1,covers=header+body", 255, WEIR_TOO_LARGE},
        {"length:width=1,strip=no", 0, WEIR_INVALID},
        {"length:width=1,strip=no", 1, WEIR_OK},
        {"length:width=1,adjust=5", 4, WEIR_INVALID},
        {"length:width=1,adjust=5", 5, WEIR_OK},
        {"length:width=1,adjust=5", 260, WEIR_OK},
        {"length:width=1,adjust=5", 261, WEIR_TOO_LARGE},
        {"varint,max=100", 101, WEIR_TOO_LARGE},
        {"varint,adjust=5", 4, WEIR_INVALID},
        {"varint,strip=no", 0, WEIR_INVALID},
        {"varint,strip=no", 1, WEIR_OK},
        {"varint,strip=no,max=128", 128, WEIR_OK},
        {"varint,strip=no,max=129", 129, WEIR_TOO_LARGE},
        {"netstring,max=9", 10, WEIR_TOO_LARGE},
        {"fixed:size=4", 4, WEIR_OK},
        {"fixed:size=4", 3, WEIR_INVALID},
        {"fixed:size=4", 5, WEIR_TOO_LARGE},
        {"sunrpc,max=9", 10, WEIR_TOO_LARGE},
        {"line,max=9", 10, WEIR_TOO_LARGE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        struct weir_frame *frame;
        size_t made_length;
        assert_int_equal(weir_frame_open(sent[i].spec, &frame, NULL), WEIR_OK);
        enum weir_code code = weir_codec_encode(weir_frame_codec(frame), message, sent[i].length,
                                                made, sizeof made, &made_length);
        if (code != sent[i].code) fail_msg("%s: %zu: %d", sent[i].spec, sent[i].length, (int)code);
        weir_frame_free(frame);
    }
}

/* ---- varints ---- */

static void test_varints_at_their_boundaries(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum weir_decoded result;
        const char *says;
    } headers[] = {
        {"\x7f", 1, WEIR_DECODED_MORE, NULL},
        {"\x80", 1, WEIR_DECODED_MORE, NULL},
        {"\x80\x80\x40", 3, WEIR_DECODED_MORE, NULL}, /* 2^20: the maximum */
        {"\x81\x80\x40", 3, WEIR_DECODED_BAD, "length 1048577 exceeds 1048576"},
        {"\x80\x00", 2, WEIR_DECODED_BAD, "the varint is longer than necessary"},
        {"\x81\x80\x00", 3, WEIR_DECODED_BAD, "longer than necessary"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, WEIR_DECODED_MORE, NULL},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, WEIR_DECODED_BAD, "overflows 64 bits"},
        {"\xf0\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, WEIR_DECODED_BAD,
         "length 18446744073709551600 exceeds"},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, WEIR_DECODED_BAD,
         "length 9223372036854775808 exceeds"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, WEIR_DECODED_BAD, "longer than 64 bits"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10, WEIR_DECODED_BAD, "longer than 64 bits"},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, WEIR_DECODED_BAD, "longer than necessary"},
    };
    struct weir_frame *frame;

    (void)state;
    assert_int_equal(weir_frame_open("varint", &frame, NULL), WEIR_OK);
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct frames frames =
                frames_decode(weir_frame_codec(frame), (const uint8_t *)headers[i].bytes,
                              headers[i].length, bytewise ? &one : &whole, 1, false);
            if (frames.result != headers[i].result ||
                (headers[i].says && !strstr(frames.decode_error.text, headers[i].says)))
                fail_msg("%zu: %d %s", i, (int)frames.result, frames.decode_error.text);
            frames_free(&frames);
        }
    }
    weir_frame_free(frame);
}

/* netty#17549: a prefix split after its third byte desynchronized the stream. */
static void test_a_varint_split_anywhere_stays_synchronized(void **state)
{
    static uint8_t message[300000], stream[2 * 300010];
    struct weir_frame *frame;
    size_t frame_length;

    (void)state;
    assert_int_equal(weir_frame_open("varint", &frame, NULL), WEIR_OK);
    assert_int_equal(weir_codec_encode(weir_frame_codec(frame), message, sizeof message, stream,
                                       sizeof stream / 2, &frame_length),
                     WEIR_OK);
    assert_int_equal(frame_length, sizeof message + 3);
    memcpy(stream + frame_length, stream, frame_length);
    for (size_t first = 1; first <= 4; first++) {
        const size_t pieces[] = {first, frame_length - 1, SIZE_MAX};
        struct frames frames =
            frames_decode(weir_frame_codec(frame), stream, 2 * frame_length, pieces, 3, true);
        assert_int_equal(frames.count, 2);
        assert_int_equal(frames.result, WEIR_DECODED_MORE);
        frames_free(&frames);
    }
    weir_frame_free(frame);
}

/* A header provided in the message is read before its length field is corrected. */
static void test_an_invalid_varint_of_the_caller_is_rejected(void **state)
{
    uint8_t made[16];
    struct weir_frame *frame;
    size_t length;

    (void)state;
    assert_int_equal(weir_frame_open("mqtt", &frame, NULL), WEIR_OK);
    const struct weir_codec *codec = weir_frame_codec(frame);
    assert_int_equal(weir_codec_encode(codec, "\x10\x80\x00x", 4, made, 16, &length), WEIR_INVALID);
    assert_int_equal(weir_codec_encode(codec, "\x10\x80", 2, made, 16, &length), WEIR_INVALID);
    assert_int_equal(weir_codec_encode(codec, "\x10", 1, made, 16, &length), WEIR_INVALID);
    assert_int_equal(weir_codec_encode(codec, "\x10\x85\x01x", 4, made, 16, &length), WEIR_OK);
    assert_int_equal(length, 3);
    assert_memory_equal(made, "\x10\x01x", 3);
    weir_frame_free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layout_encodes_and_decodes),
        cmocka_unit_test(test_limits_at_max_and_around_it),
        cmocka_unit_test(test_lengths_beyond_the_field_are_not_sent),
        cmocka_unit_test(test_varints_at_their_boundaries),
        cmocka_unit_test(test_an_invalid_varint_of_the_caller_is_rejected),
        cmocka_unit_test(test_a_varint_split_anywhere_stays_synchronized),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
