/* SPDX-License-Identifier: MIT */
/* test_sim_acks.c - acknowledgements on the simulated wire: delayed, immediate, with data, lost.
 * The times are exact: 1 ms on the wire each way, 40 ms of delay, 10 ms more for each
 * acknowledgement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"
#include "clock.h"
#include "require.h"
#include "sim.h"
#include "sim_wire.h"

#define MS CLOCK_NS_PER_MS

static struct net_simulation *simulation;
static struct wire_port port;
static struct wire_end *client, *server;

static void ignore_port(struct wire_port *changed)
{
    require(changed == &port);
}

static void run_ms(uint64_t ms)
{
    uint64_t until_ns = simulation->now_ns + ms * MS;

    while (wire_step(simulation, until_ns)) continue;
}

static void open_stream(void)
{
    struct sim_options options;
    struct net_address from = address_of_v4(0x7f000001, 4000);

    sim_options_init(&options);
    options.latency_min_ns = options.latency_max_ns = MS;
    options.piece_bytes_max = options.window_bytes;
    options.acknowledges = true;
    options.ack_travel_ns = 10 * MS;
    simulation = sim_open(&options);
    port = (struct wire_port){.address = address_of_v4(0x7f000001, 80), .backlog = 1};
    port.changed = ignore_port;
    require(wire_listen(simulation, &port, true));
    client = wire_connect(simulation, &from, &port.address);
    run_ms(5);
    server = wire_accept(&port);
    require(server != NULL);
}

static void close_stream(void)
{
    wire_leave(client, true);
    wire_leave(server, true);
    wire_unlisten(&port);
    sim_free(simulation);
}

static void write_to_client(uint32_t count)
{
    static const uint8_t bytes[8192];

    require_equal(wire_write(server, bytes, count), count);
}

static void a_few_bytes_are_acknowledged_after_a_delay(void **state)
{
    (void)state;
    open_stream();
    write_to_client(10);
    run_ms(1 + 40 + 10);
    require_equal(server->acked_total, 0);
    run_ms(1);
    require_equal(server->acked_total, 10);
    close_stream();
}

static void two_segments_are_acknowledged_immediately(void **state)
{
    (void)state;
    open_stream();
    write_to_client(2 * 1460);
    run_ms(1 + 10 + 1 + 1); /* in one piece, or in a few that follow closely */
    require_equal(server->acked_total, 2 * 1460);
    close_stream();
}

static void a_reply_carries_the_acknowledgement(void **state)
{
    (void)state;
    open_stream();
    write_to_client(10);
    run_ms(2);
    require_equal(wire_write(client, (const uint8_t *)"x", 1), 1);
    run_ms(10 + 1);
    require_equal(server->acked_total, 10);
    run_ms(100);
    require_equal(server->acked_total, 10);
    close_stream();
}

static void a_close_acknowledges_what_has_arrived(void **state)
{
    uint8_t bytes[10];

    (void)state;
    open_stream();
    write_to_client(10);
    run_ms(2);
    require_equal(wire_read(client, bytes, 10), 10);
    wire_leave(client, false);
    run_ms(10 + 1);
    require_equal(server->acked_total, 10);
    wire_leave(server, false);
    wire_unlisten(&port);
    sim_free(simulation);
}

static void a_lost_peer_acknowledges_nothing(void **state)
{
    (void)state;
    open_stream();
    write_to_client(10);
    run_ms(5); /* they have arrived, and the acknowledgement is delayed */
    wire_lose(client);
    write_to_client(5000);
    run_ms(1000);
    require_equal(server->acked_total, 0);
    require_equal(client->arrived, 10);
    wire_leave(client, true); /* sends nothing */
    write_to_client(1);
    run_ms(1000);
    require(!server->reset_arrived);
    wire_leave(server, true);
    wire_unlisten(&port);
    sim_free(simulation);
}

static void a_reset_ends_acknowledgements(void **state)
{
    (void)state;
    open_stream();
    write_to_client(10);
    run_ms(2);
    wire_leave(client, true);
    run_ms(100);
    require(server->reset_arrived);
    require_equal(server->acked_total, 0);
    wire_leave(server, true);
    wire_unlisten(&port);
    sim_free(simulation);
}

static void nothing_is_acknowledged_unless_it_is_asked_for(void **state)
{
    (void)state;
    open_stream();
    simulation->options.acknowledges = false;
    write_to_client(5000);
    run_ms(1000);
    require_equal(client->arrived, 5000);
    require_equal(server->acked_total, 0);
    close_stream();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_bytes_are_acknowledged_after_a_delay),
        cmocka_unit_test(two_segments_are_acknowledged_immediately),
        cmocka_unit_test(a_reply_carries_the_acknowledgement),
        cmocka_unit_test(a_close_acknowledges_what_has_arrived),
        cmocka_unit_test(a_lost_peer_acknowledges_nothing),
        cmocka_unit_test(a_reset_ends_acknowledgements),
        cmocka_unit_test(nothing_is_acknowledged_unless_it_is_asked_for),
    };

    return cmocka_run_group_tests_name("sim_acks", tests, NULL, NULL);
}
