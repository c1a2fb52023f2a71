/* SPDX-License-Identifier: MIT */
/* test_tls_connect.c - weir_connect() with TLS and weir_session_start_tls(), in both roles, over
 * real sockets: a server that connects to itself, certificates that are not accepted, and settings
 * that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "certificates.h"
#include "thread.h"

/* ---- what happened, for the thread of the test ---- */

static struct {
    struct lock *lock;
    struct condition *changed;
    uint32_t opened, closed, failed, answered;
    bool is_secure, was_secure;
    enum weir_reason reason;
    enum weir_code again; /* of a second start of TLS */
    char text[256], alpn[16];
    struct weir_error error;
} seen;

static const char *ca, *other_ca, *pair, *client_pair, *stranger_pair;

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

/* ---- the client: sends "hello", and "start" if TLS starts later ---- */

static void client_open(struct weir_session *session)
{
    struct weir_tls_info info;

    bool is_secure = weir_session_tls(session, &info);
    const char *first = is_secure ? "hello" : "start";

    lock_take(seen.lock); /* each session can be on another worker */
    seen.is_secure = seen.was_secure = is_secure;
    snprintf(seen.alpn, sizeof seen.alpn, "%.15s", info.alpn);
    lock_give_back(seen.lock);
    assert_int_equal(weir_session_send(session, first, 5), WEIR_OK);
    count(&seen.opened);
}

static void client_message(struct weir_session *session, const struct weir_message *message)
{
    struct weir_tls_info info;

    if (message->length == 2) { /* "go" */
        assert_int_equal(weir_session_start_tls(session, "unknown"), WEIR_GONE);
        assert_int_equal(weir_session_start_tls(session, NULL), WEIR_OK);
        enum weir_code again = weir_session_start_tls(session, NULL);
        lock_take(seen.lock);
        seen.again = again;
        lock_give_back(seen.lock);
        assert_int_equal(weir_session_send(session, "hello", 5), WEIR_OK);
        return;
    }
    assert_int_equal(message->length, 5);
    assert_memory_equal(message->bytes, "hello", 5);
    bool is_secure = weir_session_tls(session, &info);
    lock_take(seen.lock);
    seen.is_secure = is_secure;
    lock_give_back(seen.lock);
    count(&seen.answered);
}

static void client_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    lock_take(seen.lock);
    seen.reason = reason;
    snprintf(seen.text, sizeof seen.text, "%s", text);
    lock_give_back(seen.lock);
    count(&seen.closed);
}

static void client_failed(struct weir_server *server, uint64_t connector,
                          const struct weir_error *error, void *user)
{
    (void)server;
    (void)connector;
    (void)user;
    lock_take(seen.lock);
    seen.error = *error;
    lock_give_back(seen.lock);
    count(&seen.failed);
}

static const struct weir_handler client = {.size = sizeof client,
                                           .name = "client",
                                           .on_open = client_open,
                                           .on_message = client_message,
                                           .on_close = client_close};

/* ---- the server: echoes, and starts TLS after "start" ---- */

static void server_message(struct weir_session *session, const struct weir_message *message)
{
    if (message->length == 5 && memcmp(message->bytes, "start", 5) == 0) {
        assert_int_equal(weir_session_send(session, "go", 2), WEIR_OK);
        assert_int_equal(weir_session_start_tls(session, NULL), WEIR_GONE);
        assert_int_equal(weir_session_start_tls(session, "unknown"), WEIR_GONE);
        assert_int_equal(weir_session_start_tls(session, "secure"), WEIR_OK);
    } else {
        weir_session_send_back(session, message);
    }
}

static const struct weir_handler echo = {
    .size = sizeof echo, .name = "echo", .on_message = server_message};

/* ---- both ---- */

