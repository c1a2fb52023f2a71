/* SPDX-License-Identifier: MIT */
/* rule_09_clock.c - net_now_ns changes only inside net_wait and never decreases. A wait does not
 * return before its deadline without an event, and deadline 0 does not block. net_time says how
 * late a wait returned, and net_take_busy_ns how long the caller took between two. */
#include "contract.h"
#include "histogram.h"
#include "sim.h"

#define RULE__MS UINT64_C(1000000)
#define RULE__BUSY_MAX_NS RULE__MS

static void the_clock_does_not_change_outside_a_wait(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);
    uint64_t now_ns = net_now_ns(world->net);

    (void)state;
    line->out_seed = 1;
    line_receive(line, true);
    line_send(line, 16, 4096);
    for (int i = 0; i < 1000; i++) { /* enough time for a real clock to advance */
        peer_send(peer, "x", 1);
        net_give_back(world->net, net_take(world->net, 1));
        require_equal(net_now_ns(world->net), now_ns);
    }
    world_close(world);
}

static void the_clock_never_decreases(void **state)
{
    struct world *world = world_open(NULL);
    uint64_t before_ns = net_now_ns(world->net);

    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        world_iterate_until(world, before_ns + i % 5 * 10000);
        require(net_now_ns(world->net) >= before_ns);
        before_ns = net_now_ns(world->net);
    }
    world_close(world);
}

static void a_wait_without_events_lasts_until_its_deadline(void **state)
{
    struct world *world = world_open(NULL);
    static const uint64_t spans_ns[] = {1,       1000,         999999,       RULE__MS,
                                        1500000, 7 * RULE__MS, 50 * RULE__MS};
    struct net_event event;

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (size_t i = 0; i < CONTRACT_COUNT_OF(spans_ns); i++) {
        uint64_t until_ns = net_now_ns(world->net) + spans_ns[i];
        require_equal(net_wait(world->net, until_ns, &event, 1), 0);
        require(net_now_ns(world->net) >= until_ns);
    }
    world_close(world);
}

static void a_passed_deadline_does_not_block(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (int i = 0; i < 1000; i++) require_equal(net_wait(world->net, 0, &event, 1), 0);
    for (int i = 0; i < 1000; i++)
        require_equal(net_wait(world->net, net_now_ns(world->net), &event, 1), 0);
    require_equal(net_wait(world->net, 1, &event, 1), 0);
    world_close(world);
}

static void an_event_ends_a_wait_without_deadline(void **state)
{
    struct world *world = world_open(NULL);
    struct peer *peer;
    struct line *line = world_connect(world, &peer);

    (void)state;
    line->in_seed = 1;
    line_receive(line, true);
    peer_sends_pattern(peer, 1, 100, 100);
    peer_step(peer);
    for (int i = 0; i < 100 && line->in_position < 100; i++)
        world_iterate_until(world, NET_FOREVER);
    require_equal(line->in_position, 100);
    net_wake(world->net);
    require_equal(world_iterate_until(world, NET_FOREVER), 1);
    require_equal(world->woken_count, 1);
    world_close(world);
}

/* ---- lateness ---- */

static void a_wait_says_how_late_it_returned(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)state;
    world_listen(world);
    world_run_until_idle(world);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t before_ns = net_now_ns(world->net), until_ns = before_ns + i % 4 * RULE__MS / 2;
        require_equal(net_wait(world->net, until_ns, &event, 1), 0);
        struct net_time time = net_time(world->net);
        require_equal(time.now_ns, net_now_ns(world->net));
        require(time.late_ns <= time.now_ns - before_ns);
        require(time.now_ns - time.late_ns >= until_ns); /* it began, or was due, then */
    }
    world_close(world);
}

static void a_wait_that_an_event_ends_is_not_late(void **state)
{
    struct world *world = world_open(NULL);

    (void)state;
    for (int i = 0; i < 10; i++) {
        net_wake(world->net);
        require_equal(world_iterate_until(world, NET_FOREVER), 1);
        require_equal(net_time(world->net).late_ns, 0);
    }
    world_close(world);
}

/* A thread that was stopped: only a simulation can do this on demand. */
static void a_stopped_thread_is_late(void **state)
{
    struct world *world = world_open(NULL);
    struct net_event event;

    (void)state;
    if (strcmp(world_transport, "simulated") != 0)
        world_skip(world, "only a simulation can stop the thread inside a wait");
    world_listen(world);
    world_run_until_idle(world);
    sim_pass_ns(world->simulation, 700 * RULE__MS);
    require_equal(net_wait(world->net, 0, &event, 1), 0);
    uint64_t late_ns = net_time(world->net).late_ns;
    require(late_ns >= 700 * RULE__MS && late_ns < 701 * RULE__MS);
    require_equal(net_wait(world->net, 0, &event, 1), 0);
    require(net_time(world->net).late_ns < RULE__MS);
    world_close(world);
}

/* ---- work between two waits ---- */

static struct world *rule__open_busy(bool *was_busy)
{
    struct net_options options;

    *was_busy = false;
    world_options(&options);
    options.busy_max_ns = RULE__BUSY_MAX_NS;
    options.was_busy = was_busy;
    struct world *world = world_open(&options);
    world_listen(world);
    world_run_until_idle(world);
    return world;
}

