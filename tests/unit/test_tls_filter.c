/* SPDX-License-Identifier: MIT */
/* test_tls_filter.c - the filter "tls" as a session uses it: limits on handshakes, settings that
 * are replaced meanwhile, and what it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/ssl.h>
#include <cmocka.h>

#include "certificates.h"
#include "memory_faults.h"
#include "require.h"
#include "tls_filter.h"

enum { CLIENTS = 20 };

static const struct filter_kind *const kind = &tls_filter_kind;
static struct filter_worker worker;
static struct certificate first, second;
static const char *first_file, *second_file;

/* A client of OpenSSL, and the state of its session. */
struct pair {
    SSL_CTX *settings;
    SSL *client;
    BIO *from_client, *to_client;
    void *state;
    bool is_open;
    struct filter_error error;
};

static int open_all(void **state)
{
    (void)state;
    certificates_open_files();
    first = certificate_make(&(struct certificate_wish){.subject = "first"});
    second = certificate_make(&(struct certificate_wish){.subject = "second"});
    first_file = certificate_file(&first, NULL, true);
    second_file = certificate_file(&second, NULL, true);
    worker = (struct filter_worker){.iteration = 1, .now_ns = 1000000000, .now_ms = 1000};
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    filter_worker_free(&worker);
    certificate_free(&first);
    certificate_free(&second);
    certificates_remove_files();
    return 0;
}

static void set(struct filter *filter, const char *certificate)
{
    struct weir_tls settings = {.size = sizeof settings, .certificate = certificate};
    struct weir_error error;

    require_equal(tls_filter_set(filter, &settings, &error), WEIR_OK);
}

static struct filter *open_filter(uint32_t handshakes_max, uint32_t rate)
{
    struct filter *filter = tls_filter_open(&(struct tls_limits){handshakes_max, rate});

    require(filter != NULL);
    set(filter, first_file);
    return filter;
}

static void open_client(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    pair->settings = SSL_CTX_new(TLS_client_method());
    pair->client = SSL_new(pair->settings);
    pair->from_client = BIO_new(BIO_s_mem());
    pair->to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->client, pair->to_client, pair->from_client);
    SSL_set_connect_state(pair->client);
    SSL_do_handshake(pair->client);
}

static bool open_pair(struct pair *pair, struct filter *filter)
{
    open_client(pair);
    pair->error.reason = WEIR_REASON_EXHAUSTED;
    pair->state = kind->open(filter, &worker, &pair->error);
    return pair->state != NULL;
}

static void close_pair(struct pair *pair)
{
    if (pair->state) kind->release(pair->state);
    SSL_set_shutdown(pair->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(pair->client);
    SSL_CTX_free(pair->settings);
}

/* Feeds what the client has written. Nothing is used if the worker has made its steps. */
static enum filter_result feed(struct pair *pair)
{
    uint8_t wire[8192], room[8192], plain_room[8192];
    int length = BIO_read(pair->from_client, wire, sizeof wire);
    struct filter_output out = {room, 0, sizeof room}, plain = {plain_room, 0, sizeof plain_room};
    struct filter_io io = {.in = wire,
                           .in_length = length > 0 ? (size_t)length : 0,
                           .plain = &plain,
                           .out = &out,
                           .error = &pair->error};
    enum filter_result result = kind->feed(pair->state, &io);

    if (out.length > 0) BIO_write(pair->to_client, room, (int)out.length);
    if (io.in_length > 0) BIO_write(pair->from_client, io.in, (int)io.in_length);
    if (result == FILTER_OPEN) pair->is_open = true;
    SSL_do_handshake(pair->client);
    return result;
}

static void handshake(struct pair *pair)
{
    while (!pair->is_open) {
        worker.iteration++;
        require(feed(pair) != FILTER_BAD);
    }
}

static void a_worker_makes_sixteen_steps_per_iteration(void **state)
{
    static struct pair pairs[CLIENTS];
    struct filter *filter = open_filter(0, 0);
    struct weir_tls_stats stats;
    int later = 0, opened = 0;

    (void)state;
    for (int i = 0; i < CLIENTS; i++) assert_true(open_pair(&pairs[i], filter));
    worker.iteration++;
    for (int i = 0; i < CLIENTS; i++) {
        enum filter_result result = feed(&pairs[i]);
        assert_int_equal(result, i < TLS_HANDSHAKE_STEPS_MAX ? FILTER_MORE : FILTER_LATER);
    }
    while (opened < CLIENTS) { /* the rest wait for the next iterations, and none is lost */
        int steps = 0;
        worker.iteration++;
        for (int i = CLIENTS - 1; i >= 0; i--) {
            if (pairs[i].is_open) continue;
            enum filter_result result = feed(&pairs[i]);
            later += result == FILTER_LATER;
            steps += result != FILTER_LATER;
            opened += result == FILTER_OPEN;
        }
        assert_true(steps <= TLS_HANDSHAKE_STEPS_MAX);
    }
    assert_true(later > 0);
    for (int i = 0; i < 2 * TLS_HANDSHAKE_STEPS_MAX; i++) { /* data is not limited */
        SSL_write(pairs[0].client, "hello", 5);
        assert_int_equal(feed(&pairs[0]), FILTER_MORE);
    }
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.handshakes, CLIENTS);
    assert_int_equal(stats.resumed, 0);
    for (int i = 0; i < CLIENTS; i++) close_pair(&pairs[i]);
    filter_unref(filter);
}

