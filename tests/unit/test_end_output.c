/* SPDX-License-Identifier: MIT */
/* test_end_output.c - weir_session_end_output(): FIN after what is queued, input that goes on, and
 * every end that can follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"

static uint32_t messages;

/* "end" ends the output; everything is sent back. */
static void on_message(struct weir_session *session, const struct weir_message *message)
{
    bool ends = message->length == 3 && memcmp(message->bytes, "end", 3) == 0;

    messages++;
    if (ends) {
        assert_int_equal(weir_session_send(session, "last", 4), WEIR_OK);
        weir_session_end_output(session);
        weir_session_end_output(session); /* no effect */
        assert_int_equal(weir_session_send(session, "x", 1), WEIR_CANCELLED);
    }
    enum weir_code code = weir_session_send_back(session, message);
    assert_true(code == WEIR_OK || code == WEIR_CANCELLED);
}

static const struct weir_handler handler = {
    .size = sizeof handler, .name = "test", .on_message = on_message};

static struct sim_peer *open_world(uint32_t linger_ms)
{
    struct weir_config config = fixture_config();

    messages = 0;
    config.linger_timeout_ms = linger_ms;
    fixture_open(&config, &codec_dot, &handler, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "one.");
    fixture_run_ms(10);
    return peer;
}

static void input_goes_on_after_the_fin(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(0);

    fixture_say(peer, "end.");
    fixture_run_ms(10);
    fixture_expect(peer, "one.last.");
    assert_true(sim_peer_saw_end(peer));
    fixture_say(peer, "two.");
    fixture_run_ms(10);
    assert_int_equal(messages, 3);
    assert_int_equal(weir_session_join(fixture_only_session(), "group"), WEIR_CANCELLED);
    sim_peer_finish(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    assert_false(sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_close();
}

static void the_fin_waits_for_the_queue(void **state)
{
    (void)state;
    static uint8_t much[60000];
    struct sim_peer *peer = open_world(0);
    struct weir_session *session = fixture_only_session();
    uint64_t received = 0;

    assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    assert_int_equal(weir_session_join(session, "group"), WEIR_OK);
    weir_session_end_output(session);
    assert_null(session->memberships);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++) {
        if (session->send_out) worker_flush_later(&fixture.loop.worker, session); /* no FIN yet */
        fixture_iterate(FIXTURE_MS);
        received += sim_peer_receive(peer, much, 1000);
    }
    assert_int_equal(received, 2 * sizeof much + 6);
    sim_peer_close(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    fixture_close();
}

/* The FIN that was asked for first is the one that the end needs. */
static void an_end_before_the_fin_sends_all(void **state)
{
    (void)state;
    static uint8_t much[60000];
    struct sim_peer *peer = open_world(500);
    struct weir_session *session = fixture_only_session();
    uint64_t received = 0;

    assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    assert_int_equal(weir_session_send(session, much, sizeof much), WEIR_OK);
    weir_session_end_output(session);
    weir_session_finish(session);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++) {
        fixture_iterate(FIXTURE_MS);
        received += sim_peer_receive(peer, much, 1000);
    }
    assert_int_equal(received, 2 * sizeof much + 6);
    assert_false(sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    fixture_close();
}

static uint32_t releases;

static void release(void *user, const void *bytes)
{
    (void)user;
    (void)bytes;
    releases++;
}

/* Neither a message nor a hold: no answer can follow. */
static void after_it_nothing_is_sent_or_held(void **state)
{
    (void)state;
    static uint8_t much[60000];
    struct sim_peer *peer = open_world(0);
    struct weir_session *session = fixture_only_session();

    releases = 0;
    weir_session_end_output(session);
    assert_int_equal(weir_session_send_static(session, much, sizeof much, release, NULL),
                     WEIR_CANCELLED);
    assert_int_equal(releases, 0);
    weir_session_hold(session);
    sim_peer_finish(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1); /* it did not wait */
    sim_peer_close(peer);
    fixture_close();
}

/* A session that ends by itself waits for the peer's FIN, as after weir_session_finish() alone. */
static void it_can_be_finished(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(500);

    weir_session_end_output(fixture_only_session());
    fixture_run_ms(2000);
    worker_flush_later(&fixture.loop.worker, fixture_only_session()); /* FIN is sent once */
    fixture_run_ms(10);
    assert_int_equal(fixture_stats().open, 1); /* it receives */
    weir_session_finish(fixture_only_session());
    fixture_run_ms(100);
    worker_flush_later(&fixture.loop.worker, fixture_only_session()); /* its end began once */
    fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(1000);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void after_the_peers_fin(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(0);
    struct weir_session *session = fixture_only_session();

    weir_session_hold(session);
    sim_peer_finish(peer);
    fixture_run_ms(10);
    assert_int_equal(session->state, SESSION_PEER_DONE);
    weir_session_end_output(session); /* no answer follows */
    fixture_iterations(10);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    fixture_expect(peer, "one.");
    assert_true(sim_peer_saw_end(peer));
    sim_peer_close(peer);
    fixture_close();
}

static void it_can_be_aborted(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(0);

    weir_session_end_output(fixture_only_session());
    fixture_run_ms(10);
    weir_session_abort(fixture_only_session());
    weir_session_end_output(fixture_only_session()); /* closing: no effect */
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void after_a_finish_it_has_no_effect(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(0);
    struct weir_session *session = fixture_only_session();

    weir_session_finish(session);
    weir_session_end_output(session);
    assert_false(session->output_ended);
    fixture_run_ms(10);
    fixture_expect(peer, "one.");
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++)
        fixture_iterate(FIXTURE_MS);
    assert_true(sim_peer_saw_end(peer));
    sim_peer_close(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    fixture_close();
}

static void a_drain_finishes_it(void **state)
{
    (void)state;
    struct sim_peer *peer = open_world(0);

    weir_session_end_output(fixture_only_session());
    fixture_run_ms(10);
    remote_drain(&fixture.loop.worker, 10000);
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void on_datagram(struct weir_session *session, const struct weir_message *message)
{
    weir_session_end_output(session); /* no effect */
    assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
}

static void datagrams_have_no_fin(void **state)
{
    (void)state;
    static const struct weir_handler datagrams = {
        .size = sizeof datagrams, .name = "datagrams", .on_message = on_datagram};
    struct weir_config config = fixture_config();

    fixture_open(&config, NULL, &datagrams, 1);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "hello");
    fixture_hear(socket, "hello");
    sim_datagrams_close(socket);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_goes_on_after_the_fin),
        cmocka_unit_test(the_fin_waits_for_the_queue),
        cmocka_unit_test(an_end_before_the_fin_sends_all),
        cmocka_unit_test(after_it_nothing_is_sent_or_held),
        cmocka_unit_test(it_can_be_finished),
        cmocka_unit_test(after_the_peers_fin),
        cmocka_unit_test(it_can_be_aborted),
        cmocka_unit_test(after_a_finish_it_has_no_effect),
        cmocka_unit_test(a_drain_finishes_it),
        cmocka_unit_test(datagrams_have_no_fin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
