/* SPDX-License-Identifier: MIT */
/* test_udp_sources.c - whose datagrams are answered: not those of other servers, unless asked
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"

static void hear(const struct net_address *from)
{
    sim_inject(fixture.simulation, from, &fixture.address, "round", 5);
    fixture_iterations(200);
}

static void open_echo(bool answers_services)
{
    struct weir_config config = fixture_config();

    config.datagram_answer_services = answers_services;
    fixture_open(&config, NULL, &handler_echo, 1);
}

static void ports_of_servers_are_not_answered(void **state)
{
    const struct net_address service = address_of_v4(0x0a000009, 1023);
    const struct net_address same_port = address_of_v4(0x0a000009, 5050);
    const struct net_address client = address_of_v4(0x0a000009, 1024);

    (void)state;
    open_echo(false);
    hear(&service);
    hear(&same_port);
    assert_int_equal(fixture_stats().dropped_services, 2);
    assert_int_equal(fixture_stats().datagrams_out, 0);
    hear(&client);
    assert_int_equal(fixture_stats().dropped_services, 2);
    assert_int_equal(fixture_stats().datagrams_out, 1);
    fixture_close();
}

static void they_are_when_that_is_asked_for(void **state)
{
    const struct net_address service = address_of_v4(0x0a000009, 1023);
    const struct net_address same_port = address_of_v4(0x0a000009, 5050);

    (void)state;
    open_echo(true);
    hear(&service);
    hear(&same_port);
    assert_int_equal(fixture_stats().dropped_services, 0);
    assert_int_equal(fixture_stats().datagrams_out, 2);
    hear(&fixture.address); /* but never ourselves */
    assert_int_equal(fixture_stats().dropped_own_source, 1);
    assert_int_equal(fixture_stats().datagrams_out, 2);
    fixture_close();
}

static void a_port_that_is_being_given_up_is_no_servers(void **state)
{
    const struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060)};
    const struct net_address on_that_port = address_of_v4(0x0a000009, 6060);
    static struct service service;
    static struct udp_socket second;

    (void)state;
    open_echo(false);
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_echo, &fixture.common.config);
    assert_int_equal(udp_socket_open(&second, &fixture.loop.worker, &service, &where, NULL),
                     WEIR_OK);
    hear(&on_that_port);
    assert_int_equal(fixture_stats().dropped_services, 1);
    endpoint_close(&second.endpoint);
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, 5);
    buffer->length = 5;
    const struct net_event event = {.kind = NET_DATAGRAM,
                                    .handle = fixture.udp.endpoint.handle,
                                    .owner = &fixture.udp.endpoint.owner,
                                    .peer = on_that_port,
                                    .local = fixture.address,
                                    .buffer = buffer};
    udp_socket_on_event(&fixture.udp, &event); /* in the batch in which it is closed */
    assert_int_equal(fixture_stats().dropped_services, 1);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_of_servers_are_not_answered),
        cmocka_unit_test(they_are_when_that_is_asked_for),
        cmocka_unit_test(a_port_that_is_being_given_up_is_no_servers),
    };

    return cmocka_run_group_tests_name("udp_sources", tests, NULL, NULL);
}
