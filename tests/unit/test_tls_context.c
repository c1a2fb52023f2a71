/* SPDX-License-Identifier: MIT */
/* test_tls_context.c - the settings of TLS: files and their errors, certificates by name,
 * protocols, client certificates, tickets across reloads and workers, and our client role. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#include "certificates.h"
#include "require.h"
#include "tls_state.h"
#include "tls_trial.h"

#define TEN_LABELS \
    "aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa.aaaaaaa."
#define LONG_NAME TEN_LABELS TEN_LABELS TEN_LABELS "aaaaaaaaaaaaaa" /* 254 bytes */
#define HOUR_NS (UINT64_C(3600) * 1000000000)

static struct tls_worker *worker;
static struct tls_tickets *tickets;
static struct certificate ca, first, second, rsa, alice;
static const char *ca_file, *first_file, *second_file, *rsa_file;
static struct tls_trial trial;
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static int open_all(void **state)
{
    (void)state;
    certificates_open_files();
    ca = certificate_make(&(struct certificate_wish){.subject = "ca", .is_ca = true});
    first = certificate_make(&(struct certificate_wish){
        .subject = "first", .names = "DNS:first.example", .issuer = &ca});
    second = certificate_make(&(struct certificate_wish){.subject = "second", .issuer = &ca});
    rsa = certificate_make(
        &(struct certificate_wish){.subject = "rsa", .rsa_bits = 2048, .issuer = &ca});
    alice = certificate_make(&(struct certificate_wish){.subject = "alice", .issuer = &ca});
    ca_file = certificate_file(&ca, NULL, false);
    first_file = certificate_file(&first, NULL, true);
    second_file = certificate_file(&second, NULL, true);
    rsa_file = certificate_file(&rsa, NULL, true);
    tickets = tls_tickets_open();
    worker = tls_worker_open();
    require(tickets && worker);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    certificate_free(&ca);
    certificate_free(&first);
    certificate_free(&second);
    certificate_free(&rsa);
    certificate_free(&alice);
    tls_tickets_unref(tickets);
    tls_worker_free(worker);
    certificates_remove_files();
    return 0;
}

static struct weir_tls settings_of(const char *certificate)
{
    return (struct weir_tls){.size = sizeof(struct weir_tls), .certificate = certificate};
}

static struct tls_context *open_context(const struct weir_tls *settings)
{
    struct tls_context *context;
    struct weir_error error;
    char text[512];

    if (tls_context_open(settings, tickets, &context, &error) != WEIR_OK)
        fail_msg("%s", weir_error_text(&error, text, sizeof text));
    return context;
}

/* ---- Files ---- */

static void expect_error(const struct weir_tls *settings, const char *file, const char *words)
{
    struct tls_context *context;
    struct weir_error error;
    char text[512];

    assert_int_not_equal(tls_context_open(settings, tickets, &context, &error), WEIR_OK);
    weir_error_text(&error, text, sizeof text);
    if (!strstr(text, words) || (file && !strstr(text, file)))
        fail_msg("%s: not \"%s\" about %s", text, words, file ? file : "nothing");
    assert_int_equal(ERR_peek_error(), 0);
}

/* Returns the system's error because of which the settings cannot be used; 0: it has another cause.
 */
static int os_error_of(const struct weir_tls *settings)
{
    struct tls_context *context;
    struct weir_error error;

    assert_int_not_equal(tls_context_open(settings, tickets, &context, &error), WEIR_OK);
    return error.os_error;
}

static void what_is_wrong_with_a_file_is_said(void **state)
{
    struct certificate_wish expired = {.from_s = -7200, .until_s = -3600};
    struct certificate_wish future = {.from_s = 3600, .until_s = 7200};
    struct certificate_wish weak = {.rsa_bits = 1024};
    const struct {
        const char *certificate, *key, *words;
    } cases[] = {
        {certificate_no_file(), NULL, "cannot load certificate"},
        {certificate_no_file(), NULL, "it does not exist ("},
        {certificate_text_file(""), NULL, "no PEM block of the right kind is in it; it must"},
        {certificate_text_file("hello"), NULL, "the server's own certificate first"},
        {certificate_key_file(&first, NULL), NULL, "no PEM block of the right kind"},
        {certificate_text_file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
         NULL, "cannot load certificate"},
    };
    const struct {
        const char *certificate, *key, *words;
    } key_cases[] = {
        {first_file, certificate_no_file(), "it does not exist"},
        {first_file, second_file, "it does not belong to the certificate; use the key"},
        {first_file, rsa_file, "it does not belong to the certificate"},
        {first_file, certificate_key_file(&first, "secret"), "it is encrypted with a password"},
        {first_file, ca_file, "cannot load key"},
    };
    struct certificate made[3];
    struct weir_tls settings;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        settings = settings_of(cases[i].certificate);
        expect_error(&settings, cases[i].certificate, cases[i].words);
    }
    for (size_t i = 0; i < sizeof key_cases / sizeof key_cases[0]; i++) {
        settings = settings_of(key_cases[i].certificate);
        settings.key = key_cases[i].key;
        expect_error(&settings, key_cases[i].key, key_cases[i].words);
    }
    settings = settings_of(LONG_NAME "aa"); /* longer than a name in a folder can be */
    expect_error(&settings, NULL, "cannot load certificate aaaaaaa.");
    settings = settings_of(certificate_file(&first, NULL, false));
    expect_error(&settings, settings.certificate, "add the key to the certificate file");
    made[0] = certificate_make(&expired);
    settings = settings_of(certificate_file(&made[0], NULL, true));
    expect_error(&settings, settings.certificate, "it expired on 20");
    made[1] = certificate_make(&future);
    settings = settings_of(certificate_file(&made[1], NULL, true));
    expect_error(&settings, settings.certificate, "it is valid only from 20");
    made[2] = certificate_make(&weak);
    settings = settings_of(certificate_file(&made[2], NULL, true));
    expect_error(&settings, settings.certificate, "its key is too short");
    for (int i = 0; i < 3; i++) certificate_free(&made[i]);
}

