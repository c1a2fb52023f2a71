/* SPDX-License-Identifier: MIT */
/* test_update.c - weir_server_update() over the simulated network: what applies to open sessions,
 * what applies to later ones, and that a refused update changes nothing. */
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

static struct weir_test *test;
static struct weir_config config;
static struct weir_error error;
static uint32_t tcp_id, udp_id;
static enum weir_code code_of_callback;

/* ---- the server ---- */

static void on_open(struct weir_session *session)
{
    (void)session;
}

static void update_inside(struct weir_session *session)
{
    struct weir_config own = config;
    const struct weir_update update = {.size = sizeof update, .config = &own};

    own.idle_timeout_ms = 2 * SECOND;
    code_of_callback = weir_server_update(weir_session_server(session), &update, NULL);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    switch (message->bytes[0]) {
    case 'i': weir_session_set_idle_timeout(session, 30 * SECOND); break;
    case 'm': require(weir_session_set_message_max(session, 100) == WEIR_OK); break;
    case 'u': update_inside(session); break;
    case 'h': weir_session_hold(session); break;
    case 'a': /* the update finds a session that is closing */
        update_inside(session);
        weir_session_abort(session);
        break;
    default: break;
    }
    weir_session_send_back(session, message);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session, (void)reason, (void)text;
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "test",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_close = on_close};

static const struct weir_handler transient = {
    .size = sizeof(struct weir_handler), .name = "transient", .on_message = on_message};

static struct weir_listen tcp_listen, udp_listen;

/* Opens the server with `config`, without starting it. */
static void open_stopped(void)
{
    struct weir_listener_info info;

    require(weir_test_open(NULL, &config, &test, &error) == WEIR_OK);
    require(weir_test_listen(test, &tcp_listen, &error) == WEIR_OK);
    require(weir_test_listen(test, &udp_listen, &error) == WEIR_OK);
    weir_server_listener(weir_test_server(test), 0, &info);
    tcp_id = info.id;
    weir_server_listener(weir_test_server(test), 1, &info);
    udp_id = info.id;
}

static void open_server(void)
{
    open_stopped();
    require(weir_test_start(test, &error) == WEIR_OK);
}

static int set_up(void **state)
{
    (void)state;
    weir_config_init(&config);
    config.first_byte_timeout_ms = 0;
    tcp_listen = (struct weir_listen){
        .size = sizeof tcp_listen, .codec = "line", .custom_handler = &handler};
    udp_listen = (struct weir_listen){
        .size = sizeof udp_listen, .proto = WEIR_UDP, .custom_handler = &handler};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    weir_test_free(test);
    test = NULL;
    return 0;
}

static enum weir_code update(const struct weir_update *given)
{
    return weir_server_update(weir_test_server(test), given, &error);
}

/* Changes the settings of the server to `config`. */
static enum weir_code update_config(void)
{
    const struct weir_update given = {.size = sizeof given, .config = &config};

    return update(&given);
}

static enum weir_code update_listener(uint32_t id, const struct weir_listen *listen)
{
    const struct weir_update_listener one = {id, listen};
    const struct weir_update given = {
        .size = sizeof given, .listeners = &one, .listeners_count = 1};

    return update(&given);
}

static struct weir_stats stats(void)
{
    struct weir_stats all;

    weir_server_stats(weir_test_server(test), &all);
    return all;
}

static struct weir_test_peer *connect_from(const char *from)
{
    struct weir_test_peer *peer = weir_test_connect(test, 0, from);

    weir_test_run(test, 10);
    return peer;
}

static void say(struct weir_test_peer *peer, const char *text)
{
    assert_int_equal(weir_test_peer_send_message(peer, text, strlen(text)), WEIR_OK);
    weir_test_run(test, 10);
}

static bool is_open(const struct weir_test_peer *peer)
{
    return weir_test_peer_state(peer) == WEIR_TEST_CONNECTED;
}

/* ---- timeouts ---- */

