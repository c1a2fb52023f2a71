/* SPDX-License-Identifier: MIT */
/* test_filters_corners.c - filters in rare moments: a slow reader, an empty pool without memory,
 * ends that meet paused input, and outbound connections whose filters open or do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "codec_dot.h"
#include "dial_target.h"
#include "filters.h"
#include "filters_in.h"
#include "fixture.h"
#include "memory_faults.h"
#include "test_filters.h"

#define KEY 0x5a

static struct {
    uint32_t opened, closed, messages, peer_done, failures, freed;
    enum weir_reason reason;
    struct weir_error error;
    bool pauses, finishes, ends_output;
} seen;

static void on_open(struct weir_session *session)
{
    (void)session;
    seen.opened++;
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    seen.messages++;
    weir_session_send_back(session, message);
    if (seen.pauses) weir_session_pause(session);
    if (seen.finishes && seen.messages == 2) weir_session_finish(session);
    if (seen.ends_output) weir_session_end_output(session);
}

static void on_peer_done(struct weir_session *session)
{
    (void)session;
    seen.peer_done++;
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    seen.closed++;
    seen.reason = reason;
}

static bool acknowledges; /* the world that is opened next releases sends late */

static const struct weir_handler handler = {
    .size = sizeof handler,
    .name = "test",
    .on_open = on_open,
    .on_message = on_message,
    .on_peer_done = on_peer_done,
    .on_close = on_close,
};

/* ---- worlds ---- */

/* The network does not cut what is sent at one time. */
static void open_world(struct filter *first, struct filter *second, uint32_t high_bytes)
{
    struct weir_config config = fixture_config();
    struct sim_options network;

    memset(&seen, 0, sizeof seen);
    test_filters_reset();
    test_chain_set(first, second, NULL);
    config.opening_timeout_ms = 1000;
    config.linger_timeout_ms = 500;
    if (high_bytes > 0) config.send_queue_high_bytes = high_bytes;
    sim_options_init(&network);
    network.exact_pieces = true;
    network.acknowledges = acknowledges;
    fixture_network = &network;
    fixture_open(&config, &codec_dot, &handler, 1);
    fixture_network = NULL;
}

static void settle(void)
{
    fixture_run_ms(1);
    fixture_run_ms(20);
}

static void close_world(struct sim_peer *peer)
{
    if (peer) filtered_close(peer);
    settle();
    fixture_close();
    assert_int_equal(test_filters.xor_states, 0);
    assert_int_equal(seen.opened, seen.closed);
    test_chain_set(NULL, NULL, NULL);
}

static struct sim_peer *connect_open(void)
{
    struct sim_peer *peer = fixture_connect();

    filtered_open(peer);
    settle();
    assert_int_equal(seen.opened, 1);
    return peer;
}

/* Bytes that are sent at one time. */
static struct {
    uint8_t bytes[2048];
    uint32_t length;
} batch;

static void add_record(char type, const char *text)
{
    size_t length = strlen(text);

    batch.bytes[batch.length++] = (uint8_t)type;
    batch.bytes[batch.length++] = (uint8_t)length;
    batch.bytes[batch.length++] = 0;
    for (size_t i = 0; i < length; i++) batch.bytes[batch.length++] = (uint8_t)text[i] ^ KEY;
}

static void add_text(const char *text)
{
    memcpy(batch.bytes + batch.length, text, strlen(text));
    batch.length += (uint32_t)strlen(text);
}

static void send_batch(struct sim_peer *peer)
{
    assert_int_equal(sim_peer_send(peer, batch.bytes, batch.length), batch.length);
    batch.length = 0;
}

static void expect_raw(struct sim_peer *peer, const char *text)
{
    char got[512];

    got[sim_peer_receive(peer, got, sizeof got - 1)] = '\0';
    assert_string_equal(got, text);
}

/* ---- opening ---- */

