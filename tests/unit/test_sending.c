/* SPDX-License-Identifier: MIT */
/* test_sending.c - what a handler learns about its send queue (on_room, queued bytes) and about the
 * peer's FIN (on_peer_done); and messages that consist of parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "require.h"
#include "thread.h"

#define CHUNK_BYTES 4000u
#define LOW_BYTES (32u * 1024) /* of fixture_config() */
#define CYCLE 251u             /* of the bytes of the stream */

/* ---- a handler that does what each message says ----
 *
 * s: stream until the queue is full, h: hold, f: stream and finish, F: stream and stop, a: on_room
 * aborts, p: send parts; every message and callback is recorded. */
static struct {
    char events[256];
    uint64_t sent, refused, to_send;
    uint32_t rooms_count;
    size_t room_bytes_max; /* queued at any on_room */
    bool aborts, finishes, holds;
    enum weir_code code;
    enum weir_reason reason;
} seen;

static void record(char what)
{
    size_t used = strlen(seen.events);

    if (used + 1 < sizeof seen.events) seen.events[used] = what;
}

/* Every byte says where in the stream it is, so that a lost or repeated message is found. */
static void stream(struct weir_session *session)
{
    uint8_t chunk[CHUNK_BYTES];

    while (seen.sent < seen.to_send) {
        for (uint32_t i = 0; i < sizeof chunk; i++) chunk[i] = (uint8_t)((seen.sent + i) % CYCLE);
        seen.code = weir_session_send(session, chunk, sizeof chunk);
        if (seen.code != WEIR_OK) {
            seen.refused++;
            return;
        }
        seen.sent += sizeof chunk;
    }
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    char choice = message->length > 0 ? (char)message->bytes[0] : ' ';

    record(choice);
    switch (choice) {
    case 'a':
    case 's': stream(session); break;
    case 'h': weir_session_hold(session); break;
    case 'x': weir_session_finish(session); break;
    case 'f':
        stream(session);
        weir_session_finish(session);
        break;
    default: break;
    }
    seen.aborts = choice == 'a';
}

static void on_room(struct weir_session *session)
{
    size_t queued_bytes = weir_session_queued_bytes(session);

    record('R');
    seen.rooms_count++;
    if (queued_bytes > seen.room_bytes_max) seen.room_bytes_max = queued_bytes;
    if (seen.aborts)
        weir_session_abort(session);
    else
        stream(session);
}

static void on_peer_done(struct weir_session *session)
{
    record('P');
    if (seen.holds) weir_session_hold(session);
    if (seen.finishes) weir_session_finish(session);
    if (seen.aborts) weir_session_abort(session);
    weir_session_send(session, "bye", 3);
}

static void on_timer(struct weir_session *session)
{
    stream(session);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)text;
    record('C');
    seen.reason = reason;
}

static const struct weir_handler streamer = {.size = sizeof(struct weir_handler),
                                             .name = "streamer",
                                             .on_message = on_message,
                                             .on_close = on_close,
                                             .on_timer = on_timer,
                                             .on_room = on_room,
                                             .on_peer_done = on_peer_done};

static struct sim_peer *open_world(const struct weir_codec *codec,
                                   const struct weir_handler *handler)
{
    struct weir_config config = fixture_config();

    memset(&seen, 0, sizeof seen);
    fixture_open(&config, codec, handler, 22);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    return peer;
}

static void close_world(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_close();
}

/* Reads what has arrived, and checks that it continues the stream. */
static uint64_t read_on(struct sim_peer *peer, uint64_t at)
{
    uint8_t bytes[8192];
    uint32_t count;

    while ((count = sim_peer_receive(peer, bytes, sizeof bytes)) > 0)
        for (uint32_t i = 0; i < count; i++, at++) require(bytes[i] == (uint8_t)(at % CYCLE));
    return at;
}

static uint64_t read_all(struct sim_peer *peer, uint64_t at, uint64_t until)
{
    for (int i = 0; i < 20000 && at < until; i++) {
        fixture_iterate(FIXTURE_MS);
        at = read_on(peer, at);
    }
    return at;
}

/* ---- on_room ---- */

