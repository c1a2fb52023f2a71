/* SPDX-License-Identifier: MIT */
/* test_handoff.c - one worker listens for all: which worker gets a connection, and that none is
 * lost on its way between them. On a simulated network in one thread, iteration by iteration;
 * and with threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"
#include "plain_socket.h"
#include "thread.h"
#include "transport_alone.h"

#define MEMBERS 3
#define PEERS_MAX 400
#define ITERATIONS_MAX 20000

struct world {
    struct net_simulation *simulation;
    struct worker_common common;
    struct admission_limits limits;
    struct service service;
    struct loop loops[MEMBERS];
    bool ended[MEMBERS];
    struct worker *workers[MEMBERS];
    struct listener listener;
    struct net_address address;
    struct sim_peer *peers[PEERS_MAX];
    uint32_t peers_count;
};

static struct world world;

static void open_world(uint64_t seed)
{
    struct sim_options sim_options;
    struct net_options options;
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 5050), .backlog = 1024};

    memset(&world, 0, sizeof world);
    sim_options_init(&sim_options);
    sim_options.seed = seed;
    world.simulation = sim_open(&sim_options);
    net_options_init(&options);
    options.transport = "simulated";
    options.simulation = world.simulation;
    world.common.config = fixture_config();
    world.common.config.sessions_max = 1000;
    world.common.limits = &world.limits;
    world.common.handoff_workers = world.workers;
    world.common.handoff_count = MEMBERS;
    world.common.workers = world.workers;
    world.common.workers_count = MEMBERS;
    for (uint8_t i = 0; i < MEMBERS; i++) {
        world.workers[i] = &world.loops[i].worker;
        assert_true(loop_init(&world.loops[i], i, &world.common, 0));
        assert_int_equal(loop_open(&world.loops[i], &options, NULL), WEIR_OK);
    }
    service_init(&world.service, WEIR_TCP, &codec_raw, &handler_echo, &world.common.config);
    assert_int_equal(
        listener_open(&world.listener, &world.loops[0].worker, &world.service, &where, NULL),
        WEIR_OK);
    world.address = where.address;
}

/* Of one worker, or of all but that one (negative: all). */
static void iterate_all(int alone, int without)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct worker *worker = &world.loops[i].worker;
        if ((alone >= 0 && i != alone) || i == without || world.ended[i]) continue;
        world.ended[i] = !loop_iterate(&world.loops[i], net_now_ns(worker->net) + CLOCK_NS_PER_MS);
    }
}

static uint32_t accepted_by(int index)
{
    struct weir_stats stats = {0};

    counters_add_to(&world.loops[index].worker.counters, &stats);
    return (uint32_t)stats.accepted;
}

static uint32_t accepted(void)
{
    uint32_t sum = 0;

    for (int i = 0; i < MEMBERS; i++) sum += accepted_by(i);
    return sum;
}

static void connect_peers(uint32_t count)
{
    while (count-- > 0)
        world.peers[world.peers_count++] = sim_connect(world.simulation, &world.address, NULL);
}

static void until_accepted(uint32_t count, int without)
{
    for (int i = 0; i < ITERATIONS_MAX && accepted() < count; i++) iterate_all(-1, without);
    assert_int_equal(accepted(), count);
}

static bool all_ended(void)
{
    return world.ended[0] && world.ended[1] && world.ended[2];
}

/* Every connection that was accepted was closed, and nothing is left anywhere: loop_free,
 * mailbox_free and sim_free check the rest. */
static void close_world(void)
{
    for (int i = 0; i < MEMBERS; i++)
        if (!world.ended[i]) remote_stop(&world.loops[i].worker);
    for (int i = 0; i < ITERATIONS_MAX && !all_ended(); i++) iterate_all(-1, -1);
    assert_true(all_ended());
    assert_int_equal(world.limits.sessions_open, 0);
    for (int i = 0; i < MEMBERS; i++) {
        loop_close(&world.loops[i]);
        loop_free(&world.loops[i]);
    }
    assert_int_equal(sim_files_count(world.simulation), 0);
    for (uint32_t i = 0; i < world.peers_count; i++)
        if (world.peers[i]) sim_peer_close(world.peers[i]);
    sim_free(world.simulation);
}

