/* SPDX-License-Identifier: MIT */
/* test_tls_client.c - weir_tls_client, the TLS client without a socket, against the engine as
 * server, in memory: the exchange in pieces of many sizes, ends, failures, no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/tls_client.h>

#include "certificates.h"
#include "memory.h"
#include "require.h"
#include "tls_state.h"

#define DATA_BYTES 100000

static struct tls_context *context;
static struct tls_worker *worker;
static struct tls_tickets *tickets;
static const char *ca, *other_ca, *server_file;
static uint8_t data[DATA_BYTES];

/* ---- a server ---- */

static struct {
    struct tls_session *session;
    uint8_t wire[2 * DATA_BYTES], plain[2 * DATA_BYTES], piece[20000];
    struct filter_output out, got;
    struct filter_error error;
    enum filter_result result;
} server;

static void server_open(void)
{
    memset(&server, 0, sizeof server);
    server.session = tls_session_open(context, worker);
    server.out = (struct filter_output){server.wire, 0, sizeof server.wire};
    server.got = (struct filter_output){server.plain, 0, sizeof server.plain};
}

static void server_feed(const uint8_t *bytes, size_t length)
{
    struct filter_io io = {
        .in = bytes, .in_length = length, .out = &server.out, .error = &server.error};

    do {
        io.plain = tls_session_is_open(server.session) ? &server.got : NULL;
        server.result = tls_session_feed(server.session, &io);
    } while (server.result == FILTER_OPEN || server.result == FILTER_AGAIN);
}

static void server_send(const void *bytes, size_t length)
{
    assert_true(tls_session_seal(server.session, bytes, length, &server.out, &server.error));
}

/* ---- the client ---- */

static struct weir_tls_client *client;
static enum weir_tls_received received;
static uint8_t got[2 * DATA_BYTES];
static size_t got_length;

static void client_open(const char *name, const char *trusted)
{
    struct weir_tls_connect settings = {.size = sizeof settings, .ca = trusted};

    got_length = 0;
    assert_int_equal(weir_tls_client_open(&settings, name, &client, NULL), WEIR_OK);
}

/* Gives the client what the server sent, in pieces, with this much room for plain text. */
static void client_receive(size_t piece, size_t room, bool ended)
{
    size_t at = 0;

    do {
        size_t length = server.out.length - at < piece ? server.out.length - at : piece;
        bool is_last = at + length == server.out.length;
        struct weir_input input = {server.wire + at, length, ended && is_last};
        do {
            size_t plain_length = 77;
            if (room > sizeof got - got_length) room = sizeof got - got_length;
            received =
                weir_tls_client_receive(client, &input, got + got_length, room, &plain_length);
            assert_true(plain_length <= room);
            got_length += plain_length;
        } while (received == WEIR_TLS_RECEIVED_PLAIN);
        at += length;
    } while (at < server.out.length && received == WEIR_TLS_RECEIVED_MORE);
    server.out.length = 0;
}

/* Gives the server what the client has to transmit, in pieces. Returns false if that was nothing.
 */
static bool client_transmit(size_t piece)
{
    const uint8_t *bytes;
    size_t length;
    bool is_any = false;

    while (bytes = weir_tls_client_output(client, &length), length > 0) {
        if (length > piece) length = piece;
        server_feed(bytes, length);
        weir_tls_client_sent(client, length);
        is_any = true;
    }
    return is_any;
}

static void exchange(size_t piece, size_t room)
{
    while (client_transmit(piece) || server.out.length > 0) client_receive(piece, room, false);
}

static void finish(void)
{
    weir_tls_client_free(client);
    tls_session_free(server.session);
    client = NULL;
}

/* ---- tests ---- */

static void test_an_exchange(void **state)
{
    static const struct {
        size_t piece, room;
    } sizes[] = {{SIZE_MAX, sizeof got}, {1, sizeof got}, {7, 3}, {SIZE_MAX, 1}, {1400, 16384}};
    struct weir_tls_info info = {0};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        server_open();
        client_open("a.example", ca);
        assert_false(weir_tls_client_info(client, &info));
        assert_int_equal(weir_tls_client_send(client, "early", 5), WEIR_NO_ROOM);
        exchange(sizes[i].piece, sizes[i].room);
        assert_true(weir_tls_client_info(client, &info));
        assert_string_equal(info.version, "TLSv1.3");
        assert_int_equal(weir_tls_client_send(client, data, sizeof data), WEIR_OK);
        assert_int_equal(weir_tls_client_send(client, data, 0), WEIR_OK);
        exchange(sizes[i].piece, sizes[i].room);
        assert_int_equal(server.got.length, sizeof data);
        assert_memory_equal(server.plain, data, sizeof data);
        server_send(data, sizeof data);
        exchange(sizes[i].piece, sizes[i].room);
        assert_int_equal(got_length, sizeof data);
        assert_memory_equal(got, data, sizeof data);
        assert_string_equal(weir_tls_client_why(client), "");
        finish();
    }
}

