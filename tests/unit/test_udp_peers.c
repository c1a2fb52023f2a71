/* SPDX-License-Identifier: MIT */
/* test_udp_peers.c - UDP peers and the sockets that they write to: batches that end inside,
 * rates, bounds, scarcity. */
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
#include "remote.h"
#include "udp_peers.h"

#define S 1000u /* in milliseconds */

/* ---- a handler that does what the characters of a datagram say ---- */

static enum weir_code last_code;
static uint32_t opened_count, closed_count;
static char on_open_choice;

static void act(struct weir_session *session, const struct weir_message *message, char choice)
{
    switch (choice) {
    case 'b': last_code = weir_session_send_back(session, message); break;
    case 's': last_code = weir_session_send(session, "sent", 4); break;
    case 'w': weir_session_finish(session); break;
    case 'x': weir_session_abort(session); break;
    case 'f': weir_session_fail(session, "so it says"); break;
    case 't': weir_session_start_timer(session, 100); break;
    case 'u': weir_session_stop_timer(session); break;
    case 'l': weir_session_leave(session, "a"); break;
    case 'j': last_code = weir_session_join(session, "a"); break;
    case 'T': fixture_take_buffers(); break;
    default: break;
    }
}

static void act_all(struct weir_session *session, const struct weir_message *message)
{
    char commands[16] = "";

    memcpy(commands, message->bytes, message->length < 15 ? message->length : 15);
    for (const char *at = commands; *at; at++) act(session, message, *at);
}

static void note_open(struct weir_session *session)
{
    opened_count++;
    act(session, NULL, on_open_choice);
}

static void note_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    closed_count++;
}

static const struct weir_handler handler_act = {.size = sizeof(struct weir_handler),
                                                .name = "act",
                                                .summary = "",
                                                .on_open = note_open,
                                                .on_message = act_all,
                                                .on_close = note_close};
/* The same without any state about peers. */
static const struct weir_handler handler_visited = {
    .size = sizeof(struct weir_handler), .name = "visited", .summary = "", .on_message = act_all};
/* And with only on_open, or only a timer. */
static const struct weir_handler handler_doorman = {
    .size = sizeof(struct weir_handler), .name = "doorman", .summary = "", .on_open = note_open};
static const struct weir_handler handler_mourner = {
    .size = sizeof(struct weir_handler), .name = "mourner", .summary = "", .on_close = note_close};

static void ignore(struct weir_session *session)
{
    (void)session;
}

static const struct weir_handler handler_clock = {
    .size = sizeof(struct weir_handler), .name = "clock", .summary = "", .on_timer = ignore};

static void open_fixture(const struct weir_config *config, const struct weir_handler *handler)
{
    opened_count = closed_count = 0;
    on_open_choice = '\0';
    last_code = WEIR_OK;
    fixture_open(config, NULL, handler, 1);
}

/* Passes a datagram, or a GRO batch, to the socket. */
static void deliver(const struct net_address *from, const char *batch, uint32_t segment_bytes)
{
    struct net_buffer *buffer = net_take(fixture.loop.worker.net, NET_DATAGRAM_BYTES_MAX);

    assert_non_null(buffer);
    buffer->length = (uint32_t)strlen(batch);
    memcpy(buffer->bytes, batch, buffer->length);
    const struct net_event event = {
        .kind = NET_DATAGRAM,
        .handle = fixture.udp.endpoint.handle,
        .owner = &fixture.udp.endpoint.owner,
        .peer = *from,
        .local = fixture.address,
        .buffer = buffer,
        .segment_bytes = segment_bytes,
    };
    udp_socket_on_event(&fixture.udp, &event);
}

static void deliver_batch(struct sim_datagrams *from, const char *batch)
{
    const struct net_address address = sim_datagrams_address(from);

    deliver(&address, batch, 2);
}

/* How many datagrams came back, whatever they say. */
static uint32_t count_answers(struct sim_datagrams *socket)
{
    struct net_address from;
    uint32_t length, count = 0;
    uint8_t bytes[64];

    fixture_iterations(100);
    while (sim_datagrams_receive(socket, bytes, sizeof bytes, &length, &from)) count++;
    return count;
}