static void what_is_wrong_with_a_setting_is_said(void **state)
{
    struct weir_tls_host host = {.names = "a.example", .certificate = second_file};
    struct weir_tls settings = settings_of(NULL);

    (void)state;
    expect_error(&settings, NULL, "no certificate is configured");
    settings = settings_of(first_file);
    settings.client = WEIR_TLS_CLIENT_REQUIRED;
    expect_error(&settings, NULL, "no CA is configured");
    settings.client_ca = certificate_no_file();
    expect_error(&settings, settings.client_ca, "it does not exist");
    settings.client_ca = certificate_text_file("hello");
    expect_error(&settings, settings.client_ca, "cannot load client CA");
    settings.client_ca = "/"; /* Linux can open a folder, but not read it */
    expect_error(&settings, "/", "cannot load client CA");
    assert_int_not_equal(os_error_of(&settings), 0);
    settings.client = WEIR_TLS_CLIENT_NONE;
    expect_error(&settings, settings.client_ca, "clients are not asked for certificates");
    settings = settings_of(first_file);
    settings.ciphers = "NONSENSE";
    expect_error(&settings, "NONSENSE", "cannot use TLS ciphers");
    settings = settings_of(first_file);
    settings.ciphersuites = "NONSENSE";
    expect_error(&settings, "NONSENSE", "cannot use TLS 1.3 ciphersuites");
    settings = settings_of(first_file);
    settings.groups = "NONSENSE";
    expect_error(&settings, "NONSENSE", "cannot use TLS groups");
    settings = settings_of(first_file);
    settings.alpn_required = true;
    expect_error(&settings, NULL, "no protocol is configured");
    settings.alpn = "h2,,http/1.1";
    expect_error(&settings, "h2,,http/1.1", "a protocol is empty");
    settings.alpn = LONG_NAME "aa";
    expect_error(&settings, NULL, "a protocol is empty or longer than 255 bytes");
    settings = settings_of(first_file);
    settings.hosts = &host;
    settings.hosts_count = 1;
    host.names = "a.example, b example";
    expect_error(&settings, host.names, "a name is not valid");
    host.names = LONG_NAME;
    expect_error(&settings, NULL, "a name is not valid");
    host.names = ", a.example";
    expect_error(&settings, NULL, "a name is not valid");
    host.names = "a";
    tls_context_unref(open_context(&settings));
    host.names = "a-b_c.example";
    tls_context_unref(open_context(&settings));
    host.names = NULL;
    expect_error(&settings, NULL, "it has no names or no certificate");
    host.names = "a.example";
    host.certificate = certificate_no_file();
    expect_error(&settings, host.certificate, "it does not exist");
    host.certificate = NULL;
    expect_error(&settings, NULL, "it has no names or no certificate");
    settings = settings_of(first_file);
    settings.certificate2 = certificate_no_file();
    expect_error(&settings, settings.certificate2, "it does not exist");
}

static void the_first_expiry_is_known(void **state)
{
    struct certificate soon = certificate_make(&(struct certificate_wish){.until_s = 3600});
    struct weir_tls_host host = {.names = "a.example",
                                 .certificate = certificate_file(&soon, NULL, true)};
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context = open_context(&settings);
    int64_t late = tls_context_expires(context), early;

    (void)state;
    tls_context_unref(context);
    settings.hosts = &host;
    settings.hosts_count = 1;
    context = open_context(&settings);
    early = tls_context_expires(context);
    assert_in_range(late - early, 86400 - 3600 - 60, 86400 - 3600 + 1);
    tls_context_unref(context);
    certificate_free(&soon);
}

/* ---- Algorithms ---- */

static void begin(struct tls_context *context, int version)
{
    tls_trial_open(&trial, context, worker);
    SSL_set_min_proto_version(trial.client, version);
    SSL_set_max_proto_version(trial.client, version);
}

static void versions_ciphers_and_groups_are_settings(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;
    struct weir_tls_info info;

    (void)state;
    settings.min = WEIR_TLS_1_3;
    settings.ciphersuites = "TLS_CHACHA20_POLY1305_SHA256";
    settings.groups = "P-384";
    context = open_context(&settings);
    begin(context, TLS1_2_VERSION);
    tls_trial_run(&trial);
    assert_int_equal(trial.result, FILTER_BAD);
    tls_trial_close(&trial);
    begin(context, TLS1_3_VERSION);
    tls_trial_handshake(&trial);
    tls_session_info(trial.session, &info);
    assert_string_equal(info.cipher, "TLS_CHACHA20_POLY1305_SHA256");
    assert_int_equal(SSL_get_negotiated_group(trial.client), NID_secp384r1);
    tls_trial_close(&trial);
    begin(context, TLS1_3_VERSION);
    SSL_set1_groups_list(trial.client, "X25519");
    tls_trial_run(&trial);
    assert_non_null(strstr(trial.error.text, "client and server have no group in common"));
    tls_trial_close(&trial);
    tls_context_unref(context);
    settings = settings_of(first_file);
    settings.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    context = open_context(&settings);
    begin(context, TLS1_2_VERSION);
    SSL_set_cipher_list(trial.client, "ECDHE-ECDSA-AES256-GCM-SHA384");
    tls_trial_run(&trial);
    assert_non_null(strstr(trial.error.text, "client and server have no cipher in common"));
    tls_trial_close(&trial);
    tls_context_unref(context);
}

