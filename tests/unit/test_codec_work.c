/* SPDX-License-Identifier: MIT */
/* test_codec_work.c - the work of a codec is proportional to the bytes that it receives, for every
 * stream and for every way to cut it. The tests count copied bytes and calls, never time. The test
 * codec_instructions counts instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"
#include "memory_faults.h"
#include "reassembly.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const size_t whole = SIZE_MAX, one = 1;

static struct weir_frame *open_spec(const char *spec)
{
    struct weir_frame *frame;

    assert_int_equal(weir_frame_open(spec, &frame, NULL), WEIR_OK);
    return frame;
}

/* ---- fragments ---- */

/* Writes `count` fragments of `length` bytes that do not end a record; the caller frees them. */
static uint8_t *make_fragments(size_t count, uint8_t length)
{
    uint8_t *stream = calloc(count + 1, (size_t)length + 4); /* room for one more */

    assert_non_null(stream);
    for (size_t i = 0; i < count; i++) stream[i * (length + 4U) + 3] = length;
    return stream;
}

/* Every fragment copied the whole record: the copied bytes grew with the square of the input. */
static void test_a_fragment_does_not_copy_its_record(void **state)
{
    static const size_t pieces[] = {SIZE_MAX, 16384, 5, 1};
    const size_t count = 20000;
    uint8_t *stream = make_fragments(count, 1);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct weir_frame *frame = open_spec("sunrpc,fragments=20000");
        uint64_t copied = reassembly_copied_bytes(), moved = reassembly_moved_bytes();
        struct frames frames =
            frames_decode(weir_frame_codec(frame), stream, 5 * count, &pieces[i], 1, false);
        assert_int_equal(frames.result, WEIR_DECODED_MORE);
        assert_int_equal(frames.partial_bytes, count + 4);
        assert_int_equal(reassembly_copied_bytes() - copied, 5 * count);
        assert_true(reassembly_moved_bytes() - moved <= 2 * count);
        frames_free(&frames);
        weir_frame_free(frame);
    }
    free(stream);
}

/* Returns the result of `count` fragments of `length` bytes and the last one, also byte by byte. */
static struct frames decode_record(const char *spec, size_t count, uint8_t length)
{
    struct weir_frame *frame = open_spec(spec);
    uint8_t *stream = make_fragments(count, length);
    size_t size = count * (length + 4U);

    stream[size] = 0x80;
    struct frames all = frames_decode(weir_frame_codec(frame), stream, size + 4, &whole, 1, true);
    struct frames bytes = frames_decode(weir_frame_codec(frame), stream, size + 4, &one, 1, true);
    assert_true(frames_same(&all, &bytes));
    assert_null(all.broken);
    frames_free(&bytes);
    free(stream);
    weir_frame_free(frame);
    return all;
}

/* An empty fragment makes a record no longer, so max did not limit them. */
static void test_fragments_of_a_record_are_limited(void **state)
{
    static const struct {
        const char *spec;
        size_t most; /* fragments before the last one */
    } limits[] = {
        {"sunrpc", 1023},
        {"sunrpc:fragments=1", 0},
        {"sunrpc:fragments=7", 6},
        {"sunrpc,max=4m", 4095},
        {"sunrpc,max=5,oversize=skip", 1023},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        char says[64];
        struct frames frames = decode_record(limits[i].spec, limits[i].most, 0);
        assert_int_equal(frames.count, 1);
        assert_int_equal(frames.result, WEIR_DECODED_MORE);
        frames_free(&frames);
        frames = decode_record(limits[i].spec, limits[i].most + 1, 0);
        snprintf(says, sizeof says, "a record has more than %zu fragments", limits[i].most + 1);
        assert_int_equal(frames.count, 0);
        assert_int_equal(frames.result, WEIR_DECODED_BAD);
        assert_string_equal(frames.decode_error.text, says);
        frames_free(&frames);
    }
}

/* Nothing is stored of a skipped record, so its fragments are not counted. */
static void test_fragments_of_a_skipped_record_are_not_counted(void **state)
{
    struct frames frames = decode_record("sunrpc:fragments=6,max=5,oversize=skip", 1000, 1);

    (void)state;
    assert_int_equal(frames.count, 0);
    assert_int_equal(frames.skipped_count, 1);
    assert_int_equal(frames.result, WEIR_DECODED_MORE);
    frames_free(&frames);
    frames = decode_record("sunrpc:fragments=5,max=5,oversize=skip", 1000, 1);
    assert_int_equal(frames.result, WEIR_DECODED_BAD);
    frames_free(&frames);
}

