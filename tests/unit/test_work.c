/* SPDX-License-Identifier: MIT */
/* test_work.c - the application's own work on a worker, in virtual time: ticks, timers, functions
 * that are posted, visits of sessions, and the warning about callbacks that block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "mailbox.h"
#include "memory.h"
#include "memory_faults.h"
#include "require.h"
#include "thread.h"
#include "worker_timers.h"

#define outer (&fixture.loop.worker.outer)

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static const struct weir_handler echo = {
    .size = sizeof(struct weir_handler), .name = "echo", .on_message = on_message};

static uint64_t now_ms(void)
{
    return fixture.loop.worker.now_ms;
}

/* ---- a record of calls: when, and with what ---- */

#define CALLS_MAX 64

static struct {
    uint64_t ms[CALLS_MAX];
    void *arguments[CALLS_MAX];
    uint32_t count;
} calls;

static void record(void *argument)
{
    require(calls.count < CALLS_MAX);
    calls.ms[calls.count] = now_ms();
    calls.arguments[calls.count++] = argument;
}

static uint64_t work_ns; /* that a call takes */

static void on_call(struct weir_worker *worker, void *argument)
{
    require(worker == outer);
    record(argument);
    if (work_ns > 0) sim_work_ns(fixture.simulation, work_ns);
}

static void on_tick(struct weir_worker *worker)
{
    on_call(worker, NULL);
}

static void open_world(uint32_t tick_ms)
{
    struct weir_config config = fixture_config();

    config.tick_ms = tick_ms;
    config.on_tick = tick_ms > 0 ? on_tick : NULL;
    config.worker_timers_max = 3;
    config.user = &calls;
    memset(&calls, 0, sizeof calls);
    work_ns = 0;
    fixture_open(&config, NULL, &echo, 11);
    worker_timers_start_tick(&fixture.loop.worker);
}

/* ---- the worker ---- */

