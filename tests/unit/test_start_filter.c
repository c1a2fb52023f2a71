/* SPDX-License-Identifier: MIT */
/* test_start_filter.c - a filter that starts in the middle of a session, as TLS does after
 * STARTTLS: what leaves before and after it, plain text that was injected, ends, scarcity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "filters.h"
#include "fixture.h"
#include "group.h"
#include "lifecycle.h"
#include "memory_faults.h"
#include "test_filters.h"

#define KEY 0x5au /* of the filter */

static struct {
    struct weir_session *session;
    uint32_t closed;
    enum weir_reason reason;
    enum weir_code code; /* of the start */
    char text[256], got[256];
    const char *before, *after; /* what the handler sends around the start; null: nothing */
    bool sends_back, finishes, fills, ends_output;
} seen;

/* ---- the handler ---- */

static void send(struct weir_session *session, const char *text)
{
    if (text) assert_int_equal(weir_session_send(session, text, strlen(text)), WEIR_OK);
}

static void start(struct weir_session *session)
{
    seen.code = lifecycle_start_filter(session, &test_filter_xor);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    size_t used = strlen(seen.got);

    if (message->length == 1 && message->bytes[0] == 'i') return; /* one of many */
    assert_true(used + message->length + 2 < sizeof seen.got);
    memcpy(seen.got + used, message->bytes, message->length);
    memcpy(seen.got + used + message->length, ".", 2);
    if (message->length != 5 || memcmp(message->bytes, "start", 5) != 0) {
        weir_session_send_back(session, message);
        return;
    }
    if (seen.sends_back) weir_session_send_back(session, message);
    send(session, seen.before);
    start(session);
    send(session, seen.after);
    while (seen.fills && weir_session_send(session, "filling", 7) == WEIR_OK) continue;
    if (seen.finishes) weir_session_finish(session);
    if (seen.ends_output) weir_session_end_output(session);
}

static void on_open(struct weir_session *session)
{
    seen.session = session;
}

