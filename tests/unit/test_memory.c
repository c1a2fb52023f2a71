/* SPDX-License-Identifier: MIT */
/* test_memory.c - the memory of a worker: no peer holds so much that others are not served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/frame.h>

#include "account.h"
#include "broadcast.h"
#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "memory_watch.h"
#include "payload.h"

#define S 1000u /* in milliseconds */
#define KIB 1024u
#define PEERS_MAX 600

static uint8_t bytes[64 * KIB];
static struct sim_peer *peers[PEERS_MAX];

static struct worker *worker_of(void)
{
    return &fixture.loop.worker;
}

static void open_small(struct weir_config *config, const struct weir_codec *codec, uint32_t buffers)
{
    config->sessions_max = PEERS_MAX + 10;
    fixture_stream_buffers_max = buffers;
    fixture_open(config, codec, &handler_echo, 1);
    fixture_stream_buffers_max = 1024;
}

static void connect_peers(int count)
{
    for (int i = 0; i < count; i++)
        peers[i] = sim_connect(fixture.simulation, &fixture.address, NULL);
    fixture_run_ms(100);
}

/* Each peer sends until the worker takes nothing further from any of them. */
static void send_all_they_can(int count, uint32_t each_bytes)
{
    for (int quiet = 0, round = 0; quiet < 20 && round < 2000; round++) {
        uint64_t before = fixture_stats().bytes_in;
        for (int i = 0; i < count; i++) sim_peer_send(peers[i], bytes, each_bytes);
        fixture_iterate(FIXTURE_MS);
        quiet = fixture_stats().bytes_in == before ? quiet + 1 : 0;
    }
}

static void close_peers(int count)
{
    for (int i = 0; i < count; i++) sim_peer_close(peers[i]);
    fixture_run_ms(1 * S);
}

static void expect_echo(struct sim_peer *peer, uint64_t within_ms)
{
    fixture_say(peer, "honest");
    fixture_run_ms(within_ms);
    fixture_expect(peer, "honest");
}

/* ---- silent readers ---- */

/* More peers than buffers, and few peers that could each hold many: all send and never read. */
static void silent_readers_leave_room_for_others(void **state)
{
    static const int counts[] = {40, 150, 300, PEERS_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct weir_config config = fixture_config();
        open_small(&config, NULL, 256);
        struct sim_peer *idle = fixture_connect();
        connect_peers(counts[i]);
        send_all_they_can(counts[i], 8 * KIB);
        assert_true(net_memory(worker_of()->net).stream_room_bytes > 0);
        assert_true(worker_of()->share < ACCOUNT_SHARE_FULL);
        struct sim_peer *fresh = fixture_connect();
        expect_echo(fresh, 1 * S);
        expect_echo(idle, 1 * S);
        struct weir_stats stats = fixture_stats();
        assert_int_equal(stats.closed, stats.closed_by_reason[WEIR_REASON_EXHAUSTED]);
        sim_peer_close(fresh);
        sim_peer_close(idle);
        close_peers(counts[i]);
        assert_int_equal(worker_of()->account.leaving_bytes, 0);
        fixture_close();
    }
}

/* They go on sending whatever they can while others come and are served. */
static void the_reserve_lasts(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_small(&config, NULL, 256);
    connect_peers(PEERS_MAX / 2);
    for (int round = 0; round < 20; round++) {
        send_all_they_can(PEERS_MAX / 2, 8 * KIB);
        struct sim_peer *fresh = fixture_connect();
        expect_echo(fresh, 1 * S);
        sim_peer_close(fresh);
    }
    close_peers(PEERS_MAX / 2);
    fixture_close();
}

/* What the peers leave behind is free again, and the marks are full. */
static void memory_that_is_freed_returns(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_small(&config, NULL, 512);
    connect_peers(100);
    send_all_they_can(100, 8 * KIB);
    assert_true(net_memory(worker_of()->net).resident_bytes > 4096 * KIB);
    close_peers(100);
    fixture_run_ms(3 * S);
    struct net_memory memory = net_memory(worker_of()->net);
    assert_true(memory.resident_bytes <= memory.taken_bytes + 2048 * KIB);
    assert_int_equal(worker_of()->share, ACCOUNT_SHARE_FULL);
    assert_false(fixture.loop.memory_watch.may_free); /* the worker may sleep */
    fixture_close();
}

/* Where memory is short, a peer that needs longer than the send timeout to read what it holds above
 * its share is closed, and a faster one is not. */
