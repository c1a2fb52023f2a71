/* SPDX-License-Identifier: MIT */
/* test_deadline.c - the times of a session where they meet: with a pause, with an end that is under
 * way, with each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "remote.h"

#define S 1000u /* in milliseconds */

static enum weir_reason last_reason;

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    last_reason = reason;
}

/* Sends and finishes: "end" immediately, "big" after more than the network accepts. */
static void send_and_end(struct weir_session *session, const struct weir_message *message)
{
    static const uint8_t much[100000];

    if (memcmp(message->bytes, "big", 3) == 0)
        assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    weir_session_finish(session);
}

static const struct weir_handler handler_end = {.size = sizeof(struct weir_handler),
                                                .name = "end",
                                                .summary = "",
                                                .on_message = send_and_end,
                                                .on_close = note_close};

static void greet_and_end(struct weir_session *session)
{
    static const uint8_t much[100000];

    assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    weir_session_finish(session);
}

static const struct weir_handler handler_greet = {.size = sizeof(struct weir_handler),
                                                  .name = "greet",
                                                  .summary = "",
                                                  .on_open = greet_and_end,
                                                  .on_close = note_close};

/* Reads slowly, over a minute, to the end: returns how many bytes came. */
static uint32_t read_slowly(struct sim_peer *peer)
{
    static uint8_t bytes[2000];
    uint32_t count = 0;

    for (int i = 0; i < 120 && !sim_peer_saw_end(peer); i++) {
        count += sim_peer_receive(peer, bytes, sizeof bytes);
        fixture_run_ms(500);
    }
    assert_true(sim_peer_saw_end(peer));
    return count;
}

static void the_time_of_a_frame_does_not_cut_the_last_answer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.frame_timeout_ms = 5 * S;
    fixture_open(&config, &codec_dot, &handler_end, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "bi"); /* incomplete, then completed in time */
    fixture_run_ms(100);
    fixture_say(peer, "g.");
    assert_int_equal(read_slowly(peer), 100001);
    sim_peer_close(peer);
    fixture_run_ms(100);
    assert_int_equal(last_reason, WEIR_REASON_APPLICATION);
    fixture_close();
}

