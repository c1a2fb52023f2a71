/* SPDX-License-Identifier: MIT */
/* test_connect.c - weir_connect() through the public interface, with real sockets, on every
 * transport: a server that connects to itself and to another one, connectors made before the start,
 * calls from handlers and from other threads, and settings that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "net.h"
#include "thread.h"

/* Of the tests that need no particular transport. */
#define FIRST (has_transport("epoll") ? "epoll" : "iocp")

static bool has_transport(const char *name);

/* ---- what happened, for the thread of the test ---- */

static struct {
    struct lock *lock;
    struct condition *changed;
    uint32_t opened, closed, failed, answered;
    uint64_t session, connector;
    struct weir_error error;
} seen;

static void count(uint32_t *counter)
{
    lock_take(seen.lock);
    (*counter)++;
    condition_wake_all(seen.changed);
    lock_give_back(seen.lock);
}

static void until(const uint32_t *counter, uint32_t least)
{
    lock_take(seen.lock);
    while (*counter < least) condition_wait(seen.changed, seen.lock, CONDITION_NO_DEADLINE);
    lock_give_back(seen.lock);
}

/* Returns the id of the latest session of the client, which connects again on a thread of its own.
 */
static uint64_t latest_session(void)
{
    lock_take(seen.lock);
    uint64_t session = seen.session;
    lock_give_back(seen.lock);
    return session;
}

/* The client: says hello, and counts the answer. */
static void client_open(struct weir_session *session)
{
    lock_take(seen.lock);
    seen.session = weir_session_id(session);
    lock_give_back(seen.lock);
    assert_int_equal(weir_session_send(session, "hello", 5), WEIR_OK);
    count(&seen.opened);
}

static void client_message(struct weir_session *session, const struct weir_message *message)
{
    assert_int_equal(message->length, 5);
    assert_memory_equal(message->bytes, "hello", 5);
    assert_ptr_equal(weir_session_connect_user(session), &seen);
    lock_take(seen.lock);
    assert_int_equal(weir_session_connector(session), seen.connector);
    lock_give_back(seen.lock);
    count(&seen.answered);
}

static void client_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    count(&seen.closed);
}

static void client_failed(struct weir_server *server, uint64_t connector,
                          const struct weir_error *error, void *user)
{
    (void)server;
    (void)connector;
    assert_ptr_equal(user, &seen);
    lock_take(seen.lock);
    seen.error = *error;
    lock_give_back(seen.lock);
    count(&seen.failed);
}

/* With state, for which sessions need room. */
static const struct weir_handler client = {.size = sizeof client,
                                           .name = "client",
                                           .session_bytes = 200,
                                           .on_open = client_open,
                                           .on_message = client_message,
                                           .on_close = client_close};

static struct weir_connect_options to(const char *address)
{
    struct weir_connect_options connect;

    weir_connect_init(&connect);
    connect.address = address;
    connect.codec = "line";
    connect.custom_handler = &client;
    connect.on_failed = client_failed;
    connect.user = &seen;
    return connect;
}

static enum weir_code begin(struct weir_server *server, const struct weir_connect_options *connect)
{
    uint64_t id = 0;

    lock_take(seen.lock); /* before the answer can be there */
    enum weir_code code = weir_connect(server, connect, &id, NULL);
    seen.connector = id;
    lock_give_back(seen.lock);
    return code;
}

/* Opens a server on this transport that echoes lines. Null: this system has no such transport. */
static struct weir_server *open_server(const char *transport, bool listens,
                                       uint32_t connect_state_bytes)
{
    struct weir_config config;
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0", .codec = "line"};
    struct weir_server *server;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = 2;
    config.connect_state_bytes = connect_state_bytes;
    config.connectors_max = 3;
    assert_int_equal(weir_server_open(&config, &server, NULL), WEIR_OK);
    if (listens) assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    return server;
}

static void address_of(const struct weir_server *server, char *text, size_t size)
{
    struct weir_listener_info info;

    weir_server_listener(server, 0, &info);
    weir_address_text(&info.address, text, size);
}

