/* SPDX-License-Identifier: MIT */
/* test_websocket.c - the filter WebSocket without a session: opening, the web_page, pongs, pings,
 * the close frame, memory, and the texts of its settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory_faults.h"
#include "websocket.h"
#include "websocket_codec.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define REQUEST                                                                             \
    "GET /play?room=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

static struct websocket_settings settings;
static struct filter *filter;
static void *state;
static struct websocket_state *codec_state;
static uint8_t bytes[FILTER_OUT_BYTES_MIN + 1]; /* one for a NUL, to search in them */
static struct filter_output out;
static struct filter_error failure;

static int set_up(void **unused)
{
    (void)unused;
    settings = (struct websocket_settings){
        .path = "/play", .message_bytes_max = 1000, .ping_interval_ms = 100, .pong_timeout_ms = 50};
    return 0;
}

static void open_session(void)
{
    assert_int_equal(websocket_open(&settings, &filter, NULL), WEIR_OK);
    state = filter->kind->open(filter, NULL, &failure);
    assert_non_null(state);
    codec_state = calloc(1, websocket_codec_of_filter(filter)->state_bytes);
    assert_non_null(codec_state);
}

static void free_session(void)
{
    const struct weir_codec *codec = websocket_codec_of_filter(filter);

    codec->release(codec, codec_state);
    filter->kind->release(state);
    filter_unref(filter);
    free(codec_state);
}

static enum filter_result feed(const char *text)
{
    struct filter_io io = {
        .in = (const uint8_t *)text, .in_length = strlen(text), .out = &out, .error = &failure};

    out = (struct filter_output){bytes, 0, FILTER_OUT_BYTES_MIN};
    failure = (struct filter_error){.reason = WEIR_REASON_UPGRADE};
    return filter->kind->feed(state, &io);
}

static void open_websocket(void)
{
    open_session();
    assert_int_equal(feed(REQUEST "Cookie: a=1\r\n\r\n"), FILTER_OPEN);
    filter->kind->begin(state, codec_state);
}

/* Decodes frames that have a mask of zeros. */
static enum weir_decoded receive(const char *frames, size_t length)
{
    const struct weir_codec *codec = websocket_codec_of_filter(filter);
    uint8_t copy[200];
    struct weir_input input = {copy, length, false};
    struct weir_message message;
    struct weir_decode_error decode_error;
    enum weir_decoded decoded;

    memcpy(copy, frames, length);
    do {
        decoded = codec->decode(codec, codec_state, &input, &message, &decode_error);
    } while (decoded == WEIR_DECODED_MESSAGE);
    return decoded;
}

static bool is_sending;

static enum filter_result respond(uint64_t now_ms, uint64_t *wake_ms, bool is_reading)
{
    struct filter_response response = {.now_ms = now_ms,
                                       .wake_ms = UINT64_MAX,
                                       .is_reading = is_reading,
                                       .is_sending = is_sending,
                                       .out = &out,
                                       .error = &failure};

    out = (struct filter_output){bytes, 0, FILTER_OUT_BYTES_MIN};
    failure = (struct filter_error){.reason = WEIR_REASON_UPGRADE};
    enum filter_result result = filter->kind->respond(state, &response);
    *wake_ms = response.wake_ms;
    return result;
}

/* ---- opening ---- */

static void a_request_opens_it(void **unused)
{
    struct weir_web web;
    uint64_t wake_ms;

    (void)unused;
    open_session();
    size_t held_bytes = filter->kind->held_bytes(state);
    assert_int_equal(feed("GET /play?room=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"),
                     FILTER_MORE);
    assert_int_equal(out.length, 0);
    assert_true(filter->kind->held_bytes(state) > held_bytes);
    assert_int_equal(feed("Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\nOrigin: http://a\r\nCookie: c\r\n\r\n"),
                     FILTER_OPEN);
    assert_memory_equal(bytes, "HTTP/1.1 101 ", 13);
    filter->kind->begin(state, codec_state);
    assert_true(websocket_web(state, &web));
    assert_string_equal(web.path, "/play");
    assert_string_equal(web.query, "room=1");
    assert_string_equal(web.origin, "http://a");
    assert_string_equal(web.cookie, "c");
    assert_null(web.authorization);
    assert_null(web.subprotocol);
    assert_int_equal(respond(1000, &wake_ms, true), FILTER_MORE);
    assert_false(websocket_web(state, &web));
    assert_true(filter->kind->held_bytes(state) < held_bytes);
    free_session();
}