static void on_timer(struct weir_session *session)
{
    start(session);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    seen.closed++;
    seen.reason = reason;
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static const struct weir_handler handler = {.size = sizeof handler,
                                            .name = "test",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_timer = on_timer,
                                            .on_close = on_close};

/* ---- the peer ---- */

static const struct weir_codec *codec = &codec_dot; /* of the world that is opened next */

static struct sim_peer *open_world_of(uint32_t window_bytes)
{
    struct weir_config config = fixture_config();
    struct sim_options network;

    sim_options_init(&network);
    network.exact_pieces = true; /* what was sent together arrives together */
    network.window_bytes = window_bytes;
    fixture_network = &network;
    config.opening_timeout_ms = 1000;
    config.linger_timeout_ms = 500;
    memset(&seen, 0, sizeof seen);
    test_filters_reset();
    fixture_open(&config, codec, &handler, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_network = NULL;
    fixture_run_ms(5);
    return peer;
}

static struct sim_peer *open_world(void)
{
    return open_world_of(64 * 1024);
}

static void close_world(void)
{
    fixture_close();
    assert_int_equal(test_filters.xor_states, 0);
    test_chain_set(NULL, NULL, NULL);
}

static void say(struct sim_peer *peer, const char *text)
{
    assert_int_equal(sim_peer_send(peer, text, (uint32_t)strlen(text)), strlen(text));
    fixture_run_ms(5);
}

/* Sends a record of the filter. */
static void say_record(struct sim_peer *peer, char type, const char *text)
{
    uint8_t record[256] = {(uint8_t)type, (uint8_t)strlen(text), 0};
    uint32_t length = (uint32_t)strlen(text);

    for (uint32_t i = 0; i < length; i++) record[3 + i] = (uint8_t)((uint8_t)text[i] ^ KEY);
    assert_int_equal(sim_peer_send(peer, record, 3 + length), 3 + length);
    fixture_run_ms(5);
}

/* The peer has received this plain text, then a record of each type in `types`; the payloads of all
 * records together are `data`. */
static void expect(struct sim_peer *peer, const char *text, const char *types, const char *data)
{
    static uint8_t got[256 * 1024];
    static char payload[256 * 1024];
    uint32_t length = sim_peer_receive(peer, got, sizeof got), at = (uint32_t)strlen(text);
    uint32_t payload_length = 0;

    assert_true(length >= at);
    assert_memory_equal(got, text, at);
    for (; *types != '\0'; types++) {
        assert_true(length - at >= 3);
        assert_int_equal(got[at], *types);
        uint32_t bytes = got[at + 1] | (uint32_t)got[at + 2] << 8;
        at += 3;
        assert_true(length - at >= bytes);
        for (uint32_t i = 0; i < bytes; i++) payload[payload_length++] = (char)(got[at++] ^ KEY);
    }
    payload[payload_length] = '\0';
    assert_int_equal(at, length);
    assert_string_equal(payload, data);
}

static void wait_closed(struct sim_peer *peer, enum weir_reason reason)
{
    for (int i = 0; i < 1000 && seen.closed == 0; i++) fixture_run_ms(5);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.reason, reason);
    assert_int_equal(fixture_stats().opening, 0);
    sim_peer_close(peer);
}

static void expect_end(struct sim_peer *peer, enum weir_reason reason)
{
    sim_peer_finish(peer);
    wait_closed(peer, reason);
}

/* ---- the start ---- */

static void messages_wait_for_the_filter(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.before = "go", seen.after = "secret";
    say(peer, "one.start.");
    assert_int_equal(seen.code, WEIR_OK);
    assert_int_equal(fixture_stats().opening, 1);
    expect(peer, "one.go.", "", "");
    assert_int_equal(weir_session_send(seen.session, "more", 4), WEIR_OK);
    fixture_run_ms(100);
    expect(peer, "", "", "");
    say_record(peer, 'h', "");
    assert_int_equal(fixture_stats().opening, 0);
    expect(peer, "", "Hd", "secret.more.");
    say_record(peer, 'd', "two.three.");
    expect(peer, "", "d", "two.three.");
    assert_string_equal(seen.got, "one.start.two.three.");
    say_record(peer, 'e', "");
    expect(peer, "", "e", "");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

/* The handshake and the first message come in one piece with nothing between them. */
static void data_behind_the_handshake_is_used(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    say(peer, "start.");
    uint8_t bytes[] = {'h', 0, 0, 'd', 2, 0, 'x' ^ KEY, '.' ^ KEY};
    assert_int_equal(sim_peer_send(peer, bytes, sizeof bytes), sizeof bytes);
    fixture_run_ms(5);
    expect(peer, "", "Hd", "x.");
    sim_peer_close(peer);
    close_world();
}

static void what_was_sent_back_leaves_before_it(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.sends_back = true, seen.after = "secret";
    say(peer, "one.two.start.");
    expect(peer, "one.two.start.", "", "");
    say_record(peer, 'h', "");
    expect(peer, "", "Hd", "secret.");
    sim_peer_close(peer);
    close_world();
}

/* A callback that is not on_message can start it, too. */
static void a_timer_can_start_it(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    weir_session_start_timer(seen.session, 10);
    fixture_run_ms(50);
    assert_int_equal(seen.code, WEIR_OK);
    say_record(peer, 'h', "");
    say_record(peer, 'd', "x.");
    expect(peer, "", "Hd", "x.");
    sim_peer_close(peer);
    close_world();
}

/* ---- plain text that was injected ---- */

static void expect_injected(struct sim_peer *peer)
{
    expect(peer, "go.", "", "");
    assert_string_equal(seen.got, "start.");
    expect_end(peer, WEIR_REASON_TLS);
    assert_string_equal(seen.text, "plain text came after the last message before TLS");
    assert_int_equal(fixture_stats().opening_failed_tls, 1);
}

static void plain_text_behind_the_command_ends_the_session(void **state)
{
    static const char *const texts[] = {"start.x.", "start.x", "start.start.", "start.h\0"};

    (void)state;
    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sim_peer *peer = open_world();
        seen.before = "go", seen.after = "secret";
        say(peer, texts[i]);
        expect_injected(peer);
        close_world();
    }
}

/* It waits because the session has used its share of the iteration's work. */
static void plain_text_that_waits_ends_the_session(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    weir_session_pause(seen.session);
    seen.before = "go";
    say(peer, "start.x.");
    weir_session_resume(seen.session);
    fixture_run_ms(5);
    expect_injected(peer);
    close_world();
}

/* Sends more messages than one iteration decodes, and then this text. Returns while they wait. */
static void say_behind_many(struct sim_peer *peer, const char *text)
{
    char many[4096] = "";
    uint32_t length = 0;

    while (length < sizeof many - 64) {
        memcpy(many + length, "i.", 2);
        length += 2;
    }
    memcpy(many + length, text, strlen(text));
    length += (uint32_t)strlen(text);
    assert_int_equal(sim_peer_send(peer, many, length), length);
    for (int i = 0; i < 1000 && !seen.session->unread; i++) fixture_iterations(1);
    assert_non_null(seen.session->unread);
    assert_string_equal(seen.got, "");
}

static void expect_injected_behind_many(struct sim_peer *peer)
{
    wait_closed(peer, WEIR_REASON_TLS);
    assert_string_equal(seen.got, "start.");
    assert_string_equal(seen.text, "plain text came after the last message before TLS");
    close_world();
}

static void plain_text_that_was_not_decoded_ends_the_session(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    say_behind_many(peer, "start.more.");
    expect_injected_behind_many(peer);
}

/* FIN comes while the command waits. */
static void a_fin_that_was_not_handled_ends_the_session(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    say_behind_many(peer, "start.");
    inbound_on_peer_done(seen.session);
    expect_injected_behind_many(peer);
}

static void a_partial_message_ends_the_session(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    say(peer, "half");
    weir_session_start_timer(seen.session, 10);
    fixture_run_ms(50);
    expect(peer, "", "", "");
    expect_end(peer, WEIR_REASON_TLS);
    close_world();
}

static void plain_text_instead_of_the_handshake_fails(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.before = "go", seen.after = "secret";
    say(peer, "start.");
    say(peer, "xyz.");
    expect(peer, "go.", "", "");
    expect_end(peer, WEIR_REASON_TLS);
    assert_string_equal(seen.text, "the first record is not h");
    assert_int_equal(fixture_stats().opening_failed_tls, 1);
    close_world();
}

/* ---- ends before it is open ---- */

static void the_deadline_runs_from_the_start(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    fixture_run_ms(5000);
    assert_int_equal(seen.closed, 0);
    say(peer, "start.");
    fixture_run_ms(900);
    assert_int_equal(seen.closed, 0);
    wait_closed(peer, WEIR_REASON_OPENING);
    close_world();
}

static void what_waits_is_discarded_by_a_finish(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.before = "go", seen.after = "secret", seen.finishes = true;
    say(peer, "start.");
    expect(peer, "go.", "", "");
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
    peer = open_world();
    seen.after = "secret", seen.finishes = true; /* nothing precedes what waits */
    say(peer, "start.");
    expect(peer, "", "", "");
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
}

/* FIN follows the handshake, and what waits for it. */
static void an_end_of_output_waits_for_the_filter(void **state)
{
    (void)state;
    for (int sends = 0; sends < 2; sends++) {
        struct sim_peer *peer = open_world();
        seen.after = sends ? "secret" : NULL, seen.ends_output = true;
        say(peer, "start.");
        fixture_run_ms(100);
        expect(peer, "", "", "");
        assert_false(sim_peer_saw_end(peer));
        say_record(peer, 'h', "");
        expect(peer, "", sends ? "Hde" : "He", sends ? "secret." : "");
        assert_true(sim_peer_saw_end(peer));
        say_record(peer, 'd', "x.");
        assert_string_equal(seen.got, "start.x.");
        say_record(peer, 'e', "");
        expect_end(peer, WEIR_REASON_PEER_DONE);
        close_world();
    }
}

static void a_peer_that_leaves(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.after = "secret";
    say(peer, "start.");
    expect_end(peer, WEIR_REASON_TLS); /* by FIN */
    assert_string_equal(seen.text, "the peer closed the connection before it was open");
    assert_int_equal(fixture_stats().health_checks, 0);
    close_world();
    peer = open_world();
    seen.after = "secret";
    say(peer, "start.");
    sim_peer_close(peer);
    close_world();
    assert_int_equal(seen.closed, 1);
}

static void a_stop_while_it_opens(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.before = "go", seen.after = "secret";
    say(peer, "start.");
    close_world();
    assert_int_equal(seen.closed, 1);
    (void)peer;
}

/* ---- queues ---- */

/* Reading goes on although the queue is full: only the handshake can empty it. */
static void a_full_queue_does_not_stop_the_handshake(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    seen.fills = true;
    say(peer, "start.");
    say_record(peer, 'h', "");
    assert_int_equal(fixture_stats().opening, 0);
    for (int i = 0; i < 100; i++) {
        uint8_t got[4096];
        sim_peer_receive(peer, got, sizeof got);
        fixture_run_ms(5);
    }
    assert_int_equal(weir_session_queued_bytes(seen.session), 0);
    say_record(peer, 'd', "x.");
    expect(peer, "", "d", "x.");
    sim_peer_close(peer);
    close_world();
}

/* The same if plain text had paused reading before. */
static void a_queue_that_was_full_before(void **state)
{
    static const char text[4000];

    (void)state;
    struct sim_peer *peer = open_world_of(1000);
    while (weir_session_send(seen.session, text, sizeof text) == WEIR_OK) continue;
    fixture_run_ms(5);
    weir_session_pause(seen.session);
    weir_session_resume(seen.session); /* looks at the queue */
    assert_true(seen.session->queue_paused);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_OK);
    assert_false(seen.session->queue_paused);
    say_record(peer, 'h', "");
    assert_int_equal(fixture_stats().opening, 0);
    sim_peer_close(peer);
    close_world();
}

