/* SPDX-License-Identifier: MIT */
/* test_session_swarm.c - the whole session layer under random scenarios on the simulated network:
 *
 *      a seed -> settings, filters, codec, peers and what they do, scarcity, the end
 *
 * In most scenarios a bridge to other nodes checks the calls that reach it (swarm_bridge.h).
 * After every loop iteration fixture_validate() checks the worker. The handler and the peers check
 * what reaches them (swarm.h, swarm_peer.h). fixture_close() checks what is left. 200 seeds, or
 * WEIR_SEEDS=n of them; WEIR_SEED=n is where they begin, and alone replays that one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "check.h"
#include "fixture.h"
#include "fixture_validate.h"
#include "group.h"
#include "memory_faults.h"
#include "real_filters.h"
#include "real_tls.h"
#include "remote.h"
#include "require.h"
#include "swarm.h"
#include "swarm_bridge.h"
#include "swarm_peer.h"
#include "test_filters.h"
#include "thread.h"

#define SEEDS 200u
#define PEERS 10u
#define SOCKETS 5u
#define FATES_MAX 60u /* connections of one scenario */
#define BUFFERS_MAX 1024u

static struct scenario {
    unsigned long long seed; /* 0: none runs */
    struct swarm_peer peers[PEERS];
    struct swarm_socket sockets[SOCKETS];
    struct swarm_fate fates[FATES_MAX];
    struct weir_frame *frame, *other_frame; /* null: raw */
    const struct weir_codec *codec;
    struct net_buffer *hogged[BUFFERS_MAX];
    uint32_t hogged_count;
    bool are_congested[3]; /* the groups, by members on other workers */
    uint64_t drained_ns;
    uint32_t drain_ms; /* not 0: it drains */
    bool has_proxy;
} scenario;

/* ---- settings ---- */

static uint32_t maybe(uint32_t one_in, uint32_t least, uint32_t most)
{
    return swarm_one_in(one_in) ? least + swarm_roll(most - least + 1) : 0;
}

static struct weir_config random_config(void)
{
    struct weir_config config = fixture_config();

    config.sessions_max = 1 + swarm_roll(12);
    config.send_queue_high_bytes = 32768 + swarm_roll(100000);
    config.send_queue_low_bytes = swarm_roll(config.send_queue_high_bytes);
    config.idle_timeout_ms = maybe(2, 20, 2000);
    config.first_byte_timeout_ms = maybe(2, 20, 1000);
    config.frame_timeout_ms = maybe(2, 20, 1000);
    config.send_timeout_ms = maybe(2, 20, 1000);
    config.send_rate_min_bytes = maybe(2, 1000, 100000);
    config.lifetime_ms = maybe(3, 100, 5000);
    config.linger_timeout_ms = maybe(2, 10, 1000);
    config.opening_timeout_ms = maybe(2, 20, 1000);
    config.sessions_per_address_max = maybe(4, 1, 4);
    config.accept_rate_max = maybe(6, 1, 50);
    config.receive_rate_max_bytes = maybe(4, 100, 50000);
    config.message_rate_max = maybe(4, 1, 200);
    config.deny = swarm_one_in(10) ? "127.0.0.3" : NULL;
    config.reject_message = swarm_one_in(3) ? "farewell\n" : NULL;
    config.broadcast_policy = (enum weir_broadcast_policy)swarm_roll(3);
    config.datagram_peers_max = 1 + swarm_roll(6);
    config.datagram_idle_timeout_ms = maybe(2, 20, 1000);
    config.datagram_reply_percent_max = maybe(2, 10, 300);
    config.mailbox_commands_max = 1 + swarm_roll(64);
    config.drain_jitter_ms = maybe(2, 1, 300);
    return config;
}

