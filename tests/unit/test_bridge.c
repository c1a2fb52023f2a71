/* SPDX-License-Identifier: MIT */
/* test_bridge.c - what a worker tells its bridge about broadcasts and groups, and how members on
 * other nodes are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "fixture.h"
#include "group.h"
#include "group_count.h"
#include "memory_faults.h"
#include "recording_bridge.h"
#include "require.h"

/* ---- broadcasts ---- */

static void each_accepted_broadcast_is_reported_once(void **state)
{
    char large[200 * 1024] = {0};

    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *one = fixture_connect(), *two = fixture_connect();
    assert_int_equal(recording_say(one, "+room"), WEIR_OK);
    recording_expect("begin room\n");
    assert_int_equal(recording_say(two, "*hello"), WEIR_OK);
    recording_expect("broadcast room hello\n");
    assert_int_equal(recording.id, recording_last.id);
    fixture_expect(one, "hello.");
    assert_int_equal(broadcast_send(&fixture.common, "empty", "a", 1, 7), WEIR_OK);
    recording_expect("broadcast empty a\n");
    assert_int_equal(recording.id, 7);
    /* What no codec can frame for a member here can suit one elsewhere. */
    assert_int_equal(broadcast_send(&fixture.common, "room", "a.b", 3, 0), WEIR_OK);
    recording_expect("broadcast room a.b\n");
    assert_int_equal(broadcast_send(&fixture.common, "", "a", 1, 0), WEIR_INVALID);
    assert_int_equal(broadcast_send(&fixture.common, "room", large, sizeof large, 0),
                     WEIR_TOO_LARGE);
    memory_fail_nth(1, 0);
    assert_int_equal(broadcast_send(&fixture.common, "room", "a", 1, 0), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    recording_expect("");
    sim_peer_close(two);
    fixture_run_ms(50);
    recording_expect("broadcast room bye\n"); /* of on_close */
    sim_peer_close(one);
    fixture_close();
}

static void what_the_bridge_received_is_not_reported(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    recording_say(peer, "+room");
    recording_forget();
    recording_leave_worker();
    assert_int_equal(broadcast_receive(&fixture.common, "room", "hi", 2, 0), WEIR_OK);
    assert_int_equal(broadcast_receive(&fixture.common, "room", "no", 2, recording_last.id),
                     WEIR_OK);
    assert_int_equal(broadcast_receive(&fixture.common, "", "hi", 2, 0), WEIR_INVALID);
    fixture_run_ms(20);
    fixture_expect(peer, "hi.");
    recording_expect("");
    sim_peer_close(peer);
    fixture_close();
}

/* A speaker that waits for a member. */
static void a_broadcast_that_waits_is_reported_when_it_goes(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    uint32_t hash = group_hash(&fixture.common, "room");
    _Atomic uint32_t *slot = &fixture.common.congestion.members[congestion_slot(hash)];
    atomic_store(slot, 1);
    assert_int_equal(recording_say(peer, "*one"), WEIR_OK);
    fixture_run_ms(200);
    recording_expect("");
    atomic_store(slot, 0);
    fixture_run_ms(20);
    recording_expect("broadcast room one\n");
    fixture_tell(peer, "*two");
    fixture_tell(peer, "*three");
    fixture_run_ms(20);
    recording_expect("broadcast room two\nbroadcast room three\n");
    sim_peer_close(peer);
    peer = fixture_connect();
    fixture_run_ms(50);
    recording_forget();
    atomic_store(slot, 1);
    assert_int_equal(recording_say(peer, "*never"), WEIR_OK);
    sim_peer_reset(peer); /* what waits is dropped */
    fixture_run_ms(50);
    recording_expect("broadcast room bye\n");
    atomic_store(slot, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void a_udp_peer_broadcasts_like_others(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "*hello");
    fixture_run_ms(20);
    recording_expect("broadcast room hello\n");
    fixture_send_to(socket, "+room");
    fixture_send_to(socket, "ada");
    fixture_run_ms(20);
    recording_expect("begin room\nbind ada\n");
    sim_datagrams_close(socket);
    fixture_close();
    recording_expect("end room\nunbind ada\nbroadcast room bye\n");
}

static void a_transient_session_only_broadcasts(void **state)
{
    struct weir_handler handler_transient = recording_handler;

    (void)state;
    handler_transient.session_bytes = 0;
    handler_transient.on_close = NULL;
    recording_open(&handler_transient);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "*hello");
    fixture_run_ms(20);
    assert_int_equal(recording_last.id, 0);
    recording_expect("broadcast room hello\n");
    fixture_send_to(socket, "+room");
    fixture_send_to(socket, "ada");
    fixture_run_ms(20);
    recording_expect("");
    sim_datagrams_close(socket);
    fixture_close();
}

/* ---- groups ---- */

static void a_group_begins_and_ends_on_a_worker(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *one = fixture_connect(), *two = fixture_connect();
    recording_say(one, "+a");
    recording_say(two, "+a");
    recording_say(one, "+a");
    recording_expect("begin a\n");
    recording_say(one, "-a");
    recording_say(one, "-a");
    recording_expect("");
    recording_say(two, "+b");
    recording_say(two, "-a");
    recording_expect("begin b\nend a\n");
    recording_say(two, "?"); /* ends its output, and leaves */
    recording_expect("end b\n");
    recording_say(one, "+a");
    sim_peer_close(one);
    sim_peer_close(two);
    fixture_run_ms(50);
    assert_non_null(strstr(recording.calls, "begin a\n"));
    assert_non_null(strstr(recording.calls, "end a\n"));
    fixture_close();
}

static void without_memory_no_group_begins(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    uint64_t before = fixture.loop.worker.account.membership_bytes;
    recording.lacks_memory = true;
    assert_int_equal(recording_say(peer, "+a"), WEIR_NO_MEMORY);
    assert_int_equal(fixture.loop.worker.account.membership_bytes, before);
    assert_int_equal(fixture.loop.groups.by_name.count, 0);
    recording.lacks_memory = false;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        memory_fail_nth(nth, 0);
        assert_int_equal(weir_session_join(fixture_only_session(), "a"), WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
    }
    recording_expect("");
    assert_int_equal(recording_say(peer, "+a"), WEIR_OK);
    recording_expect("begin a\n");
    sim_peer_close(peer);
    fixture_close();
}

/* ---- counts ---- */

static struct {
    uint32_t calls;
    bool incomplete;
    uint64_t members, offered, dropped;
} got;

static void note_count(const struct weir_group_members *count, void *argument)
{
    (void)argument;
    got.calls++;
    got.incomplete = count->incomplete;
    got.members = count->members;
    got.offered = count->offered;
    got.dropped = count->dropped;
}

static enum weir_code ask(uint32_t deadline_ms)
{
    memset(&got, 0, sizeof got);
    return group_count_ask(&fixture.common, "room", deadline_ms, note_count, NULL);
}

static void a_count_includes_other_nodes(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    recording_say(peer, "+room");
    recording_forget();
    recording.answers = true; /* inside the call */
    assert_int_equal(ask(0), WEIR_OK);
    recording_expect("count room 0\n");
    assert_int_equal(got.calls, 0);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 11);
    assert_int_equal(got.offered, 20);
    assert_int_equal(got.dropped, 3);
    assert_false(got.incomplete);
    recording.answers = false; /* later */
    assert_int_equal(ask(500), WEIR_OK);
    recording_expect("count room 500\n");
    fixture_run_ms(100);
    assert_int_equal(got.calls, 0);
    weir_bridge_counted(recording.count, 5, 0, 0, true);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 6);
    assert_true(got.incomplete);
    fixture_run_ms(1000);
    assert_int_equal(got.calls, 1);
    sim_peer_close(peer);
    fixture_close();
}

