/* SPDX-License-Identifier: MIT */
/* test_reassembly.c - the cost of decoding: messages in one piece are not copied, memory grows with
 * the received bytes, and an allocation failure only ends the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
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

static const struct {
    const char *spec;
    size_t length; /* per message */
} kinds[] = {
    {"u16be", 100},  {"u32le", 100},          {"length:width=4,offset=3,header=9,strip=no", 100},
    {"varint", 200}, {"varint,strip=no", 60}, {"line", 50},
    {"crlf", 50},    {"netstring", 100},      {"fixed:size=16", 16},
    {"sunrpc", 100}, {"tpkt", 100},           {"length:width=1,offset=20", 100},
};

/* Returns this many frames of one message in a row; the caller frees them. */
static uint8_t *make_stream(const struct weir_codec *codec, size_t message_length, size_t count,
                            size_t *length)
{
    uint8_t message[256], frame[512];
    size_t frame_length;

    memset(message, 'x', sizeof message);
    assert_int_equal(
        weir_codec_encode(codec, message, message_length, frame, sizeof frame, &frame_length),
        WEIR_OK);
    uint8_t *stream = malloc(count * frame_length);
    assert_non_null(stream);
    for (size_t i = 0; i < count; i++) memcpy(stream + i * frame_length, frame, frame_length);
    *length = count * frame_length;
    return stream;
}

static void test_messages_in_one_piece_are_never_copied(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct weir_frame *frame = open_spec(kinds[i].spec);
        size_t length;
        uint8_t *stream = make_stream(weir_frame_codec(frame), kinds[i].length, 1000, &length);
        uint64_t copied = reassembly_copied_bytes(), allocations = memory_allocations_count();
        struct frames frames =
            frames_decode(weir_frame_codec(frame), stream, length, &whole, 1, true);
        assert_int_equal(frames.count, 1000);
        assert_int_equal(frames.uncopied_count, 1000);
        assert_int_equal(reassembly_copied_bytes() - copied, 0);
        assert_int_equal(memory_allocations_count() - allocations, 1); /* the decoder */
        frames_free(&frames);
        free(stream);
        weir_frame_free(frame);
    }
}

static void test_only_a_split_message_is_copied_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct weir_frame *frame = open_spec(kinds[i].spec);
        size_t length;
        uint8_t *stream = make_stream(weir_frame_codec(frame), kinds[i].length, 3, &length);
        const size_t pieces[] = {length / 3 + 1,
                                 SIZE_MAX}; /* ends one byte into the second message */
        uint64_t copied = reassembly_copied_bytes();
        struct frames frames =
            frames_decode(weir_frame_codec(frame), stream, length, pieces, 2, true);
        assert_int_equal(frames.count, 3);
        assert_int_equal(frames.uncopied_count, 2);
        assert_int_equal(reassembly_copied_bytes() - copied, length / 3);
        frames_free(&frames);
        free(stream);
        weir_frame_free(frame);
    }
}

/* The header announces a megabyte: memory grows with the received bytes, not with the announced
 * length. */
static void test_memory_grows_with_received_bytes(void **state)
{
    static const uint8_t header[] = {0x00, 0x10, 0x00, 0x00};
    static uint8_t body[1000];
    struct weir_frame *frame = open_spec("u32be");
    const struct weir_codec *codec = weir_frame_codec(frame);
    struct reassembly reassembly = {0};
    struct weir_message message;
    struct weir_decode_error decode_error;
    struct weir_input input = {header, sizeof header, false};

    (void)state;
    assert_int_equal(codec->state_bytes, sizeof reassembly);
    assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                     WEIR_DECODED_MORE);
    assert_null(reassembly.heap);
    for (size_t came = sizeof header; came < 200000;) {
        size_t length = 1 + came % 997;
        input = (struct weir_input){body, length, false};
        assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                         WEIR_DECODED_MORE);
        assert_int_equal(input.length, 0);
        came += length;
        assert_int_equal(codec->partial_bytes(codec, &reassembly), came);
        assert_true(reassembly.capacity <= 2 * came);
    }
    codec->release(codec, &reassembly);
    weir_frame_free(frame);
}

