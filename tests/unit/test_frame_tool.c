/* SPDX-License-Identifier: MIT */
/* test_frame_tool.c - what `weir frame` draws, translates and guesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "escape.h"
#include "frame_explain.h"
#include "frame_guess.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static char text[16384];

static const char *explain(const char *spec)
{
    struct text_builder builder = {text, sizeof text, 0};
    struct weir_frame *frame;

    assert_int_equal(weir_frame_open(spec, &frame, NULL), WEIR_OK);
    frame_explain(&builder, frame);
    frame_elsewhere(&builder, frame);
    weir_frame_free(frame);
    return text;
}

static void test_a_drawing_exactly(void **state)
{
    static const char drawing[] =
        "length:width=2,endian=little,offset=3,header=6,strip=no,magic=A\\x00\n"
        "\n"
        "   0         2        3                               5        6\n"
        "   +---------+--------+-------------------------------+--------+----------+\n"
        "   | \"A\\x00\" | 1 byte | length, 2 bytes little endian | 1 byte | body ... |\n"
        "   +---------+--------+-------------------------------+--------+----------+\n"
        "\n"
        "length   counts the body: frame = length + 6\n"
        "message  the whole frame, header and body\n"
        "max      65541 bytes; a longer message ends the stream\n"
        "\n"
        "The message \"hello\", after a header of zeros that the sender adds, is sent as 11 "
        "bytes:\n"
        "\n"
        "   0000  41 00 00 05 00 00 68 65 6c 6c 6f                 A.....hello\n";

    (void)state;
    explain("length:width=2,endian=little,offset=3,header=6,strip=no,magic=A\\0");
    assert_memory_equal(text, drawing, sizeof drawing - 1);
}

static void test_what_is_said_of_each_kind(void **state)
{
    static const struct {
        const char *spec, *says;
    } said[] = {
        {"u32be", "frame = length + 4"},
        {"tpkt", "counts header and body: frame = length\n"},
        {"tpkt", "0000  03 00 00 09 68 65 6c 6c 6f"},
        {"u32be,strip=3", "message  the frame from its byte 3 on"},
        {"length:width=1,covers=rest,header=3,adjust=-2",
         "all that follows the length field; -2 is added to the received length: frame = length "
         "- 1"},
        {"varint", "| length, varint (1 to 10 bytes) | body ... |"},
        {"varint,minimal=no", "length   counts the body, and may have unnecessary bytes\n"},
        {"u8,max=9,oversize=skip", "max      9 bytes; a longer message is skipped"},
        {"line:delimiter=0123456789", "| message ... | \"01234567\"... |"},
        {"netstring", "35 3a 68 65 6c 6c 6f 2c"},
        {"fixed:size=7", "The message \"hellohe\" is sent as 7 bytes"},
        {"fixed:size=65", "| message, 65 bytes |"},
        {"sunrpc", "| 1 bit: last?, 31 bits: length | fragment ... |"},
        {"sunrpc", "max      1024 fragments; a record of more ends the stream\n"},
        {"sunrpc,fragments=7", "max      7 fragments; a record of more ends the stream\n"},
        {"raw", "| bytes as received ... |"},
        {"length:width=1,adjust=9", "The message \"hello\" cannot be sent in this way: invalid."},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++)
        if (!strstr(explain(said[i].spec), said[i].says)) fail_msg("%s: %s", said[i].says, text);
}

static void test_the_words_of_others(void **state)
{
    static const struct {
        const char *spec, *says;
    } said[] = {
        {"u32be",
         "Netty   new LengthFieldBasedFrameDecoder(ByteOrder.BIG_ENDIAN, 1048580, 0, 4, 0, "
         "4, true)\n"},
        {"u16le", "LITTLE_ENDIAN, 65537, 0, 2, 0, 2, true)"},
        {"netty(1,2,-3,3),max=100", "BIG_ENDIAN, 103, 1, 2, -3, 3, true)"},
        {"length:width=4,covers=header+body,strip=no", "BIG_ENDIAN, 1048576, 0, 4, -4, 0, true)"},
        {"length:width=5", "Netty   cannot be expressed: its lengths have 1, 2, 3, 4 or 8 bytes"},
        {"varint", "Netty   new ProtobufVarint32FrameDecoder()"},
        {"line", "Netty   new LineBasedFrameDecoder(1048576, true, true) (a last line without"},
        {"crlf",
         "Netty   new DelimiterBasedFrameDecoder(1048576, Unpooled.wrappedBuffer(new byte[] "
         "{(byte) 0x0d, (byte) 0x0a}))"},
        {"fixed:size=9", "Netty   new FixedLengthFrameDecoder(9)"},
        {"sunrpc", "Netty   cannot be expressed"},
        {"u32be", ".length_field_offset(0).length_field_length(4).length_adjustment(0).num_skip(4)"
                  ".max_frame_length(1048576)"},
        {"length:width=2,endian=little,strip=no,max=100",
         "LengthDelimitedCodec::builder().little_endian().length_field_offset(0)"
         ".length_field_length(2).length_adjustment(2).num_skip(0).max_frame_length(98)"},
        {"varint", "tokio   cannot be expressed: LengthDelimitedCodec has no varints"},
        {"line", "tokio   LinesCodec::new_with_max_length(1048576) (UTF-8 only; "},
        {"nul", "tokio   AnyDelimiterCodec::new_with_max_length(vec![0x00], vec![0x00], 1048576)"},
        {"crlf", "tokio   cannot be expressed: its delimiters are single bytes"},
        {"netstring", "tokio   cannot be expressed: tokio-util has no such codec"},
        {"u32be,max=9", "Erlang  {packet, 4}, {packet_size, 9}"},
        {"u16be", "Erlang  {packet, 2}"},
        {"u8", "Erlang  {packet, 1}"},
        {"u24be", "Erlang  cannot be expressed: its lengths are big endian, of 1, 2 or 4 bytes"},
        {"u32le", "Erlang  cannot be expressed"},
        {"u32be,strip=no", "Erlang  cannot be expressed"},
        {"line",
         "Erlang  {packet, line}, {buffer, 1048578} (the message contains its terminator; a "},
        {"sunrpc",
         "Erlang  {packet, sunrm}, {packet_size, 1048576} (the message contains the mark; "
         "fragments are not joined"},
        {"tpkt", "Erlang  {packet, tpkt}, {packet_size, 65531} (the message contains the header)"},
        {"fixed:size=9", "Erlang  {packet, raw}, and gen_tcp:recv(Socket, 9)"},
        {"netstring", "Erlang  cannot be expressed: {packet, ...} has nothing like it"},
        {"u32be", ".body_offset = 4, .length_field_offset = 0, .length_field_bytes = 4, "
                  ".length_field_coding = ENCODE_BY_BIG_ENDIAN, .length_adjustment = 0 "},
        {"tpkt", "libhv   cannot be expressed: it accepts frames that are shorter than the header"},
        {"u16le", "ENCODE_BY_LITTLE_ENDIAN"},
        {"u64be", "libhv   cannot be expressed: its lengths have 4 bytes at most"},
        {"mqtt", "libhv   .mode = UNPACK_BY_LENGTH_FIELD, .package_max_length = 1048576, "
                 ".body_offset = 2"},
        {"mqtt", "Netty   cannot be expressed: its varint comes first"},
        {"mqtt", "message  the whole frame, header and body"},
        {"length:width=2,offset=2,header=6,covers=rest,strip=no",
         "Netty   cannot be expressed: it accepts frames that are shorter than the header"},
        {"u32be,oversize=skip", "Netty   new LengthFieldBasedFrameDecoder(ByteOrder.BIG_ENDIAN, "
                                "1048580, 0, 4, 0, 4, true) (ignore TooLongFrameException"},
        {"u32be,oversize=skip", "tokio   cannot be expressed: a message that is too long is"},
        {"fixed:size=1g", "Erlang  cannot be expressed: gen_tcp:recv/2 returns at most 67108864"},
        {"varint", ".body_offset = 1, .length_field_offset = 0, .length_field_bytes = 1, "
                   ".length_field_coding = ENCODE_BY_VARINT (the message contains the header; "
                   "padded varints are valid"},
        {"varint,covers=header+body",
         "libhv   cannot be expressed: its varints do not count themselves"},
        {"crlf", ".delimiter_bytes = 2, .delimiter = {0x0d, 0x0a}"},
        {"line:delimiter=123456789",
         "libhv   cannot be expressed: its delimiters have 8 bytes at most"},
        {"fixed:size=9",
         "libhv   .mode = UNPACK_BY_FIXED_LENGTH, .package_max_length = 9, .fixed_length = 9"},
        {"sunrpc", "libhv   cannot be expressed: it has no such mode"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++)
        if (!strstr(explain(said[i].spec), said[i].says))
            fail_msg("%s: \"%s\" is not in:\n%s", said[i].spec, said[i].says, text);
}

/* ---- guessing ---- */