/* Lets the client offer only what scanners complain about. */
static void weak_ciphers_are_not_accepted(void **state)
{
    static const char *const weak[] = {"AES128-SHA",
                                       "AES256-GCM-SHA384",
                                       "ECDHE-ECDSA-AES128-SHA",
                                       "ECDHE-ECDSA-AES256-SHA384",
                                       "aNULL",
                                       "DHE"};
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context = open_context(&settings);

    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        begin(context, TLS1_2_VERSION);
        SSL_set_security_level(trial.client, 0);
        assert_int_equal(SSL_set_cipher_list(trial.client, weak[i]), 1);
        tls_trial_run(&trial);
        assert_int_equal(trial.result, FILTER_BAD);
        tls_trial_close(&trial);
    }
    tls_context_unref(context);
}

static void two_pairs_serve_clients_of_both_types(void **state)
{
    static const char *const signatures[] = {"ECDSA+SHA256", "rsa_pss_rsae_sha256"};
    static const int types[] = {EVP_PKEY_EC, EVP_PKEY_RSA};
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;

    (void)state;
    settings.certificate2 = rsa_file;
    context = open_context(&settings);
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 2; i++) {
            begin(context, versions[v]);
            assert_int_equal(SSL_set1_sigalgs_list(trial.client, signatures[i]), 1);
            if (v == 0)
                SSL_set_cipher_list(trial.client, i == 0 ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                         : "ECDHE-RSA-AES128-GCM-SHA256");
            tls_trial_handshake(&trial);
            assert_int_equal(
                EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_get0_peer_certificate(trial.client))),
                types[i]);
            tls_trial_close(&trial);
        }
    tls_context_unref(context);
}

static void two_pairs_belong_together(void **state)
{
    struct weir_tls settings = settings_of(first_file);

    (void)state;
    settings.certificate2 = second_file;
    expect_error(&settings, second_file, "its key has the same type");
    settings.certificate2 = certificate_no_file();
    expect_error(&settings, settings.certificate2, "it does not exist");
    settings.certificate2 = rsa_file;
    settings.key = rsa_file; /* of the other pair */
    expect_error(&settings, rsa_file, "it does not belong to the certificate");
}

/* ---- Names ---- */

/* Asks for a name. Resides the subject of the certificate; "": refused. */
static const char *ask_for(struct tls_context *context, int version, const char *name)
{
    static char subject[256];

    begin(context, version);
    if (name) SSL_set_tlsext_host_name(trial.client, name);
    tls_trial_run(&trial);
    subject[0] = '\0';
    if (trial.is_client_open)
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(trial.client)),
                                  NID_commonName, subject, sizeof subject);
    return subject;
}

static void the_name_selects_the_certificate(void **state)
{
    struct weir_tls_host hosts[] = {
        {.names = "*.b.example , c.example", .certificate = second_file},
        {.names = "X.b.example", .certificate = rsa_file}};
    static const struct {
        const char *name, *subject, *strict;
    } cases[] = {
        {NULL, "first", ""},
        {"first.example", "first", "first"},
        {"First.Example", "first", "first"},
        {"unknown.example", "first", ""},
        {"c.example", "second", "second"},
        {"C.EXAMPLE", "second", "second"},
        {"a.b.example", "second", "second"},
        {"a.c.example", "first", ""},
        {"b.example", "first", ""},
        {"a.a.b.example", "first", ""},
        {"x.b.example", "rsa", "rsa"},
        {"localhost", "first", ""},
        {".b.example", "first", ""},
        {LONG_NAME, "first", ""},
    };
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;

    (void)state;
    settings.hosts = hosts;
    settings.hosts_count = 2;
    for (int strict = 0; strict < 2; strict++) {
        settings.strict_names = strict != 0;
        context = open_context(&settings);
        for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
            const char *expected = strict ? cases[i / 2].strict : cases[i / 2].subject;
            assert_string_equal(ask_for(context, versions[i % 2], cases[i / 2].name), expected);
            if (expected[0] == '\0') {
                assert_non_null(strstr(trial.error.text, "asks for a name without a certificate"));
                assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_UNRECOGNIZED_NAME);
            }
            tls_trial_close(&trial);
        }
        tls_context_unref(context);
    }
}

/* ---- Protocols ---- */

static void the_servers_order_selects_the_protocol(void **state)
{
    static const struct {
        const char *offered, *selected;
        int bytes;
    } cases[] = {{"\x02h2\x04game", "game", 8},
                 {"\x04game", "game", 5},
                 {"\x02h2", "h2", 3},
                 {"\x02h3", "", 3},
                 {"", "", 0}};
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;
    struct weir_tls_info info;

    (void)state;
    settings.alpn = "game, h2";
    for (int required = 0; required < 2; required++) {
        settings.alpn_required = required != 0;
        context = open_context(&settings);
        for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
            const char *selected = cases[i / 2].selected;
            begin(context, versions[i % 2]);
            SSL_set_alpn_protos(trial.client, (const unsigned char *)cases[i / 2].offered,
                                (unsigned)cases[i / 2].bytes);
            tls_trial_run(&trial);
            if (selected[0] == '\0' && required) {
                assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
                                 SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
                assert_non_null(strstr(trial.error.text, "no protocol in common (ALPN)"));
            } else {
                assert_true(trial.is_server_open);
                tls_session_info(trial.session, &info);
                assert_string_equal(info.alpn, selected);
            }
            tls_trial_close(&trial);
        }
        tls_context_unref(context);
    }
}

