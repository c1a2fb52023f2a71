/* SPDX-License-Identifier: MIT */
/* test_drain_corners.c - the end of a worker: notified sessions, awaited peers, and for how
 * long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "remote.h"

#define S 1000u /* in milliseconds */

static uint32_t log_count;

static void send_back(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void say_bye(struct weir_session *session)
{
    log_count++;
    weir_session_send(session, "bye", 3);
    weir_session_finish(session);
}

static const struct weir_handler handler_polite = {.size = sizeof(struct weir_handler),
                                                   .name = "polite",
                                                   .summary = "",
                                                   .session_bytes = 8,
                                                   .on_message = send_back,
                                                   .on_drain = say_bye};

static void finish(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    weir_session_finish(session);
}

static const struct weir_handler handler_finish = {
    .size = sizeof(struct weir_handler), .name = "finish", .summary = "", .on_message = finish};

/* How long a drain with this deadline takes until the end. */
static uint64_t drain_takes_ms(uint32_t deadline_ms)
{
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);

    remote_drain(&fixture.loop.worker, deadline_ms);
    fixture_run_to_the_end();
    return (net_now_ns(fixture.loop.worker.net) - started_ns) / FIXTURE_MS;
}

/* Connections that the system queued before are still accepted, and must not be left without a
 * reply that was spoken before it came. */
static void a_session_opened_during_a_drain_is_notified_too(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    log_count = 0;
    fixture_open(&config, &codec_dot, &handler_polite, 1);
    struct sim_peer *early = fixture_connect();
    fixture_run_ms(50);
    struct sim_peer *late = sim_connect(fixture.simulation, &fixture.address, NULL);
    struct sim_datagrams *later = fixture_datagrams(2);
    assert_true(drain_takes_ms(60 * S) < 5 * S);
    fixture_expect(early, "bye.");
    fixture_expect(late, "bye.");
    assert_int_equal(log_count, 2);
    sim_peer_close(early);
    sim_peer_close(late);
    sim_datagrams_close(later);
    fixture_close();
}

static void a_drain_ends_by_the_peers_of_an_on_drain(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    log_count = 0;
    fixture_open(&config, NULL, &handler_polite, 2);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "hello");
    fixture_hear(peer, "hello");
    remote_drain(&fixture.loop.worker, 60 * S);
    fixture_hear(peer, "bye");
    fixture_run_to_the_end();
    assert_int_equal(log_count, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_datagrams_close(peer);
    fixture_close();
}

/* Its only datagram was beyond the rate: the handler never heard of it, and cannot end it. */
static void a_peer_that_was_never_opened_holds_up_no_drain(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    log_count = 0;
    config.receive_rate_max_bytes = 3;
    fixture_open(&config, NULL, &handler_polite, 3);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "hello");
    fixture_run_ms(10);
    assert_int_equal(fixture_stats().dropped_rate, 1);
    assert_int_equal(fixture_stats().peers_opened, 1);
    assert_true(drain_takes_ms(60 * S) < 5 * S);
    assert_int_equal(log_count, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    sim_datagrams_close(peer);
    fixture_close();
}

/* The peer's FIN is awaited for at most a second, also by a session without a linger timeout. */
static void a_drain_shortens_the_linger_of_finished_sessions(void **state)
{
    static const uint32_t lingers_ms[] = {0, 300, 50 * S};

    (void)state;
    for (size_t i = 0; i < sizeof lingers_ms / sizeof lingers_ms[0]; i++) {
        struct weir_config config = fixture_config();
        config.linger_timeout_ms = lingers_ms[i];
        fixture_open(&config, &codec_dot, &handler_finish, 4);
        struct sim_peer *peer = fixture_connect();
        fixture_tell(peer, "end");
        fixture_run_ms(100);
        assert_true(sim_peer_saw_end(peer));
        assert_int_equal(fixture_stats().open, 1);
        assert_true(drain_takes_ms(60 * S) < 3 * S);
        sim_peer_close(peer);
        fixture_close();
    }
}

static void a_session_is_idle_without_pending_input_and_output(void **state)
{
    struct weir_config config = fixture_config();
    static char much[30000];

    (void)state;
    config.receive_rate_max_bytes = 20;
    config.datagram_idle_timeout_ms = 60 * S;
    fixture_open(&config, &codec_dot, &handler_echo, 5);
    struct sim_peer *started = fixture_connect(), *rests = fixture_connect(),
                    *owed = fixture_connect();
    struct sim_datagrams *peer = fixture_datagrams(2); /* handler_echo keeps peers for their rate */
    fixture_say(started, "beg");
    fixture_say(rests, "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.");
    fixture_send_to(peer, "x");
    fixture_run_ms(20);
    uint64_t owed_id = weir_container_of(fixture.loop.worker.tcp_sessions.previous,
                                         struct weir_session, in_sessions)
                           ->id;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(remote_send(&fixture.loop.worker, owed_id, much, sizeof much), WEIR_OK);
        fixture_run_ms(20);
    }
    remote_drain(&fixture.loop.worker, 10 * S);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_stats().open, 3);
    fixture_say(started, "un.");
    fixture_run_ms(3 * S);
    assert_true(sim_peer_saw_end(started) == false); /* its answer is not read yet */
    fixture_expect(started, "begun.");
    assert_true(sim_peer_saw_end(started));
    sim_peer_finish(started);
    fixture_run_to_the_end();
    assert_true(fixture_closed(WEIR_REASON_SHUTDOWN) >= 1);
    sim_peer_close(started);
    sim_peer_close(rests);
    sim_peer_close(owed);
    sim_datagrams_close(peer);
    fixture_close();
}

