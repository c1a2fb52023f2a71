/* SPDX-License-Identifier: MIT */
/* test_websocket_sessions.c - sessions over WebSocket, on the simulated transport in virtual time;
 * and messages that are sent back by codecs whose sent frames differ from received ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "test_filters.h"
#include "websocket.h"
#include "websocket_frame.h"

#define REQUEST                                                                             \
    "GET /play?room=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

static struct {
    uint32_t opened, messages, closed, web_count;
    enum weir_reason reason;
    enum weir_code answered;
    char web[200];
    bool finishes_first, pauses, exhausts;
    size_t message_max;                  /* that on_message sets; 0: none */
    const struct weir_codec *next_codec; /* that on_message sets once; null: none */
    enum weir_code codec_answered;
} seen;

static void note_web(struct weir_session *session)
{
    struct weir_web web;

    if (!weir_session_web(session, &web)) return;
    seen.web_count++;
    snprintf(seen.web, sizeof seen.web, "%s %s %s", web.path, web.query, web.cookie);
}

static void on_open(struct weir_session *session)
{
    seen.opened++;
    note_web(session);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    seen.messages++;
    note_web(session);
    if (seen.finishes_first) weir_session_finish(session);
    if (seen.message_max > 0) weir_session_set_message_max(session, seen.message_max);
    if (seen.next_codec) {
        seen.codec_answered = weir_session_set_codec(session, seen.next_codec);
        seen.next_codec = NULL;
    }
    if (seen.exhausts) {
        fixture_take_buffers();
        memory_fail_nth(1, 1);
    }
    seen.answered = weir_session_send_back(session, message);
    memory_fail_nth(0, 0);
    if (seen.pauses) weir_session_pause(session);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    seen.closed++;
    seen.reason = reason;
}

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .session_bytes = 100,
    .on_open = on_open,
    .on_message = on_message,
    .on_close = on_close,
};

/* ---- worlds ---- */

static struct websocket_settings settings;
static struct filter *filter;
static struct weir_frame *frame;

static struct weir_config config_of_test(void)
{
    struct weir_config config = fixture_config();

    config.opening_timeout_ms = 1000;
    config.linger_timeout_ms = 500;
    return config;
}

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    test_filters_reset();
    settings = (struct websocket_settings){.path = "/play", .message_bytes_max = 1000};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_chain_count = 0;
    filter_unref(filter);
    filter = NULL;
    weir_frame_free(frame);
    frame = NULL;
    return 0;
}

/* Opens a world whose listener is a WebSocket. `codec`: a frame specification, or null. */
static void open_configured(const struct weir_config *config, const char *codec)
{
    if (codec) {
        assert_int_equal(weir_frame_open(codec, &frame, NULL), WEIR_OK);
        settings.inner = weir_frame_codec(frame);
    }
    assert_int_equal(websocket_open(&settings, &filter, NULL), WEIR_OK);
    test_chain[0] = filter;
    test_chain_count = 1;
    fixture_open(config, websocket_codec_of_filter(filter), &handler, 1);
}

static void open_world(const char *codec)
{
    const struct weir_config config = config_of_test();

    open_configured(&config, codec);
}

static void send_bytes(struct sim_peer *peer, const void *bytes, size_t length)
{
    assert_int_equal(sim_peer_send(peer, bytes, (uint32_t)length), length);
    fixture_run_ms(5);
}

/* Sends a short frame with a mask. */
static void send_frame(struct sim_peer *peer, uint8_t opcode, const char *text)
{
    uint8_t bytes[140], mask[4] = {1, 2, 3, 4};
    size_t length = strlen(text);

    bytes[0] = (uint8_t)(0x80 | opcode);
    bytes[1] = (uint8_t)(0x80 | length);
    memcpy(bytes + 2, mask, 4);
    for (size_t i = 0; i < length; i++) bytes[6 + i] = (uint8_t)text[i] ^ mask[i % 4];
    send_bytes(peer, bytes, 6 + length);
}

/* All that the peer has received. */
static void expect(struct sim_peer *peer, const void *wanted, size_t length)
{
    uint8_t got[2000];
    uint32_t count = sim_peer_receive(peer, got, sizeof got);

    assert_int_equal(count, length);
    assert_memory_equal(got, wanted, length);
}

