/* SPDX-License-Identifier: MIT */
/* test_simulated.c - the simulation itself: a seed repeats a run, time jumps and stops correctly,
 * scripts run. The contract suite tests that it follows the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "pattern.h"
#include "sim.h"
#include "world.h"

#define TEST__MS UINT64_C(1000000)

/* Runs several echoing connections and some datagrams; returns a hash of the trace. */
static uint64_t test__trace(uint64_t seed, uint64_t *events_count)
{
    struct peer *peers[5];

    world_seed = seed;
    struct world *world = world_open(NULL);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *datagrams = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(socket);
    line_receive(socket, true);
    for (uint64_t i = 0; i < 5; i++) {
        struct line *line = world_connect(world, &peers[i]);
        line->in_seed = 1 + i;
        line->echoes = line->out_finishes = true;
        line_receive(line, true);
        peer_reads_pattern(peers[i], 1 + i);
        peer_sends_pattern(peers[i], 1 + i, 30000, 777);
        peers[i]->out_finishes = true;
        peer_send_to(datagrams, &to, &i, sizeof i);
    }
    peer_reset(peers[4]);
    for (int i = 0; i < 4; i++) world_until(world, peer_saw_close(peers[i]));
    uint64_t hash = sim_trace_hash(world->simulation);
    *events_count = sim_trace_count(world->simulation);
    world_close(world);
    world_seed = 1;
    return hash;
}

static void the_same_seed_gives_the_same_trace(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t first_count, second_count;
        uint64_t first = test__trace(seed, &first_count), second = test__trace(seed, &second_count);
        require_equal(first, second);
        require_equal(first_count, second_count);
        require(first_count > 50);
    }
}

static void another_seed_gives_another_trace(void **state)
{
    uint64_t hashes[20], count;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        hashes[i] = test__trace(100 + i, &count);
        for (uint64_t j = 0; j < i; j++) require(hashes[i] != hashes[j]);
    }
}

static void the_clock_starts_at_the_configured_time(void **state)
{
    struct sim_options options;
    struct net_options net_options;
    struct net *net;
    struct net_event event;

    (void)state;
    sim_options_init(&options);
    options.start_ns = UINT64_MAX / 2 - 5;
    struct net_simulation *simulation = sim_open(&options);
    world_options(&net_options);
    net_options.simulation = simulation;
    require_equal(net_open(&net_options, &net, NULL), WEIR_OK);
    require_equal(net_now_ns(net), options.start_ns);
    require_equal(net_wait(net, options.start_ns + UINT64_C(86400) * 1000 * TEST__MS, &event, 1),
                  0);
    require_equal(net_now_ns(net),
                  options.start_ns + UINT64_C(86400) * 1000 * TEST__MS); /* jumps a day */
    net_free(net);
    sim_free(simulation);
}

static void the_clock_stops_at_the_deadline(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;
    uint64_t stop_ns = net_now_ns(world->net) + 5 * TEST__MS;

    (void)state;
    sim_stop_at(world->simulation, stop_ns);
    for (int i = 0; i < 3; i++) {
        require_equal(net_wait(world->net, NET_FOREVER, &event, 1), 0);
        require_equal(net_now_ns(world->net), stop_ns);
    }
    sim_stop_at(world->simulation, NET_FOREVER);
    require_equal(net_wait(world->net, stop_ns + 1000 * TEST__MS, &event, 1), 0);
    require_equal(net_now_ns(world->net), stop_ns + 1000 * TEST__MS);
    world_close(world);
}

/* A long wait ends when bytes reach a peer, at exactly that time, so that the script can answer in
 * time. */
static void a_script_runs_when_bytes_reach_its_peer(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    struct net_event event;
    uint64_t begin_ns = net_now_ns(world->net);

    (void)state;
    line->out_seed = 1;
    line_send(line, 1, 100);
    while (peer_receive(peer, &(uint8_t){0}, 1) == 0) {
        uint32_t count = net_wait(world->net, begin_ns + 3600 * 1000 * TEST__MS, &event, 1);
        if (count == 1 && event.kind == NET_SENT) line->send_out = false;
        require(net_now_ns(world->net) < begin_ns + 100 * TEST__MS);
    }
    world_until(world, !line->send_out);
    world_close(world);
}

