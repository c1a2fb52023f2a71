/* SPDX-License-Identifier: MIT */
/* simulator.c - opens a test, runs its server, and lets its system fail.
 *
 *   open -> listen, listen, ... -> start -> [ run, step, suspend ] -> free
 */
#include "simulator.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "client.h"
#include "memory.h"
#include "random.h"
#include "server_state.h"
#include "sim_wire.h"
#include "story.h"
#include "surroundings.h"
#include "tap.h"
#include "thread_local.h"
#include "upstream.h"
#include "worker_thread.h"

#define SIMULATOR__UNIX_MS INT64_C(1767225600000) /* 2026-01-01 */
#define SIMULATOR__ITERATIONS_MAX 1000000u        /* until a stopped server has ended */

/* The test whose server ran last in this thread; null: none, or it was freed. */
static THREAD_LOCAL struct weir_test *simulator__present;

/* ---- surroundings of the handler ---- */

static uint64_t simulator__now_ms(void)
{
    uint64_t now_ns =
        simulator__present ? sim_now_ns(simulator__present->simulation) : clock_now_ns();

    return now_ns / CLOCK_NS_PER_MS;
}

static int64_t simulator__unix_ms(void)
{
    const struct weir_test *test = simulator__present;

    if (!test) return clock_unix_ms();
    return SIMULATOR__UNIX_MS + test->clock_by_ms +
           (int64_t)((sim_now_ns(test->simulation) - SIMULATOR_START_NS) / CLOCK_NS_PER_MS);
}

static bool simulator__random(void *bytes, size_t length)
{
    uint8_t *to = bytes;

    if (!simulator__present) return random_fill(bytes, length);
    for (size_t i = 0; i < length; i++) to[i] = (uint8_t)dice_next(&simulator__present->random);
    return true;
}

static void simulator__asserted(const char *condition, const char *file, int line)
{
    if (simulator__present)
        story_fail(simulator__present, "WEIR_ASSERT(%s) at %s:%d", condition, file, line);
}

static const struct surroundings simulator__surroundings = {.asserted = simulator__asserted,

                                                            .now_ms = simulator__now_ms,
                                                            .unix_ms = simulator__unix_ms,
                                                            .random = simulator__random};

/* ---- options ---- */

static const struct weir_test_options simulator__defaults = {
    .size = sizeof(struct weir_test_options),
    .seed = 1,
    .latency_min_us = 20,
    .latency_max_us = 1000,
    .window_bytes = 64 * 1024,
    .piece_bytes = 65536,
};

void weir_test_options_init_sized(struct weir_test_options *options, size_t size)
{
    memset(options, 0, size);
    memcpy(options, &simulator__defaults,
           size < sizeof simulator__defaults ? size : sizeof simulator__defaults);
    options->size = size;
}

static void simulator__set_options(struct weir_test *test, const struct weir_test_options *given)
{
    struct weir_test_options *options = &test->options;

    *options = simulator__defaults;
    if (!given) return;
    weir_check_use(given->size >= sizeof given->size && given->size <= sizeof *options,
                   "weir_test_options_init fills in the options, of this version of test.h");
    memcpy(options, given, given->size);
    weir_check_use(options->latency_min_us <= options->latency_max_us,
                   "latency_min_us is at most latency_max_us");
    weir_check_use(options->window_bytes > 0, "window_bytes is at least 1");
}

static void simulator__open_network(struct weir_test *test)
{
    const struct weir_test_options *options = &test->options;
    struct sim_options network;

    sim_options_init(&network);
    network.seed = options->seed;
    network.start_ns = SIMULATOR_START_NS;
    network.latency_min_ns = (uint64_t)options->latency_min_us * 1000;
    network.latency_max_ns = (uint64_t)options->latency_max_us * 1000;
    network.window_bytes = options->window_bytes;
    network.exact_pieces = options->piece_bytes > 0;
    if (options->piece_bytes > 0) network.piece_bytes_max = options->piece_bytes;
    network.datagram_loss_percent = options->datagram_loss_percent;
    network.datagram_copy_percent = options->datagram_copy_percent;
    network.datagram_reorder_percent = options->datagram_reorder_percent;
    test->simulation = sim_open(&network);
}

/* ---- open, listen, start ---- */

static void simulator__log(void *user, int level, const char *line)
{
    struct weir_test *test = user;

    story_tell(test, "log: %s", line);
    if (test->config.log) test->config.log(test->config.user, (enum weir_log_level)level, line);
}

