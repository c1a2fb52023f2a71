/* SPDX-License-Identifier: MIT */
/* test_real_filters.c - sessions behind the filters of the product (real_filters.h) end, wait and
 * count as without them; and a session ends properly wherever its bytes are split, wherever its
 * peer disappears, and whichever allocation fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "fixture.h"
#include "memory_faults.h"
#include "real_filters.h"
#include "real_tls.h"
#include "require.h"

static const struct real_filters chains[] = {
    {.proxy = true},
    {.tls = true},
    {.tls = true, .is_tls_older = true},
    {.websocket = true},
    {.websocket = true, .has_messages = true},
    {.proxy = true, .tls = true, .websocket = true},
};

static struct weir_frame *lines;

/* ---- the handler ---- */

static struct {
    uint32_t opened, closed, messages, peer_done;
} seen;

static void on_open(struct weir_session *session)
{
    seen.opened++;
    weir_session_join(session, "all"); /* it fails without memory */
}

static bool says(const struct weir_message *message, const char *word)
{
    size_t length = message->length;

    if (length > 0 && message->bytes[length - 1] == '\n') length--; /* in message mode */
    return length == strlen(word) && memcmp(message->bytes, word, length) == 0;
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    seen.messages++;
    if (says(message, "pause")) {
        weir_session_pause(session);
        weir_session_start_timer(session, 500);
    } else if (says(message, "finish")) {
        weir_session_send(session, "bye", 3);
        weir_session_finish(session);
    } else if (says(message, "all")) {
        weir_session_broadcast(session, "all", "news", 4, 0);
    } else {
        weir_session_send_back(session, message);
    }
}

static void on_timer(struct weir_session *session)
{
    weir_session_resume(session);
}

static void on_peer_done(struct weir_session *session)
{
    (void)session;
    seen.peer_done++;
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    seen.closed++;
}

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .on_open = on_open,
    .on_message = on_message,
    .on_timer = on_timer,
    .on_peer_done = on_peer_done,
    .on_close = on_close,
};

/* ---- worlds ---- */

static const struct real_filters *chain; /* of the world */

static struct weir_config config_of_test(void)
{
    struct weir_config config = fixture_config();

    config.opening_timeout_ms = 1000;
    config.linger_timeout_ms = 500;
    return config;
}

static void open_world(const struct weir_config *config)
{
    memset(&seen, 0, sizeof seen);
    fixture_open(config, weir_frame_codec(lines), &handler, 5);
}

/* Runs the test behind each chain. */
static void with_each(void (*run)(void))
{
    for (uint32_t i = 0; i < weir_count_of(chains); i++) {
        chain = &chains[i];
        if (!real_filters_exist(chain)) continue;
        real_filters_set(chain);
        run();
    }
}

/* A word that the codec, if there is one, takes the newline off. */
static const char *news(void)
{
    return chain->has_messages ? "news" : "news\n";
}

static const char *bye(void)
{
    return chain->has_messages ? "bye" : "bye\n";
}

/* Waits for exactly this text. */
static void expect(struct sim_peer *peer, const char *text)
{
    char got[256];
    uint32_t count = 0;

    for (int i = 0; i < 2000 && count < strlen(text); i++) {
        fixture_iterate(FIXTURE_MS);
        count += filtered_receive(peer, got + count, (uint32_t)(sizeof got - count));
    }
    assert_int_equal(count, strlen(text));
    assert_memory_equal(got, text, count);
}

/* Waits for the goodbye of each filter, then FIN. */
static void expect_goodbye(struct sim_peer *peer)
{
    bool has_ended = false;

    for (int i = 0; i < 2000 && !has_ended; i++) {
        fixture_iterate(FIXTURE_MS);
        has_ended = filtered_saw_end(peer);
    }
    assert_true(has_ended);
    assert_true(chain->tls || chain->websocket ? filtered_saw_goodbye(peer) : true);
}

static void close_world(struct sim_peer *peer)
{
    filtered_close(peer);
    fixture_close();
    assert_int_equal(seen.closed, seen.opened);
}

/* ---- sessions ---- */

static void half_close(void)
{
    const struct weir_config config = config_of_test();

    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "one\ntwo\n");
    filtered_finish(peer);
    expect(peer, "one\ntwo\n");
    expect_goodbye(peer);
    fixture_run_ms(50);
    assert_int_equal(seen.peer_done, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    close_world(peer);
}

static void a_half_close_gets_its_answers(void **state)
{
    (void)state;
    with_each(half_close);
}

static void drain(void)
{
    const struct weir_config config = config_of_test();

    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "asked\n");
    fixture_run_ms(50);
    remote_drain(&fixture.loop.worker, 5000);
    expect(peer, "asked\n");
    expect_goodbye(peer);
    filtered_finish(peer);
    fixture_run_to_the_end();
    assert_int_equal(fixture_closed(WEIR_REASON_DRAIN), 1);
    close_world(peer);
}