/* Each record has its own count. */
static void test_the_count_of_fragments_starts_with_each_record(void **state)
{
    static const uint8_t record[] = {0, 0, 0, 1, 'a', 0x80, 0, 0, 1, 'b'};
    static const size_t sizes[] = {SIZE_MAX, 1, 7};
    static uint8_t stream[100 * sizeof record];
    struct weir_frame *frame = open_spec("sunrpc:fragments=2,max=1k");

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        memcpy(stream + i * sizeof record, record, sizeof record);
        stream[i * sizeof record + 7] = 0;
        stream[i * sizeof record + 8] = 1;
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct frames frames =
            frames_decode(weir_frame_codec(frame), stream, sizeof stream, &sizes[i], 1, true);
        assert_int_equal(frames.count, 100);
        frames_free(&frames);
    }
    weir_frame_free(frame);
}

/* ---- every codec ---- */

/* Streams of one frame or message, repeated. */
static const struct {
    const char *spec;
    const char *unit; /* one frame, which is repeated; null: the opening is followed by x */
    size_t unit_length;
    const char *opening; /* the start of the stream */
    size_t opening_length;
} streams[] = {
    {"u8", "\0", 1, "", 0},
    {"u8", "\1x", 2, "", 0},
    {"u32be", NULL, 0, "\0\0\x80\0", 4},
    {"u32be,max=1,oversize=skip", "\0\0\0\2xx", 6, "", 0},
    {"u64le,oversize=skip", NULL, 0, "\0\0\0\0\0\0\0\1", 8},
    {"bgp", NULL, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff",
     18},
    {"varint", "\0", 1, "", 0},
    {"varint", "\x80\1", 2, "", 0},
    {"varint", NULL, 0, "\x80\x80\2", 3},
    {"netstring", "0:,", 3, "", 0},
    {"netstring", "10:xxxxxxxxxx,", 14, "", 0},
    {"netstring", NULL, 0, "32768:", 6},
    {"netstring,oversize=skip", NULL, 0, "1234567890123456789:", 20},
    {"fixed:size=1", "x", 1, "", 0},
    {"fixed:size=16k", "x", 1, "", 0},
    {"line", "\n", 1, "", 0},
    {"line", "x\r\n", 3, "", 0},
    {"line", NULL, 0, "", 0},
    {"line:delimiter=xxxxxxxxxxxxxxxy", NULL, 0, "", 0},
    {"line:delimiter=xxxxxxxxxxxxxxxy,max=1,oversize=skip", NULL, 0, "", 0},
    {"line,max=1,oversize=skip", "xxx\n", 4, "", 0},
    {"sunrpc", "\0\0\0\1x\x80\0\0\1x", 10, "", 0},
    {"sunrpc:fragments=64k", "\0\0\0\1x", 5, "", 0},
    {"sunrpc:fragments=64k", "\0\0\0\0", 4, "", 0},
    {"sunrpc,max=1,oversize=skip", "\0\0\0\1x", 5, "", 0},
    {"sunrpc", NULL, 0, "\x80\0\x80\0", 4},
};

#define STREAM_BYTES 29400 /* a whole number of every unit */

static void fill_stream(uint8_t *stream, size_t index)
{
    size_t at = streams[index].opening_length;

    memset(stream, 'x', STREAM_BYTES);
    memcpy(stream, streams[index].opening, at);
    if (!streams[index].unit) return;
    for (; at + streams[index].unit_length <= STREAM_BYTES; at += streams[index].unit_length)
        memcpy(stream + at, streams[index].unit, streams[index].unit_length);
}

/* Each byte is copied into held bytes at most twice and moved at most twice on average. An
 * allocation needs as many new bytes as are held without one. */