static void openings_wait_without_input(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL, 0);
    struct sim_peer *peer = fixture_connect();
    add_text("LATER\n");
    send_batch(peer);
    fixture_run_ms(3);
    add_text("AGAIN\n");
    send_batch(peer);
    settle();
    add_text("GO\n");
    send_batch(peer);
    settle();
    expect_raw(peer, "A\nOK\n");
    close_world(peer);
}

static void plain_bytes_wait_for_a_filter_above(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up, 0);
    struct sim_peer *peer = fixture_connect();
    add_record('h', "");
    add_record('d', "LATER\nAGAIN\n");
    send_batch(peer);
    settle();
    add_record('d', "GO\none.");
    send_batch(peer);
    settle();
    assert_int_equal(seen.messages, 1);
    close_world(peer);
    open_world(&test_filter_xor, &test_filter_up, 0); /* the stream ends before it is open */
    peer = fixture_connect();
    add_record('h', "");
    add_record('d', "LATER\nG");
    add_record('e', "");
    send_batch(peer);
    settle();
    assert_int_equal(fixture_stats().opening_failed_websocket, 0);
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_stats().opening_failed_websocket, 1);
    close_world(peer);
}

static void a_record_waits_without_input(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    struct sim_peer *peer = connect_open();
    add_record('l', "");
    send_batch(peer);
    settle();
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.");
    close_world(peer);
}

static void a_filter_serves_the_client_itself(void **state)
{
    (void)state;
    open_world(&test_filter_up, NULL, 0);
    struct sim_peer *peer = fixture_connect();
    add_text("PAGE\n");
    send_batch(peer);
    settle();
    expect_raw(peer, "page");
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_closed(WEIR_REASON_UPGRADE), 1);
    close_world(peer);
}

static void an_end_within_a_second_filter_is_no_check(void **state)
{
    (void)state;
    open_world(&test_filter_line, &test_filter_xor, 0);
    struct sim_peer *peer = fixture_connect();
    add_text("GO\n");
    send_batch(peer);
    settle();
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_stats().opening_failed_tls, 1);
    close_world(peer);
    open_world(&test_filter_xor, NULL, 0); /* a kind without is_idle */
    peer = fixture_connect();
    add_text("h");
    send_batch(peer);
    settle();
    sim_peer_finish(peer);
    settle();
    assert_int_equal(fixture_stats().opening_failed_tls, 1);
    close_world(peer);
}

static void a_unix_socket_has_no_address(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL, 0);
    fixture.tcp_service.is_unix = true;
    test_filters.expects_no_peer = true;
    struct sim_peer *peer = fixture_connect();
    add_text("FROM 5\n");
    send_batch(peer);
    settle();
    assert_int_equal(seen.opened, 1); /* without a limit for each address */
    close_world(peer);
}

/* ---- a peer that does not read ---- */

/* Fills the window of a peer that does not read, so that what follows stays in the queue. */
static void fill_window(struct weir_session *session)
{
    static char large[50000];

    memset(large, 'x', sizeof large);
    for (int i = 0; i < 100 && session->queue.pinned_bytes < 200000; i++) {
        assert_int_equal(weir_session_send(session, large, sizeof large), WEIR_OK);
        settle();
    }
    assert_true(session->send_out);
}

/* Reads everything, and checks that no byte was lost or sealed twice: records follow each other. */
static void read_all(struct sim_peer *peer)
{
    static char got[100000];
    uint32_t idle = 0;

    while (idle < 10) {
        uint32_t count = filtered_receive(peer, got, sizeof got);
        for (uint32_t i = 0; i < count; i++) assert_true(got[i] == 'x' || got[i] == '.');
        idle = count > 0 ? 0 : idle + 1;
        fixture_run_ms(5);
    }
}

