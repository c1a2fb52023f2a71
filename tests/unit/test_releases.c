/* SPDX-License-Identifier: MIT */
/* test_releases.c - sessions whose sends are released when the peer acknowledges them: 92 ms after
 * a few bytes, 52 ms after two segments. Accepting a send frees no memory and is no progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "account.h"
#include "builtin.h"
#include "fixture.h"
#include "remote.h"

#define S 1000u        /* in milliseconds */
#define RELEASE_MS 95u /* more than a release needs */
#define ACCEPT_MS 5u   /* more than accepting and arriving need */
#define BUFFER_BYTES 16384u

static uint8_t much[200000];

static struct weir_session *test__session(void)
{
    return fixture_only_session();
}

static void test__open(const struct weir_config *config, const struct weir_handler *handler)
{
    static struct sim_options network;

    sim_options_init(&network);
    network.acknowledges = true;
    network.latency_min_ns = network.latency_max_ns = FIXTURE_MS;
    network.window_bytes = network.piece_bytes_max = 4 << 20;
    network.ack_travel_ns = 50 * FIXTURE_MS;
    fixture_network = &network;
    fixture_open(config, NULL, handler, 1);
}

static struct sim_peer *test__connect(const struct weir_config *config)
{
    test__open(config, &handler_discard);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(ACCEPT_MS);
    return peer;
}

static void test__send(uint32_t bytes)
{
    assert_int_equal(remote_send(&fixture.loop.worker, test__session()->id, much, bytes), WEIR_OK);
    fixture_run_ms(ACCEPT_MS);
}

static uint32_t test__read(struct sim_peer *peer)
{
    static uint8_t bytes[1 << 20];
    uint32_t count, sum = 0;

    while ((count = sim_peer_receive(peer, bytes, sizeof bytes)) > 0) sum += count;
    return sum;
}

static uint32_t test__flight(void)
{
    return test__session()->queue.flight_bytes;
}

static void test__close(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_close();
}

/* ---- several sends in flight ---- */

static void a_send_follows_before_the_previous_one_is_released(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    for (uint32_t i = 1; i <= 5; i++) {
        test__send(10);
        assert_int_equal(test__read(peer), 10);
        assert_int_equal(test__flight(), 10 * i);
        assert_false(test__session()->send_out);
    }
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(test__flight(), 0);
    test__close(peer);
}

static void unreleased_buffers_are_memory_of_their_session(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    for (int i = 0; i < 3; i++) test__send(10);
    assert_int_equal(fixture_stats().queued_bytes, 3 * BUFFER_BYTES);
    assert_int_equal(account_held_bytes(test__session()), 3 * BUFFER_BYTES);
    assert_int_equal(net_memory(fixture.loop.worker.net).taken_bytes, 3 * BUFFER_BYTES);
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(fixture_stats().queued_bytes, 0);
    assert_int_equal(net_memory(fixture.loop.worker.net).taken_bytes, 0);
    test__close(peer);
}

static void bytes_out_counts_released_bytes(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    test__send(100);
    assert_int_equal(fixture_stats().bytes_out, 0);
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(fixture_stats().bytes_out, 100);
    test__close(peer);
}

static void reading_pauses_until_memory_is_released(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_queue_high_bytes = 2 * BUFFER_BYTES;
    config.send_queue_low_bytes = 0;
    struct sim_peer *peer = test__connect(&config);
    for (int i = 0; i < 2; i++) test__send(10);
    assert_true(test__session()->queue_paused); /* no byte waits to be sent */
    assert_true(test__session()->receiving_off);
    fixture_run_ms(RELEASE_MS);
    assert_false(test__session()->queue_paused);
    assert_false(test__session()->receiving_off);
    test__close(peer);
}

/* The network accepts stream_unreleased_max_bytes; the rest is accepted after releases. */
static void a_large_queue_is_sent_in_full(void **state)
{
    struct weir_config config = fixture_config();
    uint32_t got = 0;

    (void)state;
    config.send_queue_high_bytes = 8 << 20;
    struct sim_peer *peer = test__connect(&config);
    for (int i = 0; i < 15; i++) test__send(sizeof much);
    for (int i = 0; i < 100; i++) {
        fixture_run_ms(10);
        got += test__read(peer);
        assert_true(test__flight() <= (1 << 20) + 17 * BUFFER_BYTES);
    }
    assert_int_equal(got, 15 * sizeof much);
    assert_int_equal(fixture_stats().bytes_out, 15 * sizeof much);
    test__close(peer);
}

/* ---- shares ---- */

