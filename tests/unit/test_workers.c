/* SPDX-License-Identifier: MIT */
/* test_workers.c - the application's own work on the workers of a real server: begin and end of the
 * workers, ticks, timers, posted functions, and a server on the caller's thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "address.h"
#include "atomic.h"
#include "clock.h"
#include "plain_socket.h"
#include "require.h"
#include "thread.h"

#define PATIENCE_NS (20 * 1000 * CLOCK_NS_PER_MS)
#define WORKERS_MAX 3

/* What one worker knows: no lock protects it. */
struct mine {
    uintptr_t thread;
    uint32_t index;
    uint32_t ticks, expiries, posts, sessions;
    uint64_t last_argument; /* of the posts: they come in order */
    struct weir_timer *timer;
};

static struct {
    struct mine mine[WORKERS_MAX];
    _Atomic uint32_t started, ended, stopped, total_ticks, total_expiries, total_posts;
    uint32_t workers;
    uint32_t failing_worker; /* whose on_worker_start fails; UINT32_MAX: none */
    struct weir_server *server;
    struct net_address address;
} all;

static struct mine *mine_of(struct weir_worker *worker)
{
    struct mine *mine = weir_worker_user(worker);

    require(mine->thread == thread_self());
    require(mine->index == weir_worker_index(worker));
    require(weir_worker_server(worker) == all.server);
    return mine;
}

static void on_timer(struct weir_worker *worker, void *argument)
{
    struct mine *mine = mine_of(worker);

    require(argument == mine);
    atomic_fetch_add(&all.total_expiries, 1);
    if (++mine->expiries == 3) weir_timer_stop(mine->timer);
}

static enum weir_code on_worker_start(struct weir_worker *worker)
{
    uint32_t index = weir_worker_index(worker);
    struct mine *mine = &all.mine[index];

    require(weir_worker_user(worker) == &all); /* config.user */
    if (index == all.failing_worker) return WEIR_NO_ROOM;
    mine->thread = thread_self();
    mine->index = index;
    weir_worker_set_user(worker, mine);
    require(weir_timer_open(worker, on_timer, mine, &mine->timer) == WEIR_OK);
    weir_timer_start(mine->timer, 1, 1);
    atomic_fetch_add(&all.started, 1);
    return WEIR_OK;
}

static void on_worker_end(struct weir_worker *worker)
{
    require(mine_of(worker)->sessions == 0); /* each on_close came before */
    require(atomic_load(&all.stopped) == 0);
    atomic_fetch_add(&all.ended, 1);
}

static void on_tick(struct weir_worker *worker)
{
    mine_of(worker)->ticks++;
    atomic_fetch_add(&all.total_ticks, 1);
}

static void on_stopped(void *user)
{
    (void)user;
    atomic_fetch_add(&all.stopped, 1);
}

static void on_open(struct weir_session *session)
{
    struct mine *mine = mine_of(weir_worker_of(session));

    require(mine->index == weir_session_worker(session));
    mine->sessions++;
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    mine_of(weir_worker_of(session))->sessions--;
}

static void on_session(struct weir_session *session, void *argument)
{
    require(argument == &all);
    if (session) weir_session_send(session, "posted", 6);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    if (message->bytes[0] == 'p')
        require(weir_post_session(all.server, weir_session_id(session), on_session, &all) ==
                WEIR_OK);
    else if (message->bytes[0] == 'd')
        weir_server_drain(all.server, 10000);
    weir_session_send_back(session, message);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "workers",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_close = on_close};

static void open_server(const char *transport, uint32_t workers)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = "127.0.0.1:0",
                                 .custom_handler = &handler};
    struct weir_config config;

    memset(&all, 0, sizeof all);
    all.failing_worker = UINT32_MAX;
    weir_config_init(&config);
    config.transport = transport;
    config.workers = all.workers = workers;
    config.user = &all;
    config.on_worker_start = on_worker_start;
    config.on_worker_end = on_worker_end;
    config.on_tick = on_tick;
    config.tick_ms = 2;
    config.on_stopped = on_stopped;
    require(weir_server_open(&config, &all.server, NULL) == WEIR_OK);
    require(weir_server_listen(all.server, &listen, NULL) == WEIR_OK);
    require(weir_server_workers_count(all.server) == 0);
}

static void note_address(void)
{
    struct weir_listener_info info;

    weir_server_listener(all.server, 0, &info);
    all.address = address_of_public(&info.address);
}

static void wait_for(_Atomic uint32_t *count, uint32_t least)
{
    uint64_t began_ns = clock_now_ns();

    while (atomic_load(count) < least) {
        require(clock_now_ns() - began_ns < PATIENCE_NS);
        thread_yield();
    }
}

static const char *const transports[] = {"uring", "epoll", "rio", "iocp"};

