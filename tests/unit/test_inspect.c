/* SPDX-License-Identifier: MIT */
/* test_inspect.c - what tools see of sessions and of a worker: one session in each state, lists in
 * slices, figures of the worker, over the simulated network. test_inspection.c has the calls of a
 * whole server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "inspect.h"
#include "memory_faults.h"
#include "require.h"

#define S 1000u /* in milliseconds */

/* ---- a handler ---- */

static struct weir_session_info seen; /* of the last session whose message said so */

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    const char *word = (const char *)message->bytes;

    if (message->length != 4) return;
    if (memcmp(word, "look", 4) == 0) weir_session_inspect(session, &seen);
    if (memcmp(word, "back", 4) == 0) weir_session_send_back(session, message);
    if (memcmp(word, "wait", 4) == 0) weir_session_pause(session);
    if (memcmp(word, "hold", 4) == 0) weir_session_hold(session);
    if (memcmp(word, "done", 4) == 0) weir_session_finish(session);
    if (memcmp(word, "kill", 4) == 0) weir_session_abort(session);
    if (memcmp(word, "join", 4) == 0) weir_session_join(session, "all");
    if (memcmp(word, "tell", 4) == 0)
        assert_int_equal(weir_session_broadcast(session, "all", "x", 1, 0), WEIR_OK);
    if (memcmp(word, "slow", 4) == 0) sim_pass_ns(fixture.simulation, 7 * FIXTURE_MS);
}

static bool asks_in_close;

static enum weir_code ask(uint32_t slot, uint64_t id, uint32_t count_max);

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)reason, (void)text;
    weir_session_inspect(session, &seen);
    if (asks_in_close) assert_int_equal(ask(0, weir_session_id(session), 64), WEIR_OK);
}

static const struct weir_handler handler_words = {.size = sizeof(struct weir_handler),
                                                  .name = "words",
                                                  .summary = "",
                                                  .on_message = on_message,
                                                  .on_close = on_close};
static const struct weir_handler handler_plain = {
    .size = sizeof(struct weir_handler), .name = "plain", .summary = "", .on_message = on_message};

static void open_words(const struct weir_config *config)
{
    struct weir_config standard = fixture_config();

    fixture_open(config ? config : &standard, &codec_dot, &handler_words, 1);
    fixture.tcp_service.listener = 1;
    fixture.udp_service.listener = 2;
}

static struct weir_session_info look_at(const struct weir_session *session)
{
    struct weir_session_info info;

    weir_session_inspect(session, &info);
    return info;
}

static struct weir_session_info look(void)
{
    return look_at(fixture_only_session());
}

/* ---- one session ---- */