static void a_request_without_query_opens_it(void **unused)
{
    struct weir_web web;

    (void)unused;
    open_session();
    assert_int_equal(feed("GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
                     FILTER_OPEN);
    assert_true(websocket_web(state, &web));
    assert_string_equal(web.path, "/play");
    assert_null(web.query);
    free_session();
}

static void a_wrong_request_fails(void **unused)
{
    (void)unused;
    open_session();
    assert_int_equal(feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), FILTER_BAD);
    assert_memory_equal(bytes, "HTTP/1.1 404 ", 13);
    assert_int_equal(failure.reason, WEIR_REASON_UPGRADE);
    assert_string_equal(failure.text, "WebSocket request refused with status 404: not found");
    filter->kind->goodbye(state, WEIR_REASON_UPGRADE, &out);
    free_session();
}

static void with_a_codec_the_subprotocol_binary_is_known(void **unused)
{
    struct weir_frame *frame;

    (void)unused;
    assert_int_equal(weir_frame_open("line", &frame, NULL), WEIR_OK);
    for (int has_codec = 0; has_codec < 2; has_codec++) {
        settings.inner = has_codec ? weir_frame_codec(frame) : NULL;
        open_session();
        assert_int_equal(feed(REQUEST "Sec-WebSocket-Protocol: binary\r\n\r\n"), FILTER_OPEN);
        bytes[out.length] = '\0';
        assert_int_equal(strstr((char *)bytes, "Sec-WebSocket-Protocol: binary\r\n") != NULL,
                         has_codec);
        free_session();
    }
    weir_frame_free(frame);
}

static void a_long_web_page_is_sent_in_parts(void **unused)
{
    static char web_page[3 * FILTER_OUT_BYTES_MIN];
    size_t sent = 0;
    enum filter_result result;

    (void)unused;
    for (size_t i = 0; i < sizeof web_page; i++) web_page[i] = (char)('a' + i % 26);
    settings.web_page = web_page;
    settings.web_page_length = sizeof web_page;
    open_session();
    result = feed("GET /play HTTP/1.1\r\nHost: a\r\n\r\nmore");
    assert_memory_equal(bytes, "HTTP/1.1 200 OK\r\n", 17);
    bytes[out.length] = '\0';
    const uint8_t *body = (const uint8_t *)strstr((char *)bytes, "\r\n\r\n") + 4;
    size_t part = out.length - (size_t)(body - bytes);
    while (result == FILTER_AGAIN) {
        assert_memory_equal(body, web_page + sent, part);
        sent += part;
        result = feed("");
        body = bytes;
        part = out.length;
    }
    assert_memory_equal(body, web_page + sent, part);
    assert_int_equal(sent + part, sizeof web_page);
    assert_int_equal(result, FILTER_BAD);
    assert_int_equal(failure.reason, WEIR_REASON_APPLICATION);
    assert_string_equal(failure.text, "");
    free_session();
}

static void a_head_request_gets_no_web_page(void **unused)
{
    (void)unused;
    settings.web_page = "page";
    settings.web_page_length = 4;
    open_session();
    assert_int_equal(feed("HEAD /play HTTP/1.1\r\nHost: a\r\n\r\n"), FILTER_BAD);
    bytes[out.length] = '\0';
    assert_non_null(strstr((char *)bytes, "Content-Length: 4\r\n"));
    assert_string_equal((char *)bytes + out.length - 4, "\r\n\r\n");
    free_session();
}

