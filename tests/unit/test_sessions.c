/* SPDX-License-Identifier: MIT */
/* test_sessions.c - what the session layer promises beyond echo, over the simulated network in
 * virtual time: times, limits, messages, groups, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "memory.h"
#include "remote.h"

#define S 1000u /* in milliseconds */

/* ---- a handler that records its callbacks ---- */

struct notes {
    char text[4096];
    struct weir_session *session;
    uint64_t id;
    enum weir_reason reason;
    char decode_error[256];
};

static struct notes notes;

static void note(const char *word)
{
    size_t used = strlen(notes.text);

    snprintf(notes.text + used, sizeof notes.text - used, "%s ", word);
}

static void noting_open(struct weir_session *session)
{
    notes.session = session;
    notes.id = weir_session_id(session);
    note("open");
}

static void noting_message(struct weir_session *session, const struct weir_message *message)
{
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)message->length, (const char *)message->bytes);
    note(word);
    if (message->length == 4 && memcmp(message->bytes, "echo", 4) == 0)
        assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    if (message->length == 4 && memcmp(message->bytes, "done", 4) == 0)
        weir_session_finish(session);
    if (message->length == 4 && memcmp(message->bytes, "shut", 4) == 0) weir_session_abort(session);
    if (message->length == 4 && memcmp(message->bytes, "fail", 4) == 0)
        weir_session_fail(session, "it said so");
    if (message->length == 4 && memcmp(message->bytes, "wait", 4) == 0)
        weir_session_start_timer(session, 5 * S);
    if (message->length == 4 && memcmp(message->bytes, "halt", 4) == 0)
        weir_session_stop_timer(session);
    if (message->length == 4 && memcmp(message->bytes, "join", 4) == 0)
        assert_int_equal(weir_session_join(session, "room"), WEIR_OK);
}

static void noting_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    assert_int_equal(weir_session_send(session, "late", 4), WEIR_CANCELLED);
    assert_int_equal(weir_session_join(session, "room"), WEIR_CANCELLED);
    weir_session_start_timer(session, 1); /* comes to nothing */
    notes.reason = reason;
    snprintf(notes.decode_error, sizeof notes.decode_error, "%s", text);
    note("close");
}

static void noting_timer(struct weir_session *session)
{
    weir_session_send(session, "tick", 4);
    note("timer");
}

static void noting_drain(struct weir_session *session)
{
    weir_session_send(session, "bye", 3);
    weir_session_finish(session);
    note("drain");
}

static const struct weir_handler handler_noting = {
    .size = sizeof(struct weir_handler),
    .name = "noting",
    .summary = "",
    .session_bytes = 24,
    .on_open = noting_open,
    .on_message = noting_message,
    .on_close = noting_close,
    .on_timer = noting_timer,
    .on_drain = noting_drain,
};

static const struct weir_handler handler_silent = {
    .size = sizeof(struct weir_handler), .name = "silent", .summary = ""};

static void open_noting(const struct weir_config *config)
{
    memset(&notes, 0, sizeof notes);
    fixture_open(config, &codec_dot, &handler_noting, 1);
}

/* ---- times ---- */

/* Runs until just before and just after a time; the network takes up to `slack_ms`. */
static void expect_close_between(struct sim_peer *peer, uint64_t not_before_ms, uint64_t until_ms,
                                 enum weir_reason reason)
{
    uint64_t before = fixture_closed(reason);

    fixture_run_ms(not_before_ms);
    assert_int_equal(fixture_closed(reason), before);
    fixture_run_ms(until_ms - not_before_ms);
    assert_int_equal(fixture_closed(reason), before + 1);
    sim_peer_close(peer);
}

static void an_idle_session_ends(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 60 * S;
    open_noting(&config);
    struct sim_peer *idle = fixture_connect();
    fixture_run_ms(30 * S);
    struct sim_peer *busy = fixture_connect();
    for (int i = 0; i < 5; i++) { /* bytes keep the other one open, well past its time */
        fixture_tell(busy, "x");
        fixture_run_ms(5 * S);
    }
    assert_int_equal(fixture_stats().open, 2);
    expect_close_between(idle, 4 * S, 6 * S, WEIR_REASON_IDLE);
    assert_int_equal(fixture_stats().open, 1);
    for (int i = 0; i < 100; i++) {
        fixture_tell(busy, "x");
        fixture_run_ms(50 * S);
    }
    assert_int_equal(fixture_stats().open, 1);
    expect_close_between(busy, 9 * S, 11 * S, WEIR_REASON_IDLE);
    assert_string_equal(notes.decode_error, "");
    fixture_close();
}