/* Opens a server for each transport that this system has. Returns false if it has not this one. */
static bool can_open(const char *transport, uint32_t workers)
{
    bool is_windows = strcmp(transport, "rio") == 0 || strcmp(transport, "iocp") == 0;

    if (is_windows != plain_is_windows()) return false;
    open_server(transport, workers);
    return true;
}

/* ---- workers with their own threads ---- */

static void on_post(struct weir_worker *worker, void *argument)
{
    struct mine *mine = mine_of(worker);

    require((uint64_t)(uintptr_t)argument == ++mine->last_argument);
    mine->posts++;
    atomic_fetch_add(&all.total_posts, 1);
}

/* Posts from outside: each is called once, in order, on its worker. */
static uint32_t post_many(void)
{
    uint32_t posted = 0;

    for (uintptr_t i = 1; i <= 1000; i++)
        for (uint32_t worker = 0; worker < all.workers; worker++) {
            enum weir_code code;
            while ((code = weir_post(all.server, worker, on_post, (void *)i)) == WEIR_MAILBOX_FULL)
                thread_yield();
            require(code == WEIR_OK);
            posted++;
        }
    return posted;
}

static void workers_work_on(const char *transport)
{
    if (!can_open(transport, WORKERS_MAX)) return;
    assert_int_equal(weir_post(all.server, 0, on_post, NULL), WEIR_GONE); /* not started */
    if (weir_server_start(all.server, NULL) != WEIR_OK) {
        weir_server_free(all.server);
        return;
    }
    assert_int_equal(weir_server_workers_count(all.server), WORKERS_MAX);
    assert_int_equal(atomic_load(&all.started), WORKERS_MAX);
    wait_for(&all.total_expiries, 3 * WORKERS_MAX);
    wait_for(&all.total_ticks, 20);
    uint32_t posted = post_many(); /* they are called although the server stops */
    weir_server_stop(all.server);
    weir_server_wait(all.server);
    assert_int_equal(atomic_load(&all.total_posts), posted);
    assert_int_equal(atomic_load(&all.ended), WORKERS_MAX);
    assert_int_equal(atomic_load(&all.stopped), 1);
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        assert_true(all.mine[i].ticks > 0);
        assert_int_equal(all.mine[i].expiries, 3);
        assert_int_equal(all.mine[i].posts, 1000);
    }
    assert_int_equal(weir_post(all.server, 0, on_post, NULL), WEIR_GONE);
    weir_server_free(all.server);
}

static void workers_have_ticks_timers_and_posts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) workers_work_on(transports[i]);
}

static void a_worker_that_cannot_start_fails_the_start(void **state)
{
    struct weir_error error;

    (void)state;
    for (uint32_t failing = 0; failing < 2; failing++) {
        open_server("auto", 2);
        all.failing_worker = failing;
        assert_int_equal(weir_server_start(all.server, &error), WEIR_NO_ROOM);
        assert_non_null(strstr(error.reason, "on_worker_start"));
        assert_int_equal(atomic_load(&all.started), failing);
        assert_int_equal(atomic_load(&all.ended), failing);
        weir_server_free(all.server);
        assert_int_equal(atomic_load(&all.stopped), 0);
    }
}

/* ---- callbacks that block ---- */

#define BLOCK_MS 60

static void block(struct weir_worker *worker, void *argument)
{
    uint64_t began_ns = clock_now_ns();

    (void)worker;
    (void)argument;
    while (clock_now_ns() - began_ns < BLOCK_MS * CLOCK_NS_PER_MS) continue;
}

static void idle(struct weir_worker *worker, void *argument)
{
    (void)worker;
    (void)argument;
}

static void rest(struct weir_worker *worker)
{
    (void)worker;
}

static void block_on(const char *transport)
{
    struct weir_config config;
    struct weir_stats stats;
    struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "127.0.0.1:0"};
    uint64_t began_ns = clock_now_ns();

    if ((strncmp(transport, "rio", 3) == 0 || strcmp(transport, "iocp") == 0) != plain_is_windows())
        return;
    weir_config_init(&config);
    config.transport = transport;
    config.workers = 1;
    config.handler_warn_ms = BLOCK_MS / 2;
    config.tick_ms = 10; /* a timer lets every transport measure */
    config.on_tick = rest;
    require(weir_server_open(&config, &all.server, NULL) == WEIR_OK);
    require(weir_server_listen(all.server, &listen, NULL) == WEIR_OK);
    if (weir_server_start(all.server, NULL) == WEIR_OK) {
        require(weir_post(all.server, 0, block, NULL) == WEIR_OK);
        do {
            require(clock_now_ns() - began_ns < PATIENCE_NS);
            require(weir_post(all.server, 0, idle, NULL) != WEIR_GONE); /* one more iteration */
            weir_server_stats(all.server, &stats);
        } while (stats.handlers_blocked == 0);
    }
    weir_server_free(all.server);
}

