/* SPDX-License-Identifier: MIT */
/* rule_09_clock.c - net_now_ns changes only inside net_wait and never decreases. A wait does not
 * return before its deadline without an event, and deadline 0 does not block. */
#include "contract.h"

#define RULE__MS UINT64_C(1000000)

static void the_clock_does_not_change_outside_a_wait(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t now_ns = net_now_ns(world->net);

    (void)state;
    line->out_seed = 1;
    line_receive(line, true);
    line_send(line, 16, 4096);
    for (int i = 0; i < 1000; i++) { /* enough time for a real clock to advance */
        peer_send(peer, "x", 1);
        net_give_back(world->net, net_take(world->net, 1));
        require_equal(net_now_ns(world->net), now_ns);
    }
    world_close(world);
}

static void the_clock_never_decreases(void **state)
{
    struct world *world = world_open(NULL);
    uint64_t before_ns = net_now_ns(world->net);

    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        world_iterate_until(world, before_ns + i % 5 * 10000);
        require(net_now_ns(world->net) >= before_ns);
        before_ns = net_now_ns(world->net);
    }
    world_close(world);
}

static void a_wait_without_events_lasts_until_its_deadline(void **state)
{
    struct world *world = world_open(NULL);
    static const uint64_t spans_ns[] = {1,       1000,         999999,       RULE__MS,
                                        1500000, 7 * RULE__MS, 50 * RULE__MS};
    struct net_event event;

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (size_t i = 0; i < CONTRACT_COUNT_OF(spans_ns); i++) {
        uint64_t until_ns = net_now_ns(world->net) + spans_ns[i];
        require_equal(net_wait(world->net, until_ns, &event, 1), 0);
        require(net_now_ns(world->net) >= until_ns);
    }
    world_close(world);
}

static void a_passed_deadline_does_not_block(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (int i = 0; i < 1000; i++) require_equal(net_wait(world->net, 0, &event, 1), 0);
    for (int i = 0; i < 1000; i++)
        require_equal(net_wait(world->net, net_now_ns(world->net), &event, 1), 0);
    require_equal(net_wait(world->net, 1, &event, 1), 0);
    world_close(world);
}

static void an_event_ends_a_wait_without_deadline(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 1;
    line_receive(line, true);
    peer_sends_pattern(peer, 1, 100, 100);
    peer_step(peer);
    for (int i = 0; i < 100 && line->in_position < 100; i++)
        world_iterate_until(world, NET_FOREVER);
    require_equal(line->in_position, 100);
    net_wake(world->net);
    require_equal(world_iterate_until(world, NET_FOREVER), 1);
    require_equal(world->woken_count, 1);
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(the_clock_does_not_change_outside_a_wait),
    cmocka_unit_test(the_clock_never_decreases),
    cmocka_unit_test(a_wait_without_events_lasts_until_its_deadline),
    cmocka_unit_test(a_passed_deadline_does_not_block),
    cmocka_unit_test(an_event_ends_a_wait_without_deadline),
};

CONTRACT_GROUP(rule_09_clock, rule__tests);