static void test_every_codec_copies_a_bounded_number_of_times(void **state)
{
    static const size_t pieces[] = {SIZE_MAX, 1000, 17, 3, 2, 1};
    static uint8_t stream[STREAM_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        struct weir_frame *frame = open_spec(streams[i].spec);
        fill_stream(stream, i);
        for (size_t j = 0; j < COUNT_OF(pieces); j++) {
            uint64_t copied = reassembly_copied_bytes(), moved = reassembly_moved_bytes();
            uint64_t allocations = memory_allocations_count();
            struct frames frames =
                frames_decode(weir_frame_codec(frame), stream, sizeof stream, &pieces[j], 1, false);
            copied = reassembly_copied_bytes() - copied;
            moved = reassembly_moved_bytes() - moved;
            allocations = memory_allocations_count() - allocations;
            if (frames.result != WEIR_DECODED_MORE || frames.broken || copied > 2 * sizeof stream ||
                moved > 2 * sizeof stream || allocations > 16 + copied / REASSEMBLY_SMALL_BYTES)
                fail_msg("%s, stream %zu, pieces of %zu: result %d, %llu copied, %llu moved, %llu "
                         "allocations",
                         streams[i].spec, i, pieces[j], (int)frames.result,
                         (unsigned long long)copied, (unsigned long long)moved,
                         (unsigned long long)allocations);
            frames_free(&frames);
        }
        weir_frame_free(frame);
    }
}

/* The memory for a header ended where the header did, so the next byte moved everything again. */
static void test_a_header_of_any_length_is_moved_at_most_twice(void **state)
{
    static uint8_t stream[80];

    (void)state;
    for (unsigned offset = 0; offset + 1 < WEIR_HEADER_BYTES_MAX; offset++) {
        for (uint8_t length = 0; length < 10; length++) {
            char spec[40];
            size_t size = offset + 1u + length;
            snprintf(spec, sizeof spec, "length:width=1,offset=%u", offset);
            struct weir_frame *frame = open_spec(spec);
            uint64_t moved = reassembly_moved_bytes();
            stream[offset] = length;
            struct frames frames =
                frames_decode(weir_frame_codec(frame), stream, size, &one, 1, true);
            assert_int_equal(frames.count, 1);
            assert_in_range(reassembly_moved_bytes() - moved, 0, 2 * size);
            frames_free(&frames);
            weir_frame_free(frame);
        }
        stream[offset] = 0;
    }
}

/* Held bytes had memory for twice the longest line or record. */
static void test_memory_does_not_exceed_the_longest_frame(void **state)
{
    static const struct {
        const char *spec, *opening;
        size_t opening_length, most;
    } limits[] = {
        {"line,max=1000", "", 0, 1002},
        {"crlf,max=1000", "", 0, 1002},
        {"sunrpc,max=1000", "\0\0\3\xe7", 4, 1008},
        {"netstring,max=1000", "1000:", 5, 1006},
        {"u16be,max=1000", "\3\xe8", 2, 1002},
        {"fixed:size=1000", "", 0, 1000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct weir_frame *frame = open_spec(limits[i].spec);
        const struct weir_codec *codec = weir_frame_codec(frame);
        struct reassembly reassembly = {0};
        struct weir_message message;
        struct weir_decode_error decode_error;
        struct weir_input input = {(const uint8_t *)limits[i].opening, limits[i].opening_length,
                                   false};
        for (size_t came = 0; came < 999; came++) {
            assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                             WEIR_DECODED_MORE);
            input = (struct weir_input){(const uint8_t *)"x", 1, false};
        }
        assert_true(reassembly.capacity >= 900);
        assert_true(reassembly.capacity <= limits[i].most);
        codec->release(codec, &reassembly);
        weir_frame_free(frame);
    }
}

/* ---- probes ---- */

/* Counts what a probe does. */
struct probe_work {
    size_t calls, offered; /* calls, and the bytes that they were offered */
    size_t scanned;        /* bytes that the probe read */
    bool resumes;          /* it continues where its previous call ended */
};

/* A header that ends in an empty line, as HTTP has it, without a body. */
static enum weir_decoded probe_lines(void *user, const uint8_t *bytes, size_t length,
                                     struct weir_header *header,
                                     struct weir_decode_error *decode_error)
{
    struct probe_work *work = user;
    size_t from = work->resumes && header->seen_bytes > 3 ? header->seen_bytes - 3 : 0;

    (void)decode_error;
    work->calls++;
    work->offered += length;
    for (size_t at = from; at + 4 <= length; at++) {
        work->scanned++;
        if (memcmp(bytes + at, "\r\n\r\n", 4) != 0) continue;
        header->message_bytes = at + 4;
        return WEIR_DECODED_MESSAGE;
    }
    return WEIR_DECODED_MORE;
}

static struct weir_frame *open_lines(struct probe_work *work)
{
    const struct weir_probe probe = {
        .size = sizeof probe, .header_bytes_max = 16384, .user = work, .probe = probe_lines};
    struct weir_frame *frame;