/* ---- GRO/GSO batches ---- */

static void expect_of_batch(const char *batch, uint32_t answers, uint32_t closed)
{
    struct weir_config config = fixture_config();

    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    deliver_batch(peer, batch);
    assert_int_equal(count_answers(peer), answers);
    assert_int_equal(opened_count, 1);
    assert_int_equal(closed_count, closed);
    sim_datagrams_close(peer);
    fixture_close();
}

/* What was sent back in the same breath used to be lost. */
static void an_answer_goes_before_the_peer_is_finished(void **state)
{
    (void)state;
    expect_of_batch("bw", 1, 1);
    expect_of_batch("b.bwb.b.", 2, 1);
    expect_of_batch("b.b.b.w", 3, 1);
    expect_of_batch("b.bf", 2, 1);
    expect_of_batch("sw", 1, 1);
}

static void a_peer_that_is_closed_gets_nothing_more(void **state)
{
    (void)state;
    expect_of_batch("b.x.b.", 0, 1);
    expect_of_batch("xb", 0, 1);
    expect_of_batch("ws", 0, 1);
    expect_of_batch("..w.", 0, 1);
    expect_of_batch("b.", 1, 0);
}

/* Passes a batch of datagrams of two bytes, and compares what comes back, in order. */
static void expect_in_order(const struct weir_handler *handler, const char *batch,
                            const char *answers)
{
    struct weir_config config = fixture_config();
    char heard[64] = "";
    uint32_t length, used = 0;
    struct net_address from;

    open_fixture(&config, handler);
    struct sim_datagrams *peer = fixture_datagrams(2);
    deliver_batch(peer, batch);
    fixture_iterations(100);
    while (sim_datagrams_receive(peer, heard + used, 16, &length, &from)) {
        used += length;
        heard[used++] = ' ';
    }
    heard[used] = '\0';
    assert_string_equal(heard, answers);
    assert_int_equal(fixture_stats().dropped_unsent, 0);
    sim_datagrams_close(peer);
    fixture_close();
}

/* A message of weir_session_send() used to overtake those that were sent back before it. */
static void datagrams_leave_in_the_order_of_the_calls(void **state)
{
    const struct weir_handler *const handlers[] = {&handler_act, &handler_visited};

    (void)state;
    for (int i = 0; i < 2; i++) {
        expect_in_order(handlers[i], "bs", "bs sent ");
        expect_in_order(handlers[i], "sb", "sent sb ");
        expect_in_order(handlers[i], "b1s2b3", "b1 sent b3 ");
        expect_in_order(handlers[i], "b1b2b3s4b5b6b", "b1 b2 b3 sent b5 b6 b ");
        expect_in_order(handlers[i], "b1bsb3", "b1 bs sent b3 ");
        expect_in_order(handlers[i], "b1.2b3", "b1 b3 ");
        expect_in_order(handlers[i], "b1b2.3b4b5.6b7", "b1 b2 b4 b5 b7 ");
    }
}

/* A refused message lets those that were sent back stay together. */
static void a_refused_message_does_not_divide_a_batch(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_reply_percent_max = 100;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    deliver_batch(peer, "b.bsb.");
    assert_int_equal(fixture.udp.out_count, 1);
    assert_int_equal(fixture_stats().dropped_reply, 1);
    assert_int_equal(count_answers(peer), 3);
    sim_datagrams_close(peer);
    fixture_close();
}