/* What is not transmitted yet stays in order behind what was. */
static void test_output_that_waits(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    for (size_t i = 0; i < 100; i++) {
        size_t length;
        assert_int_equal(weir_tls_client_send(client, data + i * 1000, 1000), WEIR_OK);
        const uint8_t *bytes = weir_tls_client_output(client, &length);
        server_feed(bytes, length / 2);
        weir_tls_client_sent(client, length / 2);
    }
    exchange(SIZE_MAX, sizeof got);
    assert_int_equal(server.got.length, sizeof data);
    assert_memory_equal(server.plain, data, sizeof data);
    finish();
}

static int copies;

static bool count_one(void)
{
    copies++;
    return true;
}

/* Output that grows is not copied once per record. */
static void test_large_output(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    copies = 0;
    memory_set_hook(count_one);
    for (int i = 0; i < 100; i++)
        assert_int_equal(weir_tls_client_send(client, data, sizeof data), WEIR_OK);
    memory_set_hook(NULL);
    assert_in_range(copies, 1, 20); /* of 10 MB: OpenSSL's allocations are not counted */
    finish();
}

static void test_the_end_in_both_directions(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    weir_tls_client_finish(client);
    weir_tls_client_finish(client); /* no effect */
    assert_int_equal(weir_tls_client_send(client, "late", 4), WEIR_CANCELLED);
    client_transmit(SIZE_MAX);
    assert_int_equal(server.result, FILTER_END);
    server_send("answer", 6); /* after the client's end */
    tls_session_goodbye(server.session, &server.out);
    client_receive(SIZE_MAX, sizeof got, true);
    assert_int_equal(received, WEIR_TLS_RECEIVED_END);
    assert_int_equal(got_length, 6);
    client_receive(SIZE_MAX, sizeof got, true);
    assert_int_equal(received, WEIR_TLS_RECEIVED_END); /* again */
    finish();
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    tls_session_goodbye(server.session, &server.out); /* without an answer before it */
    client_receive(SIZE_MAX, sizeof got, false);
    assert_int_equal(received, WEIR_TLS_RECEIVED_END);
    finish();
    weir_tls_client_free(NULL);
}

/* The handshake goes on, and close_notify follows it. */
static void test_an_end_before_the_handshake(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    weir_tls_client_finish(client);
    assert_int_equal(weir_tls_client_send(client, "late", 4), WEIR_CANCELLED);
    exchange(SIZE_MAX, sizeof got);
    assert_true(tls_session_is_open(server.session));
    assert_int_equal(server.result, FILTER_END);
    server_send("answer", 6);
    client_receive(SIZE_MAX, sizeof got, false);
    assert_int_equal(got_length, 6);
    assert_int_equal(weir_tls_client_send(client, "late", 4), WEIR_CANCELLED);
    finish();
}

/* A program that was compiled with an older tls.h has a shorter struct. */
static void test_the_info_of_an_older_program(void **state)
{
    union {
        struct weir_tls_info info;
        uint8_t bytes[sizeof(struct weir_tls_info) + 8];
    } filled;

    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    memset(&filled, 0x55, sizeof filled);
    assert_true(weir_tls_client_info_sized(client, &filled.info, sizeof filled.info.version));
    assert_string_equal(filled.info.version, "TLSv1.3");
    for (size_t i = sizeof filled.info.version; i < sizeof filled; i++)
        assert_int_equal(filled.bytes[i], 0x55);
    assert_true(weir_tls_client_info_sized(client, &filled.info, sizeof filled)); /* a newer one */
    for (size_t i = sizeof filled.info; i < sizeof filled; i++)
        assert_int_equal(filled.bytes[i], 0);
    finish();
}

static void test_an_end_without_close_notify(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    server_send("half", 4);
    client_receive(SIZE_MAX, sizeof got, true);
    assert_int_equal(received, WEIR_TLS_RECEIVED_TRUNCATED);
    assert_int_equal(got_length, 4);
    finish();
}

