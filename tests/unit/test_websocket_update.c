/* SPDX-License-Identifier: MIT */
/* test_websocket_update.c - weir_server_update() of a WebSocket listener, over the simulated
 * network: origins, subprotocols and page for later requests, ping times for all sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "memory_faults.h"
#include "require.h"

#define SECOND 1000
#define REQUEST(more)                                                                \
    "GET /play HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" more "\r\n"

static struct weir_test *test;
static struct weir_listen listen;
static struct weir_error error;

static int set_up(void **state)
{
    (void)state;
    listen = (struct weir_listen){
        .size = sizeof listen, .websocket = "/play", .websocket_ping_interval_ms = WEIR_OFF};
    require(weir_test_open(NULL, NULL, &test, &error) == WEIR_OK);
    require(weir_test_listen(test, &listen, &error) == WEIR_OK);
    require(weir_test_start(test, &error) == WEIR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    weir_test_free(test);
    return 0;
}

static enum weir_code update(void)
{
    const struct weir_update_listener one = {1, &listen};
    const struct weir_update given = {
        .size = sizeof given, .listeners = &one, .listeners_count = 1};

    return weir_server_update(weir_test_server(test), &given, &error);
}

/* Sends a request. Returns the answer. */
static const char *ask(struct weir_test_peer *peer, const char *request)
{
    static char answer[1000];

    weir_test_peer_send(peer, request, strlen(request));
    weir_test_run(test, 50);
    size_t length = weir_test_peer_receive(peer, answer, sizeof answer - 1);
    answer[length] = '\0';
    return answer;
}

static bool is_opened(const char *request)
{
    return strstr(ask(weir_test_connect(test, 0, NULL), request), " 101 ") != NULL;
}

static void origins_change(void **state)
{
    static const char from_b[] = REQUEST("Origin: https://b.example\r\n");

    (void)state;
    assert_false(is_opened(from_b));
    listen.websocket_origins = "https://b.example";
    assert_int_equal(update(), WEIR_OK);
    assert_true(is_opened(from_b));
    listen.websocket_origins = "not an origin";
    assert_int_equal(update(), WEIR_INVALID);
    assert_true(is_opened(from_b));
    listen.websocket = NULL; /* the filter stays, with its settings */
    assert_int_equal(update(), WEIR_OK);
    assert_true(is_opened(from_b));
}

static void the_web_page_and_subprotocols_change(void **state)
{
    (void)state;
    listen.websocket_page = "hello";
    listen.websocket_page_length = 5;
    listen.websocket_subprotocols = "chat";
    assert_int_equal(update(), WEIR_OK);
    const char *answer =
        ask(weir_test_connect(test, 0, NULL), "GET /play HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(answer, " 200 "));
    assert_non_null(strstr(answer, "\r\n\r\nhello"));
    answer = ask(weir_test_connect(test, 0, NULL), REQUEST("Sec-WebSocket-Protocol: chat\r\n"));
    assert_non_null(strstr(answer, "Sec-WebSocket-Protocol: chat"));
    listen.websocket_page_length = 2 << 20;
    assert_int_equal(update(), WEIR_INVALID);
    listen.websocket_page = NULL;
    listen.websocket_send = (enum weir_websocket_send)7;
    assert_int_equal(update(), WEIR_INVALID);
}

/* A request that is incomplete when the settings change keeps those with which it began. */
static void a_request_keeps_its_settings(void **state)
{
    static const char request[] = REQUEST("Origin: https://b.example\r\n");
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);

    (void)state;
    weir_test_peer_send(peer, request, 30);
    weir_test_run(test, 50);
    listen.websocket_origins = "https://b.example";
    assert_int_equal(update(), WEIR_OK);
    assert_non_null(strstr(ask(peer, request + 30), " 403 "));
}

static void new_ping_times_apply_to_open_sessions(void **state)
{
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);
    char bytes[8];

    (void)state;
    assert_non_null(strstr(ask(peer, REQUEST("")), " 101 "));
    weir_test_run(test, 20 * SECOND);
    assert_int_equal(weir_test_peer_receive(peer, bytes, sizeof bytes), 0);
    listen.websocket_ping_interval_ms = 2 * SECOND;
    listen.websocket_pong_timeout_ms = 3 * SECOND;
    assert_int_equal(update(), WEIR_OK);
    weir_test_run(test, 3 * SECOND);
    assert_int_equal(weir_test_peer_receive(peer, bytes, sizeof bytes), 2);
    assert_memory_equal(bytes, "\x89\x00", 2); /* a ping */
    weir_test_run(test, 4 * SECOND);
    assert_int_equal(weir_test_peer_state(peer), WEIR_TEST_FINISHED);
}

static void an_open_session_counts_for_its_address(void **state)
{
    struct weir_config config;
    const struct weir_update given = {.size = sizeof given, .config = &config};
    struct weir_test_peer *peer = weir_test_connect(test, 0, "10.0.0.7:0");

    (void)state;
    assert_non_null(strstr(ask(peer, REQUEST("")), " 101 "));
    weir_config_init(&config);
    config.sessions_per_address_max = 1;
    assert_int_equal(weir_server_update(weir_test_server(test), &given, &error), WEIR_OK);
    weir_test_run(test, 10);
    struct weir_test_peer *refused = weir_test_connect(test, 0, "10.0.0.7:0");
    weir_test_run(test, 10);
    assert_int_not_equal(weir_test_peer_state(refused), WEIR_TEST_CONNECTED);
}

/* A connection that finds no memory for its filters does not count for its address. */
static void a_connection_without_memory_does_not_count(void **state)
{
    struct weir_config config;
    const struct weir_update given = {.size = sizeof given, .config = &config};
    struct weir_stats stats;

    (void)state;
    weir_config_init(&config);
    config.sessions_per_address_max = 1;
    assert_int_equal(weir_server_update(weir_test_server(test), &given, &error), WEIR_OK);
    weir_test_run(test, 10);
    weir_test_fail_allocation(test, 1, false);
    weir_test_connect(test, 0, "10.0.0.7:0");
    weir_test_run(test, 10);
    weir_test_fail_allocation(test, 0, false);
    weir_server_stats(weir_test_server(test), &stats);
    assert_int_equal(stats.refused_failed, 1);
    assert_non_null(strstr(ask(weir_test_connect(test, 0, "10.0.0.7:0"), REQUEST("")), " 101 "));
}

static void missing_memory_changes_nothing(void **state)
{
    static const char from_b[] = REQUEST("Origin: https://b.example\r\n");
    enum weir_code code;
    uint64_t nth = 0;

    (void)state;
    listen.websocket_origins = "https://b.example";
    listen.websocket_subprotocols = "chat";
    listen.websocket_page = "hello";
    listen.websocket_page_length = 5;
    do {
        assert_false(is_opened(from_b));
        memory_fail_nth(++nth, 0);
        code = update();
        memory_fail_nth(0, 0);
    } while (code == WEIR_NO_MEMORY);
    assert_int_equal(code, WEIR_OK);
    assert_int_equal(nth, 6); /* the plan, the texts, and three of these */
    assert_true(is_opened(from_b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(origins_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_web_page_and_subprotocols_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_request_keeps_its_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_ping_times_apply_to_open_sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_session_counts_for_its_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_without_memory_does_not_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(missing_memory_changes_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("websocket_update", tests, NULL, NULL);
}