static void a_worker_has_a_number_and_a_pointer(void **state)
{
    static int mine;

    (void)state;
    open_world(0);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    assert_int_equal(weir_worker_index(outer), 0);
    assert_ptr_equal(weir_worker_user(outer), &calls); /* config.user */
    weir_worker_set_user(outer, &mine);
    assert_ptr_equal(weir_worker_user(outer), &mine);
    assert_null(weir_worker_server(outer)); /* the fixture has none */
    assert_ptr_equal(weir_worker_of(fixture_only_session()), outer);
    assert_int_equal(weir_session_worker(fixture_only_session()), 0);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- ticks ---- */

static void ticks_come_at_their_rate(void **state)
{
    (void)state;
    open_world(50);
    uint64_t began_ms = now_ms();
    fixture_run_ms(1000);
    assert_in_range(calls.count, 19, 20);
    for (uint32_t i = 0; i < calls.count; i++)
        assert_in_range(calls.ms[i] - began_ms, 50 * (i + 1), 50 * (i + 1) + 1);
    assert_int_equal(fixture_stats().ticks, calls.count);
    assert_int_equal(fixture_stats().periods_skipped, 0);
    fixture_close();
}

static void without_a_function_there_are_no_ticks(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.tick_ms = 50;
    fixture_open(&config, NULL, &echo, 11);
    worker_timers_start_tick(&fixture.loop.worker);
    fixture_run_ms(200);
    assert_int_equal(fixture_stats().timers_fired, 0);
    fixture_close();
}

/* A tick that takes longer than its period is called once per iteration, and keeps its phase. */
static void a_late_tick_does_not_catch_up(void **state)
{
    (void)state;
    open_world(10);
    uint64_t began_ms = now_ms();
    work_ns = 25 * FIXTURE_MS;
    fixture_run_ms(500);
    assert_in_range(calls.count, 19, 22);
    for (uint32_t i = 1; i < calls.count; i++)
        assert_in_range(calls.ms[i] - calls.ms[i - 1], 25, 36);
    assert_in_range(calls.count + fixture_stats().periods_skipped, 48, 54);
    work_ns = 0;
    uint32_t count = calls.count;
    fixture_run_ms(200);
    assert_in_range(calls.count - count, 19, 21);
    for (uint32_t i = count + 1; i < calls.count; i++)
        assert_in_range((calls.ms[i] - began_ms) % 10, 0, 1); /* the phase */
    fixture_close();
}

/* Peers that send without a pause: a tick is late by no more than the work of an iteration. */
static void ticks_come_under_load(void **state)
{
    enum { PEERS = 8 };
    static uint8_t flood[64 * 1024];
    struct sim_peer *peers[PEERS];

    (void)state;
    open_world(10);
    for (int i = 0; i < PEERS; i++) peers[i] = fixture_connect();
    calls.count = 0;
    for (int i = 0; i < 4000 && calls.count < 40; i++) {
        for (int j = 0; j < PEERS; j++) {
            sim_peer_send(peers[j], flood, sizeof flood);
            while (sim_peer_receive(peers[j], flood, sizeof flood) > 0) continue;
        }
        sim_work_ns(fixture.simulation, FIXTURE_MS / 5);
        fixture_iterate(0);
    }
    assert_int_equal(calls.count, 40);
    for (uint32_t i = 1; i < calls.count; i++)
        assert_in_range(calls.ms[i] - calls.ms[i - 1], 9, 12);
    assert_true(fixture_stats().bytes_in > 1000000);
    for (int j = 0; j < PEERS; j++) sim_peer_close(peers[j]);
    fixture_close();
}

/* ---- timers ---- */

static struct weir_timer *open_timer(void *argument)
{
    struct weir_timer *timer;

    require(weir_timer_open(outer, on_call, argument, &timer) == WEIR_OK);
    return timer;
}

static void a_timer_expires_once_or_at_its_rate(void **state)
{
    int a, b;

    (void)state;
    open_world(0);
    struct weir_timer *once = open_timer(&a), *often = open_timer(&b);
    uint64_t began_ms = now_ms();
    fixture_run_ms(50);
    assert_int_equal(calls.count, 0); /* not started */
    began_ms = now_ms();
    weir_timer_start(often, 30, 20);
    weir_timer_start(once, 35, 0);
    fixture_run_ms(100);
    assert_int_equal(calls.count, 5);
    assert_in_range(calls.ms[0] - began_ms, 30, 31);
    assert_ptr_equal(calls.arguments[0], &b);
    assert_in_range(calls.ms[1] - began_ms, 35, 36);
    assert_ptr_equal(calls.arguments[1], &a);
    assert_in_range(calls.ms[4] - began_ms, 90, 91);
    weir_timer_stop(often);
    weir_timer_stop(often);
    fixture_run_ms(100);
    assert_int_equal(calls.count, 5);
    weir_timer_start(often, 10, 0); /* anew, and now once */
    fixture_run_ms(100);
    assert_int_equal(calls.count, 6);
    weir_timer_free(once);
    weir_timer_free(NULL);
    assert_int_equal(outer->opened_count, 1);
    fixture_close(); /* frees the other */
}

static struct weir_timer *own;

static void free_own(struct weir_worker *worker, void *argument)
{
    on_call(worker, argument);
    weir_timer_free(own);
}

static void restart_own(struct weir_worker *worker, void *argument)
{
    on_call(worker, argument);
    weir_timer_start(own, 0, 0);
}

static void a_timer_can_free_and_start_itself(void **state)
{
    (void)state;
    open_world(0);
    require(weir_timer_open(outer, free_own, NULL, &own) == WEIR_OK);
    weir_timer_start(own, 5, 5);
    fixture_run_ms(50);
    assert_int_equal(calls.count, 1);
    assert_int_equal(outer->opened_count, 0);
    require(weir_timer_open(outer, restart_own, NULL, &own) == WEIR_OK);
    calls.count = 0;
    weir_timer_start(own, 5, 0);
    fixture_run_ms(20); /* in each millisecond, and never twice in one */
    assert_in_range(calls.count, 10, 20);
    for (uint32_t i = 1; i < calls.count; i++) assert_true(calls.ms[i] > calls.ms[i - 1]);
    weir_timer_free(own);
    fixture_close();
}

static void timers_are_bounded_and_in_the_account(void **state)
{
    struct weir_timer *timers[3], *fourth = (struct weir_timer *)&calls;

    (void)state;
    open_world(0);
    uint64_t before = fixture.loop.worker.account.charged_bytes;
    for (int i = 0; i < 3; i++) timers[i] = open_timer(NULL);
    assert_int_equal(weir_timer_open(outer, on_call, NULL, &fourth), WEIR_NO_ROOM);
    assert_null(fourth);
    assert_true(fixture.loop.worker.account.charged_bytes > before);
    weir_timer_free(timers[1]);
    memory_fail_nth(1, 1);
    assert_int_equal(weir_timer_open(outer, on_call, NULL, &fourth), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    assert_null(fourth);
    weir_timer_free(timers[0]);
    weir_timer_free(timers[2]);
    assert_int_equal(fixture.loop.worker.account.charged_bytes, before);
    fixture_close();
}

/* ---- posts ---- */

static void post(void *argument)
{
    require(remote_post(&fixture.loop.worker, on_call, argument) == WEIR_OK);
}

static void posts_are_called_in_order(void **state)
{
    int a, b, c;

    (void)state;
    open_world(0);
    post(&a);
    post(&b);
    post(&c);
    assert_int_equal(calls.count, 0);
    fixture_run_ms(5);
    assert_int_equal(calls.count, 3);
    assert_ptr_equal(calls.arguments[0], &a);
    assert_ptr_equal(calls.arguments[1], &b);
    assert_ptr_equal(calls.arguments[2], &c);
    fixture_close();
}

static void do_nothing(struct weir_worker *worker, void *argument)
{
    require(worker == outer);
    require(argument == NULL);
}

static void a_full_mailbox_refuses_posts(void **state)
{
    uint32_t count = 0;

    (void)state;
    open_world(0);
    while (remote_post(&fixture.loop.worker, do_nothing, NULL) == WEIR_OK) count++;
    assert_int_equal(count, 256);
    assert_int_equal(remote_post(&fixture.loop.worker, do_nothing, NULL), WEIR_MAILBOX_FULL);
    fixture_run_ms(5);
    assert_int_equal(fixture_stats().commands_refused, 2);
    assert_int_equal(remote_post(&fixture.loop.worker, do_nothing, NULL), WEIR_OK);
    fixture_close();
}

/* What a callback posts runs later, and never inside it. */
static int depth, deepest, reposts;

static void repost(struct weir_worker *worker, void *argument)
{
    require(worker == outer);
    if (++depth > deepest) deepest = depth;
    if (reposts-- > 0) require(remote_post(&fixture.loop.worker, repost, argument) == WEIR_OK);
    depth--;
}

static void a_post_from_a_callback_runs_after_it(void **state)
{
    (void)state;
    open_world(0);
    fixture.loop.worker.thread = thread_self();
    deepest = 0;
    reposts = 3;
    require(remote_post(&fixture.loop.worker, repost, NULL) == WEIR_OK);
    fixture_run_ms(20);
    assert_int_equal(reposts, -1);
    assert_int_equal(deepest, 1);
    fixture_close();
}

static enum weir_code last_code;

static void repost_forever(struct weir_worker *worker, void *argument)
{
    require(worker == outer);
    calls.count = 1;
    last_code = remote_post(&fixture.loop.worker, repost_forever, argument);
}

/* A function that always posts itself does not prevent the end of the worker. */
static void a_worker_ends_although_functions_post_themselves(void **state)
{
    (void)state;
    open_world(0);
    fixture.loop.worker.thread = thread_self();
    assert_int_equal(remote_post(&fixture.loop.worker, repost_forever, NULL), WEIR_OK);
    fixture_run_ms(20);
    assert_int_equal(last_code, WEIR_OK);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(last_code, WEIR_GONE);
    calls.count = 0;
    fixture.loop.worker.thread = 0; /* as another thread sees it */
    assert_int_equal(remote_post(&fixture.loop.worker, repost_forever, NULL), WEIR_GONE);
    assert_int_equal(calls.count, 0);
    fixture_close();
}

static struct weir_session *got_session;

static void on_session(struct weir_session *session, void *argument)
{
    got_session = session;
    record(argument);
    if (session) weir_session_send(session, "posted", 6);
}

static void a_post_for_a_session_gets_it_or_null(void **state)
{
    int a, b;

    (void)state;
    open_world(0);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    uint64_t id = fixture_only_session()->id;
    assert_int_equal(remote_post_session(&fixture.loop.worker, id, on_session, &a), WEIR_OK);
    fixture_run_ms(20);
    assert_ptr_equal(got_session, fixture_only_session());
    assert_ptr_equal(calls.arguments[0], &a);
    fixture_expect(peer, "posted");
    sim_peer_reset(peer);
    while (fixture_stats().open > 0) {
        calls.count = 0;
        assert_int_equal(remote_post_session(&fixture.loop.worker, id, on_session, &b), WEIR_OK);
        fixture_iterate(FIXTURE_MS);
    }
    fixture_run_ms(5);
    assert_int_equal(calls.count, 1); /* called also if the session ended before it */
    assert_int_equal(remote_post_session(&fixture.loop.worker, id, on_session, &b), WEIR_GONE);
    fixture_close();
}

static void on_ended(struct weir_session *session, void *argument)
{
    require(session == NULL);
    record(argument);
}

static void post_at_end(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    require(remote_post_session(&fixture.loop.worker, weir_session_id(session), on_ended, &calls) ==
            WEIR_OK);
}

static const struct weir_handler posting = {
    .size = sizeof(struct weir_handler), .name = "posting", .on_close = post_at_end};

/* The function is posted before the end of the session, and called after it. */
static void a_post_for_a_session_that_ends_before_gets_null(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    memset(&calls, 0, sizeof calls);
    fixture_open(&config, NULL, &posting, 11);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    sim_peer_reset(peer);
    fixture_run_ms(20);
    assert_int_equal(fixture_stats().open, 0);
    assert_int_equal(calls.count, 1);
    assert_ptr_equal(calls.arguments[0], &calls);
    fixture_close();
}

/* ---- visits ---- */

static uint64_t visited[64];
static uint32_t visited_count;
static bool ends_what_it_visits;

static void visit(struct weir_session *session, void *argument)
{
    require(argument == &visited);
    require(visited_count < 64);
    visited[visited_count++] = weir_session_id(session);
    if (ends_what_it_visits) weir_session_abort(session);
}

static bool was_visited(uint64_t id)
{
    uint32_t times = 0;

    for (uint32_t i = 0; i < visited_count; i++) times += visited[i] == id;
    require(times <= 1);
    return times == 1;
}

static uint64_t session_ids[10];

/* Opens ten sessions, and returns their peers. */
static void open_ten(struct sim_peer *peers[10])
{
    uint32_t count = 0;

    for (int i = 0; i < 10; i++) peers[i] = fixture_connect();
    fixture_run_ms(20);
    for (struct list *at = fixture.loop.worker.tcp_sessions.next;
         at != &fixture.loop.worker.tcp_sessions; at = at->next)
        session_ids[count++] = weir_container_of(at, struct weir_session, in_sessions)->id;
    require_equal(count, 10);
    visited_count = 0;
    ends_what_it_visits = false;
}

static void slices_visit_each_session_once(void **state)
{
    struct sim_peer *peers[10];
    uint64_t cursor = 0;
    int slices = 0;

    (void)state;
    open_world(0);
    assert_int_equal(weir_worker_visit(outer, 0, 5, visit, &visited), 0); /* there are none */
    open_ten(peers);
    do {
        uint32_t before = visited_count;
        cursor = weir_worker_visit(outer, cursor, 3, visit, &visited);
        assert_true(visited_count - before <= 3);
        slices++;
    } while (cursor != 0);
    assert_int_equal(visited_count, 10);
    assert_int_equal(slices, 4);
    for (int i = 0; i < 10; i++) assert_true(was_visited(session_ids[i]));
    for (int i = 0; i < 10; i++) sim_peer_close(peers[i]);
    fixture_close();
}

/* Sessions end in a slice, and between two. */
static void slices_pass_sessions_that_end(void **state)
{
    struct sim_peer *peers[10], *late;
    uint64_t cursor;

    (void)state;
    open_world(0);
    open_ten(peers);
    cursor = weir_worker_visit(outer, 0, 4, visit, &visited);
    assert_int_equal(visited_count, 4);
    for (int i = 0; i < 10; i += 2) sim_peer_reset(peers[i]);
    fixture_run_ms(50);
    late = fixture_connect();
    fixture_run_ms(20);
    ends_what_it_visits = true;
    while (cursor != 0) cursor = weir_worker_visit(outer, cursor, 2, visit, &visited);
    for (struct list *at = fixture.loop.worker.tcp_sessions.next;
         at != &fixture.loop.worker.tcp_sessions; at = at->next) {
        const struct weir_session *session =
            weir_container_of(at, struct weir_session, in_sessions);
        if (session->peer.port != sim_peer_address(late).port)
            assert_true(was_visited(session->id));
    }
    fixture_run_ms(50);
    for (int i = 1; i < 10; i += 2) sim_peer_close(peers[i]);
    sim_peer_close(late);
    fixture_close();
}

/* Most slots are free: a slice looks at a limited number of them. */
static void a_slice_is_bounded_also_without_sessions(void **state)
{
    struct weir_config config = fixture_config();
    enum { MANY = 1200 };
    static struct sim_peer *peers[MANY];
    uint64_t cursor = 0;
    int slices = 0;

    (void)state;
    config.sessions_max = MANY;
    fixture_open(&config, NULL, &echo, 11);
    for (int i = 0; i < MANY; i++) peers[i] = fixture_connect();
    fixture_run_ms(20);
    for (int i = 0; i < MANY - 1; i++) sim_peer_reset(peers[i]);
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().open, 1);
    visited_count = 0;
    ends_what_it_visits = false;
    do {
        cursor = weir_worker_visit(outer, cursor, 5, visit, &visited);
        slices++;
    } while (cursor != 0);
    assert_int_equal(visited_count, 1);
    assert_int_equal(slices, 2);
    sim_peer_close(peers[MANY - 1]);
    fixture_close();
}

/* A connection that is refused with a message has no callbacks. */
static void a_refused_connection_is_not_visited(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_max = 1;
    config.reject_message = "full";
    fixture_open(&config, NULL, &echo, 11);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct sim_peer *refused = sim_connect(fixture.simulation, &fixture.address, NULL);
    for (int i = 0; i < 1000 && fixture.loop.worker.reject_messages_open == 0; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture.loop.worker.reject_messages_open, 1);
    visited_count = 0;
    ends_what_it_visits = false;
    assert_int_equal(weir_worker_visit(outer, 0, 10, visit, &visited), 0);
    assert_int_equal(visited_count, 1);
    sim_peer_close(peer);
    sim_peer_close(refused);
    fixture_close();
}

/* ---- callbacks that block ---- */

static char logged[512];
static int warnings;

static void take_line(void *user, int level, const char *line)
{
    (void)user;
    if (!strstr(line, "handler_warn_ms")) return;
    require(level == WEIR_LOG_WARNING);
    snprintf(logged, sizeof logged, "%s", line);
    warnings++;
}

static void slow(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    sim_work_ns(fixture.simulation, (message->bytes[0] == 's' ? 700 : 100) * FIXTURE_MS);
}

static const struct weir_handler slow_handler = {
    .size = sizeof(struct weir_handler), .name = "slow", .on_message = slow};

static void a_handler_that_blocks_is_reported(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.handler_warn_ms = 500;
    fixture_open(&config, NULL, &slow_handler, 11);
    fixture.common.log = (struct log){.write = take_line};
    warnings = 0;
    struct sim_peer *peer = fixture_connect(), *other = fixture_connect();
    fixture_run_ms(50);
    fixture_say(other, "quick");
    fixture_run_ms(500);
    assert_int_equal(warnings, 0);
    fixture_say(peer, "slow");
    for (int i = 0; i < 1000 && warnings == 0; i++) fixture_iterate(FIXTURE_MS);
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(logged, "worker 0: its callbacks did not return for 7"));
    assert_non_null(strstr(logged, " events of sessions waited"));
    assert_int_equal(fixture_stats().handlers_blocked, 1);
    fixture_run_ms(2000);
    assert_int_equal(warnings, 1);
    sim_peer_close(peer);
    sim_peer_close(other);
    fixture_close();
}