static void test__share(const char *text)
{
    enum weir_code code;
    struct payload *payload = payload_open(NULL, text, strlen(text), &code);

    assert_non_null(payload);
    payload_charge(payload, &fixture.common.payload_bytes);
    session_share(test__session(), payload);
    payload_unref(payload);
}

/* Each would take a buffer of its own. Above the mark they wait, and share one. */
static void shares_above_the_mark_wait_for_a_release(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_queue_high_bytes = 2 * BUFFER_BYTES + 1000;
    struct sim_peer *peer = test__connect(&config);
    test__share("a");
    fixture_run_ms(ACCEPT_MS);
    test__share("b");
    fixture_run_ms(ACCEPT_MS);
    test__share("c"); /* within the mark, and its buffer is not */
    fixture_run_ms(ACCEPT_MS);
    assert_int_equal(test__flight(), 3);
    fixture.loop.worker.share_bytes = 8 * BUFFER_BYTES; /* as for a speaker that waits */
    test__share("d");
    fixture_run_ms(ACCEPT_MS);
    test__share("e");
    fixture_run_ms(ACCEPT_MS);
    assert_int_equal(test__flight(), 3);
    assert_int_equal(test__session()->queue.shares_count, 2);
    fixture_run_ms(RELEASE_MS);
    fixture_expect(peer, "abcde");
    test__close(peer);
}

/* The session that has the most buffers in flight gives way, as if it did not read. */
static void a_share_without_a_buffer_is_reported(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    test__share("a");
    fixture_run_ms(ACCEPT_MS);
    fixture_take_buffers();
    test__share("b");
    fixture_run_ms(ACCEPT_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_true(sim_peer_saw_reset(peer));
    fixture_give_back_buffers();
    test__close(peer);
}

/* Nothing else looks at the memory meanwhile, so the session stays, and the share follows. */
static void a_share_that_finds_no_buffer_follows_later(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    struct weir_session *session = test__session();
    test__share("a");
    fixture_iterations(2);
    assert_int_equal(test__flight(), 1);
    assert_false(session->send_out);
    fixture_take_buffers();
    test__share("b");
    list_remove(&session->in_pending_flush); /* as the loop does it */
    session_flush(session);
    assert_true(list_has(&session->in_pending_flush));
    assert_int_equal(session->queue.shares_count, 1);
    fixture_give_back_buffers();
    fixture_run_ms(RELEASE_MS);
    fixture_run_ms(RELEASE_MS);
    fixture_expect(peer, "ab");
    test__close(peer);
}

/* ---- ends ---- */

static void finish_after(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    weir_session_send(session, "bye", 3);
    weir_session_finish(session);
}

static const struct weir_handler handler_bye = {
    .size = sizeof(struct weir_handler), .name = "bye", .on_message = finish_after};

/* The peer's FIN comes first, and the answer and FIN follow. Closing would cancel the answer. */
static void a_session_ends_when_its_last_answer_is_released(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    test__open(&config, &handler_echo);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    sim_peer_finish(peer);
    fixture_run_ms(ACCEPT_MS);
    fixture_expect(peer, "hello");
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(fixture_stats().open, 1);
    assert_int_equal(test__session()->state, SESSION_FINISHING);
    assert_int_equal(session_send(test__session(), "late", 4), WEIR_CANCELLED);
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    assert_int_equal(fixture_stats().bytes_out, 5);
    assert_false(sim_peer_saw_reset(peer));
    test__close(peer);
}

static void a_finished_session_ends_when_its_last_bytes_are_released(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    test__open(&config, &handler_bye);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    fixture_run_ms(ACCEPT_MS);
    fixture_expect(peer, "bye");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer); /* before the acknowledgement is back */
    fixture_run_ms(ACCEPT_MS);
    assert_true(test__session()->peer_done);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_false(sim_peer_saw_reset(peer));
    test__close(peer);
}

/* The peer has sent FIN and disappears: the linger timeout bounds the wait. */
static void a_lost_peer_is_awaited_for_the_linger_timeout(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 2 * S;
    test__open(&config, &handler_echo);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    sim_peer_finish(peer);
    sim_peer_lose(peer);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(1 * S + 100);
    assert_int_equal(fixture_stats().open, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    assert_int_equal(fixture_stats().bytes_out, 0);
    test__close(peer);
}

static void a_finished_session_of_a_lost_peer_ends_by_its_reason(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 2 * S;
    test__open(&config, &handler_bye);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    sim_peer_lose(peer);
    fixture_run_ms(2 * S + 100);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    test__close(peer);
}

static void an_abort_does_not_wait_for_a_release(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    test__send(10);
    session_abort(test__session());
    fixture_run_ms(ACCEPT_MS);
    assert_int_equal(fixture_stats().open, 0);
    assert_int_equal(fixture_stats().queued_bytes, 0);
    assert_true(sim_peer_saw_reset(peer));
    test__close(peer);
}

/* A close while bytes are unreleased loses them: the peer must not see a FIN. */
static void a_session_with_unreleased_bytes_is_reset_at_its_lifetime(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.lifetime_ms = 1 * S;
    struct sim_peer *peer = test__connect(&config);
    fixture_run_ms(1 * S - 3 * ACCEPT_MS);
    test__send(10);
    assert_int_equal(test__flight(), 10);
    fixture_run_ms(4 * ACCEPT_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_LIFETIME), 1);
    assert_true(sim_peer_saw_reset(peer));
    test__close(peer);
}

