/* SPDX-License-Identifier: MIT */
/* test_filters.c - sessions whose filters open, transform, fail and end (test_filters.h): the
 * deadline, admission of the client that a proxy names, scarcity, and every end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "filters.h"
#include "filters_in.h"
#include "fixture.h"
#include "memory_faults.h"
#include "test_filters.h"

static struct {
    uint32_t opened, closed, messages, peer_done, drained, posted;
    enum weir_reason reason;
    char text[256], peer[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_session *posted_session;
    bool greets, pauses, finishes, ends_output, aborts_on_open, holds, is_silent, takes_buffers;
} seen;

static void on_open(struct weir_session *session)
{
    struct weir_address peer;

    seen.opened++;
    weir_address_text(weir_session_peer(session, &peer), seen.peer, sizeof seen.peer);
    if (seen.greets) assert_int_equal(weir_session_send(session, "hi", 2), WEIR_OK);
    if (seen.aborts_on_open) weir_session_abort(session);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    seen.messages++;
    if (seen.takes_buffers) fixture_take_buffers();
    if (seen.holds) weir_session_hold(session);
    if (!seen.is_silent) weir_session_send_back(session, message);
    if (seen.pauses) weir_session_pause(session);
    if (seen.finishes) weir_session_finish(session);
    if (seen.ends_output) weir_session_end_output(session);
}

static void on_peer_done(struct weir_session *session)
{
    (void)session;
    seen.peer_done++;
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    seen.closed++;
    seen.reason = reason;
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .on_open = on_open,
    .on_message = on_message,
    .on_peer_done = on_peer_done,
    .on_close = on_close,
};

/* ---- worlds ---- */

static struct weir_config config_of_test(void)
{
    struct weir_config config = fixture_config();

    config.opening_timeout_ms = 1000;
    config.linger_timeout_ms = 500;
    return config;
}

static void open_with(const struct weir_config *config, const struct weir_codec *codec,
                      struct filter *first, struct filter *second)
{
    memset(&seen, 0, sizeof seen);
    test_filters_reset();
    test_chain_set(first, second, NULL);
    fixture_open(config, codec, &handler, 1);
}

static void open_world(struct filter *first, struct filter *second)
{
    const struct weir_config config = config_of_test();

    open_with(&config, &codec_dot, first, second);
}

static void close_world(void)
{
    fixture_close();
    assert_int_equal(test_filters.xor_states, 0);
    assert_int_equal(seen.opened, seen.closed);
    test_chain_set(NULL, NULL, NULL);
}

/* Lets everything happen. What a test asks for outside of callbacks leaves at the end of an
 * iteration. */
static void settle(void)
{
    fixture_run_ms(1);
    fixture_run_ms(20);
}

/* Connects without opening the filters. */
static struct sim_peer *connect_raw(void)
{
    struct sim_peer *peer = fixture_connect();

    settle();
    return peer;
}

/* Sends bytes as they are. */
static void say_raw(struct sim_peer *peer, const char *text)
{
    assert_int_equal(sim_peer_send(peer, text, (uint32_t)strlen(text)), strlen(text));
    settle();
}

/* Receives bytes as they are. */
static void expect_raw(struct sim_peer *peer, const char *text)
{
    char got[512];

    got[sim_peer_receive(peer, got, sizeof got - 1)] = '\0';
    assert_string_equal(got, text);
}

static struct sim_peer *connect_open(void)
{
    struct sim_peer *peer = connect_raw();

    filtered_open(peer);
    settle();
    assert_int_equal(seen.opened, 1);
    return peer;
}

static void expect_end(struct sim_peer *peer, enum weir_reason reason)
{
    for (int i = 0; i < 1000 && fixture_stats().closed == 0; i++) settle();
    assert_int_equal(fixture_closed(reason), 1);
    if (peer) filtered_close(peer);
}

/* ---- opening ---- */