static void bytes_of_the_program_are_not_written(void **state)
{
    static const char fixed[16384 + 100] = "fixed"; /* two pieces */
    static char got[sizeof fixed + 1];
    uint32_t length = 0;

    (void)state;
    codec = NULL; /* it adds no trailer */
    struct sim_peer *peer = open_world();
    codec = &codec_dot;
    assert_int_equal(weir_session_send_static(seen.session, fixed, sizeof fixed, NULL, NULL),
                     WEIR_OK);
    assert_ptr_equal(seen.session->queue.last->bytes, fixed + 16384);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_OK);
    for (int i = 0; i < 1000 && length < sizeof fixed; i++) {
        fixture_run_ms(5);
        length += sim_peer_receive(peer, got + length, (uint32_t)sizeof got - length);
    }
    assert_int_equal(length, sizeof fixed);
    assert_memory_equal(got, fixed, sizeof fixed);
    say_record(peer, 'h', "");
    expect(peer, "", "H", "");
    sim_peer_close(peer);
    close_world();
}

/* Lets a broadcast wait behind bytes that the peer does not read. */
static struct sim_peer *open_with_a_broadcast(void)
{
    static const char much[300];
    struct sim_peer *peer = open_world_of(100);

    assert_int_equal(weir_session_join(seen.session, "group"), WEIR_OK);
    assert_int_equal(weir_session_send(seen.session, much, sizeof much), WEIR_OK);
    fixture_run_ms(5);
    assert_int_equal(weir_session_broadcast(seen.session, "group", "all", 3, 0), WEIR_OK);
    fixture_run_ms(5);
    assert_int_equal(seen.session->queue.shares_count, 1);
    return peer;
}

