/* SPDX-License-Identifier: MIT */
/* test_memwin_sends.c - sends of a whole worker over rio and a simulated Windows that completes a
 * send when the peer acknowledges it. All times are virtual.
 *
 *      post ->  1 ms on the wire  -> 40 ms delayed acknowledgement -> 51 ms back -> completion
 *
 * So a single send completes after 92 ms: the median that others measured on Windows over a path of
 * 50 ms (docs/windows.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "memwin.h"
#include "pattern.h"
#include "require.h"
#include "win_error.h"
#include "world.h"

#define WIRE_NS (1 * FIXTURE_MS)
#define PUSH_BYTES 10u
#define PUSH_MS 10u
#define PUSHES 1000u
#define BULK_PIECE 16384u
#define DEEP_WINDOW (8u << 20)

static const struct sim_options *network(uint32_t window_bytes)
{
    static struct sim_options options;

    sim_options_init(&options);
    options.latency_min_ns = options.latency_max_ns = WIRE_NS;
    options.window_bytes = options.piece_bytes_max = window_bytes;
    options.acknowledges = true;
    options.ack_bytes = UINT32_MAX; /* each acknowledgement is delayed */
    options.ack_travel_ns = 50 * FIXTURE_MS;
    return &options;
}

static void open_worker(const struct weir_handler *handler, uint32_t window_bytes)
{
    struct weir_config config = fixture_config();

    config.send_queue_high_bytes = 1 << 20;
    config.send_queue_low_bytes = 256 << 10;
    fixture_transport = "rio";
    fixture_network = network(window_bytes);
    fixture_stream_buffers_max = 1024;
    fixture_open(&config, NULL, handler, 1);
}

/* ---- push latency ---- */

static uint64_t pushed_ns[PUSHES]; /* when the handler sent each message */
static uint32_t pushes;

static void push(struct weir_session *session)
{
    static const char bytes[PUSH_BYTES + 1] = "0123456789";

    if (pushes == PUSHES) return;
    require(weir_session_send(session, bytes, PUSH_BYTES) == WEIR_OK);
    pushed_ns[pushes++] = sim_now_ns(fixture.simulation);
    weir_session_start_timer(session, PUSH_MS);
}

static const struct weir_handler pusher = {.name = "pusher", .on_open = push, .on_timer = push};

static uint64_t mean_us, worst_us; /* of the pushes' waits in the server */

/* A message waits until it is on the wire; there it needs WIRE_NS. */
static void measure_pushes(void)
{
    uint64_t got = 0, sum_ns = 0, worst_ns = 0;
    uint8_t bytes[4096];

    pushes = 0;
    struct sim_peer *peer = fixture_connect();
    while (got < (uint64_t)PUSHES * PUSH_BYTES) {
        fixture_iterate(FIXTURE_MS);
        uint64_t first = got / PUSH_BYTES;
        got += sim_peer_receive(peer, bytes, sizeof bytes);
        for (uint64_t i = first; i < got / PUSH_BYTES; i++) {
            uint64_t wait_ns = sim_now_ns(fixture.simulation) - pushed_ns[i] - WIRE_NS;
            sum_ns += wait_ns;
            if (wait_ns > worst_ns) worst_ns = wait_ns;
        }
    }
    mean_us = sum_ns / PUSHES / 1000;
    worst_us = worst_ns / 1000;
    print_message("pushes: mean %llu us, worst %llu us\n", (unsigned long long)mean_us,
                  (unsigned long long)worst_us);
    sim_peer_close(peer);
}

/* With one send in flight, a push waited for the acknowledgement of the previous one: 46 ms on
 * average, 93 ms at most. */
static void a_push_does_not_wait_for_acknowledgements(void **state)
{
    (void)state;
    open_worker(&pusher, DEEP_WINDOW);
    measure_pushes();
    fixture_close();
    require(mean_us <= 300);
    require(worst_us <= 1000);
}

/* ---- bulk throughput ---- */

static uint8_t piece[BULK_PIECE];