static void each_waits_for_its_own_moment_of_the_jitter(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.drain_jitter_ms = 20 * S;
    fixture_open(&config, NULL, &handler_echo, 6);
    struct sim_peer *peers[5];
    for (int i = 0; i < 5; i++) peers[i] = fixture_connect();
    fixture_run_ms(200);
    remote_drain(&fixture.loop.worker, 60 * S);
    fixture_run_ms(1 * S);
    assert_true(fixture_stats().open > 0);
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 5);
    for (int i = 0; i < 5; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void udp_sockets_with_pending_answers_stay_open(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 7);
    struct sim_datagrams *peer = fixture_datagrams(2);
    remote_drain(&fixture.loop.worker, 60 * S);
    for (int i = 0; i < 40; i++) { /* never idle: the last look ends it */
        fixture_send_to(peer, "again");
        fixture_run_ms(10);
    }
    fixture_run_to_the_end();
    assert_true(fixture_stats().datagrams_out >= 10);
    sim_datagrams_close(peer);
    fixture_close();
}

/* No buffer is left to send its answer with: it is not quiet, and waits for one. */
static void a_starved_session_is_not_quiet(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_stream_buffers_max = 64;
    fixture_open(&config, &codec_dot, &handler_echo, 8);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(200);
    fixture_take_buffers();
    session_send_or_close(fixture_only_session(), (const uint8_t *)"owed", 4);
    remote_drain(&fixture.loop.worker, 60 * S);
    fixture_run_ms(2 * S);
    assert_int_equal(fixture_only_session()->state, SESSION_OPEN);
    fixture_give_back_buffers();
    fixture_run_to_the_end();
    fixture_expect(peer, "owed");
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    sim_peer_close(peer);
    fixture_close();
    fixture_stream_buffers_max = 1024;
}

static void ignore(struct weir_session *session)
{
    (void)session;
}

static const struct weir_handler handler_stubborn = {.size = sizeof(struct weir_handler),
                                                     .name = "stubborn",
                                                     .summary = "",
                                                     .on_drain = ignore,
                                                     .on_open = ignore,
                                                     .on_message = send_back};

/* A message of another thread leaves in the same iteration in which the drain checks. */
static void a_udp_socket_is_not_idle_while_an_answer_is_pending(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_stubborn, 9);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "hello");
    fixture_hear(peer, "hello");
    uint64_t id =
        weir_container_of(fixture.loop.worker.udp_sessions.next, struct weir_session, in_sessions)
            ->id;
    remote_drain(&fixture.loop.worker, 1 * S);
    fixture_run_ms(100);
    assert_false(fixture.udp.endpoint.closing);
    while (fixture.loop.drain.check_at_ns - fixture.loop.worker.now_ns > FIXTURE_MS / 5)
        fixture_iterate(FIXTURE_MS / 10);
    sim_pass_ns(fixture.simulation, fixture.loop.drain.check_at_ns - fixture.loop.worker.now_ns);
    assert_int_equal(remote_send(&fixture.loop.worker, id, "news", 4), WEIR_OK);
    fixture_iterate(0);
    assert_int_equal(fixture.udp.out_count, 1);
    fixture_hear(peer, "news");
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_SHUTDOWN), 1);
    sim_datagrams_close(peer);
    fixture_close();
}

/* After a stop of the thread, timers and the drain wait for what arrived meanwhile. The bytes of
 * the session can be behind the events of others, also when a batch is not full. */
static void a_drain_waits_while_the_worker_catches_up(void **state)
{
    struct weir_config config = fixture_config();
    struct worker *worker = &fixture.loop.worker;

    (void)state;
    fixture_open(&config, &codec_dot, &handler_echo, 10);
    struct sim_peer *idle = fixture_connect(), *busy = fixture_connect();
    fixture_run_ms(200);
    remote_drain(worker, 60 * S);
    fixture_iterate(0);
    assert_int_equal(worker->request, WORKER_DRAIN);
    fixture_say(busy, "a.");
    sim_pass_ns(fixture.simulation, 5 * S * FIXTURE_MS);
    fixture_iterate(0);
    for (int i = 0; i < 10; i++) {
        assert_true(worker->catch_up_until_ns > 0);
        assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 0);
        assert_false(sim_peer_saw_end(idle));
        fixture_say(busy, "a.");
        sim_work_ns(fixture.simulation, 30 * FIXTURE_MS);
        fixture_iterate(0);
        assert_false(worker->has_backlog);
    }
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 2);
    sim_peer_close(idle);
    sim_peer_close(busy);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_opened_during_a_drain_is_notified_too),
        cmocka_unit_test(a_drain_ends_by_the_peers_of_an_on_drain),
        cmocka_unit_test(a_peer_that_was_never_opened_holds_up_no_drain),
        cmocka_unit_test(a_drain_shortens_the_linger_of_finished_sessions),
        cmocka_unit_test(a_session_is_idle_without_pending_input_and_output),
        cmocka_unit_test(each_waits_for_its_own_moment_of_the_jitter),
        cmocka_unit_test(udp_sockets_with_pending_answers_stay_open),
        cmocka_unit_test(a_starved_session_is_not_quiet),
        cmocka_unit_test(a_drain_waits_while_the_worker_catches_up),
        cmocka_unit_test(a_udp_socket_is_not_idle_while_an_answer_is_pending),
    };

    return cmocka_run_group_tests_name("drain_corners", tests, NULL, NULL);
}
