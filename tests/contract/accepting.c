/* SPDX-License-Identifier: MIT */
/* accepting.c - every connection that the system accepts is handed out, or counted as lost; and the
 * end of accepting loses none. */
#include "contract.h"

#define ACCEPTING__PEERS 20u

/* Resets every second peer before it can be accepted, or just after. */
static void a_connection_reset_before_it_is_accepted_is_counted(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    line_accept(listener, false);
    world_run_until_idle(world);
    for (uint32_t i = 0; i < ACCEPTING__PEERS; i++) {
        struct peer *peer = peer_connect(world, &to);
        if (i % 2 == 0) peer_reset(peer);
    }
    world_run_until_idle(world);
    line_accept(listener, true);
    world_until(world, listener->sockets_count + listener->refused_count == ACCEPTING__PEERS);
    world_run_until_idle(world);
    require_equal(listener->sockets_count + listener->refused_count, ACCEPTING__PEERS);
    require(listener->sockets_count >= ACCEPTING__PEERS / 2);
    world_close(world);
}

/* What a close cuts is counted, in the same way and before NET_CLOSED. */
static void a_close_counts_the_connections_that_it_cuts(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    world_run_until_idle(world); /* transports that post accepts have posted them now */
    for (uint32_t i = 0; i < ACCEPTING__PEERS; i++) peer_start(world, &to);
    world->events_max = 1;
    world_until(world, listener->sockets_count == 1);
    line_close(listener);
    world_until(world, !listener->is_open);
    require(listener->sockets_count + listener->refused_count <= ACCEPTING__PEERS);
    world_close(world);
}

static void accepting__stop(struct line *listener)
{
    net_stop_accepting(listener->world->net, listener->handle);
}

static uint32_t accepting__closed(struct peer *const *peers, bool *any_reset)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ACCEPTING__PEERS; i++) {
        count += peer_saw_fin(peers[i]);
        *any_reset |= peer_saw_reset(peers[i]);
    }
    return count;
}

/* Peers connect while accepting ends, after this many iterations of one event each. */
static void accepting__stop_after(uint32_t iterations)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    struct peer *peers[ACCEPTING__PEERS];
    bool any_reset = false;
    uint32_t adopted = 0;

    world_run_until_idle(world);
    for (uint32_t i = 0; i < ACCEPTING__PEERS; i++) peers[i] = peer_start(world, &to);
    world->events_max = 1;
    for (uint32_t i = 0; i < iterations; i++) world_iterate(world);
    accepting__stop(listener);
    world_until(world, listener->stopped_count == 1);
    line_close(listener);
    world_until(world, !listener->is_open);
    require_equal(listener->refused_count, 0);
    while (listener->sockets_count > 0) {
        line_finish(world_adopt(world, line_take_socket(listener, NULL)));
        adopted++;
    }
    world_until(world, accepting__closed(peers, &any_reset) == adopted);
    world_close(world);
}

static void the_end_of_accepting_loses_no_accepted_connection(void **state)
{
    (void)state;
    for (uint32_t iterations = 0; iterations <= 2 * ACCEPTING__PEERS; iterations++)
        accepting__stop_after(iterations);
}

static void accepting_ends_while_held_connections_wait(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    world_run_until_idle(world);
    line_accept(listener, false);
    for (uint32_t i = 0; i < ACCEPTING__PEERS; i++) peer_connect(world, &to);
    world_run_until_idle(world); /* some transports hold them now, others leave them queued */
    line_accept(listener, true);
    accepting__stop(listener);
    world_until(world, listener->stopped_count == 1);
    require_equal(listener->refused_count, 0);
    world_close(world);
}

static void accepting_ends_without_files(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);

    (void)state;
    world_needs_file_exhaustion(world);
    line_accept(listener, false);
    world_run_until_idle(world);
    peer_connect(world, &to);
    world_limit_files(world, 0);
    line_accept(listener, true);
    world_until(world, listener->paused_count > 0);
    accepting__stop(listener);
    world_until(world, listener->stopped_count == 1);
    world_limit_files(world, WORLD_FILES_FREE);
    world_close(world);
}

static void a_close_needs_no_answer_to_the_stop(void **state)
{
    struct world *world = world_open(NULL);
    struct line *listener = world_listen(world);

    (void)state;
    world_run_until_idle(world);
    accepting__stop(listener);
    line_close(listener);
    world_until(world, !listener->is_open);
    require_equal(listener->stopped_count, 0);
    world_close(world);
}

static const struct CMUnitTest accepting__tests[] = {
    cmocka_unit_test(a_connection_reset_before_it_is_accepted_is_counted),
    cmocka_unit_test(a_close_counts_the_connections_that_it_cuts),
    cmocka_unit_test(the_end_of_accepting_loses_no_accepted_connection),
    cmocka_unit_test(accepting_ends_while_held_connections_wait),
    cmocka_unit_test(accepting_ends_without_files),
    cmocka_unit_test(a_close_needs_no_answer_to_the_stop),
};

CONTRACT_GROUP(accepting, accepting__tests);
