/* SPDX-License-Identifier: MIT */
/* test_endings.c - how a session that weir closes ends for its peer: by RST if accepted output was
 * lost, by FIN if all of it was delivered; and the peers that are slow, but not stalled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "fixture.h"
#include "memory_faults.h"
#include "remote.h"
#include "sim_wire.h"

#define S 1000u /* in milliseconds */

static uint8_t much[40000];

static struct weir_session *test__session(void)
{
    return fixture_only_session();
}

static void test__queue(uint32_t bytes)
{
    assert_int_equal(remote_send(&fixture.loop.worker, test__session()->id, much, bytes), WEIR_OK);
    fixture_run_ms(10);
}

/* Connects a peer that reads nothing, and sends until a send is blocked. */
static struct sim_peer *test__blocked(const struct weir_config *config)
{
    fixture_open(config, NULL, &handler_discard, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    for (int i = 0; i < 20 && !test__session()->send_out; i++) test__queue(sizeof much);
    assert_true(test__session()->send_out);
    return peer;
}

static void test__read_all(struct sim_peer *peer, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i += 10) {
        while (sim_peer_receive(peer, much, sizeof much) > 0) continue;
        fixture_iterate(10 * FIXTURE_MS);
    }
}

static void test__ends_by_reset(struct sim_peer *peer, enum weir_reason reason)
{
    assert_int_equal(fixture_closed(reason), 1);
    test__read_all(peer, 50);
    assert_true(sim_peer_saw_reset(peer));
    assert_false(sim_peer_saw_end(peer));
    sim_peer_close(peer);
    fixture_close();
}

/* ---- endings that lose output ---- */

static void a_stalled_session_is_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 10 * S;
    struct sim_peer *peer = test__blocked(&config);
    fixture_run_ms(11 * S);
    test__ends_by_reset(peer, WEIR_REASON_STALLED);
}

static void a_session_with_output_is_reset_at_its_lifetime(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.lifetime_ms = 10 * S;
    struct sim_peer *peer = test__blocked(&config);
    fixture_run_ms(10 * S);
    test__ends_by_reset(peer, WEIR_REASON_LIFETIME);
}

static void a_session_with_output_is_reset_when_it_is_idle(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 10 * S;
    struct sim_peer *peer = test__blocked(&config);
    test__queue(sizeof much);
    fixture_run_ms(11 * S);
    test__ends_by_reset(peer, WEIR_REASON_IDLE);
}

static void a_session_with_output_is_reset_by_a_stop(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__blocked(&config);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    test__ends_by_reset(peer, WEIR_REASON_SHUTDOWN);
}

static void a_session_with_output_is_reset_at_the_deadline_of_a_drain(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__blocked(&config);
    remote_drain(&fixture.loop.worker, 2 * S);
    fixture_run_to_the_end();
    test__ends_by_reset(peer, WEIR_REASON_SHUTDOWN);
}

static void a_finishing_session_with_output_is_reset_at_the_deadline_of_a_drain(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__blocked(&config);
    assert_int_equal(remote_finish(&fixture.loop.worker, test__session()->id), WEIR_OK);
    remote_drain(&fixture.loop.worker, 2 * S);
    fixture_run_to_the_end();
    test__ends_by_reset(peer, WEIR_REASON_APPLICATION);
}

/* Nothing is queued and no send is out, but a part of the stream is lost. */
static void a_session_whose_accepted_answer_found_no_memory_is_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_discard, 2);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    fixture_take_buffers();
    memory_fail_nth(1, 1);
    session_send_or_close(test__session(), much, 10);
    memory_fail_nth(0, 0);
    fixture_give_back_buffers();
    fixture_run_ms(50);
    test__ends_by_reset(peer, WEIR_REASON_EXHAUSTED);
}

static void an_aborted_session_is_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__blocked(&config);
    assert_int_equal(remote_abort(&fixture.loop.worker, test__session()->id), WEIR_OK);
    fixture_run_ms(50);
    test__ends_by_reset(peer, WEIR_REASON_APPLICATION);
}

static void an_aborted_session_is_reset_without_output_as_well(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_discard, 3);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    weir_session_abort(test__session());
    fixture_run_ms(50);
    test__ends_by_reset(peer, WEIR_REASON_APPLICATION);
}

static void echo_and_abort(struct weir_session *session, const struct weir_message *message)
{
    assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    weir_session_abort(session);
}

static const struct weir_handler handler_abort = {.size = sizeof(struct weir_handler),
                                                  .name = "abort",
                                                  .summary = "",
                                                  .on_message = echo_and_abort};

static void an_answer_that_an_abort_discards_ends_by_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_abort, 4);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "x");
    fixture_run_ms(50);
    test__ends_by_reset(peer, WEIR_REASON_APPLICATION);
}