/* ---- Client certificates ---- */

static void present(const struct certificate *certificate)
{
    SSL_use_certificate(trial.client, certificate->x509);
    SSL_use_PrivateKey(trial.client, certificate->key);
}

static void client_certificates_are_checked(void **state)
{
    struct certificate stranger = certificate_make(&(struct certificate_wish){0});
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;
    struct weir_tls_info info;
    uint8_t sha256[32];

    (void)state;
    X509_digest(alice.x509, EVP_sha256(), sha256, NULL);
    settings.client_ca = ca_file;
    for (int required = 0; required < 2; required++) {
        settings.client = required ? WEIR_TLS_CLIENT_REQUIRED : WEIR_TLS_CLIENT_OPTIONAL;
        context = open_context(&settings);
        for (int v = 0; v < 2; v++) {
            begin(context, versions[v]);
            present(&alice);
            tls_trial_handshake(&trial);
            tls_session_info(trial.session, &info);
            assert_true(info.has_peer);
            assert_string_equal(info.peer_subject, "CN=alice");
            assert_memory_equal(info.peer_sha256, sha256, 32);
            tls_trial_close(&trial);
            begin(context, versions[v]);
            tls_trial_run(&trial);
            assert_int_equal(trial.is_server_open, !required);
            if (required)
                assert_non_null(strstr(trial.error.text, "the client sent no certificate"));
            tls_trial_close(&trial);
            begin(context, versions[v]);
            present(&stranger);
            tls_trial_run(&trial);
            assert_false(trial.is_server_open);
            assert_non_null(strstr(trial.error.text, "the client's certificate is not accepted: "));
            tls_trial_close(&trial);
        }
        tls_context_unref(context);
    }
    certificate_free(&stranger);
}

/* ---- Tickets ---- */

/* Resides a ticket of a new session, as the client keeps it. */
static SSL_SESSION *get_ticket(struct tls_context *context, struct tls_worker *of, int version,
                               const struct certificate *own)
{
    SSL_SESSION *ticket;

    tls_trial_open(&trial, context, of);
    SSL_set_max_proto_version(trial.client, version);
    if (own) present(own);
    tls_trial_handshake(&trial);
    tls_trial_send(&trial, "hello", 5);
    tls_trial_expect(&trial, "hello", 5); /* reads the ticket before it */
    ticket = SSL_get1_session(trial.client);
    tls_trial_close(&trial);
    return ticket;
}

/* Opens a session with the ticket. Resides true if it was resumed. */
static bool resume(SSL_SESSION *ticket, struct tls_context *context, struct tls_worker *of)
{
    struct weir_tls_info info;

    tls_trial_open(&trial, context, of);
    SSL_set_max_proto_version(trial.client, SSL_SESSION_get_protocol_version(ticket));
    SSL_set_session(trial.client, ticket);
    tls_trial_handshake(&trial);
    tls_session_info(trial.session, &info);
    assert_int_equal(info.resumed, SSL_session_reused(trial.client));
    tls_trial_close(&trial);
    return info.resumed;
}

static void a_ticket_survives_reloads_and_works_on_each_worker(void **state)
{
    struct weir_tls old_settings = settings_of(first_file), new_settings = settings_of(second_file);
    struct tls_context *old = open_context(&old_settings), *new;
    struct tls_worker *other = tls_worker_open();
    SSL_SESSION *kept[2];

    (void)state;
    for (int v = 0; v < 2; v++) {
        kept[v] = get_ticket(old, worker, versions[v], NULL);
        assert_true(resume(kept[v], old, worker));
        assert_true(resume(kept[v], old, other));
    }
    tls_context_unref(old);
    new = open_context(&new_settings);
    for (int v = 0; v < 2; v++) {
        assert_true(resume(kept[v], new, other));
        SSL_SESSION_free(kept[v]);
    }
    tls_context_unref(new);
    tls_worker_free(other);
}

static void tickets_can_be_switched_off(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;
    SSL_SESSION *kept;

    (void)state;
    settings.no_tickets = true;
    context = open_context(&settings);
    for (int v = 0; v < 2; v++) {
        kept = get_ticket(context, worker, versions[v], NULL);
        assert_false(SSL_SESSION_has_ticket(kept));
        assert_false(resume(kept, context, worker));
        SSL_SESSION_free(kept);
    }
    tls_context_unref(context);
}