static void a_shortened_idle_timeout_ends_an_open_session(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    weir_test_run(test, 5 * SECOND);
    config.idle_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    assert_true(is_open(peer)); /* not by the call itself */
    weir_test_run(test, 20);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
    peer = connect_from(NULL);
    weir_test_run(test, 1 * SECOND);
    assert_true(is_open(peer));
    weir_test_run(test, 2 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void a_lengthened_idle_timeout_keeps_an_open_session(void **state)
{
    (void)state;
    config.idle_timeout_ms = 2 * SECOND;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    weir_test_run(test, 1 * SECOND);
    config.idle_timeout_ms = 10 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 8 * SECOND);
    assert_true(is_open(peer));
    weir_test_run(test, 2 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void every_open_session_gets_the_new_timeout(void **state)
{
    static struct weir_test_peer *peers[600]; /* more than two slices */

    (void)state;
    open_server();
    for (size_t i = 0; i < 600; i++) peers[i] = weir_test_connect(test, 0, NULL);
    weir_test_run(test, 3 * SECOND);
    assert_int_equal(stats().open, 600);
    config.idle_timeout_ms = 1 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 100);
    assert_int_equal(stats().open, 0);
    for (size_t i = 0; i < 600; i++)
        assert_int_equal(weir_test_peer_reason(peers[i]), WEIR_REASON_IDLE);
}

static void a_second_update_begins_anew(void **state)
{
    (void)state;
    open_server();
    for (size_t i = 0; i < 600; i++) weir_test_connect(test, 0, NULL);
    weir_test_run(test, 3 * SECOND);
    config.idle_timeout_ms = 60 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_step(test, 0); /* one slice */
    config.idle_timeout_ms = 1 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 100);
    assert_int_equal(stats().open, 0);
}

static void a_timeout_that_the_handler_set_stays(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    say(peer, "idle");
    config.idle_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 20 * SECOND);
    assert_true(is_open(peer));
    weir_test_run(test, 11 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void a_session_with_settings_of_its_own_follows(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    say(peer, "message max");
    config.idle_timeout_ms = 60 * SECOND;
    config.lifetime_ms = 5 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 6 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_LIFETIME);
}

static void other_timeouts_of_open_sessions_change(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *partial = connect_from(NULL), *silent = connect_from(NULL);
    weir_test_peer_send(partial, "half a li", 9);
    weir_test_run(test, 3 * SECOND);
    config.frame_timeout_ms = 1 * SECOND;
    config.first_byte_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 20);
    assert_int_equal(weir_test_peer_reason(partial), WEIR_REASON_FRAME);
    assert_int_equal(weir_test_peer_reason(silent), WEIR_REASON_FIRST_BYTE);
}

static void a_udp_session_gets_its_timeout(void **state)
{
    (void)state;
    open_server();
    struct weir_test_socket *socket = weir_test_socket_open(test, 1, NULL);
    weir_test_socket_send(socket, "x", 1);
    weir_test_run(test, 5 * SECOND);
    config.datagram_idle_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 20);
    assert_int_equal(weir_test_socket_reason(socket), WEIR_REASON_IDLE);
}

