/* SPDX-License-Identifier: MIT */
/* test_frame_watch.c - the last frames of watched sessions (weir_session_watch()), over the
 * simulated network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "worker.h"

#define WATCHES_MAX 16

static uint32_t watch_in_handler_ms; /* 0: the handler does not watch */

static void answer(struct weir_session *session, const struct weir_message *message)
{
    if (watch_in_handler_ms > 0)
        assert_int_equal(
            remote_watch(session->worker, weir_session_id(session), watch_in_handler_ms), WEIR_OK);
    if (message->length == 4 && memcmp(message->bytes, "back", 4) == 0)
        weir_session_send_back(session, message);
    else
        weir_session_send(session, message->bytes, message->length);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "answer",
                                            .session_bytes = 8,
                                            .on_message = answer};

static struct weir_session *session;

static struct sim_peer *open_world(const struct weir_codec *codec)
{
    struct weir_config config = fixture_config();

    watch_in_handler_ms = 0;
    config.sessions_max = WATCHES_MAX + 1;
    fixture_open(&config, codec, &handler, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    session = fixture_only_session();
    return peer;
}

static struct weir_session_info look(void)
{
    struct weir_session_info info;

    weir_session_inspect(session, &info);
    return info;
}

static void watch(uint32_t duration_ms)
{
    assert_int_equal(remote_watch(&fixture.loop.worker, session->id, duration_ms), WEIR_OK);
    fixture_run_ms(2);
}

static void tell(struct sim_peer *peer, const char *text)
{
    fixture_tell(peer, text);
    fixture_run_ms(20);
}

static void require_frame(const struct weir_watched_frame *frame, const char *text, uint64_t count)
{
    assert_non_null(frame);
    assert_int_equal(frame->count, count);
    assert_int_equal(frame->frame_length, strlen(text));
    assert_int_equal(frame->message_length, strlen(text) - 1); /* without the dot */
    assert_int_equal(frame->bytes_count, strlen(text));
    assert_memory_equal(frame->bytes, text, strlen(text));
}

/* ---- one session ---- */

static void the_last_frames_are_kept_while_it_is_watched(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    tell(peer, "before");
    assert_null(look().received_frame);
    watch(1000);
    assert_null(look().received_frame); /* none came since */
    assert_null(look().sent_frame);
    tell(peer, "one");
    tell(peer, "back");
    fixture_run_ms(100);
    require_frame(look().received_frame, "back.", 2);
    require_frame(look().sent_frame, "back.", 2);
    assert_true(look().received_frame->ago_ms >= 100 && look().received_frame->ago_ms < 200);
    tell(peer, "three");
    require_frame(look().sent_frame, "three.", 3);
    fixture_run_ms(1000);
    assert_null(look().received_frame); /* its time is over */
    assert_null(look().sent_frame);
    assert_true(session->is_watched);
    tell(peer, "late"); /* what was kept is freed */
    assert_false(session->frames_kept);
    assert_true(list_is_empty(&fixture.loop.worker.frame_watches));
    tell(peer, "later");
    sim_peer_close(peer);
    fixture_close();
}

static void a_watch_ends_when_a_frame_is_sent_late(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    watch(100);
    fixture_run_ms(200);
    assert_int_equal(weir_session_send(session, "x", 1), WEIR_OK);
    assert_false(session->frames_kept);
    fixture_run_ms(20);
    sim_peer_close(peer);
    fixture_close();
}

static void a_watch_is_prolonged_and_ended(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    watch(0); /* there is none */
    assert_false(session->is_watched);
    watch(200);
    tell(peer, "one");
    watch(1000);
    fixture_run_ms(500);
    require_frame(look().received_frame, "one.", 1);
    watch(0);
    assert_null(look().received_frame);
    assert_false(session->is_watched);
    watch(100);
    tell(peer, "two");
    fixture_run_ms(200);
    watch(100); /* a new one, because the time of the last one was over */
    assert_null(look().received_frame);
    tell(peer, "three");
    require_frame(look().received_frame, "three.", 1);
    sim_peer_close(peer);
    fixture_close(); /* the session ends while it is watched */
}

static void long_frames_are_cut(void **state)
{
    static char text[3 * WEIR_WATCHED_BYTES_MAX];
    struct sim_peer *peer = open_world(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)i;
    watch(1000);
    assert_int_equal(sim_peer_send(peer, text, sizeof text), sizeof text);
    fixture_run_ms(50);
    const struct weir_part parts[] = {{text, 200}, {text, 200}, {text, 100}};
    assert_int_equal(weir_session_sendv(session, parts, 3), WEIR_OK);
    struct weir_session_info info = look();
    assert_non_null(info.received_frame);
    assert_true(info.received_frame->bytes_count <= WEIR_WATCHED_BYTES_MAX);
    assert_int_equal(info.sent_frame->frame_length, 500);
    assert_int_equal(info.sent_frame->message_length, 500);
    assert_int_equal(info.sent_frame->bytes_count, WEIR_WATCHED_BYTES_MAX);
    assert_memory_equal(info.sent_frame->bytes, text, 200);
    assert_memory_equal(info.sent_frame->bytes + 200, text, WEIR_WATCHED_BYTES_MAX - 200);
    assert_int_equal(weir_session_send_static(session, text, sizeof text, NULL, NULL), WEIR_OK);
    assert_int_equal(look().sent_frame->frame_length, sizeof text);
    fixture_run_ms(50);
    sim_peer_close(peer);
    fixture_close();
}

static void a_handler_watches_immediately(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    watch_in_handler_ms = 1000;
    atomic_store(&fixture.loop.worker.thread, thread_self());
    tell(peer, "one");
    require_frame(look().sent_frame, "one.", 1); /* the answer to this message */
    assert_null(look().received_frame);
    atomic_store(&fixture.loop.worker.thread, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void datagrams_are_kept(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);
    struct sim_datagrams *socket = fixture_datagrams(7);

    (void)state;
    fixture_send_to(socket, "one");
    fixture_hear(socket, "one");
    session =
        weir_container_of(fixture.loop.worker.udp_sessions.next, struct weir_session, in_sessions);
    watch(1000);
    fixture_send_to(socket, "back");
    fixture_hear(socket, "back");
    assert_int_equal(look().received_frame->frame_length, 4);
    assert_int_equal(look().received_frame->message_length, 4);
    assert_memory_equal(look().sent_frame->bytes, "back", 4);
    sim_peer_close(peer);
    fixture_close();
}

static void a_session_that_is_gone_is_not_watched(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);
    uint64_t id = session->id;

    (void)state;
    assert_int_equal(remote_watch(&fixture.loop.worker, id, 1000), WEIR_OK);
    weir_session_abort(session); /* before the worker reads its mailbox */
    fixture_run_ms(50);
    assert_int_equal(remote_watch(&fixture.loop.worker, id, 1000), WEIR_GONE);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- many sessions ---- */

static void without_memory_nothing_is_kept(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    assert_int_equal(remote_watch(&fixture.loop.worker, session->id, 1000), WEIR_OK);
    memory_fail_nth(1, 1);
    fixture_run_ms(2);
    memory_fail_nth(0, 0);
    assert_false(session->is_watched);
    tell(peer, "one");
    assert_null(look().received_frame);
    sim_peer_close(peer);
    fixture_close();
}

static uint32_t count_watches(void)
{
    uint32_t count = 0;

    for (struct list *at = fixture.loop.worker.frame_watches.next;
         at != &fixture.loop.worker.frame_watches; at = at->next)
        count++;
    return count;
}

static void the_one_that_ends_first_makes_room(void **state)
{
    struct sim_peer *peers[WATCHES_MAX + 1] = {open_world(&codec_dot)};
    struct weir_session *first = session, *second = NULL, *third = NULL;

    (void)state;
    for (int i = 1; i <= WATCHES_MAX; i++) peers[i] = fixture_connect();
    fixture_run_ms(50);
    uint32_t duration_ms = 3000;
    for (struct list *at = fixture.loop.worker.tcp_sessions.next;
         at != &fixture.loop.worker.tcp_sessions; at = at->next) {
        session = weir_container_of(at, struct weir_session, in_sessions);
        if (count_watches() == 1) second = session;
        if (count_watches() == 2) third = session;
        /* The second one would end first, then the first one. */
        watch(session == first ? 2000 : second == session ? 1000 : duration_ms++);
    }
    assert_int_equal(count_watches(), WATCHES_MAX);
    assert_false(second->frames_kept);
    assert_true(first->frames_kept && third->frames_kept && session->frames_kept);
    session = second;
    watch(5000);
    assert_false(first->frames_kept);
    assert_int_equal(count_watches(), WATCHES_MAX);
    for (int i = 0; i <= WATCHES_MAX; i++) sim_peer_close(peers[i]);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_frames_are_kept_while_it_is_watched),
        cmocka_unit_test(a_watch_ends_when_a_frame_is_sent_late),
        cmocka_unit_test(a_watch_is_prolonged_and_ended),
        cmocka_unit_test(long_frames_are_cut),
        cmocka_unit_test(a_handler_watches_immediately),
        cmocka_unit_test(datagrams_are_kept),
        cmocka_unit_test(a_session_that_is_gone_is_not_watched),
        cmocka_unit_test(without_memory_nothing_is_kept),
        cmocka_unit_test(the_one_that_ends_first_makes_room),
    };

    return cmocka_run_group_tests_name("frame_watch", tests, NULL, NULL);
}