static void ticket_keys_change_every_twelve_hours(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct tls_tickets *own = tls_tickets_open();
    struct tls_context *context;
    struct weir_error error;
    SSL_SESSION *kept;

    (void)state;
    assert_int_equal(tls_context_open(&settings, own, &context, &error), WEIR_OK);
    for (int v = 0; v < 2; v++) {
        uint64_t now_ns = (uint64_t)(v + 1) * 1000 * HOUR_NS;
        tls_worker_set_now(worker, now_ns);
        SSL_SESSION_free(get_ticket(context, worker, versions[v], NULL)); /* makes a key */
        tls_worker_set_now(worker, now_ns + 11 * HOUR_NS);
        kept = get_ticket(context, worker, versions[v], NULL);
        for (uint64_t hours = 12; hours < 35; hours++) { /* resuming makes new tickets, and keys */
            tls_worker_set_now(worker, now_ns + hours * HOUR_NS);
            assert_true(resume(kept, context, worker));
        }
        tls_worker_set_now(worker, now_ns + 36 * HOUR_NS);
        assert_false(resume(kept, context, worker));
        SSL_SESSION_free(kept);
        /* Without use between them no key was made; the old one is too old nevertheless. */
        kept = get_ticket(context, worker, versions[v], NULL);
        tls_worker_set_now(worker, now_ns + 100 * HOUR_NS);
        assert_false(resume(kept, context, worker));
        tls_worker_set_now(worker, now_ns); /* another worker's clock may be a little behind */
        SSL_SESSION_free(kept);
        kept = get_ticket(context, worker, versions[v], NULL);
        assert_true(resume(kept, context, worker));
        SSL_SESSION_free(kept);
    }
    tls_worker_set_now(worker, 0);
    tls_context_unref(context);
    tls_tickets_unref(own);
}

/* Resumes the session, and replaces the ticket by the one that the client has then. */
static bool resume_on(SSL_SESSION **ticket, struct tls_context *context, bool *is_renewed)
{
    const unsigned char *before, *after;
    size_t before_length, after_length;

    tls_trial_open(&trial, context, worker);
    SSL_set_max_proto_version(trial.client, SSL_SESSION_get_protocol_version(*ticket));
    SSL_set_session(trial.client, *ticket);
    tls_trial_handshake(&trial);
    tls_trial_send(&trial, "hello", 5);
    tls_trial_expect(&trial, "hello", 5); /* reads the ticket before it */
    bool is_resumed = tls_session_is_resumed(trial.session);
    SSL_SESSION *next = SSL_get1_session(trial.client);
    SSL_SESSION_get0_ticket(*ticket, &before, &before_length);
    SSL_SESSION_get0_ticket(next, &after, &after_length);
    *is_renewed = before_length != after_length || memcmp(before, after, after_length) != 0;
    SSL_SESSION_free(*ticket);
    *ticket = next;
    tls_trial_close(&trial);
    return is_resumed;
}

static void resuming_gives_a_new_ticket_for_one_day(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context = open_context(&settings);
    bool is_renewed;

    (void)state;
    for (int v = 0; v < 2; v++) {
        uint64_t now_ns = (uint64_t)(v + 1) * 1000 * HOUR_NS;
        tls_worker_set_now(worker, now_ns);
        SSL_SESSION *ticket = get_ticket(context, worker, versions[v], NULL);
        for (uint64_t hours = 1; hours < 24; hours++) {
            tls_worker_set_now(worker, now_ns + hours * HOUR_NS);
            assert_true(resume_on(&ticket, context, &is_renewed));
            if (versions[v] == TLS1_3_VERSION) assert_true(is_renewed);
        }
        tls_worker_set_now(worker, now_ns + 24 * HOUR_NS);
        assert_false(resume_on(&ticket, context, &is_renewed)); /* a full handshake */
        assert_true(resume_on(&ticket, context, &is_renewed));
        SSL_SESSION_free(ticket);
    }
    tls_worker_set_now(worker, 0);
    tls_context_unref(context);
}

static void a_ticket_ends_with_the_clients_certificate(void **state)
{
    struct certificate brief =
        certificate_make(&(struct certificate_wish){.until_s = 7200, .issuer = &ca});
    struct certificate lasting =
        certificate_make(&(struct certificate_wish){.until_s = 90000, .issuer = &ca});
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *context;

    (void)state;
    settings.client = WEIR_TLS_CLIENT_OPTIONAL;
    settings.client_ca = ca_file;
    context = open_context(&settings);
    for (int v = 0; v < 2; v++) {
        uint64_t now_ns = (uint64_t)(v + 1) * 1000 * HOUR_NS;
        tls_worker_set_now(worker, now_ns);
        SSL_SESSION *ticket = get_ticket(context, worker, versions[v], &brief);
        SSL_SESSION *other = get_ticket(context, worker, versions[v], &lasting);
        tls_worker_set_now(worker, now_ns + HOUR_NS);
        assert_true(resume(ticket, context, worker));
        tls_worker_set_now(worker, now_ns + 2 * HOUR_NS);
        assert_false(resume(ticket, context, worker));
        assert_true(resume(other, context, worker));
        SSL_SESSION_free(ticket);
        SSL_SESSION_free(other);
    }
    tls_worker_set_now(worker, 0);
    tls_context_unref(context);
    certificate_free(&brief);
    certificate_free(&lasting);
}