static void open_frames(void)
{
    static const char *const specs[] = {"u16be,max=4k", "line,max=4k", "netstring,max=4k"};

    scenario.codec = NULL;
    require(weir_frame_open(specs[swarm_roll(3)], &scenario.other_frame, NULL) == WEIR_OK);
    if (swarm_one_in(3)) return;
    require(weir_frame_open(specs[swarm_roll(3)], &scenario.frame, NULL) == WEIR_OK);
    scenario.codec = weir_frame_codec(scenario.frame);
}

/* The filters of the product, in every combination. */
static bool choose_real_filters(void)
{
    uint32_t kinds = 1 + swarm_roll(7);
    const struct real_filters chain = {
        .proxy = kinds & 1,
        .tls = kinds & 2,
        .websocket = kinds & 4,
        .has_messages = !scenario.codec && swarm_one_in(2),
        .ping_interval_ms = maybe(2, 20, 500),
        .pong_timeout_ms = 20 + swarm_roll(500),
        .is_proxy_unnamed = swarm_one_in(4),
        .is_tls_older = swarm_one_in(4),
    };

    if (!real_filters_exist(&chain)) return false;
    real_filters_set(&chain);
    scenario.has_proxy = chain.proxy;
    return true;
}

/* A quarter of the scenarios have filters of the product, a quarter those of tests. */
static void choose_filters(void)
{
    static struct filter *const chains[][3] = {
        {&test_filter_line, NULL, NULL},
        {&test_filter_xor, NULL, NULL},
        {&test_filter_xor, NULL, NULL},
        {&test_filter_up, NULL, NULL},
        {&test_filter_line, &test_filter_xor, NULL},
        {&test_filter_xor, &test_filter_up, NULL},
        {&test_filter_line, &test_filter_xor, &test_filter_up},
    };

    test_filters_reset();
    test_filters.goodbye_text = NULL; /* no peer expects it behind its messages */
    test_chain_set(NULL, NULL, NULL);
    scenario.has_proxy = false;
    if (swarm_one_in(2) || (swarm_one_in(2) && choose_real_filters())) return;
    struct filter *const *chain = chains[swarm_roll(weir_count_of(chains))];
    test_chain_set(chain[0], chain[1], chain[2]);
}

/* ---- what happens ---- */

static void send_something(void)
{
    uint64_t id = swarm_log.ids[swarm_roll(weir_count_of(swarm_log.ids))];
    const struct weir_codec *const codecs[] = {NULL, scenario.codec, &codec_raw,
                                               weir_frame_codec(scenario.other_frame)};
    enum weir_code code;

    if (swarm_one_in(10)) {
        remote_finish(&fixture.loop.worker, id);
        return;
    }
    if (swarm_one_in(2)) {
        if (!swarm_log.is_raw) remote_send(&fixture.loop.worker, id, "Unasked", swarm_roll(7) + 1);
        return;
    }
    struct payload *payload =
        payload_open(codecs[swarm_roll(4)], "Unasked by anybody", swarm_roll(18) + 1, &code);
    require(payload != NULL);
    snprintf(payload->group, sizeof payload->group, "%c", 'a' + (char)swarm_roll(3));
    payload->group_hash = group_hash(&fixture.common, payload->group);
    payload->except_id = swarm_one_in(3) ? id : 0;
    remote_broadcast(&fixture.loop.worker, payload);
    payload_unref(payload);
}

static void hog_buffers(void)
{
    while (scenario.hogged_count < BUFFERS_MAX) {
        struct net_buffer *buffer = net_take(fixture.loop.worker.net, 1);
        if (!buffer) return;
        scenario.hogged[scenario.hogged_count++] = buffer;
    }
}

static void give_back_buffers(void)
{
    while (scenario.hogged_count > 0)
        net_give_back(fixture.loop.worker.net, scenario.hogged[--scenario.hogged_count]);
}