static void unfinished_handshakes_are_limited(void **state)
{
    static struct pair pairs[5];
    struct filter *filter = open_filter(3, 0);
    struct weir_tls_stats stats;

    (void)state;
    for (int i = 0; i < 3; i++) assert_true(open_pair(&pairs[i], filter));
    assert_false(open_pair(&pairs[3], filter));
    assert_int_equal(pairs[3].error.reason, WEIR_REASON_TLS);
    assert_string_equal(pairs[3].error.text,
                        "too many unfinished TLS handshakes (tls_handshakes_max)");
    handshake(&pairs[0]); /* a finished one makes room */
    close_pair(&pairs[3]);
    assert_true(open_pair(&pairs[3], filter));
    close_pair(&pairs[1]); /* and so does one that has ended */
    assert_true(open_pair(&pairs[4], filter));
    assert_false(open_pair(&pairs[1], filter));
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.refused_full, 2);
    assert_int_equal(stats.refused_rate, 0);
    for (int i = 0; i < 5; i++) close_pair(&pairs[i]);
    filter_unref(filter);
}

static void a_failed_handshake_makes_room(void **state)
{
    static struct pair pairs[2];
    struct filter *filter = open_filter(1, 0);

    (void)state;
    assert_true(open_pair(&pairs[0], filter));
    BIO_reset(pairs[0].from_client);
    BIO_write(pairs[0].from_client, "GET / HTTP/1.1\r\n", 16);
    worker.iteration++;
    assert_int_equal(feed(&pairs[0]), FILTER_BAD);
    assert_true(open_pair(&pairs[1], filter)); /* while the session of the first one lingers */
    for (int i = 0; i < 2; i++) close_pair(&pairs[i]);
    filter_unref(filter);
}

static void outbound_handshakes_take_no_room(void **state)
{
    static struct pair pair;
    struct weir_tls_connect wish = {.size = sizeof wish, .insecure = true};
    struct filter *filter = open_filter(1, 0), *outbound;
    struct filter_error failure = {WEIR_REASON_EXHAUSTED, ""};
    struct weir_error error;

    (void)state;
    assert_int_equal(tls_filter_open_client(&wish, "a.example", &outbound, &error), WEIR_OK);
    void *one = kind->open(outbound, &worker, &failure);
    assert_non_null(one);
    assert_true(open_pair(&pair, filter));
    kind->release(one);
    close_pair(&pair);
    filter_unref(outbound);
    filter_unref(filter);
}

static void the_rate_of_handshakes_is_limited(void **state)
{
    static struct pair pairs[5];
    struct filter *filter = open_filter(0, 2);
    struct weir_tls_stats stats;

    (void)state;
    assert_true(open_pair(&pairs[0], filter));
    assert_true(open_pair(&pairs[1], filter));
    assert_false(open_pair(&pairs[2], filter));
    assert_int_equal(pairs[2].error.reason, WEIR_REASON_TLS);
    worker.now_ns += 500000000;
    assert_true(open_pair(&pairs[3], filter));
    assert_false(open_pair(&pairs[4], filter));
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.refused_rate, 2);
    for (int i = 0; i < 5; i++) close_pair(&pairs[i]);
    filter_unref(filter);
}

