/* SPDX-License-Identifier: MIT */
/* test_speakers.c - sessions that broadcast while another worker's mailbox is full, or while a
 * member is congested: for how long they wait, and what becomes of their broadcasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "mailbox.h"
#include "require.h"
#include "thread.h"

#define S 1000u /* in milliseconds */
#define LARGE_BYTES 50000u
#define OTHER_COMMANDS 4

/* ---- a handler that does what each message says ----
 *
 * j: join the room, l: leave it, b: broadcast the message to all other members, B: to all members,
 * n: broadcast to a group without a name, k: broadcast LARGE_BYTES to all members, once per k. */
static enum weir_code codes[8];
static uint32_t codes_count, closed_count;

static void note(enum weir_code code)
{
    require(codes_count < weir_count_of(codes));
    codes[codes_count++] = code;
}

static void speak_large(struct weir_session *session, size_t count)
{
    static char large[LARGE_BYTES];

    memset(large, 'k', sizeof large);
    for (size_t i = 0; i < count; i++)
        note(weir_session_broadcast(session, "room", large, sizeof large, 0));
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    const uint8_t *bytes = message->bytes;
    size_t length = message->length;
    uint64_t id = weir_session_id(session);

    switch (bytes[0]) {
    case 'j': weir_session_join(session, "room"); break;
    case 'l': weir_session_leave(session, "room"); break;
    case 'b': note(weir_session_broadcast(session, "room", bytes, length, id)); break;
    case 'B': note(weir_session_broadcast(session, "room", bytes, length, 0)); break;
    case 'n': note(weir_session_broadcast(session, "", bytes, length, 0)); break;
    case 'k': speak_large(session, length); break;
    default: break;
    }
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    closed_count++;
}

static const struct weir_handler handler_speaker = {.size = sizeof(struct weir_handler),
                                                    .name = "speaker",
                                                    .on_message = on_message,
                                                    .on_close = on_close};

/* ---- the world: a worker, and another one that consists of its mailbox ---- */

static struct mailbox other_mailbox;
static struct worker other = {.mailbox = &other_mailbox};
static struct worker *workers[2];

static void open_world(const struct weir_config *config)
{
    codes_count = closed_count = 0;
    fixture_open(config, &codec_dot, &handler_speaker, 51);
    workers[0] = &fixture.loop.worker;
    workers[1] = &other;
    fixture.common.workers = workers;
    fixture.common.workers_count = 2;
    fixture.loop.worker.thread = thread_self();
    other.common = &fixture.common;
    require(mailbox_init(&other_mailbox, OTHER_COMMANDS, 1000 * 1000));
    mailbox_open(&other_mailbox, fixture.loop.worker.net);
}

/* Takes the commands of the other worker. Returns their number. */
static uint32_t read_other(void)
{
    struct mailbox_command command;
    uint32_t count = 0;

    while (mailbox_take(&other_mailbox, &command)) {
        if (command.payload) payload_unref(command.payload);
        count++;
    }
    return count;
}

static void fill_other(void)
{
    for (int i = 0; i < OTHER_COMMANDS; i++) require(mailbox_reserve(&other_mailbox, 0));
}

static void free_other(void)
{
    for (int i = 0; i < OTHER_COMMANDS; i++) mailbox_cancel(&other_mailbox, 0);
}

static void close_world(void)
{
    fixture_close();
    read_other();
    require(mailbox_shut(&other_mailbox));
    mailbox_free(&other_mailbox);
    for (uint32_t i = 0; i < CONGESTION_SLOTS_COUNT; i++)
        assert_int_equal(fixture.common.congestion.members[i], 0);
}

/* Connects, sends the text, and returns the peer's session. */
static struct weir_session *enter(struct sim_peer **peer, const char *text)
{
    *peer = fixture_connect();
    fixture_run_ms(10);
    fixture_say(*peer, text);
    fixture_run_ms(10);
    return weir_container_of(fixture.loop.worker.tcp_sessions.previous, struct weir_session,
                             in_sessions);
}