static void expect_head(struct sim_peer *peer, const char *status)
{
    char got[2000];
    uint32_t count = sim_peer_receive(peer, (uint8_t *)got, sizeof got - 1);

    got[count] = '\0';
    if (strncmp(got, status, strlen(status)) != 0) fail_msg("got %s", got);
}

static struct sim_peer *open_websocket(void)
{
    struct sim_peer *peer = fixture_connect();

    send_bytes(peer, REQUEST "Cookie: a=1\r\n\r\n", strlen(REQUEST "Cookie: a=1\r\n\r\n"));
    expect_head(peer, "HTTP/1.1 101 ");
    return peer;
}

/* ---- sessions ---- */

static void messages_are_answered_in_place(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_world(NULL);
    peer = open_websocket();
    assert_int_equal(seen.opened, 1);
    send_frame(peer, WEBSOCKET_TEXT, "hello");
    expect(peer, "\x81\x05hello", 7);
    send_bytes(peer, "\x81\x81\0\0\0\0a\x82\x82\0\0\0\0bc", 15);
    expect(peer,
           "\x81\x01"
           "a\x82\x02"
           "bc",
           7);
    send_frame(peer, WEBSOCKET_CLOSE, "\x0f\xa0");
    expect(peer, "\x88\x02\x0f\xa0", 4);
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    fixture_close();
}

static void the_request_is_known_in_on_open(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_world(NULL);
    peer = open_websocket();
    assert_string_equal(seen.web, "/play room=1 a=1");
    send_frame(peer, WEBSOCKET_TEXT, "x");
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.web_count, 1);
    fixture_close();
}

static void other_sessions_have_no_request(void **state)
{
    struct weir_config config = config_of_test();
    struct weir_web web = {.path = "x"};

    (void)state;
    fixture_open(&config, &codec_dot, &handler, 1);
    fixture_connect();
    fixture_run_ms(5);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.web_count, 0);
    assert_false(weir_session_web(fixture_only_session(), &web));
    assert_null(web.path);
    fixture_close();
    test_chain[0] = &test_filter_line;
    test_chain_count = 1;
    fixture_open(&config, &codec_dot, &handler, 1);
    send_bytes(fixture_connect(), "GO\n", 3);
    assert_int_equal(seen.opened, 2);
    assert_int_equal(seen.web_count, 0);
    fixture_close();
}

