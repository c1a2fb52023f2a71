/* SPDX-License-Identifier: MIT */
/* test_tls_engine.c - the TLS engine against a client of OpenSSL, in memory: handshakes and data
 * cut everywhere, peers that do not use TLS, ends in every order, floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <cmocka.h>

#include "certificates.h"
#include "require.h"
#include "tls_trial.h"

static struct tls_context *context;
static struct tls_worker *worker;
static struct tls_tickets *tickets;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static struct weir_tls settings_of(const char *file)
{
    struct weir_tls settings = {0};

    settings.size = sizeof settings;
    settings.certificate = file;
    return settings;
}

static int open_all(void **state)
{
    struct certificate_wish wish = {.names = "DNS:a.example"};
    struct certificate certificate = certificate_make(&wish);
    struct weir_tls settings;
    struct weir_error error;

    (void)state;
    certificates_open_files();
    settings = settings_of(certificate_file(&certificate, NULL, true));
    tickets = tls_tickets_open();
    worker = tls_worker_open();
    require_equal(tls_context_open(&settings, tickets, &context, &error), WEIR_OK);
    certificate_free(&certificate);
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

static void open_version(struct tls_trial *trial, int version)
{
    tls_trial_open(trial, context, worker);
    SSL_set_min_proto_version(trial->client, version);
    SSL_set_max_proto_version(trial->client, version);
}

/* Lets the client write, and requires that the server reads the same. */
static void send_to_server(struct tls_trial *trial, const void *bytes, size_t length)
{
    trial->plain_length = 0;
    assert_int_equal(SSL_write(trial->client, bytes, (int)length), length);
    tls_trial_run(trial);
    assert_int_equal(trial->plain_length, length);
    assert_memory_equal(trial->plain, bytes, length);
}

/* ---- Data ---- */

static void a_session_exchanges_data_and_describes_itself(void **state)
{
    static const char *const names[] = {"TLSv1.2", "TLSv1.3"};
    static struct tls_trial trial;
    struct weir_tls_info info;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        SSL_set_tlsext_host_name(trial.client, "a.example");
        tls_trial_feed(&trial, "", 0);
        assert_false(tls_session_info(trial.session, &info));
        assert_false(tls_session_is_open(trial.session));
        tls_trial_handshake(&trial);
        send_to_server(&trial, "hello", 5);
        tls_trial_send(&trial, "good day", 8);
        tls_trial_expect(&trial, "good day", 8);
        assert_true(tls_session_is_open(trial.session));
        assert_true(tls_session_info(trial.session, &info));
        assert_string_equal(info.version, names[v]);
        assert_string_equal(info.server_name, "a.example");
        assert_string_equal(info.cipher, SSL_get_cipher_name(trial.client));
        assert_string_equal(info.alpn, "");
        assert_false(info.resumed);
        assert_false(info.has_peer);
        tls_trial_close(&trial);
    }
}

static void large_data_is_sealed_into_few_records(void **state)
{
    static struct tls_trial trial;
    static uint8_t data[65536];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 31 >> 3);
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        tls_trial_handshake(&trial);
        uint64_t before = trial.wire_from_server;
        tls_trial_send(&trial, data, sizeof data);
        assert_in_range(trial.wire_from_server - before, sizeof data + 4 * 5, sizeof data + 4 * 64);
        tls_trial_expect(&trial, data, sizeof data);
        send_to_server(&trial, data, sizeof data);
        tls_trial_close(&trial);
    }
}

static void the_room_for_sealing_is_never_exceeded(void **state)
{
    static struct tls_trial trial;
    static uint8_t data[70000], room[70000];

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        tls_trial_handshake(&trial);
        for (size_t size = 0; size < sizeof room; size += 1 + size / 9) {
            struct filter_output out = {room, 0, size};
            size_t most = tls_session_seal_max(trial.session, size);
            if (most == 0) continue;
            assert_true(most < size && most + 1000 > size - size / 50);
            assert_true(tls_session_seal(trial.session, data, most, &out, &trial.error));
            BIO_write(trial.to_client, room, (int)out.length);
            tls_trial_expect(&trial, data, most);
        }
        tls_trial_close(&trial);
    }
}