static uint32_t congested_members(void)
{
    return fixture.common.congestion.members[congestion_slot(group_hash(&fixture.common, "room"))];
}

/* ---- a mailbox without room ---- */

static void a_speaker_waits_for_the_mailbox_of_another_worker(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *member, *peer;

    (void)state;
    open_world(&config);
    enter(&member, "j.");
    const struct weir_session *speaker = enter(&peer, "j.");
    fill_other();
    fixture_say(peer, "B1.B2.");
    fixture_run_ms(10 * S);
    assert_int_equal(codes_count, 1);
    assert_int_equal(codes[0], WEIR_OK);
    assert_true(speaker->speaker_waits);
    fixture_expect(member, ""); /* all members get it or none */
    assert_int_equal(fixture.loop.mailbox.used, 0);
    free_other();
    fixture_run_ms(50);
    fixture_expect(member, "B1.B2.");
    fixture_expect(peer, "B1.B2.");
    assert_int_equal(read_other(), 2);
    assert_false(speaker->speaker_waits);
    assert_int_equal(fixture_stats().pauses_group, 1);
    assert_int_equal(fixture_stats().sends_dropped, 0);
    sim_peer_close(member);
    sim_peer_close(peer);
    close_world();
}

static void a_speaker_waits_no_longer_than_the_send_timeout(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *member, *peer;

    (void)state;
    config.send_timeout_ms = 2 * S;
    open_world(&config);
    enter(&member, "j.");
    const struct weir_session *speaker = enter(&peer, "b1.");
    fixture_expect(member, "b1.");
    assert_int_equal(read_other(), 1);
    fill_other();
    fixture_say(peer, "b2.b3.");
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_stats().sends_dropped, 0);
    fixture_run_ms(2 * S);
    assert_int_equal(fixture_stats().sends_dropped, 1); /* b2 */
    assert_true(speaker->speaker_waits);                /* with b3 */
    free_other();
    fixture_run_ms(50);
    fixture_expect(member, "b3.");
    assert_int_equal(fixture_stats().sends_dropped, 1);
    assert_int_equal(fixture_stats().pauses_group, 2);
    sim_peer_close(member);
    sim_peer_close(peer);
    close_world();
}

/* A waiting speaker keeps at most one broadcast beyond the high-water mark of its send queue. */
static void broadcasts_of_a_waiting_speaker_have_a_bound(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    open_world(&config);
    enter(&peer, "x.");
    fill_other();
    fixture_say(peer, "kkkk.");
    fixture_run_ms(50);
    assert_int_equal(codes_count, 4);
    for (int i = 0; i < 3; i++) assert_int_equal(codes[i], WEIR_OK);
    assert_int_equal(codes[3], WEIR_QUEUE_FULL);
    free_other();
    fixture_run_ms(50);
    assert_int_equal(read_other(), 3);
    sim_peer_close(peer);
    close_world();
}

static void broadcasts_of_a_speaker_that_ends_are_counted(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    open_world(&config);
    enter(&peer, "x.");
    fill_other();
    fixture_say(peer, "kk.");
    fixture_run_ms(50);
    sim_peer_reset(peer);
    fixture_run_ms(50);
    assert_int_equal(closed_count, 1);
    assert_int_equal(fixture_stats().sends_dropped, 2);
    free_other();
    assert_int_equal(read_other(), 0);
    sim_peer_close(peer);
    close_world();
}

/* The speaker's own queue has no room for its broadcast, which therefore disconnects it. */
static void a_waiting_broadcast_can_end_its_own_speaker(void **state)
{
    static const char answer[100000];
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    config.broadcast_policy = WEIR_BROADCAST_DISCONNECT;
    config.mailbox_bytes_max = 1000;
    open_world(&config);
    struct weir_session *speaker = enter(&peer, "j.");
    fill_other();
    fixture_say(peer, "kk.");
    fixture_run_ms(50);
    assert_int_equal(session_send(speaker, answer, sizeof answer), WEIR_OK);
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().open, 1);
    free_other();
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_SLOW_READER), 1);
    assert_int_equal(fixture_stats().sends_dropped, 1); /* the second one */
    assert_int_equal(read_other(), 1);
    sim_peer_close(peer);
    close_world();
}

