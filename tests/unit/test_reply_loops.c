/* SPDX-License-Identifier: MIT */
/* test_reply_loops.c - two servers that answer each other, and clients that only look like it. Over
 * the simulated network in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"
#include "memory_faults.h"
#include "sim.h"

#define SERVERS 2
#define ITERATIONS_MAX 4000000
#define US UINT64_C(1000)
#define S UINT64_C(1000000000)
#define FIRST_IP 0x0a000001u
#define LOOPBACK_IP 0x7f000001u

static struct world {
    struct net_simulation *simulation;
    struct worker_common common;
    struct admission_limits limits;
    struct service service;
    struct loop loops[SERVERS];
    struct udp_socket sockets[SERVERS];
    struct net_address addresses[SERVERS];
    uint32_t warnings_count;
    char warning[512];
} world;

static void note_line(void *user, int level, const char *line)
{
    (void)user;
    if (level != WEIR_LOG_WARNING) return;
    world.warnings_count++;
    strncpy(world.warning, line, sizeof world.warning - 1);
}

static void open_server(int i, uint32_t ip, const struct net_options *options)
{
    const struct net_listen_options where = {.address = address_of_v4(ip, (uint16_t)(5000 + i))};
    struct worker *worker = &world.loops[i].worker;

    world.addresses[i] = where.address;
    assert_true(loop_init(&world.loops[i], (uint8_t)i, &world.common,
                          service_session_bytes(&codec_datagram, world.service.handler)));
    assert_int_equal(loop_open(&world.loops[i], options, NULL), WEIR_OK);
    assert_int_equal(udp_socket_open(&world.sockets[i], worker, &world.service, &where, NULL),
                     WEIR_OK);
}

/* Two servers on different high ports, and different addresses from `ip` on. A datagram takes
 * `latency_ns` from one to the other. */
static void open_world(uint32_t rate_max, const struct weir_handler *handler, uint32_t ip,
                       uint64_t latency_ns)
{
    struct sim_options sim_options;
    struct net_options options;

    memset(&world, 0, sizeof world);
    sim_options_init(&sim_options);
    sim_options.latency_min_ns = sim_options.latency_max_ns = latency_ns;
    world.simulation = sim_open(&sim_options);
    net_options_init(&options);
    options.transport = "simulated";
    options.simulation = world.simulation;
    world.common.config = fixture_config();
    world.common.config.datagram_reply_percent_max = 100;
    world.common.config.datagram_reply_rate_max = rate_max;
    world.common.limits = &world.limits;
    world.common.log = (struct log){.write = note_line};
    memset(&world.common.key, 7, sizeof world.common.key);
    service_init(&world.service, WEIR_UDP, &codec_datagram, handler, &world.common.config);
    for (int i = 0; i < SERVERS; i++) open_server(i, ip + (uint32_t)i, &options);
}

static bool iterate(uint64_t wait_ns)
{
    bool running = false;

    for (int i = 0; i < SERVERS; i++)
        running |= loop_iterate(&world.loops[i], sim_now_ns(world.simulation) + wait_ns);
    return running;
}

static void run_ns(uint64_t ns)
{
    uint64_t until_ns = sim_now_ns(world.simulation) + ns;

    for (int i = 0; i < ITERATIONS_MAX && sim_now_ns(world.simulation) < until_ns; i++)
        iterate(10 * US);
    assert_true(sim_now_ns(world.simulation) >= until_ns);
}

static struct weir_stats stats_of(int i)
{
    struct weir_stats stats = {0};

    counters_add_to(&world.loops[i].worker.counters, &stats);
    return stats;
}

static void close_world(void)
{
    bool running = true;

    for (int i = 0; i < SERVERS; i++) remote_stop(&world.loops[i].worker);
    for (int i = 0; i < ITERATIONS_MAX && running; i++) running = iterate(US);
    assert_false(running);
    for (int i = 0; i < SERVERS; i++) {
        loop_close(&world.loops[i]);
        loop_free(&world.loops[i]);
    }
    sim_free(world.simulation);
}

/* The attack: datagrams to the first server that seem to come from the second one. */
static void forge(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sim_inject(world.simulation, &world.addresses[1], &world.addresses[0], "round", 5);
}

/* ---- loops ---- */