static void a_session_that_only_gets_is_not_idle(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 10 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(remote_send(&fixture.loop.worker, notes.id, "news", 4), WEIR_OK);
        fixture_run_ms(9 * S);
        fixture_expect(peer, "news.");
    }
    expect_close_between(peer, 100, 2 * S, WEIR_REASON_IDLE);
    fixture_close();
}

static void a_client_that_sends_nothing_is_closed(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.first_byte_timeout_ms = 10 * S;
    open_noting(&config);
    struct sim_peer *mute = fixture_connect(), *speaker = fixture_connect();
    fixture_tell(speaker, "x");
    expect_close_between(mute, 9 * S, 11 * S, WEIR_REASON_FIRST_BYTE);
    fixture_run_ms(100 * S);
    assert_int_equal(fixture_stats().open, 1);
    sim_peer_close(speaker);
    fixture_close();
}

static void a_lifetime_ends(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.lifetime_ms = 20 * S;
    config.idle_timeout_ms = 15 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 9; i++) {
        fixture_tell(peer, "x");
        fixture_run_ms(2 * S);
    }
    expect_close_between(peer, 1 * S, 3 * S, WEIR_REASON_LIFETIME);
    fixture_close();
}

static void a_peer_that_reads_nothing_is_stalled(void **state)
{
    struct weir_config config = fixture_config();
    static char much[100000];

    (void)state;
    config.send_timeout_ms = 30 * S;
    open_noting(&config);
    struct sim_peer *deaf = fixture_connect();
    fixture_run_ms(1);
    memset(much, 'm', sizeof much);
    for (int i = 0; i < 3; i++) {
        remote_send(&fixture.loop.worker, notes.id, much, 40000);
        fixture_run_ms(10);
    }
    struct weir_session *session = fixture_only_session();
    while (!session->send_out) { /* until the network accepts nothing */
        assert_int_equal(remote_send(&fixture.loop.worker, notes.id, much, 40000), WEIR_OK);
        fixture_run_ms(100);
    }
    expect_close_between(deaf, 29 * S, 31 * S, WEIR_REASON_STALLED);
    fixture_close();
}

static void a_peer_that_does_not_follow_our_end_is_left(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 5 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "done");
    expect_close_between(peer, 4 * S, 6 * S, WEIR_REASON_APPLICATION);
    fixture_close();
}

static void the_handlers_timer_comes_once_and_not_early(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "wait");
    fixture_run_ms(4 * S);
    assert_string_equal(notes.text, "open wait ");
    fixture_run_ms(100 * S);
    assert_string_equal(notes.text, "open wait timer ");
    fixture_expect(peer, "tick.");
    fixture_tell(peer, "wait");
    fixture_run_ms(3 * S);
    fixture_tell(peer, "wait"); /* in place of the earlier one */
    fixture_run_ms(4 * S);
    assert_string_equal(notes.text, "open wait timer wait wait ");
    fixture_run_ms(2 * S);
    assert_string_equal(notes.text, "open wait timer wait wait timer ");
    fixture_tell(peer, "wait");
    fixture_run_ms(1 * S);
    fixture_tell(peer, "halt");
    fixture_run_ms(10 * S);
    assert_string_equal(notes.text, "open wait timer wait wait timer wait halt ");
    sim_peer_close(peer);
    fixture_close();
}

static void a_still_stood_worker_reads_before_it_closes(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 10 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(1 * S);
    /* No iteration for a minute, while bytes are pending: the next one finds the timer long due. */
    fixture_tell(peer, "x");
    sim_pass_ns(fixture.simulation, 60 * S * FIXTURE_MS);
    fixture_iterations(10);
    assert_int_equal(fixture_stats().open, 1);
    expect_close_between(peer, 8 * S, 12 * S, WEIR_REASON_IDLE);
    fixture_close();
}

/* ---- ends ---- */