/* A ticket keeps that a certificate was accepted: under other rules it must not. */
static void a_ticket_is_not_valid_under_other_rules_for_clients(void **state)
{
    struct certificate other_ca = certificate_make(&(struct certificate_wish){.is_ca = true});
    struct weir_tls settings = settings_of(first_file);
    struct tls_context *strict, *none, *other;
    SSL_SESSION *kept;

    (void)state;
    none = open_context(&settings);
    settings.client = WEIR_TLS_CLIENT_REQUIRED;
    settings.client_ca = ca_file;
    strict = open_context(&settings);
    settings.client_ca = certificate_file(&other_ca, NULL, false);
    other = open_context(&settings);
    for (int v = 0; v < 2; v++) {
        kept = get_ticket(strict, worker, versions[v], &alice);
        assert_true(resume(kept, strict, worker));
        assert_false(resume(kept, none, worker));
        tls_trial_open(&trial, other, worker);
        SSL_set_max_proto_version(trial.client, versions[v]);
        SSL_set_session(trial.client, kept);
        tls_trial_run(&trial);
        assert_false(trial.is_server_open);
        tls_trial_close(&trial);
        SSL_SESSION_free(kept);
    }
    tls_context_unref(none);
    tls_context_unref(strict);
    tls_context_unref(other);
    certificate_free(&other_ca);
}

/* ---- Our client ---- */

static enum filter_result last_of_server; /* what our server returned last */

/* Lets our client talk with our server. Resides the results of both, and the client's error. */
static bool connect_ours(struct tls_context *server, struct tls_context *client,
                         struct filter_error *server_error, struct filter_error *client_error,
                         struct weir_tls_info *info)
{
    static uint8_t wire[2][8192];
    uint8_t bytes[2][64];
    struct tls_session *sides[2] = {tls_session_open(server, worker),
                                    tls_session_open(client, worker)};
    struct filter_error *errors[2] = {server_error, client_error};
    enum filter_result results[2] = {FILTER_MORE, FILTER_MORE};
    size_t lengths[2] = {0, 0}; /* for each side to read */
    bool is_open[2] = {false, false};

    for (int side = 1, idle = 0; idle < 2; side = 1 - side) {
        struct filter_output out = {wire[1 - side] + lengths[1 - side], 0, 4096};
        struct filter_output plain = {bytes[side], 0, sizeof bytes[side]};
        struct filter_io io = {.in = wire[side],
                               .in_length = lengths[side],
                               .plain = &plain,
                               .out = &out,
                               .error = errors[side]};
        idle = lengths[side] == 0 && idle < 2 ? idle + 1 : 0;
        if (results[side] == FILTER_BAD || results[side] == FILTER_END) {
            lengths[side] = 0;
            continue;
        }
        do {
            results[side] = tls_session_feed(sides[side], &io);
            if (results[side] == FILTER_OPEN) is_open[side] = true;
        } while (results[side] == FILTER_OPEN);
        lengths[side] = 0;
        lengths[1 - side] += out.length;
        if (out.length > 0) idle = 0;
    }
    if (is_open[1]) tls_session_info(sides[1], info);
    last_of_server = results[0];
    tls_session_free(sides[0]);
    tls_session_free(sides[1]);
    return results[0] != FILTER_BAD && results[1] != FILTER_BAD && is_open[0] && is_open[1];
}

static struct weir_tls_connect connect_settings(void)
{
    return (struct weir_tls_connect){.size = sizeof(struct weir_tls_connect), .ca = ca_file};
}

static void our_client_checks_the_server(void **state)
{
    struct certificate stranger =
        certificate_make(&(struct certificate_wish){.names = "DNS:first.example"});
    struct certificate address = certificate_make(&(struct certificate_wish){
        .names = "DNS:first.example,IP:127.0.0.1,IP:::1", .issuer = &ca});
    const char *stranger_file = certificate_file(&stranger, NULL, true);
    const char *address_file = certificate_file(&address, NULL, true);
    const struct {
        const char *server, *host, *name;
        bool insecure;
        const char *error;
    } cases[] = {
        {first_file, "first.example", NULL, false, NULL},
        {first_file, "other.example", "first.example", false, NULL},
        {first_file, "other.example", NULL, false, "not accepted: hostname mismatch"},
        {first_file, "other.example", NULL, true, NULL},
        {first_file, "127.0.0.1", NULL, false, "not accepted: IP address mismatch"},
        {address_file, "127.0.0.1", NULL, false, NULL},
        {address_file, "::1", NULL, false, NULL},
        {stranger_file, "first.example", NULL, false, "not accepted: self-signed certificate"},
        {stranger_file, "first.example", NULL, true, NULL},
        {stranger_file, "", NULL, true, NULL}, /* a Unix-domain socket has no name */
        {stranger_file, "first.example", "", true, NULL},
    };
    struct filter_error errors[2];
    struct weir_tls_info info;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_tls settings = settings_of(cases[i].server);
        struct tls_context *server = open_context(&settings), *client;
        struct weir_tls_connect wish = connect_settings();
        struct weir_error error;
        wish.name = cases[i].name;
        wish.insecure = cases[i].insecure;
        assert_int_equal(tls_context_open_client(&wish, cases[i].host, &client, &error), WEIR_OK);
        bool is_open = connect_ours(server, client, &errors[0], &errors[1], &info);
        assert_int_equal(is_open, cases[i].error == NULL);
        if (is_open) assert_true(info.has_peer);
        if (is_open && cases[i].host[0] == '\0') assert_string_equal(info.server_name, "");
        if (!is_open && !strstr(errors[1].text, cases[i].error))
            fail_msg("%s: not \"%s\"", errors[1].text, cases[i].error);
        tls_context_unref(client);
        tls_context_unref(server);
    }
    certificate_free(&stranger);
    certificate_free(&address);
}