/* What happened before there was a limit. */
static void without_a_limit_a_loop_goes_on(void **state)
{
    (void)state;
    open_world(0, &handler_echo, FIRST_IP, 50 * US);
    forge(1);
    run_ns(S);
    uint64_t before = stats_of(0).datagrams_out;
    assert_true(before > 2000);
    run_ns(S);
    assert_true(stats_of(0).datagrams_out > 2 * before - 100);
    assert_int_equal(world.warnings_count, 0);
    close_world();
}

static void expect_that_a_loop_ends(uint32_t in_flight)
{
    uint32_t rate_max = world.common.config.datagram_reply_rate_max;

    forge(in_flight);
    run_ns(3 * S);
    struct weir_stats first = stats_of(0), second = stats_of(1);
    assert_in_range(first.datagrams_out, rate_max, 2 * rate_max);
    assert_true(second.datagrams_out <= 2 * rate_max);
    assert_int_equal(first.dropped_reply_rate + second.dropped_reply_rate, in_flight);
    assert_int_equal(world.warnings_count, 1);
    assert_non_null(strstr(world.warning, "datagram_reply_rate_max"));
    run_ns(3 * S);
    assert_int_equal(stats_of(0).datagrams_in, first.datagrams_in);
    assert_int_equal(stats_of(1).datagrams_in, second.datagrams_in);
}

static void a_loop_of_one_datagram_ends(void **state)
{
    struct weir_config defaults;

    (void)state;
    weir_config_init(&defaults);
    open_world(defaults.datagram_reply_rate_max, &handler_echo, FIRST_IP, 50 * US);
    expect_that_a_loop_ends(1);
    close_world();
}

static void every_datagram_of_a_loop_is_dropped(void **state)
{
    (void)state;
    open_world(2000, &handler_echo, FIRST_IP, US * 1000);
    expect_that_a_loop_ends(100);
    close_world();
}

static void a_slow_loop_stays_below_the_limit(void **state)
{
    (void)state;
    open_world(2000, &handler_echo, FIRST_IP, US * 10000); /* a round takes 20 ms */
    forge(10);
    run_ns(10 * S);
    assert_in_range(stats_of(0).datagrams_out, 1000, 10 * 2000);
    assert_int_equal(stats_of(0).dropped_reply_rate, 0);
    close_world();
}

static void loopback_addresses_have_no_limit(void **state)
{
    (void)state;
    open_world(2000, &handler_echo, LOOPBACK_IP, 50 * US);
    forge(1);
    run_ns(2 * S);
    assert_true(stats_of(0).datagrams_out > 2 * 2000);
    assert_int_equal(stats_of(0).dropped_reply_rate, 0);
    close_world();
}

/* ---- handlers that keep peers, and answer in other ways ---- */

static enum weir_code last_code;
static struct weir_session *last_session;

static void copy_back(struct weir_session *session, const struct weir_message *message)
{
    last_session = session;
    last_code = weir_session_send(session, message->bytes, message->length);
}

static void answer_later(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    weir_session_start_timer(session, 1);
}

static void answer_now(struct weir_session *session)
{
    last_code = weir_session_send(session, "round", 5);
}

static void do_nothing(struct weir_session *session)
{
    (void)session;
}

static const struct weir_handler handler_copy = {.size = sizeof(struct weir_handler),
                                                 .name = "copy",
                                                 .summary = "",
                                                 .on_open = do_nothing,
                                                 .on_message = copy_back};
static const struct weir_handler handler_later = {.size = sizeof(struct weir_handler),
                                                  .name = "later",
                                                  .summary = "",
                                                  .on_message = answer_later,
                                                  .on_timer = answer_now};

static void a_loop_of_sessions_ends(void **state)
{
    (void)state;
    open_world(2000, &handler_copy, FIRST_IP, 50 * US);
    expect_that_a_loop_ends(1);
    close_world();
}

static void answers_from_a_timer_count(void **state)
{
    (void)state;
    open_world(100, &handler_later, FIRST_IP, 50 * US);
    expect_that_a_loop_ends(1);
    assert_int_equal(last_code, WEIR_REPLY_LIMIT);
    close_world();
}

/* ---- clients ---- */

struct client {
    struct sim_datagrams *socket;
    uint32_t sent_count, received_count;
};

static void open_clients(struct client *clients, uint32_t count, uint32_t ip)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct net_address address = address_of_v4(ip, (uint16_t)(20000 + i));
        clients[i] = (struct client){.socket = sim_datagrams_open(world.simulation, &address)};
        assert_non_null(clients[i].socket);
    }
}

