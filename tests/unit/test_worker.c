/* SPDX-License-Identifier: MIT */
/* test_worker.c - sessions, listeners and UDP sockets on a worker, over the simulated network in
 * virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "check.h"
#include "fixture.h"
#include "memory_faults.h"
#include "sim.h"

/* ---- the world ---- */

static void open_world(const struct weir_handler *handler, uint32_t sessions_max, uint64_t seed)
{
    struct weir_config config = fixture_config();

    config.sessions_max = sessions_max;
    fixture_open(&config, NULL, handler, seed);
}

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)(position * 2654435761u >> 13);
}

/* Sends what the window takes of `total`, from *sent on. */
static void send_some(struct sim_peer *peer, uint64_t *sent, uint64_t total)
{
    uint8_t bytes[4096];
    uint32_t count =
        total - *sent < sizeof bytes ? (uint32_t)(total - *sent) : (uint32_t)sizeof bytes;

    for (uint32_t i = 0; i < count; i++) bytes[i] = byte_at(*sent + i);
    if (count > 0) *sent += sim_peer_send(peer, bytes, count);
}

static void receive_some(struct sim_peer *peer, uint64_t *received)
{
    uint8_t bytes[4096];
    uint32_t count = sim_peer_receive(peer, bytes, sizeof bytes);

    for (uint32_t i = 0; i < count; i++) assert_int_equal(bytes[i], byte_at(*received + i));
    *received += count;
}

/* ---- echo ---- */

static void test_echo_is_whole_and_then_closed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        const uint64_t total = seed == 1 ? 0 : 300000;
        uint64_t sent = 0, received = 0;

        open_world(&handler_echo, 10, seed);
        struct sim_peer *peer = fixture_connect();
        for (int i = 0; i < FIXTURE_ITERATIONS_MAX && !sim_peer_saw_end(peer); i++) {
            if (sent < total)
                send_some(peer, &sent, total);
            else if (sent == total)
                sim_peer_finish(peer), sent++;
            receive_some(peer, &received);
            fixture_iterate(FIXTURE_MS);
        }
        assert_int_equal(received, total);
        assert_true(sim_peer_saw_end(peer));
        sim_peer_close(peer);
        fixture_iterations(10);
        assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_PEER_DONE], 1);
        assert_int_equal(fixture_stats().bytes_in, total);
        assert_int_equal(fixture_stats().bytes_out, total);
        fixture_close();
    }
}

static void test_a_peer_that_does_not_read_costs_its_mark(void **state)
{
    const uint64_t total = 4000000;
    const uint32_t bound = 128 * 1024 + 16 * 1024;
    uint64_t sent = 0, received = 0;
    bool paused = false;

    (void)state;
    open_world(&handler_echo, 10, 3);
    struct sim_peer *peer = fixture_connect();
    for (int i = 0; i < 5000; i++) {
        send_some(peer, &sent, total);
        fixture_iterate(FIXTURE_MS);
        assert_true(fixture_only_session()->queue.pinned_bytes <= bound);
        paused |= fixture_only_session()->queue_paused;
    }
    assert_true(paused);
    assert_true(sent < total); /* the window closed on it */
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && received < total; i++) {
        send_some(peer, &sent, total);
        receive_some(peer, &received);
        fixture_iterate(FIXTURE_MS);
        assert_true(fixture_only_session()->queue.pinned_bytes <= bound);
    }
    assert_int_equal(received, total);
    assert_false(fixture_only_session()->queue_paused);
    sim_peer_close(peer);
    fixture_close();
}

static void test_a_reset_closes_once(void **state)
{
    uint64_t sent = 0;

    (void)state;
    open_world(&handler_echo, 10, 5);
    for (int round = 0; round < 20; round++) {
        struct sim_peer *peer = fixture_connect();
        sent = 0;
        for (int i = 0; i < round * 3; i++) {
            send_some(peer, &sent, 1000000);
            fixture_iterate(FIXTURE_MS);
        }
        sim_peer_reset(peer);
        sim_peer_close(peer);
        fixture_iterations(20);
    }
    assert_int_equal(fixture_stats().accepted, 20);
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_RESET], 20);
    assert_int_equal(fixture_stats().open, 0);
    fixture_close();
}