/* Reads the bytes that the broadcast waits behind. */
static void read_much(struct sim_peer *peer)
{
    uint8_t got[301];
    uint32_t length = 0;

    for (int i = 0; i < 1000 && length < sizeof got; i++) {
        length += sim_peer_receive(peer, got, sizeof got - length);
        fixture_run_ms(5);
    }
    assert_int_equal(length, sizeof got);
}

static void broadcasts_before_it_leave_in_plain_text(void **state)
{
    (void)state;
    struct sim_peer *peer = open_with_a_broadcast();
    start(seen.session);
    assert_int_equal(seen.code, WEIR_OK);
    assert_int_equal(weir_session_broadcast(seen.session, "group", "later", 5, 0), WEIR_OK);
    read_much(peer);
    expect(peer, "all.", "", "");
    say_record(peer, 'h', "");
    expect(peer, "", "Hd", "later.");
    sim_peer_close(peer);
    close_world();
}

static void broadcasts_longer_than_a_buffer(void **state)
{
    static char text[20000], got[4096];

    (void)state;
    struct sim_peer *peer = open_with_a_broadcast();
    memset(text, 'b', sizeof text);
    for (int i = 0; i < 2; i++)
        assert_int_equal(weir_session_broadcast(seen.session, "group", text, sizeof text, 0),
                         WEIR_OK);
    fixture_run_ms(5);
    assert_int_equal(seen.session->queue.shares_count, 3);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_OK);
    say_record(peer, 'h', "");
    read_much(peer);
    uint32_t count = 0, others = 0;
    for (int i = 0; i < 2000; i++) {
        uint32_t length = sim_peer_receive(peer, got, sizeof got);
        for (uint32_t j = 0; j < length; j++) {
            count += got[j] == 'b';
            others += got[j] != 'b';
        }
        fixture_run_ms(5);
    }
    assert_int_equal(count, 2 * sizeof text);
    assert_int_equal(others, 9); /* "all.", a dot each, and the record that opens the filter */
    sim_peer_close(peer);
    close_world();
}

