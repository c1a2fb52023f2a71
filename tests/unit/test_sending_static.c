/* SPDX-License-Identifier: MIT */
/* test_sending_static.c - messages from the program's own memory: where they are copied, when they
 * are released, and what they count for. */
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

#define LARGE_BYTES 50000u /* four buffers */

static struct {
    uint8_t bytes[LARGE_BYTES];
    uint32_t releases, closed;
    bool released_at_close;
    const void *released;
} seen;

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    seen.closed++;
    seen.released_at_close = seen.releases > 0;
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
    if (message->bytes[0] == 'x') weir_session_finish(session);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "static",
                                            .on_message = on_message,
                                            .on_close = on_close};

static void release(void *user, const void *bytes)
{
    require(user == &seen);
    seen.released = bytes;
    seen.releases++;
    memset(seen.bytes, 0, sizeof seen.bytes); /* a later read of them is found */
}

static void set_up(void)
{
    memset(&seen, 0, sizeof seen);
    for (uint32_t i = 0; i < LARGE_BYTES; i++) seen.bytes[i] = (uint8_t)('a' + i % 23);
}

static struct sim_peer *open_world(const struct weir_codec *codec)
{
    struct weir_config config = fixture_config();

    set_up();
    fixture_open(&config, codec, &handler, 24);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    return peer;
}

static void close_world(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_close();
}

static enum weir_code send_static(size_t length)
{
    return weir_session_send_static(fixture_only_session(), seen.bytes, length, release, &seen);
}

static uint32_t read_all(struct sim_peer *peer, uint8_t *bytes, uint32_t bytes_max)
{
    uint32_t count = 0;

    for (int i = 0; i < 300; i++) {
        count += sim_peer_receive(peer, bytes + count, bytes_max - count);
        fixture_iterate(FIXTURE_MS);
    }
    return count;
}

static void expect_stream(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) require(bytes[i] == (uint8_t)('a' + i % 23));
}

/* ---- in place ---- */

static void a_large_message_is_released_when_it_is_sent(void **state)
{
    static uint8_t got[2 * LARGE_BYTES];
    struct sim_peer *peer = open_world(NULL);
    uint64_t taken_bytes = net_memory(fixture.loop.worker.net).taken_bytes;

    (void)state;
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_int_equal(seen.releases, 0);
    assert_int_equal(net_memory(fixture.loop.worker.net).taken_bytes, taken_bytes);
    assert_int_equal(read_all(peer, got, sizeof got), LARGE_BYTES);
    expect_stream(got, LARGE_BYTES);
    assert_int_equal(seen.releases, 1);
    assert_ptr_equal(seen.released, seen.bytes);
    assert_int_equal(fixture_stats().messages_out, 1);
    close_world(peer);
}

/* The simulated transport can release when the peer has acknowledged, as zero-copy sends do. */
static void the_memory_is_kept_until_the_system_releases_it(void **state)
{
    static uint8_t got[2 * LARGE_BYTES];
    struct sim_options network;

    (void)state;
    sim_options_init(&network);
    network.seed = 9;
    network.acknowledges = true;
    network.ack_travel_ns = 20 * FIXTURE_MS;
    fixture_network = &network;
    struct sim_peer *peer = open_world(NULL);
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_int_equal(read_all(peer, got, sizeof got), LARGE_BYTES);
    expect_stream(got, LARGE_BYTES);
    fixture_run_ms(1000);
    assert_int_equal(seen.releases, 1);
    close_world(peer);
    fixture_network = NULL;
}

static void a_codec_frames_the_message_where_it_is(void **state)
{
    static const char *const specs[] = {"u32be", "line:delimiter=END,max=1m",
                                        "length:width=4,strip=no,covers=rest"};
    static uint8_t got[2 * LARGE_BYTES];

    (void)state;
    for (size_t i = 0; i < weir_count_of(specs); i++) {
        struct weir_frame *frame;
        uint32_t header = i == 0 ? 4 : 0, replaced = i == 2 ? 4 : 0, trailer = i == 1 ? 3 : 0;
        assert_int_equal(weir_frame_open(specs[i], &frame, NULL), WEIR_OK);
        struct sim_peer *peer = open_world(weir_frame_codec(frame));
        assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
        assert_int_equal(weir_session_send(fixture_only_session(), "after", 5), WEIR_OK);
        assert_int_equal(seen.releases, 0);
        uint32_t count = read_all(peer, got, sizeof got);
        assert_true(count > header + LARGE_BYTES + trailer);
        for (uint32_t at = replaced; at < LARGE_BYTES; at++)
            require(got[header + at] == (uint8_t)('a' + at % 23));
        if (trailer) assert_memory_equal(got + LARGE_BYTES, "ENDafterEND", 11);
        assert_int_equal(seen.releases, 1);
        close_world(peer);
        weir_frame_free(frame);
    }
}

