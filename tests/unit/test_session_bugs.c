/* SPDX-License-Identifier: MIT */
/* test_session_bugs.c - what went wrong once in the session layer, a test for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "builtin.h"
#include "fixture.h"
#include "group.h"
#include "memory_faults.h"
#include "reassembly.h"
#include "remote.h"
#include "thread.h"

#define S 1000u /* in milliseconds */

/* ---- the fixture ---- */

static struct weir_session *seen;
static uint64_t seen_id;
static struct weir_frame *frame;

static void note_open(struct weir_session *session)
{
    seen = session;
    seen_id = weir_session_id(session);
    weir_session_join(session, "all");
}

static const struct weir_handler handler_quiet = {
    .size = sizeof(struct weir_handler), .name = "quiet", .on_open = note_open};

static void open_framed(const struct weir_config *config, const char *spec,
                        const struct weir_handler *handler, uint64_t seed)
{
    assert_int_equal(weir_frame_open(spec, &frame, NULL), WEIR_OK);
    fixture_open(config, weir_frame_codec(frame), handler, seed);
}

static void close_framed(void)
{
    fixture_close();
    weir_frame_free(frame);
}

static struct sim_datagrams *datagrams_of(uint32_t host)
{
    const struct net_address address = address_of_v4(0x7f000000u + host, 0);

    return sim_datagrams_open(fixture.simulation, &address);
}

/* ---- memory ---- */

static void a_split_message_is_not_kept_after_it_was_handled(void **state)
{
    static uint8_t bytes[60004] = {0, 0, 60000 >> 8, 60000 & 255};
    struct weir_config config = fixture_config();

    (void)state;
    open_framed(&config, "u32be,max=64k", &handler_quiet, 1);
    struct sim_peer *peer = fixture_connect();
    for (uint32_t at = 0; at < sizeof bytes; fixture_run_ms(50))
        at += sim_peer_send(peer, bytes + at, (uint32_t)sizeof bytes - at);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_stats().messages_in, 1);
    assert_null(((struct reassembly *)session_codec_state(seen))->heap);
    sim_peer_close(peer);
    close_framed();
}

static struct net_buffer *hoard;

static void take_all_memory(void)
{
    struct net_buffer *buffer;

    while ((buffer = net_take(fixture.loop.worker.net, 1)) != NULL) {
        buffer->next = hoard;
        hoard = buffer;
    }
    memory_fail_nth(1, 1);
}

static void give_back_memory(void)
{
    memory_fail_nth(0, 0);
    while (hoard) {
        struct net_buffer *buffer = hoard;
        hoard = buffer->next;
        net_give_back(fixture.loop.worker.net, buffer);
    }
}

static enum weir_code last_code;

static void starve_at_two(struct weir_session *session, const struct weir_message *message)
{
    if (message->bytes[0] == '2')
        take_all_memory();
    else
        last_code = weir_session_send_back(session, message);
}

static const struct weir_handler handler_starving = {
    .size = sizeof(struct weir_handler), .name = "starving", .on_message = starve_at_two};

static void a_send_back_that_finds_no_memory_for_what_came_before_ends_it(void **state)
{
    struct weir_config config = fixture_config();
    bool refused = false;

    (void)state;
    for (uint64_t seed = 1; seed <= 50 && !refused; seed++) { /* until all come in one piece */
        open_framed(&config, "line", &handler_starving, seed);
        struct sim_peer *peer = fixture_connect();
        assert_int_equal(sim_peer_send(peer, "1\n2\n3\n", 6), 6);
        for (int i = 0; i < 1000 && !hoard; i++) fixture_iterate(FIXTURE_MS);
        refused = last_code == WEIR_CANCELLED;
        give_back_memory();
        fixture_run_ms(100);
        if (refused) assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
        sim_peer_close(peer);
        close_framed();
    }
    assert_true(refused);
}

static void a_reject_message_without_memory_is_omitted(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.reject_message = "full\r\n";
    config.sessions_max = 1;
    fixture_open(&config, NULL, &handler_quiet, 1);
    struct sim_peer *first = fixture_connect();
    fixture_run_ms(10);
    struct sim_peer *second = sim_connect(fixture.simulation, &fixture.address, NULL);
    take_all_memory();
    fixture_iterations(20);
    assert_int_equal(fixture_stats().refused_full, 1);
    give_back_memory();
    sim_peer_close(first);
    sim_peer_close(second);
    fixture_close();
}

/* ---- ends ---- */

