/* SPDX-License-Identifier: MIT */
/* test_fairness_waiting.c - sessions that waited and go on together: the work of an iteration is
 * bounded, and none starves. Iterations and units of work are counted, never milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "require.h"
#include "thread.h"

#define MEMBERS 300

static struct sim_peer *members[MEMBERS];
static struct weir_session *sessions[MEMBERS];

static void on_open(struct weir_session *session)
{
    require(weir_session_join(session, "room") == WEIR_OK);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    if (message->length > 0)
        weir_session_broadcast(session, "room", message->bytes, message->length, 0);
}

static const struct weir_handler handler_room = {.size = sizeof(struct weir_handler),
                                                 .name = "room",
                                                 .on_open = on_open,
                                                 .on_message = on_message};

/* ---- the world ---- */

static void open_world(void)
{
    struct weir_config config = fixture_config();

    config.sessions_max = MEMBERS + 10;
    fixture_handles_max = MEMBERS + 20;
    fixture_stream_buffers_max = 4096;
    fixture_open(&config, &codec_dot, &handler_room, 11);
    fixture.loop.worker.thread = thread_self();
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = fixture_connect();
        sessions[i] = weir_container_of(fixture.loop.worker.tcp_sessions.previous,
                                        struct weir_session, in_sessions);
    }
}

static void close_world(void)
{
    for (int i = 0; i < MEMBERS; i++) sim_peer_close(members[i]);
    fixture_close();
    fixture_handles_max = 0;
    fixture_stream_buffers_max = 1024;
}

/* Runs one iteration and returns its units of work. */
static uint32_t iterate(void)
{
    uint32_t before = fixture.loop.worker.work.done;

    fixture_iterate(FIXTURE_MS);
    return fixture.loop.worker.work.done - before;
}

/* The bytes arrive in one event, whatever the network does. */
static void receive_dots(struct weir_session *session, uint32_t count)
{
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, count);

    memset(buffer->bytes, '.', count);
    buffer->length = count;
    inbound_on_received(session, buffer);
}

/* ---- unread input ---- */

/* Gives the session input that it may decode in the next iteration: less than a share. */
static void resume_with_dots(struct weir_session *session)
{
    require(session->state == SESSION_OPEN && !session->unread);
    weir_session_pause(session);
    receive_dots(session, WORK_SESSION_MAX - 1);
    weir_session_resume(session);
}

/* Many sessions resume at the same time. The one that resumed first is read first. */
static void sessions_that_resume_together_share_the_work(void **state)
{
    (void)state;
    open_world();
    uint64_t before = fixture_stats().messages_in;
    for (int i = 0; i < MEMBERS; i++) resume_with_dots(sessions[i]);
    for (int i = 0; i < MEMBERS / 4; i++) {
        assert_true(iterate() <= WORK_ITERATION_MAX + WORK_SESSION_MAX);
        assert_null(sessions[i]->unread);
    }
    assert_int_equal(fixture_stats().messages_in - before, MEMBERS * (WORK_SESSION_MAX - 1));
    close_world();
}

/* Sessions that resume again and again do not stop one that used its share. */
static void a_session_that_used_its_share_is_served_beside_resumed_ones(void **state)
{
    (void)state;
    open_world();
    receive_dots(sessions[0], 20 * WORK_SESSION_MAX);
    for (int i = 1; i < 40; i++) {
        assert_int_equal(sessions[0]->unread != NULL, i < 20);
        for (int k = 0; k < 6; k++) resume_with_dots(sessions[1 + (i * 6 + k) % (MEMBERS - 1)]);
        iterate();
    }
    assert_null(sessions[0]->unread);
    close_world();
}

/* ---- speakers ---- */

/* A group was congested, and each member has said something. When the group can hear again, their
 * messages are divided among iterations that do not sleep in between. */
static void speakers_that_waited_share_the_work(void **state)
{
    (void)state;
    open_world();
    uint16_t slot = congestion_slot(group_hash(&fixture.common, "room"));
    uint64_t before = fixture_stats().messages_out;
    atomic_fetch_add(&fixture.common.congestion.members[slot], 1);
    for (int i = 0; i < MEMBERS; i++) fixture_tell(members[i], "a");
    for (int i = 0; i < 5000 && fixture_stats().messages_in < MEMBERS; i++) iterate();
    assert_int_equal(fixture_stats().messages_out, before);
    assert_int_equal(fixture_stats().messages_in, MEMBERS);
    atomic_fetch_sub(&fixture.common.congestion.members[slot], 1);
    uint64_t began_ms = fixture.loop.worker.now_ms;
    for (int i = 0; i < MEMBERS; i++) assert_true(iterate() <= WORK_ITERATION_MAX + MEMBERS);
    assert_int_equal(fixture_stats().messages_out - before, MEMBERS * MEMBERS);
    assert_true(fixture.loop.worker.now_ms - began_ms < MEMBERS);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_that_resume_together_share_the_work),
        cmocka_unit_test(a_session_that_used_its_share_is_served_beside_resumed_ones),
        cmocka_unit_test(speakers_that_waited_share_the_work),
    };

    return cmocka_run_group_tests_name("fairness_waiting", tests, NULL, NULL);
}
