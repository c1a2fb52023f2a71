/* SPDX-License-Identifier: MIT */
/* test_pause.c - pause and resume, hold and release: by the handler, and by commands of other
 * threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "require.h"

/* ---- a handler that does what each message says ----
 *
 * p: pause, P: pause twice, r: pause and resume, R: resume, q: pause and resume by the timer, h:
 * hold, l: release, f: finish, x: abort and pause, e: send back; every message is also recorded. */
static struct {
    char messages[256];
    uint32_t closed_count;
    enum weir_reason reason;
} seen;

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    char choice = message->length > 0 ? (char)message->bytes[0] : ' ';
    size_t used = strlen(seen.messages);

    if (used + 1 < sizeof seen.messages) seen.messages[used] = choice;
    switch (choice) {
    case 'P': weir_session_pause(session); /* fall through */
    case 'p': weir_session_pause(session); break;
    case 'R': weir_session_resume(session); break;
    case 'x':
        weir_session_abort(session);
        weir_session_pause(session);
        weir_session_resume(session);
        break;
    case 'r':
        weir_session_pause(session);
        weir_session_resume(session);
        break;
    case 'q':
        weir_session_pause(session);
        weir_session_start_timer(session, 50);
        break;
    case 'h': weir_session_hold(session); break;
    case 'l': weir_session_release(session); break;
    case 'f': weir_session_finish(session); break;
    case 'e': weir_session_send_back(session, message); break;
    default: break;
    }
}

static void on_timer(struct weir_session *session)
{
    weir_session_resume(session);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    seen.closed_count++;
    seen.reason = reason;
}

static const struct weir_handler obedient = {.size = sizeof(struct weir_handler),
                                             .name = "obedient",
                                             .on_message = on_message,
                                             .on_timer = on_timer,
                                             .on_close = on_close};

static struct sim_peer *open_world(const struct weir_config *config)
{
    memset(&seen, 0, sizeof seen);
    fixture_open(config, &codec_dot, &obedient, 21);
    return fixture_connect();
}

static void close_world(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_close();
}

static uint64_t only_id(void)
{
    return fixture_only_session()->id;
}

/* ---- pause ---- */

static void a_pause_stops_messages_that_have_arrived(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "a.p.b.c.");
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "ap");
    fixture_say(peer, "d.");
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "ap");
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "apbcd");
    close_world(peer);
}

static void frames_sent_back_before_a_pause_leave_once(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "e1.e2.p.e3.");
    fixture_run_ms(100);
    fixture_expect(peer, "e1.e2.");
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    fixture_expect(peer, "e3.");
    close_world(peer);
}

static void a_pause_and_resume_in_one_callback_changes_nothing(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "r.a.");
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "ra");
    close_world(peer);
}

static void the_timer_can_resume(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "q.a.");
    fixture_run_ms(20);
    assert_string_equal(seen.messages, "q");
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "qa");
    close_world(peer);
}

static void a_pause_stops_reading_from_the_peer(void **state)
{
    struct weir_config config = fixture_config();
    char bytes[4096];
    uint64_t sent = 0;

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "p.");
    memset(bytes, '.', sizeof bytes);
    for (int i = 0; i < 500; i++) {
        sent += sim_peer_send(peer, bytes, sizeof bytes);
        fixture_iterate(FIXTURE_MS);
    }
    assert_true(sent < 500 * sizeof bytes);
    assert_int_equal(fixture_stats().messages_in, 1);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    for (int i = 0; i < 20000 && fixture_stats().messages_in < 1 + sent; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture_stats().messages_in, 1 + sent);
    close_world(peer);
}

static void a_fin_waits_behind_a_pause(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "p.e1.");
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "p");
    assert_int_equal(seen.closed_count, 0);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    fixture_expect(peer, "e1.");
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    close_world(peer);
}

static void a_fin_alone_waits_for_a_pause_too(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "p.");
    fixture_run_ms(50);
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_int_equal(seen.closed_count, 0);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    assert_int_equal(seen.closed_count, 1);
    close_world(peer);
}

static void a_paused_session_is_not_idle(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = config.first_byte_timeout_ms = 200;
    config.frame_timeout_ms = 100;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "p.incomplete");
    fixture_run_ms(5000);
    assert_int_equal(seen.closed_count, 0);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(1000);
    assert_int_equal(seen.reason, WEIR_REASON_FRAME);
    close_world(peer);
}