static enum weir_code simulator__on_worker_start(struct weir_worker *worker)
{
    story_tell(simulator__present, "on_worker_start");
    return simulator__present->config.on_worker_start(worker);
}

static void simulator__on_worker_end(struct weir_worker *worker)
{
    story_tell(simulator__present, "on_worker_end");
    simulator__present->config.on_worker_end(worker);
}

static void simulator__on_tick(struct weir_worker *worker)
{
    story_tell(simulator__present, "on_tick");
    simulator__present->config.on_tick(worker);
}

/* Sets what differs in a simulated server from the one that the caller's configuration asks for. */
static void simulator__adjust_settings(struct weir_config *settings)
{
    settings->transport = "simulated";
    settings->workers = 1;
    settings->log = NULL;       /* it has a thread; simulator__log() has none */
    settings->bind_wait_ms = 0; /* the wait asks the system about addresses */
    if (settings->on_worker_start) settings->on_worker_start = simulator__on_worker_start;
    if (settings->on_worker_end) settings->on_worker_end = simulator__on_worker_end;
    if (settings->on_tick) settings->on_tick = simulator__on_tick;
}

/* Replaces what the server took from the system. */
static void simulator__adjust_server(struct weir_test *test)
{
    struct worker_common *common = &test->server->common;
    struct dice dice = dice_of(test->options.seed, 1);
    uint8_t *key = (uint8_t *)&common->key;

    for (size_t i = 0; i < sizeof common->key; i++) key[i] = (uint8_t)dice_next(&dice);
    common->log = (struct log){.write = simulator__log, .user = test};
    test->server->simulation = test->simulation;
    test->random = dice_of(test->options.seed, 2);
}

static void simulator__set_config(struct weir_test *test, const struct weir_config *given)
{
    weir_config_init(&test->config);
    if (given)
        memcpy(&test->config, given, given->size < sizeof *given ? given->size : sizeof *given);
}

enum weir_code weir_test_open(const struct weir_test_options *options,
                              const struct weir_config *config, struct weir_test **opened,
                              struct weir_error *error)
{
    struct weir_test *test = wire_memory(1, sizeof *test);
    struct weir_config settings;

    *opened = NULL;
    simulator__set_options(test, options);
    simulator__set_config(test, config);
    settings = test->config;
    simulator__adjust_settings(&settings);
    enum weir_code code = weir_server_open(&settings, &test->server, error);
    if (code != WEIR_OK) {
        wire_memory_free(test);
        return code;
    }
    simulator__open_network(test);
    simulator__adjust_server(test);
    surroundings_set(&simulator__surroundings);
    simulator__present = test;
    *opened = test;
    return WEIR_OK;
}

enum weir_code weir_test_listen(struct weir_test *test, const struct weir_listen *listen,
                                struct weir_error *error)
{
    struct weir_listen with_address = {0};

    memcpy(&with_address, listen,
           listen->size < sizeof with_address ? listen->size : sizeof with_address);
    with_address.size = listen->size;
    if (!with_address.address) with_address.address = "127.0.0.1:0";
    simulator__present = test; /* for the handler's `open` */
    enum weir_code code = weir_server_listen(test->server, &with_address, error);
    if (code == WEIR_OK) tap_add(test);
    return code;
}

enum weir_code weir_test_start(struct weir_test *test, struct weir_error *error)
{
    weir_check_use(!test->is_started, "weir_test_start is called once");
    test->is_started = true;
    simulator__present = test;
    enum weir_code code = weir_server_start_here(test->server, error);
    test->is_running = code == WEIR_OK;
    return code;
}

struct weir_server *weir_test_server(const struct weir_test *test)
{
    return test->server;
}

/* ---- run ---- */

/* Called for each allocation of the library while a server runs and one is due to fail. */
static bool simulator__may_allocate(void)
{
    struct weir_test *test = simulator__present;

    if (!test || test->fail_in == 0) return true;
    if (test->fail_in > 1) {
        test->fail_in--;
        return true;
    }
    if (!test->fails_later) test->fail_in = 0;
    story_tell(test, "an allocation fails");
    return false;
}

