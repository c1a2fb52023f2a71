/* SPDX-License-Identifier: MIT */
/* test_tls_server.c - TLS sessions of a server over the simulated transport: settings by name, and
 * what sessions do otherwise, through TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <cmocka.h>

#include <weir/test.h>

#include "certificates.h"
#include "memory_faults.h"
#include "require.h"

static struct weir_test *test;
static struct certificate first, second;
static const char *first_file, *second_file;

/* ---- the handler ---- */

static struct {
    struct weir_tls_info info;
    char older_version[16];
    bool has_info;
    uint32_t opened, messages, peer_done;
    struct weir_session *paused;
} seen;

static void on_open(struct weir_session *session)
{
    seen.opened++;
    seen.has_info = weir_session_tls(session, &seen.info);
    weir_session_tls_sized(session, (struct weir_tls_info *)(void *)seen.older_version,
                           sizeof seen.older_version);
    weir_session_join(session, "all");
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    const char *word = (const char *)message->bytes;

    seen.messages++;
    if (message->length == 5 && memcmp(word, "pause", 5) == 0) {
        weir_session_pause(session);
        seen.paused = session;
        weir_session_start_timer(session, 500);
    } else if (message->length == 3 && memcmp(word, "all", 3) == 0) {
        weir_broadcast(weir_session_server(session), "all", "news", 4, 0);
    } else if (message->length == 6 && memcmp(word, "finish", 6) == 0) {
        weir_session_send(session, "bye", 3);
        weir_session_finish(session);
    } else {
        weir_session_send_back(session, message);
    }
}

static void on_timer(struct weir_session *session)
{
    weir_session_resume(session);
}

static void on_peer_done(struct weir_session *session)
{
    (void)session;
    seen.peer_done++;
}

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .on_open = on_open,
    .on_message = on_message,
    .on_timer = on_timer,
    .on_peer_done = on_peer_done,
};

/* ---- the server ---- */

static enum weir_code set(const char *name, const char *certificate, struct weir_error *error)
{
    struct weir_tls tls = {.size = sizeof tls, .certificate = certificate};

    return weir_server_tls(weir_test_server(test), name, &tls, error);
}

static enum weir_code listen_with(const char *tls, enum weir_proto proto, const char *codec,
                                  struct weir_error *error)
{
    const struct weir_listen listen = {.size = sizeof listen,
                                       .proto = proto,
                                       .codec = codec,
                                       .custom_handler = &handler,
                                       .tls = tls};

    return weir_test_listen(test, &listen, error);
}

static struct weir_listener_info listener(size_t index)
{
    struct weir_listener_info info;

    weir_server_listener(weir_test_server(test), index, &info);
    return info;
}

static void open_server(const struct weir_config *config, uint32_t piece_bytes, const char *codec)
{
    struct weir_test_options options;
    struct weir_error error;

    memset(&seen, 0, sizeof seen);
    weir_test_options_init(&options);
    options.piece_bytes = piece_bytes;
    require_equal(weir_test_open(&options, config, &test, &error), WEIR_OK);
    require_equal(set("public", first_file, &error), WEIR_OK);
    require_equal(listen_with("public", WEIR_TCP, codec, &error), WEIR_OK);
    require_equal(listen_with(NULL, WEIR_TCP, codec, &error), WEIR_OK);
    require_equal(weir_test_start(test, &error), WEIR_OK);
}

static struct weir_config config_of_test(void)
{
    struct weir_config config;

    weir_config_init(&config);
    config.linger_timeout_ms = 500;
    return config;
}

static void open_plain_server(void)
{
    const struct weir_config config = config_of_test();

    open_server(&config, 0, "line");
}

static void close_server(void)
{
    weir_test_free(test);
    test = NULL;
}

static int open_all(void **state)
{
    (void)state;
    certificates_open_files();
    first = certificate_make(&(struct certificate_wish){.subject = "first"});
    second = certificate_make(&(struct certificate_wish){.subject = "second"});
    first_file = certificate_file(&first, NULL, true);
    second_file = certificate_file(&second, NULL, true);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    certificate_free(&first);
    certificate_free(&second);
    certificates_remove_files();
    return 0;
}

/* ---- clients ---- */

struct client {
    struct weir_test_peer *peer;
    SSL_CTX *settings;
    SSL *ssl;
    BIO *out, *in;
    char text[70000];
    size_t length;
    bool has_end; /* close_notify has come */
};

static void carry(struct client *client)
{
    char bytes[16384];
    int length;
    size_t came;

    while ((length = BIO_read(client->out, bytes, sizeof bytes)) > 0)
        weir_test_peer_send(client->peer, bytes, (size_t)length);
    weir_test_run(test, 1);
    while ((came = weir_test_peer_receive(client->peer, bytes, sizeof bytes)) > 0)
        BIO_write(client->in, bytes, (int)came);
}

