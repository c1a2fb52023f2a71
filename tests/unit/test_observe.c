/* SPDX-License-Identifier: MIT */
/* test_observe.c - what a worker measures for monitoring: its iterations, the opening of sessions,
 * a sample of its handler's calls, and its memory; over the simulated network, where only
 * sim_work_ns() and waits take time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "histogram.h"
#include "inspect.h"
#include "test_filters.h"

static struct histogram times;

/* ---- a handler ---- */

static bool closes_on_open;

static void on_open(struct weir_session *session)
{
    if (closes_on_open) weir_session_abort(session);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    const char *word = (const char *)message->bytes;

    if (message->length != 4) return;
    if (memcmp(word, "slow", 4) == 0) sim_work_ns(fixture.simulation, 7 * FIXTURE_MS);
    if (memcmp(word, "join", 4) == 0) weir_session_join(session, "all");
    if (memcmp(word, "also", 4) == 0) weir_session_join(session, "others");
}

static const struct weir_handler handler_words = {
    .size = sizeof(struct weir_handler), .name = "words", .on_message = on_message};
static const struct weir_handler handler_opens = {.size = sizeof(struct weir_handler),
                                                  .name = "opens",
                                                  .on_open = on_open,
                                                  .on_message = on_message};
static const struct weir_handler handler_deaf = {.size = sizeof(struct weir_handler),
                                                 .name = "deaf"};

static void open_world(const struct weir_config *config, const struct weir_handler *handler)
{
    struct weir_config standard = fixture_config();

    memset(&times, 0, sizeof times);
    fixture_open(config ? config : &standard, &codec_dot, handler, 1);
    fixture.tcp_service.handler_times = fixture.udp_service.handler_times = &times;
}

static struct weir_histogram measured(enum weir_histogram_kind kind)
{
    struct weir_histogram result = {0};

    if (kind == WEIR_HISTOGRAM_HANDLER)
        histogram_read(&times, 0, &result);
    else
        inspect_histogram(&fixture.loop.worker, kind, &result);
    return result;
}

static uint64_t handler_count(void)
{
    return measured(WEIR_HISTOGRAM_HANDLER).count;
}

/* The next iteration takes a sample. */
static void make_sample_due(void)
{
    fixture.loop.sample_ns = fixture.loop.measure_ns = 0;
}

static struct weir_session_info look(void)
{
    struct weir_session_info info;

    weir_session_inspect(fixture_only_session(), &info);
    return info;
}

/* ---- calls of the handler ---- */

