/* SPDX-License-Identifier: MIT */
/* test_listeners.c - a running server whose listeners differ in limits and timeouts, and to which
 * listeners are added and removed, on each transport of the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "plain_socket.h"
#include "require.h"
#include "thread.h"
#include "transport_alone.h"

#define PATIENCE_NS (100000 * CLOCK_NS_PER_MS)

static struct weir_server *server;
static struct weir_error error;

static void open_server(const char *transport, uint32_t workers)
{
    struct weir_config config;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = workers;
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
}

static struct net_address address_of(size_t index)
{
    struct weir_listener_info info;

    weir_server_listener(server, index, &info);
    return address_of_public(&info.address);
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

/* Waits for a byte or the end. Returns what plain_receive() did. */
static int32_t receive(plain_socket socket)
{
    uint64_t started_ns = clock_now_ns();
    int32_t got;
    char byte;

    while ((got = plain_receive(socket, &byte, 1, false)) == PLAIN_WAIT) {
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        thread_yield();
    }
    return got;
}

static bool echoes(plain_socket socket)
{
    return plain_send(socket, "e", 1) == 1 && receive(socket) == 1;
}

/* The transports of this system that a server can use, and one whose first worker listens for
 * all. */
static const char *transport_at(size_t index)
{
    static const char *const names[] = {"uring", "epoll"};

    if (index == 0) return transport_alone_name();
    return !plain_is_windows() && index <= 2 ? names[index - 1] : NULL;
}

/* Starts a server with an echo on a free port. Returns false if the system lacks the transport. */
static bool start_echo(const char *transport, uint32_t workers)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    open_server(transport, workers);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    if (weir_server_start(server, &error) == WEIR_OK) return true;
    assert_int_equal(error.code, WEIR_UNSUPPORTED);
    weir_server_free(server);
    return false;
}

static struct weir_listener_info info_of(size_t index)
{
    struct weir_listener_info info;

    weir_server_listener(server, index, &info);
    return info;
}

/* ---- limits ---- */

static void each_listener_has_its_limits(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};
    struct weir_stats stats;

    (void)state;
    open_server(transport_alone_name(), 2);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    listen.idle_timeout_ms = 1;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    listen.idle_timeout_ms = 0;
    listen.sessions_max = 1;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    struct net_address plain = address_of(0), brief = address_of(1), narrow = address_of(2);
    plain_socket first = connect_to(&plain), second = connect_to(&brief);
    assert_true(receive(second) <= 0); /* closed as idle */
    assert_true(echoes(first));
    plain_socket third = connect_to(&narrow);
    assert_true(echoes(third));
    plain_socket fourth = connect_to(&narrow);
    assert_true(receive(fourth) <= 0); /* refused */
    assert_true(echoes(third));
    weir_server_stats(server, &stats);
    assert_int_equal(stats.refused_full, 1);
    assert_int_equal(stats.closed_by_reason[WEIR_REASON_IDLE], 1);
    plain_close(first);
    plain_close(second);
    plain_close(third);
    plain_close(fourth);
    weir_server_free(server);
}

/* The server closes sessions without a byte immediately; this listener does not. */
static void a_listener_can_disable_what_the_server_has(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};
    struct weir_config config;

    (void)state;
    weir_config_init(&config);
    config.transport = transport_alone_name();
    config.workers = 1;
    config.first_byte_timeout_ms = 1;
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    listen.first_byte_timeout_ms = WEIR_OFF;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    struct net_address strict = address_of(0), patient = address_of(1);
    plain_socket second = connect_to(&patient), first = connect_to(&strict);
    assert_true(receive(first) <= 0);
    assert_true(echoes(second));
    plain_close(first);
    plain_close(second);
    weir_server_free(server);
}

static void wrong_limits_of_a_listener_are_named(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    (void)state;
    open_server("auto", 1);
    listen.lifetime_ms = UINT32_MAX - 1;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "lifetime_ms");
    listen.lifetime_ms = 0;
    listen.send_timeout_ms = WEIR_OFF;
    listen.send_rate_min_bytes = 1;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "send_rate_min_bytes");
    assert_int_equal(weir_server_listeners_count(server), 0);
    weir_server_free(server);
}

/* ---- listeners of a running server ---- */

/* A call inside a callback would wait for its own worker. */
static void listen_inside_a_callback(struct weir_session *session)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    weir_server_listen(weir_session_server(session), &listen, NULL);
}

static void run_a_server_that_listens_inside_a_callback(void *argument)
{
    static const struct weir_handler handler = {
        .size = sizeof handler, .name = "wrong", .on_open = listen_inside_a_callback};
    struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .custom_handler = &handler};

    (void)argument;
    open_server(transport_alone_name(), 1);
    require(weir_server_listen(server, &listen, &error) == WEIR_OK);
    require(weir_server_start(server, &error) == WEIR_OK);
    struct net_address address = address_of(0);
    receive(connect_to(&address));
}

