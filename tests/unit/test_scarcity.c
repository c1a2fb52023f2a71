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
#include "mail.h"
#include "stage.h"

#define S 1000u /* in milliseconds */

static void accepting_waits_for_files(void **state)
{
    struct weir_config config = stage_config();

    (void)state;
    stage_open(&config, NULL, &handler_echo, 1);
    sim_set_files_max(stage.simulation, sim_files_count(stage.simulation));
    struct sim_peer *peer = sim_connect(stage.simulation, &stage.address, NULL);
    stage_run_ms(200);
    assert_true(stage_stats().pauses_no_files > 0);
    assert_int_equal(stage_stats().accepted, 0);
    sim_set_files_max(stage.simulation, SIM_UNLIMITED);
    stage_run_ms(2 * S);
    assert_int_equal(stage_stats().accepted, 1);
    sim_peer_close(peer);
    stage_close();
}

static void receiving_waits_for_buffers(void **state)
{
    struct weir_config config = stage_config();

    (void)state;
    stage_stream_buffers_max = 64;
    stage_open(&config, NULL, &handler_echo, 2);
    struct sim_peer *peer = stage_connect();
    stage_run_ms(50);
    stage_take_buffers();
    stage_say(peer, "wait");
    stage_run_ms(200);
    assert_true(stage_stats().pauses_no_buffers > 0);
    assert_int_equal(stage_stats().bytes_in, 0);
    stage_give_back_buffers();
    stage_run_ms(200);
    stage_expect(peer, "wait");
    sim_peer_close(peer);
    stage_close();
    stage_stream_buffers_max = 1024;
}

/* Who is finished is read from again, whatever its queue holds: else its end would not be seen. */
static void a_finished_session_is_read_to_its_end(void **state)
{
    static uint8_t bytes[8192];
    struct weir_config config = stage_config();

    (void)state;
    stage_open(&config, NULL, &handler_echo, 3);
    struct sim_peer *peer = stage_connect();
    for (int i = 0; i < 2000 && (stage.worker.open.next == &stage.worker.open ||
                                 !stage_only_session()->queue_paused);
         i++) {
        sim_peer_send(peer, bytes, sizeof bytes);
        stage_turn(STAGE_MS);
    }
    struct weir_session *session = stage_only_session();
    assert_true(session->receiving_off);
    uint64_t before = stage_stats().bytes_in;
    weir_session_finish(session);
    assert_false(session->receiving_off);
    stage_run_ms(100);
    assert_true(stage_stats().bytes_in > before);
    sim_peer_finish(peer);
    while (stage_stats().open == 1) {
        stage_turn(STAGE_MS);
        sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_int_equal(stage_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    stage_close();
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
    struct weir_config config = stage_config();
    enum weir_code code;

    (void)state;
    config.datagram_reply_percent_max = 100;
    stage_open(&config, NULL, &handler_join, 4);
    struct sim_datagrams *peer = stage_datagrams(2);
    stage_send_to(peer, "four");
    stage_run_ms(50);
    for (int i = 0; i < 2; i++) {
        struct payload *payload = payload_open(NULL, "news", 4, &code);
        payload->group[0] = 'a';
        assert_int_equal(mail_broadcast(&stage.worker, payload), WEIR_OK);
        payload_give_back(payload);
        stage_run_ms(50);
        assert_int_equal(stage_stats().sends_dropped, i);
    }
    stage_hear(peer, "news");
    sim_datagrams_close(peer);
    stage_close();
}

/* ---- time ---- */

/* A minute in which nobody turned, and much to read after it: no time is up before that is read;
 * and a drain that begins then takes nobody for quiet. */
static void a_worker_that_stood_still_reads_for_as_long_as_something_comes(void **state)
{
    struct weir_config config = stage_config();
    struct sim_peer *peers[5];

    (void)state;
    config.idle_timeout_ms = 10 * S;
    stage_open(&config, &codec_dot, &handler_echo, 5);
    for (int i = 0; i < 5; i++) peers[i] = stage_connect();
    stage_run_ms(200);
    struct sim_datagrams *socket = stage_datagrams(2);
    for (int i = 0; i < 5; i++) stage_tell(peers[i], "late");
    for (int i = 0; i < 100; i++) stage_send_to(socket, "x"); /* more than one batch */
    sim_pass_ns(stage.simulation, 60 * S * STAGE_MS);
    worker_drain(&stage.worker, 60 * S);
    for (int turn = 0; turn < 10; turn++) {
        for (int i = 0; i < 5; i++) stage_say(peers[i], "x.");
        stage_turn(STAGE_MS);
        assert_int_equal(stage_stats().closed, 0);
    }
    stage_run_ms(20);
    for (int i = 0; i < 5; i++) stage_expect(peers[i], "late.x.x.x.x.x.x.x.x.x.x.");
    stage_run_to_the_end();
    assert_int_equal(stage_closed(WEIR_REASON_DRAIN), 5);
    assert_int_equal(stage_closed(WEIR_REASON_IDLE), 0);
    assert_int_equal(stage_stats().datagrams_out, 100);
    sim_datagrams_close(socket);
    for (int i = 0; i < 5; i++) sim_peer_close(peers[i]);
    stage_close();
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
