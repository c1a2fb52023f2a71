/* SPDX-License-Identifier: MIT */
/* test_names.c - names of sessions: one holder per server, also on another worker, whose mailbox
 * can be full or shut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "names.h"
#include "other_worker.h"
#include "require.h"

/* "name": bind it; "=name": take it over; "-": unbind. The code is kept. */
static enum weir_code last_code;
static uint64_t last_id;
static enum weir_reason last_reason;

static void bind_or_not(struct weir_session *session, const struct weir_message *message)
{
    char name[WEIR_NAME_BYTES_MAX + 2];

    last_id = weir_session_id(session);
    snprintf(name, sizeof name, "%.*s", (int)message->length, (const char *)message->bytes);
    if (strcmp(name, "-") == 0)
        weir_session_unbind(session);
    else if (name[0] == '=')
        last_code = weir_session_bind(session, name + 1, WEIR_BIND_REPLACE);
    else
        last_code = weir_session_bind(session, name, WEIR_BIND_IF_FREE);
}

static uint64_t holder(const char *name)
{
    return names_holder(&fixture.common, name);
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)text;
    last_reason = reason;
    assert_int_not_equal(holder("ada"), weir_session_id(session)); /* it is free already */
    assert_int_equal(weir_session_bind(session, "late", WEIR_BIND_IF_FREE), WEIR_CANCELLED);
    weir_session_unbind(session);
}

static const struct weir_handler handler_bind = {.size = sizeof(struct weir_handler),
                                                 .name = "bind",
                                                 .session_bytes = 8,
                                                 .on_message = bind_or_not,
                                                 .on_close = note_close};

static void open_fixture(void)
{
    struct weir_config config = fixture_config();

    fixture_open(&config, &codec_dot, &handler_bind, 5);
    fixture.loop.worker.thread = thread_self();
}

/* Sends the word, and returns what the call in the handler returned. */
static enum weir_code say(struct sim_peer *peer, const char *word)
{
    last_code = WEIR_CODES_COUNT;
    fixture_tell(peer, word);
    fixture_run_ms(20);
    return last_code;
}

static void a_name_has_one_holder(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *ada = fixture_connect(), *bob = fixture_connect();
    assert_int_equal(holder("ada"), 0);
    assert_int_equal(say(ada, "ada"), WEIR_OK);
    uint64_t id = last_id;
    assert_int_equal(holder("ada"), id);
    assert_int_equal(say(ada, "ada"), WEIR_OK); /* its own */
    assert_int_equal(say(ada, "=ada"), WEIR_OK);
    assert_int_equal(say(bob, "ada"), WEIR_NAME_TAKEN);
    assert_int_equal(holder("ada"), id);
    assert_int_equal(say(bob, "Ada"), WEIR_OK); /* bytes are compared */
    say(ada, "-");
    say(ada, "-"); /* it holds none */
    assert_int_equal(holder("ada"), 0);
    assert_int_equal(say(bob, "ada"), WEIR_OK);
    assert_int_equal(holder("ada"), last_id);
    assert_int_equal(holder("Ada"), 0); /* a session holds one name */
    sim_peer_close(ada);
    sim_peer_close(bob);
    fixture_close();
}

static void a_name_ends_with_its_session(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *ada = fixture_connect();
    assert_int_equal(say(ada, "ada"), WEIR_OK);
    sim_peer_close(ada);
    fixture_run_ms(50);
    assert_int_equal(holder("ada"), 0);
    fixture_close();
}

static void replacing_finishes_the_other_session(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *ada = fixture_connect(), *eve = fixture_connect();
    assert_int_equal(say(ada, "ada"), WEIR_OK);
    assert_int_equal(say(eve, "=ada"), WEIR_OK);
    assert_int_equal(holder("ada"), last_id);
    assert_true(sim_peer_saw_end(ada));
    sim_peer_finish(ada);
    fixture_run_ms(50);
    assert_int_equal(last_reason, WEIR_REASON_REPLACED);
    assert_int_equal(fixture_closed(WEIR_REASON_REPLACED), 1);
    assert_int_equal(holder("ada"), last_id); /* the end of the first one changes nothing */
    sim_peer_close(ada);
    sim_peer_close(eve);
    fixture_close();
}

