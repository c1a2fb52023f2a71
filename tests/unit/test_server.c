/* SPDX-License-Identifier: MIT */
/* test_server.c - the library from its user's side: settings, listeners, worker threads, drain,
 * stop, counters. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "config.h"
#include "memory_faults.h"
#include "thread.h"

#define PATIENCE_S 20

static struct weir_error error;
static _Atomic int stopped;

static void on_stopped(void *user)
{
    (void)user;
    atomic_fetch_add(&stopped, 1);
}

static struct weir_server *open_server(const char *transport, uint32_t workers)
{
    struct weir_config config;
    struct weir_server *server;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = workers;
    config.on_stopped = on_stopped;
    atomic_store(&stopped, 0);
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    return server;
}

static enum weir_code listen_on(struct weir_server *server, enum weir_proto proto,
                                const char *address)
{
    struct weir_listen listen = {.size = sizeof listen, .proto = proto, .address = address};

    return weir_server_listen(server, &listen, &error);
}

static struct weir_listener_info listener_of(const struct weir_server *server, size_t index)
{
    struct weir_listener_info info;

    weir_server_listener(server, index, &info);
    return info;
}

/* Starts an echo server on a free port of 127.0.0.1. */
static struct weir_server *start_echo(const char *transport, uint32_t workers, uint16_t *port)
{
    struct weir_server *server = open_server(transport, workers);