/* Members of a group on other workers are above their mark, or read again. */
static void change_congestion(void)
{
    uint32_t n = swarm_roll(3);
    const char name[] = {(char)('a' + n), '\0'};
    _Atomic uint32_t *count =
        &fixture.common.congestion.members[congestion_slot(group_hash(&fixture.common, name))];

    atomic_fetch_add(count, scenario.are_congested[n] ? UINT32_MAX : 1);
    scenario.are_congested[n] = !scenario.are_congested[n];
}

/* Other threads, the machine and the system act. */
static void surround(void)
{
    if (swarm_one_in(20)) change_congestion();
    test_filters.refuses_state = swarm_one_in(30);
    test_filters.refuses_seal = swarm_one_in(200);
    if (swarm_one_in(50)) test_filters.wake_ms = fixture.loop.worker.now_ms + swarm_roll(100);
    if (swarm_one_in(4)) send_something();
    swarm_bridge_step();
    if (swarm_one_in(200)) sim_pass_ns(fixture.simulation, swarm_roll(3000) * FIXTURE_MS);
    if (swarm_one_in(50)) hog_buffers();
    if (swarm_one_in(10)) give_back_buffers();
    if (swarm_one_in(100)) sim_set_files_max(fixture.simulation, 3 + swarm_roll(6));
    if (swarm_one_in(20)) sim_set_files_max(fixture.simulation, 1000);
}

static void peers_step(bool may_come)
{
    for (uint32_t i = 0; i < PEERS; i++) {
        struct swarm_peer *peer = &scenario.peers[i];
        if (peer->wire) {
            swarm_peer_step(peer);
        } else if (may_come && swarm_one_in(10) && swarm_log.fates_count < FATES_MAX) {
            uint32_t number = swarm_log.fates_count++;
            swarm_peer_open(peer, scenario.codec, &scenario.fates[number],
                            scenario.seed * FATES_MAX + number);
        }
    }
    for (uint32_t i = 0; i < SOCKETS; i++) swarm_socket_step(&scenario.sockets[i]);
}

static bool iterate_once(void)
{
    if (swarm_one_in(20)) {
        memory_fail_nth(1 + swarm_roll(6), swarm_one_in(3));
        swarm_log.lacked_memory = true;
    }
    bool running = fixture_iterate(swarm_roll(30) * FIXTURE_MS);
    memory_fail_nth(0, 0);
    return running;
}

/* ---- one scenario ---- */

/* In half of the scenarios the system releases sends when the peer acknowledges them. */
static const struct sim_options *random_network(void)
{
    static struct sim_options network;

    sim_options_init(&network);
    network.acknowledges = swarm_one_in(2);
    network.ack_delay_ns = swarm_roll(50) * FIXTURE_MS;
    network.ack_travel_ns = swarm_roll(100) * FIXTURE_MS;
    return &network;
}

static void open_scenario(void)
{
    struct weir_config config = random_config();
    bool has_drain = swarm_one_in(3);

    memset(&swarm_log, 0, sizeof swarm_log);
    memset(scenario.fates, 0, sizeof scenario.fates);
    memset(scenario.are_congested, 0, sizeof scenario.are_congested);
    swarm_log.fates = scenario.fates;
    open_frames();
    swarm_log.is_raw = !scenario.codec;
    choose_filters();
    fixture_stream_buffers_max = swarm_one_in(3) ? 40 : BUFFERS_MAX;
    fixture_network = random_network();
    fixture_open(&config, scenario.codec, has_drain ? &swarm_handler_drains : &swarm_handler,
                 scenario.seed);
    swarm_bridge_open();
    if (!swarm_one_in(4)) fixture.common.bridge = &swarm_bridge;
    /* Half of them: what a callback asks of another session takes effect immediately. */
    if (swarm_one_in(2)) fixture.loop.worker.thread = thread_self();
    for (uint32_t i = 0; i < SOCKETS; i++)
        swarm_socket_open(&scenario.sockets[i], (uint8_t)(i + 1), scenario.seed * SOCKETS + i);
}

