/* SPDX-License-Identifier: MIT */
/* test_fairness.c - one loop iteration beside floods: timers run, an honest session is served, and
 * the work is bounded. Iterations and units of work are counted, never milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "builtin.h"
#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "require.h"
#include "thread.h"

#define FLOODERS 64
#define MEMBERS 300

static struct sim_peer *flooders[FLOODERS];
static struct sim_peer *members[MEMBERS];
static uint32_t timers_fired, honest_answers;
static uint32_t served[2 * FLOODERS], served_count; /* messages by session, and how many had some */
static uint64_t work_ns;                            /* that each message takes */

/* ---- handlers ---- */

static void on_open(struct weir_session *session)
{
    weir_session_join(session, "room");
    weir_session_start_timer(session, 100);
}

static void on_timer(struct weir_session *session)
{
    timers_fired++;
    weir_session_start_timer(session, 100);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    sim_work_ns(fixture.simulation, work_ns);
    if (message->length == 0) return;
    if (message->bytes[0] == 'h') {
        honest_answers++;
        weir_session_send_back(session, message);
    } else if (message->bytes[0] == 't') {
        if (served[weir_session_id(session) % (2 * FLOODERS)]++ == 0) served_count++;
    } else if (message->bytes[0] == 'S') {
        for (int i = 0; i < 30; i++)
            require(broadcast_send(&fixture.common, "room", "s", 1, 0) == WEIR_OK);
    } else if (message->bytes[0] == 's') {
        require(broadcast_send(&fixture.common, "room", "s", 1, weir_session_id(session)) ==
                WEIR_OK);
    }
}

static const struct weir_handler flooded = {.size = sizeof(struct weir_handler),
                                            .name = "flooded",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_timer = on_timer};

/* ---- the world ---- */

static void open_world(const struct weir_codec *codec)
{
    struct weir_config config = fixture_config();

    config.sessions_max = FLOODERS + MEMBERS + 10;
    fixture_handles_max = FLOODERS + MEMBERS + 20;
    fixture_stream_buffers_max = 4096;
    timers_fired = honest_answers = 0;
    work_ns = 0;
    fixture_open(&config, codec, &flooded, 11);
    for (int i = 0; i < FLOODERS; i++) flooders[i] = fixture_connect();
}

static void close_world(void)
{
    for (int i = 0; i < FLOODERS; i++) sim_peer_close(flooders[i]);
    fixture_close();
    fixture_handles_max = 0;
    fixture_stream_buffers_max = 1024;
}

/* Each flooder sends what its window takes. */
static void flood(char byte)
{
    char bytes[16384];

    memset(bytes, byte, sizeof bytes);
    for (int i = 0; i < FLOODERS; i++) sim_peer_send(flooders[i], bytes, sizeof bytes);
}

/* Runs one iteration, after a millisecond of work, and returns its units of work. */
static uint32_t iterate(void)
{
    uint32_t before = fixture.loop.worker.work.done;

    sim_work_ns(fixture.simulation, FIXTURE_MS);
    fixture_iterate(FIXTURE_MS);
    return fixture.loop.worker.work.done - before;
}

/* ---- timers ---- */

static void timers_run_beside_handlers_that_take_their_time(void **state)
{
    (void)state;
    open_world(NULL);
    work_ns = 20 * FIXTURE_MS;
    for (int i = 0; i < 20; i++) {
        flood('x');
        iterate();
    }
    /* 64 messages of 20 ms are more than a second: each iteration finds every timer expired. */
    assert_true(timers_fired >= 10 * FLOODERS);
    work_ns = 0;
    close_world();
}

static void timers_run_beside_a_flood_of_tiny_messages(void **state)
{
    (void)state;
    open_world(&codec_dot);
    work_ns = FIXTURE_MS / 10;
    for (int i = 0; i < 20; i++) {
        flood('.');
        iterate();
    }
    assert_true(timers_fired >= 10 * FLOODERS);
    work_ns = 0;
    close_world();
}

/* A thread that was stopped reads first, but only for a while: a handler that takes its time must
 * not extend it. */
static void timers_run_again_soon_after_a_stop(void **state)
{
    (void)state;
    open_world(NULL);
    sim_pass_ns(fixture.simulation, 5000 * FIXTURE_MS);
    work_ns = 5 * FIXTURE_MS;
    for (int i = 0; i < 20 && timers_fired == 0; i++) {
        flood('x');
        iterate();
    }
    assert_true(timers_fired > 0);
    work_ns = 0;
    close_world();
}

