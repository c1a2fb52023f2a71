/* SPDX-License-Identifier: MIT */
/* test_decoder.c - frame.h without a server: its example, custom codecs, complete frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "frames.h"
#include "memory_faults.h"

#define TEXT(literal) (const uint8_t *)literal, sizeof literal - 1

static const size_t whole = SIZE_MAX, one = 1;

int print_messages(const uint8_t *bytes, size_t length); /* the unchanged example of frame.h */

static void test_the_example_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(print_messages(TEXT("\0\0\0\5hello\0\0\0\5world")), 0);
    assert_int_equal(print_messages(TEXT("GET / HTTP/1.1\r\n\r\n")), 1);
}

/* ---- a custom header: '<', one character as the length, '>' ---- */

static enum weir_decoded probe_angles(void *user, const uint8_t *bytes, size_t length,
                                      struct weir_header *header,
                                      struct weir_decode_error *decode_error)
{
    int *calls = user;

    ++*calls;
    if (bytes[0] == '?') return WEIR_DECODED_BAD;
    if (bytes[0] != '<') {
        snprintf(decode_error->text, sizeof decode_error->text, "no angle");
        return WEIR_DECODED_BAD;
    }
    if (length < 2 || bytes[1] == '+') return WEIR_DECODED_MORE;
    if (bytes[1] == 'a') header->message_bytes = UINT64_MAX;
    if (bytes[1] == 'b') header->trailer_bytes = SIZE_MAX;
    if (bytes[1] == 'a' || bytes[1] == 'b' || bytes[1] == 'c') return WEIR_DECODED_MESSAGE;
    header->header_bytes = bytes[1] == '!' ? 9 : 2;
    header->message_bytes = bytes[1] == '!' ? 0 : (uint64_t)(bytes[1] - '0');
    header->trailer_bytes = 1;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_code encode_angles(void *user, const uint8_t *bytes, size_t length,
                                    struct weir_framing *framing)
{
    (void)user;
    (void)bytes;
    framing->header_length =
        (uint32_t)snprintf((char *)framing->header, sizeof framing->header, "<%d", (int)length);
    framing->trailer[0] = '>';
    framing->trailer_length = 1;
    return WEIR_OK;
}

static struct weir_frame *open_angles(int *calls)
{
    struct weir_frame *frame;
    const struct weir_probe probe = {.size = sizeof probe,
                                     .name = "angles",
                                     .header_bytes_max = 3,
                                     .message_bytes_max = 5,
                                     .user = calls,
                                     .probe = probe_angles,
                                     .encode = encode_angles};

    assert_int_equal(weir_frame_open_probe(&probe, &frame, NULL), WEIR_OK);
    return frame;
}

static void test_a_custom_header(void **state)
{
    int calls = 0;
    struct weir_frame *frame = open_angles(&calls);
    const struct weir_codec *codec = weir_frame_codec(frame);
    uint8_t made[16];
    size_t length;

    (void)state;
    assert_string_equal(codec->name, "angles");
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct frames frames =
            frames_decode(codec, TEXT("<3abc><0>"), bytewise ? &one : &whole, 1, true);
        assert_int_equal(frames.count, 2);
        assert_int_equal(frames.result, WEIR_DECODED_MORE);
        assert_memory_equal(frames_message(&frames, 0, &length), "abc", 3);
        assert_int_equal(length, 3);
        frames_free(&frames);
    }
    assert_true(calls > 4);
    assert_int_equal(weir_codec_encode(codec, "xy", 2, made, sizeof made, &length), WEIR_OK);
    assert_int_equal(length, 5);
    assert_memory_equal(made, "<2xy>", 5);
    assert_int_equal(weir_codec_encode(codec, "123456", 6, made, sizeof made, &length),
                     WEIR_TOO_LARGE);
    weir_frame_free(frame);
}

static void test_results_of_a_probe_are_validated(void **state)
{
    static const struct {
        const char *bytes, *says;
    } bad[] = {
        {"x", "no angle"},
        {"?", "the header of a frame is bad"},
        {"<+++", "after 3 bytes the header of a frame is not complete"},
        {"<!", "the probe returned an impossible header"},
        {"<a", "the probe returned an impossible header"},
        {"<b", "the probe returned an impossible header"},
        {"<c", "the probe returned an impossible header"},
        {"<9abcdefghi>", "length 9 exceeds 5"},
    };
    int calls = 0;
    struct weir_frame *frame = open_angles(&calls);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct frames frames =
                frames_decode(weir_frame_codec(frame), (const uint8_t *)bad[i].bytes,
                              strlen(bad[i].bytes), bytewise ? &one : &whole, 1, true);
            assert_int_equal(frames.result, WEIR_DECODED_BAD);
            assert_non_null(strstr(frames.decode_error.text, bad[i].says));
            frames_free(&frames);
        }
    }
    weir_frame_free(frame);
}

/* Requests another byte, and then claims that the frame had ended before it. */
static enum weir_decoded probe_late(void *user, const uint8_t *bytes, size_t length,
                                    struct weir_header *header,
                                    struct weir_decode_error *decode_error)
{
    (void)user;
    (void)bytes;
    (void)decode_error;
    header->message_bytes = 1;
    return length < 3 ? WEIR_DECODED_MORE : WEIR_DECODED_MESSAGE;
}

static void test_a_probe_that_requests_bytes_beyond_its_frame(void **state)
{
    struct weir_frame *frame;
    const struct weir_probe probe = {
        .size = sizeof probe, .header_bytes_max = 8, .probe = probe_late};

    (void)state;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, NULL), WEIR_OK);
    struct frames frames = frames_decode(weir_frame_codec(frame), TEXT("abcd"), &one, 1, true);
    assert_int_equal(frames.result, WEIR_DECODED_BAD);
    assert_non_null(strstr(frames.decode_error.text, "after the end of the frame"));
    frames_free(&frames);
    uint8_t made[4];
    size_t length;
    assert_int_equal(
        weir_codec_encode(weir_frame_codec(frame), "ab", 2, made, sizeof made, &length), WEIR_OK);
    assert_int_equal(length, 2);
    weir_frame_free(frame);
}

