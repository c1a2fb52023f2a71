/* SPDX-License-Identifier: MIT */
/* test_anyone.c - weir_send, weir_broadcast and weir_finish from other threads, while sessions come
 * and go under them: real workers, real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "check.h"
#include "clock.h"
#include "plain_socket.h"
#include "thread.h"
#include "transport_alone.h"

#define SENDERS 3
#define CLIENTS 12
#define IDS_MAX 1024u
#define PATIENCE_NS (UINT64_C(60) * 1000 * CLOCK_NS_PER_MS)

/* What the test's threads share. */
static struct anyone {
    struct weir_server *server;
    _Atomic uint64_t ids[IDS_MAX]; /* of sessions that were opened, some gone long since */
    _Atomic uint32_t ids_count;
    _Atomic uint64_t opened, closed;
    _Atomic uint64_t sent, gone, full, broadcasts;
    _Atomic bool over;
    _Atomic uint32_t warnings;
} anyone;

static void note_open(struct weir_session *session)
{
    uint32_t index = atomic_fetch_add(&anyone.ids_count, 1) % IDS_MAX;

    weir_check(weir_session_join(session, "all") == WEIR_OK);
    weir_check(weir_session_server(session) == anyone.server);
    atomic_store(&anyone.ids[index], weir_session_id(session));
    atomic_fetch_add(&anyone.opened, 1);
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    atomic_fetch_add(&anyone.closed, 1);
}

static const struct weir_handler handler_anyone = {
    .size = sizeof(struct weir_handler),
    .name = "anyone",
    .summary = "",
    .on_open = note_open,
    .on_close = note_close,
};

static void send_about(void *argument)
{
    uint32_t index = *(uint32_t *)argument;

    while (!atomic_load(&anyone.over)) {
        uint32_t count = atomic_load(&anyone.ids_count);
        uint64_t id = count == 0 ? 1 : atomic_load(&anyone.ids[index++ % count % IDS_MAX]);
        enum weir_code code = index % 194 == 0  ? weir_abort(anyone.server, id)
                              : index % 97 == 0 ? weir_finish(anyone.server, id)
                              : index % 31 == 0 ? weir_broadcast(anyone.server, "all", "b", 1, id)
                                                : weir_send(anyone.server, id, "s", 1);
        atomic_fetch_add(index % 31 == 0             ? &anyone.broadcasts
                         : code == WEIR_GONE         ? &anyone.gone
                         : code == WEIR_MAILBOX_FULL ? &anyone.full
                                                     : &anyone.sent,
                         1);
        if (code == WEIR_MAILBOX_FULL) thread_yield();
    }
}

static plain_socket connect_to(const struct net_address *address)
{
    plain_socket socket = plain_open(true, true, 0);
    uint64_t started_ns = clock_now_ns();

    assert_true(plain_connect(socket, true, address));
    while (plain_connected(socket) == PLAIN_WAIT)
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
    return socket;
}

/* Reads what came; true when the connection is over. Only what was sent may come. */
static bool read_some(plain_socket socket)
{
    char bytes[4096];
    int32_t count;

    while ((count = plain_receive(socket, bytes, sizeof bytes, false)) > 0)
        for (int32_t i = 0; i < count; i++) assert_true(bytes[i] == 's' || bytes[i] == 'b');
    return count != PLAIN_WAIT;
}

/* Counts warnings about the send queue. A full mailbox and a client that is gone before it is
 * adopted are warned about too, in runs where they happen. */
static void count_warning(void *user, enum weir_log_level level, const char *line)
{
    (void)user;
    if (level != WEIR_LOG_WARNING || !strstr(line, "send_queue_high_bytes")) return;
    weir_check(strstr(line, "send_queue_high_bytes (--queue-high) is 1048576; ") != NULL);
    atomic_fetch_add(&anyone.warnings, 1);
}

static void start_server(const char *transport, struct net_address *address)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = "127.0.0.1:0",
                                 .custom_handler = &handler_anyone};
    struct weir_listener_info info;
    struct weir_config config;

    memset(&anyone, 0, sizeof anyone);
    weir_config_init(&config);
    config.transport = transport;
    config.workers = 3;
    config.log = count_warning;
    config.mailbox_commands_max = 64; /* so that it is full now and then */
    assert_int_equal(weir_server_open(&config, &anyone.server, NULL), WEIR_OK);
    assert_int_equal(weir_server_listen(anyone.server, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(anyone.server, NULL), WEIR_OK);
    weir_server_listener(anyone.server, 0, &info);
    *address = address_of_public(&info.address);
}

