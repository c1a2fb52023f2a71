/* SPDX-License-Identifier: MIT */
/* scenario.c - one random scenario: settings, peers, disturbances, and an end.
 *
 *      seed -> settings -> [ disturbances, peers, a few milliseconds ] x n -> drain or stop
 */
#include <stdio.h>
#include <string.h>

#include "actor.h"
#include "check.h"
#include "server_state.h"
#include "sim_wire.h"
#include "story.h"

#define SCENARIO__PEERS 8u
#define SCENARIO__SOCKETS 4u
#define SCENARIO__CONNECTIONS_MAX 40u
#define SCENARIO__DRAIN_SLACK_MS 500u /* iterations that are under way, and lost acknowledgements */

struct scenario {
    const struct weir_test_swarm *swarm;
    struct weir_test *test;
    struct material material;
    struct dice dice;
    struct actor actors[SCENARIO__PEERS];
    struct actor_socket sockets[SCENARIO__SOCKETS];
    uint32_t connections;
    size_t tcp[WEIR_LISTENERS_MAX], udp[WEIR_LISTENERS_MAX]; /* indexes of the listeners */
    uint32_t tcp_count, udp_count;
    uint32_t disturbances; /* one in this many iterations has one; 0: none */
};

/* ---- settings ---- */

static uint32_t scenario__maybe(struct dice *dice, uint32_t least, uint32_t most)
{
    return dice_one_in(dice, 3) ? least + dice_roll(dice, most - least + 1) : 0;
}

/* Small tables and short timeouts, so that limits are reached. */
static void scenario__choose_config(struct dice *dice, struct weir_config *config)
{
    uint32_t high = 32768u << dice_roll(dice, 6);

    weir_config_init(config);
    config->sessions_max = dice_one_in(dice, 4) ? 1 + dice_roll(dice, 6) : 64;
    config->send_queue_high_bytes = high;
    config->send_queue_low_bytes = high / 4;
    config->memory_max_bytes = dice_one_in(dice, 4) ? 8u << 20 : 64u << 20;
    config->idle_timeout_ms = scenario__maybe(dice, 50, 5000);
    config->first_byte_timeout_ms = scenario__maybe(dice, 50, 2000);
    config->frame_timeout_ms = scenario__maybe(dice, 50, 2000);
    config->send_timeout_ms = scenario__maybe(dice, 50, 2000);
    config->lifetime_ms = dice_one_in(dice, 6) ? 100 + dice_roll(dice, 3000) : 0;
    config->linger_timeout_ms = 10 + dice_roll(dice, 1000);
    config->sessions_per_address_max = dice_one_in(dice, 6) ? 1 + dice_roll(dice, 4) : 0;
    config->receive_rate_max_bytes = dice_one_in(dice, 6) ? 200 + dice_roll(dice, 50000) : 0;
    config->message_rate_max = dice_one_in(dice, 6) ? 1 + dice_roll(dice, 200) : 0;
    config->broadcast_policy = (enum weir_broadcast_policy)dice_roll(dice, 3);
    config->datagram_peers_max = 1 + dice_roll(dice, 8);
    config->datagram_idle_timeout_ms = scenario__maybe(dice, 50, 2000);
    config->datagram_reply_percent_max = scenario__maybe(dice, 50, 300);
    config->mailbox_commands_max = 64;
    config->drain_jitter_ms = dice_one_in(dice, 4) ? dice_roll(dice, 200) : 0;
}

static void scenario__choose_network(struct scenario *scenario, uint64_t seed,
                                     struct weir_test_options *options)
{
    struct dice *dice = &scenario->dice;