static int open_seen(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    seen.lock = lock_open();
    seen.changed = condition_open();
    return 0;
}

static int close_seen(void **state)
{
    (void)state;
    condition_free(seen.changed);
    lock_free(seen.lock);
    return 0;
}

/* Returns whether this build has the transport, over real sockets. On Linux the tests also have
 * those of Windows, over a system in memory. */
static bool has_transport(const char *name)
{
    bool has_it = false, is_linux = false;

    for (uint32_t i = 0; net_transport_name(i); i++) {
        has_it |= strcmp(net_transport_name(i), name) == 0;
        is_linux |= strcmp(net_transport_name(i), "epoll") == 0;
    }
    return has_it && (!is_linux || strcmp(name, "epoll") == 0 || strcmp(name, "uring") == 0);
}

/* Calls the test once for each transport that this system supports. */
static void on_each_transport(void (*test)(const char *transport))
{
    static const char *const names[] = {"uring", "epoll", "rio", "iocp"};
    uint32_t tested_count = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *name = names[i];
        if (!has_transport(name)) continue;
        struct weir_server *server = open_server(name, true, 0);
        bool is_there = weir_server_start(server, NULL) == WEIR_OK;

        weir_server_free(server);
        if (!is_there) continue;
        close_seen(NULL);
        open_seen(NULL);
        test(name);
        tested_count++;
    }
    assert_true(tested_count > 0);
}

/* ---- tests ---- */

static void to_itself(const char *transport)
{
    struct weir_server *server = open_server(transport, true, 512);
    struct weir_stats stats;
    char address[WEIR_ADDRESS_TEXT_BYTES], name[WEIR_ADDRESS_TEXT_BYTES];

    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    address_of(server, address, sizeof address);
    struct weir_connect_options connect = to(address);
    assert_int_equal(begin(server, &connect), WEIR_OK);
    until(&seen.answered, 1);
    assert_int_equal(weir_send(server, latest_session(), "hello", 5), WEIR_OK);
    until(&seen.answered, 2);
    assert_int_equal(weir_send(server, seen.connector, "hello", 5), WEIR_GONE);
    assert_int_equal(weir_disconnect(server, latest_session()), WEIR_GONE);
    assert_int_equal(weir_disconnect(server, seen.connector), WEIR_OK);
    until(&seen.closed, 1);
    assert_int_equal(weir_disconnect(server, seen.connector), WEIR_GONE);
    assert_int_equal(weir_disconnect(server, UINT64_MAX), WEIR_GONE);
    snprintf(name, sizeof name, "localhost%s", strrchr(address, ':')); /* ::1 is refused */
    connect.address = name;
    connect.worker = 1;
    assert_int_equal(begin(server, &connect), WEIR_OK);
    until(&seen.answered, 3);
    weir_server_stats(server, &stats);
    assert_int_equal(stats.connected, 2);
    weir_server_free(server);
    assert_int_equal(seen.closed, 2);
    assert_int_equal(seen.failed, 0);
}

static void a_server_connects_to_itself(void **state)
{
    (void)state;
    on_each_transport(to_itself);
}