static uint8_t stream[8192];

/* A stream of 18 messages of several lengths. */
static size_t make_stream(const char *spec)
{
    static const char *const words[] = {"hello", "quick", "brown", "fox",  "jumps", "over",
                                        "lazy",  "dogs",  "and",   "then", "sleeps"};
    struct weir_frame *frame;
    uint32_t chance = 7;
    size_t used = 0, length;

    assert_int_equal(weir_frame_open(spec, &frame, NULL), WEIR_OK);
    for (int round = 0; round < 18; round++) {
        char message[256] = "";
        size_t size = 0;
        for (uint32_t i = 0; i < ((uint32_t)round + 1) % 7; i++) {
            chance = chance * 1664525U + 1013904223U;
            size += (size_t)snprintf(message + size, sizeof message - size, "%s ",
                                     words[(chance >> 16) % COUNT_OF(words)]);
        }
        assert_int_equal(weir_codec_encode(weir_frame_codec(frame), message, size, stream + used,
                                           sizeof stream - used, &length),
                         WEIR_OK);
        used += length;
    }
    weir_frame_free(frame);
    return used;
}

static struct frame_guess_result result;

static const char *guess(size_t length)
{
    assert_true(frame_guess_run(stream, length, &result));
    return result.count > 0 ? result.guesses[0].spec.text : "nothing";
}