/* A finish discards a broadcast that waits for the filter, and counts it. */
static void broadcasts_behind_it_are_discarded(void **state)
{
    (void)state;
    struct sim_peer *peer = open_with_a_broadcast();
    start(seen.session);
    assert_int_equal(weir_session_broadcast(seen.session, "group", "later", 5, 0), WEIR_OK);
    fixture_run_ms(5);
    weir_session_finish(seen.session);
    read_much(peer);
    expect(peer, "all.", "", "");
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
}

static void broadcasts_without_a_buffer(void **state)
{
    (void)state;
    struct sim_peer *peer = open_with_a_broadcast();
    fixture_take_buffers();
    start(seen.session);
    assert_int_equal(seen.code, WEIR_NO_BUFFERS);
    fixture_give_back_buffers();
    read_much(peer);
    expect(peer, "all.", "", "");
    sim_peer_close(peer);
    close_world();
}

/* ---- when it cannot start ---- */

static void it_cannot_start_twice(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    say(peer, "start.");
    start(seen.session);
    assert_int_equal(seen.code, WEIR_INVALID);
    say_record(peer, 'h', "");
    start(seen.session);
    assert_int_equal(seen.code, WEIR_INVALID);
    sim_peer_close(peer);
    close_world();
}

static void it_cannot_start_in_a_session_that_ends(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    weir_session_hold(seen.session);
    sim_peer_finish(peer);
    fixture_run_ms(5);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_CANCELLED);
    weir_session_release(seen.session);
    fixture_run_ms(5);
    sim_peer_close(peer);
    close_world();
    peer = open_world();
    weir_session_finish(seen.session);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_CANCELLED);
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
}