static void test_a_full_server_refuses_and_recovers(void **state)
{
    uint64_t sent = 0, received = 0;

    (void)state;
    open_world(&handler_echo, 1, 7);
    struct sim_peer *first = fixture_connect();
    fixture_iterations(10);
    struct sim_peer *second = sim_connect(fixture.simulation, &fixture.address, NULL);
    for (int i = 0; i < 1000 && fixture_stats().refused_full == 0; i++) fixture_iterate(FIXTURE_MS);
    assert_int_equal(fixture_stats().refused_full, 1);
    fixture_iterations(20);
    assert_true(sim_peer_saw_end(second) || sim_peer_saw_reset(second));
    sim_peer_close(second);
    sim_peer_finish(first);
    fixture_iterations(50);
    sim_peer_close(first);
    fixture_iterations(10);
    struct sim_peer *third = fixture_connect();
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && received < 100; i++) {
        send_some(third, &sent, 100);
        fixture_iterate(FIXTURE_MS);
        receive_some(third, &received);
    }
    assert_int_equal(received, 100);
    sim_peer_close(third);
    fixture_close();
}

/* ---- the end ---- */

static void test_a_drain_ends_the_quiet_and_delivers_first(void **state)
{
    const uint64_t total = 50000;
    uint64_t sent = 0, received = 0;

    (void)state;
    open_world(&handler_echo, 10, 11);
    struct sim_peer *idle = fixture_connect(), *late = fixture_connect();
    while (sent < total) {
        send_some(late, &sent, total);
        fixture_iterate(FIXTURE_MS);
    }
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);
    remote_drain(&fixture.loop.worker, 60000);
    bool running = true;
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && running; i++) {
        receive_some(late, &received);
        if (sim_peer_saw_end(late) && received == total) sim_peer_finish(late), received++;
        running = fixture_iterate(FIXTURE_MS);
    }
    assert_false(running);
    assert_int_equal(received, total + 1);
    assert_true(sim_peer_saw_end(idle));
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_DRAIN], 2);
    assert_true(net_now_ns(fixture.loop.worker.net) - started_ns <
                3000 * FIXTURE_MS); /* virtual: idle lingers one second */
    struct sim_peer *refused = sim_connect(fixture.simulation, &fixture.address, NULL);
    sim_peer_close(refused);
    sim_peer_close(idle);
    sim_peer_close(late);
    fixture_close();
}

static void test_a_drain_ends_by_its_deadline(void **state)
{
    uint64_t sent = 0, received = 0;

    (void)state;
    open_world(&handler_echo, 10, 13);
    struct sim_peer *busy = fixture_connect();
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);
    remote_drain(&fixture.loop.worker, 2000);
    bool running = true;
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && running; i++) { /* it never stops talking */
        send_some(busy, &sent, UINT64_MAX);
        receive_some(busy, &received);
        running = fixture_iterate(FIXTURE_MS);
    }
    assert_false(running);
    assert_true(net_now_ns(fixture.loop.worker.net) - started_ns >= 2000 * FIXTURE_MS);
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_SHUTDOWN], 1);
    sim_peer_close(busy);
    fixture_close();
}

static void test_a_stop_ends_everything_at_once(void **state)
{
    uint64_t sent = 0;

    (void)state;
    open_world(&handler_echo, 100, 17);
    struct sim_peer *peers[30];
    for (int i = 0; i < 30; i++) peers[i] = fixture_connect();
    for (int i = 0; i < 100; i++) {
        sent = 0;
        send_some(peers[i % 30], &sent, 1000);
        fixture_iterate(FIXTURE_MS);
    }
    fixture_iterations(10);
    assert_int_equal(fixture_stats().open, 30);
    remote_drain(&fixture.loop.worker, 60000);
    fixture_iterate(0);
    remote_stop(&fixture.loop.worker); /* a second wish overtakes the first */
    for (int i = 0; i < 1000 && fixture_iterate(FIXTURE_MS); i++) continue;
    assert_int_equal(fixture_stats().open, 0);
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_SHUTDOWN], 30);
    for (int i = 0; i < 30; i++) sim_peer_close(peers[i]);
    fixture_close();
}

