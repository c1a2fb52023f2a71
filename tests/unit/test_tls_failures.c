/* SPDX-License-Identifier: MIT */
/* test_tls_failures.c - each call of OpenSSL that can fail does so once: settings are refused with
 * an error, a session ends, and what follows works again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <cmocka.h>

#include <weir/tls_client.h>

#include "certificates.h"
#include "require.h"
#include "tls_trial.h"

static uint64_t fails_in;      /* calls until one fails; 0: never */
static bool knows_every_group; /* SSL_CTX_ctrl() accepts every list of groups */

static bool call_fails(void)
{
    return fails_in > 0 && --fails_in == 0;
}

/* The linker replaces the calls of NAME in weir's objects by __wrap_NAME (tests/CMakeLists.txt). */
#define WRAP(type, name, failure, parameters, arguments)         \
    type __real_##name parameters;                               \
    type __wrap_##name parameters;                               \
    type __wrap_##name parameters                                \
    {                                                            \
        return call_fails() ? failure : __real_##name arguments; \
    }

/* clang-format off */
WRAP(int, BIO_up_ref, 0, (BIO *bio), (bio))
WRAP(BIO *, BIO_new, NULL, (const BIO_METHOD *method), (method))
WRAP(BIO *, BIO_new_file, NULL, (const char *name, const char *mode), (name, mode))
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, NULL, (void), ())
WRAP(int, EVP_DigestInit_ex, 0, (EVP_MD_CTX *c, const EVP_MD *type, ENGINE *e), (c, type, e))
WRAP(int, EVP_DigestUpdate, 0, (EVP_MD_CTX *c, const void *data, size_t n), (c, data, n))
WRAP(int, EVP_DigestFinal_ex, 0, (EVP_MD_CTX *c, unsigned char *out, unsigned *n), (c, out, n))
WRAP(int, SSL_CTX_set_session_id_context, 0, (SSL_CTX *c, const unsigned char *id, unsigned n),
     (c, id, n))
WRAP(int, SSL_CTX_set_tlsext_ticket_key_evp_cb, 0,
     (SSL_CTX *c, int (*f)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *,
                           int)), (c, f))
WRAP(int, SSL_CTX_set_default_verify_paths, 0, (SSL_CTX *c), (c))
WRAP(int, SSL_CTX_set_alpn_protos, 1, (SSL_CTX *c, const unsigned char *p, unsigned n), (c, p, n))
WRAP(int, SSL_CTX_set_cipher_list, 0, (SSL_CTX *c, const char *text), (c, text))
WRAP(SSL_CTX *, SSL_CTX_new, NULL, (const SSL_METHOD *method), (method))
WRAP(SSL *, SSL_new, NULL, (SSL_CTX *c), (c))
WRAP(int, SSL_set_ex_data, 0, (SSL *s, int index, void *data), (s, index, data))
WRAP(long, SSL_ctrl, 0, (SSL *s, int command, long n, void *p), (s, command, n, p))
WRAP(SSL_CTX *, SSL_set_SSL_CTX, NULL, (SSL *s, SSL_CTX *c), (s, c))
WRAP(int, RAND_bytes, 0, (unsigned char *bytes, int n), (bytes, n))
WRAP(int, RAND_priv_bytes, 0, (unsigned char *bytes, int n), (bytes, n))
WRAP(int, EVP_CipherInit_ex, 0,
     (EVP_CIPHER_CTX *c, const EVP_CIPHER *type, ENGINE *e, const unsigned char *key,
      const unsigned char *iv, int enc), (c, type, e, key, iv, enc))
WRAP(int, EVP_MAC_CTX_set_params, 0, (EVP_MAC_CTX *c, const OSSL_PARAM p[]), (c, p))
WRAP(int, X509_VERIFY_PARAM_set1_ip_asc, 0, (X509_VERIFY_PARAM *p, const char *text), (p, text))
WRAP(int, X509_VERIFY_PARAM_set1_host, 0, (X509_VERIFY_PARAM *p, const char *text, size_t n),
     (p, text, n))
WRAP(ASN1_TIME *, ASN1_TIME_set, NULL, (ASN1_TIME *s, time_t t), (s, t))
WRAP(int, SSL_CTX_load_verify_file, 0, (SSL_CTX *c, const char *file), (c, file))
WRAP(STACK_OF(X509_NAME) *, SSL_load_client_CA_file, NULL, (const char *file), (file))
WRAP(int, SSL_write_ex, 0, (SSL *s, const void *bytes, size_t n, size_t *written),
     (s, bytes, n, written))
WRAP(const char *, ERR_reason_error_string, NULL, (unsigned long code), (code))
/* clang-format on */

long __real_SSL_CTX_ctrl(SSL_CTX *c, int command, long n, void *p);
long __wrap_SSL_CTX_ctrl(SSL_CTX *c, int command, long n, void *p);
long __wrap_SSL_CTX_ctrl(SSL_CTX *c, int command, long n, void *p)
{
    if (call_fails()) return 0;
    if (knows_every_group && command == SSL_CTRL_SET_GROUPS_LIST) return 1;
    return __real_SSL_CTX_ctrl(c, command, n, p);
}