static void a_drain_ends_idle_sessions(void **state)
{
    (void)state;
    with_each(drain);
}

static void linger(void)
{
    const struct weir_config config = config_of_test();

    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "finish\n");
    expect(peer, bye());
    expect_goodbye(peer);
    assert_int_equal(seen.closed, 0);
    fixture_run_ms(3000);
    assert_int_equal(fixture_closed(WEIR_REASON_APPLICATION), 1);
    close_world(peer);
}

static void a_finished_session_lingers(void **state)
{
    (void)state;
    with_each(linger);
}

static void frame_timeout(void)
{
    struct weir_config config = config_of_test();

    if (chain->has_messages) return; /* each piece is a whole message */
    config.frame_timeout_ms = 1000;
    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hel");
    fixture_run_ms(900);
    assert_int_equal(seen.closed, 0);
    fixture_say(peer, "l");
    fixture_run_ms(100);
    expect_goodbye(peer);
    filtered_finish(peer);
    fixture_run_ms(1000);
    assert_int_equal(fixture_closed(WEIR_REASON_FRAME), 1);
    close_world(peer);
}

static void an_incomplete_frame_ends_a_session(void **state)
{
    (void)state;
    with_each(frame_timeout);
}

static void quota(void)
{
    struct weir_config config = config_of_test();

    config.sessions_per_address_max = 1;
    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    struct sim_peer *second = sim_connect(fixture.simulation, &fixture.address, NULL);
    for (int i = 0; i < 200; i++) {
        filtered_open(second);
        fixture_iterate(FIXTURE_MS);
    }
    assert_int_equal(fixture_stats().refused_address, 1);
    assert_int_equal(seen.opened, 1);
    assert_false(real_filters_are_open(second) && chain->websocket);
    filtered_close(second);
    fixture_say(peer, "hello\n");
    expect(peer, "hello\n");
    close_world(peer);
}

static void an_address_has_its_quota(void **state)
{
    (void)state;
    with_each(quota);
}

static void rate(void)
{
    struct weir_config config = config_of_test();
    char line[501], bytes[1000];

    memset(line, 'x', 499);
    memcpy(line + 499, "\n", 2);
    config.receive_rate_max_bytes = 2000;
    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 20; i++) {
        fixture_say(peer, line);
        fixture_run_ms(5);
    }
    assert_in_range(seen.messages, 1, 19);
    for (int i = 0; i < 100; i++) {
        fixture_run_ms(100);
        while (filtered_receive(peer, bytes, sizeof bytes) > 0) continue;
    }
    assert_int_equal(seen.messages, 20);
    assert_true(fixture_stats().pauses_rate > 0);
    close_world(peer);
}

static void a_rate_slows_a_session_down(void **state)
{
    (void)state;
    with_each(rate);
}

static void broadcast(void)
{
    const struct weir_config config = config_of_test();

    open_world(&config);
    struct sim_peer *peer = fixture_connect(), *other = fixture_connect();
    fixture_say(peer, "all\n");
    expect(peer, news());
    expect(other, news());
    filtered_close(other);
    close_world(peer);
}

static void a_broadcast_reaches_its_members(void **state)
{
    (void)state;
    with_each(broadcast);
}

static void paused(void)
{
    const struct weir_config config = config_of_test();
    char byte;

    open_world(&config);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "pause\n");
    fixture_say(peer, "later\n");
    filtered_finish(peer); /* it waits behind the messages */
    fixture_run_ms(400);
    assert_int_equal(filtered_receive(peer, &byte, 1), 0);
    assert_int_equal(seen.peer_done, 0);
    expect(peer, "later\n");
    expect_goodbye(peer);
    assert_int_equal(seen.peer_done, 1);
    close_world(peer);
}

static void a_pause_holds_messages_and_the_end(void **state)
{
    (void)state;
    with_each(paused);
}

/* ---- at every point ---- */

/* One iteration, in which the allocation number *countdown fails; 0: none. */
static void iterate(uint64_t *countdown)
{
    memory_fail_nth(*countdown, 0);
    uint64_t before = memory_allocations_count();
    fixture_iterate(FIXTURE_MS);
    uint64_t count = memory_allocations_count() - before;
    memory_fail_nth(0, 0);
    *countdown = count < *countdown ? *countdown - count : 0;
}

/* One session from begin to end: it echoes, and its peer ends it. Returns when the server has
 * closed it, or when the peer may not send what is left. */
