/* SPDX-License-Identifier: MIT */
/* test_update_threads.c - weir_server_update() of a real server: many workers, several threads that
 * update at the same time, listeners that come and go meanwhile, and a server on the caller's
 * thread. */
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

#define PATIENCE_NS (30 * 1000 * CLOCK_NS_PER_MS)
#define WORKERS 4
#define CLIENTS 40
#define UPDATES 60

static struct {
    struct weir_server *server;
    struct weir_config config;
    struct net_address address;
    _Atomic uint32_t idle, inside;
} all;

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    struct weir_config config = all.config;
    const struct weir_update update = {.size = sizeof update, .config = &config};

    if (message->bytes[0] == 'u') { /* does not wait for the worker that runs it */
        config.handler_warn_ms = 400;
        require(weir_server_update(all.server, &update, NULL) == WEIR_OK);
        atomic_fetch_add(&all.inside, 1);
    }
    weir_session_send_back(session, message);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session, (void)text;
    if (reason == WEIR_REASON_IDLE) atomic_fetch_add(&all.idle, 1);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "update",
                                            .on_message = on_message,
                                            .on_close = on_close};

static const struct weir_listen listening = {
    .size = sizeof(struct weir_listen), .address = "127.0.0.1:0", .custom_handler = &handler};

static void open_server(uint32_t workers)
{
    memset(&all, 0, sizeof all);
    weir_config_init(&all.config);
    all.config.workers = workers;
    require(weir_server_open(&all.config, &all.server, NULL) == WEIR_OK);
    require(weir_server_listen(all.server, &listening, NULL) == WEIR_OK);
}

static void find_address(void)
{
    struct weir_listener_info info;

    weir_server_listener(all.server, 0, &info);
    all.address = address_of_public(&info.address);
}

static uint64_t open_count(void)
{
    struct weir_stats stats;

    weir_server_stats(all.server, &stats);
    return stats.open;
}

static void wait_open(uint64_t count)
{
    uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

    while (open_count() != count && clock_now_ns() < until_ns) thread_yield();
    assert_int_equal(open_count(), count);
}

static enum weir_code update_config(const struct weir_config *config)
{
    const struct weir_update update = {.size = sizeof update, .config = config};

    return weir_server_update(all.server, &update, NULL);
}

static plain_socket connect_to(const struct net_address *address)
{
    plain_socket client = plain_open(true, true, 0);

    require(plain_connect(client, true, address));
    while (plain_connected(client) == PLAIN_WAIT) thread_yield();
    return client;
}

/* Waits for bytes. Returns their number; 0 or an outcome: the connection has ended. */
static int32_t receive(plain_socket client, char *bytes, uint32_t bytes_max)
{
    uint64_t until_ns = clock_now_ns() + PATIENCE_NS;
    int32_t count;

    while ((count = plain_receive(client, bytes, bytes_max, false)) == PLAIN_WAIT) {
        require(clock_now_ns() < until_ns);
        thread_yield();
    }
    return count;
}

/* Echoes a few bytes through the session. */
static void talk(plain_socket client, const char *text)
{
    char bytes[16];
    uint32_t length = (uint32_t)strlen(text), got = 0;

    require(plain_send(client, text, length) == (int32_t)length);
    while (got < length) {
        int32_t count = receive(client, bytes + got, length - got);
        require(count > 0);
        got += (uint32_t)count;
    }
    require(memcmp(bytes, text, length) == 0);
}

static void every_worker_updates_its_sessions(void **state)
{
    plain_socket clients[CLIENTS];

    (void)state;
    open_server(WORKERS);
    require(weir_server_start(all.server, NULL) == WEIR_OK);
    find_address();
    for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(&all.address);
    wait_open(CLIENTS);
    struct weir_config config = all.config;
    config.idle_timeout_ms = 1;
    config.deny = "127.0.0.0/8";
    assert_int_equal(update_config(&config), WEIR_OK);
    wait_open(0);
    assert_int_equal(atomic_load(&all.idle), CLIENTS);
    struct weir_stats stats;
    for (int i = 0; i < CLIENTS; i++) { /* each worker already refuses: the call has waited */
        plain_socket refused = connect_to(&all.address);
        char byte;
        require(receive(refused, &byte, 1) <= 0);
        plain_close(refused);
        plain_close(clients[i]);
    }
    weir_server_stats(all.server, &stats);
    assert_int_equal(stats.refused_denied, CLIENTS);
    assert_int_equal(stats.accepted, CLIENTS);
    weir_server_free(all.server);
}

/* ---- keepalive ---- */

/* Returns how many hundredths of a second pass until the next keepalive of the server's connection
 * to this port; 0: none is sent; -1: the system does not tell. */
static long keepalive_of(uint16_t client_port)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    char line[256];
    long when = 0;

    if (!file) return -1;
    while (fgets(line, sizeof line, file)) {
        unsigned local, peer, state, timer, ticks;
        if (sscanf(line, " %*d: %*8X:%X %*8X:%X %X %*8X:%*8X %X:%X", &local, &peer, &state, &timer,
                   &ticks) == 5 &&
            local == all.address.port && peer == client_port && state == 1 && timer == 2)
            when = (long)ticks;
    }
    fclose(file);
    return when;
}