static void a_filter_opens_before_the_handler_knows(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    seen.greets = true;
    struct sim_peer *peer = connect_raw();
    assert_int_equal(seen.opened, 0);
    assert_int_equal(fixture_stats().opening, 1);
    assert_int_equal(fixture_stats().open, 1);
    say_raw(peer, "G");
    assert_int_equal(seen.opened, 0);
    say_raw(peer, "O\none.t");
    assert_int_equal(seen.opened, 1);
    assert_int_equal(fixture_stats().opening, 0);
    say_raw(peer, "wo.");
    expect_raw(peer, "OK\nhi.one.two.");
    sim_peer_finish(peer);
    settle();
    assert_int_equal(seen.peer_done, 1);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

static void every_chain_carries_messages_in_any_pieces(void **state)
{
    static struct filter *const chains[][3] = {
        {&test_filter_line, NULL, NULL},
        {&test_filter_xor, NULL, NULL},
        {&test_filter_up, NULL, NULL},
        {&test_filter_line, &test_filter_xor, NULL},
        {&test_filter_xor, &test_filter_up, NULL},
        {&test_filter_line, &test_filter_xor, &test_filter_up},
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        open_world(NULL, NULL);
        close_world();
        const struct weir_config config = config_of_test();
        memset(&seen, 0, sizeof seen);
        test_filters_reset();
        test_chain_set(chains[i][0], chains[i][1], chains[i][2]);
        fixture_open(&config, &codec_dot, &handler, i);
        seen.greets = true;
        struct sim_peer *peer = connect_raw();
        for (int n = 0; n < 200; n++) {
            fixture_say(peer, n % 7 == 6 ? "." : "x");
            if (n % 3 == 0) fixture_run_ms(2);
        }
        settle();
        char got[512] = "";
        uint32_t length = filtered_receive(peer, got, sizeof got - 1);
        assert_int_equal(length, 3 + 200 - 200 % 7);
        assert_memory_equal(got, "hi.xxxxxx.xxxxxx.", 17);
        filtered_finish(peer);
        settle();
        assert_int_equal(seen.messages, 200 / 7);
        filtered_close(peer);
        settle();
        close_world();
    }
}

static void silence_and_dribble_reach_the_deadline(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *silent = connect_raw(), *slow = connect_raw();
    for (int i = 0; i < 9; i++) {
        say_raw(slow, "x");
        fixture_run_ms(80);
    }
    assert_int_equal(fixture_stats().open, 2);
    fixture_run_ms(200);
    assert_int_equal(fixture_closed(WEIR_REASON_OPENING), 2);
    assert_int_equal(fixture_stats().opening_failed_proxy, 2);
    assert_true(sim_peer_saw_end(silent));
    sim_peer_close(silent);
    sim_peer_close(slow);
    assert_int_equal(seen.opened, 0);
    close_world();
}

static void the_first_byte_is_awaited_after_the_opening(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    config.first_byte_timeout_ms = 300;
    open_with(&config, &codec_dot, &test_filter_xor, NULL);
    struct sim_peer *peer = connect_raw();
    fixture_run_ms(600);
    filtered_open(peer);
    fixture_run_ms(200);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.closed, 0);
    expect_end(NULL, WEIR_REASON_FIRST_BYTE);
    assert_true(filtered_saw_goodbye(peer)); /* nothing was queued */
    filtered_close(peer);
    close_world();
}

static void a_malformed_opening_is_answered(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "GARBAGE\n");
    expect_raw(peer, "NO\n");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    expect_end(peer, WEIR_REASON_PROXY);
    assert_int_equal(fixture_stats().opening_failed_proxy, 1);
    close_world();
    open_world(&test_filter_xor, NULL);
    peer = connect_raw();
    say_raw(peer, "GET / HTTP/1.1\r\n\r\n");
    expect_end(peer, WEIR_REASON_TLS);
    assert_int_equal(fixture_stats().opening_failed_tls, 1);
    close_world();
    open_world(&test_filter_up, NULL);
    peer = connect_raw();
    say_raw(peer, "FAIL\n");
    expect_raw(peer, "");
    expect_end(peer, WEIR_REASON_UPGRADE);
    assert_int_equal(fixture_stats().opening_failed_websocket, 1);
    assert_int_equal(test_filters.goodbyes, 0);
    close_world();
}

static void a_filter_above_fails_and_the_one_below_says_goodbye(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up);
    struct sim_peer *peer = connect_raw();
    const uint8_t bad[] = {'h', 0, 0, 'd', 4, 0, 'B' ^ 0x5a, 'A' ^ 0x5a, 'D' ^ 0x5a, '\n' ^ 0x5a};
    const uint8_t answer[] = {'H', 0, 0, 'd', 3, 0, 'N' ^ 0x5a, 'O' ^ 0x5a, '\n' ^ 0x5a, 'e', 0, 0};
    uint8_t got[32];
    assert_int_equal(sim_peer_send(peer, bad, sizeof bad), sizeof bad);
    settle();
    assert_int_equal(sim_peer_receive(peer, got, sizeof got), sizeof answer);
    assert_memory_equal(got, answer, sizeof answer);
    assert_true(sim_peer_saw_end(peer));
    sim_peer_close(peer);
    close_world();
}

static void too_much_input_before_the_opening_is_over(void **state)
{
    char much[1000];

    (void)state;
    memset(much, 'x', sizeof much);
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    for (int i = 0; i < 66; i++) {
        sim_peer_send(peer, much, sizeof much);
        fixture_run_ms(2);
    }
    expect_end(peer, WEIR_REASON_PROXY);
    close_world();
}

static void an_opening_ends_with_its_peer(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw(); /* a check */
    sim_peer_finish(peer);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    assert_int_equal(fixture_stats().health_checks, 1);
    peer = connect_raw(); /* another way of checking */
    sim_peer_reset(peer);
    sim_peer_close(peer);
    settle();
    assert_int_equal(fixture_stats().health_checks, 2);
    peer = connect_raw();
    say_raw(peer, "WAIT\n");
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_stats().health_checks, 3);
    sim_peer_close(peer);
    peer = connect_raw();
    say_raw(peer, "GO");
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_stats().health_checks, 3);
    assert_int_equal(fixture_closed(WEIR_REASON_PROXY), 1);
    sim_peer_close(peer);
    peer = connect_raw();
    say_raw(peer, "GO");
    sim_peer_reset(peer);
    sim_peer_close(peer);
    settle();
    assert_int_equal(fixture_stats().opening_failed_proxy, 2);
    peer = connect_raw();
    say_raw(peer, "END\n");
    sim_peer_close(peer);
    settle();
    assert_int_equal(fixture_closed(WEIR_REASON_PROXY), 2);
    close_world();
}