static void before_start(const char *transport)
{
    struct weir_server *other = open_server(transport, true, 0);
    struct weir_server *server = open_server(transport, false, 0);
    char address[WEIR_ADDRESS_TEXT_BYTES];

    assert_int_equal(weir_server_start(other, NULL), WEIR_OK);
    address_of(other, address, sizeof address);
    struct weir_connect_options connect = to(address);
    connect.reconnect = true;
    connect.reconnect_min_ms = connect.reconnect_max_ms = 1;
    assert_int_equal(begin(server, &connect), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    until(&seen.answered, 1);
    uint64_t first = latest_session();
    weir_server_free(other); /* ... and it comes back on the same port */
    until(&seen.failed, 1);
    other = open_server(transport, false, 0);
    struct weir_listen listen = {.size = sizeof listen, .address = address, .codec = "line"};
    assert_int_equal(weir_server_listen(other, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(other, NULL), WEIR_OK);
    until(&seen.answered, 2);
    assert_int_not_equal(latest_session(), first);
    weir_server_drain(server, 10000);
    weir_server_wait(server);
    assert_true(seen.opened >= 2); /* more if a worker that ended later accepted in between */
    assert_int_equal(seen.closed, seen.opened);
    weir_server_free(server);
    weir_server_free(other);
}

static void a_client_connects_again(void **state)
{
    (void)state;
    on_each_transport(before_start);
}

static void refused(const char *transport)
{
    struct weir_server *server = open_server(transport, true, 512);
    char address[WEIR_ADDRESS_TEXT_BYTES], text[512];

    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    address_of(server, address, sizeof address);
    weir_server_free(server); /* nothing listens there any longer */
    server = open_server(transport, false, 0);
    struct weir_connect_options connect = to(address);
    assert_int_equal(begin(server, &connect), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    until(&seen.failed, 1);
    assert_int_equal(seen.error.code, WEIR_REFUSED);
    assert_non_null(strstr(weir_error_text(&seen.error, text, sizeof text), address));
    connect.address = "no.such.name.invalid:80";
    assert_int_equal(begin(server, &connect), WEIR_OK);
    until(&seen.failed, 2);
    weir_server_free(server);
    assert_int_equal(seen.opened, 0);
}

static void a_failure_has_an_error(void **state)
{
    (void)state;
    on_each_transport(refused);
}

/* On Linux: a listener in the Unix domain serves all workers, and weir_connect() reaches it. */
static void in_unix_domain(const char *transport)
{
    struct weir_server *server = open_server(transport, false, 0);
    char address[WEIR_ADDRESS_TEXT_BYTES], text[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_error error;

    snprintf(address, sizeof address, "unix:@weir-test-connect-%p", (void *)server);
    struct weir_listen listen = {.size = sizeof listen, .address = address, .codec = "line"};
    assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    struct weir_connect_options connect = to(address);
    assert_int_equal(begin(server, &connect), WEIR_OK);
    enum weir_code code = weir_server_start(server, &error);
    if (strcmp(FIRST, "epoll") == 0) {
        assert_int_equal(code, WEIR_OK);
        address_of(server, text, sizeof text);
        assert_string_equal(text, address);
        until(&seen.answered, 1);
    } else {
        assert_int_equal(code, WEIR_UNSUPPORTED);
    }
    weir_server_free(server);
}

static void it_connects_in_the_unix_domain(void **state)
{
    (void)state;
    on_each_transport(in_unix_domain);
}

/* The handler of a relay connects when its client has connected, on the same worker. */
static void relay_open(struct weir_session *session)
{
    struct weir_connect_options connect = to(weir_session_user(session));
    uint64_t id = 0;

    lock_take(seen.lock);
    assert_int_equal(weir_connect(weir_session_server(session), &connect, &id, NULL), WEIR_OK);
    seen.connector = id;
    lock_give_back(seen.lock);
    assert_int_equal(id >> 48 & 0xff, weir_session_id(session) >> 48 & 0xff);
}

static void in_handler(const char *transport)
{
    struct weir_server *other = open_server(transport, true, 0);
    struct weir_server *server = open_server(transport, false, 0);
    char address[WEIR_ADDRESS_TEXT_BYTES], own[WEIR_ADDRESS_TEXT_BYTES];

    assert_int_equal(weir_server_start(other, NULL), WEIR_OK);
    address_of(other, address, sizeof address);
    const struct weir_handler relay = {.size = sizeof relay,
                                       .name = "relay",
                                       .session_bytes = 1000,
                                       .user = address,
                                       .on_open = relay_open};
    struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .custom_handler = &relay};
    assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    address_of(server, own, sizeof own);
    struct weir_connect_options connect = {.size = sizeof connect};
    weir_connect_init(&connect);
    connect.address = own;
    connect.handler = "discard";
    uint64_t id;
    assert_int_equal(weir_connect(other, &connect, &id, NULL), WEIR_OK);
    until(&seen.answered, 1);
    weir_server_free(other);
    until(&seen.closed, 1);
    weir_server_free(server);
}

static void a_handler_connects(void **state)
{
    (void)state;
    on_each_transport(in_handler);
}

static void expect_invalid(struct weir_server *server, const struct weir_connect_options *connect,
                           const char *part)
{
    struct weir_error error;
    char text[512];

    assert_int_equal(weir_connect(server, connect, NULL, &error), WEIR_INVALID);
    if (!strstr(weir_error_text(&error, text, sizeof text), part)) fail_msg("%s", text);
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    struct weir_server *server = open_server(FIRST, true, 0);
    struct weir_connect_options connect = to("127.0.0.1:1");
    struct weir_error error;

    static const struct {
        const char *address, *part;
    } addresses[] = {
        {"", "the address is empty"},
        {"127.0.0.1:0", "nothing listens on port 0"},
        {"*:80", "* is no host to connect to"},
        {"127.1:80", "cannot connect to 127.1:80"},
        {"[fe80::1]:80", "a link-local address needs its interface"},
        {"host", "the port is missing"},
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        connect.address = addresses[i].address;
        expect_invalid(server, &connect, addresses[i].part);
    }
    connect = to(NULL);
    expect_invalid(server, &connect, "no address is given");
    connect = to("127.0.0.1:1");
    connect.codec = "nonsense";
    expect_invalid(server, &connect, "nonsense");
    connect = to("127.0.0.1:1");
    connect.reconnect_min_ms = 0;
    expect_invalid(server, &connect, "reconnect_min_ms");
    connect = to("127.0.0.1:1");
    connect.connect_timeout_ms = UINT32_MAX;
    expect_invalid(server, &connect, "24 days");
    connect = to("127.0.0.1:1");
    connect.worker = 2;
    expect_invalid(server, &connect, "no such worker");
    connect = to("127.0.0.1:1");
    connect.size = 8;
    expect_invalid(server, &connect, "no version of weir.h has its size");
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    connect = to("127.0.0.1:1");
    expect_invalid(server, &connect, "set connect_state_bytes in weir_config to ");
    connect.custom_handler = NULL;
    connect.codec = "raw";
    connect.handler = "discard";
    connect.address = "[::ffff:127.0.0.1]:1"; /* an IPv4-mapped address */
    connect.reconnect = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(weir_connect(server, &connect, NULL, NULL), WEIR_OK);
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_NO_ROOM);
    struct weir_stats stats;
    weir_server_stats(server, &stats);
    assert_int_equal(stats.connects_refused, 1);
    weir_server_stop(server);
    weir_server_wait(server);
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_CANCELLED);
    weir_server_free(server);
}

/* A server that never started, or whose start failed, frees its connectors. */
static void a_start_fails(void **state)
{
    (void)state;
    struct weir_server *server = open_server(FIRST, false, 0);
    struct weir_connect_options connect = to("127.0.0.1:1");
    struct weir_error error;

    assert_int_equal(weir_connect(server, &connect, NULL, NULL), WEIR_OK);
    weir_server_free(server);
    server = open_server(FIRST, true, 0);
    char address[WEIR_ADDRESS_TEXT_BYTES];
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    address_of(server, address, sizeof address);
    struct weir_server *second = open_server(FIRST, false, 0);
    struct weir_listen listen = {.size = sizeof listen, .address = address};
    assert_int_equal(weir_server_listen(second, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_connect(second, &connect, NULL, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(second, &error), WEIR_ADDRESS_IN_USE);
    weir_server_free(second);
    weir_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_server_connects_to_itself, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(a_client_connects_again, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(a_failure_has_an_error, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(it_connects_in_the_unix_domain, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(a_handler_connects, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(wrong_settings_are_refused, open_seen, close_seen),
        cmocka_unit_test_setup_teardown(a_start_fails, open_seen, close_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
