/* SPDX-License-Identifier: MIT */
/* sim.c - the simulation as a whole: its options, its clock, its limits and its trace. */
#include "sim.h"

#include "check.h"
#include "clock.h"
#include "sim_wire.h"

void sim_options_init(struct sim_options *options)
{
    *options = (struct sim_options){
        .seed = 1,
        .start_ns = 1000 * CLOCK_NS_PER_MS,
        .iteration_ns = 1000,
        .latency_min_ns = 20 * 1000,
        .latency_max_ns = CLOCK_NS_PER_MS,
        .window_bytes = 64 * 1024,
        .piece_bytes_max = 4096,
        .datagram_queue_bytes = 212992, /* Linux's rmem_default */
        .ack_delay_ns = 40 * CLOCK_NS_PER_MS,
        .ack_bytes = 2 * 1460,
    };
}

struct net_simulation *sim_open(const struct sim_options *options)
{
    struct net_simulation *simulation = wire_memory(1, sizeof *simulation);

    weir_check(options->latency_min_ns <= options->latency_max_ns);
    weir_check(options->window_bytes > 0);
    weir_check(options->piece_bytes_max > 0);
    simulation->options = *options;
    simulation->random = options->seed;
    simulation->now_ns = options->start_ns;
    simulation->stop_ns = NET_FOREVER;
    simulation->files_max = SIM_UNLIMITED;
    return simulation;
}

static void sim__remove_route(struct wire_route **link)
{
    struct wire_route *removed = *link;

    *link = removed->next;
    wire_memory_free(removed);
}

void sim_set_route(struct net_simulation *simulation, const struct net_address *to,
                   const struct sim_route *route)
{
    struct wire_route **link = &simulation->routes;

    while (*link && !address_equals(&(*link)->to, to)) link = &(*link)->next;
    if (*link) sim__remove_route(link);
    if (!route) return;
    struct wire_route *added = wire_memory(1, sizeof *added);
    *added = (struct wire_route){*to, *route, simulation->routes};
    simulation->routes = added;
}

void sim_free(struct net_simulation *simulation)
{
    if (!simulation) return;
    weir_check_rule(simulation->nets_count == 0, "every net is freed before its simulation");
    while (simulation->datagram_peers) sim_datagrams_close(simulation->datagram_peers);
    while (simulation->peers) sim_peer_close(simulation->peers);
    while (simulation->listeners) sim_listener_close(simulation->listeners);
    while (simulation->routes) sim__remove_route(&simulation->routes);
    wire_free_all(simulation);
    wire_memory_free(simulation);
}

uint64_t sim_now_ns(const struct net_simulation *simulation)
{
    return simulation->now_ns;
}

void sim_pass_ns(struct net_simulation *simulation, uint64_t ns)
{
    simulation->now_ns += ns;
    simulation->stopped_ns += ns;
}

void sim_work_ns(struct net_simulation *simulation, uint64_t ns)
{
    simulation->now_ns += ns;
}

void sim_stop_at(struct net_simulation *simulation, uint64_t stop_ns)
{
    simulation->stop_ns = stop_ns;
    simulation->idle_waits = 0;
}

void sim_set_files_max(struct net_simulation *simulation, uint32_t files_max)
{
    simulation->files_max = files_max;
    simulation->idle_waits = 0;
}

uint32_t sim_files_count(const struct net_simulation *simulation)
{
    return simulation->files_count;
}

uint64_t sim_accepts_count(const struct net_simulation *simulation)
{
    return simulation->accepts_count;
}

uint64_t sim_trace_hash(const struct net_simulation *simulation)
{
    return simulation->trace_hash;
}

uint64_t sim_trace_count(const struct net_simulation *simulation)
{
    return simulation->trace_count;
}

uint64_t sim_random(struct net_simulation *simulation, uint64_t bound)
{
    return wire_random(simulation, bound);
}
