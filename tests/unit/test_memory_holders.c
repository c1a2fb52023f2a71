/* SPDX-License-Identifier: MIT */
/* test_memory_holders.c - the memory of a worker: whatever kind of memory sessions hold, it is
 * charged, and the sessions that hold it are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/frame.h>

#include "account.h"
#include "broadcast.h"
#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "memory_watch.h"
#include "require.h"
#include "thread.h"

#define S 1000u /* in milliseconds */
#define KIB 1024u
#define PEERS_MAX 600

static uint8_t bytes[64 * KIB];
static struct sim_peer *peers[PEERS_MAX];

static struct worker *worker_of(void)
{
    return &fixture.loop.worker;
}

static void open_with(struct weir_config *config, const struct weir_codec *codec,
                      const struct weir_handler *handler, uint32_t buffers)
{
    config->sessions_max = PEERS_MAX + 10;
    fixture_stream_buffers_max = buffers;
    fixture_handles_max = PEERS_MAX + 100;
    fixture_open(config, codec, handler, 1);
    fixture_stream_buffers_max = 1024;
    fixture_handles_max = 0;
}

static void connect_peers(int count)
{
    for (int i = 0; i < count; i++)
        peers[i] = sim_connect(fixture.simulation, &fixture.address, NULL);
    fixture_run_ms(100);
}

static void close_peers(int count)
{
    for (int i = 0; i < count; i++) sim_peer_close(peers[i]);
    fixture_run_ms(1 * S);
}

/* ---- unread input ---- */

static void pause_or_echo(struct weir_session *session, const struct weir_message *message)
{
    if (message->bytes[0] == 'p')
        weir_session_pause(session);
    else
        weir_session_send_back(session, message);
}

static const struct weir_handler handler_pauses = {
    .size = sizeof(struct weir_handler), .name = "pauses", .on_message = pause_or_echo};

/* Each session is paused with the rest of a buffer: together they hold all buffers. */
static void unread_input_is_found(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_with(&config, &codec_dot, &handler_pauses, 256);
    struct sim_peer *idle = fixture_connect();
    connect_peers(400);
    for (int i = 0; i < 400; i++) fixture_say(peers[i], "p.rest.");
    fixture_run_ms(1 * S);
    fixture_say(idle, "honest.");
    fixture_run_ms(1 * S);
    fixture_expect(idle, "honest.");
    assert_true(fixture_closed(WEIR_REASON_EXHAUSTED) > 100);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), fixture_stats().closed);
    sim_peer_close(idle);
    close_peers(400);
    fixture_close();
}

/* ---- sessions that are closing ---- */

/* Takes buffers until one more is in use than the line of the streams allows. Returns how many. */
static uint32_t take_up_to_the_line(struct net_buffer **taken)
{
    const struct account_part *streams = &worker_of()->account.streams;
    uint64_t line_bytes = streams->limit_bytes - streams->reserve_bytes;
    uint32_t count = 0;

    while (streams->limit_bytes - net_memory(worker_of()->net).stream_room_bytes <= line_bytes)
        taken[count++] = net_take(worker_of()->net, 1);
    return count;
}

/* Opens the worker with a session that holds a partial frame, and some with buffers. */
static struct weir_session *open_partial_and_whole_frames(const struct weir_codec *codec)
{
    const uint8_t large[4] = {0, 0xff, 0xff, 0}, small[4] = {0, 0, 0x0f, 0xfc};
    struct weir_config config = fixture_config();

    open_with(&config, codec, &handler_echo, 256);
    peers[0] = fixture_connect();
    struct weir_session *session = fixture_only_session();
    for (int i = 1; i < 31; i++) peers[i] = fixture_connect();
    sim_peer_send(peers[0], large, sizeof large);
    for (int k = 0; k < 4; k++) memcpy(bytes + k * 4096, small, sizeof small);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 31; i++) sim_peer_send(peers[i], bytes, i == 0 ? 32 * KIB : 16 * KIB);
        fixture_run_ms(5);
    }
    memset(bytes, 0, sizeof bytes);
    return session;
}