static void test_a_capture_is_recognised(void **state)
{
    static const char *const specs[] = {
        "u16be",
        "u16le",
        "u24be",
        "u32be",
        "u32le",
        "u64be",
        "u64le",
        "line",
        "crlf",
        "nul",
        "tpkt",
        "sunrpc",
        "netstring",
        "length:width=4,covers=header+body",
        "length:width=4,offset=2,header=8",
        "length:width=2,offset=9,magic=Header-#-",
        "length:width=5",
        "line:delimiter=;",
        "line:delimiter=\\x03",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(specs); i++) {
        size_t length = make_stream(specs[i]);
        guess(length);
        if (result.count == 0) fail_msg("%s: guessed as nothing", specs[i]);
        const struct guess_spec *spec = &result.guesses[0].spec;
        if (spec->messages_count != 18 || spec->partial_bytes != 0)
            fail_msg("%s: guessed as %s: %d messages", specs[i], spec->text,
                     (int)spec->messages_count);
    }
}

static void test_the_simplest_name_is_given(void **state)
{
    static const char *const specs[] = {
        "u16be", "u32be", "u32le",  "u64be",     "crlf",
        "line",  "nul",   "sunrpc", "netstring", "length:width=4,covers=header+body",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(specs); i++)
        assert_string_equal(guess(make_stream(specs[i])), specs[i]);
}

static void test_no_two_guesses_cut_the_same_frames(void **state)
{
    (void)state;
    guess(make_stream("u32be"));
    for (size_t i = 1; i < result.count; i++) {
        const struct frame_guess *a = &result.guesses[i - 1], *b = &result.guesses[i];
        assert_true(a->confidence_percent >= b->confidence_percent);
        assert_false(a->spec.messages_count == b->spec.messages_count &&
                     a->skipped_bytes == b->skipped_bytes);
    }
}