static void an_unfinished_frame_does_not_cut_a_finish_short(void **state)
{
    static uint8_t bytes[100000];
    struct weir_config config = fixture_config();
    uint64_t queued = 0, received = 0;

    (void)state;
    config.frame_timeout_ms = 5 * S;
    open_framed(&config, "line", &handler_quiet, 1);
    memset(bytes, 'a', sizeof bytes);
    struct sim_peer *peer = fixture_connect();
    assert_int_equal(sim_peer_send(peer, "begun", 5), 5);
    for (fixture_run_ms(100); !seen->send_out; fixture_run_ms(50)) {
        assert_int_equal(remote_send(&fixture.loop.worker, seen_id, bytes, 8000), WEIR_OK);
        queued += 8001;
    }
    assert_int_equal(remote_finish(&fixture.loop.worker, seen_id), WEIR_OK);
    fixture_run_ms(8 * S); /* the peer reads late */
    for (int i = 0; i < 100; i++) {
        received += sim_peer_receive(peer, bytes, sizeof bytes);
        fixture_run_ms(20);
    }
    assert_int_equal(received, queued);
    sim_peer_close(peer);
    close_framed();
}

static void sending_does_not_refresh_a_udp_peer(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.datagram_idle_timeout_ms = 20 * S;
    fixture_open(&config, NULL, &handler_quiet, 1);
    struct sim_datagrams *peer = datagrams_of(2);
    sim_datagrams_send(peer, &fixture.address, "x", 1);
    fixture_run_ms(100);
    sim_datagrams_close(peer); /* gone for good */
    for (int i = 0; i < 10; i++) {
        remote_send(&fixture.loop.worker, seen_id, "news", 4);
        fixture_run_ms(10 * S);
    }
    assert_int_equal(fixture_closed(WEIR_REASON_IDLE), 1);
    fixture_close();
}

static void a_drain_lets_no_new_datagram_peer_in_for_ever(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_datagrams *peers[100];
    uint32_t count = 0;

    (void)state;
    config.message_rate_max = 1000; /* so that peers are kept */
    config.datagram_peers_max = 1000;
    fixture_open(&config, NULL, &handler_echo, 1);
    remote_drain(&fixture.loop.worker, 60 * S);
    fixture_iterate(FIXTURE_MS);
    for (uint64_t next_ms = 0; fixture_iterate(FIXTURE_MS) && count < 100;) {
        if (fixture.loop.worker.now_ms < next_ms) continue;
        next_ms = fixture.loop.worker.now_ms + 50;
        peers[count] = datagrams_of(2 + count);
        sim_datagrams_send(peers[count++], &fixture.address, "x", 1);
    }
    assert_true(count < 100); /* it ended */
    assert_int_equal(fixture_closed(WEIR_REASON_SHUTDOWN), 0);
    while (count > 0) sim_datagrams_close(peers[--count]);
    fixture_close();
}

static void answer_once(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
    weir_session_finish(session);
}

static const struct weir_handler handler_once = {.size = sizeof(struct weir_handler),
                                                 .name = "once",
                                                 .session_bytes = 8,
                                                 .on_message = answer_once};

static void a_datagram_for_a_peer_that_ends_is_answered_or_counted(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_once, 1);
    struct sim_datagrams *peer = datagrams_of(2);
    for (int i = 0; i < 40; i++) sim_datagrams_send(peer, &fixture.address, "x", 1);
    fixture_run_ms(1 * S);
    assert_int_equal(fixture_stats().datagrams_in, 40);
    assert_int_equal(fixture_stats().datagrams_out + fixture_stats().dropped_peers, 40);
    sim_datagrams_close(peer);
    fixture_close();
}

/* ---- groups ---- */

static void join_on_message(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    weir_session_start_timer(session, 1);
    last_code = weir_session_join(session, "topic");
}

static const struct weir_handler handler_joining = {
    .size = sizeof(struct weir_handler), .name = "joining", .on_message = join_on_message};

static void a_transient_session_cannot_join(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_joining, 1);
    struct sim_datagrams *peer = datagrams_of(2);
    last_code = WEIR_OK;
    sim_datagrams_send(peer, &fixture.address, "x", 1);
    fixture_run_ms(100);
    assert_int_equal(last_code, WEIR_INVALID);
    sim_datagrams_close(peer);
    fixture_close();
}

