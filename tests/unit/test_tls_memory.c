/* SPDX-License-Identifier: MIT */
/* test_tls_memory.c - the heap that TLS sessions use, counted in bytes: idle, within a handshake
 * and within a record; and allocations that fail, one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <cmocka.h>

#include "certificates.h"
#include "memory_faults.h"
#include "require.h"
#include "tls_state.h"
#include "tls_trial.h"

/* ---- OpenSSL's heap, with the size in front of each block ---- */

enum { PREFIX_BYTES = 16, BLOCK_BYTES = 16 }; /* what an allocator adds to a block, about */

static size_t heap_bytes; /* in use by OpenSSL */
static uint64_t fails_in; /* allocations until all fail; 0: never */
static uint64_t allocations;

static bool allocation_fails(void)
{
    allocations++;
    if (fails_in == 0) return false;
    if (fails_in > 1) fails_in--;
    return fails_in == 1;
}

static void *counted_alloc(size_t bytes, const char *file, int line)
{
    char *block;

    (void)file, (void)line;
    if (bytes == 0 || allocation_fails()) return NULL;
    block = malloc(bytes + PREFIX_BYTES);
    require(block != NULL);
    memcpy(block, &bytes, sizeof bytes);
    heap_bytes += bytes + BLOCK_BYTES;
    return block + PREFIX_BYTES;
}

static size_t size_of(const void *memory)
{
    size_t bytes;

    memcpy(&bytes, (const char *)memory - PREFIX_BYTES, sizeof bytes);
    return bytes;
}

static void counted_free(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    if (!memory) return;
    heap_bytes -= size_of(memory) + BLOCK_BYTES;
    free((char *)memory - PREFIX_BYTES);
}

static void *counted_realloc(void *memory, size_t bytes, const char *file, int line)
{
    void *larger;

    if (bytes == 0) {
        counted_free(memory, file, line);
        return NULL;
    }
    larger = counted_alloc(bytes, file, line);
    if (!larger || !memory) return larger;
    memcpy(larger, memory, size_of(memory) < bytes ? size_of(memory) : bytes);
    counted_free(memory, file, line);
    return larger;
}

/* ---- Sessions ---- */

static struct tls_worker *worker;
static struct tls_tickets *tickets;
static struct tls_context *context;
static struct tls_trial trial;
static struct certificate certificate, client_certificate, between[2];
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void open_trial(int version, bool has_certificate)
{
    tls_trial_open(&trial, context, worker);
    SSL_set_min_proto_version(trial.client, version);
    SSL_set_max_proto_version(trial.client, version);
    SSL_set_tlsext_host_name(trial.client, "a.example");
    SSL_set_alpn_protos(trial.client, (const unsigned char *)"\x04game", 5);
    if (!has_certificate) return;
    SSL_use_certificate(trial.client, client_certificate.x509);
    SSL_use_PrivateKey(trial.client, client_certificate.key);
    for (int i = 0; i < 2; i++) SSL_add1_chain_cert(trial.client, between[i].x509);
}