static void wait_for_warning(int number)
{
    for (int i = 0; i < 3000 && warnings < number; i++) fixture_iterate(FIXTURE_MS);
    assert_int_equal(warnings, number);
}

static void slow_open(struct weir_session *session)
{
    (void)session;
    sim_work_ns(fixture.simulation, 700 * FIXTURE_MS);
}

static void slow_timer(struct weir_session *session)
{
    slow_open(session);
}

static void slow_message(struct weir_session *session, const struct weir_message *message)
{
    slow(session, message);
    if (message->bytes[0] == 't') weir_session_start_timer(session, 2000);
}

static const struct weir_handler slowest_handler = {.size = sizeof(struct weir_handler),
                                                    .name = "slowest",
                                                    .on_open = slow_open,
                                                    .on_message = slow_message,
                                                    .on_timer = slow_timer};

/* From the second time on, each event is measured, for a minute after the last one. */
static void the_second_warning_names_the_session(void **state)
{
    struct weir_config config = fixture_config();
    char wanted[120];

    (void)state;
    config.handler_warn_ms = 500;
    fixture_open(&config, NULL, &slow_handler, 11);
    fixture.common.log = (struct log){.write = take_line};
    warnings = 0;
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    uint64_t id = fixture_only_session()->id;
    struct sim_peer *other = fixture_connect();
    fixture_say(peer, "slow");
    wait_for_warning(1);
    assert_non_null(strstr(logged, "worker 0: its callbacks did not return for 7"));
    fixture_run_ms(2000);
    fixture_say(other, "quick");
    fixture_say(peer, "slow");
    wait_for_warning(2);
    snprintf(wanted, sizeof wanted,
             "worker 0: handler slow, for session %016llx of 127.0.0.1:", (unsigned long long)id);
    assert_non_null(strstr(logged, wanted));
    fixture_run_ms(70000);
    fixture_say(peer, "slow");
    wait_for_warning(3);
    assert_non_null(strstr(logged, "worker 0: its callbacks did not return for 7"));
    sim_peer_close(peer);
    sim_peer_close(other);
    fixture_close();
}