/* ---- work ---- */

static void a_flood_of_tiny_messages_is_divided(void **state)
{
    (void)state;
    open_world(&codec_dot);
    struct sim_peer *honest = fixture_connect();
    uint64_t before = fixture_stats().messages_in;
    for (int i = 0; i < 200; i++) {
        flood('.');
        if (i % 10 == 5) fixture_say(honest, "hello.");
        assert_true(iterate() <= 8192 + WORK_SESSION_MAX);
    }
    assert_true(fixture_stats().messages_in - before > 100000);
    assert_int_equal(honest_answers, 20);
    sim_peer_close(honest);
    close_world();
}

/* The honest session's bytes are handled in the iteration in which they arrive. */
static void an_honest_session_does_not_wait_for_the_flood(void **state)
{
    (void)state;
    open_world(&codec_dot);
    for (int i = 0; i < 50; i++) {
        flood('.');
        iterate();
    }
    assert_true(fixture.loop.worker.readable_count > 0);
    struct sim_peer *honest = fixture_connect();
    for (int round = 0; round < 20; round++) {
        uint64_t bytes_in;
        int iterations = 0;

        flood('.');
        fixture_say(honest, "hello.");
        uint32_t answers = honest_answers;
        do {
            bytes_in = fixture_stats().bytes_in;
            iterate();
            require(++iterations < 100);
        } while (honest_answers == answers);
        assert_true(fixture_stats().bytes_in > bytes_in); /* it had just come */
    }
    sim_peer_close(honest);
    close_world();
}

/* The bytes arrive in one event, whatever the network does. */
static void receive(struct weir_session *session, const char *bytes, uint32_t count)
{
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, count);

    memcpy(buffer->bytes, bytes, count);
    buffer->length = count;
    inbound_on_received(session, buffer);
}

static void receive_dots(struct weir_session *session, uint32_t count)
{
    static char dots[50 * WORK_SESSION_MAX];

    require(count <= sizeof dots);
    memset(dots, '.', sizeof dots);
    receive(session, dots, count);
}

static void a_session_that_used_its_share_reads_on_in_the_next_iteration(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    work_ns = 0;
    fixture_open(&config, &codec_dot, &flooded, 12);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    receive_dots(session, WORK_SESSION_MAX);
    assert_int_equal(fixture_stats().messages_in, WORK_SESSION_MAX);
    receive_dots(session, 10); /* in the same batch */
    receive_dots(session, 10);
    assert_int_equal(fixture_stats().messages_in, WORK_SESSION_MAX);
    fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture_stats().messages_in, WORK_SESSION_MAX + 20);
    sim_peer_close(peer);
    fixture_close();
}

/* Deliveries use up the share, and the codec holds a part of a frame. The FIN in the same batch
 * must still reach the codec, which reports the truncated frame. */
static void a_fin_after_the_share_of_work_ends_a_partial_frame(void **state)
{
    static const char bytes[] = "s.s.s.s.s.part";
    const uint32_t members_count = WORK_SESSION_MAX / 5; /* five broadcasts are just below it */
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_max = members_count;
    work_ns = 0;
    fixture_open(&config, &codec_dot, &flooded, 15);
    fixture.loop.worker.thread = thread_self();
    for (uint32_t i = 0; i < members_count; i++) members[i] = fixture_connect();
    fixture_run_ms(10);
    struct weir_session *speaker =
        weir_container_of(fixture.loop.worker.tcp_sessions.next, struct weir_session, in_sessions);
    receive(speaker, bytes, sizeof bytes - 1);
    assert_true(speaker->frame_partial);
    assert_true(speaker->work_done >= WORK_SESSION_MAX);
    inbound_on_peer_done(speaker);
    fixture_iterate(0);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 0);
    assert_int_equal(fixture_closed(WEIR_REASON_PROTOCOL), 1);
    for (uint32_t i = 0; i < members_count; i++) sim_peer_close(members[i]);
    fixture_close();
}

/* Other sessions used up the work of the iteration; this one had used its share before. */
static void a_session_that_used_its_share_waits_for_the_others(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    honest_answers = 0;
    work_ns = 0;
    fixture_open(&config, &codec_dot, &flooded, 16);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    session->used_share = true;
    fixture.loop.worker.work.done += WORK_ITERATION_MAX;
    receive(session, "h.", 2);
    assert_int_equal(honest_answers, 0);
    fixture_run_ms(10);
    assert_int_equal(honest_answers, 1);
    sim_peer_close(peer);
    fixture_close();
}