static void a_client_can_ask_for_small_records(void **state)
{
    static const struct {
        uint8_t code;
        size_t bytes;
    } cases[] = {{TLSEXT_max_fragment_length_512, 512},
                 {TLSEXT_max_fragment_length_1024, 1024},
                 {TLSEXT_max_fragment_length_2048, 2048},
                 {TLSEXT_max_fragment_length_4096, 4096}};
    static struct tls_trial trial;
    static uint8_t data[70000], room[70000];

    (void)state;
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            open_version(&trial, versions[v]);
            SSL_set_tlsext_max_fragment_length(trial.client, cases[i].code);
            tls_trial_handshake(&trial);
            for (size_t size = 1000; size <= sizeof room; size += size / 3) {
                struct filter_output out = {room, 0, size};
                size_t most = tls_session_seal_max(trial.session, size);
                assert_true(most > 0);
                assert_true(tls_session_seal(trial.session, data, most, &out, &trial.error));
                assert_true(out.length > most + most / cases[i].bytes * 20); /* headers and tags */
                BIO_write(trial.to_client, room, (int)out.length);
                tls_trial_expect(&trial, data, most);
            }
            tls_trial_close(&trial);
        }
}

/* ---- Cuts ---- */

static void input_can_be_cut_everywhere(void **state)
{
    static struct tls_trial trial;

    (void)state;
    for (int v = 0; v < 2; v++)
        for (size_t size = 1; size < 700; size += size < 20 ? 1 : 37) {
            open_version(&trial, versions[v]);
            trial.input_max = size;
            tls_trial_handshake(&trial);
            send_to_server(&trial, "hello", 5);
            tls_trial_close(&trial);
        }
}

/* One cut at each byte of everything that the client sends in the handshake. */
static void a_hello_can_be_cut_at_each_byte(void **state)
{
    static struct tls_trial trial;
    uint8_t wire[4096];

    (void)state;
    for (int v = 0; v < 2; v++)
        for (int at = 1, length = 2; at < length; at++) {
            open_version(&trial, versions[v]);
            SSL_do_handshake(trial.client);
            length = BIO_read(trial.from_client, wire, sizeof wire);
            tls_trial_feed(&trial, wire, (size_t)at);
            assert_int_equal(trial.result, FILTER_MORE);
            assert_int_equal(trial.wire_from_server, 0);
            tls_trial_feed(&trial, wire + at, (size_t)(length - at));
            tls_trial_handshake(&trial);
            tls_trial_close(&trial);
        }
}

static void output_and_plain_text_can_have_little_room(void **state)
{
    static struct tls_trial trial;
    static uint8_t data[3000];

    (void)state;
    memset(data, 'x', sizeof data);
    for (int v = 0; v < 2; v++)
        for (size_t room = 1; room < 3000; room = room * 3 + 1) {
            open_version(&trial, versions[v]);
            trial.output_max = trial.plain_max = room;
            tls_trial_handshake(&trial);
            send_to_server(&trial, data, sizeof data);
            tls_trial_close(&trial);
        }
}

/* ---- Peers without TLS ---- */

static void expect_failure(struct tls_trial *trial, const char *text)
{
    assert_int_equal(trial->result, FILTER_BAD);
    if (!strstr(trial->error.text, text)) fail_msg("%s: not \"%s\"", trial->error.text, text);
}

