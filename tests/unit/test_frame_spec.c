/* SPDX-License-Identifier: MIT */
/* test_frame_spec.c - descriptions of frames: what they are called, and what is refused, why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "frame_spec_name.h"
#include "memory_faults.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error error;
static char text[512];

/* The canonical text, or the error. */
static const char *read_spec(const char *spec)
{
    struct weir_frame *frame;

    if (weir_frame_open(spec, &frame, &error) != WEIR_OK)
        return weir_error_text(&error, text, sizeof text);
    weir_frame_text(frame, text, sizeof text);
    assert_string_equal(weir_frame_codec(frame)->name, text);
    weir_frame_free(frame);
    return text;
}

static const struct {
    const char *spec, *canonical;
} same[] = {
    {"u32be", "u32be"},
    {"length", "u32be"},
    {"length:width=4,endian=big,offset=0,header=4,covers=body,adjust=0,strip=yes,max=1m", "u32be"},
    {"u32be:max=64k", "u32be,max=64k"},
    {"u32be,max=1048577", "u32be,max=1048577"},
    {"u32be,max=1G,oversize=skip", "u32be,max=1g,oversize=skip"},
    {"u32be,endian=little", "u32le"},
    {"erlang4", "u32be"},
    {"dns-tcp", "u16be"},
    {"u8,max=255", "u8"},
    {"u8,max=1m", "u8"},
    {"u8,max=17", "u8,max=17"},
    {"u8,strip=no", "length:width=1,strip=no"},
    {"u32be,strip=4", "u32be"},
    {"u32be,strip=3", "length:width=4,strip=3"},
    {"u32be,covers=rest", "u32be"},
    {"u32be,covers=header+body", "length:width=4,covers=header+body"},
    {"tpkt", "tpkt"},
    {"length:width=2,offset=2,header=4,covers=header+body,magic=\\x03", "tpkt"},
    {"netty(0,4,0,4)", "u32be"},
    {"netty(0,4,0,0)", "length:width=4,strip=no"},
    {"netty(1,2,-3,3),max=32k,endian=little",
     "length:width=2,endian=little,offset=1,adjust=-3,max=32k"},
    {"netty(0,2,0,5)", "length:width=2,header=5,covers=rest"},
    {"length:width=4,endian=big,offset=2,header=8,covers=body,adjust=-2,strip=no,max=64k,oversize="
     "skip",
     "length:width=4,offset=2,header=8,adjust=-2,strip=no,max=64k,oversize=skip"},
    {"length:width=4,adjust=2m,max=4m", "length:width=4,adjust=2097152,max=4m"},
    {"u32be,adjust=+2,oversize=close", "length:width=4,adjust=2"},
    {"length:width=1,magic=AB,offset=2", "length:width=1,offset=2,magic=AB"},
    {"length:width=1,magic=\\xfF\\x0A,offset=2", "length:width=1,offset=2,magic=\\xff\\n"},
    {"line:delimiter=ab", "line:delimiter=ab"},
    {"line", "line"},
    {"line:delimiter=\n", "line"},
    {"line:delimiter=\\r\\n,max=8k", "crlf,max=8k"},
    {"line:delimiter=\\0", "nul"},
    {"line:delimiter=a\\x20\\\\\\x2c\\t=", "line:delimiter=a\\x20\\x5c\\x2c\\x09="},
    {"fixed:size=16", "fixed:size=16"},
    {"fixed:size=4k", "fixed:size=4k"},
    {"fixed:size=16,max=1m", "fixed:size=16"},
    {"netstring,max=1m", "netstring"},
    {"varint,max=4m", "varint,max=4m"},
    {"length:width=varint,covers=rest", "varint"},
    {"mqtt", "mqtt"},
    {"varint,minimal=yes", "varint"},
    {"varint,minimal=no", "length:width=varint,minimal=no"},
    {"mqtt,minimal=no,max=2k", "length:width=varint,offset=1,minimal=no,strip=no,max=2k"},
    {"sunrpc,max=1g", "sunrpc,max=1g"},
    {"line,max=1g", "line,max=1g"},
    {"sunrpc,fragments=1024", "sunrpc"},
    {"sunrpc,fragments=1k,max=4m", "sunrpc:fragments=1024,max=4m"},
    {"sunrpc:max=4m,fragments=4096,oversize=skip", "sunrpc,max=4m,oversize=skip"},
    {"sunrpc,max=4m", "sunrpc,max=4m"},
    {"sunrpc:fragments=4294967295,max=3", "sunrpc:fragments=4294967295,max=3"},
    {"raw", "raw"},
    {"datagram", "datagram"},
};