static void wire_bytes_overtake_plain_ones(void **state)
{
    (void)state;
    for (uint32_t answers = 15; answers < 19; answers++) {
        open_world(&test_filter_xor, NULL, 2 * 1024 * 1024);
        struct sim_peer *peer = connect_open();
        struct weir_session *session = fixture_only_session();
        fill_window(session);
        for (uint32_t i = 0; i < answers; i++) {
            filtered_record(peer, 'k', NULL, 0);
            settle();
        }
        assert_non_null(session->filters->wire_last);
        read_all(peer);
        assert_int_equal(session->queue.pinned_bytes, 0);
        assert_int_equal(filtered_count(peer, 'k'), answers);
        close_world(peer);
    }
}

static void a_batch_is_bounded(void **state)
{
    static char large[300000];

    (void)state;
    memset(large, 'x', sizeof large);
    open_world(&test_filter_xor, NULL, 2 * 1024 * 1024);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_send(session, large, sizeof large), WEIR_OK);
    fixture_run_ms(1);
    fixture_run_ms(1);
    assert_true(session->queue.flight_bytes <= 64 * 1024 + 300);
    read_all(peer);
    close_world(peer);
}

static void small_messages_share_a_record(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    enum weir_code code;
    struct payload *payload = payload_open(NULL, "xx.", 3, &code);
    for (int i = 0; i < 100; i++) assert_int_equal(session_share(session, payload), WEIR_OK);
    payload_unref(payload);
    settle();
    read_all(peer);
    assert_int_equal(filtered_count(peer, 'd'), 1);
    close_world(peer);
}

static void plain_bytes_wait_for_a_filter_that_opens_later(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    session->filters->at = 0; /* as if it began to open now */
    assert_int_equal(weir_session_send(session, "x", 1), WEIR_OK);
    list_remove(&session->in_pending_flush);
    session_flush(session);
    assert_false(session->send_out);
    session->filters->at = 1;
    session_flush(session);
    settle();
    fixture_expect(peer, "x.");
    close_world(peer);
}

/* ---- no buffer, and no memory ---- */

static struct net_buffer *taken[2048];
static uint32_t taken_count;

/* Takes all buffers but this many; the one for what filters originate is there. */
static void leave_buffers(uint32_t count)
{
    struct worker *worker = &fixture.loop.worker;

    assert_true(filters_reserve(worker));
    while ((taken[taken_count] = net_take(worker->net, 1)) != NULL) taken_count++;
    while (count-- > 0) net_give_back(worker->net, taken[--taken_count]);
}

static void give_back_buffers(void)
{
    memory_fail_nth(0, 0);
    while (taken_count > 0) net_give_back(fixture.loop.worker.net, taken[--taken_count]);
}

static void answers_of_filters_find_no_memory(void **state)
{
    (void)state;
    for (int moment = 0; moment < 4; moment++) {
        open_world(&test_filter_xor, &test_filter_up, 0);
        struct sim_peer *peer = fixture_connect();
        add_record('h', "");
        add_record('l', ""); /* the rest waits for the next iteration */
        add_record('d', "GO\n");
        add_record('l', "");
        add_record('d', ""); /* the buffer of the record is not free */
        if (moment == 0) {
            for (int i = 0; i < 100 && fixture_stats().bytes_in == 0; i++) {
                if (batch.length > 0) send_batch(peer);
                fixture_iterate(FIXTURE_MS);
            }
            leave_buffers(1);
            memory_fail_nth(2, 1); /* after the state of `up` */
            filters_in_continue(fixture_only_session());
            filters_in_continue(fixture_only_session()); /* the answer of `up` */
        } else {
            send_batch(peer);
            settle();
        }
        struct weir_session *session = fixture_only_session();
        if (moment == 1) {
            test_filters.response_text = "ping";
            leave_buffers(0);
            memory_fail_nth(1, 1);
            filters_in_wake(session);
        }
        if (moment == 2) {
            weir_session_finish(session);
            leave_buffers(0);
            memory_fail_nth(1, 1);
            list_remove(&session->in_pending_flush);
            session_flush(session); /* the goodbye of `up` */
        }
        if (moment == 3) { /* both directions wait for a buffer */
            assert_int_equal(weir_session_send(session, "x", 1), WEIR_OK);
            leave_buffers(0);
            session->filters->needs_buffer = true;
            list_remove(&session->in_pending_flush);
            session_flush(session);
            assert_true(list_has(&session->in_pending_flush));
        }
        if (moment < 3)
            assert_int_equal(session->reason,
                             moment == 2 ? WEIR_REASON_APPLICATION : WEIR_REASON_EXHAUSTED);
        if (moment < 3) assert_int_equal(session->state, SESSION_CLOSING);
        give_back_buffers();
        close_world(peer);
    }
}