/* on_open runs for the event of a listener, and a timer for none. */
static void the_warning_names_listeners_and_tells_timers(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.handler_warn_ms = 500;
    fixture_open(&config, NULL, &slowest_handler, 11);
    fixture.common.log = (struct log){.write = take_line};
    warnings = 0;
    struct sim_peer *peer = fixture_connect();
    wait_for_warning(1);
    fixture_run_ms(2000);
    struct sim_peer *other = fixture_connect();
    wait_for_warning(2);
    assert_non_null(strstr(logged, "worker 0: handler slowest, for 127.0.0.1:"));
    fixture_run_ms(2000);
    fixture_say(peer, "timer");
    wait_for_warning(3);
    assert_non_null(strstr(logged, "worker 0: its callbacks (timers, posts,"));
    sim_peer_close(peer);
    sim_peer_close(other);
    fixture_close();
}

/* More events wait than one batch holds. */
static void the_warning_counts_what_waited(void **state)
{
    enum { MANY = 200 };
    struct weir_config config = fixture_config();
    struct sim_peer *peers[MANY];

    (void)state;
    config.handler_warn_ms = 500;
    config.sessions_max = MANY;
    fixture_open(&config, NULL, &slow_handler, 11);
    fixture.common.log = (struct log){.write = take_line};
    for (int i = 0; i < MANY; i++) peers[i] = fixture_connect();
    fixture_run_ms(50);
    warnings = 0;
    for (int i = 0; i < MANY; i++) fixture_say(peers[i], "s");
    for (int i = 0; i < 1000 && warnings == 0; i++) fixture_iterate(FIXTURE_MS);
    fixture_run_ms(2000);
    assert_true(warnings > 0);
    assert_true(fixture_stats().handlers_blocked > 1);
    assert_non_null(strstr(logged, "or more events"));
    for (int i = 0; i < MANY; i++) sim_peer_close(peers[i]);
    fixture_close();
}

