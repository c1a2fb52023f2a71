/* SPDX-License-Identifier: MIT */
/* rule_06_commit.c - net_wait submits every queued request to the system before it blocks. No call
 * to flush exists that a caller could forget.
 *
 * Each test queues requests and then only waits, with a deadline and no other source of wake-ups.
 */
#include "contract.h"

static void the_next_wait_submits_a_send(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    world_run_until_idle(world);
    line->out_seed = 1;
    peer_reads_pattern(peer, 1);
    line_send(line, 4, 1000);
    world_until(world, peer->in_position == 4000);
    world_close(world);
}

static void one_wait_submits_many_sends(void **state)
{
    enum { COUNT = 30 };
    struct net_options options;
    struct world *world;
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    for (uint32_t entries = 2; entries <= 64; entries *= 32) { /* 2: takes many submissions */
        world_options(&options);
        options.queue_entries = entries;
        world = world_open(&options);
        for (uint64_t i = 0; i < COUNT; i++) {
            lines[i] = world_connect(world, &peers[i]);
            lines[i]->out_seed = 10 + i;
            peer_reads_pattern(peers[i], 10 + i);
        }
        for (int i = 0; i < COUNT; i++) line_send(lines[i], 3, 500);
        world_iterate(world);
        for (int i = 0; i < COUNT; i++) world_until(world, peers[i]->in_position == 1500);
        for (int i = 0; i < COUNT; i++) world_until(world, lines[i]->sent_count == 1);
        world_close(world);
    }
}

static void the_next_wait_submits_a_finish(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_finish(line);
    world_until(world, peer_saw_fin(peer));
    world_close(world);
}

static void the_next_wait_submits_a_close(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line_close(line);
    world_until(world, peer_saw_fin(peer) && !line->is_open);
    world_close(world);
}

static void the_next_wait_submits_datagrams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer), from;
    uint8_t bytes[16];
    uint32_t length, got = 0;

    (void)state;
    for (uint8_t i = 0; i < 20; i++)
        require_equal(line_send_to(line, &to, NULL, &i, 1, 0), WEIR_OK);
    world_begin(world);
    while (got < 20) {
        world_iterate_on(world, "all datagrams came", __FILE__, __LINE__);
        while (peer_receive_from(peer, bytes, sizeof bytes, &length, &from)) {
            require_equal(length, 1);
            require_equal(bytes[0], got++);
            require_equal(from.port, line_address(line).port);
        }
    }
    world_until(world, line->sends_out == 0);
    world_close(world);
}

/* The submission does not wait until the caller has taken all events. */
static void requests_are_submitted_while_many_events_wait(void **state)
{
    enum { COUNT = 20 };
    struct world *world = world_open(NULL);
    struct line *lines[COUNT];
    struct peer *peers[COUNT];

    (void)state;
    for (uint64_t i = 0; i < COUNT; i++) {
        lines[i] = world_connect(world, &peers[i]);
        lines[i]->out_seed = 50 + i;
        peer_reads_pattern(peers[i], 50 + i);
        peer_sends_pattern(peers[i], 90, 100, 100);
        lines[i]->in_seed = 90;
        line_receive(lines[i], true);
    }
    world_iterate_until(world, 0);
    world->events_max = 1;
    for (int i = 0; i < COUNT; i++) line_send(lines[i], 1, 700);
    world_iterate(world);
    for (int i = 0; i < COUNT; i++) world_until(world, peers[i]->in_position == 700);
    for (int i = 0; i < COUNT; i++)
        world_until(world, lines[i]->sent_count == 1 && lines[i]->in_position == 100);
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(the_next_wait_submits_a_send),
    cmocka_unit_test(one_wait_submits_many_sends),
    cmocka_unit_test(the_next_wait_submits_a_finish),
    cmocka_unit_test(the_next_wait_submits_a_close),
    cmocka_unit_test(the_next_wait_submits_datagrams),
    cmocka_unit_test(requests_are_submitted_while_many_events_wait),
};

CONTRACT_GROUP(rule_06_commit, rule__tests);