static void an_end_of_output_finds_no_memory(void **state)
{
    (void)state;
    open_world(&test_filter_xor, &test_filter_up, 0);
    struct sim_peer *peer = fixture_connect();
    add_record('h', "");
    add_record('d', "GO\n");
    send_batch(peer);
    settle();
    struct weir_session *session = fixture_only_session();
    weir_session_end_output(session);
    leave_buffers(0);
    memory_fail_nth(1, 1);
    list_remove(&session->in_pending_flush);
    session_flush(session); /* the goodbye of `up` */
    assert_int_equal(session->state, SESSION_CLOSING);
    assert_int_equal(session->reason, WEIR_REASON_EXHAUSTED);
    give_back_buffers();
    close_world(peer);
}

/* The last bytes of a filter that fails leave, although it cannot seal what is queued. */
static void a_failure_with_queued_output_says_why(void **state)
{
    (void)state;
    for (int above = 0; above < 2; above++) {
        open_world(&test_filter_xor, above ? &test_filter_up : NULL, 0);
        struct sim_peer *peer = connect_open();
        test_filters.refuses_seal = true;
        add_record('d', "one.");
        add_record('b', "");
        send_batch(peer);
        settle();
        assert_int_equal(seen.messages, 1);
        assert_false(filtered_saw_goodbye(peer)); /* reads everything */
        assert_true(sim_peer_saw_end(peer));
        assert_false(sim_peer_saw_reset(peer));
        assert_int_equal(filtered_count(peer, 'a'), 1);
        assert_int_equal(filtered_count(peer, 'd'), above); /* the answer to the opening */
        filtered_close(peer);
        settle();
        assert_int_equal(seen.reason, WEIR_REASON_TLS);
        close_world(NULL);
    }
}

/* The first failure counts. */
static void sealing_fails_after_the_codec(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_send(session, "x", 1), WEIR_OK);
    test_filters.refuses_seal = true;
    weir_session_fail(session, "the first failure");
    settle();
    assert_true(sim_peer_saw_reset(peer));
    assert_int_equal(seen.reason, WEIR_REASON_PROTOCOL);
    close_world(peer);
}

static void a_codec_can_be_set_over_a_filter(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    struct sim_peer *peer = connect_open();
    assert_int_equal(weir_session_set_codec(fixture_only_session(), &codec_dot), WEIR_OK);
    fixture_say(peer, "one.");
    settle();
    fixture_expect(peer, "one.");
    close_world(peer);
}

/* ---- ends and paused input ---- */

static void ends_wait_behind_paused_input(void **state)
{
    (void)state;
    for (int how = 0; how < 6; how++) {
        open_world(&test_filter_xor, NULL, 0);
        seen.pauses = true;
        struct sim_peer *peer = connect_open();
        struct weir_session *session = fixture_only_session();
        add_record('d', "one.two.");
        if (how == 2) add_record('l', ""); /* the end waits before the filter */
        if (how < 3) add_record('e', "");
        send_batch(peer);
        settle();
        assert_int_equal(seen.messages, 1);
        assert_int_equal(session->peer_ended, how < 2);
        if (how != 1) filters_in_on_peer_done(session); /* in the same batch of events */
        if (how == 3) weir_session_finish(session);
        if (how == 4) weir_session_abort(session);
        seen.pauses = false;
        weir_session_resume(session);
        settle();
        if (how != 3 && how != 4) {
            assert_int_equal(seen.messages, 2);
            assert_int_equal(seen.peer_done, 1);
            fixture_expect(peer, "one.two.");
            assert_true(filtered_saw_goodbye(peer));
        }
        if (how == 1) sim_peer_finish(peer);
        settle();
        assert_int_equal(seen.closed, 1);
        close_world(peer);
    }
}