static void test_a_later_drain_shortens_and_never_lengthens(void **state)
{
    uint64_t sent = 0, received = 0;

    (void)state;
    open_world(&handler_echo, 10, 41);
    struct sim_peer *busy = fixture_connect();
    uint64_t started_ns = net_now_ns(fixture.loop.worker.net);
    remote_drain(&fixture.loop.worker, 60000);
    bool running = fixture_iterate(0);
    remote_drain(&fixture.loop.worker, 500);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && running; i++) {
        send_some(busy, &sent, UINT64_MAX);
        receive_some(busy, &received);
        running = fixture_iterate(FIXTURE_MS);
        if (i == 10) remote_drain(&fixture.loop.worker, 60000);
    }
    assert_false(running);
    assert_true(net_now_ns(fixture.loop.worker.net) - started_ns < 1000 * FIXTURE_MS);
    sim_peer_close(busy);
    fixture_close();
}

static void test_a_drain_answers_what_had_come_before(void **state)
{
    struct net_address address = address_of_v4(0x7f000002, 0), from;
    struct sim_peer *peers[20];
    uint8_t bytes[16];
    uint32_t length, answers = 0;

    (void)state;
    open_world(&handler_echo, 100, 43);
    struct sim_datagrams *sender = sim_datagrams_open(fixture.simulation, &address);
    for (int i = 0; i < 20; i++) {
        peers[i] = sim_connect(fixture.simulation, &fixture.address, NULL);
        sim_datagrams_send(sender, &fixture.address, "still", 5);
    }
    remote_drain(&fixture.loop.worker, 60000);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_iterate(FIXTURE_MS); i++) continue;
    while (sim_datagrams_receive(sender, bytes, sizeof bytes, &length, &from)) answers++;
    assert_int_equal(answers, 20);
    assert_int_equal(fixture_stats().accepted, 20);
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_DRAIN], 20);
    for (int i = 0; i < 20; i++) sim_peer_close(peers[i]);
    sim_datagrams_close(sender);
    fixture_close();
}

static void test_a_worker_that_listens_nowhere_ends(void **state)
{
    struct net_event broke = {.kind = NET_BROKEN, .code = WEIR_SYSTEM, .os_error = 5};

    (void)state;
    open_world(&handler_echo, 10, 47);
    struct sim_peer *peer = fixture_connect();
    broke.handle = fixture.tcp.endpoint.handle;
    listener_on_event(&fixture.tcp, &broke);
    assert_true(fixture_iterate(FIXTURE_MS)); /* the UDP socket is left */
    broke.handle = fixture.udp.endpoint.handle;
    udp_socket_on_event(&fixture.udp, &broke);
    bool running = true;
    for (int i = 0; i < 1000 && running; i++) running = fixture_iterate(FIXTURE_MS);
    assert_false(running);
    sim_peer_close(peer);
    fixture_close();
}

static void test_a_listener_can_fail_while_it_closes(void **state)
{
    struct net_event broke = {.kind = NET_BROKEN, .code = WEIR_SYSTEM, .os_error = 5};

    (void)state;
    open_world(&handler_echo, 10, 67);
    struct sim_peer *peer = fixture_connect();
    remote_drain(&fixture.loop.worker, 60000);
    fixture_iterate(0);
    broke.handle = fixture.tcp.endpoint.handle;
    listener_on_event(&fixture.tcp, &broke);
    listener_on_event(&fixture.tcp, &broke); /* in the same batch, after the close */
    udp_socket_on_event(&fixture.udp, &broke);
    assert_true(fixture_iterate(
        FIXTURE_MS)); /* the drain is not cut short: the session ends in its own time */
    assert_int_equal(fixture_stats().open, 1);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_iterate(FIXTURE_MS); i++) continue;
    assert_int_equal(fixture_stats().closed_by_reason[WEIR_REASON_DRAIN], 1);
    sim_peer_close(peer);
    fixture_close();
}

