/* SPDX-License-Identifier: MIT */
/* test_ordering.c - everything that is sent to a session leaves in the order of the calls: from a
 * handler, and from several threads at the same time. Refused messages are refused whole, and
 * counted. Real workers, real sockets, every transport of the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "check.h"
#include "clock.h"
#include "plain_socket.h"
#include "thread.h"

#define THREADS 3u
#define CALLS 400u /* of each thread */
#define STATIC_BYTES 40000u
#define RECEIVED_MAX (1u << 20)
#define PATIENCE_NS (UINT64_C(60) * 1000 * CLOCK_NS_PER_MS)

static struct {
    struct weir_server *server;
    struct net_address address;
    _Atomic uint64_t id;           /* of the session; 0: not yet open */
    _Atomic uint64_t refused;      /* calls that returned WEIR_MAILBOX_FULL */
    _Atomic uint32_t releases;     /* of static messages */
    bool accepted[THREADS][CALLS]; /* calls of the thread that returned WEIR_OK */
    char large[STATIC_BYTES + 1];
    char received[RECEIVED_MAX];
} world;

/* ---- the handler ---- */

static void on_open(struct weir_session *session)
{
    weir_check(weir_session_join(session, "room") == WEIR_OK);
    atomic_store(&world.id, weir_session_id(session));
}

static void on_release(void *user, const void *bytes)
{
    weir_check(user == &world && bytes == world.large);
    atomic_fetch_add(&world.releases, 1);
}

/* Sends in every way there is. */
static void on_message(struct weir_session *session, const struct weir_message *message)
{
    struct weir_server *server = weir_session_server(session);
    uint64_t id = weir_session_id(session);
    const struct weir_part parts[] = {{"par", 3}, {"ts", 2}};

    weir_check(weir_session_send(session, "send", 4) == WEIR_OK);
    weir_check(weir_send(server, id, "self", 4) == WEIR_OK);
    weir_check(weir_broadcast(server, "room", "broadcast", 9, 0) == WEIR_OK);
    weir_check(weir_session_sendv(session, parts, 2) == WEIR_OK);
    weir_check(weir_session_send_static(session, world.large, STATIC_BYTES, on_release, &world) ==
               WEIR_OK);
    weir_check(weir_session_broadcast(session, "room", "speaker", 7, 0) == WEIR_OK);
    weir_check(weir_session_send_back(session, message) == WEIR_OK);
    weir_check(weir_send(server, id, "last", 4) == WEIR_OK);
    weir_session_finish(session);
    weir_check(weir_session_send(session, "late", 4) == WEIR_CANCELLED);
    weir_check(weir_send(server, id, "late", 4) == WEIR_GONE);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "ordering",
                                            .on_open = on_open,
                                            .on_message = on_message};

/* Returns false if the system does not have the transport. */
static bool start_server(const char *transport)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .address = "127.0.0.1:0",
                                 .codec = "line",
                                 .custom_handler = &handler};
    struct weir_listener_info info;
    struct weir_config config;

    memset(&world, 0, sizeof world);
    memset(world.large, 'x', STATIC_BYTES);
    weir_config_init(&config);
    config.transport = transport;
    config.workers = 2;
    config.mailbox_commands_max = 32; /* so that it is full now and then */
    if (weir_server_open(&config, &world.server, NULL) != WEIR_OK) return false;
    assert_int_equal(weir_server_listen(world.server, &listen, NULL), WEIR_OK);
    if (weir_server_start(world.server, NULL) != WEIR_OK) {
        weir_server_free(world.server);
        return false;
    }
    weir_server_listener(world.server, 0, &info);
    world.address = address_of_public(&info.address);
    return true;
}

static plain_socket connect_client(void)
{
    plain_socket socket = plain_open(true, true, 0);
    uint64_t started_ns = clock_now_ns();

    assert_true(plain_connect(socket, true, &world.address));
    while (plain_connected(socket) == PLAIN_WAIT || atomic_load(&world.id) == 0)
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
    return socket;
}

/* Reads up to the server's FIN, and ends the connection. */
static void read_to_the_end(plain_socket socket)
{
    uint64_t started_ns = clock_now_ns();
    uint32_t length = 0;
    int32_t count;

    while ((count = plain_receive(socket, world.received + length, RECEIVED_MAX - 1 - length,
                                  false)) != 0) {
        assert_true(count > 0 || count == PLAIN_WAIT);
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        if (count > 0) length += (uint32_t)count;
    }
    world.received[length] = '\0';
    plain_close(socket);
}

