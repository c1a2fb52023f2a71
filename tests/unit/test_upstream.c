/* SPDX-License-Identifier: MIT */
/* test_upstream.c - weir/test.h for handlers that connect to other servers: a relay is tested with
 * simulated upstreams, which answer, end, refuse and are silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "require.h"

#define UPSTREAM "10.0.0.9:7000"

static struct weir_server *server;
static uint32_t opened, failed, closed;
static enum weir_code failed_code;
static enum weir_reason closed_reason;

/* ---- a relay for one client: its lines go to the upstream, and back ---- */

static uint64_t client, upstream_session;

static void out_on_open(struct weir_session *session)
{
    opened++;
    upstream_session = weir_session_id(session);
    require(weir_session_send(session, "hello", 5) == WEIR_OK);
}

static void out_on_message(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    weir_send(server, client, message->bytes, message->length);
}

static void out_on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    closed++;
    closed_reason = reason;
}

static const struct weir_handler out = {.size = sizeof(struct weir_handler),
                                        .name = "out",
                                        .on_open = out_on_open,
                                        .on_message = out_on_message,
                                        .on_close = out_on_close};

static void on_failed(struct weir_server *of, uint64_t connector, const struct weir_error *error,
                      void *user)
{
    (void)connector;
    (void)user;
    require(of == server);
    failed++;
    failed_code = error->code;
}

static void connect_out(bool reconnect)
{
    struct weir_connect_options connect;

    weir_connect_init(&connect);
    connect.address = UPSTREAM;
    connect.codec = "line";
    connect.custom_handler = &out;
    connect.on_failed = on_failed;
    connect.reconnect = reconnect;
    require(weir_connect(server, &connect, NULL, NULL) == WEIR_OK);
}

static void in_on_open(struct weir_session *session)
{
    client = weir_session_id(session);
    connect_out(false);
}

static void in_on_message(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    weir_send(server, upstream_session, message->bytes, message->length);
}

static const struct weir_handler in = {.size = sizeof(struct weir_handler),
                                       .name = "in",
                                       .on_open = in_on_open,
                                       .on_message = in_on_message};

static struct weir_test *open_test(void)
{
    struct weir_listen listen = {.size = sizeof listen, .codec = "line", .custom_handler = &in};
    struct weir_test *test;

    opened = failed = closed = 0;
    client = upstream_session = 0;
    require(weir_test_open(NULL, NULL, &test, NULL) == WEIR_OK);
    server = weir_test_server(test);
    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
    require(weir_test_start(test, NULL) == WEIR_OK);
    return test;
}

static void require_message(struct weir_test_peer *peer, const char *text)
{
    struct weir_message message;

    require(weir_test_peer_message(peer, &message));
    require(message.length == strlen(text) && memcmp(message.bytes, text, message.length) == 0);
}

/* ---- tests ---- */

static void a_relay_reaches_its_upstream(void **state)
{
    struct weir_test *test = open_test();
    struct weir_test_upstream *upstream = weir_test_upstream_open(test, UPSTREAM, "line");

    (void)state;
    require(upstream != NULL);
    require(weir_test_upstream_accept(upstream) == NULL);
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);
    require(weir_test_run(test, 20));
    struct weir_test_peer *remote = weir_test_upstream_accept(upstream);
    require(remote != NULL && weir_test_upstream_accept(upstream) == NULL);
    require(weir_test_peer_state(remote) == WEIR_TEST_CONNECTED);
    require(weir_test_run(test, 20));
    require_message(remote, "hello");
    weir_test_peer_send(peer, "question\n", 9);
    require(weir_test_run(test, 20));
    require_message(remote, "question");
    require(weir_test_peer_send_message(remote, "answer", 6) == WEIR_OK);
    require(weir_test_run(test, 20));
    require_message(peer, "answer");
    require(weir_test_peer_session(remote) == 0);
    require(weir_test_peer_reason(remote) == WEIR_REASON_NONE);
    weir_test_free(test);
    require(opened == 1 && closed == 1 && failed == 0);
}