static void an_answer_that_finds_no_buffer_is_counted(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_stream_buffers_max = 64;
    fixture_datagram_buffers_max = 4;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2), *other = fixture_datagrams(3);
    struct net_buffer *taken[8];
    uint32_t count = 0;
    fixture_take_buffers();
    while ((taken[count] = net_take(fixture.loop.worker.net, 30000)) != NULL) count++;
    net_give_back(fixture.loop.worker.net, taken[--count]);
    deliver_batch(peer, "bwb.");
    assert_int_equal(fixture_stats().dropped_unsent, 1);
    deliver_batch(other, "s.");
    assert_int_equal(last_code, WEIR_NO_BUFFERS);
    assert_int_equal(fixture_stats().dropped_unsent, 2);
    while (count > 0) net_give_back(fixture.loop.worker.net, taken[--count]);
    fixture_give_back_buffers();
    assert_int_equal(count_answers(peer), 0);
    sim_datagrams_close(peer);
    sim_datagrams_close(other);
    fixture_close();
    fixture_stream_buffers_max = 1024;
    fixture_datagram_buffers_max = 0;
}

/* ---- which senders are peers ---- */

static void on_open_may_reject_the_peer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_act);
    on_open_choice = 'x';
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "b");
    assert_int_equal(count_answers(peer), 0);
    assert_int_equal(opened_count, 1);
    assert_int_equal(closed_count, 1);
    sim_datagrams_close(peer);
    fixture_close();
}

static void a_handler_may_want_the_ends_or_the_time_alone(void **state)
{
    const struct weir_handler *const handlers[] = {&handler_doorman, &handler_mourner,
                                                   &handler_clock};

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct weir_config config = fixture_config();
        open_fixture(&config, handlers[i]);
        struct sim_datagrams *peer = fixture_datagrams(2);
        fixture_send_to(peer, "b");
        assert_int_equal(count_answers(peer), 0);
        assert_int_equal(fixture_stats().peers_opened, 1);
        sim_datagrams_close(peer);
        fixture_close();
    }
}

static void a_transient_session_cannot_be_ended(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_visited);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "wxfulb");
    fixture_hear(peer, "wxfulb");
    assert_int_equal(fixture_stats().peers_opened, 0);
    assert_null(weir_session_state(&fixture.udp.transient));
    sim_datagrams_close(peer);
    fixture_close();
}

static void peers_of_one_slot_and_of_two_sockets_are_distinct(void **state)
{
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060)};
    struct weir_config config = fixture_config();
    struct sim_datagrams *peers[90];
    struct service service;
    struct udp_socket other;

    (void)state;
    config.datagram_peers_max = 200; /* in 256 slots */
    open_fixture(&config, &handler_act);
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_act, &fixture.common.config);
    assert_int_equal(udp_socket_open(&other, &fixture.loop.worker, &service, &where, NULL),
                     WEIR_OK);
    for (int round = 0; round < 2; round++)
        for (uint8_t i = 0; i < 90; i++) {
            if (round == 0) peers[i] = fixture_datagrams((uint8_t)(i + 2));
            fixture_send_to(peers[i], "b");
            fixture_hear(peers[i], "b");
            sim_datagrams_send(peers[i], &where.address, "b", 1);
            fixture_hear(peers[i], "b");
        }
    assert_int_equal(fixture_stats().peers_opened, 180);
    for (int i = 0; i < 90; i++) sim_datagrams_close(peers[i]);
    fixture_close();
}

static void without_memory_there_is_no_peer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "b");
    memory_fail_nth(1, 0);
    fixture_run_ms(50);
    memory_fail_nth(0, 0);
    assert_int_equal(fixture_stats().dropped_peers, 1);
    assert_int_equal(fixture_stats().peers_opened, 0);
    fixture_send_to(peer, "b");
    fixture_hear(peer, "b");
    sim_datagrams_close(peer);
    fixture_close();
}

static void without_memory_a_udp_socket_with_peers_does_not_open(void **state)
{
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060)};
    struct weir_config config = fixture_config();
    struct weir_error error;
    struct service service;
    struct udp_socket socket;

    (void)state;
    open_fixture(&config, &handler_visited);
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_act, &fixture.common.config);
    for (uint32_t nth = 1; nth <= 2; nth++) { /* the socket's, the table's */
        memory_fail_nth(nth, 0);
        assert_int_equal(udp_socket_open(&socket, &fixture.loop.worker, &service, &where, &error),
                         WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
    }
    fixture_close();
}