    weir_test_options_init(options);
    options->seed = seed;
    options->latency_max_us = dice_one_in(dice, 4) ? 50000 : 1000;
    options->window_bytes = dice_one_in(dice, 3) ? 1024 + dice_roll(dice, 8192) : 64 * 1024;
    options->piece_bytes = dice_one_in(dice, 4) ? 1 : 0;
    options->datagram_loss_percent = dice_one_in(dice, 2) ? dice_roll(dice, 30) : 0;
    options->datagram_copy_percent = dice_one_in(dice, 3) ? dice_roll(dice, 20) : 0;
    options->datagram_reorder_percent = dice_one_in(dice, 2) ? dice_roll(dice, 50) : 0;
    options->trace = scenario->swarm->trace;
    options->user = scenario->swarm->user;
    scenario->disturbances = dice_one_in(dice, 3) ? 0 : 5 + dice_roll(dice, 40);
}

/* ---- open ---- */

static enum weir_code scenario__listen(struct scenario *scenario, struct weir_error *error)
{
    const struct weir_test_swarm *swarm = scenario->swarm;
    enum weir_code code = WEIR_OK;

    for (size_t i = 0; i < swarm->listens_count && code == WEIR_OK; i++) {
        code = weir_test_listen(scenario->test, &swarm->listens[i], error);
        if (code != WEIR_OK) break;
        if (swarm->listens[i].proto == WEIR_TCP)
            scenario->tcp[scenario->tcp_count++] = i;
        else
            scenario->udp[scenario->udp_count++] = i;
    }
    return code;
}

static enum weir_code scenario__open(struct scenario *scenario, uint64_t seed,
                                     struct weir_error *error)
{
    struct weir_test_options options;
    struct weir_config config;

    scenario->dice = dice_of(seed, 3);
    scenario__choose_network(scenario, seed, &options);
    scenario__choose_config(&scenario->dice, &config);
    enum weir_code code =
        weir_test_open(&options, scenario->swarm->config ? scenario->swarm->config : &config,
                       &scenario->test, error);
    if (code == WEIR_OK) code = scenario__listen(scenario, error);
    if (code == WEIR_OK) code = weir_test_start(scenario->test, error);
    for (uint32_t i = 0; i < SCENARIO__SOCKETS && code == WEIR_OK && scenario->udp_count > 0; i++)
        scenario->sockets[i].socket =
            weir_test_socket_open(scenario->test, scenario->udp[i % scenario->udp_count], NULL);
    return code;
}

/* ---- what happens ---- */

static void scenario__disturb(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    struct weir_test *test = scenario->test;

    if (scenario->disturbances == 0 || !dice_one_in(dice, scenario->disturbances)) return;
    switch (dice_roll(dice, 6)) {
    case 0: weir_test_fail_allocation(test, 1 + dice_roll(dice, 6), dice_one_in(dice, 3)); break;
    case 1: weir_test_suspend(test, dice_roll(dice, 5000)); break;
    case 2: weir_test_set_clock(test, (int64_t)dice_roll(dice, 7200000) - 3600000); break;
    case 3:
        story_tell(test, "descriptors run short");
        weir_test_limit_files(test, 3 + dice_roll(dice, 4));
        break;
    case 4: weir_test_take_buffers(test, true); break;
    default: /* everything is well again */
        weir_test_take_buffers(test, false);
        weir_test_limit_files(test, UINT32_MAX);
    }
}

/* A codec of the user can decode one direction and encode the other. */
static void scenario__enter(struct scenario *scenario, struct actor *actor)
{
    size_t index = scenario->tcp[dice_roll(&scenario->dice, scenario->tcp_count)];
    const struct weir_listen *listen = &scenario->swarm->listens[index];

    scenario->connections++;
    actor_enter(actor, scenario->test, index, !listen->custom_codec && !listen->custom_probe,
                &scenario->dice);
}

static void scenario__move_actors(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;

    for (uint32_t i = 0; i < SCENARIO__PEERS && scenario->tcp_count > 0; i++) {
        struct actor *actor = &scenario->actors[i];
        if (actor->peer) {
            actor_step(actor, &scenario->material, dice);
        } else if (scenario->connections < SCENARIO__CONNECTIONS_MAX && dice_one_in(dice, 10)) {
            scenario__enter(scenario, actor);
        }
    }
    for (uint32_t i = 0; i < SCENARIO__SOCKETS; i++)
        if (scenario->sockets[i].socket)
            actor_socket_step(&scenario->sockets[i], &scenario->material, dice);
}