static void a_call_inside_a_callback_is_misuse(void **state)
{
    (void)state;
    require_death(run_a_server_that_listens_inside_a_callback, NULL,
                  "not called inside a callback of a running server");
}

/* Adds a listener on a free port, or on that of *address. */
static void add_listener(enum weir_proto proto, struct net_address *address)
{
    char text[WEIR_ADDRESS_TEXT_BYTES] = "127.0.0.1:0";
    struct weir_listen listen = {.size = sizeof listen, .proto = proto, .address = text};

    if (address->port > 0) net_address_text(address, text, sizeof text);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    *address = address_of(weir_server_listeners_count(server) - 1);
}

static void remove_last(void)
{
    uint32_t id = info_of(weir_server_listeners_count(server) - 1).id;

    assert_int_equal(weir_server_unlisten(server, id, &error), WEIR_OK);
}

/* Returns whether a client is refused. The connect can succeed for a moment on Windows. */
static bool is_refused(const struct net_address *address)
{
    plain_socket socket = plain_open(true, true, 0);
    bool refused = !plain_connect(socket, true, address);
    int outcome = PLAIN_WAIT;

    while (!refused && (outcome = plain_connected(socket)) == PLAIN_WAIT) thread_yield();
    plain_close(socket);
    return refused || outcome == PLAIN_GONE;
}

static void sessions_outlive_their_listener(const char *transport)
{
    struct net_address first, second = {.port = 0};
    plain_socket sockets[8];

    if (!start_echo(transport, 3)) return;
    first = address_of(0);
    add_listener(WEIR_TCP, &second);
    assert_int_equal(weir_server_listeners_count(server), 2);
    assert_int_equal(info_of(1).workers, 3);
    for (int i = 0; i < 8; i++) assert_true(echoes(sockets[i] = connect_to(&second)));
    remove_last();
    assert_int_equal(weir_server_listeners_count(server), 1);
    assert_true(is_refused(&second));
    for (int i = 0; i < 8; i++) assert_true(echoes(sockets[i]));
    plain_socket other = connect_to(&first);
    assert_true(echoes(other));
    add_listener(WEIR_TCP, &second); /* the address is free */
    assert_int_equal(info_of(0).id, 1);
    assert_int_equal(info_of(1).id, 3);
    plain_socket again = connect_to(&second);
    assert_true(echoes(again));
    assert_int_equal(weir_server_unlisten(server, 1, &error), WEIR_OK);
    assert_int_equal(info_of(0).id, 3);
    remove_last();
    assert_int_equal(weir_server_listeners_count(server), 0);
    assert_true(echoes(again) && echoes(other)); /* without a listener the server keeps running */
    for (int i = 0; i < 8; i++) plain_close(sockets[i]);
    plain_close(other);
    plain_close(again);
    weir_server_free(server);
}

static void sessions_outlive_their_listener_on_each_transport(void **state)
{
    (void)state;
    for (size_t i = 0; transport_at(i); i++) sessions_outlive_their_listener(transport_at(i));
}

static bool answers(plain_socket socket, const struct net_address *to)
{
    struct net_address from;
    uint32_t length = 0;
    char bytes[8];
    uint64_t started_ns = clock_now_ns();

    assert_int_equal(plain_send_to(socket, true, to, "ping", 4), 4);
    while (!plain_receive_from(socket, bytes, sizeof bytes, &length, &from)) {
        assert_true(clock_now_ns() - started_ns < PATIENCE_NS);
        thread_yield();
    }
    return length == 4;
}

static _Atomic uint32_t ended_count;

static void send_back(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void note_end(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    if (reason == WEIR_REASON_APPLICATION) atomic_fetch_add(&ended_count, 1);
}

static const struct weir_handler handler_peers = {
    .size = sizeof handler_peers, .name = "peers", .on_message = send_back, .on_close = note_end};

/* Its address is free afterwards, and the sessions of its peers have ended. */
static void a_udp_listener_ends_its_sessions(const char *transport)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_UDP,
                                 .address = "127.0.0.1:0",
                                 .custom_handler = &handler_peers};
    plain_socket socket = plain_open(true, false, 0), other = plain_open(true, false, 0);

    if (!start_echo(transport, 2)) return;
    atomic_store(&ended_count, 0);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    struct net_address first = address_of(1), second = {.port = 0};
    add_listener(WEIR_UDP, &second);
    assert_true(answers(socket, &first));
    assert_true(answers(other, &second));
    assert_int_equal(weir_server_unlisten(server, info_of(1).id, &error), WEIR_OK);
    assert_int_equal(atomic_load(&ended_count), 1);
    assert_true(answers(other, &second));
    plain_close(socket);
    socket = plain_open(true, false, 0);
    assert_true(plain_bind(socket, true, &first));
    plain_close(socket);
    plain_close(other);
    weir_server_free(server);
}