static void test__wait_forever(void *argument)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)argument;
    for (;;) net_wait(world->net, NET_FOREVER, &event, 1);
}

static void waiting_without_any_source_of_events_is_a_deadlock(void **state)
{
    (void)state;
    require_death(test__wait_forever, NULL, "deadlock");
}

static void an_earlier_wake_ends_a_wait_without_deadline(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)state;
    net_wake(world->net);
    require_equal(net_wait(world->net, NET_FOREVER, &event, 1), 1);
    require_equal(event.kind, NET_WOKEN);
    world_close(world);
}

static void a_full_backlog_makes_connects_wait(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("127.0.0.1:0"),
                                                .backlog = 2};
    struct line *listener = world_listen_on(world, &listen_options);
    struct net_address to = line_address(listener);
    struct peer *peers[3];

    (void)state;
    for (int i = 0; i < 3; i++) peers[i] = peer_start(world, &to);
    world_run_until_idle(world);
    int connected = 0;
    for (int i = 0; i < 3; i++) connected += peer_state(peers[i]) == PEER_CONNECTED;
    require_equal(connected, 2);
    line_accept(listener, true);
    for (int i = 0; i < 3; i++)
        world_until(world, peer_state(peers[i]) == PEER_CONNECTED); /* the connect is retried */
    world_until(world, listener->sockets_count == 3);
    world_close(world);
}

static void a_window_bounds_the_bytes_in_flight(void **state)
{
    struct world *world = world_open(NULL);
    struct sim_options options;
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint32_t total = 0, taken;
    static uint8_t bytes[10000];

    (void)state;
    sim_options_init(&options);
    while ((taken = peer_send(peer, bytes, sizeof bytes)) > 0) total += taken;
    require_equal(total, options.window_bytes);
    world_run_until_idle(world);
    require_equal(peer_send(peer, bytes, sizeof bytes), 0);
    line_receive(line, true);
    world_until(world, line->in_position > 0);
    require(peer_send(peer, bytes, sizeof bytes) > 0);
    world_close(world);
}

static void a_reset_discards_the_bytes_in_flight(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    peer_send(peer, "lost", 4);
    peer_reset(peer);
    world_until(world, line->broken_count == 1);
    world_run_until_idle(world);
    require(line->in_position == 0 || line->in_position <= 4);
    require_equal(line->received_count > 0, line->in_position > 0);
    world_close(world);
}

static void a_datagram_queue_is_bounded(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    static uint8_t bytes[60000];
    uint64_t got = 0;

    (void)state;
    for (int i = 0; i < 20; i++) peer_send_to(peer, &to, bytes, sizeof bytes);
    world_run_until_idle(world);
    line_receive(line, true);
    world_run_until_idle(world);
    for (uint32_t i = 0; i < line->got_count; i++) got += line->got[i].length;
    require_equal(got, 3 * sizeof bytes); /* the rest is lost, as on a real system */
    world_close(world);
}

static void equal_datagrams_can_arrive_as_a_gro_batch(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    uint32_t batches = 0, next = 0;
    uint8_t bytes[100];

    (void)state;
    for (uint8_t i = 0; i < 200; i++) {
        memset(bytes, i, sizeof bytes);
        peer_send_to(peer, &to, bytes, i % 10 == 9 ? 50 : 100);
    }
    world_run_until_idle(world);
    line_receive(line, true);
    world_run_until_idle(world);
    for (uint32_t i = 0; i < line->got_count; i++) {
        const struct datagram_got *got = &line->got[i];
        uint32_t step = got->segment_bytes > 0 ? got->segment_bytes : got->length;
        batches += got->segment_bytes > 0;
        for (uint32_t at = 0; at < got->length; at += step, next++)
            require_equal(got->bytes[at], next);
    }
    require_equal(next, 200);
    require(batches > 0);
    world_close(world);
}

static void an_injected_datagram_can_have_any_source(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "[::]:0");
    struct net_address from = world_address("203.0.113.9:53"), to = world_address("192.0.2.1:0");

    (void)state;
    to.port = line_address(line).port;
    line_receive(line, true);
    sim_inject(world->simulation, &from, &to, "weir", 4);
    world_until(world, line->got_count == 1);
    require(address_equals(&line->got[0].from, &from));
    require(address_equals(&line->got[0].local, &to));
    world_close(world);
}