static void our_client_shows_its_certificate_and_protocols(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct weir_tls_connect wish = connect_settings();
    struct tls_context *server, *client;
    struct filter_error errors[2];
    struct weir_tls_info info;
    struct weir_error error;

    (void)state;
    settings.client = WEIR_TLS_CLIENT_REQUIRED;
    settings.client_ca = ca_file;
    settings.alpn = "game";
    server = open_context(&settings);
    wish.certificate = certificate_file(&alice, NULL, true);
    wish.alpn = "h2,game";
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    assert_true(connect_ours(server, client, &errors[0], &errors[1], &info));
    assert_string_equal(info.alpn, "game");
    tls_context_unref(client);
    /* The client learns only from its first record that its certificate was missing (TLS 1.3). */
    wish.certificate = NULL;
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    assert_false(connect_ours(server, client, &errors[0], &errors[1], &info));
    assert_non_null(strstr(errors[0].text, "the client sent no certificate"));
    assert_non_null(strstr(errors[1].text, "the server sent the alert"));
    tls_context_unref(client);
    tls_context_unref(server);
    settings.alpn = NULL;
    settings.client = WEIR_TLS_CLIENT_NONE;
    settings.client_ca = NULL;
    server = open_context(&settings);
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    assert_true(connect_ours(server, client, &errors[0], &errors[1], &info));
    assert_string_equal(info.alpn, "");
    tls_context_unref(client);
    wish.alpn_required = true;
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    assert_false(connect_ours(server, client, &errors[0], &errors[1], &info));
    assert_int_equal(last_of_server, FILTER_END); /* the client says that it ends */
    assert_non_null(strstr(errors[1].text, "the server selected no protocol (ALPN)"));
    tls_context_unref(client);
    tls_context_unref(server);
}

/* OpenSSL checks it from 3.0.15 on: here the engine believes that another protocol was offered. */
static void our_client_refuses_a_protocol_that_it_did_not_offer(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct weir_tls_connect wish = connect_settings();
    struct tls_context *server, *client;
    struct filter_error errors[2];
    struct weir_tls_info info;
    struct weir_error error;

    (void)state;
    settings.alpn = "game";
    server = open_context(&settings);
    for (int required = 0; required < 2; required++) {
        wish.alpn = "h2,game";
        wish.alpn_required = required != 0;
        assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
        memcpy(client->alpn,
               "\x02h2\x04"
               "chat",
               client->alpn_bytes);
        assert_false(connect_ours(server, client, &errors[0], &errors[1], &info));
        assert_non_null(strstr(errors[1].text, "selected a protocol that was not offered (ALPN)"));
        assert_int_equal(last_of_server, FILTER_END);
        tls_context_unref(client);
    }
    wish.alpn = "h3,game";
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    assert_true(connect_ours(server, client, &errors[0], &errors[1], &info));
    assert_string_equal(info.alpn, "game");
    tls_context_unref(client);
    tls_context_unref(server);
}

static void what_is_wrong_with_our_clients_settings_is_said(void **state)
{
    static const char long_name[] = LONG_NAME "aa"; /* 256 bytes */
    const struct {
        struct weir_tls_connect wish;
        const char *words;
    } cases[] = {
        {{.ca = certificate_no_file()}, "cannot load CA"},
        {{.ca = ca_file, .certificate = certificate_no_file()}, "cannot load certificate"},
        {{.ca = ca_file, .ciphers = "NONSENSE"}, "cannot use TLS ciphers NONSENSE"},
        {{.ca = ca_file, .alpn = ","}, "a protocol is empty"},
        {{.ca = ca_file, .alpn_required = true}, "no protocol is configured"},
        {{.ca = ca_file, .name = ""}, "cannot check the server's name: it is empty"},
        {{.ca = ca_file, .name = long_name}, "it is longer than 255 bytes"},
        {{.insecure = true, .name = long_name}, "it is longer than 255 bytes"},
    };
    struct tls_context *client;
    struct weir_error error;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(tls_context_open_client(&cases[i].wish, "a", &client, &error),
                         WEIR_INVALID);
        weir_error_text(&error, text, sizeof text);
        if (!strstr(text, cases[i].words)) fail_msg("%s: not \"%s\"", text, cases[i].words);
    }
    assert_int_equal(tls_context_open_client(&(struct weir_tls_connect){0}, "a", &client, &error),
                     WEIR_OK);
    tls_context_unref(client); /* it trusts the system's CAs */
}

/* Feeds the answer of a server to our client. Returns what it says about it. */
static const char *answer_ours(const char *answer, size_t length)
{
    static struct filter_error failure;
    struct weir_tls_connect wish = connect_settings();
    struct tls_session *session;
    struct tls_context *client;
    struct weir_error error;
    uint8_t room[4096];
    struct filter_output out = {room, 0, sizeof room};
    struct filter_io io = {.out = &out, .error = &failure};

    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    session = tls_session_open(client, worker);
    assert_int_equal(tls_session_feed(session, &io), FILTER_MORE);
    io.in = (const uint8_t *)answer;
    io.in_length = length;
    assert_int_equal(tls_session_feed(session, &io), FILTER_BAD);
    tls_session_free(session);
    tls_context_unref(client);
    return failure.text;
}