static void a_filter_is_called_again(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "AGAIN\nLATER\nAGAIN\nGO\none.");
    expect_raw(peer, "A\nA\nOK\none.");
    sim_peer_close(peer);
    settle();
    peer = connect_raw(); /* without input, at a time */
    say_raw(peer, "WAIT\n");
    assert_int_equal(seen.opened, 1);
    fixture_run_ms(200);
    assert_int_equal(seen.opened, 2);
    say_raw(peer, "two.");
    expect_raw(peer, "two.");
    sim_peer_close(peer);
    settle();
    peer = connect_raw(); /* a byte comes before that time */
    say_raw(peer, "WAIT\nthree.");
    expect_raw(peer, "three.");
    sim_peer_close(peer);
    settle();
    close_world();
}

static void endless_output_waits_for_its_reader(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "FLOOD\n");
    settle();
    fixture_run_ms(40);
    assert_true(fixture_stats().queued_bytes <= 160 * 1024);
    assert_int_equal(fixture_stats().pauses_queue, 1);
    expect_end(peer, WEIR_REASON_OPENING);
    close_world();
}

static void a_state_that_is_refused(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    test_filters.refuses_state = true;
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "GO\n");
    expect_end(peer, WEIR_REASON_PROXY);
    close_world();
}

static void memory_fails_at_each_point(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 12; n++) {
        open_world(&test_filter_xor, &test_filter_up);
        seen.greets = true;
        memory_fail_nth(n, 0);
        struct sim_peer *peer = fixture_connect();
        settle();
        if (sim_peer_state(peer) == SIM_CONNECTED) fixture_say(peer, "one.");
        settle();
        memory_fail_nth(0, 0);
        assert_int_equal(fixture_stats().accepted + fixture_stats().refused_failed, 1);
        filtered_close(peer);
        settle();
        close_world();
    }
}

/* ---- transforming ---- */

static void large_messages_are_sealed_in_pieces(void **state)
{
    static char large[60000], got[60000];
    uint32_t count = 0;

    (void)state;
    memset(large, 'x', sizeof large);
    open_world(&test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_send(session, large, sizeof large), WEIR_OK);
    assert_int_equal(weir_session_send(session, "small", 5), WEIR_OK);
    for (int i = 0; i < 200 && count < sizeof large; i++) {
        count += filtered_receive(peer, got + count, (uint32_t)sizeof got - count);
        fixture_run_ms(2);
    }
    assert_memory_equal(got, large, sizeof large);
    fixture_expect(peer, ".small.");
    filtered_close(peer);
    settle();
    close_world();
}