static void a_fin_waits_for_a_waiting_speaker(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *member, *peer;

    (void)state;
    open_world(&config);
    enter(&member, "j.");
    struct weir_session *speaker = enter(&peer, "x.");
    fill_other();
    fixture_say(peer, "b1.");
    fixture_run_ms(50);
    assert_true(speaker->speaker_waits);
    inbound_on_peer_done(speaker); /* in the batch of its last bytes */
    fixture_run_ms(50);
    assert_int_equal(closed_count, 0);
    free_other();
    fixture_run_ms(50);
    fixture_expect(member, "b1.");
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    sim_peer_close(member);
    sim_peer_close(peer);
    close_world();
}

static void a_group_without_a_name_is_refused(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    open_world(&config);
    const struct weir_session *speaker = enter(&peer, "n.");
    assert_int_equal(codes[0], WEIR_INVALID);
    assert_false(speaker->speaks);
    sim_peer_close(peer);
    close_world();
}

static void a_udp_session_broadcasts_without_waiting(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *member;

    (void)state;
    open_world(&config);
    enter(&member, "j.");
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "b1");
    fixture_run_ms(50);
    fixture_expect(member, "b1.");
    assert_int_equal(read_other(), 1);
    fill_other();
    fixture_send_to(socket, "b2");
    fixture_run_ms(50);
    fixture_expect(member, "");
    assert_int_equal(codes[0], WEIR_OK);
    assert_int_equal(codes[1], WEIR_MAILBOX_FULL);
    assert_int_equal(fixture_stats().pauses_group, 0);
    free_other();
    sim_datagrams_close(socket);
    sim_peer_close(member);
    close_world();
}

/* ---- congested members ---- */

/* The member does not read, and the other peer speaks until that is noticed. */
static void congest(const struct weir_session *member, struct sim_peer *peer)
{
    for (int i = 0; i < 5 && !member->congested; i++) {
        fixture_say(peer, "k.");
        fixture_run_ms(10);
        read_other();
    }
    assert_true(member->congested);
}

static uint32_t read_bytes(struct sim_peer *peer, uint32_t bytes_max)
{
    static uint8_t bytes[8192];
    uint32_t most = bytes_max < sizeof bytes ? bytes_max : (uint32_t)sizeof bytes;

    return sim_peer_receive(peer, bytes, most);
}

static uint32_t read_all(struct sim_peer *peer)
{
    uint32_t count = 0;

    for (int i = 0; i < 200; i++) {
        count += read_bytes(peer, UINT32_MAX);
        fixture_run_ms(5);
    }
    return count;
}

static void speakers_wait_for_a_congested_member_that_joins_until_it_leaves(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *slow_peer, *peer;

    (void)state;
    config.mailbox_bytes_max = 1000 * 1000;
    open_world(&config);
    struct weir_session *slow = enter(&slow_peer, "j.");
    enter(&peer, "x.");
    congest(slow, peer);
    assert_int_equal(congested_members(), 1);
    weir_session_leave(slow, "room");
    assert_int_equal(congested_members(), 0);
    fixture_run_ms(50);
    uint64_t pauses = fixture_stats().pauses_group;
    fixture_say(peer, "b1.");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().pauses_group, pauses);
    assert_int_equal(weir_session_join(slow, "room"), WEIR_OK);
    assert_int_equal(congested_members(), 1);
    fixture_say(peer, "b2.");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().pauses_group, pauses + 1);
    sim_peer_reset(slow_peer); /* it ends: nothing is left to wait for */
    fixture_run_ms(50);
    assert_int_equal(congested_members(), 0);
    assert_true(list_is_empty(&fixture.loop.worker.speakers));
    sim_peer_close(slow_peer);
    sim_peer_close(peer);
    close_world();
}

/* A member reads too little to reach its low-water mark within the send timeout. Its first send
 * ends in time, and the second one begins in the middle of the congestion. */
