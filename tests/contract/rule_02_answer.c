/* SPDX-License-Identifier: MIT */
/* rule_02_answer.c - exactly one event answers each request, and only net_wait delivers events. */
#include "contract.h"

static void every_kind_of_event_is_delivered(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer, *other;
    struct line *line = world_connect(world, &peer), *second = world_connect(world, &other);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *sender = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(socket), back = peer_bound(sender);

    (void)state; /* world_connect has seen NET_ACCEPTED */
    line->in_seed = 1;
    line_receive(line, true);
    line_receive(second, true);
    line_receive(socket, true);
    peer_sends_pattern(peer, 1, 100, 100);
    peer->out_finishes = true;
    world_until(world, line->received_count > 0 && line->peer_done_count == 1);
    line_send(line, 1, 100);
    world_until(world, line->sent_count == 1);
    require_equal(line->sent_code, WEIR_OK);
    peer_reset(other);
    world_until(world, second->broken_count == 1);
    require_equal(second->broken_code, WEIR_RESET);
    peer_send_to(sender, &to, "weir", 4);
    world_until(world, socket->got_count == 1);
    require_equal(line_send_to(socket, &back, &socket->got[0].local, "weir", 4, 0), WEIR_OK);
    world_until(world, socket->datagrams_sent == 1);
    net_wake(world->net);
    world_until(world, world->woken_count == 1);
    line_close(line);
    world_until(world, !line->is_open);
    world_close(world);
}

static void each_send_is_answered_once(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->out_seed = 2;
    peer_reads_pattern(peer, 2);
    for (uint32_t i = 1; i <= 200; i++) {
        line_send(line, 1 + i % 3, i * 7 % 4000 + 1);
        world_until(world, line->sent_count == i);
        require_equal(line->sent_code, WEIR_OK);
    }
    world_until(world, peer->in_position == line->out_position);
    world_run_until_idle(world);
    require_equal(line->sent_count, 200);
    world_close(world);
}

static void answers_to_datagram_sends_carry_counts(void **state)
{
    struct world *world = world_open(NULL);
    struct line *socket = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);
    uint32_t asked = 0;

    (void)state;
    for (uint32_t round = 1; round <= 10; round++) {
        for (uint32_t i = 0; i < round; i++, asked++)
            require_equal(line_send_to(socket, &to, NULL, "0123456789", i, 0), WEIR_OK);
        world_until(world, socket->sends_out == 0);
    }
    require_equal(socket->datagrams_sent + socket->datagrams_failed, asked);
    require_equal(socket->datagrams_failed, 0);
    world_close(world);
}

/* With room for one event per iteration, all other events have to wait and none may be lost. */
static void answers_wait_for_room_in_the_event_array(void **state)
{
    enum { COUNT = 20 };
    struct world *world = world_open(NULL);
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->out_seed = lines[i]->in_seed = 100 + (uint64_t)i;
        peer_reads_pattern(peers[i], lines[i]->out_seed);
        peer_sends_pattern(peers[i], lines[i]->in_seed, 500, 100);
        line_receive(lines[i], true);
    }
    world->events_max = 1;
    for (int i = 0; i < COUNT; i++) line_send(lines[i], 2, 100);
    for (int i = 0; i < COUNT; i++)
        world_until(world, lines[i]->sent_count == 1 && lines[i]->in_position == 500 &&
                               peers[i]->in_position == 200);
    for (int i = 0; i < COUNT; i++) line_close(lines[i]);
    for (int i = 0; i < COUNT; i++) world_until(world, !lines[i]->is_open);
    world_close(world);
}

static void a_send_during_a_reset_is_answered_once(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct line *line = world_connect(world, &peer);
        line_receive(line, i % 2 == 0);
        line_sends_pattern(line, 7, UINT64_C(1) << 40, 16, 4096);
        for (int iterations = 0; iterations < i; iterations++) world_iterate(world);
        peer_reset(peer);
        world_until(world, line->broken_count == 1 ||
                               (line->sent_count > 0 && line->sent_code != WEIR_OK));
        line->out_total = line->out_position;
        world_until(world, !line->send_out);
        line_close(line);
        world_until(world, !line->is_open);
        peer_close(peer);
    }
    world_close(world);
}

static void repeated_wakes_are_answered_by_one_event(void **state)
{
    struct world *world = world_open(NULL);

    (void)state;
    for (uint32_t i = 1; i <= 5; i++) {
        for (uint32_t times = 0; times < i; times++) net_wake(world->net);
        world_until(world, world->woken_count == i);
        world_run_until_idle(world);
        require_equal(world->woken_count, i);
    }
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(every_kind_of_event_is_delivered),
    cmocka_unit_test(each_send_is_answered_once),
    cmocka_unit_test(answers_to_datagram_sends_carry_counts),
    cmocka_unit_test(answers_wait_for_room_in_the_event_array),
    cmocka_unit_test(a_send_during_a_reset_is_answered_once),
    cmocka_unit_test(repeated_wakes_are_answered_by_one_event),
};

CONTRACT_GROUP(rule_02_answer, rule__tests);