static void messages_leave_in_the_order_of_the_calls(void **state)
{
    static uint8_t got[4 * LARGE_BYTES];
    struct sim_peer *peer = open_world(NULL);
    const struct weir_part part = {"parts", 5};
    struct weir_session *session = fixture_only_session();

    (void)state;
    assert_int_equal(weir_session_send(session, "before", 6), WEIR_OK);
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_int_equal(weir_session_sendv(session, &part, 1), WEIR_OK);
    assert_int_equal(send_static(20000), WEIR_OK);
    weir_session_finish(session);
    assert_int_equal(read_all(peer, got, sizeof got), LARGE_BYTES + 20000 + 11);
    assert_memory_equal(got, "before", 6);
    assert_memory_equal(got + 6 + LARGE_BYTES, "parts", 5);
    assert_true(sim_peer_saw_end(peer));
    assert_int_equal(seen.releases, 2);
    close_world(peer);
}

static void memory_that_will_be_released_is_charged(void **state)
{
    struct sim_peer *peer = open_world(NULL);
    struct weir_session *session = fixture_only_session();
    const uint64_t *charged = &fixture.loop.worker.account.charged_bytes;
    uint64_t before = *charged;

    (void)state;
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_true(*charged >= before + LARGE_BYTES);
    assert_true(weir_session_queued_bytes(session) >= LARGE_BYTES);
    uint64_t with_one = *charged;
    assert_int_equal(weir_session_send_static(session, seen.bytes, 20000, NULL, NULL), WEIR_OK);
    assert_true(*charged > with_one);
    assert_true(*charged < with_one + 1000);
    weir_session_abort(session);
    assert_int_equal(*charged, before);
    assert_int_equal(seen.releases, 1);
    fixture_run_ms(50);
    close_world(peer);
}

/* ---- ends ---- */

static void the_end_of_a_session_releases_once(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct sim_peer *peer = open_world(NULL);
        uint64_t id = fixture_only_session()->id;
        assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
        assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
        if (way != 1) fixture_iterations(2); /* a part is in flight: the peer does not read */
        switch (way) {
        case 0:
        case 1: assert_int_equal(remote_abort(&fixture.loop.worker, id), WEIR_OK); break;
        case 2: sim_peer_reset(peer); break;
        default: remote_stop(&fixture.loop.worker);
        }
        fixture_run_ms(100);
        assert_int_equal(seen.releases, 2);
        assert_int_equal(seen.closed, 1);
        assert_true(seen.released_at_close);
        close_world(peer);
    }
}

/* ---- copies ---- */

static void a_small_message_is_copied(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);

    (void)state;
    assert_int_equal(weir_session_send_static(fixture_only_session(), "small", 5, release, &seen),
                     WEIR_OK);
    assert_int_equal(seen.releases, 1);
    assert_int_equal(weir_session_send_static(fixture_only_session(), "too", 3, NULL, NULL),
                     WEIR_OK);
    assert_int_equal(weir_session_send_static(fixture_only_session(), NULL, 0, NULL, NULL),
                     WEIR_OK);
    fixture_iterations(1);
    fixture_run_ms(50);
    fixture_expect(peer, "small.too..");
    close_world(peer);
}

static enum weir_code swallow(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                              struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    framing->skip = (uint32_t)length;
    return WEIR_OK;
}

static void a_frame_without_bytes_is_not_queued(void **state)
{
    static const struct weir_codec codec = {
        .size = sizeof(struct weir_codec), .name = "none", .streams = true, .encode = swallow};
    struct sim_peer *peer = open_world(&codec);

    (void)state;
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_int_equal(seen.releases, 1);
    assert_int_equal(weir_session_queued_bytes(fixture_only_session()), 0);
    close_world(peer);
}

/* ---- refused messages ---- */