static void a_udp_listener_ends_its_sessions_on_each_transport(void **state)
{
    (void)state;
    for (size_t i = 0; transport_at(i); i++) a_udp_listener_ends_its_sessions(transport_at(i));
}

static void listeners_that_cannot_be_added_leave_nothing(void **state)
{
    static const struct weir_handler large = {
        .size = sizeof large, .name = "large", .session_bytes = 4096};
    char text[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_listen listen = {.size = sizeof listen, .address = text};

    (void)state;
    assert_true(start_echo(transport_alone_name(), 2));
    struct net_address first = address_of(0);
    net_address_text(&first, text, sizeof text);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_ADDRESS_IN_USE);
    listen.address = "127.0.0.1:0";
    listen.custom_handler = &large;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_NO_ROOM);
    assert_string_equal(error.subject, "large");
    listen.custom_handler = NULL;
    listen.codec = "nonsense";
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_int_equal(weir_server_unlisten(server, 7, &error), WEIR_GONE);
    assert_int_equal(weir_server_listeners_count(server), 1);
    listen.codec = NULL;
    weir_server_drain(server, 0);
    weir_server_wait(server);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_CANCELLED);
    assert_int_equal(weir_server_unlisten(server, 1, &error), WEIR_OK);
    weir_server_free(server);
}

static void a_listener_is_removed_before_the_start(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    (void)state;
    open_server(transport_alone_name(), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    assert_int_equal(weir_server_unlisten(server, 2, &error), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    assert_int_equal(weir_server_listeners_count(server), 2);
    assert_int_equal(info_of(0).id, 1);
    assert_int_equal(info_of(1).id, 3);
    weir_server_free(server);
}

static void slots_are_used_again(void **state)
{
    struct net_address address = {.port = 0};

    (void)state;
    assert_true(start_echo(transport_alone_name(), 1));
    for (int i = 1; i < WEIR_LISTENERS_MAX; i++) {
        address.port = 0;
        add_listener(i % 2 ? WEIR_TCP : WEIR_UDP, &address);
    }
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_NO_ROOM);
    for (uint32_t id = 11; id <= 20; id++)
        assert_int_equal(weir_server_unlisten(server, id, &error), WEIR_OK);
    for (int i = 0; i < 10; i++) {
        address.port = 0;
        add_listener(WEIR_TCP, &address);
    }
    plain_socket socket = connect_to(&address);
    assert_true(echoes(socket));
    plain_close(socket);
    weir_server_free(server);
}

/* ---- under load ---- */

#define CLIENTS 4

static _Atomic bool is_over;
static _Atomic uint64_t rounds_count;

/* A client of the first listener, which stays. */
static void run_client(void *argument)
{
    const struct net_address *address = argument;
    plain_socket socket = connect_to(address);

    while (!atomic_load(&is_over)) {
        weir_check(echoes(socket));
        atomic_fetch_add(&rounds_count, 1);
    }
    plain_close(socket);
}

static void listeners_come_and_go_under_load(const char *transport)
{
    struct net_address first;
    struct thread *threads[CLIENTS];
    plain_socket sockets[20];
    int os_error;

    if (!start_echo(transport, 3)) return;
    first = address_of(0);
    atomic_store(&is_over, false);
    for (int i = 0; i < CLIENTS; i++)
        assert_non_null(threads[i] = thread_start("client", run_client, &first, &os_error));
    for (int i = 0; i < 20; i++) {
        struct net_address address = {.port = 0};
        uint64_t before = atomic_load(&rounds_count);
        add_listener(WEIR_TCP, &address);
        sockets[i] = connect_to(&address);
        if (i % 2) assert_true(echoes(sockets[i]));
        remove_last();
        while (atomic_load(&rounds_count) < before + CLIENTS) thread_yield();
    }
    for (int i = 0; i < 20; i++) {
        bool goes_on = echoes(sockets[i]); /* else the system had not completed the connection */
        assert_true(goes_on || i % 2 == 0);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < CLIENTS; i++) thread_join(threads[i]);
    for (int i = 0; i < 20; i++) plain_close(sockets[i]);
    weir_server_free(server);
}

static void listeners_come_and_go_under_load_on_each_transport(void **state)
{
    (void)state;
    for (size_t i = 0; transport_at(i); i++) listeners_come_and_go_under_load(transport_at(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_listener_has_its_limits),
        cmocka_unit_test(a_listener_can_disable_what_the_server_has),
        cmocka_unit_test(wrong_limits_of_a_listener_are_named),
        cmocka_unit_test(sessions_outlive_their_listener_on_each_transport),
        cmocka_unit_test(a_udp_listener_ends_its_sessions_on_each_transport),
        cmocka_unit_test(listeners_that_cannot_be_added_leave_nothing),
        cmocka_unit_test(a_call_inside_a_callback_is_misuse),
        cmocka_unit_test(a_listener_is_removed_before_the_start),
        cmocka_unit_test(slots_are_used_again),
        cmocka_unit_test(listeners_come_and_go_under_load_on_each_transport),
    };

    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
