/* SPDX-License-Identifier: MIT */
/* test_decode_error.c - texts about malformed frames: the kind of error, in printable characters
 * alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode_error.h"
#include "escape.h"
#include "frames.h"
#include "recognise.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) literal, sizeof literal - 1

static const struct {
    const char *spec;
    const char *bytes;
    size_t length;
    const char *says;
} faults[] = {
    {"u32be", TEXT("1245"),
     "length 825373749 exceeds 1048576: the first bytes are ASCII \"1245\": this client speaks "
     "text"},
    {"u32be", TEXT("GET / HTTP/1.1\r\n"), "this is an HTTP request"},
    {"u16be,max=1k", TEXT("POST /x"), "\"POST /x\": this is an HTTP request"},
    {"u32be", TEXT("PRI * HTTP/2.0\r\n"), "this is an HTTP/2 client"},
    {"u32be", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), "this is an SSH client"},
    {"u32be", TEXT("PROXY TCP4 1.2.3.4"), "this is a PROXY header, version 1"},
    {"u32be", TEXT("\r\n\r\n\0\r\nQUIT\n\x21"), "this is a PROXY header, version 2"},
    {"u32be", TEXT("\x16\x03\x01\x02\x00\x01"),
     "the first bytes are \"\\x16\\x03\\x01\\x02\\x00\\x01\": this is a TLS ClientHello"},
    {"u32be", TEXT("\x16\x03\x01\x00"), "this is a TLS ClientHello"}, /* and not swapped */
    {"u32be", TEXT("\x05\x00\x00\x00hello"),
     "length 83886080 exceeds 1048576: in the other byte order it is 5: does the sender "
     "use the other endian?"},
    {"u32le", TEXT("\x00\x00\x00\x05hello"), "in the other byte order it is 5"},
    {"u32be", TEXT("\xff\xff\xff\xff"), "length 4294967295 exceeds 1048576"},
    {"u64be", TEXT("\xff\xff\xff\xff\xff\xff\xff\xff"), "and overflows 64 bits"},
    {"u32be", TEXT("\0\0"), "the stream ended inside a frame: 2 bytes, not all of its header"},
    {"u32be", TEXT("\0\0\0\x09xyz"), "the stream ended inside a frame: 7 of 13 bytes"},
    {"u8,max=9,oversize=skip", TEXT("\x0axyz"), "the stream ended inside a frame: 4 of 11 bytes"},
    {"fixed:size=9", TEXT("xyz"), "3 of 9 bytes"},
    {"sunrpc", TEXT("\x80\0\0\x09xyz"), "the stream ended inside a record, of which 7 bytes"},
    {"sunrpc", TEXT("GET / HTTP/1.1"), "a record of 1195725856 bytes, or more, exceeds 1048576"},
    {"sunrpc", TEXT("GET / HTTP/1.1"), "this is an HTTP request"},
    {"tpkt", TEXT("GET / HTTP/1.1"), "a frame must begin with \"\\x03\", not with"},
    {"tpkt", TEXT("GET / HTTP/1.1"), "this is an HTTP request"},
    {"tpkt", TEXT("\x04\0\0\x09"), "a frame must begin with \"\\x03\", not with \"\\x04\""},
    {"tpkt", TEXT("\x03\0\0\x02"), "length 2 would make a frame of 2 bytes, shorter than its"},
    {"bgp", TEXT("\xff\xff\xff\xfe"), "not with \"\\xff\\xff\\xff\\xfe\""},
    {"netstring", TEXT("GET / HTTP/1.1"),
     "a netstring must begin with a digit: the first bytes are ASCII \"GET / "
     "HTTP/1\": this is an HTTP request"},
    {"netstring", TEXT("12x"), "no colon follows the digits"},
    {"netstring", TEXT("2097152:"), "length 2097152 exceeds 1048576"},
    {"netstring", TEXT("00:,"), "begins with a needless 0"},
    {"netstring", TEXT("1:ab"), "no comma ends the netstring of 1 bytes"},
    {"netstring", TEXT("11111111111111111111"), "more than 19 digits"},
    {"varint", TEXT("GET / HTTP"), "the stream ended inside a frame: 10 of 72 bytes"},
    {"varint,max=8", TEXT("GET / HTTP"), "this is an HTTP request"},
    {"line,max=4", TEXT("\x16\x03\x01\x02\x00\x01"), "longer than 4 bytes: this is a TLS"},
    {"line,max=4", TEXT("abcdefgh"), "does the client use the delimiter of this listener?"},
    {"u32be", TEXT("\"\\\n\t"), "ASCII \"\\\"\\\\\\n\\t\""},
};

static void test_each_decode_error_is_named(void **state)
{
    const size_t whole = SIZE_MAX;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct weir_frame *frame;
        assert_int_equal(weir_frame_open(faults[i].spec, &frame, NULL), WEIR_OK);
        struct frames frames =
            frames_decode(weir_frame_codec(frame), (const uint8_t *)faults[i].bytes,
                          faults[i].length, &whole, 1, true);
        if (frames.result != WEIR_DECODED_BAD || !strstr(frames.decode_error.text, faults[i].says))
            fail_msg("%zu %s: \"%s\"", i, faults[i].spec, frames.decode_error.text);
        for (const char *at = frames.decode_error.text; *at; at++)
            assert_true(*at >= ' ' && *at <= '~');
        frames_free(&frames);
        weir_frame_free(frame);
    }
}

/* From two bytes on, a guess may be made; a wrong one, never. */
static void test_what_is_like_a_protocol_and_is_not(void **state)
{
    (void)state;
    assert_null(recognise_protocol((const uint8_t *)"GE", 2));
    assert_null(recognise_protocol((const uint8_t *)"GETX", 4));
    assert_null(recognise_protocol((const uint8_t *)"SSHX", 4));
    assert_null(recognise_protocol((const uint8_t *)"\r\n\r\nx", 5));
    assert_null(recognise_protocol((const uint8_t *)"\x16\x03\x09", 3));
    assert_non_null(recognise_protocol((const uint8_t *)"POST", 4));
}

static void test_escaping_fits_any_room(void **state)
{
    char text[16];

    (void)state;
    assert_string_equal(escape_text((const uint8_t *)"a\x00\x80z", 4, text, sizeof text),
                        "a\\x00\\x80z");
    assert_string_equal(escape_text((const uint8_t *)"a\x00\x80z", 4, text, 9), "a\\x00");
    assert_string_equal(escape_text((const uint8_t *)"abc", 3, text, 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_decode_error_is_named),
        cmocka_unit_test(test_what_is_like_a_protocol_and_is_not),
        cmocka_unit_test(test_escaping_fits_any_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