static void an_update_inside_a_callback_is_followed(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    code_of_callback = WEIR_SYSTEM;
    say(peer, "update");
    assert_int_equal(code_of_callback, WEIR_OK);
    weir_test_run(test, 3 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void closing_sessions_and_listeners_are_left_alone(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    say(peer, "abort");
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_APPLICATION);
    weir_server_stop(weir_test_server(test));
    assert_true(weir_test_step(test, 0)); /* the listeners are closing */
    assert_int_equal(update_config(), WEIR_OK);
    while (weir_test_run(test, 10)) continue;
}

/* ---- listeners ---- */

static void a_listener_has_its_own_settings(void **state)
{
    (void)state;
    tcp_listen.idle_timeout_ms = 20 * SECOND;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    config.idle_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10 * SECOND);
    assert_true(is_open(peer)); /* the listener's value still applies */
    tcp_listen.idle_timeout_ms = 5 * SECOND;
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    weir_test_run(test, 20);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
    peer = connect_from(NULL);
    tcp_listen.idle_timeout_ms = 0; /* the server's */
    weir_test_run(test, 3 * SECOND);
    assert_true(is_open(peer));
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    weir_test_run(test, 20);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void wrong_listeners_are_refused(void **state)
{
    const struct weir_update_listener twice[] = {{1, &tcp_listen}, {1, &tcp_listen}};
    const struct weir_update given = {
        .size = sizeof given, .listeners = twice, .listeners_count = 2};
    struct weir_listen wrong = {.size = 3};

    (void)state;
    open_server();
    assert_int_equal(tcp_id, 1);
    assert_int_equal(update(&given), WEIR_INVALID);
    assert_string_equal(error.reason, "the update contains it twice");
    assert_int_equal(update_listener(77, &tcp_listen), WEIR_GONE);
    assert_int_equal(update_listener(tcp_id, &wrong), WEIR_INVALID);
    wrong = tcp_listen;
    wrong.idle_timeout_ms = UINT32_MAX - 1;
    assert_int_equal(update_listener(tcp_id, &wrong), WEIR_INVALID);
    assert_non_null(strstr(error.subject, "idle_timeout_ms"));
}

static void the_settings_of_all_listeners_are_checked(void **state)
{
    (void)state;
    tcp_listen.send_rate_min_bytes = 100; /* needs a send_timeout_ms */
    open_server();
    config.send_timeout_ms = 0;
    assert_int_equal(update_config(), WEIR_INVALID);
    assert_non_null(strstr(error.subject, "send_rate_min_bytes"));
}

/* ---- limits ---- */

static void sessions_max_can_be_lowered_and_raised(void **state)
{
    (void)state;
    config.sessions_max = 3;
    open_server();
    struct weir_test_peer *first = connect_from(NULL), *second = connect_from(NULL);
    config.sessions_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    struct weir_test_peer *refused = connect_from(NULL);
    assert_false(is_open(refused));
    assert_true(is_open(first) && is_open(second));
    assert_int_equal(stats().refused_full, 1);
    config.sessions_max = 1000;
    assert_int_equal(update_config(), WEIR_OK);
    for (int i = 0; i < 500; i++) weir_test_connect(test, 0, NULL);
    weir_test_run(test, 100);
    assert_int_equal(stats().open, 502);
    assert_int_equal(stats().refused_full, 1);
}

static void a_listener_can_lower_its_own(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *first = connect_from(NULL);
    tcp_listen.sessions_max = 1;
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    assert_false(is_open(connect_from(NULL)));
    assert_true(is_open(first));
}

static void addresses_are_counted_from_the_update_on(void **state)
{
    (void)state;
    config.sessions_max = 100;
    open_server();
    weir_test_socket_send(weir_test_socket_open(test, 1, "10.0.0.7:4000"), "x", 1); /* not it */
    struct weir_test_peer *first = connect_from("10.0.0.7:0"), *other = connect_from("10.0.0.8:0");
    config.sessions_per_address_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    assert_false(is_open(connect_from("10.0.0.7:0"))); /* the open session counts */
    assert_true(is_open(connect_from("10.0.0.9:0")));
    assert_int_equal(stats().refused_address, 1);
    weir_test_peer_reset(first);
    weir_test_run(test, 10);
    assert_true(is_open(connect_from("10.0.0.7:0")));
    config.sessions_per_address_max = 0;
    assert_int_equal(update_config(), WEIR_OK);
    assert_true(is_open(connect_from("10.0.0.7:0")));
    config.sessions_per_address_max = 2;
    config.sessions_max = 5000; /* needs a larger table of addresses */
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    assert_false(is_open(connect_from("10.0.0.7:0")));
    assert_true(is_open(connect_from("10.0.0.8:0")));
    assert_false(is_open(connect_from("10.0.0.8:0")));
    assert_true(is_open(other));
    weir_server_drain(weir_test_server(test), 0);
    while (weir_test_run(test, 10)) continue; /* each address is given back */
}

static void a_refused_client_does_not_count(void **state)
{
    (void)state;
    config.deny = "10.0.0.7";
    config.reject_message = "no\n";
    open_server();
    struct weir_test_peer *refused = connect_from("10.0.0.7:0"); /* gets the message, and lingers */
    config.deny = config.reject_message = NULL;
    config.sessions_per_address_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    assert_true(is_open(connect_from("10.0.0.7:0")));
    assert_int_equal(weir_test_peer_state(refused), WEIR_TEST_FINISHED);
}

static void lists_decide_about_later_connections(void **state)
{
    char answer[8];

    (void)state;
    open_server();
    struct weir_test_peer *open = connect_from("10.0.0.7:0");
    config.deny = "10.0.0.0/8";
    config.reject_message = "no\n";
    assert_int_equal(update_config(), WEIR_OK);
    assert_true(is_open(open)); /* as documented */
    struct weir_test_peer *refused = connect_from("10.0.0.7:0");
    weir_test_run(test, 10);
    assert_int_equal(weir_test_peer_receive(refused, answer, sizeof answer), 3);
    assert_memory_equal(answer, "no\n", 3);
    assert_int_equal(stats().refused_denied, 1);
    config.deny = NULL;
    config.allow = "192.0.2.1";
    config.reject_message = NULL;
    assert_int_equal(update_config(), WEIR_OK);
    assert_false(is_open(connect_from("10.0.0.7:0")));
    assert_true(is_open(connect_from("192.0.2.1:0")));
}

static void rates_apply_to_open_sessions(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    config.message_rate_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    for (int i = 0; i < 60; i++) weir_test_peer_send_message(peer, "y", 1);
    weir_test_run(test, 100); /* all are one receive: reading pauses for about a minute */
    assert_int_equal(stats().pauses_rate, 1);
    uint64_t before = stats().messages_in;
    say(peer, "x");
    assert_int_equal(stats().messages_in, before);
    config.message_rate_max = 100;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 1100);
    assert_int_equal(stats().messages_in, before + 1); /* the pause for the old rate is over */
}