static void read_plain(struct client *client)
{
    int length;

    do {
        ERR_clear_error();
        length = SSL_read(client->ssl, client->text + client->length,
                          (int)(sizeof client->text - client->length));
        if (length > 0) client->length += (size_t)length;
    } while (length > 0 && client->length < sizeof client->text);
    if (SSL_get_error(client->ssl, length) == SSL_ERROR_ZERO_RETURN) client->has_end = true;
}

/* Lets `ms` milliseconds pass, in which the client sends and reads what it can. */
static void run(struct client *client, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        carry(client);
        read_plain(client);
    }
}

static void open_client(struct client *client, size_t listener)
{
    memset(client, 0, sizeof *client);
    client->peer = weir_test_connect(test, listener, NULL);
    require(client->peer != NULL);
    client->settings = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->settings);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_connect_state(client->ssl);
    for (int i = 0; i < 20000 && SSL_do_handshake(client->ssl) != 1; i++) carry(client);
    require(SSL_is_init_finished(client->ssl));
    run(client, 5); /* its last message of the handshake */
}

static void close_client(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->settings);
}

static void expect_text(struct client *client, const char *text)
{
    for (int i = 0; i < 20000 && client->length < strlen(text); i++) run(client, 1);
    assert_int_equal(client->length, strlen(text));
    assert_memory_equal(client->text, text, client->length);
    client->length = 0;
}

static void say(struct client *client, const char *text)
{
    assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
}

static void expect_reason(const struct client *client, enum weir_reason reason)
{
    assert_int_equal(weir_test_peer_reason(client->peer), reason);
}

/* ---- Settings ---- */

