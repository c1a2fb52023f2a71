/* SPDX-License-Identifier: MIT */
/* test_groups.c - groups by name, and broadcasts to members that are framed otherwise, are datagram
 * peers, are full, or find no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "memory_faults.h"
#include "remote.h"

/* A word joins the group of that name, "-word" leaves it; the code is kept. */
static enum weir_code last_code;

static void join_or_leave(struct weir_session *session, const struct weir_message *message)
{
    char name[80];

    snprintf(name, sizeof name, "%.*s", (int)message->length, (const char *)message->bytes);
    if (name[0] == '-')
        weir_session_leave(session, name + 1);
    else
        last_code = weir_session_join(session, name);
}

static const struct weir_handler handler_join = {.size = sizeof(struct weir_handler),
                                                 .name = "join",
                                                 .summary = "",
                                                 .session_bytes = 8,
                                                 .on_message = join_or_leave};

static void open_fixture(const struct weir_codec *codec)
{
    struct weir_config config = fixture_config();

    fixture_open(&config, codec, &handler_join, 1);
}

static void broadcast_as(const struct weir_codec *codec, const char *group, const char *text)
{
    enum weir_code code;
    struct payload *payload = payload_open(codec, text, strlen(text), &code);

    assert_non_null(payload);
    snprintf(payload->group, sizeof payload->group, "%s", group);
    payload->group_hash = group_hash(&fixture.common, payload->group);
    assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
    payload_unref(payload);
    fixture_run_ms(50);
}

static void joining_twice_is_joining_once(void **state)
{
    (void)state;
    open_fixture(&codec_dot);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.a.b.c.");
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 3);
    broadcast_as(&codec_dot, "a", "once");
    fixture_expect(peer, "once.");
    fixture_say(peer, "-b.-b.-never.");
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 2);
    broadcast_as(&codec_dot, "b", "gone");
    broadcast_as(&codec_dot, "c", "last");
    fixture_expect(peer, "last.");
    fixture_say(peer, "-a.-c.");
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void a_group_ends_with_its_last_member(void **state)
{
    (void)state;
    open_fixture(&codec_dot);
    struct sim_peer *one = fixture_connect(), *two = fixture_connect();
    fixture_say(one, "a.");
    fixture_say(two, "a.");
    fixture_run_ms(50);
    fixture_say(one, "-a.");
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 1);
    sim_peer_close(two);
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 0);
    sim_peer_close(one);
    fixture_close();
}

static void names_have_their_bounds(void **state)
{
    char name[WEIR_GROUP_NAME_BYTES_MAX + 2];

    (void)state;
    open_fixture(NULL);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(weir_session_join(session, ""), WEIR_INVALID);
    assert_int_equal(weir_session_join(session, name), WEIR_INVALID);
    assert_int_equal(weir_session_join(session, name + 1), WEIR_OK);
    for (int i = 1; i < (int)fixture.common.config.groups_per_session_max; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(weir_session_join(session, name), WEIR_OK);
    }
    assert_int_equal(weir_session_join(session, "one more"), WEIR_NO_ROOM);
    assert_int_equal(weir_session_join(session, "1"), WEIR_OK);
    sim_peer_close(peer);
    fixture_close();
}