static void receive_all(struct client *client)
{
    struct net_address from;
    uint32_t length;
    uint8_t bytes[8];

    while (sim_datagrams_receive(client->socket, bytes, sizeof bytes, &length, &from))
        client->received_count++;
}

/* Each client sends this many datagrams, one per interval. */
static void run_clients(struct client *clients, uint32_t count, uint32_t datagrams,
                        uint64_t interval_ns)
{
    for (uint32_t round = 0; round < datagrams; round++) {
        for (uint32_t i = 0; i < count; i++) {
            sim_datagrams_send(clients[i].socket, &world.addresses[0], "frame", 5);
            clients[i].sent_count++;
        }
        run_ns(interval_ns);
        for (uint32_t i = 0; i < count; i++) receive_all(&clients[i]);
    }
    run_ns(S / 100);
    for (uint32_t i = 0; i < count; i++) receive_all(&clients[i]);
}

static void close_clients(struct client *clients, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) sim_datagrams_close(clients[i].socket);
    close_world();
}

/* A game with 128 datagrams per second, played by many behind one NAT address. */
static void many_clients_behind_one_address_are_answered(void **state)
{
    struct client clients[100];

    (void)state;
    open_world(2000, &handler_echo, FIRST_IP, 50 * US);
    open_clients(clients, 100, 0x0a000009);
    run_clients(clients, 100, 128 * 2, S / 128);
    for (int i = 0; i < 100; i++) assert_int_equal(clients[i].received_count, 128 * 2);
    assert_int_equal(stats_of(0).dropped_reply_rate, 0);
    close_clients(clients, 100);
}

/* A load generator with one socket. */
static void a_higher_limit_lets_a_load_generator_pass(void **state)
{
    struct client client;

    (void)state;
    open_world(200000, &handler_echo, FIRST_IP, 50 * US);
    open_clients(&client, 1, 0x0a000009);
    run_clients(&client, 1, 50000, 10 * US);
    assert_int_equal(client.received_count, 50000);
    assert_int_equal(stats_of(0).dropped_reply_rate, 0);
    close_clients(&client, 1);
}

static void a_client_above_the_limit_is_answered_again_after_a_second(void **state)
{
    struct client clients[2];

    (void)state;
    open_world(100, &handler_echo, FIRST_IP, 50 * US);
    open_clients(clients, 2, 0x0a000009);
    run_clients(clients, 1, 150, 100 * US);
    assert_in_range(clients[0].received_count, 100, 102);
    assert_int_equal(stats_of(0).dropped_reply_rate, 150 - clients[0].received_count);
    assert_int_equal(world.warnings_count, 1);
    run_clients(clients + 1, 1, 50, 100 * US); /* another port is not affected */
    assert_int_equal(clients[1].received_count, 50);
    run_ns(S);
    clients[0].received_count = 0;
    run_clients(clients, 1, 50, 100 * US);
    assert_int_equal(clients[0].received_count, 50);
    close_clients(clients, 2);
}

/* ---- scarcity ---- */

static void without_memory_for_the_limit_a_socket_does_not_open(void **state)
{
    const struct net_listen_options where = {.address = address_of_v4(FIRST_IP, 6060)};
    struct weir_error error;
    struct udp_socket socket;

    (void)state;
    open_world(0, &handler_echo, FIRST_IP, 50 * US);
    world.common.config.datagram_reply_rate_max = 2000;
    for (uint32_t nth = 1; nth <= 2; nth++) { /* the socket's, the limit's */
        memory_fail_nth(nth, 0);
        assert_int_equal(
            udp_socket_open(&socket, &world.loops[0].worker, &world.service, &where, &error),
            WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
    }
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_a_loop_goes_on),
        cmocka_unit_test(a_loop_of_one_datagram_ends),
        cmocka_unit_test(every_datagram_of_a_loop_is_dropped),
        cmocka_unit_test(a_slow_loop_stays_below_the_limit),
        cmocka_unit_test(loopback_addresses_have_no_limit),
        cmocka_unit_test(a_loop_of_sessions_ends),
        cmocka_unit_test(answers_from_a_timer_count),
        cmocka_unit_test(many_clients_behind_one_address_are_answered),
        cmocka_unit_test(a_higher_limit_lets_a_load_generator_pass),
        cmocka_unit_test(a_client_above_the_limit_is_answered_again_after_a_second),
        cmocka_unit_test(without_memory_for_the_limit_a_socket_does_not_open),
    };

    return cmocka_run_group_tests_name("reply_loops", tests, NULL, NULL);
}
