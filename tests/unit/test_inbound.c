/* SPDX-License-Identifier: MIT */
/* test_inbound.c - the current message: what a handler may do with it while frames before
 * it wait to go back as one run, also when buffers and memory are spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "check.h"
#include "fixture.h"
#include "memory_faults.h"
#include "require.h"
#include "thread.h"

#define S 1000u /* in milliseconds */

/* ---- a handler that does what each message says, character by character ---- */

static struct done {
    char codes[64]; /* of each send: 'o' for WEIR_OK, 'c' cancelled, 'b' no buffers */
    enum weir_reason reason;
    uint32_t closed_count;
} done;

static struct weir_frame *lines;

static void note(enum weir_code code)
{
    size_t used = strlen(done.codes);

    require(used + 1 < sizeof done.codes);
    done.codes[used] = code == WEIR_OK           ? 'o'
                       : code == WEIR_CANCELLED  ? 'c'
                       : code == WEIR_NO_BUFFERS ? 'b'
                                                 : '?';
}

static void act(struct weir_session *session, const struct weir_message *message, char choice)
{
    switch (choice) {
    case 'b': note(weir_session_send_back(session, message)); break;
    case 's': note(weir_session_send(session, "sent", 4)); break;
    case 'w': weir_session_finish(session); break;
    case 'x': weir_session_abort(session); break;
    case 'f': weir_session_fail(session, "so it says"); break;
    case 'p': weir_session_pause(session); break;
    case 'j': weir_session_join(session, "room"); break;
    case 'r': weir_session_broadcast(session, "room", "said", 4, 0); break;
    case 'T': fixture_take_buffers(); break;
    case 'G': fixture_give_back_buffers(); break;
    case 'M': memory_fail_nth(1, 1); break;
    case 'm': memory_fail_nth(2, 1); break; /* after the payload of a broadcast */
    default: break;
    }
}

static void act_all(struct weir_session *session, const struct weir_message *message)
{
    char commands[16] = "";

    memcpy(commands, message->bytes, message->length < 15 ? message->length : 15);
    for (const char *at = commands; *at; at++) act(session, message, *at);
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)text;
    weir_session_fail(session, "late"); /* all of these come to nothing */
    weir_session_finish(session);
    weir_session_abort(session);
    weir_session_stop_timer(session);
    done.reason = reason;
    done.closed_count++;
}

static const struct weir_handler handler_act = {.size = sizeof(struct weir_handler),
                                                .name = "act",
                                                .summary = "",
                                                .on_message = act_all,
                                                .on_close = note_close};

/* What the lines, which come in one piece, make the handler do. */
static struct sim_peer *act_on(const char *text)
{
    struct weir_config config = fixture_config();

    config.linger_timeout_ms = 1 * S;
    memset(&done, 0, sizeof done);
    require(weir_frame_open("line", &lines, NULL) == WEIR_OK);
    fixture_stream_buffers_max = 64;
    fixture_open(&config, weir_frame_codec(lines), &handler_act, 1);
    fixture.loop.worker.thread = thread_self();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, 1);
    buffer->length = (uint32_t)strlen(text);
    memcpy(buffer->bytes, text, buffer->length);
    inbound_on_received(fixture_only_session(),
                        buffer); /* in one piece, whatever the network does */
    memory_fail_nth(0, 0);
    return peer;
}

static void finish_acting(struct sim_peer *peer)
{
    fixture_give_back_buffers();
    sim_peer_close(peer);
    fixture_close();
    require_equal(done.closed_count, 1);
    weir_frame_free(lines);
    fixture_stream_buffers_max = 1024;
}

/* The codes, what comes, and the reason, after the lines. */
static void expect_of(const char *text, const char *codes, const char *heard,
                      enum weir_reason reason)
{
    struct sim_peer *peer = act_on(text);

    fixture_run_ms(20);
    fixture_give_back_buffers();
    fixture_run_ms(100);
    fixture_expect(peer, heard);
    fixture_run_ms(2 * S);
    assert_string_equal(done.codes, codes);
    assert_int_equal(done.reason, reason);
    finish_acting(peer);
}

static void runs_go_back_in_their_order(void **state)
{
    (void)state;
    expect_of("b\nb\nb\n", "ooo", "b\nb\nb\n", WEIR_REASON_NONE);
    expect_of("b\nn\nb\n", "oo", "b\nb\n", WEIR_REASON_NONE);
    expect_of("b\ns\nb\n", "ooo", "b\nsent\nb\n", WEIR_REASON_NONE);
    expect_of("s\ns\nsb\n", "oooo", "sent\nsent\nsent\nsb\n", WEIR_REASON_NONE);
}

