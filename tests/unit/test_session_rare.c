/* SPDX-License-Identifier: MIT */
/* test_session_rare.c - what few sessions need is allocated on first use: each use without memory,
 * and what an idle session costs. Over the simulated network in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "memory_faults.h"
#include "session_rare.h"

static enum weir_code answered;
static const char *closed_text; /* "": on_close got none */
static uint32_t timers_count;

/* Does what the first byte of the message names, while the next allocation fails. */
static void act(struct weir_session *session, const struct weir_message *message)
{
    if (message->bytes[0] == '.') return;
    if (message->bytes[0] == 'a') weir_session_send_back(session, message);
    memory_fail_nth(1, 0);
    switch (message->bytes[0]) {
    case 'b': answered = weir_session_broadcast(session, "room", "x", 1, false); break;
    case 'n': answered = weir_session_bind(session, "name", WEIR_BIND_IF_FREE); break;
    case 'a':
    case 't': weir_session_start_timer(session, 10); break;
    case 's': weir_session_stop_timer(session); break;
    case 'f': weir_session_fail(session, "malformed"); break;
    default: break;
    }
    memory_fail_nth(0, 0);
    if (message->bytes[0] == 'T') weir_session_start_timer(session, 10);
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    closed_text = text[0] == '\0' ? "" : "some";
}

static void note_timer(struct weir_session *session)
{
    timers_count++;
    weir_session_finish(session);
}

static const struct weir_handler handler_act = {
    .name = "act", .on_message = act, .on_close = note_close, .on_timer = note_timer};

static struct sim_peer *open_with(const struct weir_config *config, const char *text)
{
    closed_text = "unset";
    answered = WEIR_OK;
    timers_count = 0;
    fixture_open(config, NULL, &handler_act, 31);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(5);
    assert_null(fixture_only_session()->rare);
    fixture_say(peer, text);
    fixture_run_ms(5);
    return peer;
}

static void close_all(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_run_ms(5);
    fixture_close();
}

static void a_timer_without_memory_closes_the_session(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_with(&config, "t");
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    fixture_run_ms(50);
    assert_int_equal(timers_count, 0);
    close_all(peer);
}

static void a_timer_without_memory_after_an_answer_closes_the_session(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_with(&config, "a");
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_true(sim_peer_saw_reset(peer)); /* the answer is lost */
    close_all(peer);
}

static void a_timer_that_never_ran_is_stopped_without_memory(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_with(&config, "s");
    assert_null(fixture_only_session()->rare);
    fixture_say(peer, "T");
    fixture_run_ms(50);
    assert_int_equal(timers_count, 1);
    close_all(peer);
}

static void a_broadcast_and_a_name_without_memory_are_refused(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_with(&config, "b");
    assert_int_equal(answered, WEIR_NO_MEMORY);
    answered = WEIR_OK;
    fixture_say(peer, "n");
    fixture_run_ms(5);
    assert_int_equal(answered, WEIR_NO_MEMORY);
    assert_null(fixture_only_session()->rare);
    close_all(peer);
}

static void a_failure_without_memory_has_no_text(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    struct sim_peer *peer = open_with(&config, "f");
    close_all(peer);
    assert_string_equal(closed_text, "");
}

static void a_rate_without_memory_closes_the_session(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 1000;
    fixture_open(&config, NULL, &handler_act, 31);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(5);
    fixture_say(peer, ".");
    memory_fail_nth(1, 1);
    fixture_run_ms(5);
    memory_fail_nth(0, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    close_all(peer);
}

/* Its buckets are where TCP sessions have other state. */
static void a_rate_of_datagrams_needs_no_memory(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.message_rate_max = 1;
    fixture_open(&config, NULL, &handler_act, 31);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, ".");
    fixture_run_ms(5);
    memory_fail_nth(1, 1);
    for (int i = 0; i < 3; i++) fixture_send_to(peer, ".");
    fixture_run_ms(5);
    memory_fail_nth(0, 0);
    assert_true(fixture_stats().dropped_rate >= 2);
    assert_int_equal(fixture_stats().peers_opened, 1);
    sim_datagrams_close(peer);
    fixture_close();
}

static void it_is_charged_to_the_account_until_the_end(void **state)
{
    struct weir_config config = fixture_config();
    struct account *account = &fixture.loop.worker.account;

    (void)state;
    struct sim_peer *peer = open_with(&config, ".");
    uint64_t before_bytes = account->charged_bytes;
    fixture_say(peer, "T");
    while (!fixture_only_session()->rare) fixture_iterate(FIXTURE_MS);
    assert_int_equal(account->charged_bytes, before_bytes + sizeof(struct session_rare));
    sim_peer_close(peer);
    fixture_run_ms(50);
    assert_int_equal(account->charged_bytes, before_bytes);
    fixture_close();
}

/* The session has been admitted: if memory runs short, the one that holds the most is closed. */
static void a_full_account_does_not_refuse(void **state)
{
    struct weir_config config = fixture_config();
    struct account *account = &fixture.loop.worker.account;

    (void)state;
    struct sim_peer *peer = open_with(&config, ".");
    uint64_t limit_bytes = account->memory.limit_bytes;
    account->memory.limit_bytes = account->table_bytes;
    assert_non_null(session_rare(fixture_only_session()));
    account->memory.limit_bytes = limit_bytes;
    close_all(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_without_memory_closes_the_session),
        cmocka_unit_test(a_timer_without_memory_after_an_answer_closes_the_session),
        cmocka_unit_test(a_timer_that_never_ran_is_stopped_without_memory),
        cmocka_unit_test(a_broadcast_and_a_name_without_memory_are_refused),
        cmocka_unit_test(a_failure_without_memory_has_no_text),
        cmocka_unit_test(a_rate_without_memory_closes_the_session),
        cmocka_unit_test(a_rate_of_datagrams_needs_no_memory),
        cmocka_unit_test(it_is_charged_to_the_account_until_the_end),
        cmocka_unit_test(a_full_account_does_not_refuse),
    };

    return cmocka_run_group_tests_name("session_rare", tests, NULL, NULL);
}