static void a_plain_peer_is_described(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "a plain HTTP request on a TLS listener"},
        {"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", "a plain HTTP request on a TLS listener"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "a plain HTTP request on a TLS listener"},
        {"GETX hello\r\n\r\n", "the peer does not use TLS: its first bytes are \"GETX hello"},
        {"SSH-2.0-OpenSSH_9.2\r\n", "its first bytes are \"SSH-2.0-Ope"},
        {"\x01\"\\\x80zzzz", "its first bytes are \"\\x01\\\"\\\\\\x80z"},
        {"\x16\x03\x01\x00\x05hello and more", "TLS handshake failed: "},
        {"\x16\xff\xff\xff\xff\xff\xff", "TLS handshake failed: "},
        {"\x15\x03\x01\x00\x02\x02\x28", "TLS handshake failed: unexpected message"},
        {"\x17\x03\x03\x00\x02xx", "the peer does not use TLS"},
    };
    static const size_t lengths[] = {0, 0, 0, 0, 0, 0, 19, 7, 7, 7};
    static struct tls_trial trial;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = lengths[i] ? lengths[i] : strlen(cases[i].bytes);
        tls_trial_open(&trial, context, worker);
        tls_trial_feed(&trial, cases[i].bytes, length);
        expect_failure(&trial, cases[i].text);
        assert_int_equal(ERR_peek_error(), 0);
        tls_trial_close(&trial);
    }
}

/* Every first byte, and every length, ends in a request for more or in a failure. */
static void garbage_never_opens(void **state)
{
    static struct tls_trial trial;
    uint8_t garbage[600];
    uint32_t random = 1;

    (void)state;
    for (int first = 0; first < 256; first++) {
        for (size_t i = 0; i < sizeof garbage; i++) {
            random = random * 1664525 + 1013904223;
            garbage[i] = (uint8_t)(random >> 24);
        }
        garbage[0] = (uint8_t)first;
        if (first % 2) garbage[1] = 3;
        tls_trial_open(&trial, context, worker);
        tls_trial_feed(&trial, garbage, sizeof garbage);
        assert_true(trial.result == FILTER_MORE || trial.result == FILTER_BAD);
        assert_false(trial.is_server_open);
        tls_trial_close(&trial);
    }
}

static void a_session_can_end_before_its_first_byte(void **state)
{
    static struct tls_trial trial;
    uint8_t room[TLS_GOODBYE_BYTES_MAX];
    struct filter_output out = {room, 0, sizeof room};

    (void)state;
    tls_trial_open(&trial, context, worker);
    tls_trial_feed(&trial, "", 0);
    tls_session_goodbye(trial.session, &out);
    assert_int_equal(out.length, 0);
    tls_trial_close(&trial);
}

static void an_old_version_gets_an_alert(void **state)
{
    static struct tls_trial trial;

    (void)state;
#ifdef OPENSSL_NO_TLS1_1
    skip(); /* the client of this OpenSSL has no old version */
#endif
    tls_trial_open(&trial, context, worker);
    SSL_set_security_level(trial.client, 0);
    SSL_set_min_proto_version(trial.client, TLS1_VERSION);
    SSL_set_max_proto_version(trial.client, TLS1_1_VERSION);
    tls_trial_run(&trial);
    expect_failure(&trial, "TLS handshake failed: the peer's version of TLS is too old");
    assert_int_equal(trial.client_error, SSL_ERROR_SSL);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    tls_trial_close(&trial);
}

static void a_client_that_ends_the_handshake_is_named(void **state)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, SSL_AD_HANDSHAKE_FAILURE};
    static struct tls_trial trial;
    uint8_t wire[4096];

    (void)state;
    open_version(&trial, TLS1_2_VERSION);
    SSL_do_handshake(trial.client);
    int length = BIO_read(trial.from_client, wire, sizeof wire);
    tls_trial_feed(&trial, wire, (size_t)length);
    tls_trial_feed(&trial, alert, sizeof alert);
    expect_failure(&trial, "the client ended the handshake");
    tls_trial_close(&trial);
}

static void a_client_without_trust_is_named(void **state)
{
    static struct tls_trial trial;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        SSL_set_verify(trial.client, SSL_VERIFY_PEER, NULL);
        tls_trial_run(&trial);
        expect_failure(&trial, "the client does not trust our certificate (the client sent the "
                               "alert \"unknown CA\", 48)");
        tls_trial_close(&trial);
    }
}

/* ---- Ends ---- */

