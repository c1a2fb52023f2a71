/* SPDX-License-Identifier: MIT */
/* addresses.c - addresses of listeners and sockets: port 0, addresses in use, both families,
 * several workers on one address. */
#include "address.h"
#include "contract.h"

static void port_0_becomes_an_actual_port(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world), *socket = world_bind(world, "127.0.0.1:0");

    (void)state;
    require(line_address(listener).port != 0);
    require(line_address(socket).port != 0);
    world_close(world);
}

static void an_address_in_use_is_reported_with_its_subject(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world), *socket = world_bind(world, "127.0.0.1:0");
    struct net_listen_options listen_options = {.address = line_address(listener), .backlog = 1};
    struct net_handle handle;
    struct weir_error error;

    (void)state;
    require_equal(net_listen(world->net, &listen_options, NULL, &handle, &error),
                  WEIR_ADDRESS_IN_USE);
    require_equal(error.code, WEIR_ADDRESS_IN_USE);
    require(strstr(error.subject, "tcp 127.0.0.1:") != NULL);
    listen_options.share = NET_SHARE_FIRST;
    require_equal(net_listen(world->net, &listen_options, NULL, &handle, &error),
                  WEIR_ADDRESS_IN_USE);
    listen_options.address = line_address(socket);
    require_equal(net_bind(world->net, &listen_options, NULL, &handle, &error),
                  WEIR_ADDRESS_IN_USE);
    require(strstr(error.subject, "udp 127.0.0.1:") != NULL);
    world_close(world);
}

static void closing_a_listener_frees_its_address(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    struct net_listen_options listen_options = {.address = line_address(world->listener),
                                                .backlog = 1};

    (void)state;
    line_close(line); /* the listening side closes first, so that TIME_WAIT is on its port */
    line_close(world->listener);
    world_until(world, !line->is_open && !world->listener->is_open);
    world_listen_on(world, &listen_options);
    world_close(world);
}

static void a_dual_stack_listener_accepts_both_families(void **state)
{
    struct world *world = world_open(NULL);
    struct net_listen_options listen_options = {.address = world_address("[::]:0"), .backlog = 8};
    struct line *listener = world_listen_on(world, &listen_options);
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};

    (void)state;
    line_accept(listener, true);
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(addresses); i++) {
        struct net_address to = world_address(addresses[i]), from, here;
        to.port = line_address(listener).port;
        struct peer *peer = peer_connect(world, &to);
        struct line *line = world_adopt(world, line_take_socket(listener, &from));
        here = peer_address(peer);
        require(address_equals(&from, &here));
        here = line_address(line);
        require(address_equals(&here, &to));
    }
    world_close(world);
}

/* Two nets on one address: every connection and every datagram reaches exactly one of them. */
static void several_workers_can_share_an_address(void **state)
{
    enum { COUNT = 40 };
    struct world *first = world_open(NULL), *next = world_open_beside(first, NULL);
    struct net_listen_options listen_options = {
        .address = world_address("127.0.0.1:0"), .share = NET_SHARE_FIRST, .backlog = COUNT};

    (void)state;
    if (!net_info(first->net).listeners_share) {
        world_close(next);
        world_skip(first, "listeners of this transport cannot share an address");
    }
    struct line *listeners[2] = {world_listen_on(first, &listen_options), NULL};
    listen_options.address = line_address(listeners[0]);
    listen_options.share = NET_SHARE_NEXT;
    listeners[1] = world_listen_on(next, &listen_options);
    line_accept(listeners[0], true);
    line_accept(listeners[1], true);
    for (int i = 0; i < COUNT; i++) peer_connect(first, &listen_options.address);
    world_begin(first);
    while (listeners[0]->sockets_count + listeners[1]->sockets_count < COUNT) {
        world_iterate_on(first, "each connection was accepted", __FILE__, __LINE__);
        world_iterate_until(next, 0);
    }
    require(listeners[0]->sockets_count > 0);
    require(listeners[1]->sockets_count > 0);
    world_close(next);
    world_close(first);
}

static void an_unknown_transport_is_rejected_with_a_hint(void **state)
{
    struct net_options options;
    struct net *net;
    struct weir_error error;

    (void)state;
    world_options(&options);
    options.transport = "carrier pigeon";
    require_equal(net_open(&options, &net, &error), WEIR_INVALID);
    require(strstr(error.hint, net_transport_name(0)) != NULL);
    require(net == NULL);
    options.transport = "simulated";
    require_equal(net_open(&options, &net, &error), WEIR_INVALID);
}

static const struct CMUnitTest addresses__tests[] = {
    cmocka_unit_test(port_0_becomes_an_actual_port),
    cmocka_unit_test(an_address_in_use_is_reported_with_its_subject),
    cmocka_unit_test(closing_a_listener_frees_its_address),
    cmocka_unit_test(a_dual_stack_listener_accepts_both_families),
    cmocka_unit_test(several_workers_can_share_an_address),
    cmocka_unit_test(an_unknown_transport_is_rejected_with_a_hint),
};

CONTRACT_GROUP(addresses, addresses__tests);