/* ---- scarcity ---- */

static void test_no_memory_for_a_session_is_counted_and_passes(void **state)
{
    (void)state;
    open_world(&handler_echo, 3, 53);
    memory_fail_nth(1, 1);
    for (int i = 0; i < 5; i++) {
        struct sim_peer *lost = sim_connect(fixture.simulation, &fixture.address, NULL);
        for (int j = 0; j < 1000 && fixture_stats().refused_failed == (uint64_t)i; j++)
            fixture_iterate(FIXTURE_MS);
        sim_peer_close(lost);
    }
    memory_fail_nth(0, 0);
    assert_int_equal(fixture_stats().refused_failed, 5);
    assert_int_equal(fixture_stats().accepted, 0);
    assert_int_equal(fixture.limits.sessions_open, 0);
    fixture_iterations(20);
    for (int i = 0; i < 3; i++) {
        struct sim_peer *peer = fixture_connect();
        for (int j = 0; j < 1000 && fixture_stats().accepted == (uint64_t)i; j++)
            fixture_iterate(FIXTURE_MS);
        sim_peer_close(peer);
        fixture_iterations(20);
    }
    assert_int_equal(fixture_stats().accepted, 3);
    assert_int_equal(fixture_stats().refused_full, 0);
    fixture_close();
}

/* ---- handlers ---- */

static enum weir_code last_code;

static void twice(struct weir_session *session, const struct weir_message *message)
{
    last_code = weir_session_send(session, message->bytes, message->length);
    last_code = weir_session_send(session, message->bytes, message->length);
}

static const struct weir_handler handler_twice = {
    .size = sizeof(struct weir_handler), .name = "twice", .summary = "", .on_message = twice};

static void test_a_handler_may_send_more_than_it_got(void **state)
{
    uint8_t bytes[8] = {0};

    (void)state;
    open_world(&handler_twice, 10, 19);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(sim_peer_send(peer, "abcd", 1), 1);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && sim_peer_unread(peer) < 2; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(sim_peer_receive(peer, bytes, sizeof bytes), 2);
    assert_memory_equal(bytes, "aa", 2);
    assert_int_equal(fixture_only_session()->peer.port, sim_peer_address(peer).port);
    assert_int_not_equal(weir_session_id(fixture_only_session()), 0);
    sim_peer_close(peer);
    fixture_close();
}

static void flood(struct weir_session *session, const struct weir_message *message)
{
    static const uint8_t chunk[10000];

    (void)message;
    do last_code = weir_session_send(session, chunk, sizeof chunk);
    while (last_code == WEIR_OK);
}

static const struct weir_handler handler_flood = {
    .name = "flood", .summary = "", .on_message = flood};

static void test_a_flooding_handler_is_refused(void **state)
{
    (void)state;
    open_world(&handler_flood, 10, 23);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(sim_peer_send(peer, "x", 1), 1);
    last_code = WEIR_OK;
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && last_code == WEIR_OK; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(last_code, WEIR_QUEUE_FULL);
    assert_true(fixture_only_session()->queue.pinned_bytes <= 128 * 1024 + 16 * 1024);
    sim_peer_close(peer);
    fixture_close();
}

static enum weir_code codes[4];

static void measure(struct weir_session *session, const struct weir_message *message)
{
    static const uint8_t large[128 * 1024 + 1];

    (void)message;
    codes[0] = weir_session_send(session, large, 128 * 1024 + 1); /* always more than the mark */
    codes[1] = weir_session_send(session, large, 128 * 1024);
    codes[2] = weir_session_send(session, large, 100 * 1024); /* more than the mark, for now */
    codes[3] = weir_session_send(session, large, 0);
}

static const struct weir_handler handler_measure = {.name = "measure", .on_message = measure};

static void test_the_high_mark_bounds_one_large_send(void **state)
{
    (void)state;
    open_world(&handler_measure, 10, 59);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(sim_peer_send(peer, "x", 1), 1);
    codes[3] = WEIR_SYSTEM;
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && codes[3] == WEIR_SYSTEM; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(codes[0], WEIR_TOO_LARGE);
    assert_int_equal(codes[1], WEIR_OK);
    assert_int_equal(codes[2], WEIR_QUEUE_FULL);
    assert_int_equal(codes[3], WEIR_OK);
    sim_peer_close(peer);
    fixture_close();
}

