/* SPDX-License-Identifier: MIT */
/* test_listeners.c - a running server whose listeners differ in limits and timeouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "check.h"
#include "clock.h"
#include "plain_socket.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_listener_has_its_limits),
        cmocka_unit_test(a_listener_can_disable_what_the_server_has),
        cmocka_unit_test(wrong_limits_of_a_listener_are_named),
    };

    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
