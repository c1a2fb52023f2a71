/* SPDX-License-Identifier: MIT */
/* test_group_counts.c - weir_group_count() on one worker and on two, with a deadline, with a full
 * mailbox, and at the end of a worker. */
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
#include "group_count.h"
#include "memory_faults.h"
#include "require.h"

/* What the callback got last. */
static struct got {
    uint32_t calls;
    bool incomplete, on_worker;
    uint64_t members, offered, dropped;
    char group[WEIR_GROUP_NAME_BYTES_MAX + 1];
    const char *then; /* the group to ask for next, in the callback */
} got;

static void note_count(const struct weir_group_members *count, void *argument)
{
    struct got *to = argument;
    const char *then = to->then;

    to->calls++;
    to->incomplete = count->incomplete;
    to->on_worker = worker_is_own(&fixture.loop.worker);
    to->members = count->members;
    to->offered = count->offered;
    to->dropped = count->dropped;
    snprintf(to->group, sizeof to->group, "%s", count->group);
    assert_null(count->server); /* the fixture has none */
    to->then = NULL;
    if (then) assert_int_equal(group_count_ask(&fixture.common, then, 10, note_count, to), WEIR_OK);
}

static enum weir_code ask(const char *group, uint32_t deadline_ms)
{
    return group_count_ask(&fixture.common, group, deadline_ms, note_count, &got);
}

/* A word joins the group of that name; "?word" asks for it. */
static enum weir_code last_code;

static void join_or_ask(struct weir_session *session, const struct weir_message *message)
{
    char name[80];

    snprintf(name, sizeof name, "%.*s", (int)message->length, (const char *)message->bytes);
    if (name[0] == '?') {
        last_code = ask(name + 1, 0);
        assert_int_equal(got.calls, 0); /* never inside the call */
    } else {
        last_code = weir_session_join(session, name);
    }
}

static const struct weir_handler handler_ask = {.size = sizeof(struct weir_handler),
                                                .name = "ask",
                                                .session_bytes = 8,
                                                .on_message = join_or_ask};

static void open_fixture(void)
{
    struct weir_config config = fixture_config();

    got = (struct got){.calls = 0};
    fixture_open(&config, &codec_dot, &handler_ask, 9);
}

static void a_handler_counts_members(void **state)
{
    (void)state;
    open_fixture();
    fixture.loop.worker.thread = thread_self();
    struct sim_peer *one = fixture_connect(), *two = fixture_connect();
    fixture_say(one, "a.b.");
    fixture_run_ms(20);
    fixture_say(two, "a.?a.");
    fixture_run_ms(20);
    assert_int_equal(last_code, WEIR_OK);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 2);
    assert_false(got.incomplete);
    assert_string_equal(got.group, "a");
    got.calls = 0;
    fixture_say(two, "?none.");
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 0); /* it does not exist */
    sim_peer_close(one);
    sim_peer_close(two);
    fixture_close();
}

static void another_thread_counts_members(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    got.then = "b";
    assert_int_equal(ask("a", 1000), WEIR_OK);
    assert_int_equal(ask("a", 0), WEIR_OK);
    assert_int_equal(got.calls, 0);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 3);
    fixture_run_ms(2000); /* no deadline is left */
    assert_int_equal(got.calls, 3);
    sim_peer_close(peer);
    fixture_close();
}

static void it_tells_what_the_members_missed(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    fixture.loop.worker.thread = thread_self();
    broadcast_send(&fixture.common, "a", "one", 3, 0);
    broadcast_send(&fixture.common, "a", "n.o", 3, 0);
    broadcast_send(&fixture.common, "b", "two", 3, 0);
    assert_int_equal(ask("a", 0), WEIR_OK);
    fixture_run_ms(20);
    fixture_expect(peer, "one.");
    assert_int_equal(got.offered, 2);
    assert_int_equal(got.dropped, 1);
    sim_peer_close(peer);
    fixture_close();
}

static void refused_questions_have_no_answer(void **state)
{
    char name[WEIR_GROUP_NAME_BYTES_MAX + 2];

    (void)state;
    open_fixture();
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(ask("", 0), WEIR_INVALID);
    assert_int_equal(ask(name, 0), WEIR_INVALID);
    memory_fail_nth(1, 0);
    assert_int_equal(ask("a", 0), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 0);
    fixture_close();
}

static void count_without_a_callback(void *argument)
{
    struct worker_common common = {.workers_count = 0};

    (void)argument;
    group_count_ask(&common, "a", 0, NULL, NULL);
}

static void a_missing_callback_is_a_misuse(void **state)
{
    (void)state;
    require_death(count_without_a_callback, NULL, "weir_group_count takes a function");
}

/* ---- two workers ---- */

static struct worker other;
static struct mailbox other_mailbox;
static struct group_table other_groups;
static struct worker *workers[2];

/* A second worker that answers when the test says so. `first`: which is asked first. */
static void open_world(bool other_first)
{
    open_fixture();
    workers[other_first] = &fixture.loop.worker;
    workers[!other_first] = &other;
    fixture.common.workers = workers;
    fixture.common.workers_count = 2;
    memset(&other_groups, 0, sizeof other_groups);
    hash_table_init(&other_groups.by_name);
    other = (struct worker){
        .common = &fixture.common, .mailbox = &other_mailbox, .groups = &other_groups};
    list_init(&other.group_counts);
    wheel_timer_init(&other.group_count_timer);
    wheel_init(&other.user_timers, 0);
    require(mailbox_init(&other_mailbox, 2, 1000));
    mailbox_open(&other_mailbox, fixture.loop.worker.net);
}