    assert_int_equal(listen_on(server, WEIR_TCP, "127.0.0.1:0"), WEIR_OK);
    if (weir_server_start(server, &error) != WEIR_OK) {
        weir_server_free(server);
        return NULL;
    }
    *port = listener_of(server, 0).address.port;
    return server;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void echo_once(int fd)
{
    char got[8];

    assert_int_equal(send(fd, "echo", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(recv(fd, got, 4, MSG_WAITALL), 4);
    assert_memory_equal(got, "echo", 4);
}

static void serve_some(const char *transport)
{
    enum { CLIENTS = 40 };
    struct weir_stats stats;
    int clients[CLIENTS];
    uint16_t port;
    struct weir_server *server = start_echo(transport, 3, &port);

    if (!server) skip();
    for (int i = 0; i < CLIENTS; i++) clients[i] = connect_to(port);
    for (int i = 0; i < 10 * CLIENTS; i++) {
        echo_once(clients[i % CLIENTS]);
        weir_server_stats(server, &stats); /* from another thread, while the workers count */
    }
    assert_int_equal(stats.accepted, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        char byte;
        shutdown(clients[i], SHUT_WR);
        assert_int_equal(recv(clients[i], &byte, 1, 0), 0);
        close(clients[i]);
    }
    weir_server_drain(server, 60000);
    weir_server_wait(server);
    weir_server_stats(server, &stats);
    assert_int_equal(stats.accepted, CLIENTS);
    assert_int_equal(stats.closed, CLIENTS);
    assert_int_equal(stats.open, 0);
    assert_int_equal(stats.bytes_in, 40 * CLIENTS);
    assert_int_equal(stats.bytes_out, 40 * CLIENTS);
    assert_int_equal(atomic_load(&stopped), 1);
    weir_server_free(server);
}

static void test_serves_on_epoll(void **state)
{
    (void)state;
    serve_some("epoll");
}

static void test_serves_on_uring(void **state)
{
    (void)state;
    serve_some("uring");
}

static void test_free_closes_everything(void **state)
{
    uint16_t port;
    char byte;
    struct weir_server *server = start_echo("auto", 2, &port);

    (void)state;
    int fd = connect_to(port);
    echo_once(fd);
    weir_server_free(server);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

static void test_requests_after_the_end_have_no_effect(void **state)
{
    uint16_t port;
    struct weir_server *server = start_echo("auto", 2, &port);

    (void)state;
    weir_server_stop(server);
    weir_server_wait(server);
    weir_server_drain(server, 0);
    weir_server_stop(server);
    weir_server_wait(server);
    assert_int_equal(atomic_load(&stopped), 1);
    weir_server_free(server);
    weir_server_free(NULL);
}

static void test_workers_share_one_address(void **state)
{
    struct weir_server *server = open_server("auto", 4);

    (void)state;
    assert_int_equal(listen_on(server, WEIR_TCP, "0"), WEIR_OK);
    assert_int_equal(listen_on(server, WEIR_UDP, "[::1]:0"), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_OK);
    assert_int_equal(weir_server_listeners_count(server), 2);
    struct weir_listener_info info;
    weir_server_listener(server, 1, &info);
    assert_int_equal(info.proto, WEIR_UDP);
    assert_int_not_equal(info.address.port, 0);
    assert_int_equal(info.workers, 4);
    assert_string_equal(info.codec, "datagram");
    assert_string_equal(info.handler, "echo");
    weir_server_free(server);
}

static void test_an_address_in_use_is_an_error_without_leaks(void **state)
{
    char address[32], text[512];
    uint16_t port;
    struct weir_server *first = start_echo("auto", 2, &port), *second = open_server("auto", 2);

    (void)state;
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_int_equal(listen_on(second, WEIR_UDP, "127.0.0.1:0"), WEIR_OK);
    assert_int_equal(listen_on(second, WEIR_TCP, address), WEIR_OK);
    assert_int_equal(weir_server_start(second, &error), WEIR_ADDRESS_IN_USE);
    weir_error_text(&error, text, sizeof text);
    assert_non_null(strstr(text, address));
    assert_non_null(strstr(text, "EADDRINUSE"));
    weir_server_free(second);
    assert_int_equal(atomic_load(&stopped), 0); /* on_stopped runs only after a start */
    weir_server_free(first);
}

static void test_a_failed_start_does_not_call_on_stopped(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct weir_server *server = open_server(i % 2 ? "epoll" : "nonsense", 1 + (uint32_t)i % 3);
        assert_int_equal(listen_on(server, WEIR_TCP, "192.0.2.1:1"), WEIR_OK);
        assert_int_not_equal(weir_server_start(server, &error), WEIR_OK);
        weir_server_free(server);
        assert_int_equal(atomic_load(&stopped), 0);
    }
}

static void test_a_request_before_the_start_is_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct weir_server *server = open_server("auto", 3);
        assert_int_equal(listen_on(server, WEIR_TCP, "127.0.0.1:0"), WEIR_OK);
        if (i == 0)
            weir_server_stop(server);
        else
            weir_server_drain(server, 60000);
        assert_int_equal(weir_server_start(server, &error), WEIR_OK);
        weir_server_wait(server); /* returns, because of the request */
        assert_int_equal(atomic_load(&stopped), 1);
        weir_server_free(server);
    }
}

static int request_delay; /* delay of the request, so that it hits every phase of the start */

static void make_requests(void *argument)
{
    struct weir_stats stats;

    for (int i = 0; i < request_delay; i++) weir_server_stats(argument, &stats);
    weir_server_stop(argument);
}

static void test_a_request_during_the_start_is_kept(void **state)
{
    int os_error;

    (void)state;
    for (request_delay = 0; request_delay < 4000; request_delay += 100) {
        struct weir_server *server = open_server("epoll", 8);
        assert_int_equal(listen_on(server, WEIR_TCP, "127.0.0.1:0"), WEIR_OK);
        struct thread *thread = thread_start("orders", make_requests, server, &os_error);
        assert_non_null(thread);
        assert_int_equal(weir_server_start(server, &error), WEIR_OK);
        weir_server_wait(server);
        thread_join(thread);
        weir_server_free(server);
    }
}

/* No allocation per message: 100 echoes need as many allocations as 10,000. */
static void allocations_stay(const char *transport)
{
    uint16_t port;
    struct weir_server *server = start_echo(transport, 1, &port);

    if (!server) skip();
    int fd = connect_to(port);
    for (int i = 0; i < 100; i++) echo_once(fd);
    uint64_t before = memory_allocations_count();
    for (int i = 0; i < 10000; i++) echo_once(fd);
    assert_int_equal(memory_allocations_count(), before);
    close(fd);
    weir_server_free(server);
}

static void test_no_allocation_per_message(void **state)
{
    (void)state;
    allocations_stay("epoll");
    allocations_stay("uring");
}

/* A program built with an older, smaller configuration struct. */
static void test_a_smaller_configuration_is_read_within_its_size(void **state)
{
    const size_t smaller = offsetof(struct weir_config, user) + sizeof(void *);
    struct {
        struct weir_config config;
        uint8_t behind[64];
    } memory;
    struct weir_server *server;

    (void)state;
    memset(&memory, 0x5a, sizeof memory);
    weir_config_init_sized(&memory.config, smaller);
    assert_int_equal(memory.config.size, smaller);
    for (size_t i = smaller; i < sizeof memory; i++)
        assert_int_equal(((uint8_t *)&memory)[i], 0x5a);
    assert_int_equal(weir_server_open(&memory.config, &server, &error), WEIR_OK);
    weir_server_free(server);
    memory.config.size = sizeof memory.config + 8;
    assert_int_equal(weir_server_open(&memory.config, &server, &error), WEIR_INVALID);
}

static void test_wrong_settings_are_named(void **state)
{
    struct weir_config config;
    struct weir_server *server;
    char text[512];

    (void)state;
#define REFUSED(setting, value)                                                 \
    weir_config_init(&config);                                                  \
    config.setting = value;                                                     \
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_INVALID); \
    assert_null(server);                                                        \
    assert_non_null(strstr(weir_error_text(&error, text, sizeof text), #setting))
    REFUSED(size, 1);
    REFUSED(transport, NULL);
    REFUSED(workers, 256);
    REFUSED(sessions_max, 0);
    REFUSED(sessions_max, UINT32_MAX);
    REFUSED(send_queue_high_bytes, 0);
    REFUSED(send_queue_low_bytes, 1024 * 1024);
    REFUSED(buffer_bytes, 100);
    REFUSED(buffer_bytes, 1u << 30);
    REFUSED(buffer_memory_max_bytes, 1);
    REFUSED(datagram_memory_max_bytes, 1);
    REFUSED(datagram_receives, 0);
    REFUSED(datagram_receives, 65537);
    REFUSED(memory_max_bytes, 0);
    REFUSED(memory_max_bytes, UINT64_MAX);
    REFUSED(buffer_memory_max_bytes, UINT64_C(2) << 30);   /* above memory_max_bytes */
    REFUSED(datagram_memory_max_bytes, UINT64_C(1) << 30); /* no room beside the other parts */
    REFUSED(mailbox_bytes_max, UINT32_C(1) << 30);
    REFUSED(send_queue_high_bytes, UINT32_C(1) << 30); /* above buffer_memory_max_bytes */
    REFUSED(listen_backlog, 0);
    REFUSED(log_lines_max, 0);
    REFUSED(log_lines_max, 65537);
    REFUSED(log_flush_ms, UINT32_MAX);
#undef REFUSED
}

/* A small memory: all of its parts shrink with it, so that each setting alone is enough. */
static void test_parts_follow_from_the_memory(void **state)
{
    struct weir_config given, config;

    (void)state;
    weir_config_init(&given);
    given.memory_max_bytes = 64 << 20;
    given.workers = 4;
    assert_int_equal(config_read(&given, &config, &error), WEIR_OK);
    assert_int_equal(config_worker_memory_bytes(&config), 16 << 20);
    assert_int_equal(config.buffer_memory_max_bytes, 12 << 20);
    assert_int_equal(config.datagram_memory_max_bytes, 2 << 20);
    assert_int_equal(config.mailbox_bytes_max, 1 << 20);
    given.memory_max_bytes = UINT64_C(8) << 30;
    given.mailbox_bytes_max = 1000;
    given.buffer_memory_max_bytes = 3 << 20;
    assert_int_equal(config_read(&given, &config, &error), WEIR_OK);
    assert_int_equal(config.mailbox_bytes_max, 1000);
    assert_int_equal(config.buffer_memory_max_bytes, 3 << 20);
    assert_int_equal(config.datagram_memory_max_bytes, 256 << 20);
    given.mailbox_bytes_max = 0;
    assert_int_equal(config_read(&given, &config, &error), WEIR_OK);
    assert_int_equal(config.mailbox_bytes_max, 8 << 20);
}

static enum weir_decoded probe_nothing(void *user, const uint8_t *bytes, size_t length,
                                       struct weir_header *header,
                                       struct weir_decode_error *decode_error)
{
    (void)user, (void)bytes, (void)length, (void)header, (void)decode_error;
    return WEIR_DECODED_MORE;
}

static void test_a_custom_codec_and_a_custom_probe_are_refused(void **state)
{
    static const struct weir_codec codec = {
        .size = sizeof codec, .name = "codec", .summary = "", .streams = true};
    static const struct weir_probe probe = {.size = sizeof probe, .name = "probe"};
    struct weir_listen listen = {
        .size = sizeof listen, .address = "0", .custom_codec = &codec, .custom_probe = &probe};
    struct weir_server *server;

    (void)state;
    assert_int_equal(weir_server_open(NULL, &server, &error), WEIR_OK);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "custom_codec and custom_probe are both set");
    weir_server_free(server);
}

static void test_a_custom_probe_becomes_the_codec(void **state)
{
    struct weir_server *server = open_server("auto", 1);
    struct weir_probe probe = {.size = sizeof probe, .name = "mine", .probe = probe_nothing};
    struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "0", .custom_probe = &probe};