/* It discards what it receives: a peer that sends nothing, and no FIN, is idle. */
static void a_pause_ends_with_finish(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 100;
    for (int order = 0; order < 2; order++) {
        struct sim_peer *peer = open_world(&config);
        struct weir_session *session = fixture_only_session();
        if (order == 0) weir_session_pause(session);
        weir_session_finish(session);
        if (order == 1) weir_session_pause(session);
        fixture_run_ms(300);
        assert_int_equal(seen.closed_count, 1);
        assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
        close_world(peer);
    }
}

/* The peer had no chance to be read before. */
static void the_first_byte_has_its_time_after_a_pause(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.first_byte_timeout_ms = 100;
    struct sim_peer *peer = open_world(&config);
    fixture_run_ms(20);
    weir_session_pause(fixture_only_session());
    fixture_run_ms(300);
    weir_session_resume(fixture_only_session());
    fixture_run_ms(80);
    assert_int_equal(seen.closed_count, 0);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_FIRST_BYTE), 1);
    close_world(peer);
}

static void a_paused_session_can_end(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "p.a.b.");
    fixture_run_ms(50);
    assert_true(remote_finish(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(50);
    assert_true(sim_peer_saw_end(peer));
    assert_string_equal(seen.messages, "p"); /* discarded */
    close_world(peer);
}

/* The bytes arrive in one event, whatever the network does. */
static void receive(const char *text)
{
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, 1);

    buffer->length = (uint32_t)strlen(text);
    memcpy(buffer->bytes, text, buffer->length);
    inbound_on_received(fixture_only_session(), buffer);
}

static void open_and_receive(struct sim_peer **peer, const char *text)
{
    struct weir_config config = fixture_config();

    *peer = open_world(&config);
    fixture_run_ms(10);
    receive(text);
}

/* A FIN arrives in the batch of the last bytes, before receiving was off. */
static void a_fin_in_the_batch_of_unread_bytes_waits_for_them(void **state)
{
    static const char *const texts[] = {"p.e1.", "e1.p."};
    struct sim_peer *peer;

    (void)state;
    for (size_t i = 0; i < weir_count_of(texts); i++) {
        open_and_receive(&peer, texts[i]);
        inbound_on_peer_done(fixture_only_session());
        fixture_iterate(0); /* flushes */
        fixture_run_ms(100);
        assert_int_equal(seen.closed_count, 0);
        fixture_expect(peer, i == 0 ? "" : "e1.");
        assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
        fixture_run_ms(100);
        fixture_expect(peer, i == 0 ? "e1." : "");
        assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
        close_world(peer);
    }
}

static void pauses_by_unread_messages_stop_the_fin_too(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_and_receive(&peer, "p.p.e1.p.");
    inbound_on_peer_done(fixture_only_session());
    for (int i = 0; i < 3; i++) {
        fixture_run_ms(100);
        assert_int_equal(seen.closed_count, 0);
        assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    }
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "ppep");
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    close_world(peer);
}

static void pausing_and_resuming_twice_is_once(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_and_receive(&peer, "R.a.P.b.");
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "RaP");
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "RaPb");
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(10);
    fixture_say(peer, "c.");
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "RaPbc");
    close_world(peer);
}

static void an_unread_message_can_abort(void **state)
{
    struct sim_peer *peer;

    (void)state;
    open_and_receive(&peer, "p.x.a.");
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "px");
    assert_int_equal(seen.reason, WEIR_REASON_APPLICATION);
    close_world(peer);
}

/* Both buffers wait during the pause. The answer to the first one fills the queue. */
static void a_full_queue_stops_unread_buffers_too(void **state)
{
    static char much[110000];
    struct sim_peer *peer;

    (void)state;
    open_and_receive(&peer, "p.a.");
    receive("e1.");
    receive("b.");
    assert_int_equal(session_send(fixture_only_session(), much, sizeof much), WEIR_OK);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    assert_string_equal(seen.messages, "pae");
    assert_true(fixture_only_session()->queue_paused);
    for (int i = 0; i < 300; i++) {
        sim_peer_receive(peer, much, 4096);
        fixture_iterate(FIXTURE_MS);
    }
    assert_string_equal(seen.messages, "paeb");
    close_world(peer);
}