/* ---- rates and limits ---- */

static void a_rate_of_bytes_drops_what_is_beyond(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.receive_rate_max_bytes = 10;
    config.message_rate_max = 100;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    for (int i = 0; i < 5; i++) fixture_send_to(peer, "b234");
    assert_int_equal(count_answers(peer), 2);
    assert_int_equal(fixture_stats().dropped_rate, 3);
    fixture_run_ms(2 * S);
    fixture_send_to(peer, "b234");
    fixture_hear(peer, "b234");
    sim_datagrams_close(peer);
    fixture_close();
}

static void a_rate_limit_alone_keeps_udp_peers(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct weir_config config = fixture_config();
        config.receive_rate_max_bytes = i == 0 ? 10 : 0;
        config.message_rate_max = i == 1 ? 10 : 0;
        open_fixture(&config, &handler_visited);
        struct sim_datagrams *peer = fixture_datagrams(2);
        fixture_send_to(peer, "b");
        fixture_hear(peer, "b");
        assert_int_equal(fixture_stats().peers_opened, 1);
        sim_datagrams_close(peer);
        fixture_close();
    }
}

static void answers_beyond_what_came_are_not_sent(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_reply_percent_max = 50;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "b");
    assert_int_equal(count_answers(peer), 0);
    assert_int_equal(last_code, WEIR_REPLY_LIMIT);
    assert_int_equal(fixture_stats().dropped_reply, 1);
    sim_datagrams_close(peer);
    fixture_close();
}

static void a_denied_address_is_not_answered(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.deny = "127.0.0.2";
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2), *other = fixture_datagrams(3);
    fixture_send_to(peer, "b");
    fixture_send_to(other, "b");
    fixture_hear(other, "b");
    assert_int_equal(count_answers(peer), 0);
    assert_int_equal(fixture_stats().refused_denied, 1);
    sim_datagrams_close(peer);
    sim_datagrams_close(other);
    fixture_close();
}

/* More answers in one iteration than the socket accepts: reading pauses for a while, and
 * only answers that the handler saw refused are lost. */
static void receiving_rests_while_answers_wait(void **state)
{
    struct weir_config config = fixture_config();
    uint32_t answers = 0;

    (void)state;
    fixture_datagram_sends_max = 4;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    for (int i = 0; i < 3; i++) deliver_batch(peer, "sss.");
    assert_true(fixture.udp.receive_paused);
    assert_int_equal(last_code, WEIR_QUEUE_FULL);
    answers = count_answers(peer);
    assert_false(fixture.udp.receive_paused);
    assert_int_equal(answers + fixture_stats().dropped_unsent, 9);
    for (int i = 0; i < 20; i++) fixture_send_to(peer, "b");
    assert_int_equal(count_answers(peer), 20);
    deliver_batch(peer, "ss");
    endpoint_close(&fixture.udp.endpoint); /* its answers are still counted */
    fixture_iterations(20);
    sim_datagrams_close(peer);
    fixture_close();
    fixture_datagram_sends_max = 0;
}

static void a_datagram_of_ipv6_may_be_longer(void **state)
{
    static const uint8_t large[65528];
    struct net_listen_options where = {.backlog = 1};
    struct weir_config config = fixture_config();
    struct service service;
    struct udp_socket socket;

    (void)state;
    open_fixture(&config, &handler_act);
    assert_true(net_address_parse("[::1]:6060", &where.address));
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_act, &fixture.common.config);
    assert_int_equal(udp_socket_open(&socket, &fixture.loop.worker, &service, &where, NULL),
                     WEIR_OK);
    struct weir_session *session = udp_socket_session(&socket, &where.address);
    session->local = where.address;
    assert_int_equal(session_send(session, large, 65528), WEIR_TOO_LARGE);
    assert_int_not_equal(session_send(session, large, 65527), WEIR_TOO_LARGE);
    fixture_iterations(20);
    fixture_close();
}

/* ---- several sockets ---- */