static size_t say_goodbye(struct tls_trial *trial)
{
    uint8_t room[TLS_GOODBYE_BYTES_MAX];
    struct filter_output out = {room, 0, sizeof room};

    tls_session_goodbye(trial->session, &out);
    BIO_write(trial->to_client, room, (int)out.length);
    return out.length;
}

static void the_client_ends_first(void **state)
{
    static struct tls_trial trial;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        tls_trial_handshake(&trial);
        SSL_write(trial.client, "last", 4);
        SSL_shutdown(trial.client);
        tls_trial_run(&trial);
        assert_int_equal(trial.result, FILTER_END);
        assert_int_equal(trial.plain_length, 4);
        tls_trial_send(&trial, "answer", 6); /* its end is half a close */
        tls_trial_expect(&trial, "answer", 6);
        assert_true(say_goodbye(&trial) > 0);
        assert_int_equal(say_goodbye(&trial), 0);
        assert_int_equal(SSL_shutdown(trial.client), 1);
        tls_trial_close(&trial);
    }
}

static void the_server_ends_first(void **state)
{
    static struct tls_trial trial;
    char byte;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        tls_trial_handshake(&trial);
        tls_trial_send(&trial, "answer", 6);
        assert_true(say_goodbye(&trial) > 0);
        tls_trial_expect(&trial, "answer", 6);
        assert_int_equal(SSL_get_error(trial.client, SSL_read(trial.client, &byte, 1)),
                         SSL_ERROR_ZERO_RETURN);
        SSL_write(trial.client, "late", 4); /* it can still be read */
        SSL_shutdown(trial.client);
        tls_trial_run(&trial);
        assert_int_equal(trial.result, FILTER_END);
        assert_int_equal(trial.plain_length, 4);
        tls_trial_close(&trial);
    }
}

static void an_end_within_the_handshake_is_a_failure(void **state)
{
    static struct tls_trial trial;
    uint8_t wire[4096], close_notify[] = {21, 3, 3, 0, 2, 1, 0};
    int length;

    (void)state;
    open_version(&trial, TLS1_2_VERSION);
    SSL_do_handshake(trial.client);
    length = BIO_read(trial.from_client, wire, sizeof wire);
    tls_trial_feed(&trial, wire, (size_t)length);
    tls_trial_feed(&trial, close_notify, sizeof close_notify);
    expect_failure(&trial, "TLS handshake failed: the peer closed the connection");
    assert_int_equal(say_goodbye(&trial), 0);
    tls_trial_close(&trial);
}

static void a_changed_record_is_a_failure_with_an_alert(void **state)
{
    static struct tls_trial trial;
    uint8_t wire[4096];
    char byte;
    int length;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_version(&trial, versions[v]);
        tls_trial_handshake(&trial);
        SSL_write(trial.client, "hello", 5);
        length = BIO_read(trial.from_client, wire, sizeof wire);
        wire[length - 1] ^= 1;
        tls_trial_feed(&trial, wire, (size_t)length);
        expect_failure(&trial, "TLS failed: ");
        assert_int_equal(trial.plain_length, 0);
        assert_int_equal(say_goodbye(&trial), 0); /* the alert was the last record */
        ERR_clear_error();
        assert_int_equal(SSL_get_error(trial.client, SSL_read(trial.client, &byte, 1)),
                         SSL_ERROR_SSL);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
        tls_trial_close(&trial);
    }
}

static void a_failed_session_cannot_seal(void **state)
{
    static struct tls_trial trial;
    uint8_t wire[4096], room[4096];
    struct filter_output out = {room, 0, sizeof room};
    int length;

    (void)state;
    open_version(&trial, TLS1_3_VERSION);
    tls_trial_handshake(&trial);
    SSL_write(trial.client, "hello", 5);
    length = BIO_read(trial.from_client, wire, sizeof wire);
    wire[length - 1] ^= 1;
    tls_trial_feed(&trial, wire, (size_t)length);
    assert_int_equal(trial.result, FILTER_BAD);
    assert_false(tls_session_seal(trial.session, wire, 5, &out, &trial.error));
    assert_int_equal(out.length, 0);
    tls_trial_close(&trial);
}

