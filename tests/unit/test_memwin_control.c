/* SPDX-License-Identifier: MIT */
/* test_memwin_control.c - control messages of datagrams over a simulated Windows that omits
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "memwin.h"
#include "require.h"
#include "world.h"

#define DATAGRAMS 8u

/* Sends one datagram to the line and waits for it. Returns the address to which it was sent, as the
 * transport reports it. */
static struct net_address local_of_next(struct world *world, struct line *line,
                                        struct peer_datagrams *peer, const struct net_address *to)
{
    uint32_t before = line->got_count;

    peer_send_to(peer, to, "weir", 4);
    world_until(world, line->got_count > before);
    return line->got[before].local;
}

/* Under memory pressure Windows can omit them, and then writes nothing to the control piece. The
 * messages of an earlier datagram in the same buffer must not count for this one. */
static void omitted_control_messages_are_not_those_of_an_earlier_datagram(void **state)
{
    struct net_options options;

    (void)state;
    world_transport = "rio";
    world_seed = 1;
    world_options(&options);
    options.datagram_receives = 1; /* so that each datagram takes the same buffer */
    struct world *world = world_open(&options);
    struct line *line = world_bind(world, "0.0.0.0:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = world_address("127.0.0.1:0"), none = {0};
    to.port = none.port = line_address(line).port;
    line_receive(line, true);
    struct net_address local = local_of_next(world, line, peer, &to);
    require(address_same_ip(&local, &to));
    line_forget_datagrams(line);
    memwin_fail(MEMWIN_CONTROL, 1, 1);
    for (uint32_t i = 0; i < DATAGRAMS; i++) {
        local = local_of_next(world, line, peer, &to);
        require(memcmp(&local, &none, sizeof none) == 0);
    }
    require(memwin_failures(MEMWIN_CONTROL) >= DATAGRAMS);
    memwin_fail_nothing();
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(omitted_control_messages_are_not_those_of_an_earlier_datagram),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