/* Works for twice the limit. */
static void rule__work(struct world *world)
{
    uint64_t began_ns = net_clock_ns(world->net);

    if (world->simulation) {
        sim_work_ns(world->simulation, 2 * RULE__BUSY_MAX_NS);
        return;
    }
    while (net_clock_ns(world->net) - began_ns <= 2 * RULE__BUSY_MAX_NS) continue;
}

static void work_between_waits_is_measured_once(void **state)
{
    bool was_busy;
    struct world *world = rule__open_busy(&was_busy);
    struct net_event event;

    (void)state;
    net_start_busy(world->net);
    net_wait(world->net, 0, &event, 1);
    net_take_busy_ns(world->net); /* the machine may have stopped this thread */
    was_busy = false;
    for (int i = 0; i < 3; i++) {
        uint64_t before_ns = net_now_ns(world->net);
        rule__work(world);
        require_equal(net_wait(world->net, 0, &event, 1), 0);
        require(was_busy);
        was_busy = false;
        uint64_t busy_ns = net_take_busy_ns(world->net);
        require(busy_ns >= 2 * RULE__BUSY_MAX_NS);
        require(busy_ns <= net_now_ns(world->net) - before_ns);
        require_equal(net_take_busy_ns(world->net), 0);
    }
    world_close(world);
}

static void work_between_waits_is_added_up(void **state)
{
    struct histogram times = {.sum_ns = 0};
    struct weir_histogram result;
    struct net_options options;
    struct net_event event;

    (void)state;
    world_options(&options);
    options.busy_times = &times;
    struct world *world = world_open(&options);
    world_listen(world);
    world_run_until_idle(world);
    rule__work(world);
    require_equal(net_wait(world->net, 0, &event, 1), 0);
    require_equal(counter_read(&times.sum_ns), 0); /* nothing is measured yet */
    net_start_busy(world->net);
    for (int i = 0; i < 3; i++) {
        rule__work(world);
        require_equal(net_wait(world->net, 0, &event, 1), 0);
    }
    histogram_read(&times, NET_BUSY_COUNTED_NS, &result);
    require_equal(result.count, 3);
    require(result.sum_ns >= 6 * RULE__BUSY_MAX_NS);
    require(weir_histogram_percentile_ns(&result, 1000) >= 2 * RULE__BUSY_MAX_NS);
    world_close(world);
}

/* The caller may do anything before the event loop begins. */
static void work_before_the_measuring_begins_does_not_count(void **state)
{
    bool was_busy;
    struct world *world = rule__open_busy(&was_busy);
    struct net_event event;

    (void)state;
    rule__work(world);
    require_equal(net_wait(world->net, 0, &event, 1), 0);
    require(!was_busy);
    require_equal(net_take_busy_ns(world->net), 0);
    net_start_busy(world->net);
    rule__work(world);
    net_start_busy(world->net); /* a second call changes nothing */
    require_equal(net_wait(world->net, 0, &event, 1), 0);
    require(net_take_busy_ns(world->net) >= 2 * RULE__BUSY_MAX_NS);
    world_close(world);
}

/* A wait is not work, however long it is. */
static void a_long_wait_is_not_work(void **state)
{
    struct net_options options;
    bool was_busy = false;
    struct net_event event;

    (void)state;
    world_options(&options);
    options.busy_max_ns = 20 * RULE__MS;
    options.was_busy = &was_busy;
    struct world *world = world_open(&options);
    world_listen(world);
    world_run_until_idle(world);
    net_start_busy(world->net);
    /* Between these waits lie some instructions. Once in many is enough: the machine may stop the
     * thread between two of them. */
    for (int i = 0; i < 1000 && (i == 0 || was_busy); i++) {
        net_wait(world->net, 0, &event, 1);
        net_take_busy_ns(world->net);
        was_busy = false;
        require_equal(net_wait(world->net, net_now_ns(world->net) + 25 * RULE__MS, &event, 1), 0);
        require_equal(net_wait(world->net, 0, &event, 1), 0);
    }
    require(!was_busy);
    world_close(world);
}

static const struct CMUnitTest rule__tests[] = {
    cmocka_unit_test(the_clock_does_not_change_outside_a_wait),
    cmocka_unit_test(the_clock_never_decreases),
    cmocka_unit_test(a_wait_without_events_lasts_until_its_deadline),
    cmocka_unit_test(a_passed_deadline_does_not_block),
    cmocka_unit_test(an_event_ends_a_wait_without_deadline),
    cmocka_unit_test(a_wait_says_how_late_it_returned),
    cmocka_unit_test(a_wait_that_an_event_ends_is_not_late),
    cmocka_unit_test(a_stopped_thread_is_late),
    cmocka_unit_test(work_between_waits_is_measured_once),
    cmocka_unit_test(work_between_waits_is_added_up),
    cmocka_unit_test(work_before_the_measuring_begins_does_not_count),
    cmocka_unit_test(a_long_wait_is_not_work),
};

CONTRACT_GROUP(rule_09_clock, rule__tests);