/* Lets some time pass. Failing allocations end with it. Returns false if the server has ended. */
static bool scenario__step(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    uint32_t ms = dice_one_in(dice, 20) ? dice_roll(dice, 500) : dice_roll(dice, 20);

    scenario__disturb(scenario);
    scenario__move_actors(scenario);
    bool runs = weir_test_run(scenario->test, 1 + ms);
    weir_test_fail_allocation(scenario->test, 0, false);
    return runs;
}

static bool scenario__continues(const struct scenario *scenario)
{
    return scenario->test->failure[0] == '\0';
}

/* A drain ends by its deadline, whatever the peers and the handler do. */
static void scenario__drain(struct scenario *scenario)
{
    struct weir_test *test = scenario->test;
    uint32_t ms = dice_roll(&scenario->dice, 3000);
    uint64_t until_ns =
        sim_now_ns(test->simulation) + (ms + SCENARIO__DRAIN_SLACK_MS) * CLOCK_NS_PER_MS;

    story_tell(test, "the server drains, for at most %u ms", ms);
    weir_test_take_buffers(test, false);
    scenario->disturbances = 0;
    weir_server_drain(test->server, ms);
    while (scenario__continues(scenario) && scenario__step(scenario))
        if (sim_now_ns(test->simulation) > until_ns)
            story_fail(test, "a drain did not end by its deadline");
}

/* ---- one scenario ---- */

static void scenario__clear_marks(const struct weir_marks *marks)
{
    for (struct weir_mark **at = marks->first; at != marks->last; at++) (*at)->reached = 0;
}

static void scenario__run(struct scenario *scenario)
{
    for (uint32_t i = 60 + dice_roll(&scenario->dice, 240); i > 0; i--)
        if (!scenario__continues(scenario) || !scenario__step(scenario)) break;
    if (dice_one_in(&scenario->dice, 2)) scenario__drain(scenario);
}

/* The test frees its server, which can violate a rule, too: so it is asked before that. */
static void scenario__fill_result(struct scenario *scenario, struct weir_test_result *result)
{
    struct weir_test *test = scenario->test;

    simulator_stop(test);
    if (test->opened_count != test->closed_count && scenario->tcp_count > 0)
        story_fail(test, "%llu sessions began and %llu ended",
                   (unsigned long long)test->opened_count, (unsigned long long)test->closed_count);
    story_tell(test, "end: %llu sessions, %llu messages", (unsigned long long)test->opened_count,
               (unsigned long long)test->messages_count);
    snprintf(result->failure, sizeof result->failure, "%s", test->failure);
    result->hash = test->hash ^ sim_trace_hash(test->simulation);
    result->sessions = test->opened_count;
    result->messages = test->messages_count;
    result->virtual_ms = (sim_now_ns(test->simulation) - SIMULATOR_START_NS) / CLOCK_NS_PER_MS;
}

enum weir_code weir_test_run_seed(const struct weir_test_swarm *swarm, uint64_t seed,
                                  struct weir_test_result *result, struct weir_error *error)
{
    weir_check_use(swarm->size == sizeof *swarm && result->size == sizeof *result,
                   "size is the size of the struct");
    weir_check_use(swarm->listens_count > 0, "a scenario has a listener");
    struct scenario *scenario = wire_memory(1, sizeof *scenario);
    scenario->swarm = swarm;
    scenario->material = (struct material){swarm->inputs, swarm->inputs_count};
    if (swarm->marks.first) scenario__clear_marks(&swarm->marks);
    enum weir_code code = scenario__open(scenario, seed, error);
    if (code == WEIR_OK) {
        scenario__run(scenario);
        scenario__fill_result(scenario, result);
    }
    weir_test_free(scenario->test);
    wire_memory_free(scenario);
    return code;
}
