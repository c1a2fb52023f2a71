/* SPDX-License-Identifier: MIT */
/* test_drain.c - which sessions a drain finishes as idle, and which it notifies. Over the
 * simulated network in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"

#define CROWD 200u /* several batches of events */
#define HOUR_MS (3600u * 1000)

/* ---- a handler that answers, and finishes its sessions on a drain ---- */

static int log_count;

static void polite_open(struct weir_session *session)
{
    (void)session;
}

static void polite_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void polite_drain(struct weir_session *session)
{
    log_count++;
    weir_session_finish(session);
}

static const struct weir_handler handler_polite = {
    .size = sizeof(struct weir_handler),
    .name = "polite",
    .summary = "",
    .on_open = polite_open,
    .on_message = polite_message,
    .on_drain = polite_drain,
};

static void last_word_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
    weir_session_finish(session);
}

static const struct weir_handler handler_last_word = {
    .size = sizeof(struct weir_handler),
    .name = "last_word",
    .summary = "",
    .on_open = polite_open,
    .on_message = last_word_message,
};

/* ---- tests ---- */

static void a_drain_reads_pending_data_before_it_finishes_idle_sessions(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peers[CROWD];
    uint8_t byte;

    (void)state;
    config.sessions_max = CROWD;
    fixture_open(&config, NULL, &handler_echo, 31);
    for (uint32_t i = 0; i < CROWD; i++) peers[i] = fixture_connect();
    fixture_run_ms(500);
    for (uint32_t i = 0; i < CROWD; i++) assert_int_equal(sim_peer_send(peers[i], "x", 1), 1);
    sim_pass_ns(fixture.simulation, 50 * FIXTURE_MS);
    remote_drain(&fixture.loop.worker, HOUR_MS);
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t received = 0;
        for (int n = 0; n < FIXTURE_ITERATIONS_MAX && received == 0; n++) {
            received = sim_peer_receive(peers[i], &byte, 1);
            if (sim_peer_saw_end(peers[i])) break;
            fixture_iterate(FIXTURE_MS);
        }
        assert_int_equal(received, 1);
        sim_peer_finish(peers[i]);
    }
    fixture_close();
}

/* Iterates until the drain has closed the peer, each iteration this late; returns the time, and
 * counts what came before. */
static uint64_t ms_until_the_end(struct sim_peer *peer, uint64_t late_ms, uint32_t *received)
{
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);
    uint8_t bytes[16];

    *received = 0;

    for (int i = 0; i < 1000 && !sim_peer_saw_end(peer); i++) {
        sim_pass_ns(fixture.simulation, late_ms * FIXTURE_MS);
        fixture_iterate(FIXTURE_MS);
        *received += sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_true(sim_peer_saw_end(peer));
    return (net_now_ns(fixture.loop.worker.net) - started_ns) / FIXTURE_MS;
}

static void a_worker_that_is_always_late_drains_all_the_same(void **state)
{
    struct weir_config config = fixture_config();
    uint32_t received;

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 35);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(500);
    remote_drain(&fixture.loop.worker, HOUR_MS);
    uint64_t took_ms = ms_until_the_end(peer, 50, &received);
    assert_true(took_ms >= 1000 && took_ms < 1500);
    fixture_close();
}

/* With filters a session opens when its peer's first bytes have arrived, however late. A peer with
 * filters sends the rest of its bytes when it is asked for anything. */
static void run_until_open(struct sim_peer *peer)
{
    fixture_run_ms(500);
    for (int i = 0; i < 1000 && fixture_only_session()->state != SESSION_OPEN; i++) {
        sim_peer_unread(peer);
        fixture_run_ms(10);
    }
    assert_int_equal(fixture_only_session()->state, SESSION_OPEN);
}

static void a_worker_that_stood_still_in_a_drain_reads_first(void **state)
{
    struct weir_config config = fixture_config();
    uint32_t received;

    (void)state;
    config.drain_jitter_ms = 2000; /* so that the drain has not ended it before */
    fixture_open(&config, NULL, &handler_echo, 36);
    struct sim_peer *peer = fixture_connect();
    run_until_open(peer);
    remote_drain(&fixture.loop.worker, HOUR_MS);
    fixture_iterations(10);
    assert_false(sim_peer_saw_end(peer));
    assert_int_equal(sim_peer_send(peer, "x", 1), 1);
    sim_pass_ns(fixture.simulation, 5000 * FIXTURE_MS);
    assert_true(ms_until_the_end(peer, 0, &received) < 6000);
    assert_int_equal(received, 1);
    fixture_close();
}

static void a_session_opened_during_a_drain_is_notified(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    log_count = 0;
    fixture_open(&config, NULL, &handler_polite, 32);
    remote_drain(&fixture.loop.worker, HOUR_MS);
    fixture_iterations(2);
    assert_int_equal(fixture.loop.worker.request, WORKER_DRAIN);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 1000 && !sim_peer_saw_end(peer); i++) fixture_iterate(FIXTURE_MS);
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(log_count, 1);
    fixture_close();
}

static struct sim_datagrams *ask(const char *text)
{
    const struct net_address from = address_of_v4(0x7f000002, 0);
    struct sim_datagrams *peer = sim_datagrams_open(fixture.simulation, &from);

    sim_datagrams_send(peer, &fixture.address, text, (uint32_t)strlen(text));
    fixture_run_ms(10);
    return peer;
}

static void expect_answer(struct sim_datagrams *peer, const char *text)
{
    struct net_address from;
    char bytes[64] = "";
    uint32_t length = 0;

    assert_true(sim_datagrams_receive(peer, bytes, sizeof bytes, &length, &from));
    assert_int_equal(length, strlen(text));
    assert_memory_equal(bytes, text, length);
}

static void a_udp_peer_of_a_drain_is_answered_and_notified(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    log_count = 0;
    fixture_open(&config, NULL, &handler_polite, 33);
    remote_drain(&fixture.loop.worker, HOUR_MS);
    fixture_iterations(2);
    struct sim_datagrams *peer = ask("late");
    expect_answer(peer, "late");
    assert_int_equal(log_count, 1);
    assert_int_equal(fixture_stats().peers_closed, 1);
    sim_datagrams_close(peer);
    fixture_close();
}

static void a_datagram_peer_that_is_finished_gets_its_last_answer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_last_word, 34);
    struct sim_datagrams *peer = ask("last");
    expect_answer(peer, "last");
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_datagrams_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_reads_pending_data_before_it_finishes_idle_sessions),
        cmocka_unit_test(a_worker_that_is_always_late_drains_all_the_same),
        cmocka_unit_test(a_worker_that_stood_still_in_a_drain_reads_first),
        cmocka_unit_test(a_session_opened_during_a_drain_is_notified),
        cmocka_unit_test(a_udp_peer_of_a_drain_is_answered_and_notified),
        cmocka_unit_test(a_datagram_peer_that_is_finished_gets_its_last_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