/* Every connection that the system accepted became a session or was refused under one cause. */
static void check_connections(void)
{
    struct weir_stats stats = fixture_stats();
    uint64_t refused = stats.refused_full + stats.refused_address + stats.refused_rate +
                       stats.refused_failed + stats.refused_denied;
    uint64_t accepts = sim_accepts_count(fixture.simulation);

    /* It counts datagrams, too; and a session that a PROXY header named can be refused again. */
    if (fixture.common.limits->deny.count > 0 || scenario.has_proxy)
        require(stats.accepted + refused >= accepts);
    else
        require_equal(stats.accepted + refused, accepts);
}

static void close_scenario(void)
{
    give_back_buffers();
    swarm_bridge_hurry();
    sim_set_files_max(fixture.simulation, 1000);
    check_connections();
    for (uint32_t i = 0; i < PEERS; i++) swarm_peer_close(&scenario.peers[i]);
    for (uint32_t i = 0; i < SOCKETS; i++) swarm_socket_close(&scenario.sockets[i]);
    fixture_close();
    if (fixture.common.bridge) swarm_bridge_close(fixture_stats().sends_dropped);
    require_equal(test_filters.xor_states, 0);
    test_chain_set(NULL, NULL, NULL);
    real_filters_set(NULL);
    fixture_stream_buffers_max = BUFFERS_MAX;
    weir_frame_free(scenario.frame);
    weir_frame_free(scenario.other_frame);
    scenario.frame = scenario.other_frame = NULL;
    require_equal(swarm_log.opened, swarm_log.closed);
    require_equal(swarm_log.asked, swarm_log.counted);
}

/* It ends by its deadline, whatever the peers do. */
static void drain(void)
{
    uint32_t drain_ms = swarm_roll(3000);
    uint64_t until_ns = net_now_ns(fixture.loop.worker.net) + (drain_ms + 100) * FIXTURE_MS;
    bool running = true;

    swarm_bridge_hurry();
    remote_drain(&fixture.loop.worker, drain_ms);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && running; i++) {
        if (swarm_one_in(100)) remote_drain(&fixture.loop.worker, swarm_roll(5000));
        if (swarm_one_in(300)) remote_stop(&fixture.loop.worker);
        if (swarm_one_in(4)) send_something();
        peers_step(true);
        running = iterate_once();
        require(!running || net_now_ns(fixture.loop.worker.net) <= until_ns);
    }
    require(!running);
}

static void run_scenario(unsigned long long seed)
{
    scenario.seed = seed;
    swarm_seed(seed);
    open_scenario();
    for (uint32_t i = 50 + swarm_roll(250); i > 0; i--) {
        surround();
        peers_step(true);
        require(iterate_once());
    }
    if (swarm_one_in(2)) drain();
    close_scenario();
    scenario.seed = 0;
}

/* ---- all of them ---- */

/* Where weir's own checks end the process, and with it the test. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    fprintf(stderr, "it was scenario %llu; again: WEIR_SEED=%llu\n", scenario.seed, scenario.seed);
}

static int say_seed(void **state)
{
    (void)state;
    if (scenario.seed != 0) on_abort(0);
    return 0;
}

static unsigned long long number_of(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void every_scenario_keeps_the_promises(void **state)
{
    unsigned long long first = number_of("WEIR_SEED", 1);
    unsigned long long count = number_of("WEIR_SEEDS", getenv("WEIR_SEED") ? 1 : SEEDS);

    (void)state;
    for (unsigned long long seed = first; seed < first + count; seed++) run_scenario(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_scenario_keeps_the_promises, say_seed),
    };

    real_tls_share_memory_faults(true); /* before anything else of OpenSSL allocates */
    signal(SIGABRT, on_abort);
    fixture_broadcast_bytes_max = 64;
    return cmocka_run_group_tests_name("session_swarm", tests, NULL, NULL);
}