static void a_stream_continues_by_on_room(void **state)
{
    struct sim_peer *peer = open_world(NULL, &streamer);

    (void)state;
    seen.to_send = 2000 * (uint64_t)CHUNK_BYTES;
    fixture_say(peer, "s");
    assert_int_equal(read_all(peer, 0, seen.to_send), seen.to_send);
    assert_int_equal(seen.sent, seen.to_send);
    assert_true(seen.refused > 10);
    assert_int_equal(seen.rooms_count, seen.refused); /* once for each of them */
    assert_true(seen.room_bytes_max <= LOW_BYTES);
    close_world(peer);
}

/* Where sends are released as the peer acknowledges them, the queue falls in small steps. */
static void on_room_waits_for_the_low_mark(void **state)
{
    struct sim_options network;

    (void)state;
    sim_options_init(&network);
    network.seed = 8;
    network.acknowledges = true;
    fixture_network = &network;
    struct sim_peer *peer = open_world(NULL, &streamer);
    fixture_network = NULL;
    seen.to_send = UINT64_MAX;
    fixture_say(peer, "s");
    fixture_run_ms(100);
    struct weir_session *session = fixture_only_session();
    assert_int_equal(seen.refused, 1);
    assert_string_equal(seen.events, "s");
    seen.to_send = 0;
    uint64_t at = 0;
    for (int i = 0; i < 1000 && weir_session_queued_bytes(session) > LOW_BYTES; i++) {
        assert_string_equal(seen.events, "s");
        at = read_on(peer, at);
        fixture_iterate(FIXTURE_MS);
    }
    assert_string_equal(seen.events, "sR");
    at = read_all(peer, at, seen.sent);
    fixture_run_ms(100);
    assert_int_equal(at, seen.sent);
    assert_string_equal(seen.events, "sR"); /* once */
    assert_int_equal(weir_session_queued_bytes(session), 0);
    close_world(peer);
}

static void a_refused_message_without_the_callback_is_only_refused(void **state)
{
    static const struct weir_handler plain = {
        .size = sizeof(struct weir_handler), .name = "plain", .on_message = on_message};
    struct sim_peer *peer = open_world(NULL, &plain);

    (void)state;
    seen.to_send = UINT64_MAX;
    fixture_say(peer, "s");
    fixture_run_ms(100);
    seen.to_send = 0;
    assert_int_equal(seen.code, WEIR_QUEUE_FULL);
    assert_int_equal(read_all(peer, 0, seen.sent), seen.sent);
    assert_string_equal(seen.events, "s");
    sim_peer_finish(peer);
    fixture_run_ms(50);
    assert_true(sim_peer_saw_end(peer));
    close_world(peer);
}

static void a_session_that_finishes_gets_no_on_room(void **state)
{
    struct sim_peer *peer = open_world(NULL, &streamer);

    (void)state;
    seen.to_send = UINT64_MAX;
    fixture_say(peer, "f");
    fixture_run_ms(100);
    assert_int_equal(seen.refused, 1);
    assert_int_equal(read_all(peer, 0, seen.sent), seen.sent);
    fixture_run_ms(50);
    assert_true(sim_peer_saw_end(peer));
    assert_string_equal(seen.events, "f");
    close_world(peer);
}

static void on_room_may_abort(void **state)
{
    struct sim_peer *peer = open_world(NULL, &streamer);

    (void)state;
    seen.to_send = UINT64_MAX;
    fixture_say(peer, "a");
    read_all(peer, 0, 110 * 1024);
    fixture_run_ms(50);
    assert_string_equal(seen.events, "aRC");
    assert_true(sim_peer_saw_reset(peer));
    close_world(peer);
}

/* A message of another thread meets the full queue when it is delivered. */
static void a_dropped_message_of_another_thread_leads_to_on_room(void **state)
{
    struct sim_peer *peer = open_world(NULL, &streamer);
    struct worker *worker = &fixture.loop.worker;
    char bytes[CHUNK_BYTES] = "";

    (void)state;
    uint64_t id = fixture_only_session()->id;
    for (int i = 0; i < 100; i++)
        assert_int_equal(remote_send(worker, id, bytes, sizeof bytes), WEIR_OK);
    fixture_run_ms(50);
    assert_true(fixture_stats().sends_dropped > 0);
    assert_string_equal(seen.events, "");
    while (sim_peer_receive(peer, bytes, sizeof bytes) > 0 || seen.rooms_count == 0)
        fixture_iterate(FIXTURE_MS);
    fixture_run_ms(50);
    assert_string_equal(seen.events, "R");
    assert_int_equal(fixture_stats().messages_out + fixture_stats().sends_dropped, 100);
    close_world(peer);
}