static void connections_are_shared_evenly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        open_world(seed);
        connect_peers(30);
        until_accepted(30, -1);
        for (int i = 0; i < MEMBERS; i++) assert_int_equal(accepted_by(i), 10);
        close_world();
    }
}

static void the_least_busy_gets_the_next(void **state)
{
    (void)state;
    open_world(7);
    connect_peers(30);
    until_accepted(30, -1);
    struct list *first = world.loops[1].worker.tcp_sessions.next;
    struct weir_session *session = weir_container_of(first, struct weir_session, in_sessions);
    for (int i = 0; i < 6; i++) {
        struct list *next = session->in_sessions.next;
        session_close(session, WEIR_REASON_SHUTDOWN);
        session = weir_container_of(next, struct weir_session, in_sessions);
    }
    for (int i = 0; i < 200; i++) iterate_all(-1, -1);
    connect_peers(6);
    until_accepted(36, -1);
    assert_int_equal(accepted_by(1), 16);
    close_world();
}

static void an_echo_comes_from_wherever_it_is_served(void **state)
{
    uint8_t bytes[8];

    (void)state;
    open_world(3);
    connect_peers(12);
    until_accepted(12, -1);
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t got = 0;
        for (int n = 0; n < ITERATIONS_MAX && sim_peer_state(world.peers[i]) != SIM_CONNECTED; n++)
            iterate_all(-1, -1);
        assert_int_equal(sim_peer_send(world.peers[i], "echo", 4), 4);
        for (int n = 0; n < ITERATIONS_MAX && got < 4; n++) {
            iterate_all(-1, -1);
            got += sim_peer_receive(world.peers[i], bytes + got, 4 - got);
        }
        assert_memory_equal(bytes, "echo", 4);
    }
    close_world();
}

/* A worker that never iterates gets a full mailbox of commands; the others serve the rest. */
static void a_full_mailbox_refuses_no_session(void **state)
{
    (void)state;
    open_world(4);
    connect_peers(PEERS_MAX);
    for (int i = 0; i < ITERATIONS_MAX && accepted() < PEERS_MAX * 2 / 3; i++) iterate_all(-1, 2);
    for (int i = 0; i < 200; i++) iterate_all(-1, 2);
    uint32_t waiting = mailbox_count(&world.loops[2].mailbox);
    assert_true(waiting > 0 && waiting <= world.common.config.mailbox_commands_max);
    assert_int_equal(accepted() + waiting, PEERS_MAX);
    until_accepted(PEERS_MAX, -1);
    close_world();
}

/* Commands in a mailbox at the stop are executed, or their sockets closed; and what comes to
 * a worker that has ended is served by who accepted it. */
static void no_command_is_lost_at_the_end(void **state)
{
    (void)state;
    for (int stop = 0; stop < 2; stop++) {
        open_world(5);
        connect_peers(9);
        for (int i = 0; i < ITERATIONS_MAX && mailbox_count(&world.loops[2].mailbox) < 3; i++)
            iterate_all(0, -1);
        assert_int_equal(mailbox_count(&world.loops[1].mailbox), 3);
        for (int i = 0; i < MEMBERS; i++)
            if (stop)
                remote_stop(&world.loops[i].worker);
            else
                remote_drain(&world.loops[i].worker, 60000);
        for (int i = 0; i < ITERATIONS_MAX && !all_ended(); i++) {
            iterate_all(-1, -1);
            for (uint32_t n = 0; n < world.peers_count; n++) {
                if (!world.peers[n] || !sim_peer_saw_end(world.peers[n])) continue;
                sim_peer_close(world.peers[n]);
                world.peers[n] = NULL;
            }
        }
        assert_true(all_ended());
        close_world();
    }
}

static void an_ended_session_receives_nothing(void **state)
{
    (void)state;
    open_world(6);
    remote_stop(&world.loops[1].worker);
    for (int i = 0; i < ITERATIONS_MAX && !world.ended[1]; i++) iterate_all(1, -1);
    assert_true(world.ended[1]);
    connect_peers(12);
    until_accepted(12, -1);
    assert_int_equal(accepted_by(1), 0);
    close_world();
}

/* ---- with threads ---- */