static void expect_subject(const struct pair *pair, const char *name)
{
    char subject[64];

    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(pair->client)),
                              NID_commonName, subject, sizeof subject);
    assert_string_equal(subject, name);
}

static void settings_can_be_replaced_while_sessions_use_them(void **state)
{
    static struct pair before, during, after, resumed;
    struct filter *filter = open_filter(0, 0);
    struct weir_tls wrong = {.size = sizeof wrong, .certificate = certificate_no_file()};
    struct weir_tls_stats stats;
    struct weir_error error;
    SSL_SESSION *ticket;
    char bytes[8];

    (void)state;
    assert_true(open_pair(&before, filter));
    handshake(&before);
    assert_true(open_pair(&during, filter));
    set(filter, second_file);
    assert_int_equal(tls_filter_set(filter, &wrong, &error), WEIR_INVALID);
    handshake(&during);
    expect_subject(&during, "first");
    assert_true(open_pair(&after, filter));
    handshake(&after);
    expect_subject(&after, "second");
    SSL_write(before.client, "hello", 5);
    assert_int_equal(feed(&before), FILTER_MORE);
    assert_int_equal(SSL_read(before.client, bytes, sizeof bytes), -1); /* takes the ticket */
    ticket = SSL_get1_session(before.client);
    open_client(&resumed);
    close_pair(&resumed);
    memset(&resumed, 0, sizeof resumed);
    resumed.settings = SSL_CTX_new(TLS_client_method());
    resumed.client = SSL_new(resumed.settings);
    resumed.from_client = BIO_new(BIO_s_mem());
    resumed.to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(resumed.client, resumed.to_client, resumed.from_client);
    SSL_set_connect_state(resumed.client);
    SSL_set_session(resumed.client, ticket);
    SSL_do_handshake(resumed.client);
    resumed.state = kind->open(filter, &worker, &resumed.error);
    handshake(&resumed);
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.replaced, 1);
    assert_int_equal(stats.resumed, 1);
    assert_int_equal(stats.handshakes, 4);
    assert_true(stats.expires_s > 1700000000);
    SSL_SESSION_free(ticket);
    close_pair(&before);
    close_pair(&during);
    close_pair(&after);
    close_pair(&resumed);
    filter_unref(filter);
}