/* ---- what calls them ---- */

static struct tls_worker *worker;
static struct tls_tickets *tickets;
static struct certificate certificate;
static const char *file;

static int open_all(void **state)
{
    (void)state;
    certificates_open_files();
    certificate = certificate_make(&(struct certificate_wish){.is_ca = true});
    file = certificate_file(&certificate, NULL, true);
    worker = tls_worker_open();
    tickets = tls_tickets_open();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tls_worker_free(worker);
    tls_tickets_unref(tickets);
    certificate_free(&certificate);
    certificates_remove_files();
    return 0;
}

static enum weir_code open_server(struct tls_context **context, struct weir_error *error)
{
    const struct weir_tls_host host = {.names = "a.example", .certificate = file};
    const struct weir_tls settings = {.size = sizeof settings,
                                      .certificate = file,
                                      .hosts = &host,
                                      .hosts_count = 1,
                                      .client = WEIR_TLS_CLIENT_OPTIONAL,
                                      .client_ca = file,
                                      .alpn = "game"};

    return tls_context_open(&settings, tickets, context, error);
}

static enum weir_code open_client(const char *host, const char *ca, struct tls_context **context,
                                  struct weir_error *error)
{
    const struct weir_tls_connect settings = {
        .size = sizeof settings, .ca = ca, .certificate = file, .alpn = "game"};

    return tls_context_open_client(&settings, host, context, error);
}

/* Returns whether the nth call was reached, and requires that its failure was reported. */
static bool was_reached(enum weir_code code, const struct weir_error *error,
                        struct tls_context *context)
{
    bool reached = fails_in == 0;

    fails_in = 0;
    if (code == WEIR_OK) tls_context_unref(context);
    if (code != WEIR_OK) assert_int_not_equal(error->operation[0], 0);
    assert_int_equal(ERR_peek_error(), 0);
    return reached;
}

static void settings_are_refused(void **state)
{
    struct tls_context *context = NULL;
    struct weir_error error;
    bool reached = true;

    (void)state;
    for (uint64_t n = 1; reached; n++) {
        fails_in = n;
        enum weir_code code = open_server(&context, &error);
        reached = was_reached(code, &error, context);
    }
    reached = true;
    for (uint64_t n = 1; reached; n++) {
        reached = false;
        for (int i = 0; i < 2; i++) {
            fails_in = n;
            enum weir_code code = open_client("a.example", i ? file : NULL, &context, &error);
            reached |= was_reached(code, &error, context);
        }
    }
    reached = true;
    for (uint64_t n = 1; reached; n++) {
        fails_in = n;
        tls_worker_free(tls_worker_open());
        reached = fails_in == 0;
    }
    fails_in = 0;
    knows_every_group = true;
    assert_int_equal(open_server(&context, &error), WEIR_OK);
    tls_context_unref(context);
    knows_every_group = false;
}

/* One handshake, with a ticket that the client has from before, and an answer. */
static bool run_session(struct tls_context *context, SSL_SESSION *ticket, uint64_t n)
{
    static struct tls_trial trial;
    struct weir_tls_info info;
    uint8_t room[4096];
    struct filter_output out = {room, 0, sizeof room};
    bool reached;

    tls_trial_open(&trial, context, worker);
    SSL_set_tlsext_host_name(trial.client, "a.example");
    SSL_use_certificate(trial.client, certificate.x509);
    SSL_use_PrivateKey(trial.client, certificate.key);
    if (ticket) SSL_set_session(trial.client, ticket);
    fails_in = n;
    trial.session = tls_session_open(context, worker);
    if (trial.session) tls_trial_run(&trial);
    if (trial.is_server_open) {
        tls_session_info(trial.session, &info);
        tls_session_seal(trial.session, (const uint8_t *)"hello", 5, &out, &trial.error);
        tls_session_goodbye(trial.session, &out);
    }
    reached = fails_in == 0;
    fails_in = 0;
    tls_trial_close(&trial);
    return reached;
}

static SSL_SESSION *get_ticket(struct tls_context *context)
{
    static struct tls_trial trial;
    SSL_SESSION *ticket;

    tls_trial_open(&trial, context, worker);
    SSL_set_tlsext_host_name(trial.client, "a.example");
    tls_trial_handshake(&trial);
    tls_trial_send(&trial, "hello", 5);
    tls_trial_expect(&trial, "hello", 5);
    ticket = SSL_get1_session(trial.client);
    tls_trial_close(&trial);
    return ticket;
}