static int open_all(void **state)
{
    struct weir_tls settings = {.size = sizeof settings};
    struct weir_error error;

    (void)state;
    certificates_open_files();
    certificate = certificate_make(&(struct certificate_wish){.rsa_bits = 2048, .is_ca = true});
    between[0] = certificate_make(&(struct certificate_wish){
        .subject = "between 0", .rsa_bits = 4096, .is_ca = true, .issuer = &certificate});
    between[1] = certificate_make(&(struct certificate_wish){
        .subject = "between 1", .rsa_bits = 2048, .is_ca = true, .issuer = &between[0]});
    client_certificate =
        certificate_make(&(struct certificate_wish){.rsa_bits = 2048, .issuer = &between[1]});
    settings.certificate = certificate_file(&certificate, NULL, true);
    settings.client = WEIR_TLS_CLIENT_OPTIONAL;
    settings.client_ca = settings.certificate;
    settings.alpn = "game";
    tickets = tls_tickets_open();
    worker = tls_worker_open();
    require_equal(tls_context_open(&settings, tickets, &context, &error), WEIR_OK);
    for (int i = 0; i < 4; i++) { /* OpenSSL fills caches of the process */
        open_trial(versions[i % 2], i >= 2);
        tls_trial_handshake(&trial);
        tls_trial_close(&trial);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tls_context_unref(context);
    tls_tickets_unref(tickets);
    tls_worker_free(worker);
    certificate_free(&certificate);
    certificate_free(&client_certificate);
    certificate_free(&between[0]);
    certificate_free(&between[1]);
    certificates_remove_files();
    return 0;
}

/* Feeds the server, and returns how much its heap grew. The client works in between, uncounted. */
static size_t feed(const uint8_t *bytes, size_t length)
{
    size_t client_before = heap_bytes, grown = 0;
    uint8_t room[16384], plain_room[16384];
    struct filter_output out = {room, 0, sizeof room}, plain = {plain_room, 0, sizeof plain_room};
    struct filter_io io = {
        .in = bytes, .in_length = length, .plain = &plain, .out = &out, .error = &trial.error};

    if (!trial.session) trial.session = tls_session_open(context, worker);
    require(trial.session != NULL);
    trial.result = tls_session_feed(trial.session, &io);
    if (trial.result == FILTER_OPEN) trial.is_server_open = true;
    require(io.in_length == 0);
    grown = heap_bytes - client_before;
    if (out.length > 0) BIO_write(trial.to_client, room, (int)out.length);
    return grown;
}

/* Runs the handshake in steps of one byte. After each, the session's heap is at most what it
 * reports for the account. Returns the heap of the idle session. */
static size_t run_counted(int version, bool has_certificate)
{
    size_t session_bytes = 0, most = 0;
    uint8_t byte;

    open_trial(version, has_certificate);
    do {
        SSL_do_handshake(trial.client);
        while (BIO_read(trial.from_client, &byte, 1) == 1) {
            session_bytes += feed(&byte, 1);
            assert_true(trial.result == FILTER_MORE || trial.result == FILTER_OPEN);
            if (session_bytes > tls_session_held_bytes(trial.session))
                fail_msg("%zu bytes of heap, %zu reported", session_bytes,
                         tls_session_held_bytes(trial.session));
            if (session_bytes > most) most = session_bytes;
        }
    } while (!trial.is_server_open);
    SSL_do_handshake(trial.client);
    print_message("TLS 1.%d%s: %u bytes at most, %u idle\n", version == TLS1_2_VERSION ? 2 : 3,
                  has_certificate ? " with client certificate" : "", (uint32_t)most,
                  (uint32_t)session_bytes);
    return session_bytes;
}

static void an_idle_session_needs_at_most_16_kib(void **state)
{
    (void)state;
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 2; i++) {
            size_t idle = run_counted(versions[v], i > 0);
            if (i == 0) assert_true(idle <= 16 * 1024);
            assert_true(tls_session_held_bytes(trial.session) >= idle);
            tls_trial_close(&trial);
        }
}

static void a_partial_record_is_counted(void **state)
{
    static uint8_t data[16384], wire[17000];

    (void)state;
    for (int v = 0; v < 2; v++) {
        size_t idle = run_counted(versions[v], false), now = idle;
        size_t held = tls_session_held_bytes(trial.session);
        SSL_write(trial.client, data, sizeof data);
        int length = BIO_read(trial.from_client, wire, sizeof wire);
        assert_true(length > 16384);
        now += feed(wire, 1);
        assert_true(tls_session_held_bytes(trial.session) > held);
        for (int i = 1; i < length - 1; i += 97) {
            int step = length - 1 - i < 97 ? length - 1 - i : 97;
            now += feed(wire + i, (size_t)step);
            assert_true(now <= tls_session_held_bytes(trial.session));
        }
        now += feed(wire + length - 1, 1);
        assert_int_equal(tls_session_held_bytes(trial.session), held);
        assert_true(now <= held);
        tls_trial_close(&trial);
    }
}

/* Feeds a session, and adds to *grown how much its heap grew. */
static void feed_one(struct tls_session *session, const uint8_t *bytes, size_t length,
                     struct filter_output *out, size_t *grown)
{
    static uint8_t room[4096];
    struct filter_output plain = {room, 0, sizeof room};
    struct filter_io io = {.in = bytes, .in_length = length, .out = out, .error = &trial.error};
    size_t before = heap_bytes;

    do {
        io.plain = tls_session_is_open(session) ? &plain : NULL;
        trial.result = tls_session_feed(session, &io);
    } while (trial.result == FILTER_OPEN);
    require_equal(trial.result, FILTER_MORE);
    *grown += heap_bytes - before;
}

