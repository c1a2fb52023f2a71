/* SPDX-License-Identifier: MIT */
/* test_session_rates.c - a session that rests, because it was over its rate, and what else may
 * happen to it meanwhile. Over the simulated network in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "fixture.h"

#define RATE_BYTES 8192u
#define SENT_BYTES 65536u
#define DRAIN_LOOK_MS 20u /* how often a drain looks for quiet sessions */

/* A peer that has sent more than its rate lets through, of which some is still unread. */
static struct sim_peer *resting_peer(struct weir_config *config)
{
    uint8_t bytes[SENT_BYTES];
    uint32_t sent = 0;

    memset(bytes, 'r', sizeof bytes);
    config->receive_rate_max_bytes = RATE_BYTES;
    fixture_open(config, NULL, &handler_echo, 21);
    struct sim_peer *peer = fixture_connect();
    while (sent < sizeof bytes) {
        sent += sim_peer_send(peer, bytes, (uint32_t)sizeof bytes - sent);
        fixture_iterate(FIXTURE_MS);
    }
    assert_true(fixture_stats().pauses_rate > 0);
    return peer;
}

/* Everything comes back, in turns that are so far apart. */
static void expect_all(struct sim_peer *peer, uint64_t apart_ms)
{
    uint8_t bytes[SENT_BYTES];
    uint32_t received = 0;

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && received < SENT_BYTES; i++) {
        sim_pass_ns(fixture.simulation, apart_ms * FIXTURE_MS);
        fixture_iterate(FIXTURE_MS);
        received += sim_peer_receive(peer, bytes, sizeof bytes);
    }
    assert_int_equal(received, SENT_BYTES);
}

/* The pause ends in the same iteration in which the drain checks for idle sessions. */
static void a_drain_loses_nothing_when_a_rest_ends(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = resting_peer(&config);
    remote_drain(&fixture.loop.worker, 3600 * 1000);
    expect_all(peer, 2 * DRAIN_LOOK_MS);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++)
        fixture_iterate(FIXTURE_MS);
    sim_peer_close(peer);
    fixture_run_ms(10);
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    fixture_close();
}

static void a_session_that_rests_is_not_idle(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 500; /* shorter than its rests */
    struct sim_peer *peer = resting_peer(&config);
    expect_all(peer, 0);
    assert_int_equal(fixture_stats().open, 1);
    fixture_run_ms(20000); /* the rest for the last bytes; from then on it is idle */
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 1);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_loses_nothing_when_a_rest_ends),
        cmocka_unit_test(a_session_that_rests_is_not_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
