/* SPDX-License-Identifier: MIT */
/* sim_route.c - how attempts to connect to an address end: late, refused, unreachable, reset. */
#include "address.h"
#include "sim.h"
#include "sim_wire.h"

static struct wire_route **wire__link_to(struct net_simulation *simulation,
                                         const struct net_address *to)
{
    struct wire_route **link = &simulation->routes;

    while (*link && !address_equals(&(*link)->to, to)) link = &(*link)->next;
    return link;
}

void sim_set_route(struct net_simulation *simulation, const struct net_address *to,
                   const struct sim_route *route)
{
    struct wire_route **link = wire__link_to(simulation, to), *old = *link;

    if (old) {
        *link = old->next;
        wire_memory_free(old);
    }
    if (!route) return;
    struct wire_route *added = wire_memory(1, sizeof *added);
    *added = (struct wire_route){*to, *route, simulation->routes};
    simulation->routes = added;
}

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

void wire_free_routes(struct net_simulation *simulation)
{
    while (simulation->routes) {
        struct wire_route *first = simulation->routes;
        simulation->routes = first->next;
        wire_memory_free(first);
    }
}