static void names_have_their_bounds(void **state)
{
    char name[WEIR_NAME_BYTES_MAX + 2];

    (void)state;
    open_fixture();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(weir_session_bind(session, "", WEIR_BIND_IF_FREE), WEIR_INVALID);
    assert_int_equal(weir_session_bind(session, name, WEIR_BIND_IF_FREE), WEIR_INVALID);
    assert_int_equal(holder(name), 0);
    assert_int_equal(holder(""), 0);
    assert_int_equal(weir_session_bind(session, name + 1, WEIR_BIND_IF_FREE), WEIR_OK);
    assert_int_equal(holder(name + 1), session->id);
    sim_peer_close(peer);
    fixture_close();
}

static void without_memory_no_name_is_bound(void **state)
{
    (void)state;
    open_fixture();
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session *session = fixture_only_session();
    uint64_t before = fixture.loop.worker.account.membership_bytes;
    memory_fail_nth(1, 0);
    assert_int_equal(weir_session_bind(session, "ada", WEIR_BIND_IF_FREE), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    struct account_part part = fixture.loop.worker.account.memory;
    fixture.loop.worker.account.memory.limit_bytes = 1000;
    assert_int_equal(weir_session_bind(session, "ada", WEIR_BIND_IF_FREE), WEIR_NO_MEMORY);
    fixture.loop.worker.account.memory = part;
    assert_int_equal(fixture.loop.worker.account.membership_bytes, before);
    assert_int_equal(holder("ada"), 0);
    assert_int_equal(weir_session_bind(session, "ada", WEIR_BIND_IF_FREE), WEIR_OK);
    assert_true(fixture.loop.worker.account.membership_bytes > before);
    weir_session_unbind(session);
    assert_int_equal(fixture.loop.worker.account.membership_bytes, before);
    sim_peer_close(peer);
    fixture_close();
}

/* More names than a shard's table has buckets. */
static void many_names_are_distinct(void **state)
{
    struct sim_peer *peers[8];
    char word[32];

    (void)state;
    open_fixture();
    for (int i = 0; i < 8; i++) peers[i] = fixture_connect();
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 8; i++) {
            snprintf(word, sizeof word, "n%d-%d", i, round);
            assert_int_equal(say(peers[i], word), WEIR_OK);
            assert_int_equal(holder(word), last_id);
        }
    assert_int_equal(holder("n3-18"), 0);
    for (int i = 0; i < 8; i++) sim_peer_close(peers[i]);
    fixture_close();
}

/* ---- datagrams ---- */

static void a_datagram_peer_has_a_name(void **state)
{
    (void)state;
    open_fixture();
    struct sim_datagrams *socket = fixture_datagrams(2);
    struct sim_peer *peer = fixture_connect();
    fixture_send_to(socket, "ada");
    fixture_run_ms(20);
    assert_int_equal(last_code, WEIR_OK);
    uint64_t id = last_id;
    assert_int_equal(holder("ada"), id);
    assert_int_equal(say(peer, "=ada"), WEIR_OK);
    assert_int_equal(last_reason, WEIR_REASON_REPLACED);
    assert_int_not_equal(holder("ada"), id);
    sim_peer_close(peer);
    sim_datagrams_close(socket);
    fixture_close();
}

static const struct weir_handler handler_transient = {
    .size = sizeof(struct weir_handler), .name = "bind", .on_message = bind_or_not};

static void a_transient_session_has_none(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, &codec_dot, &handler_transient, 5);
    struct sim_datagrams *socket = fixture_datagrams(2);
    fixture_send_to(socket, "ada");
    fixture_run_ms(20);
    assert_int_equal(last_code, WEIR_INVALID);
    fixture_send_to(socket, "-");
    fixture_run_ms(20);
    assert_int_equal(last_id, 0);
    sim_datagrams_close(socket);
    fixture_close();
}

/* ---- another worker ---- */

static void open_world(void)
{
    open_fixture();
    other_worker_open();
}