static void settings_have_names(void **state)
{
    char long_name[70];
    struct weir_tls wrong_size = {.size = 3};
    struct weir_tls_stats stats;
    struct weir_error error;
    struct weir_test_options options;

    (void)state;
    memset(long_name, 'x', sizeof long_name);
    weir_test_options_init(&options);
    require_equal(weir_test_open(&options, NULL, &test, &error), WEIR_OK);
    assert_int_equal(set("", first_file, &error), WEIR_INVALID);
    long_name[64] = '\0';
    assert_int_equal(set(long_name, first_file, &error), WEIR_INVALID);
    long_name[63] = '\0';
    assert_int_equal(set(long_name, first_file, &error), WEIR_OK);
    assert_int_equal(set("public", certificate_no_file(), &error), WEIR_INVALID);
    assert_false(weir_server_tls_stats(weir_test_server(test), "public", &stats));
    assert_int_equal(stats.expires_s, 0);
    assert_int_equal(listen_with("public", WEIR_TCP, "line", &error), WEIR_INVALID);
    assert_string_equal(error.reason, "the server has none with this name");
    assert_int_equal(listen_with(long_name, WEIR_UDP, NULL, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "TLS is for streams (TCP)");
    assert_int_equal(set("public", first_file, &error), WEIR_OK);
    assert_int_equal(listen_with("public", WEIR_TCP, "line", &error), WEIR_OK);
    assert_int_equal(listen_with(NULL, WEIR_TCP, "line", &error), WEIR_OK);
    assert_string_equal(listener(0).tls, "public");
    assert_null(listener(1).tls);
    assert_null(listener(0).websocket);
    assert_int_equal(listener(0).proxy, WEIR_PROXY_OFF);
    assert_int_equal(set("public", certificate_no_file(), &error), WEIR_INVALID);
    assert_int_equal(set("public", second_file, &error), WEIR_OK);
    assert_true(weir_server_tls_stats(weir_test_server(test), "public", &stats));
    assert_int_equal(stats.replaced, 1);
    assert_true(stats.expires_s > 1700000000);
    assert_int_equal(weir_server_tls(weir_test_server(test), "public", &wrong_size, &error),
                     WEIR_INVALID);
    for (uint64_t n = 1; n < 8; n++) {
        memory_fail_nth(n, 0);
        enum weir_code code = set("other", first_file, &error);
        memory_fail_nth(0, 0);
        if (code == WEIR_OK) break;
        assert_int_equal(code, WEIR_NO_MEMORY);
    }
    close_server();
}

static void a_handler_knows_the_connection(void **state)
{
    static struct client client;
    struct weir_tls_info info;
    struct weir_test_peer *plain;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    run(&client, 5);
    assert_int_equal(seen.opened, 1);
    assert_true(seen.has_info);
    assert_string_equal(seen.info.version, "TLSv1.3");
    assert_string_equal(seen.older_version, "TLSv1.3"); /* of a program with a shorter struct */
    say(&client, "hello\n");
    expect_text(&client, "hello\n");
    plain = weir_test_connect(test, 1, NULL);
    weir_test_run(test, 5);
    assert_int_equal(seen.opened, 2);
    assert_false(seen.has_info);
    memset(&info, 0, sizeof info);
    assert_memory_equal(&seen.info, &info, sizeof info);
    weir_test_peer_finish(plain);
    close_client(&client);
    close_server();
}

static void a_handler_has_no_facts_without_tls(void **state)
{
    struct weir_error error;
    struct weir_test_options options;

    (void)state;
    weir_test_options_init(&options);
    require_equal(weir_test_open(&options, NULL, &test, &error), WEIR_OK);
    require_equal(listen_with(NULL, WEIR_TCP, "line", &error), WEIR_OK);
    require_equal(weir_test_start(test, &error), WEIR_OK);
    memset(&seen, 0, sizeof seen);
    weir_test_connect(test, 0, NULL);
    weir_test_run(test, 5);
    assert_int_equal(seen.opened, 1);
    assert_false(seen.has_info);
    close_server();
}

/* ---- Sessions ---- */

static void bytes_can_arrive_in_any_pieces(void **state)
{
    static struct client client;
    const struct weir_config config = config_of_test();

    (void)state;
    for (uint32_t piece = 1; piece < 2000; piece = piece * 3 + 1) {
        open_server(&config, piece, "line");
        open_client(&client, 0);
        for (int i = 0; i < 3; i++) {
            say(&client, "hello\nworld\n");
            expect_text(&client, "hello\nworld\n");
        }
        close_client(&client);
        close_server();
    }
}

static void a_half_close_gets_its_answers(void **state)
{
    static struct client client;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    say(&client, "one\ntwo\n");
    SSL_shutdown(client.ssl);
    carry(&client);
    expect_text(&client, "one\ntwo\n");
    run(&client, 5);
    assert_true(client.has_end);
    assert_int_equal(seen.peer_done, 1);
    weir_test_peer_finish(client.peer);
    run(&client, 20);
    expect_reason(&client, WEIR_REASON_PEER_DONE);
    close_client(&client);
    close_server();
}

static void a_finished_session_says_goodbye_and_lingers(void **state)
{
    static struct client client;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    say(&client, "finish\n");
    expect_text(&client, "bye\n");
    run(&client, 5);
    assert_true(client.has_end);
    assert_int_equal(weir_test_peer_reason(client.peer), WEIR_REASON_NONE);
    run(&client, 3000);
    expect_reason(&client, WEIR_REASON_APPLICATION);
    close_client(&client);
    close_server();
}

static void a_drain_ends_idle_sessions(void **state)
{
    static struct client client;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    say(&client, "hello\n");
    expect_text(&client, "hello\n");
    weir_server_drain(weir_test_server(test), 5000);
    for (int i = 0; i < 1000 && !client.has_end; i++) run(&client, 1);
    assert_true(client.has_end);
    weir_test_peer_finish(client.peer);
    run(&client, 50);
    expect_reason(&client, WEIR_REASON_DRAIN);
    close_client(&client);
    close_server();
}

static void an_incomplete_frame_ends_a_session(void **state)
{
    static struct client client;
    struct weir_config config = config_of_test();

    (void)state;
    config.frame_timeout_ms = 1000;
    open_server(&config, 0, "line");
    open_client(&client, 0);
    say(&client, "hel");
    run(&client, 3000);
    expect_reason(&client, WEIR_REASON_FRAME);
    close_client(&client);
    close_server();
}

static void a_rate_slows_a_session_down(void **state)
{
    static struct client client;
    struct weir_config config = config_of_test();
    char line[1001];

    (void)state;
    memset(line, 'x', sizeof line);
    line[999] = '\n';
    line[1000] = '\0';
    config.receive_rate_max_bytes = 2000;
    open_server(&config, 0, "line");
    open_client(&client, 0);
    for (int i = 0; i < 10; i++) {
        say(&client, line);
        run(&client, 10);
    }
    assert_in_range(seen.messages, 1, 9);
    run(&client, 10000);
    assert_int_equal(seen.messages, 10);
    assert_int_equal(client.length, 10000);
    close_client(&client);
    close_server();
}

static void broadcasts_reach_members_with_and_without_tls(void **state)
{
    static struct client speaker, member;
    struct weir_test_peer *plain;
    char bytes[64];

    (void)state;
    open_plain_server();
    open_client(&speaker, 0);
    open_client(&member, 0);
    plain = weir_test_connect(test, 1, NULL);
    weir_test_run(test, 5);
    say(&speaker, "all\n");
    expect_text(&speaker, "news\n");
    expect_text(&member, "news\n");
    weir_test_run(test, 5);
    assert_int_equal(weir_test_peer_receive(plain, bytes, sizeof bytes), 5);
    close_client(&speaker);
    close_client(&member);
    close_server();
}

static void a_paused_session_handles_nothing_until_it_resumes(void **state)
{
    static struct client client;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    say(&client, "pause\nafter\n");
    run(&client, 300);
    assert_int_equal(client.length, 0);
    say(&client, "more\n");
    run(&client, 100);
    assert_int_equal(client.length, 0);
    expect_text(&client, "after\nmore\n");
    close_client(&client);
    close_server();
}

static void a_cut_stream_is_truncated_unless_its_codec_knows_better(void **state)
{
    static const struct {
        const char *codec, *sent;
        enum weir_reason reason;
    } cases[] = {{"line", "hello\n", WEIR_REASON_PEER_DONE},
                 {"line", "hel", WEIR_REASON_TRUNCATED},
                 {"raw", "hello", WEIR_REASON_TRUNCATED}};
    static struct client client;
    const struct weir_config config = config_of_test();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_server(&config, 0, cases[i].codec);
        open_client(&client, 0);
        say(&client, cases[i].sent);
        run(&client, 5);
        weir_test_peer_finish(client.peer);
        run(&client, 50);
        expect_reason(&client, cases[i].reason);
        close_client(&client);
        close_server();
    }
}

