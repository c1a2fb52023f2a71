/* SPDX-License-Identifier: MIT */
/* test_waiting_speakers.c - a session that waits for a group, and ends or goes on meanwhile. The
 * members that keep it waiting are on another worker: a counter stands for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "memory_faults.h"
#include "require.h"
#include "thread.h"

static struct sim_peer *speaker, *member;
static uint32_t closed_count;

/* j: join the room, s: speak to it, x: abort, w: speak and finish */
static void on_message(struct weir_session *session, const struct weir_message *message)
{
    uint64_t id = weir_session_id(session);

    switch (message->length > 0 ? message->bytes[0] : ' ') {
    case 'j': require(weir_session_join(session, "room") == WEIR_OK); break;
    case 's': require(weir_session_broadcast(session, "room", "s", 1, id) == WEIR_OK); break;
    case 'x': weir_session_abort(session); break;
    case 'w':
        require(weir_session_broadcast(session, "room", "bye", 3, id) == WEIR_OK);
        weir_session_finish(session);
        break;
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

static const struct weir_handler orator = {.size = sizeof(struct weir_handler),
                                           .name = "orator",
                                           .on_message = on_message,
                                           .on_close = on_close};

static void open_world(uint32_t send_timeout_ms)
{
    struct weir_config config = fixture_config();

    config.send_timeout_ms = send_timeout_ms;
    closed_count = 0;
    fixture_open(&config, &codec_dot, &orator, 31);
    fixture.loop.worker.thread = thread_self();
    member = fixture_connect();
    fixture_tell(member, "j");
    fixture_run_ms(20);
    speaker = fixture_connect();
    fixture_run_ms(20);
}

static void close_world(void)
{
    sim_peer_close(member);
    sim_peer_close(speaker);
    fixture_close();
}

/* How many members on other workers are above their marks. */
static void set_congested(uint32_t count)
{
    atomic_store(
        &fixture.common.congestion.members[congestion_slot(group_hash(&fixture.common, "room"))],
        count);
}

/* The session of the speaker: the younger one. */
static struct weir_session *speaking(void)
{
    return weir_container_of(fixture.loop.worker.tcp_sessions.previous, struct weir_session,
                             in_sessions);
}

/* Hands the session a buffer, as part of one batch of events. */
static void receive(struct weir_session *session, const char *text)
{
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, 1);

    buffer->length = (uint32_t)strlen(text);
    memcpy(buffer->bytes, text, buffer->length);
    inbound_on_received(session, buffer);
}

/* The batch can still name a connection that the handler has just closed. */
static void a_speaker_that_is_closed_waits_for_no_group(void **state)
{
    struct weir_session *session;

    (void)state;
    open_world(0);
    session = speaking();
    receive(session, "s.x.");
    assert_int_equal(session->state, SESSION_CLOSING);
    set_congested(1);
    receive(session, "s.");
    assert_false(session->speaker_waits);
    fixture_run_ms(50);
    assert_int_equal(closed_count, 1);
    set_congested(0);
    close_world();
}

/* It goes on by one message per send_timeout_ms, however long the group stays congested. */
static void a_speaker_waits_no_longer_than_the_timeout(void **state)
{
    (void)state;
    open_world(100);
    set_congested(1);
    fixture_say(speaker, "s.s.s.s.");
    fixture_run_ms(50);
    fixture_expect(member, "");
    for (int i = 0; i < 4; i++) {
        fixture_run_ms(100);
        fixture_expect(member, "s.");
    }
    set_congested(0);
    fixture_run_ms(200);
    assert_int_equal(fixture_stats().messages_in, 5);
    close_world();
}

static void the_last_words_of_a_speaker_arrive(const char *words, const char *heard)
{
    open_world(10000);
    set_congested(1);
    fixture_say(speaker, words);
    sim_peer_finish(speaker);
    fixture_run_ms(300);
    fixture_expect(member, "");
    assert_int_equal(closed_count, 0);
    set_congested(0);
    fixture_run_ms(300);
    fixture_expect(member, heard);
    assert_int_equal(fixture_stats().sends_dropped, 0);
    assert_int_equal(closed_count, 1);
    close_world();
}

static void what_waits_when_its_speaker_ends_arrives(void **state)
{
    (void)state;
    the_last_words_of_a_speaker_arrive("s.", "s.");
    the_last_words_of_a_speaker_arrive("s.w.", "s.bye.");
    the_last_words_of_a_speaker_arrive("w.", "bye.");
}

/* Queues a share of a broadcast of that many bytes with the member. Returns whether there was room
 * and memory. */
static bool share(struct weir_session *session, uint32_t bytes)
{
    static const char zeros[200000];
    enum weir_code code;
    struct payload *payload = payload_open(NULL, zeros, bytes, &code);

    require(payload != NULL);
    code = session_share(session, payload);
    payload_unref(payload);
    return code == WEIR_OK;
}

/* A broadcast that replaces the whole queue leaves nothing whose completion resumes reading. */
static void replace_the_queue(bool has_memory)
{
    struct weir_config config = fixture_config();
    char bytes[1024];

    config.broadcast_policy = WEIR_BROADCAST_DROP_OLDEST;
    closed_count = 0;
    fixture_open(&config, &codec_dot, &orator, 32);
    member = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    assert_true(share(session, 1000)); /* then one that fills the queue to the mark */
    uint32_t overhead = session->queue.pinned_bytes - 1000;
    assert_true(
        share(session, config.send_queue_high_bytes - session->queue.pinned_bytes - overhead));
    assert_true(session->queue_paused);
    if (!has_memory) memory_fail_nth(2, 1); /* after the payload's: that of its share */
    assert_int_equal(share(session, config.send_queue_high_bytes), has_memory);
    memory_fail_nth(0, 0);
    for (int i = 0; i < 3000; i++) {
        sim_peer_receive(member, bytes, sizeof bytes);
        fixture_iterate(FIXTURE_MS);
    }
    assert_false(session->queue_paused);
    assert_false(session->receiving_off);
    sim_peer_close(member);
    fixture_close();
}

static void a_queue_that_is_replaced_reads_on(void **state)
{
    (void)state;
    replace_the_queue(true);
    replace_the_queue(false);
}

/* A queue is counted in 32 bits, however much may be under way. */
static void what_is_under_way_does_not_overflow_a_queue(void **state)
{
    struct weir_config config = fixture_config();
    enum weir_code code;

    (void)state;
    config.broadcast_policy = WEIR_BROADCAST_DROP_NEWEST;
    config.mailbox_bytes_max = UINT32_MAX;
    fixture_open(&config, &codec_dot, &orator, 33);
    member = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    share(session, 1000);
    uint32_t pinned_bytes = session->queue.pinned_bytes;
    session->queue.pinned_bytes = UINT32_MAX - 100;
    struct payload *payload = payload_open(NULL, "more than the rest of it", 24, &code);
    payload->has_speaker = true;
    session_share(session, payload);
    payload_unref(payload);
    session->queue.pinned_bytes = pinned_bytes;
    assert_int_equal(fixture_stats().sends_dropped, 1);
    sim_peer_close(member);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_speaker_waits_no_longer_than_the_timeout),
        cmocka_unit_test(what_waits_when_its_speaker_ends_arrives),
        cmocka_unit_test(a_speaker_that_is_closed_waits_for_no_group),
        cmocka_unit_test(a_queue_that_is_replaced_reads_on),
        cmocka_unit_test(what_is_under_way_does_not_overflow_a_queue),
    };

    return cmocka_run_group_tests_name("waiting_speakers", tests, NULL, NULL);
}