static void accept_rates_change(void **state)
{
    (void)state;
    open_server();
    config.accept_rate_max = 2;
    assert_int_equal(update_config(), WEIR_OK);
    for (int i = 0; i < 5; i++) weir_test_connect(test, 0, NULL);
    weir_test_run(test, 10);
    assert_int_equal(stats().refused_rate, 3);
}

/* ---- UDP ---- */

static uint64_t echoed(struct weir_test_socket *socket, int count)
{
    char bytes[16];
    size_t length;
    uint64_t received = 0;

    for (int i = 0; i < count; i++) weir_test_socket_send(socket, "x", 1);
    weir_test_run(test, 50);
    while (weir_test_socket_receive(socket, bytes, sizeof bytes, &length)) received++;
    return received;
}

static void udp_limits_change(void **state)
{
    (void)state;
    udp_listen.custom_handler = &transient;
    config.datagram_reply_rate_max = 0;
    open_server();
    struct weir_test_socket *socket = weir_test_socket_open(test, 1, "10.0.0.7:4000");
    assert_int_equal(echoed(socket, 20), 20);
    config.datagram_reply_rate_max = 5;
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(echoed(socket, 20), 5);
    weir_test_run(test, 2 * SECOND);
    config.datagram_reply_rate_max = 0;
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(echoed(socket, 20), 20);
    config.message_rate_max = 10; /* needs a session for each peer */
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(echoed(socket, 20), 10);
    assert_int_equal(stats().peers_opened, 1);
    config.message_rate_max = 0;
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(echoed(socket, 20), 20);
}

static void udp_peers_are_evicted_at_the_new_limit(void **state)
{
    (void)state;
    config.datagram_peers_max = 3;
    open_server();
    for (int i = 0; i < 3; i++) {
        char from[32];
        snprintf(from, sizeof from, "10.0.0.%d:4000", i + 1);
        weir_test_socket_send(weir_test_socket_open(test, 1, from), "x", 1);
    }
    weir_test_run(test, 50);
    config.datagram_peers_max = 2;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_socket_send(weir_test_socket_open(test, 1, "10.0.0.9:4000"), "x", 1);
    weir_test_run(test, 50);
    assert_int_equal(stats().closed_by_reason[WEIR_REASON_EVICTED], 1);
    config.datagram_peers_max = 65537;
    assert_int_equal(update_config(), WEIR_INVALID);
}