static void test_a_capture_that_was_cut_off(void **state)
{
    size_t length = make_stream("u32le");

    (void)state;
    assert_string_equal(guess(length - 3), "u32le");
    assert_int_equal(result.guesses[0].spec.messages_count, 17);
    assert_true(result.guesses[0].spec.partial_bytes > 0);
    guess(0);
    assert_int_equal(result.count, 0);
}

static void test_a_capture_that_starts_within_a_message(void **state)
{
    size_t length = make_stream("length:width=4,covers=header+body");

    (void)state;
    memmove(stream, stream + 15, length - 15); /* the second message has 10 bytes */
    assert_string_equal(guess(length - 15), "length:width=4,covers=header+body");
}

static void test_noise_is_taken_for_nothing(void **state)
{
    uint32_t chance = 1;

    (void)state;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < sizeof stream; i++) {
            chance = chance * 1664525U + 1013904223U;
            stream[i] = (uint8_t)(chance >> 24);
        }
        guess(sizeof stream);
        for (size_t i = 0; i < result.count; i++)
            if (result.guesses[i].confidence_percent > 25)
                fail_msg("guessed as %s", result.guesses[i].spec.text);
    }
}

static void test_zeros_are_taken_for_nothing(void **state)
{
    (void)state;
    memset(stream, 0, sizeof stream);
    guess(sizeof stream);
    for (size_t i = 0; i < result.count; i++)
        assert_true(result.guesses[i].confidence_percent <= 25);
}

static void test_a_payload_of_zeros_is_no_evidence(void **state)
{
    static const uint32_t lengths[] = {4000, 17, 2500, 900};
    size_t used = 0;

    (void)state;
    memset(stream, 0, sizeof stream);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        stream[used + 2] = (uint8_t)(lengths[i] >> 8);
        stream[used + 3] = (uint8_t)lengths[i];
        used += 4 + lengths[i];
    }
    assert_string_equal(guess(used), "u32be");
    assert_int_equal(result.guesses[0].spec.messages_count, 4);
}

/* ---- text ---- */

static void test_text_there_and_back(void **state)
{
    uint8_t all[256], back[1024];
    char escaped[1024];
    struct text_builder builder = {escaped, sizeof escaped, 0};

    (void)state;
    for (int i = 0; i < 256; i++) all[i] = (uint8_t)i;
    text_builder_escape(&builder, all, sizeof all);
    for (const char *at = escaped; *at; at++) assert_true(*at >= ' ' && *at <= '~');
    size_t length = strlen(escaped);
    memcpy(back, escaped, length);
    assert_true(escape_read_text(back, &length));
    assert_int_equal(length, 256);
    assert_memory_equal(back, all, 256);
    static const char *const bad[] = {"\\", "\\q", "\\x", "\\x1", "\\x1g", "a\\xg1"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        length = strlen(bad[i]);
        memcpy(back, bad[i], length);
        assert_false(escape_read_text(back, &length));
    }
}

static void test_a_full_text_builder(void **state)
{
    char small[8];
    struct text_builder builder = {small, sizeof small, 0};

    (void)state;
    text_builder_add(&builder, "%s", "0123456789");
    text_builder_repeat(&builder, 'x', 3);
    assert_string_equal(small, "0123456");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_drawing_exactly),
        cmocka_unit_test(test_what_is_said_of_each_kind),
        cmocka_unit_test(test_the_words_of_others),
        cmocka_unit_test(test_a_capture_is_recognised),
        cmocka_unit_test(test_the_simplest_name_is_given),
        cmocka_unit_test(test_no_two_guesses_cut_the_same_frames),
        cmocka_unit_test(test_a_capture_that_was_cut_off),
        cmocka_unit_test(test_a_capture_that_starts_within_a_message),
        cmocka_unit_test(test_noise_is_taken_for_nothing),
        cmocka_unit_test(test_zeros_are_taken_for_nothing),
        cmocka_unit_test(test_a_payload_of_zeros_is_no_evidence),
        cmocka_unit_test(test_text_there_and_back),
        cmocka_unit_test(test_a_full_text_builder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