/* The client sends an alert, says why, and does nothing further. */
static void expect_refused(const char *why)
{
    exchange(SIZE_MAX, sizeof got);
    assert_int_equal(received, WEIR_TLS_RECEIVED_BAD);
    assert_non_null(strstr(weir_tls_client_why(client), why));
    assert_int_equal(server.result, FILTER_BAD); /* the alert came */
    assert_int_equal(weir_tls_client_send(client, "x", 1), WEIR_CANCELLED);
    weir_tls_client_finish(client);
    assert_false(client_transmit(SIZE_MAX));
    client_receive(SIZE_MAX, sizeof got, true);
    assert_int_equal(received, WEIR_TLS_RECEIVED_BAD);
    finish();
}

static void test_a_server_that_is_not_trusted(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", other_ca);
    expect_refused("certificate is not accepted");
    server_open();
    client_open("b.example", ca);
    expect_refused("certificate is not accepted");
    server_open();
    assert_int_equal(weir_tls_client_open(NULL, "a.example", &client, NULL), WEIR_OK);
    expect_refused("certificate is not accepted"); /* the system does not trust it */
}

static void test_bytes_that_are_not_tls(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    client_transmit(SIZE_MAX);
    server.out.length = 0;
    filter_output_add(&server.out, "220 mail\r\n", 10);
    client_receive(SIZE_MAX, sizeof got, false);
    assert_int_equal(received, WEIR_TLS_RECEIVED_BAD);
    assert_non_null(strstr(weir_tls_client_why(client), "does not use TLS"));
    finish();
}

static void test_bytes_that_were_changed(void **state)
{
    (void)state;
    server_open();
    client_open("a.example", ca);
    exchange(SIZE_MAX, sizeof got);
    server_send("answer", 6);
    server.wire[server.out.length - 1] ^= 1;
    client_receive(SIZE_MAX, sizeof got, false);
    assert_int_equal(received, WEIR_TLS_RECEIVED_BAD);
    assert_int_equal(weir_tls_client_send(client, "x", 1), WEIR_CANCELLED);
    finish();
}

/* The client's flight is longer than the output's room: the certificate has a thousand names. */
static void test_a_long_certificate(void **state)
{
    static char names[30000];
    struct certificate_wish wish = {.names = names};
    struct weir_tls_connect settings = {.size = sizeof settings, .ca = ca};
    struct weir_tls asking = {.size = sizeof asking, .client = WEIR_TLS_CLIENT_OPTIONAL};
    struct tls_context *before = context;
    size_t length = 0;

    (void)state;
    while (length < sizeof names - 30)
        length +=
            (size_t)snprintf(names + length, 30, "%sDNS:n%zu.example", length ? "," : "", length);
    struct certificate certificate = certificate_make(&wish);
    settings.certificate = certificate_file(&certificate, NULL, true);
    certificate_free(&certificate);
    asking.certificate = server_file;
    asking.client_ca = settings.certificate;
    assert_int_equal(tls_context_open(&asking, tickets, &context, NULL), WEIR_OK);
    server_open();
    assert_int_equal(weir_tls_client_open(&settings, "a.example", &client, NULL), WEIR_OK);
    exchange(SIZE_MAX, sizeof got);
    assert_true(tls_session_is_open(server.session));
    finish();
    tls_context_unref(context);
    context = before;
}

/* Opens a server whose session tickets come in several records: they contain a certificate. */
static struct tls_context *open_with_long_tickets(struct weir_tls_connect *settings)
{
    struct weir_tls asking = {.size = sizeof asking, .client = WEIR_TLS_CLIENT_OPTIONAL};
    struct tls_context *opened;

    settings->certificate = server_file;
    asking.certificate = server_file;
    asking.client_ca = ca;
    assert_int_equal(tls_context_open(&asking, tickets, &opened, NULL), WEIR_OK);
    SSL_CTX_set_max_send_fragment(opened->ssl, 512);
    return opened;
}

/* The first record has a header, 512 bytes, their type, and a tag. */
#define FIRST_BYTES (5 + 512 + 1 + 16)