    (void)state;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "header_bytes_max is 0");
    probe.header_bytes_max = 4;
    listen.proto = WEIR_UDP;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "mine");
    listen.proto = WEIR_TCP;
    listen.codec = "line"; /* the custom probe has precedence */
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    memset(&probe, 0, sizeof probe); /* the server has copied it */
    assert_int_equal(weir_server_listeners_count(server), 1);
    assert_string_equal(listener_of(server, 0).codec, "mine");
    weir_server_free(server);
}

static void test_wrong_listeners_are_named(void **state)
{
    struct weir_server *server = open_server("auto", 1);
    struct weir_listen listen = {
        .size = sizeof listen, .proto = WEIR_TCP, .address = "0", .codec = "nonsense"};

    (void)state;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "nonsense");
    listen.codec = "datagram";
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    listen.codec = NULL;
    listen.address = NULL;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    listen.address = "0";
    listen.handler = "nobody";
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "nobody");
    assert_int_equal(listen_on(server, WEIR_TCP, "somewhere"), WEIR_INVALID);
    assert_int_equal(weir_server_start(server, &error), WEIR_INVALID); /* no listener */
    weir_server_free(server);
    server = open_server("carrier-pigeon", 1);
    assert_int_equal(listen_on(server, WEIR_TCP, "0"), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_INVALID);
    assert_non_null(strstr(error.hint, "epoll"));
    weir_server_free(server);
}