/* ---- filters, connectors ---- */

static void trusted_senders_of_proxy_headers_change(void **state)
{
    static const char header[] = "PROXY TCP4 10.0.0.7 10.0.0.1 1234 80\r\n";

    (void)state;
    tcp_listen.proxy = WEIR_PROXY_REQUIRED;
    tcp_listen.proxy_from = "192.0.2.1";
    open_server();
    assert_false(is_open(connect_from("192.0.2.2:0")));
    tcp_listen.proxy_from = NULL;
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_INVALID);
    tcp_listen.proxy_from = "192.0.2.2";
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    assert_false(is_open(connect_from("192.0.2.1:0")));
    struct weir_test_peer *peer = connect_from("192.0.2.2:0"),
                          *silent = connect_from("192.0.2.2:0");
    weir_test_peer_send(peer, header, sizeof header - 1);
    say(peer, "hello");
    tcp_listen.proxy = WEIR_PROXY_OFF; /* the filter stays, with its senders */
    tcp_listen.proxy_from = NULL;
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    assert_true(is_open(connect_from("192.0.2.2:0")));
    config.sessions_per_address_max = 1; /* of the clients that the headers name */
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    struct weir_test_peer *second = connect_from("192.0.2.2:0");
    weir_test_peer_send(second, header, sizeof header - 1);
    weir_test_run(test, 50);
    assert_int_equal(weir_test_peer_state(second), WEIR_TEST_FINISHED);
    assert_true(is_open(peer) && is_open(silent));
    config.sessions_per_address_max = 0;
    assert_int_equal(update_config(), WEIR_OK);
    struct weir_test_peer *third = connect_from("192.0.2.2:0");
    weir_test_peer_send(third, header, sizeof header - 1);
    say(third, "hello");
    assert_true(is_open(third));
}

static uint32_t connect_failures;

static void on_failed(struct weir_server *server, uint64_t connector, const struct weir_error *why,
                      void *user)
{
    (void)server, (void)connector, (void)why, (void)user;
    connect_failures++;
}

static void outbound_sessions_follow(void **state)
{
    struct weir_connect_options to;

    (void)state;
    config.sessions_per_address_max = 1; /* does not concern them */
    open_server();
    struct weir_test_upstream *upstream = weir_test_upstream_open(test, "10.0.0.9:7000", NULL);
    weir_connect_init(&to);
    to.address = "10.0.0.9:7000";
    to.custom_handler = &handler;
    to.reconnect = true;
    to.on_failed = on_failed;
    require(weir_connect(weir_test_server(test), &to, NULL, &error) == WEIR_OK);
    weir_test_run(test, 5 * SECOND);
    assert_int_equal(stats().connected, 1);
    config.idle_timeout_ms = 2 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 1 * SECOND); /* the open one ends, and another one begins */
    assert_int_equal(stats().closed_by_reason[WEIR_REASON_IDLE], 1);
    assert_int_equal(stats().connected, 2);
    weir_test_run(test, 2500); /* which also follows */
    assert_int_equal(stats().closed_by_reason[WEIR_REASON_IDLE], 2);
    config.connectors_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(weir_connect(weir_test_server(test), &to, NULL, &error), WEIR_NO_ROOM);
    config.connectors_max = 20;
    assert_int_equal(update_config(), WEIR_OK);
    for (int i = 0; i < 19; i++)
        assert_int_equal(weir_connect(weir_test_server(test), &to, NULL, &error), WEIR_OK);
    assert_int_equal(weir_connect(weir_test_server(test), &to, NULL, &error), WEIR_NO_ROOM);
    assert_non_null(upstream);
}

/* ---- the log ---- */

static uint32_t lines[WEIR_LOG_TRACE + 1];

static void count_line(void *user, enum weir_log_level level, const char *line)
{
    (void)user, (void)line;
    lines[level]++;
}