/* Opens a server whose listener has TLS from the first byte on, or after "start". */
static struct weir_server *open_server(bool later, bool asks_clients, char *address, size_t size)
{
    const struct weir_tls tls = {.size = sizeof tls,
                                 .certificate = pair,
                                 .alpn = "one,two",
                                 .client_ca = asks_clients ? ca : NULL,
                                 .client = asks_clients ? WEIR_TLS_CLIENT_REQUIRED
                                                        : WEIR_TLS_CLIENT_NONE};
    const struct weir_listen listen = {.size = sizeof listen,
                                       .address = "127.0.0.1:0",
                                       .codec = "line",
                                       .custom_handler = &echo,
                                       .tls = later ? NULL : "secure"};
    struct weir_listener_info info;
    struct weir_config config;
    struct weir_server *server;

    weir_config_init(&config);
    config.workers = 2;
    assert_int_equal(weir_server_open(&config, &server, NULL), WEIR_OK);
    assert_int_equal(weir_server_tls(server, "secure", &tls, NULL), WEIR_OK);
    assert_int_equal(weir_server_listen(server, &listen, NULL), WEIR_OK);
    assert_int_equal(weir_server_start(server, NULL), WEIR_OK);
    weir_server_listener(server, 0, &info);
    weir_address_text(&info.address, address, size);
    return server;
}

static struct weir_connect_options to(const char *address, const struct weir_tls_connect *tls)
{
    struct weir_connect_options connect;

    weir_connect_init(&connect);
    connect.address = address;
    connect.codec = "line";
    connect.custom_handler = &client;
    connect.on_failed = client_failed;
    connect.tls = tls;
    return connect;
}

static void begin(struct weir_server *server, const struct weir_connect_options *connect)
{
    struct weir_error error;
    enum weir_code code = weir_connect(server, connect, NULL, &error);

    if (code != WEIR_OK) print_error("%s: %s\n", error.subject, error.reason);
    assert_int_equal(code, WEIR_OK);
}

/* Ends all sessions: what they have written is visible to this thread then. */
static void end(struct weir_server *server)
{
    weir_server_free(server);
    assert_int_equal(seen.opened, seen.closed);
}

/* ---- tests ---- */