static void a_slow_reader_loses_its_share(void **state)
{
    struct weir_config config = fixture_config();
    static uint8_t got[64 * KIB];

    (void)state;
    config.memory_max_bytes = 16 * 1024 * KIB;
    config.send_timeout_ms = 10 * S;
    config.send_queue_high_bytes = 1024 * KIB;
    config.send_queue_low_bytes = 256 * KIB;
    open_small(&config, NULL, 512);
    connect_peers(2);
    send_all_they_can(2, 8 * KIB);
    struct account *account = &worker_of()->account;
    account_move(account, 11 * 1024 * KIB, 0); /* something else takes memory */
    for (int i = 0; i < 110; i++) {
        sim_peer_receive(peers[0], got, 4 * KIB);
        sim_peer_receive(peers[1], got, 64 * KIB);
        fixture_run_ms(100);
    }
    assert_true(worker_of()->share < ACCOUNT_SHARE_FULL);
    assert_int_equal(fixture_stats().closed, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_true(sim_peer_saw_end(peers[0]) || sim_peer_saw_reset(peers[0]));
    expect_echo(peers[1], 1 * S);
    account_move(account, 0, 11 * 1024 * KIB);
    close_peers(2);
    fixture_close();
}

/* ---- other memory ---- */

static void partial_frames_are_charged(void **state)
{
    struct weir_config config = fixture_config();
    struct weir_frame *frame;
    uint8_t header[4] = {0, 0xff, 0xff, 0};

    (void)state;
    config.memory_max_bytes = 4096 * KIB;
    assert_int_equal(weir_frame_open("u32be,max=16m", &frame, NULL), WEIR_OK);
    open_small(&config, weir_frame_codec(frame), 64);
    connect_peers(12);
    for (int i = 0; i < 12; i++) {
        sim_peer_send(peers[i], header, sizeof header);
        for (int j = 0; j < (i == 3 ? 80 : 15); j++) {
            assert_int_equal(sim_peer_send(peers[i], bytes, 8 * KIB), 8 * KIB);
            fixture_run_ms(5);
        }
        assert_true(worker_of()->account.charged_bytes <= 4096 * KIB);
    }
    fixture_run_ms(100);
    /* the one that held the most, and no other */
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_true(sim_peer_saw_end(peers[3]));
    struct sim_peer *fresh = fixture_connect();
    fixture_say(fresh, "never");
    close_peers(12);
    sim_peer_close(fresh);
    fixture_run_ms(100);
    assert_int_equal(worker_of()->account.charged_bytes, worker_of()->account.table_bytes);
    fixture_close();
    weir_frame_free(frame);
}

static enum weir_decoded swallow(const struct weir_codec *codec, void *codec_state,
                                 struct weir_input *input, struct weir_message *message,
                                 struct weir_decode_error *decode_error)
{
    (void)codec, (void)codec_state, (void)message, (void)decode_error;
    input->bytes += input->length;
    input->length = 0;
    return WEIR_DECODED_MORE;
}

static size_t all_there_is(const struct weir_codec *codec, const void *codec_state)
{
    (void)codec, (void)codec_state;
    return SIZE_MAX;
}

static void a_codec_that_holds_too_much_ends_its_session(void **state)
{
    struct weir_config config = fixture_config();
    struct weir_codec codec = codec_raw;

    (void)state;
    codec.decode = swallow;
    codec.partial_bytes = all_there_is;
    open_small(&config, &codec, 16);
    connect_peers(2);
    fixture_say(peers[0], "x");
    fixture_run_ms(100);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    assert_true(sim_peer_saw_end(peers[0]));
    close_peers(2);
    fixture_close();
}

/* More sessions have to end than one look closes. */
static void many_holders_are_closed_step_by_step(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.memory_max_bytes = 16 * 1024 * KIB;
    open_small(&config, NULL, 512);
    connect_peers(150);
    send_all_they_can(150, KIB);
    uint64_t before = fixture_stats().closed;
    account_move(&worker_of()->account, 32 * 1024 * KIB, 0);
    fixture_iterate(0);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), fixture_stats().closed);
    assert_true(fixture_stats().closed > before + 64);
    account_move(&worker_of()->account, 0, 32 * 1024 * KIB);
    close_peers(150);
    fixture_close();
}

static void a_table_without_memory_refuses(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.memory_max_bytes = 400 * KIB;
    open_small(&config, NULL, 16);
    connect_peers(300);
    assert_int_equal(fixture_stats().accepted, 256); /* one chunk of the table */
    assert_int_equal(fixture_stats().refused_failed, 44);
    struct account *account = &worker_of()->account;
    assert_false(account_charge_table(account, 300 * KIB));
    account_move(account, 220 * KIB, 0); /* other memory: not half for sessions, but too much */
    assert_false(account_charge_table(account, KIB));
    account_move(account, 0, 220 * KIB);
    assert_true(account_charge_table(account, KIB));
    close_peers(300);
    fixture_close();
}

static void join(struct weir_session *session)
{
    assert_int_equal(weir_session_join(session, "a"), WEIR_OK);
}

static const struct weir_handler handler_join = {
    .size = sizeof(struct weir_handler), .name = "join", .summary = "", .on_open = join};

static void broadcasts_and_memberships_are_charged(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_join, 1);
    connect_peers(4);
    struct account *account = &worker_of()->account;
    uint64_t idle_bytes = account->charged_bytes;
    assert_true(idle_bytes > account->table_bytes);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(broadcast_send(&fixture.common, "a", bytes, 10, 0), WEIR_OK);
        fixture_iterate(FIXTURE_MS);
    }
    fixture_run_ms(100);
    assert_int_equal(account->charged_bytes, idle_bytes);
    assert_int_equal(fixture.common.payload_bytes, 0);
    close_peers(4);
    assert_int_equal(account->charged_bytes, account->table_bytes);
    fixture_close();
}