static void test_one_meaning_has_one_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char once[512];
        snprintf(once, sizeof once, "%s", read_spec(same[i].spec));
        assert_string_equal(once, same[i].canonical);
        assert_string_equal(read_spec(once), once);
    }
}

static const struct {
    const char *spec, *says;
} refused[] = {
    {"", "no codec is called \"\""},
    {"u32bee", "no codec is called \"u32bee\"; did you mean u32be?"},
    {"lines", "did you mean line?"},
    {"protobuf", "write line, u32be, varint"},
    {"u32be,maxx=1", "a length has no key \"maxx\"; did you mean max? Its keys: width, endian"},
    {"u32be,frobnicate=1", "its keys: width"},
    {"raw,max=1", "raw has no keys"},
    {"line:width=4", "a line has no key \"width\"; its keys: delimiter, max, oversize"},
    {"fixed:size=4,max=3", "every message would be longer than max; raise max, or lower size"},
    {"fixed:size=4,oversize=skip", "a fixed has no key \"oversize\"; its keys: size, max"},
    {"u32be,", "has no key \"\""},
    {"u32be,max", "max has no value; write the bytes of the longest message"},
    {"u32be,max=", "max cannot be \"\""},
    {"u32be,max=0", "max cannot be \"0\""},
    {"u32be,max=12x", "max cannot be \"12x\""},
    {"u32be,max=12kk", "max cannot be \"12kk\""},
    {"u32be,max=99999999999999999999999", "max cannot be"},
    {"u32be,max=1073741825",
     "max cannot be \"1073741825\"; write the bytes of the longest message, "
     "such as 64k or 1m; up to 1g"},
    {"u64be,max=4g", "max cannot be \"4g\""},
    {"varint,max=2g", "max cannot be \"2g\""},
    {"netstring,max=2g", "max cannot be \"2g\""},
    {"sunrpc,max=2g", "max cannot be \"2g\""},
    {"fixed:size=2g", "size cannot be \"2g\"; write the bytes of each message, such as 16 or 4k; "
                      "up to 1g"},
    {"netty(0,4,0,4),max=2g", "max cannot be \"2g\""},
    {"u32be,max=1,max=2", "max is there twice"},
    {"sunrpc,fragments=0",
     "fragments cannot be \"0\"; write the largest number of fragments of one record"},
    {"sunrpc,fragments=4g", "fragments cannot be \"4g\""},
    {"sunrpc,fragments", "fragments has no value"},
    {"sunrpc,size=1", "a sunrpc has no key \"size\"; its keys: fragments, max, oversize"},
    {"netstring,fragments=1", "a netstring has no key \"fragments\""},
    {"u32be,oversize=drop", "oversize cannot be \"drop\"; write close, or skip"},
    {"length:width=9", "width cannot be \"9\"; write the bytes of the length field, 1 to 8"},
    {"length:width=0", "width cannot be \"0\""},
    {"length:width=4,endian=middle", "write big or little"},
    {"length:width=4,offset=65", "offset cannot be"},
    {"length:width=4,header=0", "header cannot be"},
    {"length:width=4,covers=header", "covers cannot be \"header\"; write what the length counts"},
    {"length:width=4,adjust=-2g", "adjust cannot be"},
    {"length:width=4,adjust=-", "adjust cannot be"},
    {"length:width=4,strip=maybe", "strip cannot be"},
    {"length:width=4,magic=", "magic cannot be"},
    {"length:width=4,magic=\\x", "magic cannot be"},
    {"length:width=4,magic=\\xg0", "magic cannot be"},
    {"length:width=4,magic=\\q", "magic cannot be"},
    {"length:width=4,magic=\\", "magic cannot be"},
    {"line:delimiter=01234567890123456", "delimiter cannot be"},
    {"line:delimiter=,", "delimiter cannot be \"\"; write 1 to 16 bytes"},
    {"line:max=1025m", "max cannot be \"1025m\""},
    {"fixed", "size is missing; write fixed:size=16"},
    {"fixed:size=0", "size cannot be"},
    {"u32be;max=1", "no codec is called"},
    {"netty", "netty needs 4 numbers; write netty(lengthFieldOffset"},
    {"netty(0,4,0)", "netty needs 4 numbers"},
    {"netty(0,4,0,4", "netty needs 4 numbers"},
    {"netty(0,4,0,x)", "a number is missing"},
    {"netty(0,5,0,5)", "Netty has no lengthFieldLength of 5; write 1, 2, 3, 4 or 8"},
    {"netty(0,0,0,5)", "Netty has no lengthFieldLength of 0"},
    {"netty(0,4,0,4)x", "\"x\" is unexpected"},
    {"u32be(1)", "\"(1)\" is unexpected"},
    {"length:width=4,offset=2,header=5",
     "the length field ends at byte 6, outside the header of 5"},
    {"length:width=4,offset=62", "no header may be longer than 64 bytes"},
    {"length:width=4,strip=5", "strip=5 is more than the header of 4"},
    {"length:width=4,magic=a", "the magic overlaps the length field"},
    {"length:width=1,covers=header+body,header=64,adjust=-200",
     "no value of a 1-byte length reaches the end of the header; check the sign of adjust"},
    {"length:width=1,adjust=-256", "no value of a 1-byte length reaches"},
    {"length:width=4,adjust=2000,max=1k", "every frame would be longer than max"},
    {"length:width=4,header=8,strip=no,max=7", "every frame would be longer than max"},
    {"length:width=4,header=8,covers=header+body,strip=no,max=7",
     "every frame would be longer than max; raise max: it includes the header bytes that are not "
     "stripped"},
    {"length:width=4,header=65", "header cannot be \"65\""},
    {"length:width=4,adjust=", "adjust cannot be \"\""},
    {"length:width=4,adjust=1,adjust=2", "adjust is there twice"},
    {"u32be:max=1:oversize=skip", "max cannot be \"1:oversize=skip\""},
    {"netty(0,4,0,4),max=1k(", "max cannot be \"1k(\""},
    {"netty(x,4,0,4)", "a number is missing"},
    {"netty(0,x,0,4)", "a number is missing"},
    {"netty(0,4,x,4)", "a number is missing"},
    {"fixed:size=x", "size cannot be \"x\""},
    {"fixed:size=:", "size cannot be \":\""},
    {"length:width=varint,header=4", "a varint's header has no fixed size"},
    {"varint,strip=1", "write strip=yes or strip=no"},
    {"varint,endian=little", "the byte order of a varint is fixed"},
    {"varint,offset=55", "no header may be longer than 64 bytes"},
    {"varint,magic=a", "the magic overlaps the length"},
    {"varint,minimal=maybe", "minimal cannot be \"maybe\"; write yes, or no"},
    {"u32be,minimal=no", "a length of 4 bytes cannot have unnecessary bytes; leave minimal out"},
    {"line,minimal=no", "a line has no key \"minimal\""},
    {"varint,adjust=2m", "every frame would be longer than max"},
};

