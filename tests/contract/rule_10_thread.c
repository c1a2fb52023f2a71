/* SPDX-License-Identifier: MIT */
/* rule_10_thread.c - one thread per net, except net_wake. The net of another thread can adopt an
 * accepted socket. */
#include "contract.h"
#include "thread.h"
#include "transport.h"

/* ---- waking ---- */

static void rule__wake(void *argument)
{
    struct net *net = argument;

    net_wake(net);
}

static struct thread *rule__start(void (*run)(void *argument), void *argument)
{
    int os_error = 0;
    struct thread *thread = thread_start("contract", run, argument, &os_error);

    require(thread != NULL);
    return thread;
}

static void a_wake_from_another_thread_ends_the_wait(void **state)
{
    struct world *world;

    (void)state;
    if (!world_has_threads()) world_skip(NULL, "a simulation lives in one thread");
    world = world_open(NULL);
    for (uint32_t i = 1; i <= 50; i++) {
        struct thread *thread = rule__start(rule__wake, world->net);
        while (world->woken_count < i)
            world_iterate_until(world, NET_FOREVER); /* ctest's timeout is the bound */
        thread_join(thread);
    }
    require_equal(world->woken_count, 50);
    world_close(world);
}

/* ---- use of a net by another thread ---- */

static void rule__wait_elsewhere(void *argument)
{
    struct world *world = argument;
    struct net_event event;

    net_wait(world->net, 0, &event, 1);
}

static void rule__take_elsewhere(void *argument)
{
    struct world *world = argument;

    net_take(world->net, 1);
}

static void rule__close_elsewhere(void *argument)
{
    struct world *world = argument;

    net_close(world->net, world->listener->handle);
}

static void rule__use_elsewhere(void *argument)
{
    void (*const *use)(void *) = argument;
    struct world *world = world_open(NULL);

    world->listener = world_listen(world);
    thread_join(rule__start(*use, world));
}

static void use_by_another_thread_fails_a_check(void **state)
{
    static void (*const uses[])(void *) = {rule__wait_elsewhere, rule__take_elsewhere,
                                           rule__close_elsewhere};

    (void)state;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(uses); i++)
        require_death(rule__use_elsewhere, (void *)(uintptr_t)&uses[i], "rule 10");
}

/* ---- a socket that another net adopts ---- */

static void rule__serve(struct world *world, struct net_socket socket)
{
    struct line *line = world_adopt(world, socket);

    line->in_seed = 9;
    line->echoes = true;
    line->out_finishes = true;
    line_receive(line, true);
}

static void another_net_can_adopt_a_socket(void **state)
{
    struct world *accepts = world_open(NULL), *serves = world_open_beside(accepts, NULL);
    struct line *listener = world_listen(accepts);
    struct net_address to = line_address(listener);
    struct peer *peer = peer_connect(accepts, &to);

    (void)state;
    rule__serve(serves, line_take_socket(listener, NULL));
    peer_reads_pattern(peer, 9);
    peer_sends_pattern(peer, 9, 200 * 1000, 3000);
    peer->out_finishes = true;
    world_begin(accepts);
    while (!peer_saw_close(peer)) {
        world_iterate_on(accepts, "the other net served the peer", __FILE__, __LINE__);
        world_iterate_until(serves, 0);
    }
    require_equal(peer->in_position, 200 * 1000);
    world_close(serves);
    world_close(accepts);
}

/* The other thread's net and the data that both threads share. */
struct rule_worker {
    struct gate *opened;
    struct net *net; /* the worker's net; set before `opened` */
    _Atomic uintptr_t socket;
    atomic_bool leaves;
};

static void rule__work(void *argument)
{
    struct rule_worker *worker = argument;
    struct world *world = world_open(NULL);

    worker->net = world->net;
    gate_unlock(worker->opened);
    while (!atomic_load(&worker->leaves)) {
        world_iterate_until(world, NET_FOREVER);
        uintptr_t socket = atomic_exchange(&worker->socket, 0);
        if (socket != 0) rule__serve(world, (struct net_socket){socket, world->net->transport});
    }
    world->checks_files = false; /* the other thread opens and closes files, too */
    world_close(world);
}

static void another_thread_can_adopt_a_socket(void **state)
{
    struct rule_worker worker = {0};
    struct world *world;

    (void)state;
    if (!world_has_threads()) world_skip(NULL, "a simulation lives in one thread");
    worker.opened = gate_open();
    struct thread *thread = rule__start(rule__work, &worker);
    gate_pass(worker.opened);
    world = world_open(NULL);
    struct line *listener = world_listen(world);
    struct net_address to = line_address(listener);
    for (int i = 0; i < 20; i++) {
        struct peer *peer = peer_connect(world, &to);
        atomic_store(&worker.socket, line_take_socket(listener, NULL).os_handle);
        net_wake(worker.net);
        peer_reads_pattern(peer, 9);
        peer_sends_pattern(peer, 9, 20 * 1000, 3000);
        peer->out_finishes = true;
        world_until(world, peer_saw_close(peer));
        require_equal(peer->in_position, 20 * 1000);
        peer_close(peer);
    }
    atomic_store(&worker.leaves, true);
    net_wake(worker.net);
    thread_join(thread);
    gate_free(worker.opened);
    world->checks_files = false; /* files of the other thread were open when this world opened */
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(a_wake_from_another_thread_ends_the_wait),
    cmocka_unit_test(use_by_another_thread_fails_a_check),
    cmocka_unit_test(another_net_can_adopt_a_socket),
    cmocka_unit_test(another_thread_can_adopt_a_socket),
};

CONTRACT_GROUP(rule_10_thread, rule__tests);