/* A session with a large partial frame is closing. That does not make buffers free: another one has
 * to be closed for them. */
static void a_closing_partial_frame_frees_no_buffers(void **state)
{
    static struct net_buffer *taken[256];
    struct weir_frame *frame;

    (void)state;
    assert_int_equal(weir_frame_open("u32be,max=16m", &frame, NULL), WEIR_OK);
    struct weir_session *partial = open_partial_and_whole_frames(weir_frame_codec(frame));
    struct account *account = &worker_of()->account;
    session_close(partial, WEIR_REASON_APPLICATION);
    uint32_t count = take_up_to_the_line(taken);
    assert_in_range(account->leaving_bytes, 300 * KIB, 500 * KIB);
    uint64_t room_bytes = net_memory(worker_of()->net).stream_room_bytes;
    memory_watch_look(&fixture.loop.memory_watch, worker_of());
    assert_true(net_memory(worker_of()->net).stream_room_bytes > room_bytes);
    while (count > 0) net_give_back(worker_of()->net, taken[--count]);
    fixture_run_ms(100);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_int_equal(account->leaving_bytes, 0);
    close_peers(31);
    fixture_close();
    weir_frame_free(frame);
}

/* Memory was used, is free again, and stays with the process: something else must not use as much
 * before the free memory has been returned. */
static void memory_that_is_used_again_is_seen(void **state)
{
    static struct net_buffer *taken[512];
    struct weir_config config = fixture_config();

    (void)state;
    config.memory_max_bytes = 16 * 1024 * KIB;
    open_with(&config, NULL, &handler_echo, 512);
    struct account *account = &worker_of()->account;
    struct net *net = worker_of()->net;
    account_move(account, 12 * 1024 * KIB, 0);
    fixture_iterate(0);
    account_move(account, 0, 12 * 1024 * KIB);
    fixture_iterate(0);
    for (int i = 0; i < 512; i++) taken[i] = net_take(net, 1);
    fixture_iterate(0);
    for (int i = 0; i < 512; i++) net_give_back(net, taken[i]);
    fixture_iterate(0);
    for (int i = 0; i < 24; i++) {
        account_move(account, 512 * KIB, 0);
        fixture_iterate(0);
        assert_true(net_memory(net).resident_bytes + account->charged_bytes <=
                    config.memory_max_bytes);
    }
    account_move(account, 0, 12 * 1024 * KIB);
    fixture_close();
}

/* ---- the search ---- */

/* Sessions that the search does not look for, in larger classes, do not hide the others. */
static void a_search_gets_past_other_holders(void **state)
{
    static struct weir_session sessions[5001];
    struct account account;
    struct account_search search = {.buffers_only = true};
    struct weir_session *found = NULL;

    (void)state;
    account_init(&account, 0);
    for (int i = 0; i <= 5000; i++) {
        list_init(&sessions[i].in_class);
        sessions[i].partial_bytes = i == 5000 ? 0 : i % 2 == 0 ? 2000 : 4000;
        sessions[i].queue.pinned_bytes = i == 5000 ? 100 : 0;
        account_list(&account, &sessions[i]);
    }
    for (int i = 0; i < 20 && !found; i++) found = account_find(&account, &search);
    assert_ptr_equal(found, &sessions[5000]);
}

/* ---- the table ---- */

/* An allocation that fails for a moment takes nothing from the memory for sessions. */
static void a_table_that_could_not_grow_is_not_charged(void **state)
{
    struct weir_config config = fixture_config();
    struct session_table alone; /* without an account */

    (void)state;
    config.memory_max_bytes = 1024 * KIB;
    open_with(&config, NULL, &handler_echo, 16);
    assert_int_equal(worker_of()->account.table_bytes, 0);
    for (int i = 0; i < 20; i++) {
        memory_fail_nth(1, 1);
        assert_null(session_table_open(worker_of()->table));
        memory_fail_nth(0, 0);
    }
    assert_int_equal(worker_of()->account.table_bytes, 0);
    assert_int_equal(worker_of()->account.charged_bytes, 0);
    assert_true(session_table_init(&alone, 0, 0, 1, 0));
    memory_fail_nth(1, 1);
    assert_null(session_table_open(&alone));
    memory_fail_nth(0, 0);
    session_table_free(&alone);
    connect_peers(1);
    assert_int_equal(fixture_stats().accepted, 1);
    close_peers(1);
    fixture_close();
}