static void a_record_is_larger_than_a_plain_buffer(void **state)
{
    static uint8_t records[40000];
    uint32_t sent = 0;

    (void)state;
    open_world(&test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    records[0] = 'd';
    records[1] = 40000u & 0xff; /* of 40000 bytes: its end never comes */
    records[2] = 40000u >> 8;
    memset(records + 3, '.' ^ 0x5a, sizeof records - 3);
    for (int i = 0; i < 200 && sent < sizeof records; i++) {
        sent += sim_peer_send(peer, records + sent, (uint32_t)sizeof records - sent);
        fixture_run_ms(2);
        char got[4096];
        while (filtered_receive(peer, got, sizeof got) > 0) continue;
    }
    settle();
    assert_int_equal(seen.messages, sizeof records - 3);
    filtered_close(peer);
    settle();
    close_world();
}

static void records_are_answered_and_delayed(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    filtered_record(peer, 'l', NULL, 0);
    filtered_record(peer, 'k', NULL, 0);
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.");
    filtered_record(peer, 'b', NULL, 0);
    expect_end(peer, WEIR_REASON_TLS);
    assert_string_equal(seen.text, "a record has the type b");
    close_world();
}

static void the_end_of_the_stream_is_a_half_close(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    filtered_record(peer, 'e', NULL, 0);
    filtered_record(peer, 'd', "two.", 4); /* discarded */
    settle();
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.peer_done, 1);
    fixture_expect(peer, "one.");
    assert_true(filtered_saw_goodbye(peer));
    assert_true(sim_peer_saw_end(peer));
    filtered_record(peer, 'd', "three.", 6); /* discarded, too */
    settle();
    assert_int_equal(seen.closed, 0); /* its FIN is awaited */
    sim_peer_finish(peer);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
    open_world(&test_filter_xor, NULL); /* ... and not forever */
    peer = connect_open();
    filtered_record(peer, 'e', NULL, 0);
    fixture_run_ms(400);
    assert_int_equal(seen.closed, 0);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

static void a_fin_alone_truncates_what_is_not_delimited(void **state)
{
    const struct weir_config config = config_of_test();

    (void)state;
    open_world(&test_filter_xor, NULL); /* between two messages */
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    sim_peer_finish(peer);
    settle();
    fixture_expect(peer, "one.");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    assert_int_equal(seen.peer_done, 1);
    close_world();
    open_world(&test_filter_xor, NULL); /* inside one */
    peer = connect_open();
    fixture_say(peer, "one.tw");
    sim_peer_finish(peer);
    settle();
    fixture_expect(peer, "one.");
    expect_end(peer, WEIR_REASON_TRUNCATED);
    assert_int_equal(seen.peer_done, 0);
    close_world();
    open_with(&config, NULL, &test_filter_xor, NULL); /* bytes without messages */
    peer = connect_open();
    fixture_say(peer, "one");
    sim_peer_finish(peer);
    settle();
    fixture_expect(peer, "one");
    assert_true(filtered_saw_goodbye(peer));
    expect_end(peer, WEIR_REASON_TRUNCATED);
    close_world();
    open_with(&config, NULL, &test_filter_line, NULL); /* nothing to be truncated */
    peer = connect_open();
    fixture_say(peer, "one");
    sim_peer_finish(peer);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

static void the_end_comes_after_an_answer_is_awaited(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL);
    seen.holds = true;
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    fixture_say(peer, "one.");
    filtered_record(peer, 'e', NULL, 0);
    settle();
    assert_false(filtered_saw_goodbye(peer));
    sim_peer_finish(peer);
    settle();
    assert_int_equal(weir_session_send(session, "late", 4), WEIR_OK);
    weir_session_release(session);
    settle();
    fixture_expect(peer, "late.");
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

static void paused_input_waits_with_its_end(void **state)
{
    (void)state;
    for (int with_fin = 0; with_fin < 3; with_fin++) {
        open_world(&test_filter_xor, NULL);
        seen.pauses = true;
        struct sim_peer *peer = connect_open();
        struct weir_session *session = fixture_only_session();
        fixture_say(peer, "one.two.");
        settle();
        fixture_say(peer, "three.");
        settle();
        if (with_fin == 1) filtered_finish(peer);
        if (with_fin == 2) sim_peer_finish(peer);
        settle();
        assert_int_equal(seen.messages, 1);
        assert_true(session->receiving_off);
        for (uint32_t i = 2; i < 4; i++) {
            weir_session_resume(session);
            settle();
            assert_int_equal(seen.messages, i);
        }
        assert_int_equal(seen.peer_done, 0);
        seen.pauses = false;
        weir_session_resume(session);
        settle();
        assert_int_equal(seen.peer_done, with_fin > 0);
        fixture_expect(peer, "one.two.three.");
        filtered_close(peer);
        settle();
        close_world();
    }
}

static void input_behind_an_opening_waits_for_a_paused_handler(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    seen.pauses = true;
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "GO\none.two.");
    sim_peer_finish(peer);
    settle();
    assert_int_equal(seen.messages, 1);
    seen.pauses = false;
    weir_session_resume(fixture_only_session());
    settle();
    assert_int_equal(seen.messages, 2);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

/* Takes every buffer, also the one that is kept for what filters originate. */
static void empty_the_pool(void)
{
    struct worker *worker = &fixture.loop.worker;

    if (worker->filters->spare) net_give_back(worker->net, worker->filters->spare);
    worker->filters->spare = NULL;
    fixture_take_buffers();
}

/* Flushes now: an iteration of the loop would look at the memory, and close the session. */
static void flush(struct weir_session *session)
{
    list_remove(&session->in_pending_flush);
    session_flush(session);
    assert_true(list_has(&session->in_pending_flush));
}

static void an_empty_pool_lets_input_wait(void **state)
{
    /* "one.", a record that lets the rest wait, one that is answered, "two." */
    const uint8_t records[] = {'d', 4, 0,          'o' ^ 0x5a, 'n' ^ 0x5a, 'e' ^ 0x5a, '.' ^ 0x5a,
                               'l', 0, 0,          'k',        0,          0,          'd',
                               4,   0, 't' ^ 0x5a, 'w' ^ 0x5a, 'o' ^ 0x5a, '.' ^ 0x5a};
    struct sim_options network;

    (void)state;
    sim_options_init(&network);
    network.exact_pieces = true;
    fixture_network = &network;
    open_world(&test_filter_xor, NULL);
    fixture_network = NULL;
    seen.pauses = true;
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    assert_int_equal(sim_peer_send(peer, records, sizeof records), sizeof records);
    settle();
    assert_int_equal(seen.messages, 1);
    seen.pauses = false;
    for (int i = 0; i < 3; i++) {
        empty_the_pool();
        if (i == 1) { /* the one for plain bytes is missing */
            fixture_give_back_buffers();
            assert_true(filters_reserve(session->worker));
            fixture_take_buffers();
        }
        weir_session_resume(session);
        filters_in_continue(session);
        assert_true(session->filters->needs_buffer);
        session_update_receiving(session);
        assert_false(list_has(&session->in_readable));
        flush(session);
        flush(session); /* it waits on */
        fixture_give_back_buffers();
        if (i < 2) weir_session_pause(session);
    }
    settle();
    assert_int_equal(seen.messages, 2);
    fixture_expect(peer, "one.two.");
    filtered_close(peer);
    settle();
    close_world();
}

/* Input that waits for buffers gets them in its order, and before anything else takes them. A
 * session whose message takes all buffers leaves none for the next ones, and they wait on. */
static void input_has_a_claim_on_the_next_buffer(void **state)
{
    enum { SESSIONS = 4 };
    /* "one.", a record that lets the rest wait, "two.six." */
    const uint8_t records[] = {
        'd',        4,          0,          'o' ^ 0x5a, 'n' ^ 0x5a, 'e' ^ 0x5a, '.' ^ 0x5a,
        'l',        0,          0,          'd',        8,          0,          't' ^ 0x5a,
        'w' ^ 0x5a, 'o' ^ 0x5a, '.' ^ 0x5a, 's' ^ 0x5a, 'i' ^ 0x5a, 'x' ^ 0x5a, '.' ^ 0x5a};
    struct weir_session *sessions[SESSIONS];
    struct sim_peer *peers[SESSIONS];
    struct sim_options network;
    struct list *node;

    (void)state;
    sim_options_init(&network);
    network.exact_pieces = true;
    fixture_network = &network;
    open_world(&test_filter_xor, NULL);
    fixture_network = NULL;
    seen.pauses = seen.is_silent = true;
    for (int i = 0; i < SESSIONS; i++) {
        peers[i] = connect_raw();
        filtered_open(peers[i]);
        settle();
        assert_int_equal(sim_peer_send(peers[i], records, sizeof records), sizeof records);
        settle();
    }
    assert_int_equal(seen.messages, SESSIONS);
    node = &fixture.loop.worker.tcp_sessions;
    for (int i = 0; i < SESSIONS; i++) {
        node = node->next;
        sessions[i] = weir_container_of(node, struct weir_session, in_sessions);
    }
    account_set_streams(&fixture.loop.worker.account, 0, 0); /* nothing is closed for it */
    empty_the_pool();
    for (int i = 0; i < SESSIONS; i++) {
        weir_session_resume(sessions[i]);
        filters_in_continue(sessions[i]);
        flush(sessions[i]);
        assert_true(sessions[i]->filters->needs_buffer);
    }
    seen.takes_buffers = true;
    fixture_give_back_buffer(); /* for what the filters originate: all of them use this one */
    for (int i = 0; i < SESSIONS; i++) {
        fixture_give_back_buffer();
        if (i == SESSIONS - 1) { /* one that is paused meanwhile does not use it */
            weir_session_pause(sessions[i]);
            fixture_iterations(1);
            assert_int_equal(seen.messages, SESSIONS + i);
            weir_session_resume(sessions[i]);
            fixture_iterations(1);
        }
        fixture_iterations(1);
        assert_int_equal(seen.messages, SESSIONS + i + 1);
        for (int j = 0; j < SESSIONS; j++)
            assert_int_equal(sessions[j]->filters->needs_buffer, j > i);
    }
    seen.pauses = seen.takes_buffers = false;
    fixture_give_back_buffers();
    for (int i = 0; i < SESSIONS; i++) weir_session_resume(sessions[i]);
    settle();
    assert_int_equal(seen.messages, 3 * SESSIONS);
    for (int i = 0; i < SESSIONS; i++) filtered_close(peers[i]);
    settle();
    close_world();
}

static void an_empty_pool_lets_output_wait(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_send(session, "one", 3), WEIR_OK);
    empty_the_pool();
    flush(session);
    assert_int_equal(session->queue.flight_bytes, 0);
    fixture_give_back_buffers();
    settle();
    fixture_expect(peer, "one.");
    weir_session_finish(session);
    empty_the_pool();
    flush(session); /* the goodbye */
    assert_int_equal(test_filters.goodbyes, 0);
    fixture_give_back_buffers();
    settle();
    assert_int_equal(test_filters.goodbyes, 1);
    fixture_expect(peer, "BYE\n");
    filtered_close(peer);
    settle();
    close_world();
}

static void an_empty_pool_lets_responses_wait(void **state)
{
    (void)state;
    open_world(&test_filter_up, NULL);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    test_filters.response_text = "ping";
    empty_the_pool();
    filters_in_wake(session);
    assert_true(session->filters->needs_buffer);
    flush(session);
    fixture_give_back_buffers();
    settle();
    fixture_expect(peer, "ping");
    filtered_close(peer);
    settle();
    close_world();
}

/* As TLS inside a message of the peer that comes in two records. */
static void output_waits_for_input(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    config.send_timeout_ms = 1000;
    for (int i = 0; i < 3; i++) {
        open_with(&config, &codec_dot, &test_filter_xor, NULL);
        struct sim_peer *peer = connect_open();
        struct weir_session *session = fixture_only_session();
        filtered_record(peer, 'w', NULL, 0);
        settle();
        assert_int_equal(weir_session_send(session, "one", 3), WEIR_OK);
        settle();
        assert_int_equal(session->queue.flight_bytes, 0);
        assert_true(session->filters->seal_waits);
        assert_int_equal(weir_session_send(session, "two", 3), WEIR_OK);
        settle();
        filtered_record(peer, 'k', NULL, 0); /* the answer of the filter does not wait */
        settle();
        fixture_expect(peer, "");
        assert_int_equal(filtered_count(peer, 'k'), 1);
        if (i == 0) {
            fixture_run_ms(500);
            filtered_record(peer, 'g', NULL, 0);
            settle();
            fixture_expect(peer, "one.two.");
            assert_false(session->filters->seal_waits);
            fixture_run_ms(2000);
            filtered_close(peer);
        } else if (i == 1) {
            filtered_record(peer, 'b', NULL, 0); /* its output is discarded */
        } else {
            fixture_run_ms(3000);
            assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
        }
        settle();
        close_world();
    }
}

static void sealing_fails(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    test_filters.refuses_seal = true;
    fixture_say(peer, "one.");
    settle();
    assert_true(sim_peer_saw_reset(peer));
    expect_end(peer, WEIR_REASON_EXHAUSTED);
    close_world();
}

/* ---- ends ---- */

static void the_handler_ends_it(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up);
    seen.finishes = true;
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.BYE\n");
    assert_int_equal(test_filters.goodbye_reason, WEIR_REASON_APPLICATION);
    assert_true(filtered_saw_goodbye(peer));
    assert_true(sim_peer_saw_end(peer));
    filtered_finish(peer);
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
    open_world(&test_filter_xor, NULL);
    seen.aborts_on_open = true;
    peer = connect_open();
    assert_true(sim_peer_saw_reset(peer));
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
    open_world(&test_filter_line, NULL); /* with more input behind the opening */
    seen.aborts_on_open = true;
    peer = connect_raw();
    say_raw(peer, "GO\none.");
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
}