static void one_session_ends(void **state)
{
    struct tls_context *context;
    struct weir_error error;
    SSL_SESSION *ticket;
    uint64_t now_ns = 0;
    bool reached = true;

    (void)state;
    assert_int_equal(open_server(&context, &error), WEIR_OK);
    ticket = get_ticket(context);
    for (uint64_t n = 1; reached; n++) {
        now_ns += UINT64_C(13) * 3600 * 1000000000; /* a new key of tickets is due */
        tls_worker_set_now(worker, now_ns);
        reached = run_session(context, NULL, n);
    }
    reached = true;
    for (uint64_t n = 1; reached; n++) {
        SSL_SESSION_free(ticket);
        ticket = get_ticket(context);
        reached = run_session(context, ticket, n);
    }
    tls_worker_set_now(worker, 0);
    SSL_SESSION_free(ticket);
    tls_context_unref(context);
}

static void one_outbound_session_ends(void **state)
{
    static const char *const hosts[] = {"a.example", "127.0.0.1"};
    struct tls_context *context;
    struct weir_error error;
    struct filter_error failure = {WEIR_REASON_TLS, ""};
    uint8_t room[4096];

    (void)state;
    for (int i = 0; i < 2; i++) {
        bool reached = true;
        assert_int_equal(open_client(hosts[i], file, &context, &error), WEIR_OK);
        for (uint64_t n = 1; reached; n++) {
            struct filter_output out = {room, 0, sizeof room};
            struct filter_io io = {.out = &out, .error = &failure};
            fails_in = n;
            struct tls_session *session = tls_session_open(context, worker);
            if (session) {
                tls_session_feed(session, &io);
                tls_session_free(session);
            }
            reached = fails_in == 0;
            fails_in = 0;
        }
        tls_context_unref(context);
    }
}

static void a_reason_without_a_text_is_unknown(void **state)
{
    static struct tls_trial trial;
    struct tls_context *context;
    struct weir_error error;

    (void)state;
    assert_int_equal(open_server(&context, &error), WEIR_OK);
    tls_trial_open(&trial, context, worker);
    trial.session = tls_session_open(context, worker);
    for (uint64_t n = 1; !strstr(trial.error.text, "unknown error"); n++) {
        tls_trial_close(&trial);
        tls_trial_open(&trial, context, worker);
        trial.session = tls_session_open(context, worker);
        fails_in = n;
        tls_trial_feed(&trial, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10);
        fails_in = 0;
        assert_int_equal(trial.result, FILTER_BAD);
        if (n == 100) fail_msg("%s", trial.error.text);
    }
    tls_trial_close(&trial);
    tls_context_unref(context);
}

/* Carries bytes between our client and our server until neither has any. Returns what the client
 * received last. */
static enum weir_tls_received carry(struct weir_tls_client *client, struct tls_session *server)
{
    static uint8_t room[20000], plain[20000];
    struct filter_error failure = {WEIR_REASON_TLS, ""};
    enum weir_tls_received received = WEIR_TLS_RECEIVED_MORE;
    size_t length, plain_length;
    const uint8_t *bytes;

    while (bytes = weir_tls_client_output(client, &length), length > 0) {
        struct filter_output out = {room, 0, sizeof room}, got = {plain, 0, sizeof plain};
        struct filter_io io = {.in = bytes, .in_length = length, .out = &out, .error = &failure};
        enum filter_result result;
        do {
            io.plain = tls_session_is_open(server) ? &got : NULL;
            result = tls_session_feed(server, &io);
        } while (result == FILTER_OPEN || result == FILTER_AGAIN);
        weir_tls_client_sent(client, length);
        struct weir_input input = {room, out.length, false};
        received = weir_tls_client_receive(client, &input, plain, sizeof plain, &plain_length);
    }
    return received;
}

static void a_client_that_cannot_seal_has_failed(void **state)
{
    const struct weir_tls_connect settings = {.size = sizeof settings, .insecure = true};
    struct weir_input nothing = {.length = 0};
    struct weir_tls_client *client;
    struct tls_context *context;
    struct weir_error error;
    uint8_t plain[16];
    size_t length;

    (void)state;
    assert_int_equal(open_server(&context, &error), WEIR_OK);
    assert_int_equal(weir_tls_client_open(&settings, "a.example", &client, &error), WEIR_OK);
    struct tls_session *server = tls_session_open(context, worker);
    assert_int_equal(carry(client, server), WEIR_TLS_RECEIVED_MORE);
    assert_int_equal(weir_tls_client_send(client, "one", 3), WEIR_OK);
    assert_string_equal(weir_tls_client_why(client), "");
    fails_in = 1;
    assert_int_equal(weir_tls_client_send(client, "two", 3), WEIR_CANCELLED);
    assert_int_equal(fails_in, 0);
    assert_int_not_equal(weir_tls_client_why(client)[0], '\0');
    assert_int_equal(weir_tls_client_send(client, "three", 5), WEIR_CANCELLED);
    assert_int_equal(weir_tls_client_receive(client, &nothing, plain, sizeof plain, &length),
                     WEIR_TLS_RECEIVED_BAD);
    weir_tls_client_free(client);
    tls_session_free(server);
    tls_context_unref(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_refused),
        cmocka_unit_test(one_session_ends),
        cmocka_unit_test(one_outbound_session_ends),
        cmocka_unit_test(a_client_that_cannot_seal_has_failed),
        cmocka_unit_test(a_reason_without_a_text_is_unknown),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