/* ---- groups ---- */

static uint32_t joins_refused;

static void join_many(struct weir_session *session)
{
    char name[16];

    for (int i = 0; i < (int)fixture.common.config.groups_per_session_max; i++) {
        snprintf(name, sizeof name, "%x-%d", (unsigned)weir_session_id(session), i);
        enum weir_code code = weir_session_join(session, name);
        require(code == WEIR_OK || code == WEIR_NO_MEMORY);
        joins_refused += code != WEIR_OK;
    }
}

static const struct weir_handler handler_joins = {.size = sizeof(struct weir_handler),
                                                  .name = "joins",
                                                  .on_open = join_many,
                                                  .on_message = pause_or_echo};

/* No session can be closed for its memberships: so they cannot take all of the memory. */
static void memberships_leave_memory_for_messages(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.memory_max_bytes = 4096 * KIB;
    joins_refused = 0;
    open_with(&config, NULL, &handler_joins, 64);
    connect_peers(500);
    assert_int_equal(fixture_stats().accepted, 500);
    assert_true(joins_refused > 0);
    assert_true(worker_of()->account.charged_bytes <= 2048 * KIB);
    fixture_say(peers[499], "honest");
    fixture_run_ms(1 * S);
    fixture_expect(peers[499], "honest");
    assert_int_equal(fixture_stats().closed, 0);
    close_peers(500);
    assert_int_equal(worker_of()->account.charged_bytes, worker_of()->account.table_bytes);
    fixture_close();
}

/* ---- broadcasts ---- */

static uint32_t opened_count;

/* The first one only speaks. */
static void join_room(struct weir_session *session)
{
    if (opened_count++ > 0) require(weir_session_join(session, "room") == WEIR_OK);
}

static void speak(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    for (int i = 0; i < 30; i++)
        broadcast_send(&fixture.common, "room", message->bytes, message->length, 0);
}

static const struct weir_handler handler_room = {
    .size = sizeof(struct weir_handler), .name = "room", .on_open = join_room, .on_message = speak};

/* One speaker fills the queues of many members between two samples of the memory. */
static void broadcasts_are_seen_in_their_iteration(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.memory_max_bytes = 32 * 1024 * KIB;
    config.send_queue_high_bytes = 1024 * KIB;
    config.send_queue_low_bytes = 128 * KIB;
    open_with(&config, &codec_dot, &handler_room, 1024);
    worker_of()->thread = thread_self();
    opened_count = 0;
    struct sim_peer *speaker = fixture_connect();
    connect_peers(200);
    for (int i = 0; i < 400; i++) fixture_say(speaker, "message-of-26-characters-.");
    while (fixture_stats().messages_in < 1) fixture_iterate(FIXTURE_MS);
    for (int i = 0; i < 2000; i++) {
        fixture_iterate(0);
        uint64_t taken_bytes = net_memory(worker_of()->net).taken_bytes;
        assert_true(worker_of()->account.charged_bytes + fixture.common.payload_bytes +
                        taken_bytes <=
                    config.memory_max_bytes);
    }
    assert_true(fixture_stats().sends_dropped + fixture_stats().closed > 0);
    sim_peer_close(speaker);
    close_peers(200);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unread_input_is_found),
        cmocka_unit_test(a_closing_partial_frame_frees_no_buffers),
        cmocka_unit_test(memory_that_is_used_again_is_seen),
        cmocka_unit_test(a_search_gets_past_other_holders),
        cmocka_unit_test(a_table_that_could_not_grow_is_not_charged),
        cmocka_unit_test(memberships_leave_memory_for_messages),
        cmocka_unit_test(broadcasts_are_seen_in_their_iteration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
