/* SPDX-License-Identifier: MIT */
/* sim_route.c - finds the route of an attempt to connect; sim_set_route() sets them. The simulation
 * owns its routes. */
#include "address.h"
#include "sim_wire.h"

const struct sim_route *wire_route_to(const struct net_simulation *simulation,
                                      const struct net_address *to)
{
    const struct sim_route *any_port = NULL;

    for (const struct wire_route *at = simulation->routes; at; at = at->next) {
        if (address_equals(&at->to, to)) return &at->route;
        if (at->to.port == 0 && address_same_ip(&at->to, to)) any_port = &at->route;
    }
    return any_port;
}