/* ---- from a handler ---- */

static void order_in_a_handler(void)
{
    static char wanted[STATIC_BYTES + 200];
    plain_socket socket = connect_client();

    assert_int_equal(plain_send(socket, "go\n", 3), 3);
    read_to_the_end(socket);
    snprintf(wanted, sizeof wanted, "send\nself\nbroadcast\nparts\n%s\nspeaker\ngo\nlast\n",
             world.large);
    assert_string_equal(world.received, wanted);
    weir_server_free(world.server);
    assert_int_equal(world.releases, 1);
}

/* ---- from threads ---- */

static void send_from_thread(void *argument)
{
    uint32_t thread = *(uint32_t *)argument;
    char text[32];

    for (uint32_t i = 0; i < CALLS; i++) {
        int length = snprintf(text, sizeof text, "%u %u", thread, i);
        enum weir_code code =
            i % 3 == 1 ? weir_broadcast(world.server, "room", text, (size_t)length, 0)
                       : weir_send(world.server, atomic_load(&world.id), text, (size_t)length);
        weir_check(code == WEIR_OK || code == WEIR_MAILBOX_FULL);
        world.accepted[thread][i] = code == WEIR_OK;
        if (code == WEIR_MAILBOX_FULL) {
            atomic_fetch_add(&world.refused, 1);
            thread_yield();
        }
    }
}

/* Each accepted message of a thread came, in its order, and no other one. */
static void check_received(void)
{
    uint32_t next[THREADS] = {0};

    for (char *at = world.received; *at != '\0'; at++) {
        unsigned long thread = strtoul(at, &at, 10), call = strtoul(at, &at, 10);
        assert_int_equal(*at, '\n');
        if (thread == THREADS) continue; /* the last one */
        assert_true(thread < THREADS && call < CALLS);
        while (next[thread] < CALLS && !world.accepted[thread][next[thread]]) next[thread]++;
        assert_int_equal(call, next[thread]++);
    }
    for (uint32_t thread = 0; thread < THREADS; thread++)
        while (next[thread] < CALLS) assert_false(world.accepted[thread][next[thread]++]);
}

/* A message and the end of the session, in this order. */
static void finish_from_this_thread(void)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u 0", THREADS);

    while (weir_send(world.server, world.id, text, (size_t)length) == WEIR_MAILBOX_FULL)
        atomic_fetch_add(&world.refused, 1);
    while (weir_finish(world.server, world.id) == WEIR_MAILBOX_FULL)
        atomic_fetch_add(&world.refused, 1);
}

static void order_of_threads(void)
{
    struct thread *threads[THREADS];
    uint32_t numbers[THREADS];
    struct weir_stats stats;
    plain_socket socket = connect_client();

    for (uint32_t i = 0; i < THREADS; i++) {
        int os_error;
        numbers[i] = i;
        threads[i] = thread_start("sender", send_from_thread, &numbers[i], &os_error);
        assert_non_null(threads[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++) thread_join(threads[i]);
    finish_from_this_thread();
    read_to_the_end(socket);
    const char *last = strstr(world.received, "\n3 0\n");
    assert_true(last != NULL && last[5] == '\0');
    check_received();
    weir_server_stop(world.server);
    weir_server_wait(world.server);
    weir_server_stats(world.server, &stats);
    assert_int_equal(stats.commands_refused, world.refused);
    assert_int_equal(stats.sends_dropped + stats.sends_late + stats.sends_no_memory, 0);
    weir_server_free(world.server);
}

/* ---- on each transport ---- */

static void on_each_transport(void (*run)(void))
{
    static const char *const transports[] = {"uring", "epoll", "rio", "iocp"};
    uint32_t count = 0;

    for (size_t i = 0; i < weir_count_of(transports); i++) {
        if (!start_server(transports[i])) continue;
        run();
        count++;
    }
    assert_true(count > 0);
}

static void calls_in_a_handler_are_in_order(void **state)
{
    (void)state;
    on_each_transport(order_in_a_handler);
}

static void calls_of_each_thread_are_in_order(void **state)
{
    (void)state;
    on_each_transport(order_of_threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_in_a_handler_are_in_order),
        cmocka_unit_test(calls_of_each_thread_are_in_order),
    };

    return cmocka_run_group_tests_name("ordering", tests, NULL, NULL);
}