/* More groups than the table has buckets: some share one. */
static void groups_of_one_slot_are_distinct(void **state)
{
    struct sim_peer *peers[2];
    struct weir_session *session;
    char name[16];

    (void)state;
    open_fixture(&codec_dot);
    for (int i = 0; i < 2; i++) peers[i] = fixture_connect();
    fixture_run_ms(20);
    session =
        weir_container_of(fixture.loop.worker.tcp_sessions.next, struct weir_session, in_sessions);
    assert_int_equal(weir_session_join(session, "mine"), WEIR_OK);
    session = weir_container_of(fixture.loop.worker.tcp_sessions.previous, struct weir_session,
                                in_sessions);
    for (int i = 0; i < 10000; i++) { /* now and then in the bucket of "mine" */
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(weir_session_join(session, name), WEIR_OK);
        assert_int_equal(fixture.loop.groups.by_name.count, 2);
        weir_session_leave(session, name);
        assert_int_equal(fixture.loop.groups.by_name.count, 1);
    }
    for (int i = 0; i < 2; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void without_memory_no_session_joins(void **state)
{
    (void)state;
    open_fixture(NULL);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    for (uint64_t nth = 1; nth <= 2; nth++) { /* the membership, the group */
        memory_fail_nth(nth, 0);
        assert_int_equal(weir_session_join(fixture_only_session(), "a"), WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
        assert_int_equal(fixture.loop.groups.by_name.count, 0);
    }
    assert_int_equal(weir_session_join(fixture_only_session(), "a"), WEIR_OK);
    sim_peer_close(peer);
    fixture_close();
}

/* The table grows with the groups of many sessions, and shrinks to nothing. */
static void the_table_grows_with_the_groups(void **state)
{
    struct weir_config config = fixture_config();
    char name[16];

    (void)state;
    config.groups_per_session_max = 5000;
    fixture_open(&config, &codec_dot, &handler_join, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(weir_session_join(session, name), WEIR_OK);
    }
    assert_int_equal(weir_session_join(session, "one more"), WEIR_NO_ROOM);
    assert_int_equal(fixture.loop.groups.by_name.buckets_count, 5000);
    /* What the table takes is charged, too. */
    assert_true(fixture.loop.worker.account.membership_bytes >
                5000 * (sizeof(struct group) + sizeof(struct group_membership) + 32));
    broadcast_as(&codec_dot, "4999", "last");
    broadcast_as(&codec_dot, "5000", "nobody's");
    fixture_expect(peer, "last.");
    sim_peer_close(peer);
    fixture_run_ms(50);
    assert_int_equal(fixture.loop.groups.by_name.count, 0);
    assert_int_equal(fixture.loop.groups.by_name.buckets_count, HASH_TABLE_FIRST_BUCKETS);
    assert_int_equal(fixture.loop.worker.account.membership_bytes, 0);
    fixture_close();
}

/* ---- broadcasts ---- */

static void each_member_gets_it_as_its_listener_frames_it(void **state)
{
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060), .backlog = 8};
    struct service service;
    struct listener raw;

    (void)state;
    open_fixture(&codec_dot);
    service_init(&service, WEIR_TCP, &codec_raw, &handler_join, &fixture.common.config);
    assert_int_equal(listener_open(&raw, &fixture.loop.worker, &service, &where, NULL), WEIR_OK);
    struct sim_peer *dotted = fixture_connect(), *again = fixture_connect();
    struct sim_peer *plain = sim_connect(fixture.simulation, &where.address, NULL);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_run_ms(20);
    fixture_say(dotted, "a.");
    fixture_run_ms(20);
    fixture_say(plain, "a");
    fixture_send_to(socket, "a");
    fixture_run_ms(20);
    fixture_say(again, "a.");
    fixture_run_ms(20);
    broadcast_as(&codec_raw, "a", "one");
    broadcast_as(&codec_dot, "a", "two");
    broadcast_as(&codec_raw, "a", "no.no"); /* no frame of codec_dot can carry it */
    broadcast_as(&codec_raw, "a", "");
    fixture_expect(dotted, "one.two..");
    fixture_expect(again, "one.two..");
    fixture_expect(plain, "onetwono.no");
    fixture_hear(socket, "one");
    fixture_hear(socket, "two");
    fixture_hear(socket, "no.no");
    fixture_hear(socket, "");
    struct weir_stats stats = fixture_stats();
    assert_int_equal(stats.sends_not_framed, 2);
    assert_int_equal(stats.broadcasts_offered, 16);
    assert_int_equal(stats.broadcasts_delivered, 14);
    assert_int_equal(stats.broadcasts_dropped_not_framed, 2);
    sim_peer_close(dotted);
    sim_peer_close(again);
    sim_peer_close(plain);
    sim_datagrams_close(socket);
    fixture_close();
}

static void a_member_that_is_ending_gets_nothing(void **state)
{
    (void)state;
    open_fixture(&codec_dot);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    weir_session_finish(fixture_only_session());
    broadcast_as(&codec_dot, "a", "late");
    fixture_expect(peer, "");
    assert_int_equal(fixture_stats().messages_out, 0);
    assert_int_equal(fixture_stats().broadcasts_offered, 1);
    assert_int_equal(fixture_stats().broadcasts_dropped_closed, 1);
    sim_peer_close(peer);
    fixture_close();
}

/* For another codec it is framed anew, and queued: either may find no memory. */
static void without_memory_a_broadcast_is_missed(void **state)
{
    (void)state;
    open_fixture(&codec_dot);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    for (uint64_t nth = 1; nth <= 2; nth++) {
        enum weir_code code;
        struct payload *payload = payload_open(&codec_raw, "x", 1, &code);
        snprintf(payload->group, sizeof payload->group, "a");
        payload->group_hash = group_hash(&fixture.common, payload->group);
        assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
        payload_unref(payload);
        memory_fail_nth(nth, 0);
        fixture_run_ms(50);
        memory_fail_nth(0, 0);
        assert_int_equal(fixture_stats().sends_no_memory, nth);
    }
    broadcast_as(&codec_raw, "a", "y");
    fixture_expect(peer, "y.");
    assert_int_equal(fixture_stats().broadcasts_offered, 3);
    assert_int_equal(fixture_stats().broadcasts_dropped_no_memory, 2);
    assert_int_equal(weir_session_missed(fixture_only_session()), 2);
    sim_peer_close(peer);
    fixture_close();
}

/* The one that is left out is offered nothing. */
static void an_excluded_member_does_not_count(void **state)
{
    enum weir_code code;

    (void)state;
    open_fixture(&codec_dot);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    struct payload *payload = payload_open(&codec_dot, "x", 1, &code);
    snprintf(payload->group, sizeof payload->group, "a");
    payload->group_hash = group_hash(&fixture.common, payload->group);
    payload->except_id = fixture_only_session()->id;
    assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
    payload_unref(payload);
    fixture_run_ms(50);
    fixture_expect(peer, "");
    assert_int_equal(fixture_stats().broadcasts_offered, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* A member that gets no datagram, because it sent less than it would get. */
static void a_reply_limit_drops_a_broadcast(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_reply_percent_max = 100;
    fixture_open(&config, &codec_dot, &handler_join, 1);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "a");
    fixture_run_ms(20);
    broadcast_as(&codec_dot, "a", "more than it sent");
    broadcast_as(&codec_dot, "a", "b");
    fixture_hear(socket, "b");
    assert_int_equal(fixture_stats().broadcasts_offered, 2);
    assert_int_equal(fixture_stats().broadcasts_delivered, 1);
    assert_int_equal(fixture_stats().broadcasts_dropped_reply, 1);
    sim_datagrams_close(socket);
    fixture_close();
}

/* ---- a full queue ---- */

/* A member that has not read for long, its queue full of answers, of which none may be lost. */
static struct sim_peer *open_full(enum weir_broadcast_policy policy)
{
    static const char much[100000];
    struct weir_config config = fixture_config();

    config.broadcast_policy = policy;
    fixture_open(&config, &codec_raw, &handler_join, 3);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a");
    fixture_run_ms(20);
    for (int i = 0; i < 10; i++) {
        (void)session_send(fixture_only_session(), much, 30000);
        fixture_run_ms(20);
    }
    assert_true(fixture_only_session()->send_out);
    return peer;
}

static void a_broadcast_larger_than_the_mark_is_nobodys(void **state)
{
    static char huge[128 * 1024 + 1];
    enum weir_code code;

    (void)state;
    open_full(WEIR_BROADCAST_DROP_OLDEST);
    struct payload *payload = payload_open(&codec_raw, huge, sizeof huge - 1, &code);
    session_share(fixture_only_session(), payload);
    payload_unref(payload);
    assert_int_equal(fixture_stats().sends_dropped, 1);
    fixture_close();
}

/* A member that does not read: whatever the policy, each offer has one fate. */
static void each_offer_to_a_full_queue_has_one_fate(void **state)
{
    static char text[20001];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    for (int policy = 0; policy <= WEIR_BROADCAST_DROP_OLDEST; policy++) {
        struct sim_peer *peer = open_full((enum weir_broadcast_policy)policy);
        for (int i = 0; i < 20; i++) broadcast_as(&codec_raw, "a", text);
        struct weir_stats stats = fixture_stats();
        if (policy != WEIR_BROADCAST_DISCONNECT)
            assert_int_equal(weir_session_missed(fixture_only_session()),
                             stats.broadcasts_dropped_full);
        if (policy == WEIR_BROADCAST_DISCONNECT) {
            assert_int_equal(stats.broadcasts_dropped_full, 1);
            assert_int_equal(stats.broadcasts_offered, stats.broadcasts_dropped_closed + 1);
        } else {
            assert_int_equal(stats.broadcasts_offered, 20);
            assert_int_equal(stats.broadcasts_dropped_full, stats.sends_dropped);
            assert_true(stats.broadcasts_dropped_full > 0);
        }
        sim_peer_reset(peer);
        fixture_run_ms(50);
        assert_int_equal(fixture_stats().broadcasts_delivered, 0); /* what was queued is dropped */
        sim_peer_close(peer);
        fixture_close();
    }
}

/* Where no buffer is left, an answer waits as a share; it is no broadcast all the same. */
static void an_answer_is_never_dropped_for_a_broadcast(void **state)
{
    static char piece[60000];
    struct weir_config config = fixture_config();
    enum weir_code code;

    (void)state;
    config.broadcast_policy = WEIR_BROADCAST_DROP_OLDEST;
    fixture_stream_buffers_max = 64;
    fixture_open(&config, &codec_raw, &handler_join, 4);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    fixture_take_buffers();
    session_send_or_close(session, (const uint8_t *)"answer", 6);
    struct payload *payload = payload_open(&codec_raw, piece, sizeof piece, &code);
    for (int i = 0; i < 6; i++) session_share(session, payload);
    payload_unref(payload);
    assert_int_equal(fixture_stats().sends_dropped, 4);
    fixture_give_back_buffers();
    fixture_iterations(50);
    char got[7] = "";
    assert_int_equal(sim_peer_receive(peer, got, 6), 6);
    assert_string_equal(got, "answer");
    sim_peer_close(peer);
    fixture_close();
    fixture_stream_buffers_max = 1024;
}

static void a_payload_says_why_there_is_none(void **state)
{
    enum weir_code code;

    (void)state;
    assert_null(payload_open(&codec_dot, "a.b", 3, &code));
    assert_int_equal(code, WEIR_INVALID);
    memory_fail_nth(1, 0);
    assert_null(payload_open(&codec_dot, "ab", 2, &code));
    assert_int_equal(code, WEIR_NO_MEMORY);
    struct payload *payload = payload_open(&codec_dot, NULL, 0, &code);
    assert_int_equal(payload->length, 1);
    payload_unref(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_twice_is_joining_once),
        cmocka_unit_test(a_group_ends_with_its_last_member),
        cmocka_unit_test(names_have_their_bounds),
        cmocka_unit_test(groups_of_one_slot_are_distinct),
        cmocka_unit_test(without_memory_no_session_joins),
        cmocka_unit_test(the_table_grows_with_the_groups),
        cmocka_unit_test(each_member_gets_it_as_its_listener_frames_it),
        cmocka_unit_test(a_member_that_is_ending_gets_nothing),
        cmocka_unit_test(without_memory_a_broadcast_is_missed),
        cmocka_unit_test(a_broadcast_larger_than_the_mark_is_nobodys),
        cmocka_unit_test(an_excluded_member_does_not_count),
        cmocka_unit_test(a_reply_limit_drops_a_broadcast),
        cmocka_unit_test(each_offer_to_a_full_queue_has_one_fate),
        cmocka_unit_test(an_answer_is_never_dropped_for_a_broadcast),
        cmocka_unit_test(a_payload_says_why_there_is_none),
    };

    return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