static plain_socket connect_to(const struct net_address *address)
{
    plain_socket socket = plain_open(true, true, 0);

    assert_true(plain_connect(socket, true, address));
    while (plain_connected(socket) == PLAIN_WAIT) continue;
    assert_int_equal(plain_connected(socket), 0);
    return socket;
}

static void echo_on(plain_socket socket, const char *text, uint32_t length)
{
    char got[64];
    uint32_t count = 0;

    while (plain_send(socket, text, length) == PLAIN_WAIT) continue;
    while (count < length) {
        int32_t more = plain_receive(socket, got + count, length - count, false);
        assert_true(more > 0 || more == PLAIN_WAIT);
        if (more > 0) count += (uint32_t)more;
    }
    assert_memory_equal(got, text, length);
}

static void a_server_with_threads_serves_all(void **state)
{
    enum { CLIENTS = 48, ROUNDS = 6 };
    struct weir_config config;
    struct weir_server *server;
    struct weir_stats stats;
    plain_socket clients[CLIENTS];

    (void)state;
    weir_config_init(&config);
    config.transport = transport_alone_name();
    config.workers = 4;
    assert_int_equal(weir_server_open(&config, &server, NULL), WEIR_OK);
    struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "127.0.0.1:0"};
    assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    struct weir_listener_info info;
    weir_server_listener(server, 0, &info);
    struct net_address address = address_of_public(&info.address);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(&address);
        for (int i = 0; i < CLIENTS; i++) echo_on(clients[i], "echo of a team", 14);
        for (int i = 0; i < CLIENTS; i++)
            if ((i + round) % 3 == 0)
                plain_reset(clients[i]);
            else
                plain_close(clients[i]);
    }
    for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(&address);
    weir_server_drain(server, 200); /* some may still lie in a mailbox */
    weir_server_wait(server);
    weir_server_stats(server, &stats);
    assert_true(stats.accepted >= CLIENTS * ROUNDS);
    assert_true(stats.accepted == stats.closed);
    for (int i = 0; i < CLIENTS; i++) plain_close(clients[i]);
    weir_server_free(server);
}

/* No client can reach the workers: the loss of the only listener ends all of them. */
static void workers_end_when_their_only_listener_ends(void **state)
{
    const struct net_event broke = {.kind = NET_BROKEN,
                                    .code = WEIR_SYSTEM,
                                    .os_error = 5,
                                    .handle = world.listener.endpoint.handle};

    (void)state;
    open_world(7);
    connect_peers(9);
    until_accepted(9, -1);
    listener_on_event(&world.listener, &broke);
    for (int i = 0; i < ITERATIONS_MAX && !all_ended(); i++) iterate_all(-1, -1);
    assert_true(all_ended());
    close_world();
}

/* The command was pending when the worker was stopped: its socket is closed, not lost. */
static void a_stop_refuses_accepted_sockets_in_the_mailbox(void **state)
{
    (void)state;
    open_world(8);
    connect_peers(30);
    until_accepted(30, -1);
    connect_peers(9);
    for (int i = 0; i < 200; i++) iterate_all(0, -1); /* the commands for the others are written */
    assert_int_equal(mailbox_count(&world.loops[1].mailbox), 3);
    world.loops[1].worker.request = WORKER_STOP; /* executed in the previous iteration */
    remote_stop(&world.loops[1].worker);
    iterate_all(1, -1);
    assert_int_equal(accepted_by(1), 10);
    assert_int_equal(world.loops[1].worker.counters.refused_failed, 3);
    world.loops[1].worker.request = WORKER_RUN;
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_shared_evenly),
        cmocka_unit_test(the_least_busy_gets_the_next),
        cmocka_unit_test(an_echo_comes_from_wherever_it_is_served),
        cmocka_unit_test(a_full_mailbox_refuses_no_session),
        cmocka_unit_test(no_command_is_lost_at_the_end),
        cmocka_unit_test(an_ended_session_receives_nothing),
        cmocka_unit_test(workers_end_when_their_only_listener_ends),
        cmocka_unit_test(a_stop_refuses_accepted_sockets_in_the_mailbox),
        cmocka_unit_test(a_server_with_threads_serves_all),
    };

    return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
