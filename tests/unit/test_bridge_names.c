/* SPDX-License-Identifier: MIT */
/* test_bridge_names.c - what a worker tells its bridge about names, how the bridge evicts their
 * holders, and both with a second worker, whose mailbox can be full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "fixture.h"
#include "memory_faults.h"
#include "names.h"
#include "other_worker.h"
#include "recording_bridge.h"
#include "require.h"

/* ---- names ---- */

static void each_change_of_a_name_is_reported(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *ada = fixture_connect(), *eve = fixture_connect();
    assert_int_equal(recording_say(ada, "ada"), WEIR_OK);
    uint64_t id = recording_last.id;
    assert_int_equal(recording.id, id);
    assert_int_equal(recording_say(ada, "ada"), WEIR_OK); /* it holds it */
    recording_expect("bind ada\n");
    assert_int_equal(recording_say(ada, "lovelace"), WEIR_OK);
    recording_expect("bind lovelace\nunbind ada\n");
    assert_int_equal(recording_say(eve, "lovelace"), WEIR_NAME_TAKEN);
    recording_expect("");
    assert_int_equal(recording_say(eve, "=lovelace"), WEIR_OK);
    recording_expect("replace lovelace\nunbind lovelace\n");
    assert_int_equal(recording.id, id);
    sim_peer_close(ada); /* the first one ends, and has no name */
    fixture_run_ms(50);
    assert_int_equal(recording_last.reason, WEIR_REASON_REPLACED);
    recording_expect("broadcast room bye\n");
    recording_say(eve, "~");
    recording_say(eve, "~");
    recording_expect("unbind lovelace\n");
    assert_int_equal(recording_say(eve, "eve"), WEIR_OK);
    sim_peer_close(eve);
    fixture_run_ms(50);
    recording_expect("bind eve\nunbind eve\nbroadcast room bye\n");
    fixture_close();
}

static void without_memory_no_name_changes(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *ada = fixture_connect(), *eve = fixture_connect();
    assert_int_equal(recording_say(ada, "ada"), WEIR_OK);
    uint64_t id = recording_last.id, before = fixture.loop.worker.account.membership_bytes;
    recording_forget();
    recording.lacks_memory = true;
    assert_int_equal(recording_say(eve, "eve"), WEIR_NO_MEMORY);
    assert_int_equal(recording_say(eve, "=ada"), WEIR_NO_MEMORY);
    assert_int_equal(recording_say(ada, "lovelace"), WEIR_NO_MEMORY);
    assert_int_equal(names_holder(&fixture.common, "ada"), id);
    assert_int_equal(names_holder(&fixture.common, "lovelace"), 0);
    assert_int_equal(fixture.loop.worker.account.membership_bytes, before);
    recording_expect("");
    recording.lacks_memory = false;
    sim_peer_close(ada);
    sim_peer_close(eve);
    fixture_close();
}

static void the_bridge_evicts_a_session(void **state)
{
    (void)state;
    recording_open(&recording_handler);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(recording_say(peer, "ada"), WEIR_OK);
    uint64_t id = recording_last.id;
    recording_forget();
    assert_int_equal(names_evict(&fixture.common, "ada", id + 1), WEIR_OK); /* of another one */
    assert_int_equal(names_evict(&fixture.common, "eve", id), WEIR_OK);     /* it is free */
    assert_int_equal(names_evict(&fixture.common, "", id), WEIR_OK);
    recording_expect("");
    assert_int_equal(names_evict(&fixture.common, "ada", id), WEIR_OK);
    recording_expect("unbind ada\n");
    assert_int_equal(recording.id, id);
    assert_int_equal(names_holder(&fixture.common, "ada"), 0);
    fixture_iterations(20);
    assert_true(sim_peer_saw_end(peer));
    sim_peer_close(peer);
    fixture_run_ms(50);
    assert_int_equal(recording_last.reason, WEIR_REASON_REPLACED);
    recording_expect("broadcast room bye\n");
    fixture_close();
}

/* ---- another worker ---- */

static void open_world(void)
{
    recording_open(&recording_handler);
    other_worker_open();
    recording_expect("bind ada\n");
}

static void fill_other_mailbox(void)
{
    while (mailbox_reserve(&other_worker.mailbox, 0)) continue;
}

static void with_a_full_mailbox_nothing_is_reported(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    fill_other_mailbox();
    assert_int_equal(broadcast_send(&fixture.common, "room", "a", 1, 0), WEIR_MAILBOX_FULL);
    assert_int_equal(broadcast_receive(&fixture.common, "room", "a", 1, 0), WEIR_MAILBOX_FULL);
    assert_int_equal(recording_say(peer, "=ada"), WEIR_MAILBOX_FULL);
    assert_int_equal(names_evict(&fixture.common, "ada", other_worker.session.id),
                     WEIR_MAILBOX_FULL);
    assert_int_equal(names_holder(&fixture.common, "ada"), other_worker.session.id);
    assert_int_equal(recording_say(peer, "*wait"), WEIR_OK); /* with its speaker */
    recording_expect("");
    for (int i = 0; i < 2; i++) mailbox_cancel(&other_worker.mailbox, 0);
    fixture_run_ms(20);
    recording_expect("broadcast room wait\n");
    other_worker_close(peer);
}

static void a_lack_of_memory_gives_the_room_back(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    recording.lacks_memory = true;
    assert_int_equal(recording_say(peer, "=ada"), WEIR_NO_MEMORY);
    assert_int_equal(mailbox_load(&other_worker.mailbox).commands, 0);
    assert_int_equal(names_holder(&fixture.common, "ada"), other_worker.session.id);
    recording_expect("");
    recording.lacks_memory = false;
    other_worker_close(peer);
}

static void the_bridge_evicts_a_session_of_another_worker(void **state)
{
    struct mailbox_command command;

    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(names_evict(&fixture.common, "ada", other_worker.session.id), WEIR_OK);
    recording_expect("unbind ada\n");
    assert_true(mailbox_take(&other_worker.mailbox, &command));
    assert_int_equal(command.kind, MAILBOX_EVICT);
    assert_int_equal(command.id, other_worker.session.id);
    assert_int_equal(recording_say(peer, "ada"), WEIR_OK);
    names_unbind(&other_worker.session); /* changes nothing */
    recording_expect("bind ada\n");
    other_worker_close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_of_a_name_is_reported),
        cmocka_unit_test(without_memory_no_name_changes),
        cmocka_unit_test(the_bridge_evicts_a_session),
        cmocka_unit_test(with_a_full_mailbox_nothing_is_reported),
        cmocka_unit_test(a_lack_of_memory_gives_the_room_back),
        cmocka_unit_test(the_bridge_evicts_a_session_of_another_worker),
    };

    return cmocka_run_group_tests_name("bridge_names", tests, NULL, NULL);
}