static void a_holder_on_another_worker_is_notified(void **state)
{
    struct mailbox_command command;

    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(say(peer, "ada"), WEIR_NAME_TAKEN);
    assert_int_equal(mailbox_count(&other_worker.mailbox), 0);
    assert_int_equal(say(peer, "=ada"), WEIR_OK);
    assert_int_equal(holder("ada"), last_id);
    assert_true(mailbox_take(&other_worker.mailbox, &command));
    assert_int_equal(command.kind, MAILBOX_EVICT);
    assert_int_equal(command.id, other_worker.session.id);
    /* It takes the name back before it reads the command. */
    assert_int_equal(names_bind(&other_worker.session, "ada", WEIR_BIND_IF_FREE), WEIR_NAME_TAKEN);
    assert_int_equal(names_bind(&other_worker.session, "ada", WEIR_BIND_REPLACE), WEIR_OK);
    assert_int_equal(holder("ada"), other_worker.session.id);
    fixture_iterations(20);
    assert_true(sim_peer_saw_end(peer));
    other_worker_close(peer);
}

static void a_full_mailbox_changes_nothing(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    while (mailbox_reserve(&other_worker.mailbox, 0)) continue;
    assert_int_equal(say(peer, "mine"), WEIR_OK);
    assert_int_equal(say(peer, "=ada"), WEIR_MAILBOX_FULL);
    assert_int_equal(holder("ada"), other_worker.session.id);
    assert_int_equal(holder("mine"), last_id);
    for (int i = 0; i < 2; i++) mailbox_cancel(&other_worker.mailbox, 0);
    other_worker_close(peer);
}

static void a_worker_that_has_ended_is_not_notified(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    require(mailbox_shut(&other_worker.mailbox));
    assert_int_equal(say(peer, "=ada"), WEIR_OK);
    assert_int_equal(holder("ada"), last_id);
    other_worker_close(peer);
}

/* The command of another worker arrives. */
static void an_evicted_session_is_finished(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(say(peer, "mine"), WEIR_OK);
    struct mailbox_command command = {.kind = MAILBOX_EVICT, .id = last_id};
    assert_int_equal(mailbox_post(&fixture.loop.mailbox, &command), MAILBOX_POSTED);
    fixture_run_ms(20);
    assert_true(sim_peer_saw_end(peer));
    other_worker_close(peer);
}

/* ---- the table ---- */

static void without_memory_there_is_no_table(void **state)
{
    uint64_t nth = 1;
    struct names *names = NULL;

    (void)state;
    names_free(NULL);
    for (; !names; nth++) {
        memory_fail_nth(nth, 0);
        names = names_open();
        memory_fail_nth(0, 0);
    }
    assert_true(nth > 3);
    names_free(names);
}

static void bind_otherwise(void *argument)
{
    struct worker worker = {.home = thread_self()};
    struct weir_session session = {.id = 1, .worker = &worker, .state = SESSION_OPEN};

    (void)argument;
    names_bind(&session, "ada", (enum weir_bind)2);
}

static void another_way_of_binding_is_a_misuse(void **state)
{
    (void)state;
    require_death(bind_otherwise, NULL, "weir_session_bind takes WEIR_BIND_IF_FREE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_has_one_holder),
        cmocka_unit_test(a_name_ends_with_its_session),
        cmocka_unit_test(replacing_finishes_the_other_session),
        cmocka_unit_test(names_have_their_bounds),
        cmocka_unit_test(without_memory_no_name_is_bound),
        cmocka_unit_test(many_names_are_distinct),
        cmocka_unit_test(a_datagram_peer_has_a_name),
        cmocka_unit_test(a_transient_session_has_none),
        cmocka_unit_test(a_holder_on_another_worker_is_notified),
        cmocka_unit_test(a_full_mailbox_changes_nothing),
        cmocka_unit_test(a_worker_that_has_ended_is_not_notified),
        cmocka_unit_test(an_evicted_session_is_finished),
        cmocka_unit_test(without_memory_there_is_no_table),
        cmocka_unit_test(another_way_of_binding_is_a_misuse),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