static void on_close_runs_once_with_the_reason(void **state)
{
    static const struct {
        const char *words;
        enum weir_reason reason;
        const char *decode_error, *notes;
    } cases[] = {
        {"shut", WEIR_REASON_APPLICATION, "", "open shut close "},
        {"done", WEIR_REASON_APPLICATION, "", "open done close "},
        {"fail", WEIR_REASON_PROTOCOL, "it said so", "open fail close "},
    };
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 1 * S;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_noting(&config);
        struct sim_peer *peer = fixture_connect();
        fixture_tell(peer, cases[i].words);
        fixture_run_ms(5 * S);
        assert_string_equal(notes.text, cases[i].notes);
        assert_int_equal(notes.reason, cases[i].reason);
        assert_string_equal(notes.decode_error, cases[i].decode_error);
        assert_true(sim_peer_saw_end(peer) || sim_peer_saw_reset(peer));
        sim_peer_close(peer);
        fixture_close();
    }
}

static void what_was_sent_back_goes_before_the_end(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 1 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "echo");
    fixture_run_ms(50);
    fixture_tell(peer, "done");
    fixture_run_ms(500);
    fixture_expect(peer, "echo.");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    fixture_run_ms(500);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void a_drain_asks_the_handler(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "x");
    fixture_run_ms(50);
    remote_drain(&fixture.loop.worker, 60 * S);
    fixture_iterations(50);
    fixture_expect(peer, "bye.");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_iterate(FIXTURE_MS); i++) continue;
    assert_string_equal(notes.text, "open x drain close ");
    sim_peer_close(peer);
    fixture_close();
}

static void a_drain_is_spread_by_its_jitter(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peers[40];
    uint64_t halfway = 0;

    (void)state;
    config.drain_jitter_ms = 10 * S;
    config.sessions_max = 40;
    fixture_open(&config, NULL, &handler_silent, 3);
    for (int i = 0; i < 40; i++) peers[i] = fixture_connect();
    fixture_run_ms(200);
    remote_drain(&fixture.loop.worker, 60 * S);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_iterate(FIXTURE_MS); i++) {
        for (int n = 0; n < 40; n++)
            if (peers[n] && sim_peer_saw_end(peers[n])) {
                sim_peer_close(peers[n]);
                peers[n] = NULL;
            }
        if (halfway == 0 &&
            fixture.loop.worker.now_ns - fixture.loop.drain.began_ns > 5 * S * FIXTURE_MS)
            halfway = fixture_closed(WEIR_REASON_DRAIN);
    }
    assert_true(halfway > 8 && halfway < 32);
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 40);
    fixture_close();
}

/* ---- limits ---- */