/* A ticket that contains a certificate comes in several records, byte by byte. */
static void a_partial_message_after_the_handshake_is_counted(void **state)
{
    static uint8_t room[2][16384];
    struct filter_output to_server = {room[0], 0, sizeof room[0]};
    struct filter_output to_client = {room[1], 0, sizeof room[1]};
    struct weir_tls_connect wish = {.size = sizeof wish, .insecure = true};
    struct tls_context *connecting;
    struct weir_error error;
    size_t before, grown, most = 0, unused = 0;

    (void)state;
    wish.certificate = certificate_file(&certificate, NULL, true);
    require_equal(tls_context_open_client(&wish, "a.example", &connecting, &error), WEIR_OK);
    SSL_CTX_set_max_send_fragment(context->ssl, 512);
    struct tls_session *server = tls_session_open(context, worker);
    before = heap_bytes;
    struct tls_session *client = tls_session_open(connecting, worker);
    grown = heap_bytes - before;
    feed_one(client, NULL, 0, &to_server, &grown);
    feed_one(server, to_server.bytes, to_server.length, &to_client, &unused);
    to_server.length = 0;
    feed_one(client, to_client.bytes, to_client.length, &to_server, &grown);
    to_client.length = 0;
    feed_one(server, to_server.bytes, to_server.length, &to_client, &unused);
    require(to_client.length > 800);
    for (size_t i = 0; i < to_client.length; i++) {
        feed_one(client, to_client.bytes + i, 1, &to_server, &grown);
        if (grown > most) most = grown;
        if (grown > tls_session_held_bytes(client))
            fail_msg("%zu bytes of heap, %zu reported", grown, tls_session_held_bytes(client));
    }
    print_message("%u bytes at most, %u idle\n", (uint32_t)most, (uint32_t)grown);
    SSL_CTX_set_max_send_fragment(context->ssl, SSL3_RT_MAX_PLAIN_LENGTH);
    tls_session_free(client);
    tls_session_free(server);
    tls_context_unref(connecting);
}

static void sealing_keeps_no_memory(void **state)
{
    static uint8_t data[65536];

    (void)state;
    for (int v = 0; v < 2; v++) {
        size_t idle = run_counted(versions[v], false), before = heap_bytes;
        static uint8_t room[70000];
        struct filter_output out = {room, 0, sizeof room};
        assert_true(tls_session_seal(trial.session, data, sizeof data, &out, &trial.error));
        assert_true(idle + heap_bytes - before <= 16 * 1024);
        tls_trial_close(&trial);
    }
}

/* ---- Failing allocations ---- */

/* Lets the client's hello arrive. Returns false once the n-th allocation is never reached. */
static bool hello_with_failing_allocation(const uint8_t *wire, int length, uint64_t n)
{
    uint8_t room[16384];
    struct filter_output out = {room, 0, sizeof room};
    struct filter_io io = {
        .in = wire, .in_length = (size_t)length, .plain = NULL, .out = &out, .error = &trial.error};
    struct tls_session *session;
    bool is_reached;

    allocations = 0;
    fails_in = n + 1;
    session = tls_session_open(context, worker);
    if (session) {
        enum filter_result result = tls_session_feed(session, &io);
        if (result == FILTER_BAD) assert_true(strlen(trial.error.text) > 0);
        tls_session_free(session);
    }
    is_reached = fails_in == 1;
    fails_in = 0;
    assert_int_equal(ERR_peek_error(), 0);
    return is_reached;
}

static void a_failing_allocation_ends_one_handshake(void **state)
{
    static uint8_t wire[4096];
    size_t before;
    int length;

    (void)state;
    for (int v = 0; v < 2; v++) {
        open_trial(versions[v], false);
        SSL_do_handshake(trial.client);
        length = BIO_read(trial.from_client, wire, sizeof wire);
        hello_with_failing_allocation(wire, length, 1000000); /* caches are filled once */
        before = heap_bytes;
        for (uint64_t n = 1; hello_with_failing_allocation(wire, length, n); n += n < 100 ? 1 : 7)
            assert_true(heap_bytes <= before + 4096); /* OpenSSL keeps a text per thread */
        tls_trial_close(&trial);
        open_trial(versions[v], false);
        tls_trial_handshake(&trial);
        tls_trial_close(&trial);
    }
}

static void a_failing_allocation_ends_one_outbound_session(void **state)
{
    struct weir_tls_connect wish = {.size = sizeof wish, .insecure = true};
    struct tls_context *client;
    struct weir_error error;
    bool reached = true;

    (void)state;
    assert_int_equal(tls_context_open_client(&wish, "a.example", &client, &error), WEIR_OK);
    for (uint64_t n = 1; reached; n++) {
        uint8_t room[4096];
        struct filter_output out = {room, 0, sizeof room};
        struct filter_io io = {.out = &out, .error = &trial.error};
        fails_in = n + 1;
        struct tls_session *session = tls_session_open(client, worker);
        if (session && tls_session_feed(session, &io) == FILTER_BAD)
            assert_true(strlen(trial.error.text) > 0);
        reached = fails_in == 1;
        fails_in = 0;
        if (session) tls_session_free(session);
    }
    tls_context_unref(client);
}