static void commands_are_weighed_by_their_deliveries(void **state)
{
    enum weir_code code = WEIR_OK;

    (void)state;
    open_world(&codec_dot);
    for (int i = 0; i < MEMBERS; i++) members[i] = fixture_connect();
    struct payload *payload = payload_open(&codec_dot, "x", 1, &code);
    memcpy(payload->group, "room", 5);
    payload->group_hash = group_hash(&fixture.common, payload->group);
    for (int i = 0; i < 200; i++)
        require(remote_broadcast(&fixture.loop.worker, payload) == WEIR_OK);
    payload_unref(payload);
    uint32_t busy_iterations = 0;
    for (uint32_t work; (work = iterate()) > 0 || fixture.loop.has_commands; busy_iterations++)
        assert_true(work <= 1024 + MEMBERS + FLOODERS + 1);
    assert_true(busy_iterations >= 200 * (MEMBERS + FLOODERS) / (1024 + MEMBERS + FLOODERS));
    assert_int_equal(fixture_stats().messages_out, 200 * (MEMBERS + FLOODERS));
    for (int i = 0; i < MEMBERS; i++) sim_peer_close(members[i]);
    close_world();
}

/* Short lines in a large room: each costs a delivery per member. */
static void the_deliveries_of_a_speaker_are_divided(void **state)
{
    char lines[4001];

    (void)state;
    open_world(&codec_dot);
    fixture.loop.worker.thread = thread_self();
    for (int i = 0; i < MEMBERS; i++) members[i] = fixture_connect();
    struct sim_peer *honest = fixture_connect();
    for (size_t i = 0; i < sizeof lines - 1; i += 2) memcpy(lines + i, "s.", 2);
    for (int i = 0; i < FLOODERS; i++) sim_peer_send(flooders[i], lines, sizeof lines - 1);
    fixture_say(honest, "hello.");
    for (int i = 0; i < 400; i++) {
        char bytes[8192];
        uint32_t work = iterate();
        /* One broadcast may exceed the limit; at first, one of each session. */
        if (i > 10) assert_true(work <= WORK_ITERATION_MAX + MEMBERS + FLOODERS + 1);
        for (int k = 0; k < MEMBERS; k++) sim_peer_receive(members[k], bytes, sizeof bytes);
        for (int k = 0; k < FLOODERS; k++) sim_peer_receive(flooders[k], bytes, sizeof bytes);
        if (i == 3) assert_int_equal(honest_answers, 1);
    }
    assert_true(fixture_stats().messages_out > 100000);
    sim_peer_close(honest);
    for (int i = 0; i < MEMBERS; i++) sim_peer_close(members[i]);
    close_world();
}

/* The transport holds what comes meanwhile; receiving is on again when nothing is left. */
static void unread_input_switches_receiving_off(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, &codec_dot, &flooded, 15);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    session->work_iteration = fixture.loop.worker.work.iteration;
    session->work_done = fixture.loop.worker.work.session_max;
    assert_false(session->receiving_off);
    receive_dots(session, 1);
    assert_true(session->receiving_off);
    fixture_run_ms(10);
    assert_null(session->unread);
    assert_false(session->receiving_off);
    assert_int_equal(fixture_stats().messages_in, 1);
    sim_peer_close(peer);
    fixture_close();
}

/* The event of its end comes before its unread input is reached. */
static void a_session_with_unread_input_can_be_reset(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, &codec_dot, &flooded, 13);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    receive_dots(fixture_only_session(), 50 * WORK_SESSION_MAX);
    sim_peer_reset(peer);
    for (int i = 0; i < 40 && fixture_stats().closed == 0; i++) iterate();
    assert_int_equal(fixture_closed(WEIR_REASON_RESET), 1);
    assert_int_equal(fixture.loop.worker.readable_count, 0);
    assert_true(fixture_stats().messages_in < 50 * WORK_SESSION_MAX);
    sim_peer_close(peer);
    fixture_close();
}

/* More floods than an iteration has work for: each is served again after the others, with a whole
 * share, and never more often. */