static void unread_input_ends_with_its_session(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    seen.pauses = seen.finishes = true;
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    add_record('d', "one.two.three.");
    send_batch(peer);
    settle();
    weir_session_resume(session);
    settle();
    assert_int_equal(seen.messages, 2);
    fixture_expect(peer, "one.two.");
    assert_true(filtered_saw_goodbye(peer));
    close_world(peer);
}

/* A chain that passes opens late, and the session has used its share when FIN is found. */
static void fin_waits_behind_the_share_of_work(void **state)
{
    (void)state;
    open_world(&test_filter_line, NULL, 0);
    struct sim_peer *peer = fixture_connect();
    add_text("LATER\nGO\n");
    for (uint32_t i = 0; i < WORK_SESSION_MAX; i++) add_text("i.");
    send_batch(peer);
    for (int i = 0; i < 100 && fixture_stats().bytes_in == 0; i++) fixture_iterate(FIXTURE_MS);
    assert_int_equal(seen.opened, 0);
    filters_in_on_peer_done(fixture_only_session()); /* in the same batch of events */
    settle();
    assert_int_equal(seen.messages, WORK_SESSION_MAX);
    assert_int_equal(seen.peer_done, 1);
    close_world(peer);
}

/* A timeout finishes a session with filters, and waits for the peer's FIN. */
static void a_timeout_ends_with_a_goodbye(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        bool is_idle = how < 2;
        acknowledges = how % 2 == 1;
        open_world(&test_filter_xor, NULL, 0);
        acknowledges = false;
        fixture.tcp_service.config.idle_timeout_ms = is_idle ? 100 : 0;
        fixture.tcp_service.config.lifetime_ms = is_idle ? 0 : 100;
        struct sim_peer *peer = connect_open();
        for (int i = 0; i < 1000 && !filtered_saw_goodbye(peer); i++) fixture_run_ms(1);
        assert_true(filtered_saw_goodbye(peer));
        fixture_run_ms(300); /* the linger timeout is 500 ms */
        assert_int_equal(seen.closed, 0);
        sim_peer_finish(peer);
        settle();
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.reason, is_idle ? WEIR_REASON_IDLE : WEIR_REASON_LIFETIME);
        close_world(peer);
    }
}

/* Gives the session bytes as the net does. */
static void receive(struct weir_session *session, char type)
{
    struct net_buffer *buffer = net_take(session->worker->net, 1);

    memcpy(buffer->bytes, (const uint8_t[]){(uint8_t)type, 0, 0}, 3);
    buffer->length = 3;
    filters_in_on_received(session, buffer);
}

static void events_of_one_batch_come_late(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    seen.pauses = true;
    struct sim_peer *peer = connect_open();
    struct weir_session *session = fixture_only_session();
    add_record('d', "one.two.");
    send_batch(peer);
    settle();
    for (int i = 0; i < 3; i++) receive(session, 'k'); /* while it is paused */
    assert_int_equal(session->unread_bytes, 4 * session->worker->buffer_bytes);
    seen.pauses = false;
    weir_session_resume(session);
    settle();
    fixture_expect(peer, "one.two.");
    assert_int_equal(filtered_count(peer, 'k'), 3);
    weir_session_abort(session);
    receive(session, 'k'); /* after the end */
    filters_in_on_peer_done(session);
    close_world(peer);
}

static void a_filter_fails_after_its_goodbye(void **state)
{
    (void)state;
    open_world(&test_filter_xor, NULL, 0);
    seen.ends_output = true;
    struct sim_peer *peer = connect_open();
    fixture_say(peer, "one.");
    settle();
    assert_true(filtered_saw_goodbye(peer));
    filtered_record(peer, 'b', NULL, 0);
    settle();
    sim_peer_finish(peer);
    settle();
    assert_int_equal(seen.reason, WEIR_REASON_TLS);
    close_world(peer);
}