/* ---- Abuse ---- */

static void renegotiation_is_refused(void **state)
{
    static struct tls_trial trial;

    (void)state;
    open_version(&trial, TLS1_2_VERSION);
    tls_trial_handshake(&trial);
    assert_int_equal(SSL_renegotiate(trial.client), 1);
    assert_int_equal(SSL_do_handshake(trial.client), -1);
    tls_trial_run(&trial);
    expect_failure(&trial, "TLS failed: the peer tried to renegotiate");
    tls_trial_close(&trial);
}

static void a_few_key_updates_are_answered(void **state)
{
    static struct tls_trial trial;
    uint64_t before, plain_bytes;

    (void)state;
    open_version(&trial, TLS1_3_VERSION);
    tls_trial_handshake(&trial);
    before = trial.wire_from_server;
    tls_trial_send(&trial, "answer", 6);
    plain_bytes = trial.wire_from_server - before;
    tls_trial_expect(&trial, "answer", 6);
    for (int i = 0; i < 100; i++) {
        before = trial.wire_from_server;
        SSL_key_update(trial.client, SSL_KEY_UPDATE_REQUESTED);
        send_to_server(&trial, "hello", 5);
        tls_trial_send(&trial, "answer", 6);
        assert_true(trial.wire_from_server - before > plain_bytes);
        tls_trial_expect(&trial, "answer", 6);
    }
    tls_trial_close(&trial);
}

