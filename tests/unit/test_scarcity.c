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

/* ---- pauses ---- */

static uint32_t warnings;

static void count_warnings(void *user, int level, const char *line)
{
    (void)user;
    (void)line;
    warnings += level == WEIR_LOG_WARNING;
}

/* Only what the system refused is logged, since the number of buffers is a setting. */
static void pauses_are_counted_by_cause(void **state)
{
    struct weir_config config = fixture_config();
    struct net_event pause = {.kind = NET_PAUSED};

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 10);
    fixture.common.log = (struct log){.write = count_warnings};
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    warnings = 0;
    pause.code = WEIR_NO_BUFFERS;
    udp_socket_on_event(&fixture.udp, &pause);
    assert_int_equal(fixture_stats().pauses_no_buffers, 1);
    assert_int_equal(warnings, 0);
    pause.os_error = 105;
    struct owner *owner = &fixture_only_session()->owner;
    pause.handle = fixture_only_session()->handle;
    owner->ops->on_event(owner, &pause);
    assert_int_equal(fixture_stats().pauses_failed, 1);
    assert_int_equal(warnings, 1);
    pause.code = WEIR_NO_FILES;
    listener_on_event(&fixture.tcp, &pause);
    assert_int_equal(fixture_stats().pauses_no_files, 1);
    endpoint_close(&fixture.tcp.endpoint);
    listener_on_event(&fixture.tcp, &pause); /* of the batch in which it was closed */
    assert_int_equal(fixture_stats().pauses_no_files, 1);
    assert_int_equal(warnings, 1); /* once per second */
    sim_peer_close(peer);
    fixture_close();
}

/* ---- lost connections ---- */

/* A connection that was lost before it was handed out counts against the accept rate, too. */
static void a_lost_connection_is_counted_and_limited(void **state)
{
    struct weir_config config = fixture_config();
    struct net_event lost = {.kind = NET_REFUSED, .refused_count = 3};

    (void)state;
    config.accept_rate_max = 3;
    fixture_open(&config, NULL, &handler_echo, 7);
    lost.handle = fixture.tcp.endpoint.handle;
    listener_on_event(&fixture.tcp, &lost);
    assert_int_equal(fixture_stats().refused_failed, 3);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().refused_rate, 1);
    assert_int_equal(fixture_stats().accepted, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* A connection in the batch in which its listener was closed. */
static void a_connection_after_the_close_of_its_listener_is_counted(void **state)
{
    struct weir_config config = fixture_config();
    struct net_event events[4];
    uint32_t count = 0;

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 8);
    struct sim_peer *peer = sim_connect(fixture.simulation, &fixture.address, NULL);
    struct net *net = fixture.loop.worker.net;
    while (count == 0) count = net_wait(net, net_now_ns(net) + FIXTURE_MS, events, 4);
    assert_int_equal(events[0].kind, NET_ACCEPTED);
    endpoint_close(&fixture.tcp.endpoint);
    listener_on_event(&fixture.tcp, &events[0]);
    assert_int_equal(fixture_stats().refused_failed, 1);
    sim_peer_close(peer);
    fixture_close();
}

/* The checks of a drain go on while the listener stops and closes. */
static void a_listener_stops_once(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_echo, 11);
    listener_drain(&fixture.tcp, true);
    listener_drain(&fixture.tcp, true);
    assert_false(fixture.tcp.endpoint.closing);
    while (!fixture.tcp.endpoint.closing) fixture_iterate(FIXTURE_MS);
    listener_drain(&fixture.tcp, true);
    fixture_run_ms(50);
    assert_false(list_has(&fixture.tcp.endpoint.in_endpoints));
    fixture_close();
}

/* ---- buffers of sends ---- */

static uint32_t waiting_count(void)
{
    const struct list *waiting = &fixture.loop.worker.waiting_for_buffers;
    uint32_t count = 0;

    for (const struct list *at = waiting->next; at != waiting; at = at->next) count++;
    return count;
}

static void broadcast_to(char group)
{
    enum weir_code code;
    struct payload *payload = payload_open(NULL, "news", 4, &code);

    payload->group[0] = group;
    payload->group_hash = group_hash(&fixture.common, payload->group);
    assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
    payload_unref(payload);
}

static uint32_t take_all_buffers(struct net_buffer **taken, uint32_t max)
{
    uint32_t count = 0;

    while (count < max && (taken[count] = net_take(fixture.loop.worker.net, 1)) != NULL) count++;
    assert_true(count < max);
    return count;
}

static void join_a_group(struct weir_session *session)
{
    static uint32_t count;

    weir_session_join(session, count++ % 4 == 3 ? "b" : "a");
}

static const struct weir_handler handler_groups = {
    .size = sizeof(struct weir_handler), .name = "groups", .summary = "", .on_open = join_a_group};

/* Sessions that wait for a buffer to send from are served in their sequence, one per free buffer,
 * and before a session that has just got something to send. */
static void one_free_buffer_serves_the_session_that_waits_longest(void **state)
{
    struct weir_config config = fixture_config();
    struct net_buffer *taken[128];
    struct sim_peer *peers[4];

    (void)state;
    fixture_stream_buffers_max = 64;
    fixture_open(&config, NULL, &handler_groups, 9);
    for (int i = 0; i < 4; i++) {
        peers[i] = fixture_connect();
        fixture_run_ms(20); /* one after the other: three in group a, then one in group b */
    }
    /* The test holds the buffers, and no session can be closed for it. */
    account_set_streams(&fixture.loop.worker.account, 0, 0);
    uint32_t count = take_all_buffers(taken, 128);
    broadcast_to('a');
    fixture_run_ms(20);
    assert_int_equal(waiting_count(), 3);
    for (uint32_t left = 3; left > 0; left--) {
        const struct weir_session *first = weir_container_of(
            fixture.loop.worker.waiting_for_buffers.next, struct weir_session, in_pending_flush);
        broadcast_to('b');
        net_give_back(fixture.loop.worker.net, taken[--count]);
        fixture_iterate(0);
        assert_true(first->send_out);
        assert_int_equal(waiting_count(), left); /* one left, the other session joined ... */
        if (left == 3) continue;
        fixture_iterate(0);
        break;
    }
    while (count > 0) net_give_back(fixture.loop.worker.net, taken[--count]);
    fixture_run_ms(200);
    assert_int_equal(waiting_count(), 0);
    for (int i = 0; i < 3; i++) fixture_expect(peers[i], "news");
    for (int i = 0; i < 4; i++) sim_peer_close(peers[i]);
    fixture_close();
    fixture_stream_buffers_max = 1024;
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
        payload->group_hash = group_hash(&fixture.common, payload->group);
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
        cmocka_unit_test(pauses_are_counted_by_cause),
        cmocka_unit_test(a_lost_connection_is_counted_and_limited),
        cmocka_unit_test(a_connection_after_the_close_of_its_listener_is_counted),
        cmocka_unit_test(a_listener_stops_once),
        cmocka_unit_test(one_free_buffer_serves_the_session_that_waits_longest),
        cmocka_unit_test(a_broadcast_beyond_what_a_peer_sent_is_dropped),
        cmocka_unit_test(a_worker_that_stood_still_reads_for_as_long_as_something_comes),
    };

    return cmocka_run_group_tests_name("scarcity", tests, NULL, NULL);
}