static void a_refused_message_is_not_released(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot);
    static char huge[300 * 1024];
    struct weir_session *session = fixture_only_session();

    (void)state;
    memset(huge, 'h', sizeof huge);
    assert_int_equal(weir_session_send_static(session, huge, sizeof huge, release, &seen),
                     WEIR_TOO_LARGE);
    assert_int_equal(send_static(LARGE_BYTES), WEIR_OK);
    assert_int_equal(weir_session_send_static(session, huge, 100 * 1024, release, &seen),
                     WEIR_QUEUE_FULL);
    huge[9] = '.';
    assert_int_equal(weir_session_send_static(session, huge, 20000, release, &seen), WEIR_INVALID);
    assert_int_equal(fixture_stats().messages_out, 1);
    assert_int_equal(seen.releases, 0);
    weir_session_abort(session);
    assert_int_equal(seen.releases, 1);
    assert_int_equal(send_static(LARGE_BYTES), WEIR_CANCELLED);
    assert_int_equal(seen.releases, 1);
    fixture_run_ms(50);
    close_world(peer);
}

static void without_memory_the_message_is_copied(void **state)
{
    static uint8_t got[2 * LARGE_BYTES];

    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct sim_peer *peer = open_world(NULL);
        memory_fail_nth(nth, 0);
        enum weir_code code = send_static(LARGE_BYTES);
        memory_fail_nth(0, 0);
        assert_int_equal(code, WEIR_OK);
        assert_int_equal(seen.releases, 1);
        assert_int_equal(read_all(peer, got, sizeof got), LARGE_BYTES);
        expect_stream(got, LARGE_BYTES);
        close_world(peer);
    }
}

/* Frames that were sent back leave first, and there is no memory for them: the session ends. */
static struct {
    enum weir_code code;
} starved;

static void starve(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
    fixture_take_buffers();
    memory_fail_nth(2, 1); /* of the payload of what was sent back */
    starved.code = weir_session_send_static(session, seen.bytes, LARGE_BYTES, release, &seen);
    memory_fail_nth(0, 0);
    fixture_give_back_buffers();
}

static void a_session_that_ends_meanwhile_refuses(void **state)
{
    static const struct weir_handler starving = {
        .size = sizeof(struct weir_handler), .name = "starving", .on_message = starve};
    struct weir_config config = fixture_config();

    (void)state;
    set_up();
    fixture_open(&config, NULL, &starving, 24);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "m");
    fixture_run_ms(50);
    assert_int_equal(starved.code, WEIR_CANCELLED);
    assert_int_equal(seen.releases, 0);
    assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
    close_world(peer);
}

static void on_datagram(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    require_equal(weir_session_send_static(session, seen.bytes, 10000, release, &seen), WEIR_OK);
    require_equal(seen.releases, 1);
}

static void a_datagram_is_copied(void **state)
{
    static const struct weir_handler datagrams = {
        .size = sizeof(struct weir_handler), .name = "datagrams", .on_message = on_datagram};
    struct weir_config config = fixture_config();

    (void)state;
    set_up();
    fixture_open(&config, NULL, &datagrams, 23);
    struct sim_datagrams *client = fixture_datagrams(9);
    fixture_send_to(client, "hello");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().datagrams_out, 1);
    assert_int_equal(fixture_stats().datagram_bytes_out, 10000);
    sim_datagrams_close(client);
    fixture_close();
}

static void send_null(void *argument)
{
    (void)argument;
    session_send_static(NULL, NULL, 1, NULL, NULL);
}

static void bytes_that_are_null_are_misuse(void **state)
{
    (void)state;
    require_death(send_null, NULL, "weir_session_send_static: the bytes are null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_message_is_released_when_it_is_sent),
        cmocka_unit_test(the_memory_is_kept_until_the_system_releases_it),
        cmocka_unit_test(a_codec_frames_the_message_where_it_is),
        cmocka_unit_test(messages_leave_in_the_order_of_the_calls),
        cmocka_unit_test(memory_that_will_be_released_is_charged),
        cmocka_unit_test(the_end_of_a_session_releases_once),
        cmocka_unit_test(a_small_message_is_copied),
        cmocka_unit_test(a_frame_without_bytes_is_not_queued),
        cmocka_unit_test(a_refused_message_is_not_released),
        cmocka_unit_test(without_memory_the_message_is_copied),
        cmocka_unit_test(a_session_that_ends_meanwhile_refuses),
        cmocka_unit_test(a_datagram_is_copied),
        cmocka_unit_test(bytes_that_are_null_are_misuse),
    };

    return cmocka_run_group_tests_name("sending_static", tests, NULL, NULL);
}
