/* SPDX-License-Identifier: MIT */
/* test_admission.c - refused connections, reject messages, and their log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admission.h"
#include "builtin.h"
#include "fixture.h"
#include "memory_faults.h"
#include "thread.h"

#define S 1000u /* in milliseconds */

static struct sim_peer *peers[80];
static uint32_t peers_count;

/* A server for one session, which is open; this many more connect. */
static void open_full(const struct weir_config *config, uint32_t more)
{
    fixture_open(config, NULL, &handler_echo, 1);
    peers_count = 0;
    peers[peers_count++] = fixture_connect();
    fixture_run_ms(50);
    while (peers_count <= more)
        peers[peers_count++] = sim_connect(fixture.simulation, &fixture.address, NULL);
}

static void close_full(void)
{
    while (peers_count > 0) sim_peer_close(peers[--peers_count]);
    fixture_close();
}

static struct weir_config config_of_one(const char *reject_message)
{
    struct weir_config config = fixture_config();

    config.sessions_max = 1;
    config.reject_message = reject_message;
    return config;
}

static void an_empty_reject_message_sends_nothing(void **state)
{
    static const char *const farewells[] = {NULL, ""};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct weir_config config = config_of_one(farewells[i]);
        open_full(&config, 2);
        fixture_run_ms(100);
        assert_int_equal(fixture_stats().refused_full, 2);
        assert_int_equal(fixture.loop.worker.reject_messages_open, 0);
        fixture_expect(peers[1], "");
        assert_true(sim_peer_saw_end(peers[1]) || sim_peer_saw_reset(peers[1]));
        close_full();
    }
}

static void the_number_of_concurrent_reject_messages_is_limited(void **state)
{
    struct weir_config config = config_of_one("later\n");

    (void)state;
    open_full(&config, WORKER_REJECT_MESSAGES_MAX + 3);
    fixture_run_ms(200);
    assert_int_equal(fixture_stats().refused_full, WORKER_REJECT_MESSAGES_MAX + 3);
    assert_int_equal(fixture.loop.worker.reject_messages_open,
                     WORKER_REJECT_MESSAGES_MAX); /* no client closes its side */
    close_full();
}

/* Neither a buffer nor memory: a refused client is closed without a message. */
static void a_reject_message_that_finds_no_memory_is_omitted(void **state)
{
    struct weir_config config = config_of_one("later\n");

    (void)state;
    fixture_stream_buffers_max = 64;
    open_full(&config, 2);
    fixture_take_buffers();
    memory_fail_nth(1, 1);
    fixture_run_ms(100);
    memory_fail_nth(0, 0);
    assert_int_equal(fixture_stats().refused_full, 2);
    assert_int_equal(fixture.loop.worker.reject_messages_open, 0);
    fixture_expect(peers[1], "");
    fixture_give_back_buffers();
    close_full();
    fixture_stream_buffers_max = 1024;
}

static void a_reject_message_without_a_session_is_omitted(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.deny = "127.0.0.1";
    config.reject_message = "not you\n";
    fixture_open(&config, NULL, &handler_echo, 2);
    struct sim_peer *peer = sim_connect(fixture.simulation, &fixture.address, NULL);
    memory_fail_nth(1, 1); /* the table grows with its first session */
    fixture_run_ms(100);
    memory_fail_nth(0, 0);
    assert_int_equal(fixture_stats().refused_denied, 1);
    assert_int_equal(fixture.loop.table.open_count, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- no room in the system ---- */

static void a_socket_that_the_net_cannot_adopt_is_no_session(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_per_address_max = 5;
    fixture_handles_max = 3; /* the listener, the UDP socket, and one connection */
    fixture_open(&config, NULL, &handler_echo, 3);
    fixture_handles_max = 0;
    struct sim_peer *first = fixture_connect();
    struct sim_peer *second = fixture_connect();
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().accepted, 1);
    assert_int_equal(fixture_stats().refused_failed, 1);
    assert_int_equal(fixture.limits.sessions_open, 1);
    sim_peer_close(first);
    fixture_run_ms(100);
    struct sim_peer *third = fixture_connect();
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().accepted, 2);
    sim_peer_close(second);
    sim_peer_close(third);
    fixture_close();
}

/* ---- the log ---- */

static char logged[4096];
static uint32_t logged_count;

static void note_line(void *user, int level, const char *line)
{
    (void)user;
    assert_int_equal(level, WEIR_LOG_WARNING);
    snprintf(logged, sizeof logged, "%s", line);
    logged_count++;
}

static void the_log_hears_of_each_kind_once_a_second(void **state)
{
    struct weir_config config = config_of_one(NULL);

    (void)state;
    logged_count = 0;
    open_full(&config, 0);
    fixture.common.log = (struct log){.write = note_line};
    for (int i = 0; i < 20; i++) {
        peers[peers_count++] = sim_connect(fixture.simulation, &fixture.address, NULL);
        fixture_run_ms(100);
    }
    assert_int_equal(fixture_stats().refused_full, 20);
    assert_int_equal(logged_count, 2);
    assert_non_null(strstr(logged, "sessions_max are open; 9 more not logged"));
    close_full();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_reject_message_sends_nothing),
        cmocka_unit_test(the_number_of_concurrent_reject_messages_is_limited),
        cmocka_unit_test(a_reject_message_that_finds_no_memory_is_omitted),
        cmocka_unit_test(a_reject_message_without_a_session_is_omitted),
        cmocka_unit_test(a_socket_that_the_net_cannot_adopt_is_no_session),
        cmocka_unit_test(the_log_hears_of_each_kind_once_a_second),
    };

    return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