/* After the peer's FIN, an answer was announced that never came. */
static void a_session_with_an_announced_answer_is_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.lifetime_ms = 10 * S;
    fixture_open(&config, NULL, &handler_discard, 5);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    session_hold(test__session());
    sim_peer_finish(peer);
    fixture_run_ms(9 * S);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(2 * S);
    test__ends_by_reset(peer, WEIR_REASON_LIFETIME);
}

/* Nothing is lost if the handler finishes a session that it holds. */
static void a_held_session_that_is_finished_ends_by_fin(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_discard, 5);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    session_hold(test__session());
    session_finish(test__session(), WEIR_REASON_APPLICATION);
    fixture_run_ms(50);
    sim_peer_finish(peer);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_true(sim_peer_saw_end(peer));
    assert_false(sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_close();
}

static void a_slow_member_of_a_group_is_reset(void **state)
{
    struct weir_config config = fixture_config();
    enum weir_code code;

    (void)state;
    config.broadcast_policy = WEIR_BROADCAST_DISCONNECT;
    struct sim_peer *peer = test__blocked(&config);
    struct payload *payload = payload_open(NULL, much, sizeof much, &code);
    for (int i = 0; i < 10 && fixture_stats().open > 0; i++) {
        session_share(test__session(), payload);
        fixture_run_ms(10);
    }
    payload_unref(payload);
    test__ends_by_reset(peer, WEIR_REASON_SLOW_READER);
}

/* ---- endings that lose nothing ---- */

static void a_session_whose_output_was_delivered_ends_by_fin(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.lifetime_ms = 10 * S;
    fixture_open(&config, NULL, &handler_discard, 6);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    test__queue(1000);
    fixture_run_ms(10 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_LIFETIME), 1);
    test__read_all(peer, 50);
    assert_true(sim_peer_saw_end(peer));
    assert_false(sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_close();
}

static void test__set_latency(uint32_t latency_ms)
{
    fixture.simulation->options.latency_min_ns = latency_ms * FIXTURE_MS;
    fixture.simulation->options.latency_max_ns = latency_ms * FIXTURE_MS + 1;
}

/* A finished session on a network whose latency changes after its FIN. Pieces arrive an eighth of
 * the latency apart. */
static struct sim_peer *test__lingering(const struct weir_config *config, uint32_t before_ms,
                                        uint32_t after_ms)
{
    fixture_open(config, NULL, &handler_discard, 7);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    test__set_latency(before_ms);
    assert_int_equal(remote_send(&fixture.loop.worker, test__session()->id, much, 30000), WEIR_OK);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !test__session()->finished; i++) {
        fixture_iterate(100 * FIXTURE_MS);
        session_finish(test__session(), WEIR_REASON_APPLICATION);
    }
    assert_true(test__session()->finished);
    test__set_latency(after_ms);
    return peer;
}

static void a_peer_that_does_not_take_the_last_bytes_is_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 5 * S;
    struct sim_peer *peer = test__lingering(&config, 600 * S, 600 * S);
    fixture_run_ms(4 * S);
    assert_int_equal(test__session()->state, SESSION_FINISHING);
    fixture_run_ms(2 * S);
    assert_int_equal(test__session()->state, SESSION_CLOSING);
    fixture_run_ms(700 * S); /* the RST, and the answer of the system, take that long here */
    test__set_latency(1);
    test__ends_by_reset(peer, WEIR_REASON_APPLICATION);
}

static void test__receives_30000(struct sim_peer *peer)
{
    uint32_t count = 0;

    for (int i = 0; i < 600 && !sim_peer_saw_end(peer); i++) {
        count += sim_peer_receive(peer, much, sizeof much);
        fixture_run_ms(1 * S);
    }
    assert_int_equal(count, 30000);
    assert_true(sim_peer_saw_end(peer));
    assert_false(sim_peer_saw_reset(peer));
}

/* Each piece takes less than the timeout, all together much more. */
static void a_peer_that_takes_the_last_bytes_slowly_gets_them(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 25 * S;
    struct sim_peer *peer = test__lingering(&config, 20 * S, 160 * S);
    test__receives_30000(peer);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(200 * S); /* it never sends its FIN */
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_false(sim_peer_saw_reset(peer));
    test__set_latency(1);
    sim_peer_close(peer);
    fixture_close();
}

/* A drain awaits the peer's FIN for a second, but not while the last bytes move. */
static void a_drain_waits_for_a_slow_peer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__lingering(&config, 500, 7200);
    remote_drain(&fixture.loop.worker, 600 * S);
    test__receives_30000(peer);
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- progress of a send ---- */

/* Reads that many bytes every `ms`, `count` times. */
static void test__read_slowly(struct sim_peer *peer, uint32_t bytes, uint64_t ms, int count)
{
    for (int i = 0; i < count; i++) {
        sim_peer_receive(peer, much, bytes);
        fixture_run_ms(ms);
    }
}