/* ---- the account alone ---- */

static void shares_shrink_from_half_to_the_line(void **state)
{
    const struct account_part part = {1600, 100}, endless = {UINT64_MAX, UINT64_MAX / 16};

    (void)state;
    assert_int_equal(account_share(&part, 0), ACCOUNT_SHARE_FULL);
    assert_int_equal(account_share(&part, 800), ACCOUNT_SHARE_FULL);
    assert_in_range(account_share(&part, 1150), 100, 128);
    assert_int_equal(account_share(&part, 1500), 0);
    assert_int_equal(account_share(&part, 5000), 0);
    assert_int_equal(account_share(&endless, UINT64_C(1) << 50), ACCOUNT_SHARE_FULL);
}

static void hold(struct weir_session *session, uint32_t pinned, uint32_t partial,
                 uint32_t paused_ms)
{
    session->queue.pinned_bytes = pinned;
    session->partial_bytes = partial;
    session->timestamps.congested_ms = paused_ms;
    session->queue_paused = true;
}

static void the_session_that_holds_the_most_is_found(void **state)
{
    static struct weir_session sessions[6];
    struct account account;
    struct account_search search = {.now_ms = 1000, .share_bytes = 50};

    (void)state;
    account_init(&account, 0);
    assert_null(account_find(&account, &search));
    for (int i = 0; i < 6; i++) {
        list_init(&sessions[i].in_class);
        hold(&sessions[i], 100u * (uint32_t)(i + 1), 0, 0);
        account_list(&account, &sessions[i]);
    }
    account_list(&account, &sessions[0]); /* its class says so already */
    assert_int_equal(sessions[0].listed_bytes, 128);
    assert_ptr_equal(account_find(&account, &search), &sessions[5]); /* 600 */
    hold(&sessions[5], 3, 0, 0); /* its class is corrected by the search */
    assert_ptr_equal(account_find(&account, &search), &sessions[2]); /* 300 to 500: first listed */
    assert_int_equal(sessions[5].listed_bytes, 4);
    hold(&sessions[5], 0, 0, 0);
    hold(&sessions[2], 10, 200, 0); /* a partial frame, and hardly a buffer */
    search.buffers_only = true;
    assert_ptr_equal(account_find(&account, &search), &sessions[3]);
    sessions[3].queue.shares_count = 1; /* it waits for a buffer */
    assert_ptr_equal(account_find(&account, &search), &sessions[4]);
    search.stale_ms = 600;
    hold(&sessions[1], 200, 0, 300);
    hold(&sessions[4], 500, 0, 900);
    assert_ptr_equal(account_find(&account, &search), &sessions[1]); /* paused at 300: stale */
    hold(&sessions[1], 200, 0, 900);
    assert_ptr_equal(account_find(&account, &search), &sessions[0]); /* paused at 0 */
    hold(&sessions[0], 100, 0, 900);
    search.stale_only = true;
    assert_null(account_find(&account, &search));
    search.share_bytes = 1000;
    hold(&sessions[4], 500, 0, 0); /* within its share */
    assert_null(account_find(&account, &search));
    hold(&sessions[5], UINT32_MAX, 0, 0);
    account_list(&account, &sessions[5]);
    assert_int_equal(sessions[5].listed_bytes, UINT32_MAX);
}

/* A search looks at a limited number of sessions, however many there are. */
static void a_search_is_bounded(void **state)
{
    static struct weir_session sessions[3000];
    struct account account;
    struct account_search search = {.now_ms = 1000};

    (void)state;
    account_init(&account, 0);
    for (int i = 0; i < 3000; i++) {
        list_init(&sessions[i].in_class);
        hold(&sessions[i], 1000, 0, 0);
        account_list(&account, &sessions[i]);
    }
    assert_ptr_equal(account_find(&account, &search), &sessions[0]);
    search.stale_ms = 100;
    for (int i = 0; i < 40; i++) hold(&sessions[i], 1000, 0, 950);
    assert_ptr_equal(account_find(&account, &search), &sessions[0]); /* 40 is too far */
    for (int i = 0; i < 3000; i++) hold(&sessions[i], 1, 0, 950);
    assert_null(account_find(&account, &search)); /* it moved 1024 of them to their class */
    assert_int_equal(sessions[1023].listed_bytes, 1);
    assert_int_equal(sessions[1024].listed_bytes, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_readers_leave_room_for_others),
        cmocka_unit_test(the_reserve_lasts),
        cmocka_unit_test(memory_that_is_freed_returns),
        cmocka_unit_test(a_slow_reader_loses_its_share),
        cmocka_unit_test(partial_frames_are_charged),
        cmocka_unit_test(a_codec_that_holds_too_much_ends_its_session),
        cmocka_unit_test(many_holders_are_closed_step_by_step),
        cmocka_unit_test(a_table_without_memory_refuses),
        cmocka_unit_test(broadcasts_and_memberships_are_charged),
        cmocka_unit_test(shares_shrink_from_half_to_the_line),
        cmocka_unit_test(the_session_that_holds_the_most_is_found),
        cmocka_unit_test(a_search_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