/* ---- on_peer_done ---- */

static void the_fin_is_reported_after_the_messages(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &streamer);

    (void)state;
    fixture_say(peer, "1.2.");
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_string_equal(seen.events, "12PC");
    fixture_expect(peer, "bye.");
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(seen.reason, WEIR_REASON_PEER_DONE);
    close_world(peer);
}

static void a_hold_in_on_peer_done_keeps_the_session(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &streamer);

    (void)state;
    seen.holds = true;
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_string_equal(seen.events, "P");
    uint64_t id = fixture_only_session()->id;
    assert_int_equal(remote_send(&fixture.loop.worker, id, "late", 4), WEIR_OK);
    assert_int_equal(remote_release(&fixture.loop.worker, id), WEIR_OK);
    fixture_run_ms(100);
    fixture_expect(peer, "bye.late.");
    assert_true(sim_peer_saw_end(peer));
    assert_string_equal(seen.events, "PC");
    close_world(peer);
}

static void on_peer_done_may_finish_or_abort(void **state)
{
    (void)state;
    for (int aborts = 0; aborts < 2; aborts++) {
        struct sim_peer *peer = open_world(&codec_dot, &streamer);
        seen.finishes = !aborts;
        seen.aborts = aborts;
        sim_peer_finish(peer);
        fixture_run_ms(100);
        assert_string_equal(seen.events, "PC");
        assert_true(sim_peer_saw_reset(peer) == aborts);
        assert_int_equal(seen.reason, WEIR_REASON_APPLICATION);
        close_world(peer);
    }
}

static void a_fin_within_a_frame_or_after_finish_is_not_reported(void **state)
{
    static const char *const texts[] = {"1.x.", "1.2.!"};
    static const char *const events[] = {"1xC", "12C"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sim_peer *peer = open_world(&codec_dot, &streamer);
        fixture_say(peer, texts[i]);
        fixture_run_ms(20);
        sim_peer_finish(peer);
        fixture_run_ms(100);
        assert_string_equal(seen.events, events[i]);
        close_world(peer);
    }
}

static void a_fin_that_waits_behind_a_pause_is_reported_later(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &streamer);

    (void)state;
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    weir_session_pause(session);
    fixture_say(peer, "1.");
    sim_peer_finish(peer);
    fixture_run_ms(100);
    assert_string_equal(seen.events, "");
    weir_session_resume(session);
    fixture_run_ms(100);
    assert_string_equal(seen.events, "1PC");
    close_world(peer);
}

/* ---- parts ---- */

static enum weir_code send_parts(const struct weir_part *parts, size_t count)
{
    return weir_session_sendv(fixture_only_session(), parts, count);
}

static void parts_are_one_message(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &streamer);
    const struct weir_part parts[] = {{"ab", 2}, {NULL, 0}, {"c", 1}, {"", 0}, {"def", 3}};

    (void)state;
    assert_int_equal(send_parts(parts, 5), WEIR_OK);
    assert_int_equal(send_parts(parts, 1), WEIR_OK);
    assert_int_equal(send_parts(NULL, 0), WEIR_OK);
    fixture_iterations(1);
    fixture_run_ms(50);
    fixture_expect(peer, "abcdef.ab..");
    assert_int_equal(fixture_stats().messages_out, 3);
    close_world(peer);
}

static void parts_are_sent_whole_or_not_at_all(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &streamer);
    static char large[100 * 1024];
    const struct weir_part refused[] = {{"ab", 2}, {"c.", 2}};
    const struct weir_part many[] = {{large, sizeof large}, {large, sizeof large}};
    const struct weir_part endless[] = {{"a", 1}, {large, SIZE_MAX}};

    (void)state;
    memset(large, 'l', sizeof large);
    assert_int_equal(send_parts(refused, 2), WEIR_INVALID);
    assert_int_equal(send_parts(many, 2), WEIR_TOO_LARGE);
    assert_int_equal(send_parts(endless, 2), WEIR_TOO_LARGE);
    memory_fail_nth(1, 0);
    assert_int_equal(send_parts(many, 1), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    assert_int_equal(send_parts(many, 1), WEIR_OK);
    assert_int_equal(send_parts(many, 1), WEIR_QUEUE_FULL);
    assert_int_equal(fixture_stats().messages_out, 1);
    fixture_iterations(1);
    close_world(peer);
}