static void at_the_deadline_other_nodes_are_missing(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    recording_say(peer, "+room");
    assert_int_equal(ask(100), WEIR_OK);
    fixture_run_ms(150);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 1);
    assert_true(got.incomplete);
    weir_bridge_counted(recording.count, 5, 0, 0, false); /* late */
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    sim_peer_close(peer);
    fixture_close();
}

static void the_worker_ends_after_the_bridge_has_answered(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    assert_int_equal(ask(100), WEIR_OK);
    remote_stop(&fixture.loop.worker);
    for (int i = 0; i < 300; i++) assert_true(fixture_iterate(FIXTURE_MS));
    weir_bridge_counted(recording.count, 5, 0, 0, false);
    fixture_run_to_the_end();
    assert_int_equal(got.calls, 1);
    recording_forget();
    assert_int_equal(ask(0), WEIR_GONE);
    recording_expect(""); /* there is nothing to answer */
    fixture_close();
}

static void a_refused_question_does_not_reach_the_bridge(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    assert_int_equal(group_count_ask(&fixture.common, "", 0, note_count, NULL), WEIR_INVALID);
    memory_fail_nth(1, 0);
    assert_int_equal(ask(0), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    while (mailbox_reserve(&fixture.loop.mailbox, 0)) continue;
    assert_int_equal(ask(0), WEIR_MAILBOX_FULL);
    while (mailbox_load(&fixture.loop.mailbox).commands > 0)
        mailbox_cancel(&fixture.loop.mailbox, 0);
    assert_int_equal(group_count_ask_here(&fixture.common, "room", 0, note_count, NULL), WEIR_OK);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    recording_expect("");
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_accepted_broadcast_is_reported_once),
        cmocka_unit_test(what_the_bridge_received_is_not_reported),
        cmocka_unit_test(a_broadcast_that_waits_is_reported_when_it_goes),
        cmocka_unit_test(a_udp_peer_broadcasts_like_others),
        cmocka_unit_test(a_transient_session_only_broadcasts),
        cmocka_unit_test(a_group_begins_and_ends_on_a_worker),
        cmocka_unit_test(without_memory_no_group_begins),
        cmocka_unit_test(a_count_includes_other_nodes),
        cmocka_unit_test(at_the_deadline_other_nodes_are_missing),
        cmocka_unit_test(the_worker_ends_after_the_bridge_has_answered),
        cmocka_unit_test(a_refused_question_does_not_reach_the_bridge),
    };

    return cmocka_run_group_tests_name("bridge", tests, NULL, NULL);
}