static void the_time_to_a_first_byte_does_not_cut_a_greeting(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.first_byte_timeout_ms = 5 * S;
    fixture_open(&config, &codec_dot, &handler_greet, 2);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(read_slowly(peer), 100001);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- clients that only listen ---- */

static bool joins_when_opened;

static void greet(struct weir_session *session)
{
    assert_int_equal(weir_session_send(session, "hello", 5), WEIR_OK);
    if (joins_when_opened) assert_int_equal(weir_session_join(session, "room"), WEIR_OK);
}

static const struct weir_handler handler_room = {.size = sizeof(struct weir_handler),
                                                 .name = "room",
                                                 .summary = "",
                                                 .on_open = greet,
                                                 .on_close = note_close};

/* Returns a client that has received the greeting, and sends nothing. */
static struct sim_peer *open_listener(bool joins)
{
    struct weir_config config = fixture_config();

    joins_when_opened = joins;
    config.first_byte_timeout_ms = 5 * S;
    config.idle_timeout_ms = 60 * S;
    fixture_open(&config, &codec_dot, &handler_room, 9);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(1 * S);
    fixture_expect(peer, "hello.");
    return peer;
}

static void expect_end_after_55_s(struct sim_peer *peer, enum weir_reason reason)
{
    fixture_run_ms(55 * S);
    assert_int_equal(fixture_stats().closed, reason == WEIR_REASON_FIRST_BYTE);
    fixture_run_ms(10 * S);
    assert_int_equal(fixture_closed(reason), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void a_greeting_does_not_replace_the_first_byte(void **state)
{
    (void)state;
    expect_end_after_55_s(open_listener(false), WEIR_REASON_FIRST_BYTE);
}

static void a_listener_that_joined_in_on_open_is_only_idle(void **state)
{
    (void)state;
    expect_end_after_55_s(open_listener(true), WEIR_REASON_IDLE);
}

static void a_listener_that_joined_later_is_only_idle(void **state)
{
    struct sim_peer *peer = open_listener(false);

    (void)state;
    assert_int_equal(weir_session_join(fixture_only_session(), "room"), WEIR_OK);
    weir_session_leave(fixture_only_session(), "room");
    expect_end_after_55_s(peer, WEIR_REASON_IDLE);
}

static void a_client_that_receives_output_is_only_idle(void **state)
{
    struct sim_peer *peer = open_listener(false);
    uint64_t id = weir_session_id(fixture_only_session());

    (void)state;
    assert_int_equal(remote_send(&fixture.loop.worker, id, "news", 4), WEIR_OK);
    fixture_run_ms(1 * S);
    fixture_expect(peer, "news.");
    expect_end_after_55_s(peer, WEIR_REASON_IDLE);
}

static void a_session_paused_for_its_rate_is_not_idle(void **state)
{
    struct weir_config config = fixture_config();
    uint8_t bytes[1000] = {0};
    uint32_t sent = 0, received = 0;

    (void)state;
    config.receive_rate_max_bytes = 100;
    config.idle_timeout_ms = 2 * S;
    fixture_open(&config, NULL, &handler_echo, 3);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 200 && received < 5000; i++) { /* it always has more to say */
        if (sent < 5000) sent += sim_peer_send(peer, bytes, sizeof bytes);
        fixture_run_ms(1 * S);
        received += sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_int_equal(received, 5000);
    assert_true(fixture_stats().pauses_rate > 0);
    fixture_run_ms(60 * S); /* and is idle once it may speak and does not */
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void a_frame_has_no_time_while_the_rate_rests(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 1;
    config.frame_timeout_ms = 2 * S;
    fixture_open(&config, &codec_dot, &handler_echo, 4);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.b.c.d.e.f.beg"); /* five seconds' rest inside of a frame */
    fixture_run_ms(4 * S);
    assert_int_equal(fixture_stats().open, 1);
    fixture_say(peer, "un.");
    fixture_run_ms(4 * S);
    assert_int_equal(fixture_stats().open, 1);
    fixture_expect(peer, "a.b.c.d.e.f.begun.");
    sim_peer_close(peer);
    fixture_close();
}

static void a_lifetime_ends_during_a_rest(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.receive_rate_max_bytes = 10;
    config.lifetime_ms = 5 * S;
    fixture_open(&config, NULL, &handler_echo, 5);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 20; i++) fixture_say(peer, "0123456789");
    fixture_run_ms(6 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_LIFETIME), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void a_rest_that_is_long_over_ends_at_once(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.receive_rate_max_bytes = 10;
    fixture_open(&config, NULL, &handler_echo, 6);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "01234567890123456789");
    fixture_run_ms(50);
    assert_true(fixture_only_session()->rate_paused);
    sim_pass_ns(fixture.simulation, 30 * S * FIXTURE_MS); /* no loop iteration meanwhile */
    fixture_iterations(5);
    assert_false(fixture_only_session()->rate_paused);
    sim_peer_close(peer);
    fixture_close();
}

static void a_slow_reader_is_closed_below_the_lowest_rate_alone(void **state)
{
    static char much[120000];
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 1 * S;
    config.send_rate_min_bytes = 1000;
    fixture_open(&config, NULL, &handler_echo, 7);
    struct sim_peer *deaf = fixture_connect();
    fixture_run_ms(10);
    while (!fixture_only_session()->send_out) { /* until the network accepts nothing */
        remote_send(&fixture.loop.worker, fixture_only_session()->id, much, 30000);
        fixture_run_ms(100);
    }
    uint32_t flight_ms = fixture_only_session()->queue.flight_bytes; /* a byte a millisecond */
    fixture_run_ms(flight_ms);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(2 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_STALLED), 1);
    sim_peer_close(deaf);
    fixture_close();
}

/* Both came while the thread was away for a moment: the end of the peer is what counts. */
static void an_end_that_came_in_time_is_not_too_late(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 500;
    fixture_open(&config, &codec_dot, &handler_end, 8);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "end");
    fixture_run_ms(200);
    assert_true(sim_peer_saw_end(peer));
    sim_peer_finish(peer);
    sim_pass_ns(fixture.simulation, 600 * FIXTURE_MS);
    fixture_iterations(5);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_of_a_frame_does_not_cut_the_last_answer),
        cmocka_unit_test(the_time_to_a_first_byte_does_not_cut_a_greeting),
        cmocka_unit_test(a_greeting_does_not_replace_the_first_byte),
        cmocka_unit_test(a_listener_that_joined_in_on_open_is_only_idle),
        cmocka_unit_test(a_listener_that_joined_later_is_only_idle),
        cmocka_unit_test(a_client_that_receives_output_is_only_idle),
        cmocka_unit_test(a_session_paused_for_its_rate_is_not_idle),
        cmocka_unit_test(a_frame_has_no_time_while_the_rate_rests),
        cmocka_unit_test(a_lifetime_ends_during_a_rest),
        cmocka_unit_test(a_rest_that_is_long_over_ends_at_once),
        cmocka_unit_test(a_slow_reader_is_closed_below_the_lowest_rate_alone),
        cmocka_unit_test(an_end_that_came_in_time_is_not_too_late),
    };

    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