static void a_reset_ends_a_session_with_unreleased_bytes(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    for (int i = 0; i < 3; i++) test__send(10);
    sim_peer_reset(peer);
    fixture_run_ms(ACCEPT_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_RESET), 1);
    assert_int_equal(fixture_stats().queued_bytes, 0);
    test__close(peer);
}

static void a_drain_waits_for_the_release(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__connect(&config);
    fixture_run_ms(200);
    test__send(10);
    remote_drain(&fixture.loop.worker, 10 * S);
    fixture_run_ms(60);
    assert_int_equal(test__session()->state, SESSION_OPEN); /* it received nothing for long */
    fixture_run_ms(RELEASE_MS);
    assert_int_equal(test__session()->state, SESSION_FINISHING);
    sim_peer_finish(peer);
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    assert_int_equal(fixture_stats().bytes_out, 10);
    test__close(peer);
}

/* ---- the send deadline ---- */

/* Sends every 50 ms, for that long. Something is always in flight. */
static void test__push(struct sim_peer *peer, uint32_t ms)
{
    for (uint32_t passed_ms = 0; passed_ms < ms && fixture_stats().open > 0; passed_ms += 50) {
        test__send(10);
        fixture_run_ms(50 - ACCEPT_MS);
        test__read(peer);
    }
}

static void later_sends_do_not_extend_the_deadline_of_earlier_ones(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 2 * S;
    config.send_queue_high_bytes = 1 << 20;
    struct sim_peer *peer = test__connect(&config);
    sim_peer_lose(peer);
    test__push(peer, 1900);
    assert_int_equal(fixture_stats().open, 1);
    test__push(peer, 300);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    test__close(peer);
}

/* It takes every byte, and few are sent: less than the lowest rate. */
static void a_steady_flight_of_few_bytes_is_not_stalled(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 2 * S;
    config.send_rate_min_bytes = 100000;
    struct sim_peer *peer = test__connect(&config);
    test__push(peer, 20 * S);
    assert_int_equal(fixture_stats().open, 1);
    assert_true(test__flight() > 0);
    test__close(peer);
}

/* What follows a release without a gap has a deadline of its own. */
static void a_peer_that_is_lost_during_a_flight_is_stalled(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 2 * S;
    struct sim_peer *peer = test__connect(&config);
    test__push(peer, 5 * S);
    sim_peer_lose(peer);
    test__push(peer, 1900);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(500);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    test__close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_follows_before_the_previous_one_is_released),
        cmocka_unit_test(unreleased_buffers_are_memory_of_their_session),
        cmocka_unit_test(bytes_out_counts_released_bytes),
        cmocka_unit_test(reading_pauses_until_memory_is_released),
        cmocka_unit_test(a_large_queue_is_sent_in_full),
        cmocka_unit_test(shares_above_the_mark_wait_for_a_release),
        cmocka_unit_test(a_share_without_a_buffer_is_reported),
        cmocka_unit_test(a_share_that_finds_no_buffer_follows_later),
        cmocka_unit_test(a_session_ends_when_its_last_answer_is_released),
        cmocka_unit_test(a_finished_session_ends_when_its_last_bytes_are_released),
        cmocka_unit_test(a_lost_peer_is_awaited_for_the_linger_timeout),
        cmocka_unit_test(a_finished_session_of_a_lost_peer_ends_by_its_reason),
        cmocka_unit_test(an_abort_does_not_wait_for_a_release),
        cmocka_unit_test(a_session_with_unreleased_bytes_is_reset_at_its_lifetime),
        cmocka_unit_test(a_reset_ends_a_session_with_unreleased_bytes),
        cmocka_unit_test(a_drain_waits_for_the_release),
        cmocka_unit_test(later_sends_do_not_extend_the_deadline_of_earlier_ones),
        cmocka_unit_test(a_steady_flight_of_few_bytes_is_not_stalled),
        cmocka_unit_test(a_peer_that_is_lost_during_a_flight_is_stalled),
    };

    return cmocka_run_group_tests_name("releases", tests, NULL, NULL);
}