/* Fills the queue, and again a millisecond later. */
static void fill_queue(struct weir_session *session)
{
    while (weir_session_send(session, piece, BULK_PIECE) == WEIR_OK) continue;
    weir_session_start_timer(session, 1);
}

static const struct weir_handler bulk = {
    .name = "bulk", .on_open = fill_queue, .on_timer = fill_queue};

/* Returns the rate over ten seconds. */
static uint64_t measure_bulk_kb_per_s(uint32_t window_bytes)
{
    static uint8_t bytes[1 << 20];
    uint64_t got = 0;

    open_worker(&bulk, window_bytes);
    struct sim_peer *peer = fixture_connect();
    uint64_t until_ns = sim_now_ns(fixture.simulation) + 10000 * FIXTURE_MS;
    while (sim_now_ns(fixture.simulation) < until_ns) {
        fixture_iterate(FIXTURE_MS);
        got += sim_peer_receive(peer, bytes, sizeof bytes);
    }
    sim_peer_close(peer);
    fixture_close();
    print_message("bulk, window of %u bytes: %llu kB/s\n", window_bytes,
                  (unsigned long long)(got / 10000));
    return got / 10000;
}

/* 1 MiB per 92 ms. With one send of 8 requests in flight it was 1,415 kB/s. */
static void bulk_fills_the_bound_of_unreleased_bytes(void **state)
{
    (void)state;
    uint64_t rate = measure_bulk_kb_per_s(DEEP_WINDOW);
    require(rate >= 11000 && rate <= 12500);
}

/* A peer with a small window, which reads immediately, gets the same. */
static void a_shallow_window_does_not_stop_bulk(void **state)
{
    (void)state;
    uint64_t rate = measure_bulk_kb_per_s(64 << 10);
    require(rate >= 11000);
}

/* ---- the tail ---- */

#define TAIL_BYTES 300000u

static void send_and_finish(struct weir_session *session)
{
    static uint8_t tail[TAIL_BYTES];

    pattern_fill(1, 0, tail, sizeof tail);
    require(weir_session_send(session, tail, sizeof tail) == WEIR_OK);
    weir_session_finish(session);
}

static const struct weir_handler finisher = {.name = "finisher", .on_open = send_and_finish};

/* Reads everything, and checks it. Returns when FIN came. */
static uint64_t read_tail(struct sim_peer *peer)
{
    static uint8_t bytes[TAIL_BYTES];
    uint64_t began_ns = sim_now_ns(fixture.simulation);
    uint32_t got = 0;

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++) {
        require(!sim_peer_saw_reset(peer));
        fixture_iterate(FIXTURE_MS);
        got += sim_peer_receive(peer, bytes + got, TAIL_BYTES - got);
    }
    require_equal(got, TAIL_BYTES);
    require_equal(pattern_wrong(1, 0, bytes, TAIL_BYTES), TAIL_BYTES);
    return (sim_now_ns(fixture.simulation) - began_ns) / FIXTURE_MS;
}

static void the_tail_arrives_before_fin(void **state)
{
    static const uint32_t windows[] = {1000, 64 << 10, DEEP_WINDOW};

    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        open_worker(&finisher, windows[i]);
        struct sim_peer *peer = fixture_connect();
        uint64_t ms = read_tail(peer);
        print_message("tail, window of %u bytes: FIN after %llu ms\n", windows[i],
                      (unsigned long long)ms);
        sim_peer_close(peer);
        fixture_run_ms(200);
        require_equal(fixture_stats().open, 0);
        require_equal(fixture_stats().bytes_out, TAIL_BYTES);
        fixture_close();
    }
}

/* Only registered memory can be sent: a message from the program's memory is copied, and released
 * inside the call. */
static uint32_t tail_releases;

static void on_tail_released(void *user, const void *bytes)
{
    require(user == &tail_releases);
    tail_releases++;
    memset((void *)(uintptr_t)bytes, 0, TAIL_BYTES);
}

static void send_static_and_finish(struct weir_session *session)
{
    static uint8_t tail[TAIL_BYTES];

    pattern_fill(1, 0, tail, sizeof tail);
    require_equal(
        weir_session_send_static(session, tail, sizeof tail, on_tail_released, &tail_releases),
        WEIR_OK);
    require_equal(tail_releases, 1);
    weir_session_finish(session);
}