/* ---- connecting ---- */

static void an_attempt_ends_as_its_route_says(void **state)
{
    static const struct {
        struct sim_route route;
        enum weir_code code;
    } cases[] = {
        {{.code = WEIR_UNREACHABLE, .os_error = 113}, WEIR_UNREACHABLE},
        {{.code = WEIR_TIMED_OUT, .os_error = 110, .delay_ns = 127000 * TEST__MS}, WEIR_TIMED_OUT},
        {{.code = WEIR_ADDRESS_UNAVAILABLE, .os_error = 99}, WEIR_ADDRESS_UNAVAILABLE},
    };
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sim_set_route(world->simulation, &to, &cases[i].route);
        uint64_t began_ns = net_now_ns(world->net);
        struct line *line = world_start(world, &to);
        while (line->broken_count == 0) world_iterate_until(world, NET_FOREVER);
        require_equal(line->broken_code, cases[i].code);
        require(net_now_ns(world->net) >= began_ns + cases[i].route.delay_ns);
        require(!peer_accept(listener));
    }
    sim_set_route(world->simulation, &to, NULL);
    struct line *line = world_start(world, &to);
    world_until(world, line->connected_count == 1);
    world_close(world);
}

static void a_route_without_a_port_is_for_every_port(void **state)
{
    const struct sim_route silent = {.code = WEIR_TIMED_OUT}, open = {.delay_ns = 5 * TEST__MS};
    struct world *world = world_open(NULL);
    struct peer_listener *listener = peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(listener), every = world_address("127.0.0.1:0"),
                       other = world_address("127.0.0.2:0");

    (void)state;
    sim_set_route(world->simulation, &every, &silent);
    sim_set_route(world->simulation, &other, &open);
    struct line *line = world_start(world, &to);
    world_until(world, line->broken_count == 1);
    sim_set_route(world->simulation, &to, &open);
    line = world_start(world, &to);
    world_until(world, line->connected_count == 1);
    world_close(world);
}

/* The RST can overtake the answer: then the attempt fails; otherwise the connection breaks. */
static void a_connection_that_is_reset_at_once_ends_in_both_ways(void **state)
{
    const struct sim_route route = {.resets = true};
    uint32_t connected_count = 0, refused_count = 0;

    (void)state;
    for (world_seed = 1; world_seed <= 30; world_seed++) {
        struct world *world = world_open(NULL);
        struct net_address to = world_address("127.0.0.1:7");
        sim_set_route(world->simulation, &to, &route);
        struct line *line = world_start(world, &to);
        world_until(world, line->broken_count == 1);
        require_equal(line->broken_code, WEIR_RESET);
        connected_count += line->connected_count;
        refused_count += 1 - line->connected_count;
        world_close(world);
    }
    world_seed = 1;
    require(connected_count > 0);
    require(refused_count > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_trace),
        cmocka_unit_test(another_seed_gives_another_trace),
        cmocka_unit_test(the_clock_starts_at_the_configured_time),
        cmocka_unit_test(the_clock_stops_at_the_deadline),
        cmocka_unit_test(a_script_runs_when_bytes_reach_its_peer),
        cmocka_unit_test(waiting_without_any_source_of_events_is_a_deadlock),
        cmocka_unit_test(an_earlier_wake_ends_a_wait_without_deadline),
        cmocka_unit_test(a_full_backlog_makes_connects_wait),
        cmocka_unit_test(a_window_bounds_the_bytes_in_flight),
        cmocka_unit_test(a_reset_discards_the_bytes_in_flight),
        cmocka_unit_test(a_datagram_queue_is_bounded),
        cmocka_unit_test(equal_datagrams_can_arrive_as_a_gro_batch),
        cmocka_unit_test(an_injected_datagram_can_have_any_source),
        cmocka_unit_test(an_attempt_ends_as_its_route_says),
        cmocka_unit_test(a_route_without_a_port_is_for_every_port),
        cmocka_unit_test(a_connection_that_is_reset_at_once_ends_in_both_ways),
    };

    return cmocka_run_group_tests_name("simulated", tests, NULL, NULL);
}