static void a_failing_allocation_ends_one_session(void **state)
{
    static uint8_t wire[4096];

    (void)state;
    for (uint64_t n = 1, reached = 1; reached; n++) {
        uint8_t room[4096], plain_room[4096];
        struct filter_output out = {room, 0, sizeof room},
                             plain = {plain_room, 0, sizeof plain_room};
        struct filter_io io = {
            .in = wire, .in_length = 0, .plain = &plain, .out = &out, .error = &trial.error};
        open_trial(versions[n % 2], false);
        tls_trial_handshake(&trial);
        SSL_write(trial.client, "hello", 5);
        io.in_length = (size_t)BIO_read(trial.from_client, wire, sizeof wire);
        fails_in = n + 1;
        if (tls_session_feed(trial.session, &io) != FILTER_BAD)
            tls_session_seal(trial.session, wire, 5, &out, &trial.error);
        tls_session_goodbye(trial.session, &out);
        reached = fails_in == 1;
        fails_in = 0;
        tls_trial_close(&trial);
    }
}

static void contexts_and_workers_fail_without_memory(void **state)
{
    struct certificate_wish wish = {0};
    struct certificate made = certificate_make(&wish);
    struct weir_tls_host host = {.names = "a.example",
                                 .certificate = certificate_file(&made, NULL, true)};
    struct weir_tls settings = {.size = sizeof settings, .certificate = host.certificate};
    struct weir_tls_connect connect = {.size = sizeof connect, .ca = host.certificate};
    bool reached = true;

    (void)state;
    settings.hosts = &host;
    settings.hosts_count = 1;
    settings.alpn = connect.alpn = "game";
    settings.client = WEIR_TLS_CLIENT_REQUIRED;
    settings.client_ca = host.certificate;
    for (uint64_t n = 1; reached; n += n < 50 ? 1 : 29) {
        struct tls_context *opened = NULL;
        struct weir_error error;
        fails_in = n + 1;
        if (tls_context_open(&settings, tickets, &opened, &error) == WEIR_OK)
            tls_context_unref(opened);
        reached = fails_in == 1;
        fails_in = n + 1;
        if (tls_context_open_client(&connect, "a.example", &opened, &error) == WEIR_OK)
            tls_context_unref(opened);
        reached |= fails_in == 1;
        fails_in = n + 1;
        tls_worker_free(tls_worker_open());
        fails_in = 0;
        assert_int_equal(ERR_peek_error(), 0);
    }
    for (uint64_t n = 1; n < 12; n++) { /* our own allocations */
        struct tls_context *opened = NULL;
        struct weir_error error;
        memory_fail_nth(n, 0);
        if (tls_context_open(&settings, tickets, &opened, &error) == WEIR_OK)
            tls_context_unref(opened);
        else
            assert_int_equal(error.code, WEIR_NO_MEMORY);
        memory_fail_nth(n, 0);
        if (tls_context_open_client(&connect, "a.example", &opened, &error) == WEIR_OK)
            tls_context_unref(opened);
        memory_fail_nth(n, 0);
        tls_worker_free(tls_worker_open());
        memory_fail_nth(n, 0);
        tls_tickets_unref(tls_tickets_open());
        memory_fail_nth(0, 0);
    }
    memory_fail_nth(1, 0);
    assert_null(tls_session_open(context, worker));
    memory_fail_nth(0, 0);
    certificate_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_session_needs_at_most_16_kib),
        cmocka_unit_test(a_partial_record_is_counted),
        cmocka_unit_test(a_partial_message_after_the_handshake_is_counted),
        cmocka_unit_test(sealing_keeps_no_memory),
        cmocka_unit_test(a_failing_allocation_ends_one_handshake),
        cmocka_unit_test(a_failing_allocation_ends_one_outbound_session),
        cmocka_unit_test(a_failing_allocation_ends_one_session),
        cmocka_unit_test(contexts_and_workers_fail_without_memory),
    };

    /* Before anything else of OpenSSL allocates. */
    require(CRYPTO_set_mem_functions(counted_alloc, counted_realloc, counted_free) == 1);
    return cmocka_run_group_tests(tests, open_all, close_all);
}
