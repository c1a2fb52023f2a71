/* SPDX-License-Identifier: MIT */
/* test_scarcity.c - what a worker does when files, buffers, room or time run short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "remote.h"

#define S 1000u /* in milliseconds */

static void accepting_waits_for_files(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 1);
    sim_set_files_max(fixture.simulation, sim_files_count(fixture.simulation));
    struct sim_peer *peer = sim_connect(fixture.simulation, &fixture.address, NULL);
    fixture_run_ms(200);
    assert_true(fixture_stats().pauses_no_files > 0);
    assert_int_equal(fixture_stats().accepted, 0);
    sim_set_files_max(fixture.simulation, SIM_UNLIMITED);
    fixture_run_ms(2 * S);
    assert_int_equal(fixture_stats().accepted, 1);
    sim_peer_close(peer);
    fixture_close();
}

static void receiving_waits_for_buffers(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_stream_buffers_max = 64;
    fixture_open(&config, NULL, &handler_echo, 2);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    fixture_take_buffers();
    fixture_say(peer, "wait");
    fixture_run_ms(200);
    assert_true(fixture_stats().pauses_no_buffers > 0);
    assert_int_equal(fixture_stats().bytes_in, 0);
    fixture_give_back_buffers();
    fixture_run_ms(200);
    fixture_expect(peer, "wait");
    sim_peer_close(peer);
    fixture_close();
    fixture_stream_buffers_max = 1024;
}

/* A finished session is read from again, whatever its queue holds: otherwise its FIN would not
 * be seen. */
static void a_finished_session_is_read_to_its_end(void **state)
{
    static uint8_t bytes[8192];
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 3);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0;
         i < 2000 && (fixture.loop.worker.tcp_sessions.next == &fixture.loop.worker.tcp_sessions ||
                      !fixture_only_session()->queue_paused);
         i++) {
        sim_peer_send(peer, bytes, sizeof bytes);
        fixture_iterate(FIXTURE_MS);
    }
    struct weir_session *session = fixture_only_session();
    assert_true(session->receiving_off);
    uint64_t before = fixture_stats().bytes_in;
    weir_session_finish(session);
    assert_false(session->receiving_off);
    fixture_run_ms(100);
    assert_true(fixture_stats().bytes_in > before);
    sim_peer_finish(peer);
    while (fixture_stats().open == 1) {
        fixture_iterate(FIXTURE_MS);
        sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- datagrams ---- */

static void join(struct weir_session *session)
{
    uint32_t *greeted = weir_session_state(session);

    assert_int_equal((*greeted)++, 0);
    assert_int_equal(weir_session_join(session, "a"), WEIR_OK);
}

static const struct weir_handler handler_join = {.size = sizeof(struct weir_handler),
                                                 .name = "join",
                                                 .summary = "",
                                                 .session_bytes = sizeof(uint32_t),
                                                 .on_open = join};

static void a_broadcast_beyond_what_a_peer_sent_is_dropped(void **state)
{
    struct weir_config config = fixture_config();
    enum weir_code code;

    (void)state;
    config.datagram_reply_percent_max = 100;
    fixture_open(&config, NULL, &handler_join, 4);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "four");
    fixture_run_ms(50);
    for (int i = 0; i < 2; i++) {
        struct payload *payload = payload_open(NULL, "news", 4, &code);
        payload->group[0] = 'a';
        payload->slot = group_slot(&fixture.common, payload->group);
        assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
        payload_unref(payload);
        fixture_run_ms(50);
        assert_int_equal(fixture_stats().sends_dropped, i);
    }
    fixture_hear(peer, "news");
    sim_datagrams_close(peer);
    fixture_close();
}

/* ---- time ---- */

/* A minute without a loop iteration, and much to read after it: no timeout expires before that
 * is read; and a drain that starts then finds no session idle. */
static void a_worker_that_stood_still_reads_for_as_long_as_something_comes(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peers[5];

    (void)state;
    config.idle_timeout_ms = 10 * S;
    fixture_open(&config, &codec_dot, &handler_echo, 5);
    for (int i = 0; i < 5; i++) peers[i] = fixture_connect();
    fixture_run_ms(200);
    struct sim_datagrams *socket = fixture_datagrams(2);
    for (int i = 0; i < 5; i++) fixture_tell(peers[i], "late");
    for (int i = 0; i < 100; i++) fixture_send_to(socket, "x"); /* more than one batch */
    sim_pass_ns(fixture.simulation, 60 * S * FIXTURE_MS);
    remote_drain(&fixture.loop.worker, 60 * S);
    for (int iteration = 0; iteration < 10; iteration++) {
        for (int i = 0; i < 5; i++) fixture_say(peers[i], "x.");
        fixture_iterate(FIXTURE_MS);
        assert_int_equal(fixture_stats().closed, 0);
    }
    fixture_run_ms(20);
    for (int i = 0; i < 5; i++) fixture_expect(peers[i], "late.x.x.x.x.x.x.x.x.x.x.");
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 5);
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 0);
    assert_int_equal(fixture_stats().datagrams_out, 100);
    sim_datagrams_close(socket);
    for (int i = 0; i < 5; i++) sim_peer_close(peers[i]);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepting_waits_for_files),
        cmocka_unit_test(receiving_waits_for_buffers),
        cmocka_unit_test(a_finished_session_is_read_to_its_end),
        cmocka_unit_test(a_broadcast_beyond_what_a_peer_sent_is_dropped),
        cmocka_unit_test(a_worker_that_stood_still_reads_for_as_long_as_something_comes),
    };

    return cmocka_run_group_tests_name("scarcity", tests, NULL, NULL);
}