static void an_empty_queue_is_never_slow(void **state)
{
    static uint8_t bytes[128 * 1024];
    struct weir_config config = fixture_config();
    enum weir_code code;

    (void)state;
    fixture_open(&config, NULL, &handler_quiet, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct payload *payload = payload_open(&codec_raw, bytes, sizeof bytes, &code);
    memcpy(payload->group, "all", 4);
    payload->group_hash = group_hash(&fixture.common, payload->group);
    assert_int_equal(remote_broadcast(&fixture.loop.worker, payload), WEIR_OK);
    payload_unref(payload);
    fixture_run_ms(100);
    assert_int_equal(fixture_stats().open, 1);
    sim_peer_close(peer);
    fixture_close();
}

/* A head of one byte in place of the message's first four. */
static enum weir_code shorten(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                              struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    framing->skip = 4;
    framing->header[0] = (uint8_t)(length - 4);
    framing->header_length = 1;
    return WEIR_OK;
}

static void a_head_may_replace_more_than_it_is(void **state)
{
    static const struct weir_codec codec = {
        .size = sizeof(struct weir_codec), .name = "short", .streams = true, .encode = shorten};
    enum weir_code code;

    (void)state;
    struct payload *payload = payload_open(&codec, "headbody", 8, &code);
    assert_int_equal(payload->length, 5);
    assert_memory_equal(payload->bytes, "\4body", 5);
    assert_int_equal(payload->message_length, 8); /* for members with another codec: as it was */
    assert_memory_equal(payload->bytes + payload->message_at, "headbody", 8);
    payload_unref(payload);
}

/* ---- groups ---- */

static void answer_abort_and_broadcast(struct weir_session *session,
                                       const struct weir_message *message)
{
    assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    weir_session_abort(session); /* what was sent back is discarded; it is still a member */
    assert_int_equal(weir_session_broadcast(session, "all", "late", 4, 0), WEIR_OK);
}

static const struct weir_handler handler_abort = {.size = sizeof(struct weir_handler),
                                                  .name = "abort",
                                                  .on_open = note_open,
                                                  .on_message = answer_abort_and_broadcast};

static void a_session_that_aborted_after_an_answer_broadcasts_to_its_group(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_abort, 71);
    fixture.loop.worker.thread = thread_self();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().broadcasts_dropped_closed, 1);
    assert_int_equal(fixture_stats().open, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void answer_and_starve(struct weir_session *session, const struct weir_message *message)
{
    assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    take_all_memory();
    memory_fail_nth(3, 1); /* the speaker and its broadcast have memory, but not the answer */
    assert_int_equal(weir_session_broadcast(session, "all", "late", 4, 0), WEIR_OK);
}

static const struct weir_handler handler_starved = {.size = sizeof(struct weir_handler),
                                                    .name = "starved",
                                                    .on_open = note_open,
                                                    .on_message = answer_and_starve};

static void an_answer_without_memory_ends_a_member_that_broadcasts(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_starved, 72);
    fixture.loop.worker.thread = thread_self();
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    for (int i = 0; i < 1000 && !hoard; i++) fixture_iterate(FIXTURE_MS);
    give_back_memory();
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().broadcasts_dropped_closed, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    sim_peer_close(peer);
    fixture_close();
}

static void answer_abort_and_go_on(struct weir_session *session, const struct weir_message *message)
{
    assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    weir_session_abort(session);
    assert_int_equal(weir_session_send(session, "late", 4), WEIR_CANCELLED);
    assert_int_equal(weir_session_send_static(session, "late", 4, NULL, NULL), WEIR_CANCELLED);
    weir_session_end_output(session);
    weir_session_finish(session);
    weir_session_abort(session);
    weir_session_start_timer(session, 10);
}

static const struct weir_handler handler_go_on = {.size = sizeof(struct weir_handler),
                                                  .name = "go_on",
                                                  .on_open = note_open,
                                                  .on_message = answer_abort_and_go_on};

static void a_session_that_aborted_after_an_answer_refuses_other_calls(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler_go_on, 72);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "hello");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().open, 0);
    assert_true(sim_peer_saw_reset(peer));
    sim_peer_close(peer);
    fixture_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_message_is_not_kept_after_it_was_handled),
        cmocka_unit_test(a_send_back_that_finds_no_memory_for_what_came_before_ends_it),
        cmocka_unit_test(a_reject_message_without_memory_is_omitted),
        cmocka_unit_test(an_unfinished_frame_does_not_cut_a_finish_short),
        cmocka_unit_test(sending_does_not_refresh_a_udp_peer),
        cmocka_unit_test(a_drain_lets_no_new_datagram_peer_in_for_ever),
        cmocka_unit_test(a_datagram_for_a_peer_that_ends_is_answered_or_counted),
        cmocka_unit_test(a_transient_session_cannot_join),
        cmocka_unit_test(an_empty_queue_is_never_slow),
        cmocka_unit_test(a_head_may_replace_more_than_it_is),
        cmocka_unit_test(a_session_that_aborted_after_an_answer_broadcasts_to_its_group),
        cmocka_unit_test(a_session_that_aborted_after_an_answer_refuses_other_calls),
        cmocka_unit_test(an_answer_without_memory_ends_a_member_that_broadcasts),
    };

    return cmocka_run_group_tests_name("session_bugs", tests, NULL, NULL);
}