/* A part of a ticket has come: OpenSSL sends nothing before the rest has. */
static void test_a_ticket_in_two_records(void **state)
{
    struct weir_tls_connect settings = {.size = sizeof settings, .ca = ca};
    struct tls_context *before = context;
    uint8_t rest[4096];

    (void)state;
    context = open_with_long_tickets(&settings);
    for (size_t cut = 5; cut < 600; cut += 29) {
        server_open();
        got_length = 0;
        assert_int_equal(weir_tls_client_open(&settings, "a.example", &client, NULL), WEIR_OK);
        client_transmit(SIZE_MAX);
        client_receive(SIZE_MAX, sizeof got, false);
        client_transmit(SIZE_MAX);
        size_t length = server.out.length - cut;
        assert_true(server.out.length > 600 && length <= sizeof rest);
        memcpy(rest, server.wire + cut, length);
        server.out.length = cut;
        client_receive(SIZE_MAX, sizeof got, false);
        enum weir_code code = weir_tls_client_send(client, "hello", 5);
        assert_int_equal(code, cut < FIRST_BYTES ? WEIR_OK : WEIR_NO_ROOM);
        filter_output_add(&server.out, rest, length);
        client_receive(SIZE_MAX, sizeof got, false);
        if (code != WEIR_OK) assert_int_equal(weir_tls_client_send(client, "hello", 5), WEIR_OK);
        client_transmit(SIZE_MAX);
        assert_int_equal(server.got.length, 5);
        finish();
    }
    tls_context_unref(context);
    context = before;
}

static void test_settings_that_are_wrong(void **state)
{
    struct weir_tls_connect settings = {.size = sizeof settings, .ca = certificate_no_file()};
    struct weir_error error;

    (void)state;
    assert_int_equal(weir_tls_client_open(&settings, "a.example", &client, &error), WEIR_INVALID);
    assert_string_equal(error.subject, settings.ca);
    settings.size = 3;
    assert_int_equal(weir_tls_client_open(&settings, "a.example", &client, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "weir_tls_connect");
}

/* ---- no memory ---- */

static int left; /* allocations that succeed */

static bool take_one(void)
{
    return left-- > 0;
}

static void test_no_memory(void **state)
{
    const struct weir_tls_connect settings = {.size = sizeof settings, .ca = ca};
    enum weir_code code;
    int count = 0;

    (void)state;
    do { /* each allocation of opening fails once */
        left = count++;
        memory_set_hook(take_one);
        code = weir_tls_client_open(&settings, "a.example", &client, NULL);
        memory_set_hook(NULL);
        assert_true(code == WEIR_OK || code == WEIR_NO_MEMORY);
    } while (code != WEIR_OK);
    assert_true(count > 3);
    server_open();
    exchange(SIZE_MAX, sizeof got);
    left = 0;
    memory_set_hook(take_one);
    assert_int_equal(weir_tls_client_send(client, data, sizeof data), WEIR_NO_MEMORY);
    server_send("answer", 6); /* there is no room for what this could originate */
    client_receive(SIZE_MAX, sizeof got, false);
    memory_set_hook(NULL);
    assert_int_equal(received, WEIR_TLS_RECEIVED_BAD);
    assert_string_equal(weir_tls_client_why(client), "out of memory");
    finish();
}

/* ---- the program ---- */

static int open_all(void **state)
{
    struct certificate authority =
        certificate_make(&(struct certificate_wish){.subject = "CA", .is_ca = true});
    struct certificate other =
        certificate_make(&(struct certificate_wish){.subject = "other CA", .is_ca = true});
    struct certificate certificate = certificate_make(
        &(struct certificate_wish){.names = "DNS:a.example", .issuer = &authority});
    struct weir_tls settings = {.size = sizeof settings};

    (void)state;
    certificates_open_files();
    ca = certificate_file(&authority, NULL, false);
    other_ca = certificate_file(&other, NULL, false);
    server_file = settings.certificate = certificate_file(&certificate, NULL, true);
    tickets = tls_tickets_open();
    worker = tls_worker_open();
    assert_int_equal(tls_context_open(&settings, tickets, &context, NULL), WEIR_OK);
    certificate_free(&certificate);
    certificate_free(&other);
    certificate_free(&authority);
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31 + i / 251);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tls_context_unref(context);
    tls_tickets_unref(tickets);
    tls_worker_free(worker);
    certificates_remove_files();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_exchange),
        cmocka_unit_test(test_output_that_waits),
        cmocka_unit_test(test_large_output),
        cmocka_unit_test(test_the_end_in_both_directions),
        cmocka_unit_test(test_an_end_before_the_handshake),
        cmocka_unit_test(test_the_info_of_an_older_program),
        cmocka_unit_test(test_an_end_without_close_notify),
        cmocka_unit_test(test_a_server_that_is_not_trusted),
        cmocka_unit_test(test_bytes_that_are_not_tls),
        cmocka_unit_test(test_bytes_that_were_changed),
        cmocka_unit_test(test_a_long_certificate),
        cmocka_unit_test(test_a_ticket_in_two_records),
        cmocka_unit_test(test_settings_that_are_wrong),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