static void a_session_describes_itself(void **state)
{
    char text[WEIR_ADDRESS_TEXT_BYTES], wanted[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(2 * S);
    fixture_tell(peer, "back");
    fixture_tell(peer, "hold");
    fixture_run_ms(3 * S);
    fixture_say(peer, "look.part");
    fixture_iterations(100);
    struct net_address address = sim_peer_address(peer);
    net_address_text(&address, wanted, sizeof wanted);
    assert_string_equal(weir_address_text(&seen.peer, text, sizeof text), wanted);
    assert_int_equal(seen.id, fixture_only_session()->id);
    assert_int_equal(seen.proto, WEIR_TCP);
    assert_int_equal(seen.state, WEIR_SESSION_OPEN);
    assert_int_equal(seen.listener, 1);
    assert_int_equal(seen.worker, 0);
    assert_string_equal(seen.codec, "dot");
    assert_string_equal(seen.handler, "words");
    assert_true(seen.bytes_in >= 15);
    assert_int_equal(seen.bytes_out, 5);
    assert_int_equal(seen.messages_out, 1);
    assert_int_equal(seen.holds, 1);
    assert_int_equal(seen.pause, WEIR_PAUSE_NONE);
    assert_int_equal(seen.paused_ms, 0);
    assert_true(seen.age_ms >= 5 * S);
    assert_true(seen.sent_ago_ms > 2 * S && seen.sent_ago_ms < seen.age_ms);
    assert_true(seen.received_ago_ms < S);
    assert_int_equal(seen.deadline_ms, UINT64_MAX);
    assert_int_equal(seen.deadline_reason, WEIR_REASON_NONE);
    assert_int_equal(seen.reason, WEIR_REASON_NONE);
    struct weir_session_info info = look();
    assert_int_equal(info.messages_in, 3);
    assert_int_equal(info.partial_bytes, 4);
    assert_int_equal(info.queued_bytes, 0);
    assert_int_equal(info.unread_bytes, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void states_are_named(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.linger_timeout_ms = 9 * S;
    open_words(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "hold");
    fixture_iterations(50);
    sim_peer_finish(peer);
    fixture_iterations(50);
    assert_int_equal(look().state, WEIR_SESSION_PEER_DONE);
    sim_peer_close(peer);
    weir_session_abort(fixture_only_session());
    assert_int_equal(look().state, WEIR_SESSION_CLOSING);
    assert_int_equal(look().reason, WEIR_REASON_APPLICATION);
    assert_int_equal(look().deadline_ms, UINT64_MAX);
    fixture_iterations(50);
    peer = fixture_connect();
    fixture_tell(peer, "wait"); /* a session that ends is not paused */
    fixture_iterations(50);
    weir_session_finish(fixture_only_session());
    fixture_iterations(50);
    assert_int_equal(look().state, WEIR_SESSION_FINISHING);
    assert_int_equal(look().pause, WEIR_PAUSE_NONE);
    assert_int_equal(look().reason, WEIR_REASON_APPLICATION);
    assert_int_equal(look().deadline_reason, WEIR_REASON_APPLICATION);
    assert_true(look().deadline_ms > 8 * S && look().deadline_ms <= 9 * S + 1);
    sim_peer_finish(peer);
    fixture_iterations(50);
    assert_int_equal(seen.state, WEIR_SESSION_CLOSING); /* in on_close */
    assert_int_equal(seen.reason, WEIR_REASON_APPLICATION);
    sim_peer_close(peer);
    fixture_close();
    assert_string_equal(weir_session_state_text(WEIR_SESSION_OPEN), "open");
    assert_string_equal(weir_session_state_text(WEIR_SESSION_PEER_DONE), "peer_done");
    assert_string_equal(weir_session_state_text(WEIR_SESSION_FINISHING), "finishing");
    assert_string_equal(weir_session_state_text(WEIR_SESSION_CLOSING), "closing");
    assert_string_equal(weir_session_state_text((enum weir_session_state)99), "unknown");
}

static void pauses_have_a_cause_and_an_age(void **state)
{
    struct weir_config config = fixture_config();
    char many[8192];

    (void)state;
    config.message_rate_max = 2;
    open_words(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "wait");
    fixture_iterations(50);
    fixture_run_ms(4 * S);
    assert_int_equal(look().pause, WEIR_PAUSE_HANDLER);
    assert_true(look().paused_ms > 3900 && look().paused_ms <= 4100);
    weir_session_resume(fixture_only_session());
    assert_int_equal(look().pause, WEIR_PAUSE_NONE);
    assert_int_equal(look().paused_ms, 0);
    fixture_say(peer, "a.b.c.d.e.f.");
    fixture_iterations(50);
    assert_int_equal(look().pause, WEIR_PAUSE_RATE);
    sim_peer_close(peer);
    fixture_close();
    config.message_rate_max = 0;
    fixture_open(&config, NULL, &handler_echo, 1);
    peer = fixture_connect(); /* it sends, and does not read */
    memset(many, 'x', sizeof many);
    for (int i = 0; i < 2000 && look().pause == WEIR_PAUSE_NONE; i++) {
        sim_peer_send(peer, many, sizeof many);
        fixture_iterations(1);
    }
    assert_int_equal(look().pause, WEIR_PAUSE_QUEUE);
    assert_true(look().queued_bytes >= 64 * 1024);
    fixture_run_ms(S);
    assert_true(look().paused_ms >= 900);
    assert_true(look().unread_bytes == 0 || look().unread_bytes >= 4096);
    sim_peer_close(peer);
    fixture_close();
    assert_string_equal(weir_pause_text(WEIR_PAUSE_NONE), "none");
    assert_string_equal(weir_pause_text(WEIR_PAUSE_HANDLER), "handler");
    assert_string_equal(weir_pause_text(WEIR_PAUSE_QUEUE), "queue");
    assert_string_equal(weir_pause_text(WEIR_PAUSE_GROUP), "group");
    assert_string_equal(weir_pause_text(WEIR_PAUSE_RATE), "rate");
    assert_string_equal(weir_pause_text((enum weir_pause)99), "unknown");
}

/* Sends until the queue is full: the peer does not read. */
static void fill(struct weir_session *session)
{
    char text[8192];
    enum weir_code code;

    memset(text, 'x', sizeof text);
    do {
        code = weir_session_send(session, text, sizeof text);
        fixture_iterations(1);
    } while (code == WEIR_OK);
    assert_true(session->queue.flight_bytes > 0);
}

static void a_speaker_waits_for_its_group(void **state)
{
    (void)state;
    open_words(NULL);
    struct sim_peer *member = fixture_connect();
    fixture_tell(member, "join");
    fixture_iterations(50);
    struct weir_session *slow = fixture_only_session();
    struct sim_peer *speaker = fixture_connect();
    fixture_tell(speaker, "tell");
    fixture_iterations(50);
    struct weir_session *session = weir_container_of(fixture.loop.worker.tcp_sessions.previous,
                                                     struct weir_session, in_sessions);
    fill(slow);
    fixture_tell(speaker, "tell"); /* the queue is above its mark now */
    fixture_iterations(50);
    fixture_tell(speaker, "tell");
    fixture_iterations(50);
    assert_int_equal(look_at(session).pause, WEIR_PAUSE_GROUP);
    sim_peer_close(speaker);
    sim_peer_close(member);
    fixture_close();
}

static void the_deadline_is_the_next_end(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 60 * S;
    config.send_timeout_ms = 20 * S;
    config.first_byte_timeout_ms = 10 * S;
    config.message_rate_max = 1;
    open_words(&config);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(look().deadline_reason, WEIR_REASON_FIRST_BYTE);
    assert_true(look().deadline_ms > 9 * S && look().deadline_ms <= 10 * S + 1);
    fixture_run_ms(6 * S);
    assert_true(look().deadline_ms > 3 * S && look().deadline_ms <= 4 * S + 1);
    fixture_tell(peer, "x");
    fixture_iterations(50);
    assert_int_equal(look().deadline_reason, WEIR_REASON_IDLE);
    fixture_say(peer, "a.b.c.");
    fixture_iterations(50);
    assert_int_equal(look().pause, WEIR_PAUSE_RATE); /* the end of the pause is no end */
    assert_int_equal(look().deadline_ms, UINT64_MAX);
    fixture_run_ms(10 * S);
    fill(fixture_only_session());
    assert_int_equal(look().deadline_reason, WEIR_REASON_STALLED); /* and no measurement is */
    assert_true(look().deadline_ms > 19 * S);
    /* The timer is late: the deadline is now. */
    fixture.loop.worker.now_ms += 100 * S;
    assert_int_equal(look().deadline_ms, 0);
    fixture.loop.worker.now_ms -= 100 * S;
    sim_peer_close(peer);
    fixture_close();
}

static void datagram_sessions_describe_themselves(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_idle_timeout_ms = 30 * S;
    open_words(&config);
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "back");
    fixture_hear(socket, "back");
    fixture_send_to(socket, "look");
    fixture_iterations(50);
    assert_int_equal(seen.proto, WEIR_UDP);
    assert_int_equal(seen.state, WEIR_SESSION_OPEN);
    assert_int_equal(seen.listener, 2);
    assert_string_equal(seen.codec, "datagram");
    assert_int_equal(seen.bytes_in, 8);
    assert_int_equal(seen.messages_in, 2);
    assert_int_equal(seen.bytes_out, 4);
    assert_int_equal(seen.messages_out, 1);
    assert_int_equal(seen.queued_bytes, 0);
    assert_int_equal(seen.deadline_reason, WEIR_REASON_IDLE);
    assert_true(seen.deadline_ms > 29 * S);
    fixture_send_to(socket, "wait");
    fixture_run_ms(3 * S);
    const struct weir_session *session =
        weir_container_of(fixture.loop.worker.udp_sessions.next, struct weir_session, in_sessions);
    assert_int_equal(look_at(session).pause, WEIR_PAUSE_HANDLER);
    assert_true(look_at(session).paused_ms >= 2900 && look_at(session).paused_ms <= 3100);
    fixture_close();
}

static void a_transient_session_has_no_deadline(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_idle_timeout_ms = 30 * S;
    memset(&seen, 0, sizeof seen);
    fixture_open(&config, NULL, &handler_plain, 1);
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "look");
    fixture_iterations(50);
    assert_int_equal(seen.id, 0);
    assert_int_equal(seen.proto, WEIR_UDP);
    assert_int_equal(seen.deadline_ms, UINT64_MAX);
    fixture_close();
}

/* A program that was compiled with a smaller or a larger struct. */
static void the_size_of_the_caller_counts(void **state)
{
    unsigned char bytes[sizeof(struct weir_session_info) + 8];

    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect();
    memset(bytes, 0xee, sizeof bytes);
    weir_session_inspect_sized(fixture_only_session(), (struct weir_session_info *)(void *)bytes,
                               sizeof(uint64_t));
    assert_memory_equal(bytes, &fixture_only_session()->id, sizeof(uint64_t));
    assert_int_equal(bytes[sizeof(uint64_t)], 0xee);
    weir_session_inspect_sized(fixture_only_session(), (struct weir_session_info *)(void *)bytes,
                               sizeof bytes);
    for (size_t i = sizeof(struct weir_session_info); i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0);
    sim_peer_close(peer);
    fixture_close();
}

static void inspect_nothing(void *argument)
{
    weir_session_inspect_sized(argument, NULL, 0);
}

static void a_size_of_0_is_misuse(void **state)
{
    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect();
    require_death(inspect_nothing, fixture_only_session(),
                  "weir_session_inspect fills in a weir_session_info");
    sim_peer_close(peer);
    fixture_close();
}

/* ---- lists ---- */

static struct {
    uint64_t ids[2048];
    uint32_t count, ends_count;
    uint64_t cursor;
} listed;

static void take_session(void *user, const struct weir_session_info *info)
{
    assert_ptr_equal(user, &listed);
    assert_true(listed.count < 2048);
    listed.ids[listed.count++] = info->id;
}

static void take_end(void *user, uint64_t cursor)
{
    assert_ptr_equal(user, &listed);
    listed.ends_count++;
    listed.cursor = cursor;
}

static enum weir_code ask(uint32_t slot, uint64_t id, uint32_t count_max)
{
    const struct weir_sessions_query query = {.size = sizeof query,
                                              .id = id,
                                              .count_max = count_max,
                                              .user = &listed,
                                              .on_session = take_session,
                                              .on_end = take_end};

    return inspect_post(&fixture.loop.worker, slot, &query);
}

/* Lists all sessions in slices. Returns the number of slices. */
static uint32_t list_all(uint32_t count_max)
{
    memset(&listed, 0, sizeof listed);
    do {
        uint32_t before = listed.ends_count;
        assert_int_equal(ask((uint32_t)listed.cursor, 0, count_max), WEIR_OK);
        assert_int_equal(listed.ends_count, before); /* never inside the call */
        while (listed.ends_count == before) fixture_iterations(1);
    } while (listed.cursor != 0);
    return listed.ends_count;
}

static void a_list_shows_each_session_once(void **state)
{
    enum { PEERS = 40 };
    struct weir_config config = fixture_config();
    struct sim_peer *peers[PEERS];

    (void)state;
    config.sessions_max = 300;
    open_words(&config);
    assert_int_equal(list_all(64), 1); /* there is none */
    assert_int_equal(listed.count, 0);
    for (int i = 0; i < PEERS; i++) peers[i] = fixture_connect();
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "back");
    fixture_hear(socket, "back");
    assert_true(list_all(7) >= (PEERS + 1) / 7);
    assert_int_equal(listed.count, PEERS + 1);
    for (uint32_t i = 0; i < listed.count; i++) {
        assert_true(session_table_is_live(&fixture.loop.table, listed.ids[i]));
        for (uint32_t k = 0; k < i; k++) assert_int_not_equal(listed.ids[i], listed.ids[k]);
    }
    for (int i = 0; i < PEERS; i += 2) sim_peer_close(peers[i]);
    fixture_iterations(100);
    list_all(64);
    assert_int_equal(listed.count, PEERS / 2 + 1);
    for (int i = 1; i < PEERS; i += 2) sim_peer_close(peers[i]);
    fixture_close();
}