static void an_end_lets_go_what_was_promised(void **state)
{
    (void)state;
    expect_of("b\nb\nw\nb\n", "oo", "b\nb\n", WEIR_REASON_APPLICATION);
    expect_of("b\nf\nb\n", "o", "b\n", WEIR_REASON_PROTOCOL);
    expect_of("b\nbx\n", "oo", "", WEIR_REASON_APPLICATION);
    expect_of("wb\n", "c", "", WEIR_REASON_APPLICATION);
    expect_of("wsww\n", "c", "", WEIR_REASON_APPLICATION);
}

static void without_buffers_promises_become_shares(void **state)
{
    (void)state;
    expect_of("Ts\n", "b", "", WEIR_REASON_NONE);
    /* A small message that follows a share needs no buffer. */
    expect_of("b\nTs\n", "oo", "b\nsent\n", WEIR_REASON_NONE);
    expect_of("b\nn\nTb\nsb\n", "oooo", "b\nTb\nsent\nsb\n", WEIR_REASON_NONE);
    expect_of("b\nTw\n", "o", "b\n", WEIR_REASON_APPLICATION);
}

/* Nothing at all is left to keep a promise with: then the session ends, and says so. */
static void without_memory_either_the_session_ends(void **state)
{
    (void)state;
    expect_of("b\nTMs\n", "oc", "", WEIR_REASON_EXHAUSTED);
    expect_of("b\nTms\n", "oc", "", WEIR_REASON_EXHAUSTED); /* the share of what was sent back */
    expect_of("b\nTMw\n", "o", "", WEIR_REASON_EXHAUSTED);
    expect_of("b\nTMf\n", "o", "", WEIR_REASON_EXHAUSTED);
    expect_of("b\nn\nTMb\n", "oc", "", WEIR_REASON_EXHAUSTED); /* it used to end the process */
    expect_of("TMw\n", "", "", WEIR_REASON_APPLICATION);
    expect_of("b\nTMp\nb\n", "o", "", WEIR_REASON_EXHAUSTED); /* the pause keeps the last line */
}

/* The frame that was sent back must precede the broadcast, and cannot be kept. */
static void without_memory_a_broadcast_to_the_own_group_ends_the_session(void **state)
{
    (void)state;
    expect_of("j\nb\nr\n", "o", "b\nsaid\n", WEIR_REASON_NONE);
    struct sim_peer *peer = act_on("j\nr\nb\nTmr\n"); /* the first one has what a speaker needs */
    fixture_run_ms(50);
    assert_int_equal(done.reason, WEIR_REASON_EXHAUSTED);
    assert_int_equal(fixture_stats().sends_no_memory, 0);
    finish_acting(peer);
}

static void the_second_allocation_may_fail_too(void **state)
{
    (void)state;
    struct sim_peer *peer = act_on("b\nn\n");
    fixture_run_ms(20);
    fixture_take_buffers();
    for (uint64_t nth = 1; nth <= 2; nth++) { /* the payload, and its share */
        struct weir_session *session = fixture_only_session();
        if (nth == 2) memory_fail_nth(2, 0);
        if (nth == 1) {
            session_send_or_close(session, (const uint8_t *)"kept\n", 5);
            continue;
        }
        session_send_or_close(session, (const uint8_t *)"lost\n", 5);
        memory_fail_nth(0, 0);
    }
    fixture_run_ms(50);
    assert_int_equal(done.reason, WEIR_REASON_EXHAUSTED);
    finish_acting(peer);
}

static void starved_sessions_go_on_when_buffers_are_back(void **state)
{
    struct sim_peer *peer = act_on("b\nTw\n");

    (void)state;
    fixture_take_buffers(); /* the received one, too */
    fixture_run_ms(500);
    fixture_expect(peer, "");
    assert_false(list_is_empty(&fixture.loop.worker.waiting_for_buffers));
    fixture_give_back_buffers();
    fixture_run_ms(50);
    fixture_expect(peer, "b\n");
    assert_true(list_is_empty(&fixture.loop.worker.waiting_for_buffers));
    finish_acting(peer);
}

static void a_starved_session_may_break(void **state)
{
    struct sim_peer *peer = act_on("b\nTw\n");

    (void)state;
    fixture_take_buffers();
    fixture_run_ms(50);
    assert_false(list_is_empty(&fixture.loop.worker.waiting_for_buffers));
    sim_peer_reset(peer);
    fixture_run_ms(50);
    assert_int_equal(done.closed_count, 1);
    finish_acting(peer);
}

/* ---- odd codecs ---- */

/* All that came, as one message at its end; a dash in front of it takes its frame away. */
static enum weir_decoded whole_decode(const struct weir_codec *codec, void *state,
                                      struct weir_input *input, struct weir_message *message,
                                      struct weir_decode_error *decode_error)
{
    struct {
        uint32_t length;
        uint8_t bytes[60];
    } *reassembled = state;