static void a_flood_of_key_updates_ends(void **state)
{
    static struct tls_trial trial;
    uint64_t before;

    (void)state;
    open_version(&trial, TLS1_3_VERSION);
    tls_trial_handshake(&trial);
    before = trial.wire_from_server;
    for (int i = 0; i < 300; i++) {
        SSL_key_update(trial.client, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(trial.client);
    }
    tls_trial_run(&trial); /* all of them in one call */
    expect_failure(&trial, "TLS failed: too many key updates without data");
    assert_true(trial.wire_from_server - before < 40 * 32);
    tls_trial_close(&trial);
}

static void the_server_changes_its_key_before_it_wears_out(void **state)
{
    static struct tls_trial trial;
    struct tls_context *own;
    struct weir_tls settings;
    struct weir_error error;
    struct certificate certificate = certificate_make(&(struct certificate_wish){0});
    uint64_t sizes[2] = {0, 0};
    static const uint8_t data[3000];

    (void)state;
    settings = settings_of(certificate_file(&certificate, NULL, true));
    assert_int_equal(tls_context_open(&settings, tickets, &own, &error), WEIR_OK);
    tls_context_set_records_per_key(own, 4);
    for (int v = 0; v < 2; v++) {
        tls_trial_open(&trial, own, worker);
        SSL_set_max_proto_version(trial.client, versions[v]);
        tls_trial_handshake(&trial);
        for (int i = 0; i < 20; i++) {
            uint64_t before = trial.wire_from_server;
            tls_trial_send(&trial, "answer", 6);
            if (i == 0) sizes[0] = trial.wire_from_server - before;
            if (i == 3) sizes[1] = trial.wire_from_server - before;
            tls_trial_expect(&trial, "answer", 6);
        }
        assert_true(v == 1 ? sizes[1] > sizes[0] : sizes[1] == sizes[0]);
        tls_trial_close(&trial);
    }
    tls_trial_open(&trial, own, worker); /* small records count, too */
    SSL_set_tlsext_max_fragment_length(trial.client, TLSEXT_max_fragment_length_512);
    tls_trial_handshake(&trial);
    sizes[0] = trial.wire_from_server;
    tls_trial_send(&trial, data, sizeof data);
    sizes[1] = trial.wire_from_server - sizes[0];
    assert_true(sizes[1] > sizeof data + 6 * 22 + 20); /* 6 records, and a key update */
    tls_trial_expect(&trial, data, sizeof data);
    tls_trial_close(&trial);
    tls_context_unref(own);
    certificate_free(&certificate);
}

static void early_data_is_not_accepted(void **state)
{
    static struct tls_trial trial;
    SSL_SESSION *ticket;
    size_t written;

    (void)state;
    open_version(&trial, TLS1_3_VERSION);
    tls_trial_handshake(&trial);
    tls_trial_send(&trial, "answer", 6);
    tls_trial_expect(&trial, "answer", 6); /* reads the ticket, too */
    ticket = SSL_get1_session(trial.client);
    assert_int_equal(SSL_SESSION_get_max_early_data(ticket), 0);
    tls_trial_close(&trial);
    SSL_SESSION_set_max_early_data(ticket, 1000);
    open_version(&trial, TLS1_3_VERSION);
    assert_int_equal(SSL_set_session(trial.client, ticket), 1);
    assert_int_equal(SSL_write_early_data(trial.client, "early", 5, &written), 1);
    tls_trial_run(&trial);
    assert_true(trial.is_server_open);
    assert_int_equal(trial.plain_length, 0);
    assert_int_equal(SSL_get_early_data_status(trial.client), SSL_EARLY_DATA_REJECTED);
    tls_trial_close(&trial);
    SSL_SESSION_free(ticket);
}

static void a_large_handshake_message_is_refused_at_its_header(void **state)
{
    static const uint8_t hello[] = {22, 3, 1, 0, 100, 1, 1, 0, 0, 3, 3};
    static uint8_t record[105];
    static struct tls_trial trial;

    (void)state;
    memcpy(record, hello, sizeof hello);
    tls_trial_open(&trial, context, worker);
    tls_trial_feed(&trial, record, sizeof record);
    expect_failure(&trial, "TLS handshake failed: a message of 65536 bytes");
    tls_trial_close(&trial);
}

/* Errors of one session must not be those of the next: the queue belongs to the thread. */
static void a_failure_does_not_reach_other_sessions(void **state)
{
    static struct tls_trial good, bad;

    (void)state;
    open_version(&good, TLS1_3_VERSION);
    tls_trial_handshake(&good);
    tls_trial_open(&bad, context, worker);
    tls_trial_feed(&bad, "GET / HTTP/1.1\r\n\r\n", 18);
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_BAD_LENGTH, "", 0); /* from elsewhere in the process */
    send_to_server(&good, "hello", 5);
    tls_trial_close(&bad);
    tls_trial_send(&good, "answer", 6);
    tls_trial_expect(&good, "answer", 6);
    tls_trial_close(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_exchanges_data_and_describes_itself),
        cmocka_unit_test(large_data_is_sealed_into_few_records),
        cmocka_unit_test(the_room_for_sealing_is_never_exceeded),
        cmocka_unit_test(a_client_can_ask_for_small_records),
        cmocka_unit_test(input_can_be_cut_everywhere),
        cmocka_unit_test(a_hello_can_be_cut_at_each_byte),
        cmocka_unit_test(output_and_plain_text_can_have_little_room),
        cmocka_unit_test(a_plain_peer_is_described),
        cmocka_unit_test(garbage_never_opens),
        cmocka_unit_test(a_session_can_end_before_its_first_byte),
        cmocka_unit_test(an_old_version_gets_an_alert),
        cmocka_unit_test(a_client_that_ends_the_handshake_is_named),
        cmocka_unit_test(a_client_without_trust_is_named),
        cmocka_unit_test(the_client_ends_first),
        cmocka_unit_test(the_server_ends_first),
        cmocka_unit_test(an_end_within_the_handshake_is_a_failure),
        cmocka_unit_test(a_changed_record_is_a_failure_with_an_alert),
        cmocka_unit_test(a_failed_session_cannot_seal),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(a_few_key_updates_are_answered),
        cmocka_unit_test(a_flood_of_key_updates_ends),
        cmocka_unit_test(the_server_changes_its_key_before_it_wears_out),
        cmocka_unit_test(early_data_is_not_accepted),
        cmocka_unit_test(a_large_handshake_message_is_refused_at_its_header),
        cmocka_unit_test(a_failure_does_not_reach_other_sessions),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