static void the_session_opens_with_tls(void **state)
{
    struct weir_tls_connect tls = {.size = sizeof tls, .ca = ca, .alpn = "two"};
    char address[WEIR_ADDRESS_TEXT_BYTES], name[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    struct weir_server *server = open_server(false, false, address, sizeof address);
    struct weir_connect_options connect = to(address, &tls);
    begin(server, &connect);
    until(&seen.answered, 1);
    snprintf(name, sizeof name, "localhost%s", strrchr(address, ':'));
    connect.address = name;
    begin(server, &connect);
    until(&seen.answered, 2);
    tls.name = "a.example";
    begin(server, &connect);
    until(&seen.answered, 3);
    end(server);
    assert_true(seen.was_secure);
    assert_string_equal(seen.alpn, "two");
    assert_int_equal(seen.failed, 0);
}

static void expect_failure(const struct weir_tls_connect *tls, bool asks_clients,
                           const char *reason)
{
    char address[WEIR_ADDRESS_TEXT_BYTES];
    struct weir_server *server = open_server(false, asks_clients, address, sizeof address);
    const struct weir_connect_options connect = to(address, tls);
    uint32_t failed = seen.failed;

    begin(server, &connect);
    until(&seen.failed, failed + 1);
    end(server);
    assert_int_equal(seen.opened, 0);
    assert_int_equal(seen.error.code, WEIR_HANDSHAKE);
    if (!strstr(seen.error.reason, reason)) fail_msg("%s", seen.error.reason);
}

static void a_certificate_that_is_not_accepted_is_a_failed_attempt(void **state)
{
    struct weir_tls_connect tls = {.size = sizeof tls, .ca = other_ca};

    (void)state;
    expect_failure(&tls, false, "certificate is not accepted");
    tls.ca = ca;
    tls.name = "b.example";
    expect_failure(&tls, false, "certificate is not accepted");
}

static void a_client_certificate(void **state)
{
    struct weir_tls_connect tls = {.size = sizeof tls, .ca = ca, .certificate = client_pair};
    char address[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    struct weir_server *server = open_server(false, true, address, sizeof address);
    struct weir_connect_options connect = to(address, &tls);
    begin(server, &connect);
    until(&seen.answered, 1);
    /* In TLS 1.3 the client opens before the server has checked its certificate. */
    tls.certificate = stranger_pair;
    begin(server, &connect);
    until(&seen.closed, 1);
    weir_server_free(server);
    assert_int_equal(seen.failed, 0);
    assert_int_equal(seen.closed, 2);
}

static void tls_starts_later_in_both_roles(void **state)
{
    const struct weir_tls_connect tls = {.size = sizeof tls, .ca = ca};
    char address[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    struct weir_server *server = open_server(true, false, address, sizeof address);
    struct weir_connect_options connect = to(address, NULL);
    connect.tls_later = &tls;
    begin(server, &connect);
    until(&seen.answered, 1);
    end(server);
    assert_false(seen.was_secure);
    assert_true(seen.is_secure);
    assert_int_equal(seen.again, WEIR_INVALID);
}

/* The session was open, so its end is not a failed attempt. */
static void a_start_that_fails_closes_the_session(void **state)
{
    const struct weir_tls_connect tls = {.size = sizeof tls, .ca = other_ca};
    char address[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    struct weir_server *server = open_server(true, false, address, sizeof address);
    struct weir_connect_options connect = to(address, NULL);
    connect.tls_later = &tls;
    begin(server, &connect);
    until(&seen.closed, 1);
    end(server);
    assert_int_equal(seen.answered, 0);
    assert_int_equal(seen.failed, 0);
    assert_int_equal(seen.reason, WEIR_REASON_TLS);
    assert_non_null(strstr(seen.text, "certificate is not accepted"));
}

static void settings_that_are_wrong(void **state)
{
    struct weir_tls_connect tls = {.size = sizeof tls, .ca = certificate_no_file()};
    struct weir_connect_options connect = to("127.0.0.1:1", &tls);
    struct weir_server *server;
    struct weir_error error;

    (void)state;
    assert_int_equal(weir_server_open(NULL, &server, NULL), WEIR_OK);
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_INVALID);
    assert_string_equal(error.operation, "load CA");
    tls.size = 1;
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_INVALID);
    connect.tls_later = &tls;
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "tls and tls_later are both set");
#ifndef _WIN32
    tls = (struct weir_tls_connect){.size = sizeof tls, .ca = ca};
    connect = to("unix:/no/such/path", &tls);
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_INVALID);
    assert_string_equal(error.hint, "set tls->name");
    tls.name = "a.example";
    assert_int_equal(weir_connect(server, &connect, NULL, &error), WEIR_OK);
#endif
    weir_server_free(server);
}

/* ---- the program ---- */

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

static const char *make(const struct certificate *issuer, const char *names)
{
    struct certificate made =
        certificate_make(&(struct certificate_wish){.names = names, .issuer = issuer});
    const char *file = certificate_file(&made, NULL, true);

    certificate_free(&made);
    return file;
}

static int open_all(void **state)
{
    struct certificate authority =
        certificate_make(&(struct certificate_wish){.subject = "CA", .is_ca = true});
    struct certificate other =
        certificate_make(&(struct certificate_wish){.subject = "other CA", .is_ca = true});

    (void)state;
    certificates_open_files();
    ca = certificate_file(&authority, NULL, false);
    other_ca = certificate_file(&other, NULL, false);
    pair = make(&authority, "DNS:a.example,DNS:localhost,IP:127.0.0.1");
    client_pair = make(&authority, "DNS:client.example");
    stranger_pair = make(&other, "DNS:client.example");
    certificate_free(&other);
    certificate_free(&authority);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    certificates_remove_files();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_seen, close_seen)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_session_opens_with_tls),
        TEST(a_certificate_that_is_not_accepted_is_a_failed_attempt),
        TEST(a_client_certificate),
        TEST(tls_starts_later_in_both_roles),
        TEST(a_start_that_fails_closes_the_session),
        TEST(settings_that_are_wrong),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
