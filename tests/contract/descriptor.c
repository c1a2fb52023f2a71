/* SPDX-License-Identifier: MIT */
/* descriptor.c - net_descriptor: after a net_wait() without an event, poll() reports the descriptor
 * as readable when net_wait() has something to hand out. Transports without a descriptor say so. */
#include "contract.h"
#include "plain_socket.h"

/* Returns the descriptor of an idle net; skips the test if the transport has none. */
static int descriptor__of_idle(struct world *world)
{
    int descriptor = net_descriptor(world->net);

    if (descriptor < 0) world_skip(world, "this transport has no descriptor");
    require_equal(descriptor, net_descriptor(world->net));
    return descriptor;
}

/* Iterates until there is no event, and the descriptor is not readable. */
static void descriptor__drain(struct world *world, int descriptor)
{
    for (int i = 0; plain_is_readable(descriptor, 0); i++) {
        require(i < 1000);
        while (world_iterate_until(world, 0) > 0) continue;
    }
    while (world_iterate_until(world, 0) > 0) continue;
}

/* The patience of all tests, for poll(). */
static int descriptor__patience_ms(void)
{
    return (int)(world_patience_ns / 1000000);
}

static void only_some_transports_have_a_descriptor(void **state)
{
    struct world *world = world_open(NULL);
    bool expected = strcmp(world_transport, "epoll") == 0 || strcmp(world_transport, "uring") == 0;

    (void)state;
    require((net_descriptor(world->net) >= 0) == expected);
    world_close(world);
}

static void received_bytes_are_reported(void **state)
{
    struct world *world = world_open(NULL);
    int descriptor = descriptor__of_idle(world);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 1;
    line_receive(line, true);
    peer_sends_pattern(peer, 1, 300, 100);
    for (uint64_t expected = 0; expected < 300;) {
        descriptor__drain(world, descriptor);
        expected = line->in_position;
        if (expected == 300) break;
        peer_step(peer);
        require(plain_is_readable(descriptor, descriptor__patience_ms()));
        world_iterate_until(world, 0);
    }
    require_equal(line->in_position, 300);
    world_close(world);
}

static void a_connection_is_reported(void **state)
{
    struct world *world = world_open(NULL);
    int descriptor = descriptor__of_idle(world);
    struct line *listener = world_listen(world);

    (void)state;
    world_run_until_idle(world);
    descriptor__drain(world, descriptor);
    struct net_address to = line_address(listener);
    world_start(world, &to); /* the net connects to itself: the answers are events, too */
    while (listener->sockets_count == 0) {
        require(plain_is_readable(descriptor, descriptor__patience_ms()) ||
                world_iterate_until(world, 0) > 0);
        world_iterate_until(world, 0);
    }
    world_close(world);
}

static void a_wake_is_reported(void **state)
{
    struct world *world = world_open(NULL);
    int descriptor = descriptor__of_idle(world);

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (uint32_t i = 1; i <= 10; i++) {
        descriptor__drain(world, descriptor);
        require(!plain_is_readable(descriptor, 0));
        net_wake(world->net);
        require(plain_is_readable(descriptor, descriptor__patience_ms()));
        world_until(world, world->woken_count == i);
    }
    world_close(world);
}

static const struct CMUnitTest descriptor__tests[] = {
    cmocka_unit_test(only_some_transports_have_a_descriptor),
    cmocka_unit_test(received_bytes_are_reported),
    cmocka_unit_test(a_connection_is_reported),
    cmocka_unit_test(a_wake_is_reported),
};

CONTRACT_GROUP(descriptor, descriptor__tests);
