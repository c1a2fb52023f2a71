/* SPDX-License-Identifier: MIT */
/* test_order.c - the order of what a handler sends through different calls, and broadcasts that
 * reach all members or none. */
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
#include "memory_faults.h"
#include "require.h"
#include "thread.h"

/* ---- a handler that sends in every way there is ---- */

static enum weir_code codes[8];

static void on_open(struct weir_session *session)
{
    weir_session_join(session, "room");
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    struct worker *worker = &fixture.loop.worker;
    uint64_t id = weir_session_id(session);

    if (message->bytes[0] != 'a') return;
    codes[0] = weir_session_send(session, "1", 1);
    codes[1] = remote_send(worker, id, "2", 1);
    codes[2] = weir_session_send(session, "3", 1);
    codes[3] = broadcast_send(&fixture.common, "room", "4", 1, 0);
    codes[4] = weir_session_send_back(session, message);
    codes[5] = remote_send(worker, id, "5", 1);
    if (message->length == 2) codes[6] = remote_finish(worker, id);
    codes[7] = remote_send(worker, id, "6", 1);
}

static const struct weir_handler sender = {.size = sizeof(struct weir_handler),
                                           .name = "sender",
                                           .on_open = on_open,
                                           .on_message = on_message};

/* ---- another worker, of which there is only the mailbox ---- */

static struct mailbox other_mailbox;
static struct worker other = {.mailbox = &other_mailbox};
static struct worker *workers[2];

static void open_world(void)
{
    struct weir_config config = fixture_config();

    fixture_open(&config, &codec_dot, &sender, 31);
    workers[0] = &other;
    workers[1] = &fixture.loop.worker;
    fixture.common.workers = workers;
    fixture.common.workers_count = 2;
    fixture.common.broadcast_codec = &codec_dot;
    fixture.loop.worker.thread = thread_self();
    other.common = &fixture.common;
    require(mailbox_init(&other_mailbox, 4, 1000));
    mailbox_open(&other_mailbox, fixture.loop.worker.net);
}

static void drain_other(void)
{
    struct mailbox_command command;

    while (mailbox_take(&other_mailbox, &command))
        if (command.payload) payload_unref(command.payload);
}

static void close_world(struct sim_peer *peer)
{
    sim_peer_close(peer);
    drain_other();
    require(mailbox_shut(&other_mailbox));
    mailbox_free(&other_mailbox);
    fixture_close();
}

static void messages_leave_in_the_order_of_the_calls(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "x.a.x.");
    fixture_run_ms(50);
    fixture_expect(peer, "1.2.3.4.a.5.6.");
    for (int i = 0; i < 6; i++) assert_int_equal(codes[i], WEIR_OK);
    assert_int_equal(mailbox_count(&fixture.loop.mailbox), 0);
    assert_int_equal(mailbox_count(&other_mailbox), 1);
    close_world(peer);
}

static void a_call_on_the_own_worker_returns_its_result(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "ab.");
    fixture_run_ms(50);
    fixture_expect(peer, "1.2.3.4.ab.5.");
    assert_int_equal(codes[6], WEIR_OK);
    assert_int_equal(codes[7], WEIR_GONE); /* finished before */
    assert_true(sim_peer_saw_end(peer));
    close_world(peer);
}

static void a_send_to_a_session_that_has_ended_returns_gone(void **state)
{
    struct worker *worker = &fixture.loop.worker;

    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    uint64_t id = fixture_only_session()->id;
    assert_int_equal(remote_send(worker, id, "m", 1), WEIR_OK);
    sim_peer_reset(peer);
    fixture_run_ms(50);
    assert_int_equal(remote_send(worker, id, "n", 1), WEIR_GONE);
    close_world(peer);
}

/* The worker shuts its mailbox after another thread found the session in its table. */
static void a_command_for_a_worker_that_has_ended_returns_gone(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    uint64_t id = fixture_only_session()->id;
    other.table = fixture.loop.worker.table;
    require(mailbox_shut(&other_mailbox));
    assert_int_equal(remote_send(&other, id, "m", 1), WEIR_GONE);
    assert_int_equal(remote_finish(&other, id), WEIR_GONE);
    other.table = NULL;
    close_world(peer);
}

static void a_broadcast_without_room_reaches_no_member(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    for (int i = 0; i < 4; i++)
        assert_int_equal(broadcast_send(&fixture.common, "room", "m", 1, 0), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "room", "n", 1, 0), WEIR_MAILBOX_FULL);
    fixture_run_ms(50);
    fixture_expect(peer, "m.m.m.m.");
    assert_int_equal(other_mailbox.refused, 1);
    drain_other();
    assert_int_equal(broadcast_send(&fixture.common, "room", "o", 1, 0), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "o.");
    close_world(peer);
}

static void the_workers_before_a_full_one_give_their_room_back(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    struct worker *middle[3] = {&fixture.loop.worker, &fixture.loop.worker, &other};
    fixture.loop.worker.thread = 0; /* as another thread */
    fixture.common.workers = middle;
    fixture.common.workers_count = 3;
    while (mailbox_reserve(&other_mailbox, 0)) continue;
    assert_int_equal(broadcast_send(&fixture.common, "room", "m", 1, 0), WEIR_MAILBOX_FULL);
    assert_int_equal(fixture.loop.mailbox.used, 0);
    for (int i = 0; i < 4; i++) mailbox_cancel(&other_mailbox, 0);
    assert_int_equal(broadcast_send(&fixture.common, "room", "n", 1, 0), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "n.n."); /* it is there twice */
    close_world(peer);
}