static void the_log_level_changes(void **state)
{
    (void)state;
    config.log = count_line;
    open_server();
    memset(lines, 0, sizeof lines);
    struct weir_server *server = weir_test_server(test);
    struct weir_test_peer *peer = connect_from("10.0.0.7:0");
    say(peer, "hello");
    assert_int_equal(lines[WEIR_LOG_INFO] + lines[WEIR_LOG_DETAIL], 0);
    assert_int_equal(weir_server_set_log_level(server, WEIR_LOG_DETAIL), WEIR_OK);
    weir_test_run(test, 10);
    say(peer, "hello"); /* also of open sessions */
    assert_int_equal(lines[WEIR_LOG_DETAIL], 2);
    connect_from(NULL);
    assert_int_equal(lines[WEIR_LOG_INFO], 1);
    assert_int_equal(weir_server_set_log_level(server, WEIR_LOG_ERROR), WEIR_OK);
    weir_test_run(test, 10);
    say(peer, "hello");
    assert_int_equal(lines[WEIR_LOG_DETAIL], 2);
    assert_int_equal(weir_server_set_log_level(server, WEIR_LOG_TRACE), WEIR_INVALID);
    config.trace = "10.0.0.7";
    config.log_level = WEIR_LOG_INFO;
    assert_int_equal(update_config(), WEIR_OK);
    weir_test_run(test, 10);
    say(peer, "hello");
    assert_true(lines[WEIR_LOG_TRACE] >= 2);
    connect_from(NULL);
    assert_int_equal(lines[WEIR_LOG_INFO], 2);
}

/* ---- all or nothing ---- */

static void a_failure_in_the_middle_changes_nothing(void **state)
{
    const struct weir_update_listener listeners[] = {{1, &tcp_listen}, {99, &udp_listen}};
    const struct weir_update given = {
        .size = sizeof given, .config = &config, .listeners = listeners, .listeners_count = 2};

    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from("10.0.0.7:0");
    config.deny = "10.0.0.0/8";
    config.idle_timeout_ms = 10;
    tcp_listen.lifetime_ms = 10;
    assert_int_equal(update(&given), WEIR_GONE);
    weir_test_run(test, 1 * SECOND);
    assert_true(is_open(peer));
    assert_true(is_open(connect_from("10.0.0.7:0")));
}