/* One command looks at 256 slots, also if few of them are in use. */
static void a_slice_is_bounded(void **state)
{
    enum { PEERS = 300 };
    struct weir_config config = fixture_config();
    struct sim_peer *peers[PEERS];

    (void)state;
    config.sessions_max = PEERS;
    fixture_open(&config, NULL, &handler_echo, 1);
    for (int i = 0; i < PEERS; i++) peers[i] = fixture_connect();
    for (int i = 0; i < PEERS - 1; i++) sim_peer_close(peers[i]);
    fixture_run_ms(10 * S);
    assert_true(list_all(64) >= 2);
    assert_int_equal(listed.count, 1);
    sim_peer_close(peers[PEERS - 1]);
    fixture_close();
}

static void the_next_worker_follows(void **state)
{
    (void)state;
    open_words(NULL);
    fixture.common.workers_count = 2;
    memset(&listed, 0, sizeof listed);
    assert_int_equal(ask(0, 0, 64), WEIR_OK);
    fixture_iterations(2);
    assert_int_equal(listed.cursor, UINT64_C(1) << 32);
    fixture.common.workers_count = 1;
    fixture_close();
}

static void one_session_by_its_id(void **state)
{
    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect(), *other = fixture_connect();
    const struct weir_session *session =
        weir_container_of(fixture.loop.worker.tcp_sessions.next, struct weir_session, in_sessions);
    uint64_t id = session->id;
    memset(&listed, 0, sizeof listed);
    assert_int_equal(ask(0, id, 64), WEIR_OK);
    fixture_iterations(2);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.ids[0], id);
    assert_int_equal(listed.ends_count, 1);
    assert_int_equal(listed.cursor, 0);
    assert_int_equal(ask(0, id, 64), WEIR_OK); /* it ends before the worker looks */
    assert_int_equal(
        weir_container_of(fixture.loop.worker.tcp_sessions.next, struct weir_session, in_sessions)
            ->id,
        id);
    sim_peer_reset(peer);
    listed.count = 0;
    weir_session_abort(
        weir_container_of(fixture.loop.worker.tcp_sessions.next, struct weir_session, in_sessions));
    fixture_iterations(20);
    assert_int_equal(listed.ends_count, 2);
    assert_int_equal(ask(0, id, 64), WEIR_GONE);
    sim_peer_close(peer);
    sim_peer_close(other);
    fixture_close();
}