static void answer_elsewhere(void)
{
    struct mailbox_command command;

    while (mailbox_take(&other_mailbox, &command)) {
        if (command.kind == MAILBOX_COUNT) group_count_add(&other, command.count);
        if (command.kind == MAILBOX_COUNTED) group_count_end(command.count);
    }
}

static void close_world(void)
{
    answer_elsewhere();
    fixture_run_ms(20);
    require(mailbox_shut(&other_mailbox));
    mailbox_free(&other_mailbox);
    fixture.common.workers_count = 1;
    fixture.common.workers = fixture.workers;
    fixture_close();
}

static void all_workers_are_counted(void **state)
{
    struct group group = {
        .in_table.hash = group_hash(&fixture.common, "a"), .members_count = 5, .name = "a"};

    (void)state;
    open_world(false);
    group.in_table.hash = group_hash(&fixture.common, "a");
    hash_table_add(&other_groups.by_name, &group.in_table);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    assert_int_equal(ask("a", 0), WEIR_OK);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 0);
    answer_elsewhere();
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.members, 6);
    assert_false(got.incomplete);
    sim_peer_close(peer);
    close_world();
}

/* The callback runs on the worker whose handler asked, whichever worker is the first. */
static void the_asking_worker_reports(void **state)
{
    (void)state;
    open_world(true);
    fixture.loop.worker.thread = thread_self();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.?a.");
    fixture_run_ms(20);
    answer_elsewhere();
    assert_int_equal(got.calls, 0);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_true(got.on_worker);
    sim_peer_close(peer);
    close_world();
}

static void at_the_deadline_the_count_is_incomplete(void **state)
{
    (void)state;
    open_world(false);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "a.");
    fixture_run_ms(20);
    assert_int_equal(ask("a", 300), WEIR_OK);
    assert_int_equal(ask("a", 100), WEIR_OK);
    fixture_run_ms(99);
    assert_int_equal(got.calls, 0);
    fixture_run_ms(20);
    assert_int_equal(got.calls, 1);
    assert_true(got.incomplete);
    assert_int_equal(got.members, 1);
    fixture_run_ms(150);
    assert_int_equal(got.calls, 1);
    answer_elsewhere(); /* late for the second one: it was reported already */
    fixture_run_ms(500);
    assert_int_equal(got.calls, 2);
    assert_false(got.incomplete);
    sim_peer_close(peer);
    close_world();
}

static void a_worker_does_not_end_before_it_has_reported(void **state)
{
    (void)state;
    open_world(false);
    assert_int_equal(ask("a", 0), WEIR_OK);
    remote_stop(&fixture.loop.worker);
    for (int i = 0; i < 20; i++) assert_true(fixture_iterate(FIXTURE_MS));
    answer_elsewhere();
    fixture_run_to_the_end();
    assert_int_equal(got.calls, 1);
    close_world();
}

static void a_full_mailbox_refuses_the_question(void **state)
{
    (void)state;
    for (int full = 0; full < 2; full++) {
        open_world(full == 1);
        uint64_t used = atomic_load(&fixture.loop.mailbox.used);
        for (int i = 0; i < 2; i++) require(mailbox_reserve(&other_mailbox, 0));
        assert_int_equal(ask("a", 0), WEIR_MAILBOX_FULL);
        mailbox_cancel(&other_mailbox, 0); /* room for one: too little if it asks and answers */
        assert_int_equal(ask("a", 0), full ? WEIR_MAILBOX_FULL : WEIR_OK);
        mailbox_cancel(&other_mailbox, 0);
        if (full) assert_int_equal(atomic_load(&fixture.loop.mailbox.used), used);
        close_world();
        assert_int_equal(got.calls, full ? 0 : 1);
    }
}

static void workers_that_have_ended_have_no_members(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        open_world(first == 1);
        require(mailbox_shut(&other_mailbox));
        assert_int_equal(ask("a", 0), WEIR_OK);
        fixture_run_ms(20);
        assert_int_equal(got.calls, 1);
        assert_false(got.incomplete);
        assert_int_equal(atomic_load(&fixture.loop.mailbox.used), 0);
        assert_int_equal(atomic_load(&other_mailbox.used), 0);
        close_world();
    }
    open_world(false);
    require(mailbox_shut(&other_mailbox));
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(ask("a", 0), WEIR_GONE);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_counts_members),
        cmocka_unit_test(another_thread_counts_members),
        cmocka_unit_test(it_tells_what_the_members_missed),
        cmocka_unit_test(refused_questions_have_no_answer),
        cmocka_unit_test(a_missing_callback_is_a_misuse),
        cmocka_unit_test(all_workers_are_counted),
        cmocka_unit_test(the_asking_worker_reports),
        cmocka_unit_test(at_the_deadline_the_count_is_incomplete),
        cmocka_unit_test(a_worker_does_not_end_before_it_has_reported),
        cmocka_unit_test(a_full_mailbox_refuses_the_question),
        cmocka_unit_test(workers_that_have_ended_have_no_members),
    };

    return cmocka_run_group_tests_name("group_counts", tests, NULL, NULL);
}