static void on_datagram(struct weir_session *session, const struct weir_message *message)
{
    static char large[70 * 1000];
    const struct weir_part parts[] = {{message->bytes, message->length}, {"!", 1}};
    const struct weir_part long_parts[] = {{large, sizeof large}};

    require_equal(weir_session_queued_bytes(session), 0);
    require_equal(weir_session_sendv(session, long_parts, 1), WEIR_TOO_LARGE);
    require_equal(weir_session_sendv(session, parts, 2), WEIR_OK);
}

static void parts_are_one_datagram(void **state)
{
    static const struct weir_handler handler = {
        .size = sizeof(struct weir_handler), .name = "joins", .on_message = on_datagram};
    struct weir_config config = fixture_config();

    (void)state;
    fixture_open(&config, NULL, &handler, 23);
    struct sim_datagrams *client = fixture_datagrams(9);
    fixture_send_to(client, "hello");
    fixture_hear(client, "hello!");
    sim_datagrams_close(client);
    fixture_close();
}

static void send_null_parts(void *argument)
{
    (void)argument;
    session_send_parts(NULL, NULL, 1);
}

static void send_a_part_without_bytes(void *argument)
{
    const struct weir_part part = {NULL, 1};

    (void)argument;
    session_send_parts(NULL, &part, 1);
}

static void parts_without_bytes_are_misuse(void **state)
{
    (void)state;
    require_death(send_null_parts, NULL, "weir_session_sendv: the parts are null");
    require_death(send_a_part_without_bytes, NULL, "a part with a length has no bytes");
}

static void send_null(void *argument)
{
    (void)argument;
    weir_session_send(NULL, NULL, 1);
}

static void broadcast_null_in_a_handler(void *argument)
{
    (void)argument;
    weir_session_broadcast(NULL, "room", NULL, 1, 0);
}

static void send_null_from_a_thread(void *argument)
{
    (void)argument;
    weir_send(NULL, 1, NULL, 1);
}

static void broadcast_null_from_a_thread(void *argument)
{
    (void)argument;
    weir_broadcast(NULL, "room", NULL, 1, 0);
}

static void a_message_with_a_length_but_no_bytes_is_misuse(void **state)
{
    (void)state;
    require_death(send_null, NULL, "weir_session_send: the bytes are null");
    require_death(broadcast_null_in_a_handler, NULL, "weir_session_broadcast: the bytes are null");
    require_death(send_null_from_a_thread, NULL, "weir_send: the bytes are null");
    require_death(broadcast_null_from_a_thread, NULL, "weir_broadcast: the bytes are null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_continues_by_on_room),
        cmocka_unit_test(on_room_waits_for_the_low_mark),
        cmocka_unit_test(a_refused_message_without_the_callback_is_only_refused),
        cmocka_unit_test(a_session_that_finishes_gets_no_on_room),
        cmocka_unit_test(on_room_may_abort),
        cmocka_unit_test(a_dropped_message_of_another_thread_leads_to_on_room),
        cmocka_unit_test(the_fin_is_reported_after_the_messages),
        cmocka_unit_test(a_hold_in_on_peer_done_keeps_the_session),
        cmocka_unit_test(on_peer_done_may_finish_or_abort),
        cmocka_unit_test(a_fin_within_a_frame_or_after_finish_is_not_reported),
        cmocka_unit_test(a_fin_that_waits_behind_a_pause_is_reported_later),
        cmocka_unit_test(parts_are_one_message),
        cmocka_unit_test(parts_are_sent_whole_or_not_at_all),
        cmocka_unit_test(parts_are_one_datagram),
        cmocka_unit_test(parts_without_bytes_are_misuse),
        cmocka_unit_test(a_message_with_a_length_but_no_bytes_is_misuse),
    };

    return cmocka_run_group_tests_name("sending", tests, NULL, NULL);
}