static void alerts_are_described(void **state)
{
    static const uint8_t about_certificates[] = {42, 45, 46, 48};
    char alert[] = {21, 3, 3, 0, 2, 2, 0};

    (void)state;
    for (size_t i = 0; i < sizeof about_certificates; i++) {
        alert[6] = (char)about_certificates[i];
        assert_non_null(strstr(answer_ours(alert, sizeof alert),
                               "the server does not accept our certificate (the server sent the"));
    }
    alert[6] = 40;
    assert_string_equal(answer_ours(alert, sizeof alert),
                        "the server ended the handshake, perhaps because it requires a certificate "
                        "(the server sent the alert \"handshake failure\", 40)");
    alert[6] = 116;
    assert_string_equal(answer_ours(alert, sizeof alert),
                        "the server requires a certificate (the server sent the alert "
                        "\"certificate required\", 116)");
    alert[6] = 80;
    assert_non_null(strstr(answer_ours(alert, sizeof alert), "the peer ended the connection"));
    assert_non_null(
        strstr(answer_ours("GET / HTTP/1.1\r\n", 16), "its first bytes are \"GET / HTT"));
}

/* Lets the server change its key: our client counts that, as a server does. */
static void our_client_follows_key_updates(void **state)
{
    struct weir_tls settings = settings_of(first_file);
    struct weir_tls_connect wish = connect_settings();
    struct tls_context *server = open_context(&settings), *client;
    static uint8_t wire[2][65536];
    uint8_t bytes[4096];
    struct tls_session *sides[2];
    struct filter_error failure;
    struct weir_error error;
    size_t lengths[2] = {0, 0}, came = 0;
    int opened = 0;

    (void)state;
    tls_context_set_records_per_key(server, 2);
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    sides[0] = tls_session_open(server, worker);
    sides[1] = tls_session_open(client, worker);
    for (int side = 1; opened < 2; side = 1 - side) {
        struct filter_output out = {wire[1 - side], 0, sizeof wire[0]};
        struct filter_io io = {
            .in = wire[side], .in_length = lengths[side], .out = &out, .error = &failure};
        opened += tls_session_feed(sides[side], &io) == FILTER_OPEN;
        memmove(wire[side], io.in, io.in_length);
        lengths[side] = io.in_length;
        lengths[1 - side] += out.length;
    }
    for (int i = 0; i < 100; i++) {
        struct filter_output out = {wire[1], lengths[1], sizeof wire[1]};
        struct filter_output plain = {bytes, 0, sizeof bytes},
                             answer = {wire[0], 0, sizeof wire[0]};
        struct filter_io io = {.in = wire[1], .plain = &plain, .out = &answer, .error = &failure};
        assert_true(tls_session_seal(sides[0], (const uint8_t *)"hello", 5, &out, &failure));
        io.in_length = out.length;
        lengths[1] = 0;
        assert_int_equal(tls_session_feed(sides[1], &io), FILTER_MORE);
        came += plain.length;
    }
    assert_int_equal(came, 500);
    for (int i = 0; i < 2; i++) tls_session_free(sides[i]);
    tls_context_unref(server);
    tls_context_unref(client);
}

static void our_client_describes_a_plain_server(void **state)
{
    struct weir_tls_connect wish = connect_settings();
    struct filter_error failure = {0};
    struct tls_session *session;
    struct tls_context *client;
    struct weir_error error;
    uint8_t room[4096];
    struct filter_output out = {room, 0, sizeof room};
    struct filter_io io = {
        .in = NULL, .in_length = 0, .plain = NULL, .out = &out, .error = &failure};

    (void)state;
    assert_int_equal(tls_context_open_client(&wish, "first.example", &client, &error), WEIR_OK);
    session = tls_session_open(client, worker);
    assert_int_equal(tls_session_feed(session, &io), FILTER_MORE);
    assert_true(out.length > 0);
    io.in = (const uint8_t *)"220 mail.example ESMTP\r\n";
    io.in_length = 24;
    assert_int_equal(tls_session_feed(session, &io), FILTER_BAD);
    assert_string_equal(failure.text, "the peer does not use TLS: its first bytes are \"220 "
                                      "mail.example ESMTP\\r\\n\"");
    tls_session_free(session);
    tls_context_unref(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_file_is_said),
        cmocka_unit_test(what_is_wrong_with_a_setting_is_said),
        cmocka_unit_test(the_first_expiry_is_known),
        cmocka_unit_test(versions_ciphers_and_groups_are_settings),
        cmocka_unit_test(weak_ciphers_are_not_accepted),
        cmocka_unit_test(two_pairs_serve_clients_of_both_types),
        cmocka_unit_test(two_pairs_belong_together),
        cmocka_unit_test(the_name_selects_the_certificate),
        cmocka_unit_test(the_servers_order_selects_the_protocol),
        cmocka_unit_test(client_certificates_are_checked),
        cmocka_unit_test(a_ticket_survives_reloads_and_works_on_each_worker),
        cmocka_unit_test(tickets_can_be_switched_off),
        cmocka_unit_test(ticket_keys_change_every_twelve_hours),
        cmocka_unit_test(resuming_gives_a_new_ticket_for_one_day),
        cmocka_unit_test(a_ticket_ends_with_the_clients_certificate),
        cmocka_unit_test(a_ticket_is_not_valid_under_other_rules_for_clients),
        cmocka_unit_test(our_client_checks_the_server),
        cmocka_unit_test(our_client_shows_its_certificate_and_protocols),
        cmocka_unit_test(our_client_refuses_a_protocol_that_it_did_not_offer),
        cmocka_unit_test(what_is_wrong_with_our_clients_settings_is_said),
        cmocka_unit_test(our_client_describes_a_plain_server),
        cmocka_unit_test(alerts_are_described),
        cmocka_unit_test(our_client_follows_key_updates),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