static void test_nonsense_is_refused_with_what_was_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const char *said = read_spec(refused[i].spec);
        if (!strstr(said, refused[i].says) || error.code != WEIR_INVALID)
            fail_msg("\"%s\": %s", refused[i].spec, said);
    }
}

static void test_every_preset_opens_and_keeps_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; frame_spec_preset(i); i++) {
        char means[512], name[512];
        snprintf(name, sizeof name, "%s", read_spec(frame_spec_preset(i)));
        snprintf(means, sizeof means, "%s", read_spec(frame_spec_preset_text(i)));
        assert_string_equal(name, means);
        assert_true(strlen(weir_frame_preset_at(i)->summary) > 0);
    }
}

static void test_memory_that_is_not_there_is_an_error(void **state)
{
    struct weir_frame *frame;

    (void)state;
    memory_fail_nth(1, 0);
    assert_int_equal(weir_frame_open("u32be", &frame, &error), WEIR_NO_MEMORY);
    assert_null(frame);
    weir_frame_free(NULL);
}

static void test_all_names_are_listed(void **state)
{
    char names[1024];

    (void)state;
    builtin_codec_names(names, sizeof names);
    assert_non_null(strstr(names, "raw, datagram, line, length, netstring, fixed, sunrpc, u8, "));
    assert_non_null(strstr(names, "tpkt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_meaning_has_one_text),
        cmocka_unit_test(test_nonsense_is_refused_with_what_was_meant),
        cmocka_unit_test(test_every_preset_opens_and_keeps_a_name),
        cmocka_unit_test(test_memory_that_is_not_there_is_an_error),
        cmocka_unit_test(test_all_names_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