static void a_broadcast_to_one_worker_without_room_is_refused(void **state)
{
    enum weir_code code;

    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    struct payload *payload = payload_open(&codec_dot, "m", 1, &code);
    memcpy(payload->group, "room", 5);
    payload->group_hash = group_hash(&fixture.common, "room");
    for (int i = 0; i < 4; i++) assert_int_equal(remote_broadcast(&other, payload), WEIR_OK);
    assert_int_equal(remote_broadcast(&other, payload), WEIR_MAILBOX_FULL);
    payload_unref(payload);
    close_world(peer);
}

static void a_broadcast_without_memory_reaches_no_worker(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    memory_fail_nth(1, 0);
    assert_int_equal(broadcast_send(&fixture.common, "room", "m", 1, 0), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    assert_int_equal(mailbox_count(&other_mailbox), 0);
    fixture_run_ms(50);
    fixture_expect(peer, "");
    close_world(peer);
}

/* A codec for messages of one byte, framed with an exclamation mark. */
static enum weir_code narrow_encode(const struct weir_codec *codec, const uint8_t *bytes,
                                    size_t length, struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    if (length > 1) return WEIR_TOO_LARGE;
    framing->trailer[0] = '!';
    framing->trailer_length = 1;
    return WEIR_OK;
}

static const struct weir_codec codec_narrow = {.size = sizeof(struct weir_codec),
                                               .name = "narrow",
                                               .summary = "",
                                               .streams = true,
                                               .encode = narrow_encode};

/* The first listener's codec refuses the message, and that of the members' listener decides. */
static void a_broadcast_that_one_codec_refuses_is_framed_by_the_others(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    fixture.common.broadcast_codec = &codec_narrow;
    assert_int_equal(broadcast_send(&fixture.common, "room", "mm", 2, 0), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "mm.");
    fixture.common.broadcast_codec = &codec_dot;
    assert_int_equal(broadcast_send(&fixture.common, "room", "m.m", 3, 0), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "");
    assert_int_equal(fixture_stats().sends_not_framed, 1);
    fixture.tcp_service.codec = fixture.tcp_service.framing_codec = &codec_narrow;
    assert_int_equal(broadcast_send(&fixture.common, "room", "mm", 2, 0), WEIR_OK);
    fixture_run_ms(50);
    fixture_expect(peer, "");
    assert_int_equal(fixture_stats().sends_not_framed, 2);
    fixture.tcp_service.codec = fixture.tcp_service.framing_codec = &codec_dot;
    close_world(peer);
}

static void a_mailbox_is_bounded_in_bytes(void **state)
{
    char bytes[700];

    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    memset(bytes, 'b', sizeof bytes);
    assert_int_equal(broadcast_send(&fixture.common, "x", bytes, 20, 0), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "x", bytes, sizeof bytes, 0), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "x", bytes, 20, 0), WEIR_MAILBOX_FULL);
    drain_other();
    char large[2000];
    memset(large, 'l', sizeof large);
    assert_int_equal(broadcast_send(&fixture.common, "x", large, sizeof large, 0), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "x", bytes, 1, 0), WEIR_MAILBOX_FULL);
    close_world(peer);
}

static uint32_t warnings;

static void count_warning(void *user, int level, const char *line)
{
    (void)user;
    if (level == WEIR_LOG_WARNING && strstr(line, "mailbox_commands_max")) warnings++;
}

static void refused_commands_are_counted_and_warned_about_once(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fixture.loop.worker.thread = 0;
    warnings = 0;
    fixture.common.log = (struct log){.write = count_warning};
    fixture_run_ms(10);
    uint64_t id = fixture_only_session()->id;
    for (int round = 1; round <= 2; round++) {
        uint32_t sent = 0;
        while (remote_send(&fixture.loop.worker, id, "s", 1) == WEIR_OK) sent++;
        assert_int_equal(sent, 256);
        fixture_run_ms(50);
        assert_int_equal(fixture_stats().commands_refused, round);
    }
    assert_int_equal(warnings, 1);
    close_world(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_leave_in_the_order_of_the_calls),
        cmocka_unit_test(a_call_on_the_own_worker_returns_its_result),
        cmocka_unit_test(a_send_to_a_session_that_has_ended_returns_gone),
        cmocka_unit_test(a_command_for_a_worker_that_has_ended_returns_gone),
        cmocka_unit_test(a_broadcast_to_one_worker_without_room_is_refused),
        cmocka_unit_test(a_broadcast_without_memory_reaches_no_worker),
        cmocka_unit_test(a_broadcast_that_one_codec_refuses_is_framed_by_the_others),
        cmocka_unit_test(a_broadcast_without_room_reaches_no_member),
        cmocka_unit_test(the_workers_before_a_full_one_give_their_room_back),
        cmocka_unit_test(a_mailbox_is_bounded_in_bytes),
        cmocka_unit_test(refused_commands_are_counted_and_warned_about_once),
    };

    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
