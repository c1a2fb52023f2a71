/* SPDX-License-Identifier: MIT */
/* rule_01_demand.c - no event arrives on a handle whose flow is off. Held data is bounded and
 * arrives when the flow is on. */
#include "contract.h"

static void a_listener_with_flow_off_accepts_no_connection(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    line_accept(listener, false);
    for (int i = 0; i < 3; i++) peer_connect(world, &to);
    world_run_until_idle(world);
    require_equal(listener->sockets_count, 0);
    line_accept(listener, true);
    world_until(world, listener->sockets_count == 3);
    line_accept(listener, false);
    for (int i = 0; i < 3; i++) peer_connect(world, &to);
    world_run_until_idle(world);
    require_equal(listener->sockets_count, 3);
    line_accept(listener, true);
    world_until(world, listener->sockets_count == 6);
    world_close(world);
}

static void a_new_listener_accepts_no_connection(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("127.0.0.1:0"),
                                                .backlog = 8};
    struct line *listener = world_listen_on(world, &listen_options);
    struct net_address to = line_address(listener);

    (void)state;
    peer_connect(world, &to);
    world_run_until_idle(world);
    require_equal(listener->sockets_count, 0);
    world_close(world);
}

static void a_connection_with_flow_off_receives_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer, *witness;
    struct line *off = world_connect(world, &peer), *on = world_connect(world, &witness);

    (void)state;
    off->in_seed = 1;
    on->in_seed = 2;
    line_receive(on, true);
    peer_sends_pattern(peer, 1, 5000, 1000);
    world_until(world, peer->out_position == 5000);
    /* Sent later: once this has arrived, the other pattern could have arrived, too. */
    peer_sends_pattern(witness, 2, 5000, 1000);
    world_until(world, on->in_position == 5000);
    world_run_until_idle(world);
    require_equal(off->received_count, 0);
    line_receive(off, true);
    world_until(world, off->in_position == 5000);
    world_close(world);
}

/* Returns the number of buffers that can be taken now; gives all of them back. */
static uint32_t rule__takeable(struct world *world, uint32_t bytes_min)
{
    struct net_buffer *first = NULL, *buffer;
    uint32_t count = 0;

    while ((buffer = net_take(world->net, bytes_min)) != NULL) {
        buffer->next = first;
        first = buffer;
        count++;
    }
    while (first) {
        buffer = first;
        first = buffer->next;
        net_give_back(world->net, buffer);
    }
    return count;
}

static void data_held_after_flow_off_is_bounded(void **state)
{
    struct net_options options;
    struct world *world;
    struct peer *peer;
    struct line *line;
    const uint64_t total = 400 * 1000;

    (void)state;
    world_options(&options);
    options.stream_buffers_max = 128;
    world = world_open(&options);
    line = world_connect(world, &peer);
    line->in_seed = 3;
    peer_sends_pattern(peer, 3, total, 1000);
    peer->out_finishes = true;
    line_receive(line, true);
    world_until(world, line->in_position > 0);
    for (int i = 0; i < 8; i++) {
        uint64_t had = line->in_position;
        line_receive(line, false);
        world_run_until_idle(world);
        require_equal(line->in_position, had);
        uint64_t held = net_info(world->net).held_bytes_max / options.stream_buffer_bytes;
        uint32_t left = rule__takeable(world, 1);
        require(left + held + options.receive_buffers_ready >= options.stream_buffers_max);
        line_receive(line, true);
        world_until(world, line->in_position > had || line->peer_done_count == 1);
    }
    world_until(world, line->peer_done_count == 1);
    require_equal(line->in_position, total);
    world_close(world);
}

static void the_fin_arrives_after_flow_on_and_the_last_byte(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 4;
    peer_sends_pattern(peer, 4, 20000, 4096);
    peer->out_finishes = true;
    world_until(world, peer->finished);
    world_run_until_idle(world);
    require_equal(line->peer_done_count, 0);
    line_receive(line, true);
    world_until(world, line->peer_done_count == 1);
    require_equal(line->in_position, 20000);
    world_run_until_idle(world);
    world_close(world);
}

static void a_fin_without_data_waits_for_flow_on(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_receive(line, true);
    world_run_until_idle(world);
    line_receive(line, false);
    peer_finish(peer);
    world_run_until_idle(world);
    require_equal(line->peer_done_count, 0);
    line_receive(line, true);
    world_until(world, line->peer_done_count == 1);
    world_close(world);
}

static void switching_the_flow_at_any_moment_loses_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t draw = 5;

    (void)state;
    line->in_seed = 5;
    peer_sends_pattern(peer, 5, 1000 * 1000, 3000);
    peer->out_finishes = true;
    world_begin(world);
    while (line->peer_done_count == 0) {
        for (uint64_t i = pattern_draw(&draw, 4); i > 0; i--)
            line_receive(line, pattern_draw(&draw, 2) == 0);
        world_iterate_on(world, "all arrived", __FILE__, __LINE__);
    }
    require_equal(line->in_position, 1000 * 1000);
    world_close(world);
}

static void a_datagram_socket_with_flow_off_receives_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    uint8_t number = 0;

    (void)state;
    for (uint32_t round = 1; round <= 3; round++) {
        uint32_t had = line->got_count;
        while (number < round * 5) {
            peer_send_to(peer, &to, &number, 1);
            number++;
        }
        world_run_until_idle(world);
        require_equal(line->got_count, had);
        line_receive(line, true);
        for (uint32_t length = 0; length < round * 5;) { /* a GRO batch counts as several */
            world_iterate(world);
            length = 0;
            for (uint32_t i = 0; i < line->got_count; i++) length += line->got[i].length;
        }
        line_receive(line, false);
    }
    uint8_t expected = 0;
    for (uint32_t i = 0; i < line->got_count; i++)
        for (uint32_t at = 0; at < line->got[i].length; at++)
            require_equal(line->got[i].bytes[at], expected++);
    require_equal(expected, 15);
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(a_listener_with_flow_off_accepts_no_connection),
    cmocka_unit_test(a_new_listener_accepts_no_connection),
    cmocka_unit_test(a_connection_with_flow_off_receives_nothing),
    cmocka_unit_test(data_held_after_flow_off_is_bounded),
    cmocka_unit_test(the_fin_arrives_after_flow_on_and_the_last_byte),
    cmocka_unit_test(a_fin_without_data_waits_for_flow_on),
    cmocka_unit_test(switching_the_flow_at_any_moment_loses_nothing),
    cmocka_unit_test(a_datagram_socket_with_flow_off_receives_nothing),
};

CONTRACT_GROUP(rule_01_demand, rule__tests);