static void test_an_invalid_probe_is_rejected(void **state)
{
    struct weir_probe probe = {.size = sizeof probe, .header_bytes_max = 8};
    struct weir_frame *frame;
    struct weir_error error;

    (void)state;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_INVALID);
    probe.probe = probe_late;
    probe.header_bytes_max = 0;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_INVALID);
    probe.header_bytes_max = WEIR_MESSAGE_BYTES_MAX + (size_t)1;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "header_bytes_max is above 1 GiB");
    probe.header_bytes_max = 1;
    probe.message_bytes_max = WEIR_MESSAGE_BYTES_MAX + UINT64_C(1);
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "message_bytes_max is above 1 GiB");
    probe.message_bytes_max = WEIR_MESSAGE_BYTES_MAX;
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_OK);
    weir_frame_free(frame);
    memory_fail_nth(1, 0);
    assert_int_equal(weir_frame_open_probe(&probe, &frame, &error), WEIR_NO_MEMORY);
    assert_null(frame);
}

/* ---- other functions ---- */

static void test_codecs_without_functions(void **state)
{
    struct frames frames = frames_decode(&codec_raw, TEXT("abcdef"), &whole, 1, true);
    struct weir_decoder *decoder;
    struct weir_error error;

    (void)state;
    assert_int_equal(frames.count, 1);
    assert_int_equal(frames.result, WEIR_DECODED_MORE);
    frames_free(&frames);
    uint8_t made[4];
    size_t length;
    assert_int_equal(weir_codec_encode(&codec_raw, "abc", 3, made, sizeof made, &length), WEIR_OK);
    assert_int_equal(length, 3);
    memory_fail_nth(1, 0);
    assert_int_equal(weir_decoder_open(&codec_raw, &decoder, &error), WEIR_NO_MEMORY);
    assert_null(decoder);
    weir_decoder_free(NULL);
}

static void test_encoding_into_a_small_buffer_fails(void **state)
{
    struct weir_frame *frame;
    uint8_t made[8];
    size_t length;

    (void)state;
    assert_int_equal(weir_frame_open("netstring", &frame, NULL), WEIR_OK);
    const struct weir_codec *codec = weir_frame_codec(frame);
    assert_int_equal(weir_codec_encode(codec, "12345", 5, made, 8, &length), WEIR_OK);
    assert_int_equal(length, 8);
    assert_int_equal(weir_codec_encode(codec, "12345", 5, made, 7, &length), WEIR_NO_ROOM);
    assert_int_equal(weir_codec_encode(codec, "12345", 5, made, 4, &length), WEIR_NO_ROOM);
    assert_int_equal(weir_codec_encode(codec, NULL, 0, made, 8, &length), WEIR_OK);
    weir_frame_free(frame);
}

static void test_a_message_with_the_delimiter_is_rejected(void **state)
{
    static const struct {
        const char *spec, *message;
        enum weir_code code;
    } sent[] = {
        {"line", "abc", WEIR_OK},
        {"line", "", WEIR_OK},
        {"line", "a\nc", WEIR_INVALID},
        {"line", "abc\r", WEIR_INVALID}, /* the reader would treat \r as part of the delimiter */
        {"line", "a\rc", WEIR_OK},
        {"crlf", "abc\r", WEIR_OK},
        {"crlf", "a\r\nb", WEIR_INVALID},
        {"line:delimiter=aa", "xa", WEIR_INVALID}, /* "xaaa" ends after its first "aa" */
        {"line:delimiter=aab", "xa", WEIR_OK},
        {"line:delimiter=aab", "xaab", WEIR_INVALID},
        {"line:delimiter=abab", "xab", WEIR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        struct weir_frame *frame;
        uint8_t made[32];
        size_t length;
        assert_int_equal(weir_frame_open(sent[i].spec, &frame, NULL), WEIR_OK);
        enum weir_code code = weir_codec_encode(weir_frame_codec(frame), sent[i].message,
                                                strlen(sent[i].message), made, 32, &length);
        if (code != sent[i].code) fail_msg("%s: \"%s\": %d", sent[i].spec, sent[i].message, code);
        weir_frame_free(frame);
    }
}

static void test_skipped_frames_are_counted(void **state)
{
    struct weir_frame *frame;

    (void)state;
    assert_int_equal(weir_frame_open("u8,max=2,oversize=skip", &frame, NULL), WEIR_OK);
    struct frames frames = frames_decode(weir_frame_codec(frame),
                                         TEXT("\x03"
                                              "abc\x01x\xff"),
                                         &one, 1, false);
    assert_int_equal(frames.count, 1);
    assert_int_equal(frames.skipped_count, 2);
    assert_int_equal(frames.partial_bytes, 1);
    frames_free(&frames);
    weir_frame_free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_the_header),
        cmocka_unit_test(test_a_custom_header),
        cmocka_unit_test(test_results_of_a_probe_are_validated),
        cmocka_unit_test(test_a_probe_that_requests_bytes_beyond_its_frame),
        cmocka_unit_test(test_an_invalid_probe_is_rejected),
        cmocka_unit_test(test_codecs_without_functions),
        cmocka_unit_test(test_encoding_into_a_small_buffer_fails),
        cmocka_unit_test(test_a_message_with_the_delimiter_is_rejected),
        cmocka_unit_test(test_skipped_frames_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