/* Clients connect, read and close, gracefully or not, until enough has happened. */
static void churn(const struct net_address *address)
{
    const uint32_t enough = plain_is_wine() ? 100 : 2000;
    plain_socket clients[CLIENTS];
    uint64_t started_ns = clock_now_ns();

    for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(address);
    for (uint32_t index = 0;
         atomic_load(&anyone.opened) < enough || atomic_load(&anyone.gone) == 0 ||
         atomic_load(&anyone.broadcasts) < enough;
         index++) {
        int i = (int)(index % CLIENTS);
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        bool over = read_some(clients[i]);
        if (!over && index % 5 != 0) continue;
        if (index % 2)
            plain_reset(clients[i]);
        else
            plain_close(clients[i]);
        clients[i] = connect_to(address);
    }
    for (int i = 0; i < CLIENTS; i++) plain_close(clients[i]);
}

static void sends_meet_sessions_that_come_and_go(void **state)
{
    struct thread *threads[SENDERS];
    uint32_t seeds[SENDERS] = {1, 1000, 1000000};
    struct net_address address;
    struct weir_stats stats;

    (void)state;
    start_server(transport_alone_name(), &address);
    for (int i = 0; i < SENDERS; i++) {
        int os_error;
        threads[i] = thread_start("sender", send_about, &seeds[i], &os_error);
        assert_non_null(threads[i]);
    }
    churn(&address);
    weir_server_stop(anyone.server); /* while they go on sending */
    weir_server_wait(anyone.server);
    atomic_store(&anyone.over, true);
    for (int i = 0; i < SENDERS; i++) thread_join(threads[i]);
    assert_int_equal(weir_send(anyone.server, atomic_load(&anyone.ids[0]), "s", 1), WEIR_GONE);
    weir_server_stats(anyone.server, &stats);
    assert_int_equal(stats.open, 0);
    assert_int_equal(stats.accepted, anyone.opened);
    assert_int_equal(stats.closed, anyone.closed);
    assert_true(stats.commands > 0);
    weir_server_free(anyone.server);
}

static void no_session_has_id_zero(void **state)
{
    struct net_address address;
    char name[WEIR_GROUP_NAME_BYTES_MAX + 2];

    (void)state;
    start_server(transport_alone_name(), &address);
    assert_int_equal(weir_send(anyone.server, 0, "s", 1), WEIR_GONE);
    assert_int_equal(weir_send(anyone.server, UINT64_MAX, "s", 1), WEIR_GONE);
    assert_int_equal(weir_finish(anyone.server, UINT64_C(1) << 48), WEIR_GONE);
    assert_int_equal(weir_finish(anyone.server, UINT64_C(9) << 48), WEIR_GONE);
    assert_int_equal(weir_abort(anyone.server, UINT64_C(1) << 48), WEIR_GONE);
    assert_int_equal(weir_abort(anyone.server, UINT64_C(9) << 48), WEIR_GONE);
    assert_int_equal(weir_broadcast(anyone.server, "", "s", 1, 0), WEIR_INVALID);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(weir_broadcast(anyone.server, name, "s", 1, 0), WEIR_INVALID);
    assert_int_equal(weir_broadcast(anyone.server, name + 1, "s", 1, 0), WEIR_OK);
    weir_server_free(anyone.server);
}

static void a_broadcast_above_the_queue_is_warned_about_once(void **state)
{
    struct net_address address;
    struct weir_config config;

    (void)state;
    start_server(transport_alone_name(), &address);
    assert_int_equal(weir_broadcast(anyone.server, "a", "s", SIZE_MAX, 0), WEIR_TOO_LARGE);
    assert_int_equal(weir_broadcast(anyone.server, "a", "s", SIZE_MAX, 0), WEIR_TOO_LARGE);
    weir_server_free(anyone.server); /* also passes on what was logged */
    assert_int_equal(anyone.warnings, 1);
    weir_config_init(&config);
    assert_int_equal(weir_server_open(&config, &anyone.server, NULL), WEIR_OK);
    assert_int_equal(weir_broadcast(anyone.server, "a", "s", SIZE_MAX, 0), WEIR_TOO_LARGE);
    weir_server_free(anyone.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_meet_sessions_that_come_and_go),
        cmocka_unit_test(no_session_has_id_zero),
        cmocka_unit_test(a_broadcast_above_the_queue_is_warned_about_once),
    };

    return cmocka_run_group_tests_name("anyone", tests, NULL, NULL);
}