static void oversend(struct weir_session *session, const struct weir_message *message)
{
    static const uint8_t large[65536];

    (void)message;
    codes[0] = weir_session_send(session, large, 65508); /* what IPv4 cannot carry */
    codes[1] = weir_session_send(session, large, 65507);
}

static const struct weir_handler handler_oversend = {.name = "oversend", .on_message = oversend};

static void test_a_datagram_that_no_network_carries_is_refused(void **state)
{
    struct net_address address = address_of_v4(0x7f000002, 0);

    (void)state;
    open_world(&handler_oversend, 10, 61);
    struct sim_datagrams *sender = sim_datagrams_open(fixture.simulation, &address);
    sim_datagrams_send(sender, &fixture.address, "x", 1);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_stats().datagrams_out == 0; i++)
        fixture_iterate(FIXTURE_MS);
    assert_int_equal(codes[0], WEIR_TOO_LARGE);
    assert_int_equal(codes[1], WEIR_OK);
    sim_datagrams_close(sender);
    fixture_close();
}

/* ---- datagrams ---- */

static void test_datagrams_are_echoed_to_their_sender(void **state)
{
    struct net_address one_address = address_of_v4(0x7f000002, 0),
                       two_address = address_of_v4(0x7f000003, 0);
    uint8_t bytes[16];
    uint32_t length, answers = 0;
    struct net_address from;

    (void)state;
    open_world(&handler_echo, 10, 29);
    struct sim_datagrams *one = sim_datagrams_open(fixture.simulation, &one_address);
    struct sim_datagrams *two = sim_datagrams_open(fixture.simulation, &two_address);
    for (int i = 0; i < 50; i++) {
        sim_datagrams_send(one, &fixture.address, "one", 3);
        sim_datagrams_send(two, &fixture.address, "", 0);
    }
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && answers < 100; i++) {
        fixture_iterate(FIXTURE_MS);
        while (sim_datagrams_receive(one, bytes, sizeof bytes, &length, &from)) {
            assert_int_equal(length, 3);
            assert_true(address_equals(&from, &fixture.address));
            answers++;
        }
        while (sim_datagrams_receive(two, bytes, sizeof bytes, &length, &from)) {
            assert_int_equal(length, 0);
            answers++;
        }
    }
    assert_int_equal(answers, 100);
    assert_int_equal(fixture_stats().datagrams_in, 100);
    assert_int_equal(fixture_stats().datagrams_out, 100);
    sim_datagrams_close(one);
    sim_datagrams_close(two);
    fixture_close();
}

static void test_harmful_sources_are_counted_not_answered(void **state)
{
    struct net_address self, port_zero = address_of_v4(0x7f000005, 0);
    struct net_address group = address_of_v4(0xe0000001, 9),
                       everybody = address_of_v4(0xffffffff, 9);
    struct net_address unspecified = address_of_v4(0, 9);

    (void)state;
    open_world(&handler_echo, 10, 31);
    self = fixture.address;
    sim_inject(fixture.simulation, &self, &fixture.address, "loop", 4);
    sim_inject(fixture.simulation, &port_zero, &fixture.address, "zero", 4);
    sim_inject(fixture.simulation, &group, &fixture.address, "group", 5);
    sim_inject(fixture.simulation, &everybody, &fixture.address, "all", 3);
    sim_inject(fixture.simulation, &unspecified, &fixture.address, "none", 4);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_stats().datagrams_in < 5; i++)
        fixture_iterate(FIXTURE_MS);
    fixture_iterations(100);
    assert_int_equal(fixture_stats().datagrams_in, 5);
    assert_int_equal(fixture_stats().datagrams_out, 0);
    assert_int_equal(fixture_stats().dropped_own_source, 1);
    assert_int_equal(fixture_stats().dropped_bad_source, 4);
    fixture_close();
}