static void a_slow_but_steady_reader_is_not_stalled(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 10 * S;
    config.idle_timeout_ms = 30 * S;
    struct sim_peer *peer = test__blocked(&config);
    for (int i = 0; i < 2; i++) test__queue(sizeof much);
    test__read_slowly(peer, 500, 4 * S, 50); /* its send takes more than three minutes */
    assert_int_equal(fixture_stats().open, 1);
    assert_true(test__session()->send_out);
    fixture_run_ms(10 * S + 10 * S / 4 + 10 * S / 32); /* a last byte, and a last measurement */
    test__ends_by_reset(peer, WEIR_REASON_STALLED);
}

static void a_reader_below_the_lowest_rate_is_stalled(void **state)
{
    static const uint32_t bytes_read[] = {500, 2000};

    (void)state;
    for (int is_fast = 0; is_fast < 2; is_fast++) {
        struct weir_config config = fixture_config();
        config.send_timeout_ms = 2 * S;
        config.send_rate_min_bytes = 1000;
        struct sim_peer *peer = test__blocked(&config);
        for (int i = 0; i < 2; i++) test__queue(sizeof much);
        test__read_slowly(peer, bytes_read[is_fast], 1 * S, 200);
        assert_int_equal(fixture_closed(WEIR_REASON_STALLED), is_fast ? 0 : 1);
        sim_peer_close(peer);
        fixture_close();
    }
}

/* The system's queue is longer than the send behind it: its bytes count as well. */
static void bytes_of_earlier_sends_count_for_the_rate(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 60 * S;
    config.send_rate_min_bytes = 100;
    fixture_open(&config, NULL, &handler_discard, 8);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    test__set_latency(40 * S);
    for (int i = 0; i < 2; i++) test__queue(32 * 1024); /* the network accepts no further byte */
    while (test__session()->send_out) fixture_run_ms(100);
    test__set_latency(8 * S); /* a piece arrives every second */
    test__queue(200);
    assert_true(test__session()->send_out);
    fixture_run_ms(60 * S + 5 * S); /* two seconds are for the bytes of the send */
    assert_int_equal(test__session()->state, SESSION_OPEN);
    fixture_run_ms(70 * S);
    test__set_latency(1);
    fixture_run_ms(20 * S);
    test__ends_by_reset(peer, WEIR_REASON_STALLED);
}

/* ---- bytes_out ---- */

static void a_send_that_is_cut_counts_what_the_system_took(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 10 * S;
    struct sim_peer *peer = test__blocked(&config);
    uint32_t arrived = sim_peer_unread(peer);
    assert_true(fixture_stats().bytes_out < arrived); /* the send is not answered yet */
    fixture_run_ms(11 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    assert_int_equal(fixture_stats().bytes_out, arrived);
    sim_peer_close(peer);
    fixture_close();
}

static void a_send_that_a_reset_cuts_counts_what_the_system_took(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = test__blocked(&config);
    uint32_t arrived = sim_peer_unread(peer);
    sim_peer_reset(peer);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_RESET), 1);
    assert_int_equal(fixture_stats().bytes_out, arrived);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stalled_session_is_reset),
        cmocka_unit_test(a_session_with_output_is_reset_at_its_lifetime),
        cmocka_unit_test(a_session_with_output_is_reset_when_it_is_idle),
        cmocka_unit_test(a_session_with_output_is_reset_by_a_stop),
        cmocka_unit_test(a_session_with_output_is_reset_at_the_deadline_of_a_drain),
        cmocka_unit_test(a_finishing_session_with_output_is_reset_at_the_deadline_of_a_drain),
        cmocka_unit_test(a_session_whose_accepted_answer_found_no_memory_is_reset),
        cmocka_unit_test(an_aborted_session_is_reset),
        cmocka_unit_test(an_aborted_session_is_reset_without_output_as_well),
        cmocka_unit_test(an_answer_that_an_abort_discards_ends_by_reset),
        cmocka_unit_test(a_session_with_an_announced_answer_is_reset),
        cmocka_unit_test(a_held_session_that_is_finished_ends_by_fin),
        cmocka_unit_test(a_slow_member_of_a_group_is_reset),
        cmocka_unit_test(a_session_whose_output_was_delivered_ends_by_fin),
        cmocka_unit_test(a_peer_that_does_not_take_the_last_bytes_is_reset),
        cmocka_unit_test(a_peer_that_takes_the_last_bytes_slowly_gets_them),
        cmocka_unit_test(a_drain_waits_for_a_slow_peer),
        cmocka_unit_test(a_slow_but_steady_reader_is_not_stalled),
        cmocka_unit_test(a_reader_below_the_lowest_rate_is_stalled),
        cmocka_unit_test(bytes_of_earlier_sends_count_for_the_rate),
        cmocka_unit_test(a_send_that_is_cut_counts_what_the_system_took),
        cmocka_unit_test(a_send_that_a_reset_cuts_counts_what_the_system_took),
    };

    return cmocka_run_group_tests_name("endings", tests, NULL, NULL);
}