static void an_address_that_is_full_leaves_others_free(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_per_address_max = 2;
    fixture_open(&config, NULL, &handler_silent, 5);
    struct sim_peer *peers[4] = {fixture_connect_from(1), fixture_connect_from(1),
                                 fixture_connect_from(1), fixture_connect_from(2)};
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().open, 3);
    assert_int_equal(fixture_stats().refused_address, 1);
    sim_peer_close(peers[0]);
    fixture_run_ms(100);
    peers[0] = fixture_connect_from(1); /* there is room again */
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().open, 3);
    for (int i = 0; i < 4; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void refused_clients_receive_the_reject_message(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_max = 1;
    config.reject_message = "full, come back later\n";
    config.linger_timeout_ms = 1 * S;
    memset(&notes, 0, sizeof notes);
    fixture_open(&config, NULL, &handler_noting, 7);
    struct sim_peer *first = fixture_connect();
    fixture_run_ms(50);
    struct sim_peer *second = fixture_connect();
    fixture_run_ms(200);
    fixture_expect(second, "full, come back later\n");
    assert_true(sim_peer_saw_end(second));
    assert_int_equal(fixture_stats().refused_full, 1);
    assert_int_equal(fixture_stats().accepted, 1);
    fixture_run_ms(5 * S);
    assert_string_equal(notes.text, "open "); /* the handler knows nothing of the second */
    assert_int_equal(fixture.loop.worker.reject_messages_open, 0);
    sim_peer_close(first);
    sim_peer_close(second);
    fixture_close();
}

static void lists_decide_admission(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.allow = "127.0.0.0/29";
    config.deny = "127.0.0.3";
    fixture_open(&config, NULL, &handler_silent, 9);
    struct sim_peer *peers[3] = {fixture_connect_from(2), fixture_connect_from(3),
                                 fixture_connect_from(9)};
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().open, 1);
    assert_int_equal(fixture_stats().refused_denied, 2);
    for (int i = 0; i < 3; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void too_many_a_second_are_refused(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peers[8];

    (void)state;
    config.accept_rate_max = 3;
    fixture_open(&config, NULL, &handler_silent, 11);
    for (int i = 0; i < 8; i++) peers[i] = sim_connect(fixture.simulation, &fixture.address, NULL);
    fixture_run_ms(200);
    assert_true(fixture_stats().accepted >= 3 && fixture_stats().accepted <= 4);
    assert_int_equal(fixture_stats().accepted + fixture_stats().refused_rate, 8);
    fixture_run_ms(2 * S);
    struct sim_peer *later = fixture_connect();
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().refused_rate + fixture_stats().accepted, 9);
    assert_true(fixture_stats().accepted >= 4);
    for (int i = 0; i < 8; i++) sim_peer_close(peers[i]);
    sim_peer_close(later);
    fixture_close();
}

static void a_rate_slows_a_peer_down_and_loses_nothing(void **state)
{
    struct weir_config config = fixture_config();
    uint8_t bytes[1000];
    uint32_t sent = 0, received = 0;

    (void)state;
    config.receive_rate_max_bytes = 1000;
    fixture_open(&config, NULL, &handler_echo, 13);
    struct sim_peer *peer = fixture_connect();
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);
    memset(bytes, 'r', sizeof bytes);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && received < 20000; i++) {
        if (sent < 20000) sent += sim_peer_send(peer, bytes, sizeof bytes);
        fixture_iterate(100 * FIXTURE_MS);
        received += sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_int_equal(received, 20000);
    /* One second's worth is free, and what lay in one buffer when the rate was reached. */
    assert_true(net_now_ns(fixture.loop.worker.net) - started_ns >= 2 * S * FIXTURE_MS);
    assert_true(fixture_stats().pauses_rate > 0);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- messages ---- */

static void messages_are_cut_and_framed(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "one.two.echo.thr");
    fixture_run_ms(50);
    fixture_say(peer, "ee.echo.");
    fixture_run_ms(50);
    assert_string_equal(notes.text, "open one two echo three echo ");
    fixture_expect(peer, "echo.echo.");
    assert_int_equal(remote_send(&fixture.loop.worker, notes.id, "sent", 4), WEIR_OK);
    assert_int_equal(remote_send(&fixture.loop.worker, notes.id, "no.no", 5), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "sent.");
    assert_int_equal(fixture_stats().sends_not_framed, 1);
    assert_int_equal(fixture_stats().messages_in, 5);
    assert_int_equal(fixture_stats().messages_out, 3);
    sim_peer_close(peer);
    fixture_close();
}

static void a_fault_ends_it_with_words_after_the_answers(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 1 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "echo.echo.what!echo.");
    fixture_run_ms(500);
    fixture_expect(peer, "echo.echo.");
    assert_true(sim_peer_saw_end(peer));
    fixture_run_ms(2 * S);
    assert_string_equal(notes.text, "open echo echo close ");
    assert_int_equal(notes.reason, WEIR_REASON_PROTOCOL);
    assert_string_equal(notes.decode_error, "there was a !");
    sim_peer_close(peer);
    fixture_close();
}

static void an_end_inside_a_frame_is_a_fault(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "echo.begun");
    sim_peer_finish(peer);
    fixture_run_ms(500);
    assert_int_equal(notes.reason, WEIR_REASON_PROTOCOL);
    assert_string_equal(notes.decode_error, "it ended inside");
    fixture_expect(peer, "echo.");
    sim_peer_close(peer);
    fixture_close();
}