static void a_websocket_refuses_http2(void **state)
{
    struct filter *filter = open_filter(0, 0);
    struct weir_tls settings = {
        .size = sizeof settings, .certificate = first_file, .alpn = "http/1.1,h2"};
    struct weir_tls_stats stats;
    struct weir_error error;

    (void)state;
    assert_int_equal(tls_filter_set(filter, &settings, &error), WEIR_OK);
    assert_int_equal(tls_filter_require_http1(filter, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "h2");
    settings.alpn = "http/1.1,game";
    assert_int_equal(tls_filter_set(filter, &settings, &error), WEIR_OK);
    assert_int_equal(tls_filter_require_http1(filter, &error), WEIR_OK);
    settings.alpn = "h2";
    assert_int_equal(tls_filter_set(filter, &settings, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "a WebSocket needs HTTP/1.1");
    settings.alpn = "game";
    assert_int_equal(tls_filter_set(filter, &settings, &error), WEIR_OK);
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.replaced, 3); /* the refused ones are not counted */
    filter_unref(filter);
}

static void a_session_seals_and_says_goodbye(void **state)
{
    static struct pair pair;
    struct filter *filter = open_filter(0, 0);
    uint8_t room[4096];
    struct filter_output out = {room, 0, sizeof room};
    struct weir_tls_info info;
    char bytes[16];

    (void)state;
    assert_true(open_pair(&pair, filter));
    filter_unref(filter); /* the listener ends first; the session's chain has its own reference */
    filter = open_filter(0, 0);
    close_pair(&pair);
    assert_true(open_pair(&pair, filter));
    assert_false(tls_filter_info(pair.state, &info));
    assert_true(kind->held_bytes(pair.state) > 16 * 1024);
    handshake(&pair);
    assert_true(tls_filter_info(pair.state, &info));
    assert_int_equal(kind->held_bytes(pair.state), 16 * 1024);
    assert_true(kind->seal_max(pair.state, sizeof room) >= 5);
    assert_true(kind->seal(pair.state, (const uint8_t *)"hello", 5, &out, &pair.error));
    kind->goodbye(pair.state, WEIR_REASON_DRAIN, &out);
    BIO_write(pair.to_client, room, (int)out.length);
    assert_int_equal(SSL_read(pair.client, bytes, sizeof bytes), 5);
    assert_int_equal(SSL_get_error(pair.client, SSL_read(pair.client, bytes, sizeof bytes)),
                     SSL_ERROR_ZERO_RETURN);
    close_pair(&pair);
    filter_unref(filter);
}

static void a_failed_handshake_is_counted(void **state)
{
    static struct pair pair;
    struct filter *filter = open_filter(0, 0);
    struct weir_tls_stats stats;

    (void)state;
    assert_true(open_pair(&pair, filter));
    BIO_reset(pair.from_client);
    BIO_write(pair.from_client, "GET / HTTP/1.1\r\n", 16);
    worker.iteration++;
    assert_int_equal(feed(&pair), FILTER_BAD);
    tls_filter_stats(filter, &stats);
    assert_int_equal(stats.failed, 1);
    close_pair(&pair);
    filter_unref(filter);
}

static void our_client_connects(void **state)
{
    struct weir_tls_connect wish = {.size = sizeof wish, .insecure = true};
    struct filter *server = open_filter(0, 0), *client;
    struct filter_error failure = {WEIR_REASON_EXHAUSTED, ""};
    struct weir_error error;
    uint8_t room[8192];
    struct filter_output out = {room, 0, sizeof room};
    struct filter_io io = {
        .in = NULL, .in_length = 0, .plain = NULL, .out = &out, .error = &failure};
    void *one;

    (void)state;
    assert_int_equal(tls_filter_open_client(&wish, "a.example", &client, &error), WEIR_OK);
    one = kind->open(client, &worker, &failure);
    assert_non_null(one);
    worker.iteration++;
    assert_int_equal(kind->feed(one, &io), FILTER_MORE);
    assert_int_equal(room[0], 22); /* the hello of the handshake */
    kind->release(one);
    filter_unref(client);
    filter_unref(server);
    wish.ca = certificate_no_file();
    wish.insecure = false;
    assert_int_equal(tls_filter_open_client(&wish, "a.example", &client, &error), WEIR_INVALID);
}

static void missing_memory_is_reported(void **state)
{
    struct weir_tls_connect wish = {.size = sizeof wish, .insecure = true};
    struct filter *filter = open_filter(0, 0), *client;
    struct filter_worker other = {.iteration = 1};
    struct filter_error failure = {WEIR_REASON_EXHAUSTED, ""};
    struct weir_error error;

    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        memory_fail_nth(n, 1);
        struct filter *opened = tls_filter_open(&(struct tls_limits){0, 0});
        memory_fail_nth(0, 0);
        filter_unref(opened);
        memory_fail_nth(n, 1);
        void *session = kind->open(filter, &other, &failure);
        memory_fail_nth(0, 0);
        if (session) kind->release(session);
        filter_worker_free(&other);
        memory_fail_nth(n, 1);
        enum weir_code code = tls_filter_open_client(&wish, "a", &client, &error);
        memory_fail_nth(0, 0);
        if (code == WEIR_OK) filter_unref(client);
    }
    assert_int_equal(failure.reason, WEIR_REASON_EXHAUSTED);
    filter_unref(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_makes_sixteen_steps_per_iteration),
        cmocka_unit_test(unfinished_handshakes_are_limited),
        cmocka_unit_test(a_failed_handshake_makes_room),
        cmocka_unit_test(outbound_handshakes_take_no_room),
        cmocka_unit_test(the_rate_of_handshakes_is_limited),
        cmocka_unit_test(settings_can_be_replaced_while_sessions_use_them),
        cmocka_unit_test(a_websocket_refuses_http2),
        cmocka_unit_test(a_session_seals_and_says_goodbye),
        cmocka_unit_test(a_failed_handshake_is_counted),
        cmocka_unit_test(our_client_connects),
        cmocka_unit_test(missing_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