/* ---- misuse ---- */

static struct weir_session *ended_session;

static void finish_ended(void *argument)
{
    (void)argument;
    weir_session_finish(ended_session);
}

#if defined(MEMORY_ASAN)

#include <sanitizer/common_interface_defs.h>

static void send_ended(void *argument)
{
    (void)argument;
    __sanitizer_set_death_callback(abort); /* as require_death() expects it */
    weir_session_send(ended_session, "x", 1);
}

#endif

static void a_session_is_not_used_after_its_end(void **state)
{
    (void)state;
    open_world(0);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    ended_session = fixture_only_session();
    sim_peer_reset(peer);
    fixture_run_ms(50);
    require_death(finish_ended, NULL, "a session is not used after its on_close");
#if defined(MEMORY_ASAN)
    require_death(send_ended, NULL, "use-after-poison");
#else
    assert_int_equal(weir_session_send(ended_session, "x", 1), WEIR_CANCELLED);
#endif
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_has_a_number_and_a_pointer),
        cmocka_unit_test(ticks_come_at_their_rate),
        cmocka_unit_test(without_a_function_there_are_no_ticks),
        cmocka_unit_test(a_late_tick_does_not_catch_up),
        cmocka_unit_test(ticks_come_under_load),
        cmocka_unit_test(a_timer_expires_once_or_at_its_rate),
        cmocka_unit_test(a_timer_can_free_and_start_itself),
        cmocka_unit_test(timers_are_bounded_and_in_the_account),
        cmocka_unit_test(posts_are_called_in_order),
        cmocka_unit_test(a_full_mailbox_refuses_posts),
        cmocka_unit_test(a_post_from_a_callback_runs_after_it),
        cmocka_unit_test(a_worker_ends_although_functions_post_themselves),
        cmocka_unit_test(a_post_for_a_session_gets_it_or_null),
        cmocka_unit_test(a_post_for_a_session_that_ends_before_gets_null),
        cmocka_unit_test(slices_visit_each_session_once),
        cmocka_unit_test(slices_pass_sessions_that_end),
        cmocka_unit_test(a_slice_is_bounded_also_without_sessions),
        cmocka_unit_test(a_refused_connection_is_not_visited),
        cmocka_unit_test(a_handler_that_blocks_is_reported),
        cmocka_unit_test(the_second_warning_names_the_session),
        cmocka_unit_test(the_warning_names_listeners_and_tells_timers),
        cmocka_unit_test(the_warning_counts_what_waited),
        cmocka_unit_test(a_session_is_not_used_after_its_end),
    };

    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
