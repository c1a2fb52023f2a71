/* SPDX-License-Identifier: MIT */
/* test_header_length.c - every message tells the length of its frame's header, however the stream
 * is cut and however much of the header the codec strips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/frame.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) literal, sizeof literal - 1

/* Each stream is one frame, whose body is "hi". */
static const struct {
    const char *spec, *bytes;
    size_t length, header_length;
} known[] = {
    {"u16be", TEXT("\0\2hi"), 2},
    {"u16be,strip=no", TEXT("\0\2hi"), 2},
    {"tls-record", TEXT("\x16\3\3\0\2hi"), 5},
    {"diameter", TEXT("\1\0\0\x16................hi"), 20},
    {"bgp", TEXT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\x15\2hi"), 19},
    {"length:width=1,offset=3,header=8,strip=5", TEXT("...\2....hi"), 8},
    {"netty(1,2,1,3)", TEXT("x\0\1hi"), 3},
    {"varint", TEXT("\2hi"), 1},
    {"mqtt", TEXT("\x10\2hi"), 2},
    {"mqtt,minimal=no", TEXT("\x10\x82\x80\0hi"), 4},
    {"varint,minimal=no,offset=2", TEXT("..\x82\0hi"), 4},
    {"netstring", TEXT("2:hi,"), 2},
    {"sunrpc", TEXT("\x80\0\0\2hi"), 4},
    {"sunrpc", TEXT("\0\0\0\1h\x80\0\0\1i"), 4},
    {"fixed:size=2", TEXT("hi"), 0},
    {"line", TEXT("hi\r\n"), 0},
    {"line", TEXT("hi"), 0},
    {"crlf", TEXT("hi\r\n"), 0},
    {"raw", TEXT("hi"), 0},
};

/* Decodes one frame in pieces of `piece` bytes into *message, and checks it while it is valid. */
static void check_cut(const struct weir_codec *codec, const char *bytes, size_t length,
                      size_t piece, size_t header_length)
{
    struct weir_message message = {.header_length = 77};
    struct weir_decode_error decode_error = {""};
    struct weir_decoder *decoder;
    size_t count = 0;

    assert_int_equal(weir_decoder_open(codec, &decoder, NULL), WEIR_OK);
    for (size_t at = 0; at < length; at += piece) {
        size_t left = length - at < piece ? length - at : piece;
        struct weir_input input = {(const uint8_t *)bytes + at, left, at + left == length};
        while (weir_decoder_next(decoder, &input, &message, &decode_error) ==
               WEIR_DECODED_MESSAGE) {
            count++;
            if (message.header_length != header_length)
                fail_msg("%s in pieces of %zu: a header of %zu", codec->name, piece,
                         message.header_length);
            if (!codec->decode) continue; /* raw: each piece is a message */
            assert_memory_equal(message.frame + message.header_length, "hi", 2);
            assert_true(message.bytes <= message.frame + message.header_length);
        }
        assert_string_equal(decode_error.text, "");
    }
    assert_true(count == 1 || (!codec->decode && count > 0));
    weir_decoder_free(decoder);
}

static void test_every_codec_tells_its_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct weir_frame *frame;
        assert_int_equal(weir_frame_open(known[i].spec, &frame, NULL), WEIR_OK);
        for (size_t piece = 1; piece <= known[i].length; piece++)
            check_cut(weir_frame_codec(frame), known[i].bytes, known[i].length, piece,
                      known[i].header_length);
        weir_frame_free(frame);
    }
}

/* ---- probes ---- */

static struct weir_header parsed; /* the probe's answer once it saw 4 bytes */

static enum weir_decoded probe(void *user, const uint8_t *bytes, size_t length,
                               struct weir_header *header, struct weir_decode_error *decode_error)
{
    (void)user;
    (void)bytes;
    (void)decode_error;
    if (length < 4) return WEIR_DECODED_MORE;
    *header = parsed;
    return WEIR_DECODED_MESSAGE;
}

static struct weir_frame *open_probe(size_t strips, size_t keeps, uint64_t message_bytes)
{
    const struct weir_probe custom = {
        .size = sizeof custom, .name = "custom", .header_bytes_max = 4, .probe = probe};
    struct weir_frame *frame;

    parsed = (struct weir_header){
        .header_bytes = strips, .kept_bytes = keeps, .message_bytes = message_bytes};
    assert_int_equal(weir_frame_open_probe(&custom, &frame, NULL), WEIR_OK);
    return frame;
}

static void test_a_probe_tells_its_header(void **state)
{
    (void)state;
    for (size_t strips = 0; strips <= 4; strips++) {
        struct weir_frame *frame = open_probe(strips, 4 - strips, 6 - strips);
        for (size_t piece = 1; piece <= 6; piece++)
            check_cut(weir_frame_codec(frame),
                      "head"
                      "hi",
                      6, piece, 4);
        weir_frame_free(frame);
    }
}

static void test_a_probe_cannot_report_more_than_it_saw(void **state)
{
    static const size_t impossible[][3] = {
        {0, 5, 6}, {2, 3, 6}, {0, 4, 3}, {4, 1, 2}, {1, SIZE_MAX, 6}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        struct weir_frame *frame = open_probe(impossible[i][0], impossible[i][1], impossible[i][2]);
        struct weir_input input = {(const uint8_t *)"headhi", 6, true};
        struct weir_message message;
        struct weir_decode_error decode_error = {""};
        struct weir_decoder *decoder;
        assert_int_equal(weir_decoder_open(weir_frame_codec(frame), &decoder, NULL), WEIR_OK);
        assert_int_equal(weir_decoder_next(decoder, &input, &message, &decode_error),
                         WEIR_DECODED_BAD);
        assert_string_equal(decode_error.text, "the probe returned an impossible header");
        weir_decoder_free(decoder);
        weir_frame_free(frame);
    }
}

/* ---- a custom codec that does not know the member ---- */

static enum weir_decoded decode_old(const struct weir_codec *codec, void *state,
                                    struct weir_input *input, struct weir_message *message,
                                    struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)decode_error;
    if (input->length == 0) return WEIR_DECODED_MORE;
    message->bytes = message->frame = input->bytes;
    message->length = message->frame_length = input->length;
    input->bytes += input->length;
    input->length = 0;
    return WEIR_DECODED_MESSAGE;
}

static void test_a_codec_can_leave_it_out(void **state)
{
    const struct weir_codec old = {
        .size = sizeof old, .name = "old", .summary = "", .streams = true, .decode = decode_old};

    (void)state;
    check_cut(&old, "hi", 2, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_codec_tells_its_header),
        cmocka_unit_test(test_a_probe_tells_its_header),
        cmocka_unit_test(test_a_probe_cannot_report_more_than_it_saw),
        cmocka_unit_test(test_a_codec_can_leave_it_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