static struct weir_session *read_too_slowly(enum weir_broadcast_policy policy,
                                            struct sim_peer **slow_peer, struct sim_peer **peer)
{
    struct weir_config config = fixture_config();

    config.mailbox_bytes_max = 1000 * 1000;
    config.send_timeout_ms = 2 * S;
    config.send_rate_min_bytes = 0;
    config.broadcast_policy = policy;
    open_world(&config);
    struct weir_session *slow = enter(slow_peer, "j.");
    enter(peer, "x.");
    fixture_say(*peer, "kk.");
    fixture_run_ms(10);
    assert_true(slow->send_out);
    congest(slow, *peer);
    fixture_run_ms(1 * S);
    uint32_t sent_ms = slow->timestamps.sent_ms;
    for (int i = 0; i < 500 && slow->timestamps.sent_ms == sent_ms; i++) {
        read_bytes(*slow_peer, 4096);
        fixture_iterate(FIXTURE_MS);
    }
    assert_true(slow->timestamps.sent_ms != sent_ms);
    assert_true(slow->congested);
    return slow;
}

static void speakers_give_up_a_member_that_reads_too_slowly(void **state)
{
    struct sim_peer *slow_peer, *peer;

    (void)state;
    struct weir_session *slow = read_too_slowly(WEIR_BROADCAST_DROP_NEWEST, &slow_peer, &peer);
    assert_int_equal(congested_members(), 1);
    for (int i = 0; i < 2000 && !slow->lagging; i++) fixture_iterate(FIXTURE_MS);
    assert_true(slow->lagging);
    assert_int_equal(fixture_stats().closed, 0);
    assert_int_equal(congested_members(), 0);
    weir_session_leave(slow, "room"); /* a lagging member is not counted, wherever it is */
    assert_int_equal(weir_session_join(slow, "room"), WEIR_OK);
    assert_int_equal(congested_members(), 0);

    uint64_t pauses = fixture_stats().pauses_group, dropped = fixture_stats().sends_dropped;
    fixture_say(peer, "kk.kk.");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().pauses_group, pauses); /* the speaker does not wait */
    assert_true(fixture_stats().sends_dropped > dropped);   /* what the member has no room for */

    read_all(slow_peer);
    assert_false(slow->congested);
    assert_false(slow->lagging); /* it has caught up */
    read_other();
    fixture_say(peer, "b1.");
    fixture_run_ms(50);
    fixture_expect(slow_peer, "b1.");
    sim_peer_close(slow_peer);
    sim_peer_close(peer);
    close_world();
}

static void a_member_that_reads_too_slowly_is_disconnected(void **state)
{
    struct sim_peer *slow_peer, *peer;

    (void)state;
    read_too_slowly(WEIR_BROADCAST_DISCONNECT, &slow_peer, &peer);
    for (int i = 0; i < 2000 && closed_count == 0; i++) fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture_closed(WEIR_REASON_SLOW_READER), 1);
    assert_int_equal(congested_members(), 0);
    sim_peer_close(slow_peer);
    sim_peer_close(peer);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_speaker_waits_for_the_mailbox_of_another_worker),
        cmocka_unit_test(a_speaker_waits_no_longer_than_the_send_timeout),
        cmocka_unit_test(broadcasts_of_a_waiting_speaker_have_a_bound),
        cmocka_unit_test(broadcasts_of_a_speaker_that_ends_are_counted),
        cmocka_unit_test(a_waiting_broadcast_can_end_its_own_speaker),
        cmocka_unit_test(a_fin_waits_for_a_waiting_speaker),
        cmocka_unit_test(a_group_without_a_name_is_refused),
        cmocka_unit_test(a_udp_session_broadcasts_without_waiting),
        cmocka_unit_test(speakers_wait_for_a_congested_member_that_joins_until_it_leaves),
        cmocka_unit_test(speakers_give_up_a_member_that_reads_too_slowly),
        cmocka_unit_test(a_member_that_reads_too_slowly_is_disconnected),
    };

    return cmocka_run_group_tests_name("speakers", tests, NULL, NULL);
}