static void output_ends_with_a_goodbye(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL);
    seen.ends_output = true;
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.");
    assert_true(filtered_saw_goodbye(peer));
    assert_true(sim_peer_saw_end(peer));
    seen.ends_output = false;
    fixture_say(peer, "two.");
    filtered_record(peer, 'k', NULL, 0); /* it gets no answer */
    settle();
    assert_int_equal(seen.messages, 2);
    filtered_finish(peer);
    expect_end(peer, WEIR_REASON_PEER_DONE);
    close_world();
}

static void idle_sessions_say_goodbye_and_busy_ones_cannot(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    config.idle_timeout_ms = 200;
    open_with(&config, &codec_dot, &test_filter_xor, NULL);
    struct sim_peer *peer = connect_open();
    fixture_run_ms(300);
    assert_true(filtered_saw_goodbye(peer));
    expect_end(peer, WEIR_REASON_IDLE);
    close_world();
    config.idle_timeout_ms = 0;
    config.lifetime_ms = 200;
    open_with(&config, &codec_dot, &test_filter_xor, NULL);
    seen.holds = true;
    peer = connect_open();
    fixture_say(peer, "one.");
    fixture_run_ms(300);
    assert_true(sim_peer_saw_reset(peer));
    expect_end(peer, WEIR_REASON_LIFETIME);
    close_world();
}