static void wrong_settings_change_nothing(void **state)
{
    struct weir_update given = {.size = 3, .config = &config};

    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    assert_int_equal(update(&given), WEIR_INVALID);
    config.idle_timeout_ms = 10;
    config.deny = "10.0.0.0/99";
    assert_int_equal(update_config(), WEIR_INVALID);
    config.deny = NULL;
    config.trace = "nowhere";
    assert_int_equal(update_config(), WEIR_INVALID);
    config.trace = NULL;
    config.allow = "nowhere";
    assert_int_equal(update_config(), WEIR_INVALID);
    config.allow = NULL;
    config.sessions_max = (1u << 20) + 1;
    assert_int_equal(update_config(), WEIR_INVALID);
    assert_non_null(strstr(error.hint, "restart"));
    config.sessions_max = 0;
    assert_int_equal(update_config(), WEIR_INVALID);
    config.sessions_max = 10;
    char text[600000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    config.reject_message = text;
    config.send_queue_high_bytes = 1 << 30; /* not live: the other value still applies */
    config.memory_max_bytes = UINT64_C(1) << 40;
    assert_int_equal(update_config(), WEIR_INVALID);
    weir_test_run(test, 1 * SECOND);
    assert_true(is_open(peer));
}

static void a_check_changes_nothing(void **state)
{
    const struct weir_update given = {.size = sizeof given, .config = &config, .check_only = true};

    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    config.idle_timeout_ms = 10;
    assert_int_equal(update(&given), WEIR_OK);
    weir_test_run(test, 1 * SECOND);
    assert_true(is_open(peer));
    config.node = 256;
    assert_int_equal(update(&given), WEIR_INVALID);
}

static void missing_memory_changes_nothing(void **state)
{
    const struct weir_update_listener listeners[] = {{1, &tcp_listen}};
    const struct weir_update given = {
        .size = sizeof given, .config = &config, .listeners = listeners, .listeners_count = 1};
    uint64_t nth = 0;
    enum weir_code code;

    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from("10.0.0.7:0");
    config.idle_timeout_ms = 10;
    config.allow = "10.0.0.0/8";
    config.deny = "192.0.2.0/24";
    config.trace = "192.0.2.0/24";
    config.reject_message = "no\n";
    config.sessions_per_address_max = 100;
    do {
        weir_test_run(test, 100);
        assert_true(is_open(peer));
        memory_fail_nth(++nth, 0);
        code = update(&given);
        memory_fail_nth(0, 0);
    } while (code == WEIR_NO_MEMORY);
    assert_int_equal(code, WEIR_OK);
    assert_int_equal(nth, 9);
    weir_test_run(test, 100);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

/* ---- other times ---- */

static void an_update_before_the_start_applies(void **state)
{
    (void)state;
    open_stopped();
    config.idle_timeout_ms = 2 * SECOND;
    tcp_listen.sessions_max = 1;
    assert_int_equal(update_config(), WEIR_OK);
    assert_int_equal(update_listener(tcp_id, &tcp_listen), WEIR_OK);
    require(weir_test_start(test, &error) == WEIR_OK);
    struct weir_test_peer *peer = connect_from(NULL);
    assert_false(is_open(connect_from(NULL)));
    weir_test_run(test, 3 * SECOND);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void a_start_without_memory_fails(void **state)
{
    enum weir_code code;
    uint64_t nth = 0;

    (void)state;
    do {
        weir_test_free(test);
        open_stopped();
        config.idle_timeout_ms = 2 * SECOND + (uint32_t)nth;
        assert_int_equal(update_config(), WEIR_OK);
        memory_fail_nth(++nth, 0);
        code = weir_test_start(test, &error);
        memory_fail_nth(0, 0);
    } while (code != WEIR_OK);
    assert_true(nth > 5);
    struct weir_test_peer *peer = connect_from(NULL);
    weir_test_run(test, 3 * SECOND); /* the update of before the start applies */
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_IDLE);
}

static void an_update_during_a_drain_applies(void **state)
{
    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    say(peer, "hold");
    weir_test_peer_finish(peer); /* a held session stays after its peer's FIN */
    weir_test_run(test, 10);
    weir_server_drain(weir_test_server(test), 60 * SECOND);
    weir_test_run(test, 5 * SECOND);
    assert_int_equal(stats().open, 1);
    config.idle_timeout_ms = 1 * SECOND;
    assert_int_equal(update_config(), WEIR_OK);
    assert_false(weir_test_run(test, 1 * SECOND));
    assert_int_equal(stats().closed_by_reason[WEIR_REASON_IDLE], 1);
    assert_int_equal(update_config(), WEIR_OK); /* no worker is left */
}

static void an_empty_update_is_harmless(void **state)
{
    const struct weir_update given = {.size = sizeof given};

    (void)state;
    open_server();
    struct weir_test_peer *peer = connect_from(NULL);
    assert_int_equal(update(&given), WEIR_OK);
    say(peer, "hello");
    assert_true(is_open(peer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_shortened_idle_timeout_ends_an_open_session, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lengthened_idle_timeout_keeps_an_open_session, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_open_session_gets_the_new_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_update_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_timeout_that_the_handler_set_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_with_settings_of_its_own_follows, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_timeouts_of_open_sessions_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_udp_session_gets_its_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_inside_a_callback_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_sessions_and_listeners_are_left_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_listener_has_its_own_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_listeners_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_settings_of_all_listeners_are_checked, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sessions_max_can_be_lowered_and_raised, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_listener_can_lower_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_are_counted_from_the_update_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_refused_client_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_decide_about_later_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rates_apply_to_open_sessions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accept_rates_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(udp_limits_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(udp_peers_are_evicted_at_the_new_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(trusted_senders_of_proxy_headers_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outbound_sessions_follow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_level_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_in_the_middle_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_settings_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_check_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_memory_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_before_the_start_applies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_without_memory_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_during_a_drain_applies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_update_is_harmless, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