static void test_verify_rio_is_an_error_on_other_transports(void **state)
{
    struct weir_config config;
    struct weir_server *server;

    (void)state;
    weir_config_init(&config);
    config.transport = "epoll";
    config.verify_rio = true;
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    assert_int_equal(listen_on(server, WEIR_TCP, "127.0.0.1:0"), WEIR_OK);
    assert_int_equal(weir_server_start(server, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "epoll");
    weir_server_free(server);
}

/* ---- the log ---- */

static struct gate *log_gate;
static _Atomic int log_calls, log_returns;

/* A log function that blocks. */
static void pass_gate(void *user, enum weir_log_level level, const char *line)
{
    (void)user, (void)level, (void)line;
    atomic_fetch_add(&log_calls, 1);
    gate_pass(log_gate);
    atomic_fetch_add(&log_returns, 1);
}

static struct weir_server *open_logging(const char *transport, uint32_t workers)
{
    struct weir_config config;
    struct weir_server *server;

    weir_config_init(&config);
    config.transport = transport;
    config.workers = workers;
    config.log = pass_gate;
    config.log_lines_max = 1;
    config.log_flush_ms = 1;
    assert_int_equal(weir_server_open(&config, &server, &error), WEIR_OK);
    return server;
}

/* Sends a frame that is too long, and waits until the server has closed the connection. */
static void send_bad_frame(uint16_t port)
{
    char byte;
    int fd = connect_to(port);

    assert_int_equal(send(fd, "\xff\xff", 2, MSG_NOSIGNAL), 2);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
}

static void log_blocks_no_worker(const char *transport)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = "127.0.0.1:0",
                                 .codec = "u16be,max=100"};
    struct weir_server *server = open_logging(transport, 1);
    struct weir_stats stats = {0};
    char text[4096], got[6];

    log_gate = gate_open();
    atomic_store(&log_calls, 0);
    atomic_store(&log_returns, 0);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    if (weir_server_start(server, &error) != WEIR_OK) {
        weir_server_free(server);
        gate_free(log_gate);
        skip();
    }
    uint16_t port = listener_of(server, 0).address.port;
    weir_log(server, WEIR_LOG_WARNING, "the first line");
    while (atomic_load(&log_calls) == 0) thread_yield(); /* it blocks */
    while (stats.log_lines_lost == 0) {                  /* a line per second, of which one waits */
        send_bad_frame(port);
        weir_server_stats(server, &stats);
    }
    assert_int_equal(atomic_load(&log_calls), 1);
    assert_non_null(strstr(weir_stats_text(&stats, text, sizeof text), " log_lines_lost=1"));
    int fd = connect_to(port);
    assert_int_equal(send(fd, "\0\4echo", 6, MSG_NOSIGNAL), 6);
    assert_int_equal(recv(fd, got, 6, MSG_WAITALL), 6);
    assert_memory_equal(got, "\0\4echo", 6);
    close(fd);
    weir_server_drain(server, 60000);
    weir_server_wait(server);
    weir_server_free(server); /* the call of the log is still blocked */
    assert_int_equal(atomic_load(&log_returns), 0);
    gate_unlock(log_gate);
    while (atomic_load(&log_returns) == 0) thread_yield();
    gate_free(log_gate);
}