static void the_handler_is_measured_by_a_sample(void **state)
{
    (void)state;
    open_world(NULL, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(1000);
    uint64_t before = handler_count();
    make_sample_due();
    fixture_tell(peer, "slow");
    fixture_run_ms(50);
    struct weir_histogram result = measured(WEIR_HISTOGRAM_HANDLER);
    assert_int_equal(result.count, before + 1);
    assert_true(result.sum_ns >= 7 * FIXTURE_MS && result.sum_ns < 8 * FIXTURE_MS);
    assert_int_equal(weir_histogram_percentile_ns(&result, 1000), 8 * FIXTURE_MS);
    /* Until the next sample, calls are not measured. */
    assert_false(fixture_only_session()->is_watched);
    for (int i = 0; i < 20; i++) {
        fixture.loop.sample_ns = fixture.loop.measure_ns = UINT64_MAX;
        fixture_tell(peer, "fast");
        fixture_run_ms(1);
    }
    assert_int_equal(handler_count(), before + 1);
    sim_peer_close(peer);
    fixture_close();
}

/* The call is measured that handles the whole message, however many pieces it has. */
static void a_message_in_pieces_is_measured_when_it_is_complete(void **state)
{
    (void)state;
    open_world(NULL, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    make_sample_due();
    fixture_say(peer, "sl");
    fixture_run_ms(50);
    assert_int_equal(handler_count(), 0);
    assert_true(fixture_only_session()->is_sampled);
    fixture_say(peer, "ow.fast.");
    fixture_run_ms(50);
    assert_int_equal(handler_count(), 1);
    assert_int_equal(measured(WEIR_HISTOGRAM_HANDLER).sum_ns, 7 * FIXTURE_MS);
    sim_peer_close(peer);
    fixture_close();
}

static void ten_samples_a_second_are_taken(void **state)
{
    (void)state;
    open_world(NULL, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(1000);
    uint64_t before = handler_count();
    for (int i = 0; i < 1000; i++) {
        fixture_tell(peer, "fast");
        fixture_run_ms(2);
    }
    uint64_t count = handler_count() - before;
    assert_true(count >= 15 && count <= 21);
    sim_peer_close(peer);
    fixture_close();
}

static void all_sessions_of_a_batch_are_measured(void **state)
{
    enum { PEERS = 5 };
    struct sim_peer *peers[PEERS];
    uint64_t most = 0;

    (void)state;
    open_world(NULL, &handler_words);
    for (int i = 0; i < PEERS; i++) peers[i] = fixture_connect();
    fixture_run_ms(50);
    for (int tries = 0; tries < 20 && most < 2; tries++) {
        uint64_t before = handler_count();
        for (int i = 0; i < PEERS; i++) fixture_tell(peers[i], "fast");
        fixture_iterations(5);
        sim_work_ns(fixture.simulation, FIXTURE_MS); /* several arrive in one batch */
        make_sample_due();
        fixture_run_ms(20);
        fixture.loop.sample_ns = fixture.loop.measure_ns = UINT64_MAX;
        if (handler_count() - before > most) most = handler_count() - before;
    }
    assert_true(most >= 2);
    for (int i = 0; i < PEERS; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void a_handler_without_on_message_is_not_measured(void **state)
{
    (void)state;
    open_world(NULL, &handler_deaf);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    make_sample_due();
    fixture_tell(peer, "slow");
    fixture_run_ms(50);
    assert_int_equal(handler_count(), 0);
    sim_peer_close(peer);
    fixture_close();
}

static void a_service_without_a_histogram_is_not_measured(void **state)
{
    (void)state;
    open_world(NULL, &handler_words);
    fixture.tcp_service.handler_times = NULL;
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(50);
    make_sample_due();
    fixture_tell(peer, "slow");
    fixture_run_ms(50);
    assert_false(fixture_only_session()->is_sampled);
    sim_peer_close(peer);
    fixture_close();
}

/* Both a transient session and one that is kept. */
static void datagrams_are_measured(void **state)
{
    const struct weir_handler *const handlers[] = {&handler_words, &handler_opens};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct weir_config config = fixture_config();
        config.log_level = WEIR_LOG_DETAIL; /* each message is looked at, too */
        open_world(i == 0 ? NULL : &config, handlers[i]);
        assert_int_equal(fixture.udp.keeps_peers, i == 1);
        struct sim_datagrams *socket = fixture_datagrams(7);
        fixture_run_ms(50);
        make_sample_due();
        fixture_send_to(socket, "slow");
        fixture_run_ms(50);
        assert_int_equal(handler_count(), 1);
        assert_true(measured(WEIR_HISTOGRAM_HANDLER).sum_ns >= 7 * FIXTURE_MS);
        fixture.loop.sample_ns = fixture.loop.measure_ns = UINT64_MAX;
        fixture_send_to(socket, "fast");
        fixture_run_ms(50);
        assert_int_equal(handler_count(), 1);
        fixture_close();
    }
}

static void a_session_that_closes_in_on_open_gets_no_datagram(void **state)
{
    (void)state;
    closes_on_open = true;
    open_world(NULL, &handler_opens);
    struct sim_datagrams *socket = fixture_datagrams(7);
    make_sample_due();
    fixture_send_to(socket, "slow");
    fixture_run_ms(50);
    assert_int_equal(handler_count(), 0);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    closes_on_open = false;
    fixture_close();
}

/* ---- iterations ---- */

static void long_iterations_are_counted_and_all_are_added_up(void **state)
{
    struct weir_worker_stats stats;

    (void)state;
    open_world(NULL, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(200);
    struct weir_histogram before = measured(WEIR_HISTOGRAM_ITERATION);
    assert_int_equal(before.upper_ns[0], 500000);
    fixture_tell(peer, "slow");
    fixture_run_ms(50);
    struct weir_histogram result = measured(WEIR_HISTOGRAM_ITERATION);
    inspect_worker(&fixture.loop.worker, &stats);
    assert_int_equal(result.count, stats.loop_iterations);
    assert_int_equal(result.sum_ns, stats.busy_ns);
    weir_histogram_subtract(&result, &before);
    assert_int_equal(result.sum_ns, 7 * FIXTURE_MS); /* only the handler takes time */
    assert_true(result.counts[0] > 0);
    assert_int_equal(result.counts[0] + 1, result.count);
    assert_int_equal(weir_histogram_percentile_ns(&result, 1000), 8 * FIXTURE_MS);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- opening ---- */

static void the_opening_of_filters_is_measured(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    test_filters_reset();
    test_chain_set(&test_filter_line, NULL, NULL);
    open_world(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(300);
    assert_int_equal(measured(WEIR_HISTOGRAM_OPENING).count, 0);
    fixture_say(peer, "GO\n");
    fixture_run_ms(20);
    struct weir_histogram result = measured(WEIR_HISTOGRAM_OPENING);
    assert_int_equal(result.count, 1);
    assert_true(result.sum_ns >= 300 * FIXTURE_MS && result.sum_ns <= 330 * FIXTURE_MS);
    sim_peer_close(peer);
    fixture_close();
    test_chain_set(NULL, NULL, NULL);
    open_world(NULL, &handler_words); /* without filters nothing opens */
    peer = fixture_connect();
    fixture_run_ms(20);
    assert_int_equal(measured(WEIR_HISTOGRAM_OPENING).count, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- memory ---- */

static void a_worker_knows_its_memory(void **state)
{
    struct weir_worker_stats stats;

    (void)state;
    open_world(NULL, &handler_words);
    fixture.common.memory_bytes = 12345678;
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(300);
    inspect_worker(&fixture.loop.worker, &stats);
    assert_int_equal(stats.memory_max_bytes, 12345678);
    assert_true(stats.memory_bytes >= fixture.loop.worker.account.table_bytes);
    assert_int_equal(fixture_stats().memory_bytes, stats.memory_bytes);
    uint64_t before_bytes = stats.memory_bytes;
    fixture_take_buffers();
    fixture_run_ms(200);
    fixture_tell(peer, "wake");
    fixture_run_ms(200);
    inspect_worker(&fixture.loop.worker, &stats);
    assert_true(stats.memory_bytes > before_bytes + 1024 * 1024);
    fixture_give_back_buffers();
    sim_peer_close(peer);
    fixture_close();
}

static void a_session_knows_what_it_holds(void **state)
{
    (void)state;
    open_world(NULL, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(20);
    struct weir_session_info empty = look();
    assert_true(empty.memory_bytes >= SESSION_BYTES_MAX);
    assert_int_equal(empty.groups_count, 0);
    assert_int_equal(empty.partial_ms, 0);
    assert_int_equal(empty.broadcasts_missed, 0);
    fixture_tell(peer, "join");
    fixture_tell(peer, "also");
    fixture_run_ms(20);
    struct weir_session_info info = look();
    assert_int_equal(info.groups_count, 2);
    assert_true(info.memory_bytes > empty.memory_bytes);
    fixture_say(peer, "incomplete");
    fixture_run_ms(400);
    assert_int_equal(look().partial_bytes, 10);
    assert_true(look().partial_ms >= 380 && look().partial_ms <= 400);
    assert_int_equal(look().memory_bytes, info.memory_bytes + 20); /* a codec may double it */
    fixture_say(peer, ".");
    fixture_run_ms(20);
    assert_int_equal(look().partial_ms, 0);
    assert_int_equal(look().memory_bytes, info.memory_bytes);
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_is_measured_by_a_sample),
        cmocka_unit_test(a_message_in_pieces_is_measured_when_it_is_complete),
        cmocka_unit_test(ten_samples_a_second_are_taken),
        cmocka_unit_test(all_sessions_of_a_batch_are_measured),
        cmocka_unit_test(a_handler_without_on_message_is_not_measured),
        cmocka_unit_test(a_service_without_a_histogram_is_not_measured),
        cmocka_unit_test(datagrams_are_measured),
        cmocka_unit_test(a_session_that_closes_in_on_open_gets_no_datagram),
        cmocka_unit_test(long_iterations_are_counted_and_all_are_added_up),
        cmocka_unit_test(the_opening_of_filters_is_measured),
        cmocka_unit_test(a_worker_knows_its_memory),
        cmocka_unit_test(a_session_knows_what_it_holds),
    };

    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