static void an_empty_web_page_is_one(void **unused)
{
    (void)unused;
    settings.web_page = "";
    open_session();
    assert_int_equal(feed("GET /play HTTP/1.1\r\nHost: a\r\n\r\n"), FILTER_BAD);
    assert_memory_equal(bytes, "HTTP/1.1 200 OK\r\n", 17);
    free_session();
}

/* ---- open ---- */

static void a_ping_gets_its_pong(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    assert_int_equal(receive("\x89\x82\0\0\0\0hi", 8), WEIR_DECODED_MORE);
    assert_int_equal(respond(1000, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 4);
    assert_memory_equal(bytes, "\x8a\x02hi", 4);
    assert_int_equal(respond(1000, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 0);
    free_session();
}

static void a_silent_client_is_pinged_and_then_closed(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    assert_int_equal(respond(1000, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1100);
    assert_int_equal(out.length, 0);
    assert_int_equal(receive("\x8a\x80\0\0\0\0", 6), WEIR_DECODED_MORE);
    assert_int_equal(respond(1050, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1150);
    assert_int_equal(respond(1100, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1150);
    assert_int_equal(respond(1150, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 2);
    assert_memory_equal(bytes, "\x89\x00", 2);
    assert_int_equal(wake_ms, 1200);
    assert_int_equal(respond(1199, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 0);
    assert_int_equal(respond(1200, &wake_ms, true), FILTER_BAD);
    assert_int_equal(out.length, 8);
    assert_memory_equal(bytes, "\x88\x06\x03\xe9idle", 8);
    assert_int_equal(failure.reason, WEIR_REASON_IDLE);
    assert_string_equal(failure.text, "no answer to a ping of WebSocket within 50 ms");
    free_session();
}

static void anything_answers_a_ping(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    respond(1000, &wake_ms, true);
    respond(1100, &wake_ms, true);
    assert_int_equal(wake_ms, 1150);
    assert_int_equal(receive("\x81", 1), WEIR_DECODED_MORE);
    assert_int_equal(respond(1149, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1249);
    free_session();
}

/* What the client sent is not read, so it cannot be known to be silent. */
static void a_pause_of_reading_postpones_pings(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    respond(1000, &wake_ms, true);
    respond(1100, &wake_ms, true);
    assert_int_equal(respond(1150, &wake_ms, false), FILTER_MORE);
    assert_int_equal(wake_ms, 1250);
    assert_int_equal(respond(1250, &wake_ms, false), FILTER_MORE);
    assert_int_equal(out.length, 0);
    assert_int_equal(wake_ms, 1350);
    free_session();
}

static void output_in_front_of_a_ping_postpones_its_timeout(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    respond(1000, &wake_ms, true);
    is_sending = true;
    assert_int_equal(respond(1100, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 2);
    assert_int_equal(wake_ms, 1150);
    assert_int_equal(respond(1150, &wake_ms, true), FILTER_MORE);
    assert_int_equal(out.length, 0); /* it was sent once */
    assert_int_equal(wake_ms, 1200);
    is_sending = false;
    assert_int_equal(respond(1200, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1250);
    is_sending = true; /* behind the ping */
    assert_int_equal(respond(1249, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1250);
    assert_int_equal(respond(1250, &wake_ms, true), FILTER_BAD);
    is_sending = false;
    free_session();
    open_websocket();
    respond(1000, &wake_ms, true);
    is_sending = true;
    respond(1100, &wake_ms, true);
    is_sending = false;
    assert_int_equal(receive("\x8a\x80\0\0\0\0", 6), WEIR_DECODED_MORE);
    assert_int_equal(respond(1149, &wake_ms, true), FILTER_MORE);
    assert_int_equal(wake_ms, 1249); /* the next ping */
    free_session();
}

static void without_an_interval_there_are_no_pings(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    settings.ping_interval_ms = 0;
    open_websocket();
    respond(1000, &wake_ms, true);
    assert_int_equal(wake_ms, UINT64_MAX);
    free_session();
}

static void a_close_frame_ends_the_peers_side(void **unused)
{
    uint64_t wake_ms;

    (void)unused;
    open_websocket();
    assert_int_equal(receive("\x89\x81\0\0\0\0x\x88\x82\0\0\0\0\x0f\xa0", 15), WEIR_DECODED_MORE);
    assert_int_equal(respond(1000, &wake_ms, true), FILTER_END);
    assert_memory_equal(bytes, "\x8a\x01x", 3);
    out.length = 0;
    filter->kind->goodbye(state, WEIR_REASON_PEER_DONE, &out);
    assert_int_equal(out.length, 4);
    assert_memory_equal(bytes, "\x88\x02\x0f\xa0", 4);
    free_session();
}

static void each_reason_has_its_status(void **unused)
{
    static const struct {
        enum weir_reason reason;
        unsigned status;
        const char *word;
    } tests[] = {
        {WEIR_REASON_NONE, 1000, ""},
        {WEIR_REASON_PEER_DONE, 1000, "peer_done"},
        {WEIR_REASON_APPLICATION, 1000, "application"},
        {WEIR_REASON_DRAIN, 1001, "drain"},
        {WEIR_REASON_SHUTDOWN, 1001, "shutdown"},
        {WEIR_REASON_IDLE, 1001, "idle"},
        {WEIR_REASON_LIFETIME, 1001, "lifetime"},
        {WEIR_REASON_PROTOCOL, 1002, "protocol"},
        {WEIR_REASON_FRAME, 1008, "frame"},
        {WEIR_REASON_SLOW_READER, 1008, "slow_reader"},
        {WEIR_REASON_REPLACED, 1008, "replaced"},
        {WEIR_REASON_EXHAUSTED, 1011, "exhausted"},
    };

    (void)unused;
    open_websocket();
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        out = (struct filter_output){bytes, 0, FILTER_OUT_BYTES_MIN};
        filter->kind->goodbye(state, tests[i].reason, &out);
        assert_int_equal(out.length, 4 + strlen(tests[i].word));
        assert_int_equal(bytes[0], 0x88);
        assert_int_equal(bytes[2] << 8 | bytes[3], tests[i].status);
        assert_memory_equal(bytes + 4, tests[i].word, strlen(tests[i].word));
    }
    assert_int_equal(receive("\x81\x81\0\0\0\0\xff", 7), WEIR_DECODED_BAD);
    out.length = 0;
    filter->kind->goodbye(state, WEIR_REASON_PROTOCOL, &out);
    assert_int_equal(bytes[2] << 8 | bytes[3], 1007);
    free_session();
}

/* ---- settings ---- */

static void check_refused(const char *cause)
{
    struct weir_error error;
    char text[400];

    assert_int_equal(websocket_open(&settings, &filter, &error), WEIR_INVALID);
    assert_null(filter);
    weir_error_text(&error, text, sizeof text);
    if (!strstr(text, cause)) fail_msg("\"%s\" does not say \"%s\"", text, cause);
}

static void wrong_texts_are_refused(void **unused)
{
    static const char *const paths[] = {"",     "play", "/a?b",      "/a#b",
                                        "/a b", "/\n",  "/\xc3\xa9", "/\x7f"};
    static const char *const origins[] = {
        "game.example",
        "http://",
        "https://a.example/",
        "https://a.example/x",
        "://a",
        "http://a b",
        "http://a,",
        "http://a,,http://b",
        "http://user@a",
        "http://a?x",
        " http://a",
        "http://a, http://b",
        "http://a;http://b",
        "h/p://a",
        "Null",
        "http://A.example",
        "HTTP://a.example",
        "https://a.exampleZ:8080",
        "http://a:80",
        "http://[::1]:80",
        "https://b.example:443",
        "a",
        "",
    };
    static const char *const subprotocols[] = {
        "a b",
        "",
        "a,",
        "a,,b",
        "a;b",
        "\xc3\xa9",
        "12345678901234567890123456789012345678901234567890123456789012345"};

    (void)unused;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        settings.path = paths[i];
        check_refused("a path begins with '/'");
    }
    settings.path = "/";
    for (size_t i = 0; i < COUNT_OF(origins); i++) {
        settings.origins = origins[i];
        check_refused("is not an origin");
    }
    settings.origins = "*,null,http://a,https://b.example:8080,http://[::1]:81,"
                       "http://[::80]:443,https://[a::443]:80,http://[::80],app://x:80";
    for (size_t i = 0; i < COUNT_OF(subprotocols); i++) {
        settings.subprotocols = subprotocols[i];
        check_refused("is not the name of a subprotocol");
    }
    settings.subprotocols = "a,b.c-d_e,v1";
    settings.web_page = "";
    settings.web_page_length = WEBSOCKET_PAGE_BYTES_MAX + 1;
    check_refused("longer than 1 MiB");
    settings.web_page_length = 0;
    open_session();
    free_session();
}

static void settings_are_copied(void **unused)
{
    char path[] = "/play", origins[] = "http://b,http://a", subprotocols[] = "x,y",
         web_page[] = "page";

    (void)unused;
    settings.path = path;
    settings.origins = origins;
    settings.subprotocols = subprotocols;
    settings.web_page = web_page;
    settings.web_page_length = 4;
    open_session();
    memset(path, '?', sizeof path - 1);
    memset(origins, '?', sizeof origins - 1);
    memset(subprotocols, '?', sizeof subprotocols - 1);
    memset(web_page, '?', sizeof web_page - 1);
    assert_int_equal(feed(REQUEST "Origin: http://a\r\nSec-WebSocket-Protocol: y\r\n\r\n"),
                     FILTER_OPEN);
    bytes[out.length] = '\0';
    assert_non_null(strstr((char *)bytes, "Sec-WebSocket-Protocol: y\r\n"));
    free_session();
}

static void every_allocation_can_fail(void **unused)
{
    uint64_t count;

    (void)unused;
    settings.origins = "http://a";
    settings.subprotocols = "x";
    settings.web_page = "page";
    settings.web_page_length = 4;
    uint64_t before = memory_allocations_count();
    open_session();
    count = memory_allocations_count() - before;
    free_session();
    for (uint64_t nth = 1; nth <= count; nth++) {
        memory_fail_nth(nth, 0);
        enum weir_code code = websocket_open(&settings, &filter, NULL);
        if (code == WEIR_OK) assert_null(filter->kind->open(filter, NULL, &failure));
        memory_fail_nth(0, 0);
        assert_int_equal(code == WEIR_OK, nth > count - 2);
        filter_unref(filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_request_opens_it, set_up),
        cmocka_unit_test_setup(a_request_without_query_opens_it, set_up),
        cmocka_unit_test_setup(a_wrong_request_fails, set_up),
        cmocka_unit_test_setup(with_a_codec_the_subprotocol_binary_is_known, set_up),
        cmocka_unit_test_setup(a_long_web_page_is_sent_in_parts, set_up),
        cmocka_unit_test_setup(a_head_request_gets_no_web_page, set_up),
        cmocka_unit_test_setup(an_empty_web_page_is_one, set_up),
        cmocka_unit_test_setup(a_ping_gets_its_pong, set_up),
        cmocka_unit_test_setup(a_silent_client_is_pinged_and_then_closed, set_up),
        cmocka_unit_test_setup(anything_answers_a_ping, set_up),
        cmocka_unit_test_setup(a_pause_of_reading_postpones_pings, set_up),
        cmocka_unit_test_setup(output_in_front_of_a_ping_postpones_its_timeout, set_up),
        cmocka_unit_test_setup(without_an_interval_there_are_no_pings, set_up),
        cmocka_unit_test_setup(a_close_frame_ends_the_peers_side, set_up),
        cmocka_unit_test_setup(each_reason_has_its_status, set_up),
        cmocka_unit_test_setup(wrong_texts_are_refused, set_up),
        cmocka_unit_test_setup(settings_are_copied, set_up),
        cmocka_unit_test_setup(every_allocation_can_fail, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