static void the_web_page_is_served_without_a_session(void **state)
{
    static const char request[] = "GET /play HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sim_peer *peer;

    (void)state;
    settings.web_page = "page";
    settings.web_page_length = 4;
    open_world(NULL);
    peer = fixture_connect();
    send_bytes(peer, request, sizeof request - 1);
    expect_head(peer, "HTTP/1.1 200 OK\r\n");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(seen.opened, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_int_equal(fixture_stats().opening, 0);
    assert_int_equal(fixture_stats().opening_failed_websocket, 0);
    fixture_close();
}

static struct sim_peer *ask_for_long_web_page(void)
{
    static const char request[] = "GET /play HTTP/1.1\r\nHost: a\r\n\r\n";
    static char web_page[512 * 1024];
    struct weir_config config = config_of_test();
    struct sim_peer *peer;

    settings.web_page = web_page;
    settings.web_page_length = sizeof web_page;
    config.send_timeout_ms = 5000;
    open_configured(&config, NULL);
    peer = fixture_connect();
    send_bytes(peer, request, sizeof request - 1);
    return peer;
}

/* The time for the opening is that of the request: the page has the time that sends have. */
static void a_long_web_page_reaches_a_slow_client(void **state)
{
    static char got[16 * 1024];
    struct sim_peer *peer = ask_for_long_web_page();
    size_t length = 0;

    (void)state;
    for (int i = 0; i < 100 && !sim_peer_saw_end(peer); i++) {
        uint32_t part = sim_peer_receive(peer, got, sizeof got);
        if (i == 0) assert_memory_equal(got, "HTTP/1.1 200 OK", 15);
        length += part;
        fixture_run_ms(100);
    }
    assert_true(sim_peer_saw_end(peer));
    assert_true(length > settings.web_page_length);
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_int_equal(fixture_stats().opening_failed_websocket, 0);
    fixture_close();
}

static void a_client_that_does_not_read_its_web_page_is_closed(void **state)
{
    (void)state;
    ask_for_long_web_page();
    fixture_run_ms(1500);
    assert_int_equal(fixture_closed(WEIR_REASON_OPENING), 0);
    fixture_run_ms(30000);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    assert_int_equal(fixture_stats().opening, 0);
    assert_int_equal(fixture_stats().opening_failed_websocket, 1);
    fixture_close();
}

static void a_wrong_request_ends_the_session(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sim_peer *peer;

    (void)state;
    open_world(NULL);
    peer = fixture_connect();
    send_bytes(peer, request, sizeof request - 1);
    expect_head(peer, "HTTP/1.1 404 Not Found\r\n");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(fixture_closed(WEIR_REASON_UPGRADE), 1);
    assert_int_equal(fixture_stats().opening_failed_websocket, 1);
    assert_int_equal(seen.closed, 0);
    fixture_close();
}

static void a_failure_has_its_status(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_world(NULL);
    peer = open_websocket();
    send_bytes(peer, "\x81\x81\0\0\0\0\xff", 7);
    expect(peer,
           "\x88\x0a\x03\xef"
           "protocol",
           12);
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(seen.reason, WEIR_REASON_PROTOCOL);
    fixture_close();
}

static void pings_are_answered_and_counted(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_world(NULL);
    peer = open_websocket();
    send_bytes(peer, "\x89\x81\0\0\0\0a\x89\x81\0\0\0\0b", 14);
    uint8_t got[10];
    uint32_t count = sim_peer_receive(peer, got, sizeof got);
    assert_in_range(count, 3, 6); /* the network can split the pings: then both are answered */
    assert_memory_equal(got + count - 3,
                        "\x8a\x01"
                        "b",
                        3);
    assert_int_equal(fixture_stats().websocket_pings, 2);
    fixture_close();
}

static void a_silent_client_is_pinged_and_closed(void **state)
{
    struct sim_peer *peer;

    (void)state;
    settings.ping_interval_ms = 1000;
    settings.pong_timeout_ms = 300;
    open_world(NULL);
    peer = open_websocket();
    fixture_run_ms(990);
    expect(peer, "", 0);
    fixture_run_ms(20);
    expect(peer, "\x89\x00", 2);
    send_frame(peer, WEBSOCKET_PONG, "");
    fixture_run_ms(980);
    expect(peer, "", 0);
    fixture_run_ms(30);
    expect(peer, "\x89\x00", 2);
    fixture_run_ms(320);
    expect(peer,
           "\x88\x06\x03\xe9"
           "idle",
           8);
    sim_peer_finish(peer);
    fixture_run_ms(5);
    assert_int_equal(seen.reason, WEIR_REASON_IDLE);
    fixture_close();
}

/* The ping is behind a message that fills the client's window almost twice. The client reads a
 * window within the timeout, and the whole message not. */
static void a_slow_reader_is_not_silent(void **state)
{
    static uint8_t payload[100 * 1000], got[10 * 1000];
    struct sim_peer *peer;
    uint32_t received = 0;

    (void)state;
    settings.ping_interval_ms = 100;
    settings.pong_timeout_ms = 2000;
    settings.message_bytes_max = sizeof payload;
    open_world(NULL);
    peer = open_websocket();
    assert_int_equal(weir_session_send(fixture_only_session(), payload, sizeof payload), WEIR_OK);
    while (received < sizeof payload + 12) {
        fixture_run_ms(250);
        assert_int_equal(seen.closed, 0);
        received += sim_peer_receive(peer, got, sizeof got);
        fixture_run_ms(5);
    }
    assert_int_equal(received, sizeof payload + 12); /* with a header, and one ping */
    send_frame(peer, WEBSOCKET_PONG, "");
    fixture_run_ms(500);
    assert_int_equal(seen.closed, 0);
    fixture_close();
}

static void a_paused_client_is_not_silent(void **state)
{
    struct sim_peer *peer;

    (void)state;
    settings.ping_interval_ms = 1000;
    settings.pong_timeout_ms = 300;
    seen.pauses = true;
    open_world(NULL);
    peer = open_websocket();
    send_frame(peer, WEBSOCKET_TEXT, "x");
    send_frame(peer, WEBSOCKET_PONG, "");
    fixture_run_ms(20000);
    expect(peer, "\x81\x01x", 3);
    assert_int_equal(seen.closed, 0);
    fixture_close();
}

static void an_inner_codec_gets_a_stream(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_world("line");
    peer = open_websocket();
    send_frame(peer, WEBSOCKET_BINARY, "one\ntwo\r\nth");
    expect(peer, "\x82\x04one\n\x82\x05two\r\n", 13);
    send_frame(peer, WEBSOCKET_TEXT, "ree\n");
    expect(peer, "\x82\x06three\n", 8);
    fixture_close();
}

/* ---- ends at every point ---- */

/* A client from its first to its last byte: text, fragments with a ping in between, close. */
static const char life[] = REQUEST "\r\n"
                                   "\x81\x85\0\0\0\0hello"
                                   "\x01\x82\0\0\0\0ab"
                                   "\x89\x81\0\0\0\0?"
                                   "\x00\x82\0\0\0\0cd"
                                   "\x80\x82\0\0\0\0ef"
                                   "\x88\x82\0\0\0\0\x03\xe8";

static void the_peer_is_gone_at_every_byte(void **state)
{
    (void)state;
    for (uint32_t length = 0; length < sizeof life; length++)
        for (int how = 0; how < 3; how++) {
            open_world(NULL);
            struct sim_peer *peer = fixture_connect();
            fixture_run_ms(2);
            if (length > 0) assert_int_equal(sim_peer_send(peer, life, length), length);
            fixture_run_ms(how == 0 ? 0 : 5);
            if (how == 2)
                sim_peer_reset(peer);
            else
                sim_peer_finish(peer);
            fixture_run_ms(600);
            fixture_close();
            assert_int_equal(seen.opened, seen.closed);
            tear_down(NULL);
        }
}

static void every_byte_can_arrive_alone(void **state)
{
    (void)state;
    open_world(NULL);
    struct sim_peer *peer = fixture_connect();
    for (uint32_t at = 0; at + 1 < sizeof life; at++) send_bytes(peer, life + at, 1);
    char got[400];
    uint32_t count = sim_peer_receive(peer, (uint8_t *)got, sizeof got);
    static const char answers[] = "\x81\x05hello\x8a\x01?\x81\x06"
                                  "abcdef\x88\x02\x03\xe8";
    assert_true(count > sizeof answers);
    assert_memory_equal(got + count - (sizeof answers - 1), answers, sizeof answers - 1);
    assert_true(sim_peer_saw_end(peer));
    fixture_close();
}

static void every_allocation_can_fail(void **state)
{
    uint64_t count = 1;

    (void)state;
    for (uint64_t nth = 0; nth <= count; nth++) {
        open_world(NULL);
        struct sim_peer *peer = fixture_connect();
        fixture_run_ms(5);
        uint64_t before = memory_allocations_count();
        memory_fail_nth(nth, 0);
        assert_int_equal(sim_peer_send(peer, life, sizeof life - 1), sizeof life - 1);
        fixture_run_ms(20);
        memory_fail_nth(0, 0);
        if (nth == 0) count = memory_allocations_count() - before;
        sim_peer_finish(peer);
        fixture_run_ms(600);
        fixture_close();
        assert_int_equal(seen.opened, seen.closed);
        tear_down(NULL);
    }
    assert_in_range(count, 3, 30);
}

/* ---- messages that are sent back ---- */

/* Sends "<", the message, and ">"; an empty message is refused. */
static enum weir_code encode_back(const struct weir_codec *codec,
                                  const struct weir_message *message, struct weir_framing *framing)
{
    (void)codec;
    if (message->length == 0) return WEIR_INVALID;
    framing->skip = 1;
    framing->header[0] = '<';
    framing->header_length = 1;
    framing->trailer[0] = '>';
    framing->trailer_length = 1;
    return WEIR_OK;
}

static struct weir_codec asymmetric;

static struct sim_peer *open_asymmetric(void)
{
    struct weir_config config = config_of_test();

    asymmetric = codec_dot;
    asymmetric.encode_back = encode_back;
    fixture_open(&config, &asymmetric, &handler, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(5);
    return peer;
}

static void the_codec_frames_what_is_sent_back(void **state)
{
    struct sim_peer *peer = open_asymmetric();

    (void)state;
    send_bytes(peer, "abc.", 4);
    expect(peer, "<bc.>", 5);
    assert_int_equal(fixture_stats().messages_out, 1);
    send_bytes(peer, ".", 1);
    assert_int_equal(seen.answered, WEIR_INVALID);
    expect(peer, "", 0);
    fixture_close();
}

static void a_longest_message_leaves_the_framing(void **state)
{
    struct sim_peer *peer = open_asymmetric();

    (void)state;
    seen.message_max = 100;
    for (int i = 0; i < 2; i++) {
        send_bytes(peer, "abc.", 4);
        expect(peer, "<bc.>", 5);
    }
    fixture_close();
}

static void set_codec_and_send(struct sim_peer *peer, const struct weir_codec *next)
{
    seen.next_codec = next;
    send_bytes(peer, "abc.", 4);
    assert_int_equal(seen.codec_answered, WEIR_OK);
}

static void a_message_is_sent_back_in_the_framing_of_its_codec(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    asymmetric = codec_dot;
    asymmetric.encode_back = encode_back;
    fixture_open(&config, &codec_dot, &handler, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(5);
    set_codec_and_send(peer, &asymmetric);
    expect(peer, "abc.", 4);
    set_codec_and_send(peer, &asymmetric);
    expect(peer, "<bc.>", 5);
    set_codec_and_send(peer, &codec_dot);
    expect(peer, "<bc.>", 5);
    send_bytes(peer, "abc.", 4);
    expect(peer, "abc.", 4);
    fixture_close();
}

static void a_codec_with_filters_frames_what_is_sent_back(void **state)
{
    (void)state;
    open_world("line");
    struct sim_peer *peer = open_websocket();
    seen.message_max = 100;
    for (int i = 0; i < 2; i++) {
        send_frame(peer, WEBSOCKET_BINARY, "ab\n");
        expect(peer,
               "\x82\x03"
               "ab\n",
               5);
    }
    fixture_close();
}

static void the_codec_of_a_websocket_stays(void **state)
{
    (void)state;
    open_world(NULL);
    struct sim_peer *peer = open_websocket();
    seen.next_codec = &codec_dot;
    seen.message_max = 100;
    send_frame(peer, WEBSOCKET_TEXT, "abc");
    assert_int_equal(seen.codec_answered, WEIR_INVALID);
    expect(peer,
           "\x81\x03"
           "abc",
           5);
    fixture_close();
}

static void nothing_is_sent_back_after_the_end(void **state)
{
    struct sim_peer *peer = open_asymmetric();

    (void)state;
    seen.finishes_first = true;
    send_bytes(peer, "abc.", 4);
    assert_int_equal(seen.answered, WEIR_CANCELLED);
    expect(peer, "", 0);
    fixture_close();
}

static void without_memory_for_an_answer_the_session_ends(void **state)
{
    struct sim_peer *peer = open_asymmetric();

    (void)state;
    seen.exhausts = true;
    send_bytes(peer, "abc.", 4);
    assert_int_equal(seen.answered, WEIR_CANCELLED);
    assert_int_equal(seen.reason, WEIR_REASON_EXHAUSTED);
    fixture_give_back_buffers();
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_are_answered_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_request_is_known_in_on_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_sessions_have_no_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_web_page_reaches_a_slow_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_its_web_page_is_closed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_web_page_is_served_without_a_session, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_request_ends_the_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_has_its_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pings_are_answered_and_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_client_is_pinged_and_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_is_not_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_paused_client_is_not_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_inner_codec_gets_a_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_peer_is_gone_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_byte_can_arrive_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation_can_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_codec_frames_what_is_sent_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_longest_message_leaves_the_framing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_message_is_sent_back_in_the_framing_of_its_codec, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_codec_with_filters_frames_what_is_sent_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_codec_of_a_websocket_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_sent_back_after_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_for_an_answer_the_session_ends, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