static void a_broken_record_is_a_reason(void **state)
{
    static struct client client;

    (void)state;
    open_plain_server();
    open_client(&client, 0);
    weir_test_peer_send(client.peer, "\x17\x03\x03\x00\x20zzzzzzzzaaaaaaaaaaaaaaaaaaaaaaaa", 37);
    run(&client, 2000);
    expect_reason(&client, WEIR_REASON_TLS);
    assert_non_null(strstr(weir_test_peer_reason_text(client.peer), "TLS failed: "));
    close_client(&client);
    close_server();
}

static void a_reader_that_stops_pauses_its_session(void **state)
{
    static struct client client;
    struct weir_config config = config_of_test();
    struct weir_stats stats;
    char line[8001];
    size_t sent = 0;

    (void)state;
    memset(line, 'x', sizeof line);
    line[7999] = '\n';
    line[8000] = '\0';
    config.send_queue_high_bytes = 64 * 1024;
    config.send_queue_low_bytes = 16 * 1024;
    config.send_timeout_ms = 0;
    open_server(&config, 0, "line");
    open_client(&client, 0);
    weir_test_peer_read(client.peer, false);
    do {
        say(&client, line);
        sent += 8000;
        carry(&client);
        weir_server_stats(weir_test_server(test), &stats);
    } while (stats.pauses_queue == 0);
    weir_test_peer_read(client.peer, true);
    for (size_t came = 0; came < sent; client.length = 0) {
        run(&client, 1);
        came += client.length;
    }
    close_client(&client);
    close_server();
}

static void an_unfinished_handshake_ends_by_its_deadline(void **state)
{
    struct weir_test_peer *silent, *half;

    (void)state;
    open_plain_server();
    silent = weir_test_connect(test, 0, NULL);
    half = weir_test_connect(test, 0, NULL);
    weir_test_peer_send(half, "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11);
    weir_test_run(test, 9000);
    assert_int_equal(weir_test_peer_state(silent), WEIR_TEST_CONNECTED);
    weir_test_run(test, 2000);
    assert_int_not_equal(weir_test_peer_state(silent), WEIR_TEST_CONNECTED);
    assert_int_not_equal(weir_test_peer_state(half), WEIR_TEST_CONNECTED);
    assert_int_equal(seen.opened, 0);
    close_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_have_names),
        cmocka_unit_test(a_handler_knows_the_connection),
        cmocka_unit_test(a_handler_has_no_facts_without_tls),
        cmocka_unit_test(bytes_can_arrive_in_any_pieces),
        cmocka_unit_test(a_half_close_gets_its_answers),
        cmocka_unit_test(a_finished_session_says_goodbye_and_lingers),
        cmocka_unit_test(a_drain_ends_idle_sessions),
        cmocka_unit_test(an_incomplete_frame_ends_a_session),
        cmocka_unit_test(a_rate_slows_a_session_down),
        cmocka_unit_test(broadcasts_reach_members_with_and_without_tls),
        cmocka_unit_test(a_paused_session_handles_nothing_until_it_resumes),
        cmocka_unit_test(a_cut_stream_is_truncated_unless_its_codec_knows_better),
        cmocka_unit_test(a_broken_record_is_a_reason),
        cmocka_unit_test(a_reader_that_stops_pauses_its_session),
        cmocka_unit_test(an_unfinished_handshake_ends_by_its_deadline),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