/* Rules of struct weir_stats, which hold between any two iterations. */
static void simulator__check_counts(struct weir_test *test)
{
    struct weir_stats stats;
    uint64_t by_reason = 0;

    weir_server_stats(test->server, &stats);
    for (int i = 0; i < WEIR_REASONS_COUNT; i++) by_reason += stats.closed_by_reason[i];
    if (stats.accepted != stats.open + stats.closed)
        story_fail(test, "accepted is not open + closed");
    if (by_reason != stats.closed + stats.peers_closed)
        story_fail(test, "closed_by_reason is not the number of closed sessions");
    if (stats.closed_by_reason[WEIR_REASON_NONE] != 0)
        story_fail(test, "a session closed without a reason");
    if (!test->is_running && stats.open + stats.queued_bytes != 0)
        story_fail(test, "a session or its queue is left after the server ended");
    if (!test->is_running && test->open_count > 0)
        story_fail(test, "on_close was not called for %zu sessions", test->open_count);
}

static bool simulator__iterate(struct weir_test *test, uint64_t until_ns)
{
    simulator__present = test;
    client_move_all(test);
    if (!test->is_running) return false;
    memory_set_hook(test->fail_in > 0 ? simulator__may_allocate : NULL);
    test->is_running = worker_thread_iterate_here(&test->server->threads[0], until_ns);
    memory_set_hook(NULL);
    client_move_all(test);
    if (!test->is_running) story_tell(test, "the server has ended");
    simulator__check_counts(test);
    return test->is_running;
}

bool weir_test_step(struct weir_test *test, uint32_t ms)
{
    weir_check_use(test->is_started, "weir_test_start comes before weir_test_step");
    return simulator__iterate(test, sim_now_ns(test->simulation) + ms * CLOCK_NS_PER_MS);
}

bool weir_test_run(struct weir_test *test, uint32_t ms)
{
    uint64_t until_ns = sim_now_ns(test->simulation) + ms * CLOCK_NS_PER_MS;

    weir_check_use(test->is_started, "weir_test_start comes before weir_test_run");
    while (sim_now_ns(test->simulation) < until_ns && simulator__iterate(test, until_ns)) continue;
    return test->is_running;
}

void weir_test_suspend(struct weir_test *test, uint32_t ms)
{
    story_tell(test, "the process is stopped for %u ms", ms);
    sim_pass_ns(test->simulation, ms * CLOCK_NS_PER_MS);
}

void weir_test_set_clock(struct weir_test *test, int64_t by_ms)
{
    story_tell(test, "the time of day is set by %lld ms", (long long)by_ms);
    test->clock_by_ms += by_ms;
}

/* ---- failures of the system ---- */

void weir_test_fail_allocation(struct weir_test *test, uint32_t nth, bool and_later)
{
    test->fail_in = nth;
    test->fails_later = and_later;
}

void weir_test_limit_files(struct weir_test *test, uint32_t files_max)
{
    sim_set_files_max(test->simulation, files_max);
}

static void simulator__give_back_buffers(struct weir_test *test)
{
    while (test->taken) {
        struct net_buffer *buffer = test->taken;
        test->taken = buffer->next;
        net_give_back(test->server->threads[0].loop.worker.net, buffer);
    }
}

void weir_test_take_buffers(struct weir_test *test, bool take)
{
    struct net_buffer *buffer;

    if (!test->is_running || take == (test->taken != NULL)) return;
    story_tell(test, take ? "all buffers are taken" : "the buffers are given back");
    simulator__give_back_buffers(test);
    while (take && (buffer = net_take(test->server->threads[0].loop.worker.net, 1)) != NULL) {
        buffer->next = test->taken;
        test->taken = buffer;
    }
}

/* ---- free ---- */

void simulator_stop(struct weir_test *test)
{
    uint32_t iterations = 0;

    if (!test->is_running) return;
    simulator__give_back_buffers(test);
    weir_server_stop(test->server);
    while (simulator__iterate(test, sim_now_ns(test->simulation) + CLOCK_NS_PER_MS))
        weir_check(++iterations < SIMULATOR__ITERATIONS_MAX);
}

void weir_test_free(struct weir_test *test)
{
    if (!test) return;
    simulator_stop(test);
    client_free_all(test); /* their decoders use the codecs of the server and of upstreams */
    upstream_free_all(test);
    weir_server_free(test->server);
    tap_free_all(test);
    sim_free(test->simulation);
    if (simulator__present == test) simulator__present = NULL;
    wire_memory_free(test);
}