static void a_callback_that_blocks_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) block_on(transports[i]);
}

/* ---- a server on this thread ---- */

static plain_socket client = PLAIN_NONE;

static void connect_client(void)
{
    client = plain_open(true, true, 0);
    require(plain_connect(client, true, &all.address));
}

/* Sends a text when the connection is there; returns whether this much has come back. */
static bool client_got(const char *text, const char *expected, bool *sent)
{
    char got[64];

    if (plain_connected(client) != 0) return false;
    if (!*sent) *sent = plain_send(client, text, (uint32_t)strlen(text)) > 0;
    int32_t count = plain_receive(client, got, sizeof got, true);
    if (count < (int32_t)strlen(expected)) return false;
    require(memcmp(got, expected, strlen(expected)) == 0);
    return true;
}

static void steps_on(const char *transport)
{
    uint64_t began_ns = clock_now_ns();
    bool sent = false;
    int due_ms;

    if (!can_open(transport, 1)) return;
    if (weir_server_start_here(all.server, NULL) != WEIR_OK) {
        weir_server_free(all.server);
        return;
    }
    note_address();
    connect_client();
    while (!client_got("p", "pposted", &sent)) {
        due_ms = weir_server_step(all.server, 5);
        require(due_ms >= 0 && due_ms <= 2); /* ticks are due */
        require(clock_now_ns() - began_ns < PATIENCE_NS);
    }
    while (atomic_load(&all.total_ticks) < 10) weir_server_step(all.server, 5);
    weir_server_drain(all.server, 0);
    while (weir_server_step(all.server, 5) != WEIR_STEP_ENDED)
        require(clock_now_ns() - began_ns < PATIENCE_NS);
    assert_int_equal(weir_server_step(all.server, 5), WEIR_STEP_ENDED);
    assert_int_equal(weir_server_descriptor(all.server), -1);
    assert_int_equal(atomic_load(&all.ended), 1);
    assert_int_equal(atomic_load(&all.stopped), 1);
    plain_close(client);
    weir_server_free(all.server);
}

static void a_server_runs_in_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) steps_on(transports[i]);
}

static void free_ends_a_server_that_was_not_run(void **state)
{
    (void)state;
    open_server("auto", 2);
    assert_int_equal(weir_server_start_here(all.server, NULL), WEIR_OK);
    weir_server_free(all.server);
    assert_int_equal(atomic_load(&all.ended), 2);
    assert_int_equal(atomic_load(&all.stopped), 1);
}

static void a_start_here_can_fail(void **state)
{
    struct weir_error error;

    (void)state;
    for (uint32_t failing = 0; failing < 2; failing++) {
        open_server("auto", 2);
        all.failing_worker = failing;
        assert_int_equal(weir_server_run(all.server, &error), WEIR_NO_ROOM);
        assert_int_equal(atomic_load(&all.ended), failing);
        weir_server_free(all.server);
    }
}

/* A client on another thread: it lets the server end. */
static void be_client(void *argument)
{
    uint64_t began_ns = clock_now_ns();
    bool sent = false;

    (void)argument;
    connect_client();
    while (!client_got("p", "pposted", &sent)) require(clock_now_ns() - began_ns < PATIENCE_NS);
    sent = false;
    while (!client_got("d", "pposted", &sent)) continue;
    plain_finish(client);
}

static void runs_on(const char *transport, uint32_t workers)
{
    int os_error;

    if (!can_open(transport, workers)) return;
    if (weir_server_start_here(all.server, NULL) != WEIR_OK) {
        weir_server_free(all.server);
        return;
    }
    note_address();
    struct thread *thread = thread_start("client", be_client, NULL, &os_error);
    require(thread != NULL);
    assert_int_equal(weir_server_run(all.server, NULL), WEIR_OK);
    thread_join(thread);
    assert_int_equal(all.mine[0].thread, thread_self());
    assert_int_equal(atomic_load(&all.ended), workers);
    plain_close(client);
    weir_server_free(all.server);
}

static void a_server_runs_on_the_calling_thread(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        runs_on(transports[i], 1);
        runs_on(transports[i], 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_have_ticks_timers_and_posts),
        cmocka_unit_test(a_worker_that_cannot_start_fails_the_start),
        cmocka_unit_test(a_callback_that_blocks_is_counted),
        cmocka_unit_test(a_server_runs_in_steps),
        cmocka_unit_test(free_ends_a_server_that_was_not_run),
        cmocka_unit_test(a_start_here_can_fail),
        cmocka_unit_test(a_server_runs_on_the_calling_thread),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