/* ---- outbound connections ---- */

static struct out {
    struct connector connector;
    uint64_t id;
} out;

static void on_failed(struct weir_server *server, uint64_t connector,
                      const struct weir_error *error, void *user)
{
    (void)server;
    (void)connector;
    (void)user;
    seen.failures++;
    seen.error = *error;
}

static void out_freed(struct connector *connector)
{
    (void)connector;
    seen.freed++;
}

static struct sim_listener *listener;

/* Opens a world in which a connector with these filters has connected. Returns the other side. */
static struct sim_peer *connect_out(struct filter *first, struct filter *second, bool reconnects)
{
    struct net_address address = address_of_v4(0x0a000001, 80);
    struct sim_peer *peer = NULL;

    open_world(NULL, NULL, 0);
    listener = sim_listen(fixture.simulation, &address, 8);
    memset(&out, 0, sizeof out);
    service_init(&out.connector.service, WEIR_TCP, &codec_dot, &handler, &fixture.common.config);
    out.connector.service.filters[0] = first;
    out.connector.service.filters[1] = second;
    out.connector.service.filters_count = second ? 2 : 1;
    test_chain_set(first, second, NULL);
    assert_int_equal(dial_target_read("10.0.0.1:80", &out.connector.options.target, NULL), WEIR_OK);
    out.connector.options.text = "10.0.0.1:80";
    out.connector.options.timeout_ms = 10000;
    out.connector.options.reconnects = reconnects;
    out.connector.options.reconnect_min_ms = out.connector.options.reconnect_max_ms = 50;
    out.connector.options.on_failed = on_failed;
    out.connector.free = out_freed;
    out.id = connector_add(&out.connector, &fixture.connectors, 0);
    assert_true(connector_begin(&out.connector, &fixture.loop.worker));
    for (int i = 0; i < 1000 && !peer; i++) {
        fixture_iterate(FIXTURE_MS);
        peer = sim_accept(listener);
    }
    assert_non_null(peer);
    settle();
    return peer;
}

static void close_out(struct sim_peer *peer)
{
    if (peer) sim_peer_close(peer);
    settle();
    connector_disconnect(&fixture.loop.worker, out.id);
    settle();
    sim_listener_close(listener);
    close_world(NULL);
    assert_int_equal(seen.freed, 1);
}

static void an_outbound_session_opens_its_filters(void **state)
{
    uint8_t got[64];

    (void)state;
    struct sim_peer *peer = connect_out(&test_filter_xor, &test_filter_up, false);
    assert_int_equal(sim_peer_receive(peer, got, sizeof got), 3);
    assert_int_equal(got[0], 'h'); /* it speaks first */
    assert_int_equal(seen.opened, 0);
    add_record('H', "");
    add_record('d', "GO\none.");
    send_batch(peer);
    settle();
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.failures, 0);
    close_out(peer);
    assert_int_equal(seen.failures, 0);
}

static void an_outbound_opening_fails(void **state)
{
    static const struct {
        enum weir_code code;
        const char *reason;
    } expected[] = {
        {WEIR_HANDSHAKE, "the first record is not h"},
        {WEIR_TIMED_OUT, ""},
        {WEIR_RESET, ""},
        {WEIR_HANDSHAKE, "the peer closed the connection before it was open"},
        {WEIR_CANCELLED, ""},
        {WEIR_CANCELLED, ""},
    };

    (void)state;
    for (int how = 0; how < 6; how++) {
        struct sim_peer *peer = connect_out(&test_filter_xor, NULL, false);
        if (how == 0) add_text("garbage");
        if (how == 0) send_batch(peer);
        if (how == 1) fixture_run_ms(1500);
        if (how == 2) sim_peer_reset(peer);
        if (how == 3) sim_peer_finish(peer);
        if (how == 4) remote_drain(&fixture.loop.worker, 5000);
        if (how == 5) remote_stop(&fixture.loop.worker);
        settle();
        fixture_run_ms(how == 4 ? 2500 : 600);
        sim_peer_close(peer);
        fixture_run_ms(600);
        assert_int_equal(seen.failures, 1);
        assert_int_equal(seen.error.code, expected[how].code);
        assert_string_equal(seen.error.reason, expected[how].reason);
        close_out(NULL);
    }
}

