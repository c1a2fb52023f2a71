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

void sim_free(struct net_simulation *simulation)
{
    if (!simulation) return;
    weir_check_rule(simulation->nets_count == 0, "every net is freed before its simulation");
    while (simulation->datagram_peers) sim_datagrams_close(simulation->datagram_peers);
    while (simulation->peers) sim_peer_close(simulation->peers);
    while (simulation->listeners) sim_listener_close(simulation->listeners);
    wire_free_routes(simulation);
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