static void converse(struct sim_peer *peer, uint64_t *countdown)
{
    char bytes[64];
    bool has_said = false;

    for (int i = 0; i < 20000 && fixture_stats().closed == 0; i++) {
        if (sim_peer_state(peer) == SIM_REFUSED || sim_peer_saw_reset(peer)) return;
        if (sim_peer_state(peer) == SIM_CONNECTED) {
            filtered_open(peer);
            if (!has_said && filtered_send(peer, "one\ntwo\n", 8) > 0) {
                filtered_finish(peer);
                has_said = true;
            }
            while (filtered_receive(peer, bytes, sizeof bytes) > 0) continue;
            filtered_saw_end(peer);
        }
        iterate(countdown);
        if (real_filters_are_silent(peer)) return;
    }
}

static struct sim_peer *connect_alone(const struct weir_config *config)
{
    open_world(config);
    return sim_connect(fixture.simulation, &fixture.address, NULL);
}

static void split(void)
{
    const struct weir_config config = config_of_test();
    struct sim_options network;
    uint64_t none = 0;

    sim_options_init(&network);
    network.exact_pieces = true;
    fixture_network = &network;
    for (uint32_t piece = 1; piece < 40; piece += piece < 8 ? 1 : 7) {
        network.piece_bytes_max = piece;
        struct sim_peer *peer = connect_alone(&config);
        converse(peer, &none);
        assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
        close_world(peer);
    }
    fixture_network = NULL;
}

static void bytes_can_be_split_everywhere(void **state)
{
    (void)state;
    with_each(split);
}

/* Lets a peer disappear in one of three ways, and waits until its session has ended. */
static void disappear(struct sim_peer *peer, uint32_t way)
{
    if (way == 0) sim_peer_reset(peer);
    if (way == 1) sim_peer_lose(peer);
    if (way == 2) sim_peer_finish(peer);
    fixture_run_ms(4000);
    assert_int_equal(fixture_stats().closed, 1);
}

static void gone(void)
{
    struct weir_config config = config_of_test();
    struct real_filters limited = *chain;
    uint64_t none = 0;
    bool is_complete = false;

    if (chain->is_tls_older) return;
    config.idle_timeout_ms = config.send_timeout_ms = 1000;
    for (uint32_t count = 1; !is_complete; count++) {
        limited.sent_bytes_max = count;
        real_filters_set(&limited);
        struct sim_peer *peer = connect_alone(&config);
        converse(peer, &none);
        is_complete = !real_filters_are_silent(peer);
        if (!is_complete) disappear(peer, count % 3);
        close_world(peer);
        require(count < 5000);
    }
}

static void a_peer_can_disappear_at_every_byte(void **state)
{
    (void)state;
    with_each(gone);
}

/* Lets every `step`th allocation fail. */
static void lack_memory(uint64_t step)
{
    struct weir_config config = config_of_test();
    uint64_t countdown = 0;

    config.idle_timeout_ms = config.send_timeout_ms = 1000;
    for (uint64_t number = 1; countdown == 0; number += step) {
        struct sim_peer *peer = connect_alone(&config);
        countdown = number;
        converse(peer, &countdown);
        fixture_run_ms(4000);
        assert_int_equal(fixture_stats().accepted, fixture_stats().closed);
        close_world(peer);
        require(number < 20000);
    }
}

static void lack_one(void)
{
    lack_memory(1);
}

static void every_allocation_can_fail(void **state)
{
    (void)state;
    with_each(lack_one);
}

static void lack_openssl(void)
{
    if (!chain->tls) return;
    real_tls_share_memory_faults(true);
    lack_memory(37);
    real_tls_share_memory_faults(false);
}

/* Some of its thousands; unit.tls_memory lets each fail. */
static void allocations_of_openssl_can_fail(void **state)
{
    (void)state;
    with_each(lack_openssl);
}

/* ---- all ---- */

static int open_all(void **state)
{
    (void)state;
    test_chain_opens = true;
    return weir_frame_open("line", &lines, NULL) == WEIR_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    real_filters_set(NULL);
    weir_frame_free(lines);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_close_gets_its_answers),
        cmocka_unit_test(a_drain_ends_idle_sessions),
        cmocka_unit_test(a_finished_session_lingers),
        cmocka_unit_test(an_incomplete_frame_ends_a_session),
        cmocka_unit_test(an_address_has_its_quota),
        cmocka_unit_test(a_rate_slows_a_session_down),
        cmocka_unit_test(a_broadcast_reaches_its_members),
        cmocka_unit_test(a_pause_holds_messages_and_the_end),
        cmocka_unit_test(bytes_can_be_split_everywhere),
        cmocka_unit_test(a_peer_can_disappear_at_every_byte),
        cmocka_unit_test(every_allocation_can_fail),
        cmocka_unit_test(allocations_of_openssl_can_fail),
    };

    real_tls_is_quick = true;
    real_tls_share_memory_faults(false); /* before anything else of OpenSSL allocates */
    return cmocka_run_group_tests_name("real_filters", tests, open_all, close_all);
}