    (void)codec;
    (void)decode_error;
    while (input->length > 0) {
        reassembled->bytes[reassembled->length++] = *input->bytes++;
        input->length--;
    }
    if (!input->ended || reassembled->length == 0) return WEIR_DECODED_MORE;
    bool has_frame = reassembled->bytes[0] != '-';
    *message = (struct weir_message){reassembled->bytes, reassembled->length, reassembled->bytes,
                                     has_frame ? reassembled->length : 0, 0};
    return WEIR_DECODED_MESSAGE;
}

static uint32_t released_count;

static void whole_release(const struct weir_codec *codec, void *state)
{
    (void)codec;
    (void)state;
    released_count++;
}

static const struct weir_codec codec_whole = {.size = sizeof(struct weir_codec),
                                              .name = "whole",
                                              .summary = "",
                                              .streams = true,
                                              .state_bytes = 64,
                                              .decode = whole_decode,
                                              .release = whole_release};

static void what_ends_with_the_stream_is_a_message(void **state)
{
    static const char *const answers[][2] = {
        {"b", "b"}, {"-b", ""}, {"n", ""}, {"x", ""}, {"w", ""}};
    struct weir_config config = fixture_config();

    (void)state;
    for (size_t i = 0; i < weir_count_of(answers); i++) {
        memset(&done, 0, sizeof done);
        released_count = 0;
        fixture_open(&config, &codec_whole, &handler_act, i + 1);
        struct sim_peer *peer = fixture_connect();
        fixture_say(peer, answers[i][0]);
        fixture_run_ms(50);
        sim_peer_finish(peer);
        fixture_run_ms(100);
        fixture_expect(peer, answers[i][1]);
        assert_int_equal(fixture_stats().messages_in, 1);
        assert_int_equal(done.closed_count, 1);
        assert_int_equal(released_count, 1);
        sim_peer_close(peer);
        fixture_close();
    }
}

static void an_end_without_a_word_is_no_message(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, &codec_whole, &handler_act, 7);
    struct sim_peer *peer = fixture_connect();
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().messages_in, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- rates ---- */

static void a_worker_without_listener_still_counts(void **state)
{
    static const struct weir_handler handler_deaf = {
        .size = sizeof(struct weir_handler), .name = "deaf", .summary = ""};
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 2;
    config.receive_rate_max_bytes = 1000;
    require(weir_frame_open("line", &lines, NULL) == WEIR_OK);
    fixture_open(&config, weir_frame_codec(lines), &handler_deaf, 8);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "1\n2\n3\n4\n");
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().messages_in, 4);
    assert_int_equal(fixture_stats().pauses_rate, 1);
    fixture_run_ms(5 * S);
    assert_false(fixture_only_session()->rate_paused);
    sim_peer_close(peer);
    fixture_close();
    weir_frame_free(lines);
}

/* A batch may hold more of a connection that was just paused; it counts as one pause. */
/* The buffers that arrived before reading was off are not decoded during the pause either. */
static void a_rate_pause_also_stops_what_has_arrived(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.receive_rate_max_bytes = 3;
    fixture_open(&config, NULL, &handler_echo, 9);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    for (int i = 0; i < 3; i++) {
        struct net_buffer *buffer = net_take(fixture.loop.worker.net, 1);
        buffer->length = 4;
        memcpy(buffer->bytes, "more", 4);
        inbound_on_received(fixture_only_session(), buffer);
    }
    fixture_iterations(50);
    fixture_expect(peer, "more");
    assert_int_equal(fixture_stats().pauses_rate, 1);
    fixture_run_ms(10 * S);
    fixture_expect(peer, "moremore");
    assert_int_equal(fixture_stats().pauses_rate, 3);
    assert_false(fixture_only_session()->rate_paused);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_go_back_in_their_order),
        cmocka_unit_test(an_end_lets_go_what_was_promised),
        cmocka_unit_test(without_buffers_promises_become_shares),
        cmocka_unit_test(without_memory_either_the_session_ends),
        cmocka_unit_test(without_memory_a_broadcast_to_the_own_group_ends_the_session),
        cmocka_unit_test(the_second_allocation_may_fail_too),
        cmocka_unit_test(starved_sessions_go_on_when_buffers_are_back),
        cmocka_unit_test(a_starved_session_may_break),
        cmocka_unit_test(what_ends_with_the_stream_is_a_message),
        cmocka_unit_test(an_end_without_a_word_is_no_message),
        cmocka_unit_test(a_worker_without_listener_still_counts),
        cmocka_unit_test(a_rate_pause_also_stops_what_has_arrived),
    };

    return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