static void a_frame_must_be_finished_in_time(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.frame_timeout_ms = 10 * S;
    config.idle_timeout_ms = 60 * S;
    open_noting(&config);
    struct sim_peer *slow = fixture_connect(), *good = fixture_connect();
    for (int i = 0; i < 9; i++) { /* a byte a second does not lengthen it */
        fixture_say(slow, "s");
        fixture_say(good, i % 2 ? "." : "g");
        fixture_run_ms(1 * S);
    }
    fixture_say(good, ".");
    expect_close_between(slow, 500, 2 * S, WEIR_REASON_FRAME);
    fixture_run_ms(30 * S);
    assert_int_equal(fixture_stats().open, 1);
    sim_peer_close(good);
    fixture_close();
}

/* While we do not read it cannot finish its frame; but its time runs again when we do. */
static void a_pause_of_ours_stops_the_time_of_a_frame(void **state)
{
    struct weir_config config = fixture_config();
    static char much[60001];

    (void)state;
    config.frame_timeout_ms = 10 * S;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "beg");
    fixture_run_ms(100);
    memset(much, 'm', sizeof much - 1);
    for (int i = 0; i < 40 && !fixture_only_session()->queue_paused; i++) {
        remote_send(&fixture.loop.worker, notes.id, much, sizeof much - 1);
        fixture_run_ms(100);
        session_update_receiving(fixture_only_session());
    }
    assert_true(fixture_only_session()->queue_paused);
    fixture_run_ms(60 * S);
    assert_int_equal(fixture_stats().open, 1);
    while (fixture_only_session()->queue_paused) {
        sim_peer_receive(peer, (uint8_t *)much, sizeof much - 1);
        fixture_run_ms(10);
    }
    expect_close_between(peer, 9 * S, 11 * S, WEIR_REASON_FRAME);
    fixture_close();
}

/* ---- calls from other threads ---- */

static void an_id_that_is_gone_says_so(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    uint64_t id = notes.id;
    assert_int_equal(remote_send(&fixture.loop.worker, id, "hello", 5), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "hello.");
    assert_int_equal(remote_send(&fixture.loop.worker, id, notes.text, 1 << 20), WEIR_TOO_LARGE);
    assert_int_equal(remote_finish(&fixture.loop.worker, id), WEIR_OK);
    fixture_run_ms(50);
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(remote_send(&fixture.loop.worker, id, "late", 4), WEIR_OK); /* it is ending */
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().sends_late, 1);
    sim_peer_close(peer);
    fixture_run_ms(50);
    assert_int_equal(remote_send(&fixture.loop.worker, id, "gone", 4), WEIR_GONE);
    assert_int_equal(remote_finish(&fixture.loop.worker, id), WEIR_GONE);
    assert_int_equal(remote_send(&fixture.loop.worker, 0, "gone", 4), WEIR_GONE);
    fixture_close();
}