static void a_drain_ends_openings_that_are_idle(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *silent = connect_raw(), *half = connect_raw(), *open = connect_open();
    say_raw(half, "G");
    remote_drain(&fixture.loop.worker, 5000);
    fixture_run_ms(300);
    assert_true(sim_peer_saw_end(silent));
    assert_false(sim_peer_saw_end(half));
    say_raw(half, "O\n");
    assert_int_equal(seen.opened, 2);
    sim_peer_close(silent);
    sim_peer_close(half);
    filtered_close(open);
    fixture_run_to_the_end();
    close_world();
}

static void the_program_cannot_reach_an_opening(void **state)
{
    struct weir_session_info info;

    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    struct weir_session *session = fixture_only_session();
    weir_session_inspect(session, &info);
    assert_int_equal(info.state, WEIR_SESSION_OPENING);
    assert_string_equal(weir_session_state_text(info.state), "opening");
    assert_int_equal(info.deadline_reason, WEIR_REASON_OPENING);
    assert_int_equal(remote_send(&fixture.loop.worker, session->id, "x", 1), WEIR_OK);
    settle();
    assert_int_equal(fixture_stats().sends_late, 1);
    assert_int_equal(remote_finish(&fixture.loop.worker, session->id), WEIR_OK);
    expect_end(peer, WEIR_REASON_APPLICATION);
    close_world();
}

static void post(struct weir_session *session, void *argument)
{
    assert_ptr_equal(argument, &seen);
    seen.posted++;
    seen.posted_session = session;
}

static void a_posted_function_gets_open_sessions_alone(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    struct weir_session *session = fixture_only_session();
    uint64_t id = session->id;
    remote_post_session(&fixture.loop.worker, id, post, &seen);
    settle();
    assert_int_equal(seen.posted, 1);
    assert_null(seen.posted_session);
    filtered_open(peer);
    settle();
    remote_post_session(&fixture.loop.worker, id, post, &seen);
    settle();
    assert_ptr_equal(seen.posted_session, session);
    filtered_close(peer);
    settle();
    remote_post_session(&fixture.loop.worker, id, post, &seen);
    close_world();
}

/* ---- responses ---- */