static const struct weir_handler static_finisher = {.name = "static",
                                                    .on_open = send_static_and_finish};

static void a_message_from_other_memory_is_copied(void **state)
{
    (void)state;
    tail_releases = 0;
    open_worker(&static_finisher, DEEP_WINDOW);
    struct sim_peer *peer = fixture_connect();
    read_tail(peer);
    sim_peer_close(peer);
    fixture_run_ms(200);
    require_equal(tail_releases, 1);
    fixture_close();
}

/* ---- lost peers ---- */

/* The send timeout ends a session whose peer acknowledges nothing. */
static void a_lost_peer_stalls(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.send_timeout_ms = 500;
    config.send_queue_high_bytes = 1 << 20;
    fixture_transport = "rio";
    fixture_network = network(DEEP_WINDOW);
    fixture_open(&config, NULL, &finisher, 1);
    struct sim_peer *peer = fixture_connect();
    sim_peer_lose(peer);
    fixture_run_ms(1000);
    require_equal(fixture_stats().open, 0);
    require_equal(fixture_stats().bytes_out, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- the request queue ---- */

/* Posts one send of 16 buffers. Returns how many buffers are unreleased when it is accepted. */
static uint32_t unreleased_when_accepted(struct line *line)
{
    uint32_t before = line->sent_count;

    line_send(line, NET_SEND_BUFFERS_MAX, 1000);
    world_until(line->world, line->sent_count > before);
    require_equal(line->sent_code, WEIR_OK);
    return line->unreleased_buffers;
}

static void open_windows(void)
{
    world_transport = "rio";
    world_acknowledges = true;
}

static struct line *connect_reader(struct world *world, struct peer **peer)
{
    struct line *line = world_connect(world, peer);

    peer_reads_pattern(*peer, 5);
    line->out_seed = 5;
    return line;
}

/* It begins with room for 8 sends. The verifier checks that the completion queue has room. */
static void a_busy_connection_grows_its_request_queue(void **state)
{
    struct peer *peer;

    (void)state;
    open_windows();
    struct world *world = world_open(NULL);
    struct line *line = connect_reader(world, &peer);
    require_equal(unreleased_when_accepted(line), 16);
    require_equal(unreleased_when_accepted(line), 32);
    world_until(world, peer->in_position == 32000);
    world_close(world);
}

/* The connection goes on with the requests that it has. */
static void a_request_queue_that_cannot_grow_stays_as_it_is(void **state)
{
    static const enum memwin_call calls[] = {MEMWIN_RESIZE_RQ, MEMWIN_RESIZE_CQ};

    (void)state;
    open_windows();
    for (int i = 0; i < 2; i++) {
        struct peer *peer;
        struct net_options options;
        world_options(&options);
        struct world *world = world_open(&options);
        memwin_fail(calls[i], 1, i == 0 ? WIN_ENOBUFS : MEMWIN_NO_REASON);
        struct line *line = connect_reader(world, &peer);
        uint32_t most = unreleased_when_accepted(line);
        require(calls[i] != MEMWIN_RESIZE_RQ || most <= 8);
        for (int sends = 0; sends < 5; sends++) unreleased_when_accepted(line);
        world_until(world, peer->in_position == 6 * 16000);
        memwin_fail_nothing();
        world_close(world);
    }
}

/* 300 grown queues need more entries than the completion queue has at first. */
static void the_completion_queue_grows_with_the_request_queues(void **state)
{
    enum { LINES = 300 };
    static struct line *lines[LINES];
    static struct peer *peers[LINES];
    struct net_options options;

    (void)state;
    open_windows();
    world_options(&options);
    options.stream_buffers_max = 20000;
    struct world *world = world_open(&options);
    for (int i = 0; i < LINES; i++) lines[i] = connect_reader(world, &peers[i]);
    for (int i = 0; i < LINES; i++) line_send(lines[i], NET_SEND_BUFFERS_MAX, 1000);
    for (int i = 0; i < LINES; i++) world_until(world, peers[i]->in_position == 16000);
    world_close(world);
}

/* What a connection has in flight while it sends as much as it may. */
static uint32_t most_unreleased(struct line *line, uint64_t bytes)
{
    uint64_t until = line->out_position + bytes;
    uint32_t most = 0;

    world_begin(line->world);
    while (line->out_position < until) {
        world_iterate_on(line->world, "it is sent", __FILE__, __LINE__);
        if (line->unreleased_buffers > most) most = line->unreleased_buffers;
    }
    return most;
}

static void the_ideal_send_backlog_bounds_a_connection(void **state)
{
    enum { CAPACITY = 4096, MORE = 2 * 16 + 1 }; /* a send is not accepted, and one is posted */
    struct net_options options;
    struct peer *peer;

    (void)state;
    open_windows();
    world_options(&options);
    options.stream_buffers_max = 4096;
    memwin_set_send_backlog(100 * CAPACITY);
    struct world *world = world_open(&options);
    struct line *line = connect_reader(world, &peer);
    require_equal(unreleased_when_accepted(line), 16);
    require_equal(memwin_send_backlog_queries(), 0); /* it is not busy */
    line_sends_pattern(line, 5, 1 << 30, 16, CAPACITY);
    line->out_position = 16 * 1000;
    uint32_t most = most_unreleased(line, 1 << 20);
    require(most >= 100 && most <= 100 + MORE);
    require_equal(memwin_send_backlog_queries(), 1);
    memwin_set_send_backlog(20 * CAPACITY);
    sim_pass_ns(world->simulation, 100 * FIXTURE_MS); /* the path changes */
    most_unreleased(line, 1 << 20);
    require_equal(memwin_send_backlog_queries(), 1);
    most = most_unreleased(line, 1 << 20);
    require(most >= 20 && most <= 20 + MORE);
    memwin_set_send_backlog(1 << 30); /* more than stream_unreleased_max_bytes */
    sim_pass_ns(world->simulation, 100 * FIXTURE_MS);
    most_unreleased(line, 1 << 20);
    most = most_unreleased(line, 2 << 20);
    require(most > 100 && most <= (1 << 20) / CAPACITY + MORE);
    memwin_set_send_backlog(0);
    world_close(world);
}

/* Many small sends do not lock a buffer each: beyond the bound, they wait and share buffers. */
static void small_sends_waste_a_bounded_part_of_the_memory(void **state)
{
    struct net_options options;
    struct peer *peer;
    uint32_t most = 0;

    (void)state;
    open_windows();
    world_options(&options);
    options.stream_unreleased_max_bytes = 64 * 4096;
    struct world *world = world_open(&options);
    struct line *line = connect_reader(world, &peer);
    line_sends_pattern(line, 5, 3000, 1, 10);
    world_begin(world);
    while (peer->in_position < 3000) {
        world_iterate_on(world, "all arrives", __FILE__, __LINE__);
        if (line->unreleased_buffers > most) most = line->unreleased_buffers;
    }
    require(most > 8 && most <= 64 / 4 + 2);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_does_not_wait_for_acknowledgements),
        cmocka_unit_test(bulk_fills_the_bound_of_unreleased_bytes),
        cmocka_unit_test(a_shallow_window_does_not_stop_bulk),
        cmocka_unit_test(the_tail_arrives_before_fin),
        cmocka_unit_test(a_message_from_other_memory_is_copied),
        cmocka_unit_test(a_lost_peer_stalls),
        cmocka_unit_test(a_busy_connection_grows_its_request_queue),
        cmocka_unit_test(a_request_queue_that_cannot_grow_stays_as_it_is),
        cmocka_unit_test(the_completion_queue_grows_with_the_request_queues),
        cmocka_unit_test(the_ideal_send_backlog_bounds_a_connection),
        cmocka_unit_test(small_sends_waste_a_bounded_part_of_the_memory),
    };

    return cmocka_run_group_tests_name("memwin_sends", tests, NULL, NULL);
}