static void later_connections_get_the_new_keepalive(void **state)
{
    (void)state;
    open_server(1);
    require(weir_server_start(all.server, NULL) == WEIR_OK);
    find_address();
    plain_socket first = connect_to(&all.address);
    wait_open(1); /* the timer of a connection may begin when the server takes it */
    long first_ticks = keepalive_of(plain_local(first).port);
    struct weir_config config = all.config;
    config.keepalive_ms = 10000;
    assert_int_equal(update_config(&config), WEIR_OK);
    plain_socket second = connect_to(&all.address);
    wait_open(2);
    long second_ticks = keepalive_of(plain_local(second).port);
    if (first_ticks >= 0) {
        assert_in_range(first_ticks, 1001, 6000);
        assert_in_range(second_ticks, 1, 1000);
    }
    weir_server_free(all.server);
    plain_close(first);
    plain_close(second);
}

/* ---- several threads ---- */

static struct thread *start(void (*run)(void *argument), void *argument)
{
    int os_error;
    struct thread *thread = thread_start("update", run, argument, &os_error);

    require(thread != NULL);
    return thread;
}

static void update_often(void *argument)
{
    struct weir_config config = all.config;
    struct weir_listen listen = listening;
    const struct weir_update_listener one = {1, &listen};
    const struct weir_update update = {
        .size = sizeof update, .config = &config, .listeners = &one, .listeners_count = 1};
    uint32_t own = *(const uint32_t *)argument;

    config.deny = "192.0.2.0/24";
    config.allow = "127.0.0.0/8, ::1";
    config.trace = "192.0.2.7";
    config.reject_message = "no\n";
    for (uint32_t i = 0; i < UPDATES; i++) {
        config.sessions_per_address_max = i % 2 * 1000;
        config.idle_timeout_ms = 60000 + own + i;
        listen.lifetime_ms = 600000 + i;
        listen.sessions_max = 1000 + own;
        require(weir_server_update(all.server, &update, NULL) == WEIR_OK);
        require(weir_server_set_log_level(all.server, i % 2 ? WEIR_LOG_INFO : WEIR_LOG_DETAIL) ==
                WEIR_OK);
    }
}

static void listen_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < 10; i++) {
        struct weir_listener_info info;
        require(weir_server_listen(all.server, &listening, NULL) == WEIR_OK);
        weir_server_listener(all.server, 1, &info);
        struct net_address address = address_of_public(&info.address);
        plain_socket client = connect_to(&address);
        talk(client, "hello");
        require(weir_server_unlisten(all.server, info.id, NULL) == WEIR_OK);
        talk(client, "still"); /* it follows the server's settings */
        plain_close(client);
    }
}

static void log_nothing(void *user, enum weir_log_level level, const char *line)
{
    (void)user, (void)level, (void)line;
}

static void several_threads_update_at_once(void **state)
{
    static uint32_t own[3] = {0, 1, 2};
    struct thread *threads[4];
    plain_socket clients[8];

    (void)state;
    open_server(WORKERS);
    weir_server_free(all.server);
    all.config.log = log_nothing;
    require(weir_server_open(&all.config, &all.server, NULL) == WEIR_OK);
    require(weir_server_listen(all.server, &listening, NULL) == WEIR_OK);
    require(weir_server_start(all.server, NULL) == WEIR_OK);
    find_address();
    for (int i = 0; i < 8; i++) clients[i] = connect_to(&all.address);
    for (int i = 0; i < 3; i++) threads[i] = start(update_often, &own[i]);
    threads[3] = start(listen_often, NULL);
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 8; i++) talk(clients[i], i == 0 ? "update" : "message");
    for (int i = 0; i < 4; i++) thread_join(threads[i]);
    assert_int_equal(atomic_load(&all.inside), 20);
    for (int i = 0; i < 8; i++) plain_close(clients[i]);
    wait_open(0);
    weir_server_free(all.server);
}

static void a_stop_ends_the_wait(void **state)
{
    (void)state;
    open_server(2);
    require(weir_server_start(all.server, NULL) == WEIR_OK);
    weir_server_stop(all.server);
    assert_int_equal(update_config(&all.config), WEIR_OK);
    weir_server_wait(all.server);
    assert_int_equal(update_config(&all.config), WEIR_OK);
    weir_server_free(all.server);
}

/* ---- a loop of the application ---- */

static void update_elsewhere(void *argument)
{
    struct weir_config config = all.config;

    (void)argument;
    config.idle_timeout_ms = 1;
    require(update_config(&config) == WEIR_OK); /* returns when the loop has run */
    weir_server_stop(all.server);
}

static void an_own_loop_takes_settings(void **state)
{
    (void)state;
    open_server(1);
    require(weir_server_start_here(all.server, NULL) == WEIR_OK);
    find_address();
    plain_socket client = connect_to(&all.address);
    while (open_count() == 0) weir_server_step(all.server, 10);
    assert_int_equal(update_config(&all.config), WEIR_OK); /* on the thread of the loop */
    struct thread *thread = start(update_elsewhere, NULL);
    while (weir_server_step(all.server, 10) != WEIR_STEP_ENDED) continue;
    thread_join(thread);
    weir_server_free(all.server);
    plain_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_updates_its_sessions),
        cmocka_unit_test(later_connections_get_the_new_keepalive),
        cmocka_unit_test(several_threads_update_at_once),
        cmocka_unit_test(a_stop_ends_the_wait),
        cmocka_unit_test(an_own_loop_takes_settings),
    };
    return cmocka_run_group_tests_name("update_threads", tests, NULL, NULL);
}