/* Nothing was received meanwhile, so only the end of the send can notice how full the queue is. */
static void a_send_that_leaves_a_full_queue_pauses_reading(void **state)
{
    static char much[7 * 16384];
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    assert_int_equal(session_send(session, "first", 5), WEIR_OK);
    fixture_iterate(0);
    assert_true(session->send_out);
    assert_int_equal(session_send(session, much, sizeof much - 1), WEIR_OK); /* and its dot */
    assert_int_equal(session_send(session, "last", 4), WEIR_OK);
    assert_false(session->queue_paused);
    fixture_run_ms(10);
    assert_true(session->queue_paused);
    assert_true(session->receiving_off);
    assert_int_equal(fixture_stats().pauses_queue, 1);
    close_world(peer);
}

static void pause_first(struct weir_session *session)
{
    weir_session_pause(session);
}

/* The peer's first byte can be unread during the pause, so the timeout does not apply. */
static void a_session_paused_in_on_open_may_have_sent_its_first_byte(void **state)
{
    static struct weir_handler pausing;
    struct weir_config config = fixture_config();

    (void)state;
    config.first_byte_timeout_ms = 200;
    memset(&seen, 0, sizeof seen);
    pausing = obedient;
    pausing.on_open = pause_first;
    fixture_open(&config, &codec_dot, &pausing, 21);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(5000);
    assert_int_equal(seen.closed_count, 0);
    assert_true(remote_resume(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(300);
    assert_int_equal(seen.reason, WEIR_REASON_FIRST_BYTE);
    close_world(peer);
}

/* ---- UDP ---- */

static void a_transient_session_ignores_pause_and_hold(void **state)
{
    static const struct weir_handler stateless = {
        .size = sizeof(struct weir_handler), .name = "stateless", .on_message = on_message};
    static const char choices[][2] = {"p", "R", "h", "l", "a"};
    struct weir_config config = fixture_config();

    (void)state;
    memset(&seen, 0, sizeof seen);
    fixture_open(&config, &codec_dot, &stateless, 21);
    struct sim_datagrams *socket = fixture_datagrams(9);
    for (size_t i = 0; i < weir_count_of(choices); i++) {
        fixture_send_to(socket, choices[i]);
        fixture_run_ms(10);
    }
    assert_string_equal(seen.messages, "pRhla");
    assert_int_equal(fixture_stats().dropped_paused, 0);
    assert_int_equal(fixture.udp.transient.holds, 0);
    sim_datagrams_close(socket);
    fixture_close();
}

static void datagrams_of_a_paused_session_are_dropped_and_counted(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    struct sim_datagrams *socket = fixture_datagrams(9);
    fixture_send_to(socket, "q");
    fixture_run_ms(10);
    fixture_send_to(socket, "a");
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "q");
    assert_int_equal(fixture_stats().dropped_paused, 1);
    fixture_run_ms(100);
    fixture_send_to(socket, "b");
    fixture_run_ms(10);
    assert_string_equal(seen.messages, "qb");
    sim_datagrams_close(socket);
    close_world(peer);
}

/* ---- hold ---- */

static void a_held_session_answers_after_the_fin(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "h.h.");
    sim_peer_finish(peer);
    fixture_run_ms(1000);
    assert_int_equal(seen.closed_count, 0);
    assert_true(remote_send(&fixture.loop.worker, only_id(), "one", 3) == WEIR_OK);
    assert_true(remote_release(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    fixture_expect(peer, "one.");
    assert_false(sim_peer_saw_end(peer));
    assert_true(remote_send(&fixture.loop.worker, only_id(), "two", 3) == WEIR_OK);
    assert_true(remote_release(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    fixture_expect(peer, "two.");
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    close_world(peer);
}

static void a_release_before_the_fin_leaves_nothing_held(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "h.l.l.");
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    close_world(peer);
}

static void a_held_session_meets_its_timeouts(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 500;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "h.");
    sim_peer_finish(peer);
    fixture_run_ms(2000);
    assert_int_equal(seen.reason, WEIR_REASON_IDLE);
    close_world(peer);
}

static void a_held_session_can_be_finished(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_world(&config);
    fixture_say(peer, "h.");
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_true(remote_finish(&fixture.loop.worker, only_id()) == WEIR_OK);
    fixture_run_ms(100);
    assert_int_equal(seen.closed_count, 1);
    assert_true(remote_release(&fixture.loop.worker, 1) == WEIR_GONE);
    assert_true(remote_resume(&fixture.loop.worker, 1) == WEIR_GONE);
    close_world(peer);
}

/* As weir_session_hold() says: a drain waits for a held session only after the peer's FIN. */
static void a_drain_finishes_a_held_session_unless_its_peer_sent_fin(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct weir_config config = fixture_config();
        bool sends_fin = i == 1;
        struct sim_peer *peer = open_world(&config);
        fixture_say(peer, "h.");
        if (sends_fin) sim_peer_finish(peer);
        fixture_run_ms(100);
        remote_drain(&fixture.loop.worker, 100000);
        fixture_run_ms(500);
        assert_int_equal(sim_peer_saw_end(peer), !sends_fin);
        if (sends_fin) assert_true(remote_release(&fixture.loop.worker, only_id()) == WEIR_OK);
        fixture_run_ms(5000);
        assert_int_equal(seen.reason, sends_fin ? WEIR_REASON_PEER_DONE : WEIR_REASON_DRAIN);
        close_world(peer);
    }
}

/* ---- sessions that wait to be read ---- */

/* p: pauses; everything else aborts all other sessions. */
static void abort_others(struct weir_session *session, const struct weir_message *message)
{
    struct list *sessions = &fixture.loop.worker.tcp_sessions;

    if (message->bytes[0] == 'p') {
        weir_session_pause(session);
        return;
    }
    seen.messages[strlen(seen.messages)] = 'a';
    for (struct list *at = sessions->next; at != sessions; at = at->next) {
        struct weir_session *other = weir_container_of(at, struct weir_session, in_sessions);
        if (other != session) session_abort(other);
    }
}

/* Both have unread input and may be read; reading the first ends the other. With some seeds, the
 * input arrives in one piece. */
static void reading_one_session_can_end_the_next(void **state)
{
    static const struct weir_handler cruel = {
        .size = sizeof(struct weir_handler), .name = "cruel", .on_message = abort_others};
    struct weir_config config = fixture_config();

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_peer *peers[2];
        memset(&seen, 0, sizeof seen);
        fixture_open(&config, &codec_dot, &cruel, seed);
        struct list *sessions = &fixture.loop.worker.tcp_sessions;
        for (int i = 0; i < 2; i++) peers[i] = fixture_connect();
        for (int i = 0; i < 2; i++) fixture_say(peers[i], "p.x.");
        fixture_run_ms(10);
        assert_string_equal(seen.messages, "");
        for (struct list *at = sessions->next; at != sessions; at = at->next)
            session_resume(weir_container_of(at, struct weir_session, in_sessions));
        fixture_run_ms(10);
        assert_string_equal(seen.messages, "a");
        assert_int_equal(fixture_stats().open, 1);
        for (int i = 0; i < 2; i++) sim_peer_close(peers[i]);
        fixture_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_stops_messages_that_have_arrived),
        cmocka_unit_test(frames_sent_back_before_a_pause_leave_once),
        cmocka_unit_test(a_pause_and_resume_in_one_callback_changes_nothing),
        cmocka_unit_test(the_timer_can_resume),
        cmocka_unit_test(a_pause_stops_reading_from_the_peer),
        cmocka_unit_test(a_fin_waits_behind_a_pause),
        cmocka_unit_test(a_fin_alone_waits_for_a_pause_too),
        cmocka_unit_test(a_paused_session_is_not_idle),
        cmocka_unit_test(a_pause_ends_with_finish),
        cmocka_unit_test(the_first_byte_has_its_time_after_a_pause),
        cmocka_unit_test(a_paused_session_can_end),
        cmocka_unit_test(a_fin_in_the_batch_of_unread_bytes_waits_for_them),
        cmocka_unit_test(pauses_by_unread_messages_stop_the_fin_too),
        cmocka_unit_test(pausing_and_resuming_twice_is_once),
        cmocka_unit_test(an_unread_message_can_abort),
        cmocka_unit_test(a_full_queue_stops_unread_buffers_too),
        cmocka_unit_test(a_send_that_leaves_a_full_queue_pauses_reading),
        cmocka_unit_test(a_session_paused_in_on_open_may_have_sent_its_first_byte),
        cmocka_unit_test(a_transient_session_ignores_pause_and_hold),
        cmocka_unit_test(datagrams_of_a_paused_session_are_dropped_and_counted),
        cmocka_unit_test(a_held_session_answers_after_the_fin),
        cmocka_unit_test(a_release_before_the_fin_leaves_nothing_held),
        cmocka_unit_test(a_held_session_meets_its_timeouts),
        cmocka_unit_test(a_held_session_can_be_finished),
        cmocka_unit_test(a_drain_finishes_a_held_session_unless_its_peer_sent_fin),
        cmocka_unit_test(reading_one_session_can_end_the_next),
    };

    return cmocka_run_group_tests_name("pause", tests, NULL, NULL);
}
