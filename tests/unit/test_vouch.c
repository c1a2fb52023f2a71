/* SPDX-License-Identifier: MIT */
/* test_vouch.c - weir_session_vouch() lifts the limits on replies, a reply limit is logged once,
 * and weir_session_local_address() for both protocols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"

static char logged[512];
static uint32_t logged_count;

static void note_line(void *user, int level, const char *line)
{
    (void)user;
    if (level != WEIR_LOG_WARNING) return;
    snprintf(logged, sizeof logged, "%s", line);
    logged_count++;
}

static struct net_address local, local_at_close;

static struct net_address local_of(const struct weir_session *session)
{
    struct weir_address address;

    assert_ptr_equal(weir_session_local_address(session, &address), &address);
    return address_of_public(&address);
}

/* "v": vouches. "N...": answers with ten times N bytes. */
static void vouch_or_answer(struct weir_session *session, const struct weir_message *message)
{
    static const char much[100];

    local = local_of(session);
    if (message->bytes[0] == 'v')
        weir_session_vouch(session);
    else
        weir_session_send(session, much, 10 * (size_t)(message->bytes[0] - '0'));
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason;
    (void)text;
    local_at_close = local_of(session);
}

static const struct weir_handler handler_vouch = {.size = sizeof(struct weir_handler),
                                                  .name = "vouch",
                                                  .session_bytes = 1,
                                                  .on_message = vouch_or_answer,
                                                  .on_close = note_close};

/* It keeps nothing about its peers. */
static const struct weir_handler handler_transient = {
    .size = sizeof(struct weir_handler), .name = "vouch", .on_message = vouch_or_answer};

static void open_fixture(const struct weir_handler *handler, uint32_t percent_max,
                         uint32_t rate_max)
{
    struct weir_config config = fixture_config();

    config.datagram_reply_percent_max = percent_max;
    config.datagram_reply_rate_max = rate_max;
    logged_count = 0;
    fixture_open(&config, NULL, handler, 1);
    fixture.common.log = (struct log){.write = note_line};
}

static const struct net_address *far_away(void)
{
    static struct net_address from;

    from = address_of_v4(0x0a000009, 4000);
    return &from;
}

/* Loopback peers have no rate limit, so the sender is elsewhere. */
static uint64_t answers_to(const char *text, int times)
{
    uint64_t before = fixture_stats().datagrams_out;

    for (int i = 0; i < times; i++) {
        sim_inject(fixture.simulation, far_away(), &fixture.address, text, (uint32_t)strlen(text));
        fixture_iterate(FIXTURE_MS);
    }
    fixture_iterations(20);
    return fixture_stats().datagrams_out - before;
}

static void a_peer_that_is_vouched_for_gets_more_than_it_sent(void **state)
{
    (void)state;
    open_fixture(&handler_vouch, 100, 0);
    assert_int_equal(answers_to("1", 3), 0);
    assert_int_equal(fixture_stats().dropped_reply, 3);
    assert_int_equal(logged_count, 1); /* once per server */
    assert_non_null(strstr(logged, "10.0.0.9:4000"));
    assert_non_null(strstr(logged, "datagram_reply_percent_max (--udp-reply-ratio) allows 100 %"));
    assert_non_null(strstr(logged, "weir_session_vouch()"));
    assert_int_equal(answers_to("v", 1), 0);
    assert_int_equal(answers_to("1", 3), 3);
    assert_int_equal(answers_to("9", 3), 3);
    assert_int_equal(fixture_stats().dropped_reply, 3);
    fixture_close();
}

static void a_peer_that_is_vouched_for_has_no_rate_limit(void **state)
{
    (void)state;
    open_fixture(&handler_vouch, 0, 10);
    assert_int_equal(answers_to("1", 30), 10);
    assert_int_equal(answers_to("v", 1), 0);
    assert_int_equal(answers_to("1", 30), 30);
    fixture_close();
}

/* A new session of the same address has its limits again. */
static void vouching_ends_with_the_session(void **state)
{
    (void)state;
    open_fixture(&handler_vouch, 100, 0);
    assert_int_equal(answers_to("v", 1), 0);
    assert_int_equal(answers_to("1", 1), 1);
    struct weir_session *session =
        weir_container_of(fixture.loop.worker.udp_sessions.next, struct weir_session, in_sessions);
    weir_session_finish(session);
    fixture_iterations(20);
    assert_int_equal(answers_to("1", 1), 0);
    fixture_close();
}

static void vouching_for_a_transient_session_has_no_effect(void **state)
{
    (void)state;
    open_fixture(&handler_transient, 100, 0);
    assert_int_equal(answers_to("v", 1), 0);
    assert_int_equal(answers_to("1", 1), 0);
    assert_int_equal(fixture_stats().dropped_reply, 1);
    fixture_close();
}

/* Its first answer is longer than any request. */
static void the_chat_over_udp_says_why_it_is_silent(void **state)
{
    (void)state;
    open_fixture(&handler_chat, 100, 0);
    assert_int_equal(answers_to("x", 3), 0);
    assert_int_equal(logged_count, 1);
    assert_non_null(strstr(logged, "--udp-reply-ratio"));
    fixture_close();
}

static void the_local_address_is_the_peers_destination(void **state)
{
    (void)state;
    open_fixture(&handler_vouch, 0, 0);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "v");
    fixture_run_ms(20);
    assert_true(address_equals(&local, &fixture.address));
    assert_int_equal(local.port, 5050);
    sim_peer_close(peer);
    local_at_close = fixture.address;
    fixture_run_ms(20);
    assert_int_equal(local_at_close.port, 0); /* the connection is closed */
    local = (struct net_address){.port = 0};
    answers_to("v", 1);
    assert_true(address_equals(&local, &fixture.address));
    fixture_close();
    assert_int_equal(local_at_close.port, 5050);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_is_vouched_for_gets_more_than_it_sent),
        cmocka_unit_test(a_peer_that_is_vouched_for_has_no_rate_limit),
        cmocka_unit_test(vouching_ends_with_the_session),
        cmocka_unit_test(vouching_for_a_transient_session_has_no_effect),
        cmocka_unit_test(the_chat_over_udp_says_why_it_is_silent),
        cmocka_unit_test(the_local_address_is_the_peers_destination),
    };

    return cmocka_run_group_tests_name("vouch", tests, NULL, NULL);
}