static void an_outbound_connection_tries_again(void **state)
{
    struct sim_peer *second = NULL;

    (void)state;
    struct sim_peer *peer = connect_out(&test_filter_xor, NULL, true);
    add_text("garbage");
    send_batch(peer);
    settle();
    sim_peer_close(peer);
    for (int i = 0; i < 1000 && !second; i++) {
        fixture_iterate(FIXTURE_MS);
        second = sim_accept(listener);
    }
    assert_non_null(second);
    assert_int_equal(seen.failures, 1);
    settle();
    add_record('H', "");
    send_batch(second);
    settle();
    assert_int_equal(seen.opened, 1);
    close_out(second);
}

static void an_outbound_connection_finds_no_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 8; n++) {
        struct net_address address = address_of_v4(0x0a000001, 80);
        open_world(NULL, NULL, 0);
        listener = sim_listen(fixture.simulation, &address, 8);
        memset(&out, 0, sizeof out);
        service_init(&out.connector.service, WEIR_TCP, &codec_dot, &handler,
                     &fixture.common.config);
        out.connector.service.filters[0] = &test_filter_xor;
        out.connector.service.filters_count = 1;
        assert_int_equal(dial_target_read("10.0.0.1:80", &out.connector.options.target, NULL),
                         WEIR_OK);
        out.connector.options.text = "10.0.0.1:80";
        out.connector.options.on_failed = on_failed;
        out.connector.free = out_freed;
        out.id = connector_add(&out.connector, &fixture.connectors, 0);
        assert_true(connector_begin(&out.connector, &fixture.loop.worker));
        memory_fail_nth(n, 0);
        settle();
        memory_fail_nth(0, 0);
        settle();
        assert_true(seen.failures + fixture_stats().open >= 1);
        close_out(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openings_wait_without_input),
        cmocka_unit_test(plain_bytes_wait_for_a_filter_above),
        cmocka_unit_test(a_record_waits_without_input),
        cmocka_unit_test(a_filter_serves_the_client_itself),
        cmocka_unit_test(an_end_within_a_second_filter_is_no_check),
        cmocka_unit_test(a_unix_socket_has_no_address),
        cmocka_unit_test(wire_bytes_overtake_plain_ones),
        cmocka_unit_test(a_batch_is_bounded),
        cmocka_unit_test(small_messages_share_a_record),
        cmocka_unit_test(plain_bytes_wait_for_a_filter_that_opens_later),
        cmocka_unit_test(answers_of_filters_find_no_memory),
        cmocka_unit_test(a_failure_with_queued_output_says_why),
        cmocka_unit_test(an_end_of_output_finds_no_memory),
        cmocka_unit_test(sealing_fails_after_the_codec),
        cmocka_unit_test(a_codec_can_be_set_over_a_filter),
        cmocka_unit_test(ends_wait_behind_paused_input),
        cmocka_unit_test(unread_input_ends_with_its_session),
        cmocka_unit_test(fin_waits_behind_the_share_of_work),
        cmocka_unit_test(a_timeout_ends_with_a_goodbye),
        cmocka_unit_test(events_of_one_batch_come_late),
        cmocka_unit_test(a_filter_fails_after_its_goodbye),
        cmocka_unit_test(an_outbound_session_opens_its_filters),
        cmocka_unit_test(an_outbound_opening_fails),
        cmocka_unit_test(an_outbound_connection_tries_again),
        cmocka_unit_test(an_outbound_connection_finds_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