/* A handler that sends back only the datagrams that begin with a chosen character. */
static char liked[8];

static void choosy(struct weir_session *session, const struct weir_message *message)
{
    if (message->length > 0 && strchr(liked, message->bytes[0]))
        weir_session_send_back(session, message);
}

static const struct weir_handler handler_choosy = {
    .name = "choosy", .summary = "", .on_message = choosy};

/* Passes a batch of "a.", "b.", "c.", "d" to the socket and returns what came back, sorted by
 * arrival. */
static void batch_returns(const char *likes, const char *expected)
{
    struct net_address address = address_of_v4(0x7f000002, 0), from;
    char got[32] = "";
    uint8_t bytes[16];
    uint32_t length;

    open_world(&handler_choosy, 10, 37);
    strncpy(liked, likes, sizeof liked - 1);
    struct sim_datagrams *peer = sim_datagrams_open(fixture.simulation, &address);
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, 60000);
    memcpy(buffer->bytes, "a.b.c.d", 7);
    buffer->length = 7;
    struct net_event event = {
        .kind = NET_DATAGRAM,
        .handle = fixture.udp.endpoint.handle,
        .owner = &fixture.udp.endpoint.owner,
        .peer = sim_datagrams_address(peer),
        .local = fixture.address,
        .buffer = buffer,
        .segment_bytes = 2,
    };
    udp_socket_on_event(&fixture.udp, &event);
    for (int i = 0; i < 200; i++) {
        fixture_iterate(FIXTURE_MS);
        while (sim_datagrams_receive(peer, bytes, sizeof bytes, &length, &from)) {
            size_t used = strlen(got);
            snprintf(got + used, sizeof got - used, "%.*s|", (int)length, (char *)bytes);
        }
    }
    for (const char *at = expected; *at;
         at++) /* datagrams may overtake each other: every one must be there */
        if (at == expected || at[-1] == '|') {
            char one[8] = "";
            snprintf(one, sizeof one, "%.*s", (int)strcspn(at, "|") + 1, at);
            assert_non_null(strstr(got, one));
        }
    assert_int_equal(strlen(got), strlen(expected));
    assert_int_equal(fixture_stats().datagrams_in, 4);
    sim_datagrams_close(peer);
    fixture_close();
}

static void test_batches_are_echoed_whole_or_in_part(void **state)
{
    (void)state;
    batch_returns("abcd", "a.|b.|c.|d|");
    batch_returns("", "");
    batch_returns("ab", "a.|b.|");
    batch_returns("a", "a.|");
    batch_returns("cd", "c.|d|");
    batch_returns("acd", "a.|c.|d|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_is_whole_and_then_closed),
        cmocka_unit_test(test_a_peer_that_does_not_read_costs_its_mark),
        cmocka_unit_test(test_a_reset_closes_once),
        cmocka_unit_test(test_a_full_server_refuses_and_recovers),
        cmocka_unit_test(test_a_drain_ends_the_quiet_and_delivers_first),
        cmocka_unit_test(test_a_drain_ends_by_its_deadline),
        cmocka_unit_test(test_a_stop_ends_everything_at_once),
        cmocka_unit_test(test_a_later_drain_shortens_and_never_lengthens),
        cmocka_unit_test(test_a_drain_answers_what_had_come_before),
        cmocka_unit_test(test_a_worker_that_listens_nowhere_ends),
        cmocka_unit_test(test_a_listener_can_fail_while_it_closes),
        cmocka_unit_test(test_no_memory_for_a_session_is_counted_and_passes),
        cmocka_unit_test(test_the_high_mark_bounds_one_large_send),
        cmocka_unit_test(test_a_datagram_that_no_network_carries_is_refused),
        cmocka_unit_test(test_a_handler_may_send_more_than_it_got),
        cmocka_unit_test(test_a_flooding_handler_is_refused),
        cmocka_unit_test(test_datagrams_are_echoed_to_their_sender),
        cmocka_unit_test(test_harmful_sources_are_counted_not_answered),
        cmocka_unit_test(test_batches_are_echoed_whole_or_in_part),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