static void a_socket_that_closes_drops_what_still_comes(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_act);
    struct sim_datagrams *peer = fixture_datagrams(2);
    fixture_send_to(peer, "b");
    fixture_hear(peer, "b");
    struct weir_session *session =
        weir_container_of(fixture.loop.worker.udp_sessions.next, struct weir_session, in_sessions);
    endpoint_close(&fixture.udp.endpoint);
    endpoint_close(&fixture.udp.endpoint); /* harmless */
    deliver_batch(peer, "b.b.");
    assert_int_equal(weir_session_send(session, "x", 1), WEIR_CANCELLED);
    assert_int_equal(fixture_stats().dropped_unsent, 1);
    fixture_iterations(20);
    sim_datagrams_close(peer);
    fixture_close();
}

static void of_two_sockets_neither_answers_the_other(void **state)
{
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060)};
    struct weir_config config = fixture_config();
    struct service service;
    struct udp_socket other;

    (void)state;
    open_fixture(&config, &handler_act);
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_act, &fixture.common.config);
    assert_int_equal(udp_socket_open(&other, &fixture.loop.worker, &service, &where, NULL),
                     WEIR_OK);
    sim_inject(fixture.simulation, &where.address, &fixture.address, "b", 1);
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().dropped_own_source, 1);
    endpoint_close(&other.endpoint); /* it belongs to no socket: in this iteration, and later */
    for (int i = 0; i < 2; i++) {
        deliver(&where.address, "b", 0);
        assert_int_equal(fixture_stats().dropped_own_source, 1);
        assert_int_equal(fixture_stats().peers_opened, 1);
        fixture_run_ms(50);
    }
    fixture_close();
}

static void sessions_of_a_closed_socket_are_not_those_of_the_next(void **state)
{
    const struct net_listen_options where = {.address = address_of_v4(0x7f000001, 6060)};
    static struct udp_socket first, second;
    struct weir_config config = fixture_config();
    struct service service;

    (void)state;
    open_fixture(&config, &handler_act);
    service_init(&service, WEIR_UDP, &codec_datagram, &handler_act, &fixture.common.config);
    struct worker *worker = &fixture.loop.worker;
    assert_int_equal(udp_socket_open(&first, worker, &service, &where, NULL), WEIR_OK);
    struct sim_datagrams *peer = fixture_datagrams(2);
    sim_datagrams_send(peer, &where.address, "b", 1);
    fixture_hear(peer, "b");
    endpoint_close(&first.endpoint);
    fixture_run_ms(50);
    assert_int_equal(udp_socket_open(&second, worker, &service, &where, NULL), WEIR_OK);
    assert_int_equal(second.endpoint.handle.index, first.endpoint.handle.index);
    sim_datagrams_send(peer, &where.address, "b", 1);
    fixture_hear(peer, "b");
    assert_int_equal(fixture_stats().peers_opened, 2);
    sim_datagrams_close(peer);
    fixture_close();
}

static void a_socket_does_not_open_on_an_address_in_use(void **state)
{
    const struct net_listen_options where = {.address = address_of_v4(0x7f000001, 5050)};
    static struct udp_socket second;
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_act);
    assert_int_equal(
        udp_socket_open(&second, &fixture.loop.worker, &fixture.udp_service, &where, NULL),
        WEIR_ADDRESS_IN_USE);
    assert_false(list_has(&second.endpoint.in_endpoints));
    fixture_close();
}

static void what_is_too_large_is_counted(void **state)
{
    struct weir_config config = fixture_config();
    const struct net_event event = {.kind = NET_TOO_LARGE};

    (void)state;
    open_fixture(&config, &handler_act);
    udp_socket_on_event(&fixture.udp, &event);
    assert_int_equal(fixture_stats().dropped_too_large, 1);
    fixture_close();
}