static void a_filter_responds_to_what_was_decoded(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up);
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.");
    test_filters.response_text = "pong";
    fixture_say(peer, "t"); /* a part of a message */
    settle();
    fixture_expect(peer, "pong");
    fixture_say(peer, "wo.");
    settle();
    fixture_expect(peer, "two.");
    assert_int_equal(test_filters.begins, 1);
    test_filters.response_text = "again";
    test_filters.response = FILTER_AGAIN;
    fixture_say(peer, "t");
    settle();
    fixture_expect(peer, "again");
    uint32_t responses = test_filters.responses;
    test_filters.wake_ms = fixture.loop.worker.now_ms + 100;
    fixture_say(peer, "h");
    settle();
    assert_int_equal(test_filters.responses, responses + 1);
    test_filters.response_text = "ping";
    fixture_run_ms(100);
    assert_int_equal(test_filters.responses, responses + 2);
    fixture_expect(peer, "ping");
    test_filters.response = FILTER_END;
    filtered_record(peer, 'd', "ree.", 4);
    settle();
    assert_int_equal(seen.peer_done, 1);
    fixture_expect(peer, "three.BYE\n");
    filtered_close(peer);
    settle();
    close_world();
}

static void a_filter_fails_to_respond(void **state)
{
    (void)state;
    open_world(&test_filter_up, NULL);
    struct sim_peer *peer = connect_open();
    test_filters.response = FILTER_BAD;
    test_filters.response_text = "so";
    fixture_say(peer, "o");
    settle();
    fixture_expect(peer, "so");
    assert_true(sim_peer_saw_end(peer));
    expect_end(peer, WEIR_REASON_UPGRADE);
    assert_string_equal(seen.text, "it does not respond");
    close_world();
}

/* ---- proxies ---- */

static void the_named_client_is_admitted(void **state)
{
    struct weir_config config = config_of_test();
    struct weir_address via;
    char text[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    config.sessions_per_address_max = 1;
    config.deny = "127.0.0.9";
    open_with(&config, &codec_dot, &test_filter_line, NULL);
    struct sim_peer *first = connect_raw(), *second = connect_raw(); /* of one proxy */
    say_raw(first, "FROM 5\n");
    assert_string_equal(seen.peer, "127.0.0.5:1000");
    assert_true(weir_session_via(fixture.loop.worker.tcp_sessions.next
                                     ? weir_container_of(fixture.loop.worker.tcp_sessions.next,
                                                         struct weir_session, in_sessions)
                                     : NULL,
                                 &via));
    assert_memory_equal(weir_address_text(&via, text, sizeof text), "127.0.0.1:", 10);
    say_raw(second, "FROM 5\n"); /* its client has one session */
    assert_int_equal(fixture_stats().refused_address, 1);
    struct sim_peer *third = connect_raw();
    say_raw(third, "FROM 9\n");
    assert_int_equal(fixture_stats().refused_denied, 1);
    fixture_run_ms(600);
    assert_int_equal(fixture_closed(WEIR_REASON_PROXY), 2);
    struct sim_peer *fourth = connect_raw(), *fifth = connect_raw();
    say_raw(fourth, "FROM 6\n");
    say_raw(fifth, "GO\n"); /* it names none */
    assert_int_equal(seen.opened, 3);
    sim_peer_close(first);
    settle();
    struct sim_peer *sixth = connect_raw();
    say_raw(sixth, "FROM 5\n"); /* it has none any longer */
    assert_int_equal(seen.opened, 4);
    sim_peer_close(second);
    sim_peer_close(third);
    sim_peer_close(fourth);
    sim_peer_close(fifth);
    sim_peer_close(sixth);
    settle();
    close_world();
}

static void a_named_client_has_no_limit(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_raw();
    say_raw(peer, "FROM 5\n");
    assert_string_equal(seen.peer, "127.0.0.5:1000");
    sim_peer_close(peer);
    settle();
    close_world();
}

static void a_refused_client_gets_a_message_that_it_can_read(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    config.reject_message = "later";
    config.sessions_max = 1;
    config.deny = "127.0.0.9";
    open_with(&config, &codec_dot, &test_filter_line, NULL);
    struct sim_peer *peer = connect_raw(), *other = connect_raw();
    expect_raw(other, "later");
    sim_peer_close(other);
    say_raw(peer, "FROM 9\n");
    expect_raw(peer, "later");
    sim_peer_close(peer);
    settle();
    close_world();
    open_with(&config, &codec_dot, &test_filter_line, &test_filter_xor);
    peer = connect_raw();
    other = connect_raw();
    expect_raw(other, "");
    sim_peer_close(other);
    say_raw(peer, "FROM 9\n");
    expect_raw(peer, "");
    sim_peer_close(peer);
    settle();
    close_world();
    config.reject_message = "";
    open_with(&config, &codec_dot, &test_filter_line, NULL);
    peer = connect_raw();
    say_raw(peer, "FROM 9\n");
    expect_raw(peer, "");
    sim_peer_close(peer);
    settle();
    close_world();
}

static void a_filter_applies_to_some_connections(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL);
    test_filters.use = FILTER_SKIPPED; /* no filter is left */
    struct sim_peer *peer = connect_raw();
    assert_int_equal(seen.opened, 1);
    assert_null(fixture_only_session()->filters);
    say_raw(peer, "one.");
    expect_raw(peer, "one.");
    sim_peer_close(peer);
    settle();
    test_filters.use = FILTER_REFUSED;
    peer = connect_raw();
    assert_int_equal(fixture_stats().refused_denied, 1);
    sim_peer_close(peer);
    close_world();
    open_world(&test_filter_line, &test_filter_xor);
    test_filters.use = FILTER_SKIPPED;
    peer = connect_raw();
    say_raw(peer, "h");
    assert_int_equal(sim_peer_send(peer, "\0\0", 2), 2);
    settle();
    assert_int_equal(seen.opened, 1);
    sim_peer_close(peer);
    settle();
    close_world();
}