/* The list ends all the same. */
static void a_session_that_has_ended_meanwhile_is_not_shown(void **state)
{
    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect();
    memset(&listed, 0, sizeof listed);
    asks_in_close = true;
    fixture_tell(peer, "kill");
    fixture_iterations(20);
    asks_in_close = false;
    assert_int_equal(listed.count, 0);
    assert_int_equal(listed.ends_count, 1);
    assert_int_equal(listed.cursor, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* A connection that only receives reject_message does not count as a session. */
static void refused_connections_are_left_out(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.sessions_max = 1;
    config.reject_message = "full";
    config.linger_timeout_ms = 10 * S;
    open_words(&config);
    struct sim_peer *first = fixture_connect(), *second = fixture_connect();
    fixture_iterations(50);
    assert_int_equal(fixture.loop.table.open_count, 2);
    list_all(64);
    assert_int_equal(listed.count, 1);
    sim_peer_close(first);
    sim_peer_close(second);
    fixture_close();
}

static void what_cannot_be_asked_is_refused(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.mailbox_commands_max = 2;
    open_words(&config);
    memset(&listed, 0, sizeof listed);
    memory_fail_nth(1, 0);
    assert_int_equal(ask(0, 0, 64), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    assert_int_equal(ask(0, 0, 64), WEIR_OK);
    assert_int_equal(ask(0, 0, 64), WEIR_OK);
    assert_int_equal(ask(0, 0, 64), WEIR_MAILBOX_FULL);
    fixture_iterations(2);
    assert_int_equal(listed.ends_count, 2);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(ask(0, 0, 64), WEIR_GONE);
    assert_int_equal(listed.ends_count, 2);
    fixture_close();
}

/* ---- the worker ---- */

static void a_worker_describes_itself(void **state)
{
    struct weir_worker_stats stats;

    (void)state;
    open_words(NULL);
    struct sim_peer *peer = fixture_connect();
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "back");
    fixture_hear(socket, "back");
    fixture_run_ms(200);
    assert_int_equal(ask(0, 0, 64), WEIR_OK);
    inspect_worker(&fixture.loop.worker, &stats);
    assert_int_equal(stats.sessions, 1);
    assert_int_equal(stats.datagram_sessions, 1);
    assert_int_equal(stats.mailbox_commands, 1);
    assert_int_equal(stats.mailbox_bytes, 0);
    assert_int_equal(stats.commands, 0);
    assert_int_equal(stats.handler_max_ns, 0); /* no time passes in a simulation */
    assert_true(stats.loop_iterations > 0);
    assert_true(stats.buffer_bytes > 0);
    uint64_t iterations = stats.loop_iterations;
    fixture_tell(peer, "slow");
    for (int i = 0; i < 10; i++) { /* the message can arrive in pieces */
        /* The next iteration measures its first event. */
        fixture.loop.sample_ns = fixture.loop.measure_ns = 0;
        fixture_iterate(100 * FIXTURE_MS);
    }
    inspect_worker(&fixture.loop.worker, &stats);
    assert_true(stats.handler_max_ns >= 7 * FIXTURE_MS);
    assert_int_equal(stats.mailbox_commands, 0);
    assert_int_equal(stats.commands, 1);
    assert_true(stats.loop_iterations > iterations);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_describes_itself),
        cmocka_unit_test(states_are_named),
        cmocka_unit_test(pauses_have_a_cause_and_an_age),
        cmocka_unit_test(a_speaker_waits_for_its_group),
        cmocka_unit_test(the_deadline_is_the_next_end),
        cmocka_unit_test(datagram_sessions_describe_themselves),
        cmocka_unit_test(a_transient_session_has_no_deadline),
        cmocka_unit_test(the_size_of_the_caller_counts),
        cmocka_unit_test(a_size_of_0_is_misuse),
        cmocka_unit_test(a_list_shows_each_session_once),
        cmocka_unit_test(a_slice_is_bounded),
        cmocka_unit_test(the_next_worker_follows),
        cmocka_unit_test(one_session_by_its_id),
        cmocka_unit_test(a_session_that_has_ended_meanwhile_is_not_shown),
        cmocka_unit_test(refused_connections_are_left_out),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(a_worker_describes_itself),
    };

    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