static void a_connection_to_a_closing_listener_is_refused(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_fixture(&config, &handler_act);
    struct sim_peer *peer = sim_connect(fixture.simulation, &fixture.address, NULL);
    struct net_event event;
    uint32_t count = 0;
    for (int i = 0; i < 1000 && count == 0; i++)
        count = net_wait(fixture.loop.worker.net, net_now_ns(fixture.loop.worker.net) + FIXTURE_MS,
                         &event, 1);
    assert_int_equal(event.kind, NET_ACCEPTED);
    endpoint_close(&fixture.tcp.endpoint); /* earlier in the same batch */
    listener_on_event(&fixture.tcp, &event);
    fixture_iterations(20);
    assert_int_equal(fixture_stats().accepted, 0);
    assert_true(sim_peer_saw_end(peer) || sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_close();
}

/* ---- finding ---- */

/* Addresses of every kind: none is mistaken for another one. */
static void peers_differ_by_address_and_port(void **state)
{
    static const char *const texts[] = {"192.0.2.1:7",     "192.0.2.1:8",     "192.0.2.2:7",
                                        "[::1]:7",         "[::2]:7",         "[::c000:201]:7",
                                        "[2001:db8::1]:7", "[2001:db9::1]:7", "[fe80::1]:7"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    struct weir_config config = fixture_config();
    struct worker *worker = &fixture.loop.worker;
    struct net_address addresses[COUNT + 2];
    struct weir_session *sessions[COUNT + 2];

    (void)state;
    open_fixture(&config, &handler_visited);
    struct net_handle socket = fixture.udp.endpoint.handle;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(net_address_read(texts[i], &addresses[i], NULL), WEIR_OK);
    for (int i = 0; i < 2; i++) { /* the last one on two interfaces */
        addresses[COUNT + i] = addresses[COUNT - 1];
        addresses[COUNT + i].scope = (uint32_t)i + 1;
    }
    for (int i = 0; i < COUNT + 2; i++) {
        assert_null(udp_peers_find(worker, socket, &addresses[i]));
        sessions[i] = udp_peers_add(worker, socket, fixture.udp.transient.ops,
                                    fixture.udp.endpoint.service, &addresses[i]);
        assert_non_null(sessions[i]);
    }
    for (int i = 0; i < COUNT + 2; i++)
        assert_ptr_equal(udp_peers_find(worker, socket, &addresses[i]), sessions[i]);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_differ_by_address_and_port),
        cmocka_unit_test(an_answer_goes_before_the_peer_is_finished),
        cmocka_unit_test(a_peer_that_is_closed_gets_nothing_more),
        cmocka_unit_test(datagrams_leave_in_the_order_of_the_calls),
        cmocka_unit_test(a_refused_message_does_not_divide_a_batch),
        cmocka_unit_test(an_answer_that_finds_no_buffer_is_counted),
        cmocka_unit_test(on_open_may_reject_the_peer),
        cmocka_unit_test(a_handler_may_want_the_ends_or_the_time_alone),
        cmocka_unit_test(a_transient_session_cannot_be_ended),
        cmocka_unit_test(peers_of_one_slot_and_of_two_sockets_are_distinct),
        cmocka_unit_test(without_memory_there_is_no_peer),
        cmocka_unit_test(without_memory_a_udp_socket_with_peers_does_not_open),
        cmocka_unit_test(a_rate_of_bytes_drops_what_is_beyond),
        cmocka_unit_test(a_rate_limit_alone_keeps_udp_peers),
        cmocka_unit_test(answers_beyond_what_came_are_not_sent),
        cmocka_unit_test(a_denied_address_is_not_answered),
        cmocka_unit_test(receiving_rests_while_answers_wait),
        cmocka_unit_test(a_datagram_of_ipv6_may_be_longer),
        cmocka_unit_test(a_socket_that_closes_drops_what_still_comes),
        cmocka_unit_test(of_two_sockets_neither_answers_the_other),
        cmocka_unit_test(sessions_of_a_closed_socket_are_not_those_of_the_next),
        cmocka_unit_test(a_socket_does_not_open_on_an_address_in_use),
        cmocka_unit_test(what_is_too_large_is_counted),
        cmocka_unit_test(a_connection_to_a_closing_listener_is_refused),
    };

    return cmocka_run_group_tests_name("udp_peers", tests, NULL, NULL);
}