static void it_cannot_start_after_the_end_of_output(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    weir_session_end_output(seen.session);
    start(seen.session); /* FIN is not sent yet */
    assert_int_equal(seen.code, WEIR_CANCELLED);
    fixture_run_ms(5);
    start(seen.session);
    assert_int_equal(seen.code, WEIR_CANCELLED);
    say(peer, "x.");
    assert_string_equal(seen.got, "x.");
    expect(peer, "", "", "");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

/* Makes one message, of the end of the stream. */
static enum weir_decoded decode_end(const struct weir_codec *of, void *codec_state,
                                    struct weir_input *input, struct weir_message *message,
                                    struct weir_decode_error *error)
{
    static const uint8_t text[] = "start";

    (void)of;
    (void)codec_state;
    (void)error;
    input->bytes += input->length;
    input->length = 0;
    if (!input->ended) return WEIR_DECODED_MORE;
    *message = (struct weir_message){text, 5, text, 5, 0};
    return WEIR_DECODED_MESSAGE;
}

static void it_cannot_start_in_the_message_that_fin_completes(void **state)
{
    static const struct weir_codec codec_end = {.size = sizeof codec_end,
                                                .name = "end",
                                                .summary = "",
                                                .streams = true,
                                                .decode = decode_end};

    (void)state;
    codec = &codec_end;
    struct sim_peer *peer = open_world();
    codec = &codec_dot;
    say(peer, "star");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    assert_string_equal(seen.got, "start.");
    assert_int_equal(seen.code, WEIR_CANCELLED);
    close_world();
}

static void it_needs_memory(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world();
    for (uint64_t i = 1; seen.code != WEIR_OK || i == 1; i++) {
        memory_fail_nth(i, 0);
        start(seen.session);
        memory_fail_nth(0, 0);
        assert_true(seen.code == WEIR_OK || seen.code == WEIR_NO_MEMORY);
    }
    say_record(peer, 'h', "");
    expect(peer, "", "H", "");
    sim_peer_close(peer);
    close_world();
}

/* A filter that has named the client passes everything, and another one can start behind it. */
static void it_starts_behind_a_filter_that_is_done(void **state)
{
    (void)state;
    test_chain_set(&test_filter_line, NULL, NULL);
    struct sim_peer *peer = open_world();
    seen.after = "secret";
    say(peer, "GO\nstart.");
    assert_int_equal(seen.code, WEIR_OK);
    say_record(peer, 'h', "");
    expect(peer, "OK\n", "Hd", "secret.");
    say_record(peer, 'e', "");
    expect(peer, "", "e", "");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_wait_for_the_filter),
        cmocka_unit_test(data_behind_the_handshake_is_used),
        cmocka_unit_test(what_was_sent_back_leaves_before_it),
        cmocka_unit_test(a_timer_can_start_it),
        cmocka_unit_test(plain_text_behind_the_command_ends_the_session),
        cmocka_unit_test(plain_text_that_waits_ends_the_session),
        cmocka_unit_test(plain_text_that_was_not_decoded_ends_the_session),
        cmocka_unit_test(a_fin_that_was_not_handled_ends_the_session),
        cmocka_unit_test(broadcasts_longer_than_a_buffer),
        cmocka_unit_test(a_partial_message_ends_the_session),
        cmocka_unit_test(plain_text_instead_of_the_handshake_fails),
        cmocka_unit_test(the_deadline_runs_from_the_start),
        cmocka_unit_test(what_waits_is_discarded_by_a_finish),
        cmocka_unit_test(an_end_of_output_waits_for_the_filter),
        cmocka_unit_test(a_peer_that_leaves),
        cmocka_unit_test(a_stop_while_it_opens),
        cmocka_unit_test(a_full_queue_does_not_stop_the_handshake),
        cmocka_unit_test(a_queue_that_was_full_before),
        cmocka_unit_test(bytes_of_the_program_are_not_written),
        cmocka_unit_test(broadcasts_before_it_leave_in_plain_text),
        cmocka_unit_test(broadcasts_behind_it_are_discarded),
        cmocka_unit_test(broadcasts_without_a_buffer),
        cmocka_unit_test(it_cannot_start_twice),
        cmocka_unit_test(it_cannot_start_in_a_session_that_ends),
        cmocka_unit_test(it_cannot_start_after_the_end_of_output),
        cmocka_unit_test(it_cannot_start_in_the_message_that_fin_completes),
        cmocka_unit_test(it_needs_memory),
        cmocka_unit_test(it_starts_behind_a_filter_that_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