static void test_a_blocked_log_blocks_no_worker(void **state)
{
    (void)state;
    log_blocks_no_worker("epoll");
    log_blocks_no_worker("uring");
}

/* Fails each allocation of a start, up to the one for the log's thread. */
static void test_a_start_without_a_thread_for_the_log_is_an_error(void **state)
{
    bool seen = false;

    (void)state;
    for (uint64_t n = 1; !seen; n++) {
        struct weir_server *server = open_logging("epoll", 1);
        assert_int_equal(listen_on(server, WEIR_TCP, "127.0.0.1:0"), WEIR_OK);
        memory_fail_nth(n, 0);
        assert_int_equal(weir_server_start(server, &error), WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
        seen = strcmp(error.operation, "start the log's thread") == 0;
        weir_server_free(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serves_on_epoll),
        cmocka_unit_test(test_serves_on_uring),
        cmocka_unit_test(test_free_closes_everything),
        cmocka_unit_test(test_requests_after_the_end_have_no_effect),
        cmocka_unit_test(test_workers_share_one_address),
        cmocka_unit_test(test_an_address_in_use_is_an_error_without_leaks),
        cmocka_unit_test(test_a_failed_start_does_not_call_on_stopped),
        cmocka_unit_test(test_a_request_before_the_start_is_kept),
        cmocka_unit_test(test_a_request_during_the_start_is_kept),
        cmocka_unit_test(test_no_allocation_per_message),
        cmocka_unit_test(test_a_smaller_configuration_is_read_within_its_size),
        cmocka_unit_test(test_wrong_settings_are_named),
        cmocka_unit_test(test_parts_follow_from_the_memory),
        cmocka_unit_test(test_a_custom_probe_becomes_the_codec),
        cmocka_unit_test(test_a_custom_codec_and_a_custom_probe_are_refused),
        cmocka_unit_test(test_wrong_listeners_are_named),
        cmocka_unit_test(test_verify_rio_is_an_error_on_other_transports),
        cmocka_unit_test(test_a_blocked_log_blocks_no_worker),
        cmocka_unit_test(test_a_start_without_a_thread_for_the_log_is_an_error),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