    assert_int_equal(weir_frame_open_probe(&probe, &frame, NULL), WEIR_OK);
    return frame;
}

/* Two headers of 16000 bytes. */
static uint8_t header_bytes[32000];

static void fill_headers(void)
{
    memset(header_bytes, 'a', sizeof header_bytes);
    memcpy(header_bytes + 15996, "\r\n\r\n", 4);
    memcpy(header_bytes + 31996, "\r\n\r\n", 4);
}

static void decode_headers(struct probe_work *work, const size_t *pieces, size_t pieces_count)
{
    struct weir_frame *frame = open_lines(work);
    struct frames frames = frames_decode(weir_frame_codec(frame), header_bytes, sizeof header_bytes,
                                         pieces, pieces_count, true);

    assert_int_equal(frames.count, 2);
    assert_int_equal(frames.result, WEIR_DECODED_MORE);
    assert_null(frames.broken);
    frames_free(&frames);
    weir_frame_free(frame);
}

/* The held header grew by one byte for each call, and the probe read all of it every time. */
static void test_a_probe_is_offered_all_available_bytes(void **state)
{
    static const size_t pieces[] = {1, SIZE_MAX};
    struct probe_work work = {.calls = 0};

    (void)state;
    fill_headers();
    decode_headers(&work, pieces, 2);
    assert_int_equal(work.calls, 3); /* 1 byte, all bytes, the second header */
    assert_true(work.scanned <= sizeof header_bytes);
}

/* Pieces of 1000 bytes: a call for each piece, and one call for the whole frame. */
static void test_a_probe_is_called_once_for_each_piece(void **state)
{
    static const size_t pieces[] = {1000};
    struct probe_work work = {.calls = 0};

    (void)state;
    fill_headers();
    decode_headers(&work, pieces, 1);
    assert_int_equal(work.calls, 32);
    assert_int_equal(work.offered, 2 * (1000 * 16 * 17 / 2));
}

/* A probe that continues from seen_bytes reads each byte once, however the header arrives. */
static void test_a_probe_can_continue_its_scan(void **state)
{
    static const size_t sizes[] = {1, 7, 1000, SIZE_MAX};

    (void)state;
    fill_headers();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct probe_work work = {.resumes = true};
        decode_headers(&work, &sizes[i], 1);
        assert_true(work.scanned <= sizeof header_bytes);
    }
}

/* Announces 4 bytes, and another length once they have arrived. */
static enum weir_decoded probe_fickle(void *user, const uint8_t *bytes, size_t length,
                                      struct weir_header *header,
                                      struct weir_decode_error *decode_error)
{
    (void)user;
    (void)decode_error;
    header->message_bytes = length < 4 ? 4 : (uint64_t)(bytes[0] - '0');
    return length >= 4 && bytes[0] == '?' ? WEIR_DECODED_MORE : WEIR_DECODED_MESSAGE;
}

static void test_a_probe_that_changes_its_result(void **state)
{
    static const char *const bad[] = {"?bcd", "3bcd", "7bcd"};
    const struct weir_probe probe = {
        .size = sizeof probe, .header_bytes_max = 8, .probe = probe_fickle};
    struct weir_frame *frame;

    (void)state;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, NULL), WEIR_OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct frames frames =
            frames_decode(weir_frame_codec(frame), (const uint8_t *)bad[i], 4, &one, 1, false);
        assert_int_equal(frames.result, WEIR_DECODED_BAD);
        assert_string_equal(frames.decode_error.text,
                            "the probe changed its result when more bytes arrived");
        frames_free(&frames);
    }
    weir_frame_free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fragment_does_not_copy_its_record),
        cmocka_unit_test(test_fragments_of_a_record_are_limited),
        cmocka_unit_test(test_fragments_of_a_skipped_record_are_not_counted),
        cmocka_unit_test(test_the_count_of_fragments_starts_with_each_record),
        cmocka_unit_test(test_every_codec_copies_a_bounded_number_of_times),
        cmocka_unit_test(test_a_header_of_any_length_is_moved_at_most_twice),
        cmocka_unit_test(test_memory_does_not_exceed_the_longest_frame),
        cmocka_unit_test(test_a_probe_is_offered_all_available_bytes),
        cmocka_unit_test(test_a_probe_is_called_once_for_each_piece),
        cmocka_unit_test(test_a_probe_can_continue_its_scan),
        cmocka_unit_test(test_a_probe_that_changes_its_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