/* After the last message was used, an idle session's decoder holds no memory. */
static void test_no_memory_is_held_between_messages(void **state)
{
    static const uint8_t stream[] = "\0\0\0\x28"
                                    "0123456789012345678901234567890123456789";
    struct weir_frame *frame = open_spec("u32be");
    const struct weir_codec *codec = weir_frame_codec(frame);
    struct reassembly reassembly = {0};
    struct weir_message message;
    struct weir_decode_error decode_error;
    struct weir_input input = {stream, 30, false};

    (void)state;
    assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                     WEIR_DECODED_MORE);
    input = (struct weir_input){stream + 30, sizeof stream - 1 - 30, false};
    assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                     WEIR_DECODED_MESSAGE);
    assert_non_null(reassembly.heap);
    assert_int_equal(codec->partial_bytes(codec, &reassembly), 0);
    assert_int_equal(codec->decode(codec, &reassembly, &input, &message, &decode_error),
                     WEIR_DECODED_MORE);
    assert_null(reassembly.heap);
    assert_int_equal(reassembly.phase, REASSEMBLY_IDLE);
    weir_frame_free(frame);
}

/* Each allocation fails once: the stream ends with a reason, and nothing leaks. */
static void test_an_allocation_failure_ends_the_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct weir_frame *frame = open_spec(kinds[i].spec);
        size_t length, refused = 0;
        uint8_t *stream = make_stream(weir_frame_codec(frame), kinds[i].length, 2, &length);
        for (uint64_t nth = 2; nth < 20; nth++) { /* the first is the decoder itself */
            memory_fail_nth(nth, 0);
            struct frames frames =
                frames_decode(weir_frame_codec(frame), stream, length, &one, 1, true);
            memory_fail_nth(0, 0);
            if (frames.result == WEIR_DECODED_BAD) {
                assert_non_null(strstr(frames.decode_error.text, "out of memory for a frame"));
                refused++;
            }
            frames_free(&frames);
        }
        if (kinds[i].length > REASSEMBLY_SMALL_BYTES) assert_true(refused > 0);
        free(stream);
        weir_frame_free(frame);
    }
}

static void test_an_allocation_failure_with_a_large_first_piece(void **state)
{
    static const struct {
        const char *spec;
        const char *bytes;
        size_t first; /* bytes of the first piece */
        uint64_t nth;
    } streams[] = {
        {"u8", "0the quick brown fox jumps over the lazy", 30, 2}, /* "0": 48 bytes */
        {"u8", "0the quick brown fox jumps over the lazy", 20, 3},
        {"line", "the quick brown fox jumps over the lazy\n", 12, 2},
        {"line", "the quick brown fox jumps over the lazy\n", 30, 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        const size_t pieces[] = {streams[i].first, SIZE_MAX};
        struct weir_frame *frame = open_spec(streams[i].spec);
        memory_fail_nth(streams[i].nth, 0);
        struct frames frames =
            frames_decode(weir_frame_codec(frame), (const uint8_t *)streams[i].bytes,
                          strlen(streams[i].bytes), pieces, 2, false);
        memory_fail_nth(0, 0);
        assert_int_equal(frames.result, WEIR_DECODED_BAD);
        assert_non_null(strstr(frames.decode_error.text, "out of memory"));
        frames_free(&frames);
        weir_frame_free(frame);
    }
}

static void test_an_allocation_failure_in_pieces_and_fragments(void **state)
{
    static const uint8_t record[] = "\0\0\0\x14"
                                    "01234567890123456789\x80\0\0\0";
    static const uint8_t line[] = "0123456789012345678901234567890123456789";
    struct weir_frame *frame = open_spec("sunrpc");
    const size_t halves[] = {20, SIZE_MAX};

    (void)state;
    memory_fail_nth(2, 0);
    struct frames frames =
        frames_decode(weir_frame_codec(frame), record, sizeof record - 1, &whole, 1, true);
    memory_fail_nth(0, 0);
    assert_int_equal(frames.result, WEIR_DECODED_BAD);
    frames_free(&frames);
    weir_frame_free(frame);
    frame = open_spec("line");
    memory_fail_nth(2, 0);
    frames = frames_decode(weir_frame_codec(frame), line, sizeof line - 1, halves, 2, false);
    memory_fail_nth(0, 0);
    assert_int_equal(frames.result, WEIR_DECODED_BAD);
    frames_free(&frames);
    weir_frame_free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_one_piece_are_never_copied),
        cmocka_unit_test(test_only_a_split_message_is_copied_once),
        cmocka_unit_test(test_memory_grows_with_received_bytes),
        cmocka_unit_test(test_no_memory_is_held_between_messages),
        cmocka_unit_test(test_an_allocation_failure_ends_the_stream),
        cmocka_unit_test(test_an_allocation_failure_with_a_large_first_piece),
        cmocka_unit_test(test_an_allocation_failure_in_pieces_and_fragments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