static void an_abort_from_another_thread_discards_the_queue(void **state)
{
    struct weir_config config = fixture_config();
    static uint8_t much[40000], received[sizeof much];

    (void)state;
    open_noting(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    uint64_t id = notes.id;
    memset(much, 'm', sizeof much);
    assert_int_equal(remote_send(&fixture.loop.worker, id, much, sizeof much), WEIR_OK);
    assert_int_equal(remote_abort(&fixture.loop.worker, id), WEIR_OK);
    assert_int_equal(remote_abort(&fixture.loop.worker, id), WEIR_OK); /* it is still live */
    fixture_run_ms(50);
    assert_int_equal(notes.reason, WEIR_REASON_APPLICATION);
    assert_int_equal(sim_peer_receive(peer, received, sizeof received), 0);
    assert_int_equal(fixture_stats().bytes_out, 0);
    assert_int_equal(remote_abort(&fixture.loop.worker, id), WEIR_GONE);
    sim_peer_close(peer);
    fixture_close();
}

static void broadcast(const char *group, const char *text, uint64_t except_id)
{
    enum weir_code code;
    struct payload *payload = payload_open(&codec_raw, text, strlen(text), &code);

    snprintf(payload->group, sizeof payload->group, "%s", group);
    payload->group_hash = group_hash(&fixture.common, payload->group);
    payload->except_id = except_id;
    assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
    payload_unref(payload);
}

static void a_broadcast_reaches_the_members_alone(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_noting(&config);
    struct sim_peer *outside = fixture_connect(), *in[3];
    for (int i = 0; i < 3; i++) {
        in[i] = fixture_connect();
        fixture_tell(in[i], "join");
        fixture_run_ms(20);
    }
    broadcast("room", "all", 0);
    broadcast("room", "not the last", notes.id);
    broadcast("elsewhere", "nobody", 0);
    fixture_run_ms(50);
    fixture_expect(in[0], "all.not the last.");
    fixture_expect(in[1], "all.not the last.");
    fixture_expect(in[2], "all.");
    fixture_expect(outside, "");
    sim_peer_reset(in[0]);
    fixture_run_ms(50);
    broadcast("room", "less", 0);
    fixture_run_ms(50);
    fixture_expect(in[1], "less.");
    for (int i = 0; i < 3; i++) sim_peer_close(in[i]);
    sim_peer_close(outside);
    fixture_close();
}

/* A member that never reads, and broadcasts without end: what becomes of it, by each policy. */
static void slow_member(enum weir_broadcast_policy policy, struct weir_stats *stats)
{
    struct weir_config config = fixture_config();
    static char piece[3001];
    uint32_t most = 0;

    config.broadcast_policy = policy;
    open_noting(&config);
    struct sim_peer *slow = fixture_connect();
    fixture_tell(slow, "join");
    fixture_run_ms(100);
    assert_string_equal(notes.text, "open join ");
    memset(piece, 'p', sizeof piece - 1);
    for (int i = 0; i < 400; i++) {
        broadcast("room", piece, 0);
        fixture_run_ms(1);
        if (fixture_stats().open == 0) break;
        if (fixture_only_session()->queue.pinned_bytes > most)
            most = fixture_only_session()->queue.pinned_bytes;
    }
    assert_true(most <= config.send_queue_high_bytes);
    *stats = fixture_stats();
    sim_peer_close(slow);
    fixture_close();
}

static void a_slow_member_is_treated_by_the_policy(void **state)
{
    struct weir_stats stats;

    (void)state;
    slow_member(WEIR_BROADCAST_DISCONNECT, &stats);
    assert_int_equal(stats.closed_by_reason[WEIR_REASON_SLOW_READER], 1);
    slow_member(WEIR_BROADCAST_DROP_NEWEST, &stats);
    assert_int_equal(stats.open, 1);
    assert_true(stats.sends_dropped > 100);
    slow_member(WEIR_BROADCAST_DROP_OLDEST, &stats);
    assert_int_equal(stats.open, 1);
    assert_true(stats.sends_dropped > 100);
}

/* ---- datagram peers ---- */

static void a_datagram_peer_is_a_session_like_any(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_idle_timeout_ms = 20 * S;
    open_noting(&config);
    struct sim_datagrams *peer = fixture_datagrams(2);
    sim_datagrams_send(peer, &fixture.address, "echo", 4);
    fixture_hear(peer, "echo");
    uint64_t id = notes.id;
    assert_int_not_equal(id, 0);
    sim_datagrams_send(peer, &fixture.address, "wait", 4);
    fixture_run_ms(10 * S);
    fixture_hear(peer, "tick");
    assert_int_equal(remote_send(&fixture.loop.worker, id, "sent", 4), WEIR_OK);
    fixture_hear(peer, "sent");
    assert_int_equal(fixture_stats().peers_opened, 1);
    fixture_run_ms(60 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 1);
    assert_string_equal(notes.text, "open echo wait timer close ");
    assert_int_equal(remote_send(&fixture.loop.worker, id, "gone", 4), WEIR_GONE);
    sim_datagrams_send(peer, &fixture.address, "echo", 4); /* and begins anew, with another id */
    fixture_hear(peer, "echo");
    assert_int_not_equal(notes.id, id);
    sim_datagrams_send(peer, &fixture.address, "shut", 4);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_datagrams_close(peer);
    fixture_close();
}

static void the_longest_idle_peer_gives_way(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_datagrams *peers[5];

    (void)state;
    config.datagram_peers_max = 4;
    open_noting(&config);
    for (int i = 0; i < 5; i++) peers[i] = fixture_datagrams((uint8_t)(i + 2));
    for (int i = 0; i < 4; i++) {
        sim_datagrams_send(peers[i], &fixture.address, "echo", 4);
        fixture_hear(peers[i], "echo");
    }
    sim_datagrams_send(peers[0], &fixture.address, "echo", 4); /* now the second is the oldest */
    fixture_hear(peers[0], "echo");
    sim_datagrams_send(peers[4], &fixture.address, "echo", 4);
    fixture_hear(peers[4], "echo");
    assert_int_equal(fixture_closed(WEIR_REASON_EVICTED), 1);
    assert_int_equal(fixture.loop.worker.udp_sessions_count, 4);
    sim_datagrams_send(peers[0], &fixture.address, "echo", 4);
    fixture_hear(peers[0], "echo");
    assert_int_equal(fixture_stats().peers_opened, 5);
    sim_datagrams_send(peers[1], &fixture.address, "echo", 4);
    fixture_hear(peers[1], "echo");
    assert_int_equal(fixture_stats().peers_opened, 6);
    for (int i = 0; i < 5; i++) sim_datagrams_close(peers[i]);
    fixture_close();
}

static void replies_are_bounded_by_what_came(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_reply_percent_max = 100;
    open_noting(&config);
    struct sim_datagrams *peer = fixture_datagrams(2);
    sim_datagrams_send(peer, &fixture.address, "echo", 4);
    fixture_hear(peer, "echo");
    assert_int_equal(remote_send(&fixture.loop.worker, notes.id, "more", 4), WEIR_OK);
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().dropped_reply, 1);
    assert_int_equal(fixture_stats().sends_dropped, 1);
    assert_int_equal(fixture_stats().datagram_bytes_out, 4);
    sim_datagrams_close(peer);
    fixture_close();
}

