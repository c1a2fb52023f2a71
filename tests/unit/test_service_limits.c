/* SPDX-License-Identifier: MIT */
/* test_service_limits.c - two services of one worker that differ in their limits and timeouts, and
 * listeners that are removed while their sessions continue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "fixture.h"

static struct service service;
static struct listener listener;
static struct udp_socket udp_socket;
static struct net_address address; /* of the second one */

/* Opens the fixture with the server's settings, and prepares a second service. */
static void open_world(const struct weir_config *config, enum weir_proto proto)
{
    fixture_open(config, NULL, &handler_echo, 1);
    service_init(&service, proto, proto == WEIR_TCP ? &codec_raw : &codec_datagram, &handler_echo,
                 config);
    address = address_of_v4(0x7f000001, 6060);
}

static void listen_on(void)
{
    const struct net_listen_options where = {.address = address, .backlog = 8};

    if (service.proto == WEIR_TCP)
        assert_int_equal(listener_open(&listener, &fixture.loop.worker, &service, &where, NULL),
                         WEIR_OK);
    else
        assert_int_equal(udp_socket_open(&udp_socket, &fixture.loop.worker, &service, &where, NULL),
                         WEIR_OK);
}

static struct sim_peer *connect_to_other(void)
{
    return sim_connect(fixture.simulation, &address, NULL);
}

static void each_service_has_its_idle_timeout(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 5000;
    open_world(&config, WEIR_TCP);
    service.config.idle_timeout_ms = 1000;
    listen_on();
    struct sim_peer *first = fixture_connect(), *second = connect_to_other();
    fixture_run_ms(1500);
    assert_true(sim_peer_saw_end(second) || sim_peer_saw_reset(second));
    assert_false(sim_peer_saw_end(first) || sim_peer_saw_reset(first));
    fixture_run_ms(4000);
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 2);
    sim_peer_close(first);
    sim_peer_close(second);
    fixture_close();
}

static void a_full_service_leaves_room_for_the_other(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_max = 3;
    open_world(&config, WEIR_TCP);
    service.sessions_max = 1;
    listen_on();
    struct sim_peer *peers[] = {connect_to_other(), connect_to_other(), fixture_connect(),
                                fixture_connect(), fixture_connect()};
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().open, 3);
    assert_int_equal(fixture_stats().refused_full, 2);
    assert_int_equal(fixture.limits.sessions_open, 3);
    assert_int_equal(service.own_sessions_open, 1);
    assert_int_equal(fixture.tcp_service.own_sessions_open, 2);
    for (int i = 0; i < 5; i++) sim_peer_close(peers[i]);
    fixture_run_ms(50);
    assert_int_equal(service.own_sessions_open, 0);
    assert_int_equal(fixture.tcp_service.own_sessions_open, 0);
    fixture_close();
}

static void each_service_has_its_rate(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_world(&config, WEIR_TCP);
    service.config.message_rate_max = 1;
    listen_on();
    struct sim_peer *first = fixture_connect(), *second = connect_to_other();
    fixture_run_ms(20);
    for (int i = 0; i < 3; i++) {
        fixture_say(first, "a");
        fixture_say(second, "b");
        fixture_run_ms(10);
    }
    fixture_expect(first, "aaa");
    assert_true(fixture_stats().pauses_rate > 0);
    sim_peer_close(first);
    sim_peer_close(second);
    fixture_close();
}

/* A rate makes a UDP service keep its peers; the other service has transient sessions. */
static void a_datagram_service_has_its_own_timeout(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_world(&config, WEIR_UDP);
    service.config.message_rate_max = 100;
    service.config.datagram_idle_timeout_ms = 1000;
    listen_on();
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "x");
    fixture_run_ms(20);
    assert_int_equal(fixture_stats().peers_opened, 0);
    fixture.address = address; /* of the datagrams from here on */
    fixture_send_to(socket, "y");
    fixture_run_ms(20);
    assert_int_equal(fixture_stats().peers_opened, 1);
    fixture_run_ms(1500);
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 1);
    sim_datagrams_close(socket);
    fixture_close();
}

/* ---- removing ---- */

static uint32_t closed_count;

static void note_closed(struct endpoint *endpoint)
{
    (void)endpoint;
    closed_count++;
}

/* Connections that had been completed become sessions, and the sessions continue. */
static void a_removed_listener_accepts_what_is_queued(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peers[4];

    (void)state;
    open_world(&config, WEIR_TCP);
    listen_on();
    closed_count = 0;
    listener.endpoint.on_closed = note_closed;
    for (int i = 0; i < 4; i++) peers[i] = connect_to_other();
    for (int i = 0; i < 4; i++) /* until each is connected */
        while (sim_peer_send(peers[i], (const uint8_t *)"a", 1) == 0) fixture_iterate(FIXTURE_MS);
    listener_remove(&listener);
    listener_remove(&listener); /* has no effect */
    fixture_run_ms(50);
    assert_int_equal(closed_count, 1);
    assert_int_equal(fixture_stats().open, 4);
    for (int i = 0; i < 4; i++) {
        fixture_say(peers[i], "b");
        fixture_run_ms(10);
        fixture_expect(peers[i], "ab");
    }
    struct sim_peer *late = connect_to_other();
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().accepted, 4);
    for (int i = 0; i < 4; i++) sim_peer_close(peers[i]);
    sim_peer_close(late);
    fixture_close();
}

/* The peers of another socket of the worker keep their sessions. */
static void a_removed_udp_socket_ends_its_sessions(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 100; /* so that peers are kept */
    open_world(&config, WEIR_UDP);
    listen_on();
    closed_count = 0;
    udp_socket.endpoint.on_closed = note_closed;
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "x");
    sim_datagrams_send(socket, &address, "y", 1);
    fixture_run_ms(20);
    assert_int_equal(fixture_stats().peers_opened, 2);
    udp_socket_remove(&udp_socket);
    fixture_run_ms(20);
    assert_int_equal(closed_count, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    assert_int_equal(fixture_stats().peers_closed, 1);
    sim_datagrams_close(socket);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_service_has_its_idle_timeout),
        cmocka_unit_test(a_full_service_leaves_room_for_the_other),
        cmocka_unit_test(each_service_has_its_rate),
        cmocka_unit_test(a_datagram_service_has_its_own_timeout),
        cmocka_unit_test(a_removed_listener_accepts_what_is_queued),
        cmocka_unit_test(a_removed_udp_socket_ends_its_sessions),
    };

    return cmocka_run_group_tests_name("service_limits", tests, NULL, NULL);
}