static void limits_apply_to_connections_with_filters(void **state)
{
    struct weir_config config = config_of_test();

    (void)state;
    config.sessions_max = 1;
    open_with(&config, &codec_dot, &test_filter_xor, NULL);
    struct sim_peer *peer = connect_open(), *other = connect_raw();
    assert_int_equal(fixture_stats().refused_full, 1);
    sim_peer_close(other);
    filtered_close(peer);
    settle();
    close_world();
    config.sessions_max = 10;
    config.accept_rate_max = 1;
    open_with(&config, &codec_dot, &test_filter_line, NULL);
    peer = connect_raw();
    other = connect_raw();
    assert_int_equal(fixture_stats().refused_rate, 1);
    sim_peer_close(other);
    sim_peer_close(peer);
    settle();
    close_world();
}

static void a_session_knows_its_filters(void **state)
{
    struct weir_address via;

    (void)state;
    open_world(&test_filter_line, NULL);
    struct sim_peer *peer = connect_open();
    const struct weir_session *session = fixture_only_session();
    assert_non_null(filters_find(session, test_filter_line.kind));
    assert_null(filters_find(session, test_filter_xor.kind));
    assert_false(weir_session_via(session, &via)); /* it named no client */
    sim_peer_close(peer);
    settle();
    close_world();
    open_world(NULL, NULL);
    peer = connect_raw();
    session = fixture_only_session();
    assert_null(filters_find(session, test_filter_line.kind));
    assert_false(weir_session_via(session, &via));
    sim_peer_close(peer);
    settle();
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_opens_before_the_handler_knows),
        cmocka_unit_test(every_chain_carries_messages_in_any_pieces),
        cmocka_unit_test(silence_and_dribble_reach_the_deadline),
        cmocka_unit_test(the_first_byte_is_awaited_after_the_opening),
        cmocka_unit_test(a_malformed_opening_is_answered),
        cmocka_unit_test(a_filter_above_fails_and_the_one_below_says_goodbye),
        cmocka_unit_test(too_much_input_before_the_opening_is_over),
        cmocka_unit_test(an_opening_ends_with_its_peer),
        cmocka_unit_test(a_filter_is_called_again),
        cmocka_unit_test(endless_output_waits_for_its_reader),
        cmocka_unit_test(a_state_that_is_refused),
        cmocka_unit_test(memory_fails_at_each_point),
        cmocka_unit_test(large_messages_are_sealed_in_pieces),
        cmocka_unit_test(a_record_is_larger_than_a_plain_buffer),
        cmocka_unit_test(records_are_answered_and_delayed),
        cmocka_unit_test(the_end_of_the_stream_is_a_half_close),
        cmocka_unit_test(a_fin_alone_truncates_what_is_not_delimited),
        cmocka_unit_test(the_end_comes_after_an_answer_is_awaited),
        cmocka_unit_test(paused_input_waits_with_its_end),
        cmocka_unit_test(input_behind_an_opening_waits_for_a_paused_handler),
        cmocka_unit_test(an_empty_pool_lets_input_wait),
        cmocka_unit_test(input_has_a_claim_on_the_next_buffer),
        cmocka_unit_test(an_empty_pool_lets_output_wait),
        cmocka_unit_test(an_empty_pool_lets_responses_wait),
        cmocka_unit_test(output_waits_for_input),
        cmocka_unit_test(sealing_fails),
        cmocka_unit_test(the_handler_ends_it),
        cmocka_unit_test(output_ends_with_a_goodbye),
        cmocka_unit_test(idle_sessions_say_goodbye_and_busy_ones_cannot),
        cmocka_unit_test(a_drain_ends_openings_that_are_idle),
        cmocka_unit_test(the_program_cannot_reach_an_opening),
        cmocka_unit_test(a_posted_function_gets_open_sessions_alone),
        cmocka_unit_test(a_filter_responds_to_what_was_decoded),
        cmocka_unit_test(a_filter_fails_to_respond),
        cmocka_unit_test(the_named_client_is_admitted),
        cmocka_unit_test(a_named_client_has_no_limit),
        cmocka_unit_test(a_refused_client_gets_a_message_that_it_can_read),
        cmocka_unit_test(a_filter_applies_to_some_connections),
        cmocka_unit_test(limits_apply_to_connections_with_filters),
        cmocka_unit_test(a_session_knows_its_filters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