static void floods_are_served_one_after_the_other(void **state)
{
    const uint32_t round_max = FLOODERS * WORK_SESSION_MAX / WORK_ITERATION_MAX + 2;
    char bytes[16384];

    (void)state;
    open_world(&codec_dot);
    for (size_t i = 0; i < sizeof bytes; i += 2) memcpy(bytes + i, "t.", 2);
    for (uint32_t i = 0; i < 8 * round_max; i++) {
        if (i % round_max == 0) {
            if (i > 2 * round_max) assert_int_equal(served_count, FLOODERS);
            memset(served, 0, sizeof served);
            served_count = 0;
        }
        for (int k = 0; k < FLOODERS; k++) sim_peer_send(flooders[k], bytes, sizeof bytes);
        uint32_t work = iterate();
        if (i > round_max) assert_true(work <= WORK_ITERATION_MAX + 2 * WORK_SESSION_MAX);
    }
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
        assert_true(served[i] <= 2 * WORK_SESSION_MAX);
    close_world();
}

/* The owner has reset `woken` and then found commands that were posted just before. */
static void commands_beyond_the_work_of_an_iteration_need_no_wake_up(void **state)
{
    enum weir_code code = WEIR_OK;

    (void)state;
    open_world(&codec_dot);
    for (int i = 0; i < MEMBERS; i++) members[i] = fixture_connect();
    struct payload *payload = payload_open(&codec_dot, "x", 1, &code);
    memcpy(payload->group, "room", 5);
    payload->group_hash = group_hash(&fixture.common, payload->group);
    for (int i = 0; i < 50; i++)
        require(remote_broadcast(&fixture.loop.worker, payload) == WEIR_OK);
    payload_unref(payload);
    iterate();
    assert_true(fixture.loop.has_commands);
    fixture.loop.mailbox.woken = false;
    for (int i = 0; i < 50; i++) iterate();
    assert_false(fixture.loop.has_commands);
    assert_int_equal(fixture_stats().messages_out, 50 * (MEMBERS + FLOODERS));
    for (int i = 0; i < MEMBERS; i++) sim_peer_close(members[i]);
    close_world();
}

/* Each flooder's next line arrives when its last one was handled, and uses up its share. */
static void an_honest_session_with_unread_input_is_served(void **state)
{
    (void)state;
    open_world(&codec_dot);
    fixture.loop.worker.thread = thread_self();
    for (int i = 0; i < MEMBERS; i++) members[i] = fixture_connect();
    struct sim_peer *honest = fixture_connect();
    struct weir_session *session = weir_container_of(fixture.loop.worker.tcp_sessions.previous,
                                                     struct weir_session, in_sessions);
    weir_session_pause(session);
    for (int i = 0; i < 100; i++) {
        char bytes[16384];
        if (i == 50) {
            require(session->state == SESSION_OPEN);
            receive(session, "hello.", 6);
            weir_session_resume(session);
        }
        for (int k = 0; k < 6; k++) fixture_say(flooders[(i * 6 + k) % FLOODERS], "S.");
        iterate();
        for (int k = 0; k < MEMBERS; k++) sim_peer_receive(members[k], bytes, sizeof bytes);
        for (int k = 0; k < FLOODERS; k++) sim_peer_receive(flooders[k], bytes, sizeof bytes);
        if (i > 50) assert_int_equal(honest_answers, 1); /* in its first iteration */
    }
    sim_peer_close(honest);
    for (int i = 0; i < MEMBERS; i++) sim_peer_close(members[i]);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_run_beside_handlers_that_take_their_time),
        cmocka_unit_test(timers_run_beside_a_flood_of_tiny_messages),
        cmocka_unit_test(timers_run_again_soon_after_a_stop),
        cmocka_unit_test(a_flood_of_tiny_messages_is_divided),
        cmocka_unit_test(an_honest_session_does_not_wait_for_the_flood),
        cmocka_unit_test(a_session_that_used_its_share_reads_on_in_the_next_iteration),
        cmocka_unit_test(a_fin_after_the_share_of_work_ends_a_partial_frame),
        cmocka_unit_test(a_session_that_used_its_share_waits_for_the_others),
        cmocka_unit_test(commands_are_weighed_by_their_deliveries),
        cmocka_unit_test(the_deliveries_of_a_speaker_are_divided),
        cmocka_unit_test(unread_input_switches_receiving_off),
        cmocka_unit_test(a_session_with_unread_input_can_be_reset),
        cmocka_unit_test(floods_are_served_one_after_the_other),
        cmocka_unit_test(commands_beyond_the_work_of_an_iteration_need_no_wake_up),
        cmocka_unit_test(an_honest_session_with_unread_input_is_served),
    };

    return cmocka_run_group_tests_name("fairness", tests, NULL, NULL);
}