static void datagrams_beyond_the_rate_are_dropped(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 5;
    fixture_open(&config, NULL, &handler_echo, 15);
    struct sim_datagrams *peer = fixture_datagrams(2);
    for (int i = 0; i < 50; i++) sim_datagrams_send(peer, &fixture.address, "x", 1);
    fixture_run_ms(100);
    assert_true(fixture_stats().datagrams_out >= 5 && fixture_stats().datagrams_out <= 7);
    assert_int_equal(fixture_stats().datagrams_out + fixture_stats().dropped_rate, 50);
    sim_datagrams_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_ends),
        cmocka_unit_test(a_session_that_only_gets_is_not_idle),
        cmocka_unit_test(a_client_that_sends_nothing_is_closed),
        cmocka_unit_test(a_lifetime_ends),
        cmocka_unit_test(a_peer_that_reads_nothing_is_stalled),
        cmocka_unit_test(a_peer_that_does_not_follow_our_end_is_left),
        cmocka_unit_test(the_handlers_timer_comes_once_and_not_early),
        cmocka_unit_test(a_still_stood_worker_reads_before_it_closes),
        cmocka_unit_test(on_close_runs_once_with_the_reason),
        cmocka_unit_test(what_was_sent_back_goes_before_the_end),
        cmocka_unit_test(a_drain_asks_the_handler),
        cmocka_unit_test(a_drain_is_spread_by_its_jitter),
        cmocka_unit_test(an_address_that_is_full_leaves_others_free),
        cmocka_unit_test(refused_clients_receive_the_reject_message),
        cmocka_unit_test(lists_decide_admission),
        cmocka_unit_test(too_many_a_second_are_refused),
        cmocka_unit_test(a_rate_slows_a_peer_down_and_loses_nothing),
        cmocka_unit_test(messages_are_cut_and_framed),
        cmocka_unit_test(a_fault_ends_it_with_words_after_the_answers),
        cmocka_unit_test(an_end_inside_a_frame_is_a_fault),
        cmocka_unit_test(a_frame_must_be_finished_in_time),
        cmocka_unit_test(a_pause_of_ours_stops_the_time_of_a_frame),
        cmocka_unit_test(an_id_that_is_gone_says_so),
        cmocka_unit_test(an_abort_from_another_thread_discards_the_queue),
        cmocka_unit_test(a_broadcast_reaches_the_members_alone),
        cmocka_unit_test(a_slow_member_is_treated_by_the_policy),
        cmocka_unit_test(a_datagram_peer_is_a_session_like_any),
        cmocka_unit_test(the_longest_idle_peer_gives_way),
        cmocka_unit_test(replies_are_bounded_by_what_came),
        cmocka_unit_test(datagrams_beyond_the_rate_are_dropped),
    };

    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
