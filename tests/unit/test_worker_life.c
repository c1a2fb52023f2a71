/* SPDX-License-Identifier: MIT */
/* test_worker_life.c - start and end of a worker: without memory, with commands that came too
 * early or in the last moment, with marks that its transport narrows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "admission.h"
#include "builtin.h"
#include "fixture.h"
#include "group.h"
#include "memory_faults.h"
#include "remote.h"

static struct worker_common common;

static void a_worker_that_was_never_made_is_nothing(void **state)
{
    static struct loop loop;

    (void)state;
    loop_close(&loop);
    loop_free(&loop);
}

static void without_memory_there_is_no_worker(void **state)
{
    static struct admission_limits limits;

    (void)state;
    common.config = fixture_config();
    common.limits = &limits;
    for (uint64_t nth = 1; nth <= 2; nth++) { /* the mailbox, the table */
        static struct loop loop;
        memset(&loop, 0, sizeof loop);
        memory_fail_nth(nth, 0);
        assert_false(loop_init(&loop, 0, &common, 0));
        memory_fail_nth(0, 0);
        loop_close(&loop);
        loop_free(&loop);
    }
}

/* Opens a worker on a network that says so much of what it holds, with this low mark. */
static void open_worker(struct loop *loop, struct net_simulation **simulation,
                        uint32_t held_bytes_max, uint32_t low_bytes)
{
    struct sim_options sim_options;
    struct net_options options;

    memset(loop, 0, sizeof *loop);
    common.config = fixture_config();
    common.config.send_queue_high_bytes = 100000;
    common.config.send_queue_low_bytes = low_bytes;
    sim_options_init(&sim_options);
    sim_options.held_bytes_max = held_bytes_max;
    *simulation = sim_open(&sim_options);
    net_options_init(&options);
    options.transport = "simulated";
    options.simulation = *simulation;
    assert_true(loop_init(loop, 0, &common, 0));
    assert_int_equal(loop_open(loop, &options, NULL), WEIR_OK);
}

static void close_worker(struct loop *loop, struct net_simulation *simulation)
{
    loop_close(loop);
    loop_free(loop);
    sim_free(simulation);
}

/* Receiving pauses early enough that data held by the transport fits below the high-water mark, and
 * resumes below that. */
static void what_the_transport_holds_narrows_the_marks(void **state)
{
    static struct loop loop;
    struct net_simulation *simulation;

    (void)state;
    open_worker(&loop, &simulation, 40000, 99999);
    assert_int_equal(loop.worker.pause_bytes, 60000);
    assert_int_equal(loop.worker.resume_bytes, 30000);
    close_worker(&loop, simulation);
    open_worker(&loop, &simulation, 40000, 50000);
    assert_int_equal(loop.worker.resume_bytes, 50000);
    close_worker(&loop, simulation);
}

/* Posted before the first iteration, which never comes: it is executed at the close. */
static void a_command_to_a_worker_that_never_iterated_is_taken(void **state)
{
    static struct loop loop;
    struct net_simulation *simulation;
    enum weir_code code;

    (void)state;
    open_worker(&loop, &simulation, 0, 1000);
    struct payload *payload = payload_open(NULL, "x", 1, &code);
    payload->group[0] = 'a';
    payload->group_hash = group_hash(loop.worker.common, payload->group);
    assert_int_equal(remote_broadcast(&loop.worker, payload), WEIR_OK);
    payload_unref(payload);
    close_worker(&loop, simulation);
}

/* ---- the last moment ---- */

static uint64_t last_id;

static void note_open(struct weir_session *session)
{
    last_id = weir_session_id(session);
    weir_session_start_timer(session, 10); /* and has no on_timer: it comes to nothing */
}

static void write_a_command(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    assert_int_equal(remote_finish(&fixture.loop.worker, weir_session_id(session)), WEIR_OK);
    assert_int_equal(weir_session_send(session, "late", 4), WEIR_CANCELLED);
}

static const struct weir_handler handler_writer = {.size = sizeof(struct weir_handler),
                                                   .name = "writer",
                                                   .summary = "",
                                                   .on_open = note_open,
                                                   .on_close = write_a_command};

static void a_late_command_is_still_read(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_writer, 1);
    struct sim_peer *peer = fixture_connect();
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "hello");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().timers_fired, 2);
    sim_peer_reset(peer);
    endpoint_close(
        &fixture.tcp.endpoint); /* so that the UDP peer is the last to end, after the commands */
    endpoint_close(&fixture.udp.endpoint);
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().commands, 1);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(fixture_stats().commands, 2);
    assert_int_equal(remote_finish(&fixture.loop.worker, last_id), WEIR_GONE);
    sim_peer_close(peer);
    sim_datagrams_close(socket);
    fixture_close();
}

static void without_memory_nothing_is_sent_to_anyone(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 2);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    memory_fail_nth(1, 0);
    assert_int_equal(remote_send(&fixture.loop.worker, fixture_only_session()->id, "x", 1),
                     WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* An event that net had already handed out when the session was closed. */
static void an_end_may_come_after_the_close(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 3);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    struct weir_session *session = fixture_only_session();
    session_close(session, WEIR_REASON_APPLICATION);
    inbound_on_peer_done(session);
    assert_false(session->peer_done);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_that_was_never_made_is_nothing),
        cmocka_unit_test(without_memory_there_is_no_worker),
        cmocka_unit_test(what_the_transport_holds_narrows_the_marks),
        cmocka_unit_test(a_command_to_a_worker_that_never_iterated_is_taken),
        cmocka_unit_test(a_late_command_is_still_read),
        cmocka_unit_test(without_memory_nothing_is_sent_to_anyone),
        cmocka_unit_test(an_end_may_come_after_the_close),
    };

    return cmocka_run_group_tests_name("worker_life", tests, NULL, NULL);
}
