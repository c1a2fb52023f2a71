/* SPDX-License-Identifier: MIT */
/* test_codec.c - every codec: known bytes and their messages, cut in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/frame.h>

#include "frames.h"
#include "memory.h"
#include "reassembly.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES_MAX 4096

static struct weir_frame *open_spec(const char *spec)
{
    struct weir_frame *frame;
    struct weir_error error;
    char text[512];

    if (weir_frame_open(spec, &frame, &error) != WEIR_OK)
        fail_msg("%s: %s", spec, weir_error_text(&error, text, sizeof text));
    return frame;
}

/* ---- known bytes ---- */

#define TEXT(literal) literal, sizeof literal - 1

struct vector {
    const char *spec;
    const char *bytes;
    size_t length;
    const char *messages[6];  /* texts, terminated by null */
    enum weir_decoded result; /* at the end of the stream */
};

static const struct vector vectors[] = {
    {"u8",
     TEXT("\x03"
          "abc\x00\x01x"),
     {"abc", "", "x"},
     WEIR_DECODED_MORE},
    {"u16be",
     TEXT("\x00\x03"
          "abc\x00\x00\x00\x01x"),
     {"abc", "", "x"},
     WEIR_DECODED_MORE},
    {"u16le",
     TEXT("\x03\x00"
          "abc\x00\x00\x01\x00x"),
     {"abc", "", "x"},
     WEIR_DECODED_MORE},
    {"u24be",
     TEXT("\x00\x00\x03"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"u24le",
     TEXT("\x03\x00\x00"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"u32be",
     TEXT("\x00\x00\x00\x03"
          "abc\x00\x00\x00\x00"),
     {"abc", ""},
     WEIR_DECODED_MORE},
    {"u32le",
     TEXT("\x03\x00\x00\x00"
          "abc\x00\x00\x00\x00"),
     {"abc", ""},
     WEIR_DECODED_MORE},
    {"u64be", TEXT("\x00\x00\x00\x00\x00\x00\x00\x02hi"), {"hi"}, WEIR_DECODED_MORE},
    {"u64le", TEXT("\x02\x00\x00\x00\x00\x00\x00\x00hi"), {"hi"}, WEIR_DECODED_MORE},
    {"length:width=5", TEXT("\x00\x00\x00\x00\x02hi"), {"hi"}, WEIR_DECODED_MORE},
    {"length:width=7,endian=little",
     TEXT("\x02\x00\x00\x00\x00\x00\x00hi"),
     {"hi"},
     WEIR_DECODED_MORE},
    {"varint",
     TEXT("\x03"
          "abc\x00\x01x"),
     {"abc", "", "x"},
     WEIR_DECODED_MORE},
    {"erlang1",
     TEXT("\x03"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"erlang2",
     TEXT("\x00\x03"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"erlang4",
     TEXT("\x00\x00\x00\x03"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"dns-tcp",
     TEXT("\x00\x03"
          "abc"),
     {"abc"},
     WEIR_DECODED_MORE},
    {"tpkt",
     TEXT("\x03\x00\x00\x07"
          "abc\x03\x07\x00\x05x"),
     {"abc", "x"},
     WEIR_DECODED_MORE},
    {"sunrpc",
     TEXT("\x80\x00\x00\x03"
          "abc\x80\x00\x00\x00"),
     {"abc", ""},
     WEIR_DECODED_MORE},
    {"sunrpc",
     TEXT("\x00\x00\x00\x02"
          "ab\x00\x00\x00\x00\x80\x00\x00\x01"
          "c\x80\x00\x00\x01z"),
     {"abc", "z"},
     WEIR_DECODED_MORE},
    {"mqtt",
     TEXT("\x10\x03"
          "abc\xc0\x00"),
     {"\x10\x03"
      "abc",
      NULL},
     WEIR_DECODED_MORE},
    {"tls-record",
     TEXT("\x16\x03\x01\x01\x02"
          "x"),
     {NULL},
     WEIR_DECODED_BAD},
    {"length:width=varint,offset=3", TEXT("abc\x02hi"), {"hi"}, WEIR_DECODED_MORE},
    {"sunrpc,max=3,oversize=skip",
     TEXT(
         "\x00\x00\x00\x04wxyz\x00\x00\x00\x01w\x00\x00\x00\x00\x80\x00\x00\x01w\x80\x00\x00\x01z"),
     {"z"},
     WEIR_DECODED_MORE},
    {"sunrpc,max=30",
     TEXT("\x00\x00\x00\x1e"
          "012345678901234567890123456789\x80\x00\x00\x01z"),
     {NULL},
     WEIR_DECODED_BAD},
    /* Netty's own examples for LengthFieldBasedFrameDecoder, by their parameters. */
    {"netty(0,2,0,2)", TEXT("\x00\x0cHELLO, WORLD"), {"HELLO, WORLD"}, WEIR_DECODED_MORE},
    {"netty(0,2,-2,2)", TEXT("\x00\x0eHELLO, WORLD"), {"HELLO, WORLD"}, WEIR_DECODED_MORE},
    {"netty(1,2,1,3)",
     TEXT("\xca\x00\x0c\xfeHELLO, WORLD"),
     {"\xfeHELLO, WORLD"},
     WEIR_DECODED_MORE},
    {"netty(1,2,-3,3)",
     TEXT("\xca\x00\x10\xfeHELLO, WORLD"),
     {"\xfeHELLO, WORLD"},
     WEIR_DECODED_MORE},
    {"netty(0,2,0,4)", TEXT("\x00\x0cHELLO, WORLD"), {"LLO, WORLD"}, WEIR_DECODED_MORE},
    {"varint", TEXT("\x01x\x81\x00x"), {"x"}, WEIR_DECODED_BAD},
    {"varint,minimal=no",
     TEXT("\x81\x00x\x80\x80\x00\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00yz"),
     {"x", "", "yz"},
     WEIR_DECODED_MORE},
    {"varint,minimal=no",
     TEXT("\x01x\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
     {"x"},
     WEIR_DECODED_BAD},
    {"varint,minimal=no,max=2", TEXT("\x82\x00yz\x83\x00xyz"), {"yz"}, WEIR_DECODED_BAD},
    {"varint,minimal=no,max=2,oversize=skip",
     TEXT("\x83\x80\x00xyz\x82\x00yz"),
     {"yz"},
     WEIR_DECODED_MORE},
    {"mqtt,minimal=no", TEXT("\x10\x81\x80\x00x\x10\x01y"), {"\x10\x81\x80"}, WEIR_DECODED_MORE},
    {"varint,covers=header+body,minimal=no",
     TEXT("\x84\x80\x00x\x02y\x82\x80\x00"),
     {"x", "y"},
     WEIR_DECODED_BAD},
    {"line", TEXT("one\ntwo\r\n\n\r\nlast"), {"one", "two", "", "", "last"}, WEIR_DECODED_MORE},
    {"line", TEXT("a\rb\n\r\r\n"), {"a\rb", "\r"}, WEIR_DECODED_MORE},
    {"line", TEXT("last\r"), {"last\r"}, WEIR_DECODED_MORE},
    {"line:delimiter=\\r\\n", TEXT("a\nb\r\n\r\nc\r"), {"a\nb", "", "c\r"}, WEIR_DECODED_MORE},
    {"nul", TEXT("one\0two\0"), {"one", "two"}, WEIR_DECODED_MORE},
    {"line:delimiter=aab",
     TEXT("aaab"
          "xaab"
          "aab"),
     {"a", "x", ""},
     WEIR_DECODED_MORE},
    {"line:delimiter=0123456789abcdef",
     TEXT("x0123456789abcde0123456789abcdefy"),
     {"x0123456789abcde", "y"},
     WEIR_DECODED_MORE},
    {"line:max=3", TEXT("abc\nabc\r\nabcd\n"), {"abc", "abc"}, WEIR_DECODED_BAD},
    {"line:max=3,oversize=skip",
     TEXT("abc\nabcd\r\nx\nabcdefgh\ny"),
     {"abc", "x", "y"},
     WEIR_DECODED_MORE},
    {"line:max=3", TEXT("abc\nabcd"), {"abc"}, WEIR_DECODED_BAD},
    {"line:max=3,oversize=skip", TEXT("abc\nabcd"), {"abc"}, WEIR_DECODED_MORE},
    {"line:delimiter=--,max=3,oversize=skip",
     TEXT("abcd-x--ab--abc---abcde--z"),
     {"ab", "abc", "z"},
     WEIR_DECODED_MORE},
    {"netstring", TEXT("5:hello,0:,"), {"hello", ""}, WEIR_DECODED_MORE},
    {"netstring", TEXT("5:hello,1:x;"), {"hello"}, WEIR_DECODED_BAD},
    {"netstring", TEXT("1:a,01:a,"), {"a"}, WEIR_DECODED_BAD},
    {"netstring", TEXT("1:a,:a,"), {"a"}, WEIR_DECODED_BAD},
    {"netstring", TEXT("1:a,1a:a,"), {"a"}, WEIR_DECODED_BAD},
    {"netstring", TEXT("1:a,12345678901234567890:"), {"a"}, WEIR_DECODED_BAD},
    {"netstring,max=3,oversize=skip", TEXT("4:abcd,3:abc,"), {"abc"}, WEIR_DECODED_MORE},
    {"fixed:size=3", TEXT("abcdef"), {"abc", "def"}, WEIR_DECODED_MORE},
    {"fixed:size=3", TEXT("abcd"), {"abc"}, WEIR_DECODED_BAD},
    {"u8,max=3,oversize=skip",
     TEXT("\x04"
          "abcd\x03"
          "abc\xff"),
     {"abc"},
     WEIR_DECODED_BAD},
    {"u8,max=3",
     TEXT("\x03"
          "abc\x04"
          "abcd"),
     {"abc"},
     WEIR_DECODED_BAD},
    {"sunrpc,max=3",
     TEXT("\x00\x00\x00\x02"
          "ab\x80\x00\x00\x02"
          "cd"),
     {NULL},
     WEIR_DECODED_BAD},
    {"sunrpc,max=3,oversize=skip",
     TEXT("\x00\x00\x00\x02"
          "ab\x00\x00\x00\x02"
          "cd\x80\x00\x00\x01"
          "e\x80\x00\x00\x01z"),
     {"z"},
     WEIR_DECODED_MORE},
    {"length:width=2,covers=header+body", TEXT("\x00\x01"), {NULL}, WEIR_DECODED_BAD},
    {"length:width=2,offset=2,header=6,covers=rest,strip=no",
     TEXT("AB\x00\x03xyz"),
     {"AB\x00\x03xyz"},
     WEIR_DECODED_MORE},
    {"length:width=1,offset=2,magic=OK", TEXT("OK\x01zOX\x01z"), {"z"}, WEIR_DECODED_BAD},
    {"length:width=varint,offset=1,magic=!", TEXT("!\x01z?\x01z"), {"z"}, WEIR_DECODED_BAD},
    {"length:width=varint,covers=header+body", TEXT("\x02z\x00"), {"z"}, WEIR_DECODED_BAD},
};

static void check_messages(const struct vector *vector, const struct frames *frames)
{
    size_t count = 0, length;

    for (; vector->messages[count]; count++) {
        const uint8_t *message = frames_message(frames, count, &length);
        if (!message || length < strlen(vector->messages[count]) ||
            memcmp(message, vector->messages[count], strlen(vector->messages[count])) != 0)
            fail_msg("%s: message %zu is not \"%s\"", vector->spec, count, vector->messages[count]);
    }
    if (frames->count < count || frames->result != vector->result)
        fail_msg("%s: %zu messages, result %d (%s)", vector->spec, frames->count,
                 (int)frames->result, frames->decode_error.text);
}

static void decode_same(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                        bool ends, const size_t *pieces, size_t pieces_count)
{
    const size_t whole = SIZE_MAX;
    struct frames a = frames_decode(codec, bytes, length, &whole, 1, ends);
    struct frames b = frames_decode(codec, bytes, length, pieces, pieces_count, ends);

    if (a.broken || b.broken) fail_msg("%s: %s", codec->name, a.broken ? a.broken : b.broken);
    if (!frames_same(&a, &b) ||
        (a.result != WEIR_DECODED_BAD && a.partial_bytes != b.partial_bytes))
        fail_msg("%s: whole: %zu messages, result %d, %s; in pieces of %zu, %zu..: %zu, %d, %s",
                 codec->name, a.count, (int)a.result, a.decode_error.text, pieces[0],
                 pieces[pieces_count - 1], b.count, (int)b.result, b.decode_error.text);
    frames_free(&a);
    frames_free(&b);
}

/* Decodes byte by byte, in two and in three pieces, for every prefix. */
static void cut_in_every_way(const struct weir_codec *codec, const uint8_t *bytes, size_t length)
{
    const size_t one = 1;

    for (size_t end = 0; end <= length; end++) {
        for (int ends = 0; ends < 2; ends++) {
            decode_same(codec, bytes, end, ends, &one, 1);
            for (size_t first = 0; first < end; first++) {
                const size_t pieces[] = {first, 3, SIZE_MAX};
                const size_t halves[] = {first, SIZE_MAX};
                decode_same(codec, bytes, end, ends, halves, 2);
                decode_same(codec, bytes, end, ends, pieces, 3);
            }
        }
    }
}

static void test_known_bytes_cut_in_every_way(void **state)
{
    const size_t whole = SIZE_MAX;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const struct vector *vector = &vectors[i];
        const uint8_t *bytes = (const uint8_t *)vector->bytes;
        struct weir_frame *frame = open_spec(vector->spec);
        const struct weir_codec *codec = weir_frame_codec(frame);
        struct frames frames = frames_decode(codec, bytes, vector->length, &whole, 1, true);
        check_messages(vector, &frames);
        frames_free(&frames);
        cut_in_every_way(codec, bytes, vector->length);
        weir_frame_free(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes_cut_in_every_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