static void an_upstream_ends_a_connection_in_each_way(void **state)
{
    static const struct {
        void (*end)(struct weir_test_peer *peer);
        enum weir_reason reason;
    } cases[] = {
        {weir_test_peer_finish, WEIR_REASON_PEER_DONE},
        {weir_test_peer_reset, WEIR_REASON_RESET},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_test *test = open_test();
        struct weir_test_upstream *upstream = weir_test_upstream_open(test, UPSTREAM, NULL);
        connect_out(false);
        require(weir_test_run(test, 20));
        struct weir_test_peer *remote = weir_test_upstream_accept(upstream);
        require(remote != NULL);
        cases[i].end(remote);
        require(weir_test_run(test, 1000));
        require(closed == 1 && closed_reason == cases[i].reason);
        weir_test_free(test);
    }
}

/* Without an upstream, and after it has ended, attempts are refused. */
static void nothing_listens_without_an_upstream(void **state)
{
    struct weir_test *test = open_test();

    (void)state;
    connect_out(false);
    require(weir_test_run(test, 100));
    require(failed == 1 && failed_code == WEIR_REFUSED);
    struct weir_test_upstream *upstream = weir_test_upstream_open(test, UPSTREAM, NULL);
    connect_out(false);
    require(weir_test_run(test, 100));
    require(opened == 1);
    weir_test_upstream_close(upstream); /* its connection was not accepted: it is reset */
    require(weir_test_run(test, 100));
    require(closed == 1 && closed_reason == WEIR_REASON_RESET);
    require(weir_test_upstream_accept(upstream) == NULL);
    weir_test_upstream_close(upstream);
    connect_out(false);
    require(weir_test_run(test, 100));
    require(failed == 2 && failed_code == WEIR_REFUSED);
    weir_test_free(test);
}

static void a_connector_reconnects_to_an_upstream_that_returns(void **state)
{
    struct weir_test *test = open_test();

    (void)state;
    connect_out(true);
    require(weir_test_run(test, 5000));
    require(failed > 1 && opened == 0);
    struct weir_test_upstream *upstream = weir_test_upstream_open(test, UPSTREAM, "line");
    require(weir_test_run(test, 60000));
    require(opened == 1);
    struct weir_test_peer *remote = weir_test_upstream_accept(upstream);
    require(remote != NULL);
    require(weir_test_run(test, 10));
    require_message(remote, "hello");
    weir_test_peer_lose(remote);
    weir_test_upstream_close(upstream);
    weir_test_free(test);
}

static void an_upstream_has_an_address_of_its_own(void **state)
{
    struct weir_test *test = open_test();
    struct weir_address address;

    (void)state;
    struct weir_test_upstream *upstream = weir_test_upstream_open(test, "10.0.0.8:0", NULL);
    require(upstream != NULL);
    weir_test_upstream_address(upstream, &address);
    require(address.port != 0 && address.ip[15] == 8);
    require(weir_test_upstream_open(test, UPSTREAM, NULL) != NULL);
    require(weir_test_upstream_open(test, UPSTREAM, NULL) == NULL);
    weir_test_free(test);
}

static void open_at_a_name(void *argument)
{
    (void)argument;
    weir_test_upstream_open(open_test(), "upstream:7000", NULL);
}

static void open_with_a_wrong_codec(void *argument)
{
    (void)argument;
    weir_test_upstream_open(open_test(), UPSTREAM, "lines");
}

static void misuse_is_reported(void **state)
{
    (void)state;
    require_death(open_at_a_name, NULL, "the address of an upstream is written like");
    require_death(open_with_a_wrong_codec, NULL, "the codec of an upstream is a frame");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_reaches_its_upstream),
        cmocka_unit_test(an_upstream_ends_a_connection_in_each_way),
        cmocka_unit_test(nothing_listens_without_an_upstream),
        cmocka_unit_test(a_connector_reconnects_to_an_upstream_that_returns),
        cmocka_unit_test(an_upstream_has_an_address_of_its_own),
        cmocka_unit_test(misuse_is_reported),
    };

    return cmocka_run_group_tests_name("upstream", tests, NULL, NULL);
}
