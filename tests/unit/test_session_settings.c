/* SPDX-License-Identifier: MIT */
/* test_session_settings.c - what a handler sets for one session: its idle timeout, its longest
 * message, its codec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "codec_dot.h"
#include "fixture.h"
#include "memory_faults.h"
#include "require.h"
#include "session_settings.h"
#include "sized.h"
#include "thread.h"

static struct {
    char text[512]; /* of on_close */
    uint32_t closed;
    enum weir_reason reason;
    struct weir_session *session;
    enum weir_code code;
} seen;

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    seen.closed++;
    seen.reason = reason;
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static void set_up(const struct weir_config *config, const struct weir_codec *codec,
                   const struct weir_handler *handler)
{
    memset(&seen, 0, sizeof seen);
    fixture_open(config, codec, handler, 25);
}

static struct sim_peer *open_world(const struct weir_codec *codec,
                                   const struct weir_handler *handler)
{
    struct weir_config config = fixture_config();

    set_up(&config, codec, handler);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    return peer;
}

static void close_world(struct sim_peer *peer)
{
    uint64_t charged;

    sim_peer_close(peer);
    fixture_run_ms(50);
    charged = fixture.loop.worker.account.charged_bytes;
    assert_int_equal(charged, fixture.loop.worker.account.table_bytes); /* nothing is left */
    fixture_close();
}

static const struct weir_handler passive = {
    .size = sizeof(struct weir_handler), .name = "passive", .on_close = on_close};

/* ---- the idle timeout ---- */

static void the_idle_timeout_can_be_shorter_longer_or_none(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.idle_timeout_ms = 1000;
    set_up(&config, NULL, &passive);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(10);
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_set_idle_timeout(session, 5000), WEIR_OK);
    fixture_run_ms(4000);
    assert_int_equal(seen.closed, 0);
    assert_int_equal(weir_session_set_idle_timeout(session, 0), WEIR_OK);
    fixture_run_ms(100000);
    assert_int_equal(seen.closed, 0);
    fixture_say(peer, "m");
    fixture_run_ms(100);
    assert_int_equal(weir_session_set_idle_timeout(session, 300), WEIR_OK);
    fixture_run_ms(100);
    assert_int_equal(seen.closed, 0);
    fixture_run_ms(150);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.reason, WEIR_REASON_IDLE);
    close_world(peer);
}

static void time_that_has_passed_counts(void **state)
{
    struct sim_peer *peer = open_world(NULL, &passive); /* without an idle timeout */

    (void)state;
    fixture_run_ms(1000);
    assert_int_equal(weir_session_set_idle_timeout(fixture_only_session(), 500), WEIR_OK);
    fixture_run_ms(5);
    assert_int_equal(seen.reason, WEIR_REASON_IDLE);
    close_world(peer);
}

static void a_wrong_idle_timeout_is_refused(void **state)
{
    struct sim_peer *peer = open_world(NULL, &passive);
    struct weir_session *session = fixture_only_session();

    (void)state;
    assert_int_equal(weir_session_set_idle_timeout(session, (uint32_t)INT32_MAX + 1), WEIR_INVALID);
    assert_int_equal(weir_session_set_idle_timeout(session, INT32_MAX), WEIR_OK);
    weir_session_abort(session);
    assert_int_equal(weir_session_set_idle_timeout(session, 1), WEIR_CANCELLED);
    fixture_run_ms(10);
    close_world(peer);
}

/* ---- UDP ---- */

static void on_datagram(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    require_equal(weir_session_set_message_max(session, 10), WEIR_INVALID);
    require_equal(weir_session_set_codec(session, &codec_dot), WEIR_INVALID);
    seen.code = weir_session_set_idle_timeout(session, 200);
}

static void a_udp_session_has_an_idle_timeout_of_its_own(void **state)
{
    static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                                .name = "datagrams",
                                                .on_message = on_datagram,
                                                .on_close = on_close};
    static const struct weir_handler without_sessions = {
        .size = sizeof(struct weir_handler), .name = "transient", .on_message = on_datagram};
    struct weir_config config = fixture_config();

    (void)state;
    for (int i = 0; i < 2; i++) {
        set_up(&config, NULL, i == 0 ? &handler : &without_sessions);
        struct sim_datagrams *client = fixture_datagrams(9);
        fixture_send_to(client, "hello");
        fixture_run_ms(150);
        assert_int_equal(seen.code, i == 0 ? WEIR_OK : WEIR_INVALID);
        assert_int_equal(seen.closed, 0);
        fixture_run_ms(100);
        assert_int_equal(seen.closed, i == 0 ? 1 : 0);
        sim_datagrams_close(client);
        fixture_close();
    }
}

/* ---- the longest message ---- */

static char heard[256]; /* messages, each followed by a comma */

static void hear(struct weir_session *session, const struct weir_message *message)
{
    size_t used = strlen(heard);

    require_equal(message->header_length, 0);
    snprintf(heard + used, sizeof heard - used, "%.*s,", (int)message->length,
             (const char *)message->bytes);
    if (message->length == 5 && memcmp(message->bytes, "login", 5) == 0)
        require_equal(weir_session_set_message_max(session, 0), WEIR_OK);
}

static void limit_on_open(struct weir_session *session)
{
    require_equal(weir_session_set_message_max(session, 0), WEIR_OK); /* no effect */
    require_equal(weir_session_set_message_max(session, 8), WEIR_OK);
}

static const struct weir_handler careful = {.size = sizeof(struct weir_handler),
                                            .name = "careful",
                                            .on_open = limit_on_open,
                                            .on_message = hear,
                                            .on_close = on_close};

static struct sim_peer *open_careful(const struct weir_codec *codec)
{
    memset(heard, 0, sizeof heard);
    return open_world(codec, &careful);
}

/* The session ends when the peer does. */
static void finish(struct sim_peer *peer)
{
    sim_peer_finish(peer);
    fixture_run_ms(50);
}

static void a_session_accepts_longer_messages_after_the_login(void **state)
{
    struct sim_peer *peer = open_careful(&codec_dot);

    (void)state;
    fixture_say(peer, "12345678.login.1234567890.");
    fixture_run_ms(50);
    assert_string_equal(heard, "12345678,login,1234567890,");
    fixture_say(peer, "1234567890123456789012345678901234567890.");
    fixture_run_ms(50);
    finish(peer);
    assert_int_equal(seen.reason, WEIR_REASON_PROTOCOL); /* the codec has its own limit */
    close_world(peer);
}

static void malformed_input_below_the_limit_stays_malformed(void **state)
{
    struct sim_peer *peer = open_careful(&codec_dot);

    (void)state;
    fixture_say(peer, "12.!");
    fixture_run_ms(50);
    finish(peer);
    assert_string_equal(heard, "12,");
    assert_string_equal(seen.text, "there was a !");
    close_world(peer);
}

static void a_longer_message_before_the_login_is_malformed(void **state)
{
    struct sim_peer *peer = open_careful(&codec_dot);

    (void)state;
    fixture_say(peer, "12345678.123456789.");
    fixture_run_ms(50);
    assert_string_equal(heard, "12345678,");
    finish(peer);
    assert_string_equal(seen.text, "the message has 9 bytes, and this session allows 8");
    assert_int_equal(seen.reason, WEIR_REASON_PROTOCOL);
    close_world(peer);
}

/* The peer must not make weir store more than the limit and a header, either. */
static void an_incomplete_longer_message_is_malformed(void **state)
{
    struct weir_frame *frame;
    char bytes[101];

    (void)state;
    assert_int_equal(weir_frame_open("line,max=1m", &frame, NULL), WEIR_OK);
    struct sim_peer *peer = open_careful(weir_frame_codec(frame));
    memset(bytes, 'b', sizeof bytes);
    bytes[88] = '\0';
    fixture_say(peer, bytes);
    fixture_run_ms(50);
    assert_int_equal(seen.closed, 0);
    assert_int_equal(fixture_only_session()->state, SESSION_OPEN);
    fixture_say(peer, "b");
    fixture_run_ms(50);
    finish(peer);
    assert_string_equal(seen.text, "the message has at least 9 bytes, and this session allows 8");
    close_world(peer);
    weir_frame_free(frame);
}

static void raw_bytes_are_cut(void **state)
{
    struct sim_peer *peer = open_careful(NULL);

    (void)state;
    fixture_say(peer, "1234567890123456");
    fixture_run_ms(50);
    size_t length = strlen(heard);
    assert_true(length >= 18);
    for (const char *at = heard; *at; at = strchr(at, ',') + 1)
        assert_true(strchr(at, ',') - at <= 8);
    assert_int_equal(weir_session_set_message_max(fixture_only_session(), 0), WEIR_OK);
    fixture_say(peer, "abc");
    fixture_run_ms(50);
    close_world(peer);
}

static void without_memory_the_setting_is_refused(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &passive);
    struct weir_session *session = fixture_only_session();
    uint64_t charged = fixture.loop.worker.account.charged_bytes;

    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        memory_fail_nth(nth, 0);
        assert_int_equal(weir_session_set_message_max(session, 5), WEIR_NO_MEMORY);
        memory_fail_nth(nth, 0);
        assert_int_equal(weir_session_set_codec(session, &codec_dot), WEIR_NO_MEMORY);
        memory_fail_nth(0, 0);
    }
    assert_int_equal(fixture.loop.worker.account.charged_bytes, charged);
    memory_fail_nth(3, 0);
    assert_int_equal(weir_session_set_codec(session, &codec_dot), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    weir_session_finish(session);
    assert_int_equal(weir_session_set_message_max(session, 5), WEIR_CANCELLED);
    assert_int_equal(weir_session_set_codec(session, &codec_dot), WEIR_CANCELLED);
    fixture_iterations(2);
    close_world(peer);
}

/* ---- the codec ---- */

static struct weir_frame *frames[2]; /* a line, and a length of one byte */

/* A message that begins with '>' changes to the next codec; one that begins with '=' does it twice.
 * Every message is sent back, in its own frame; the codec of an answer is the one after it. */
static void echo_and_change(struct weir_session *session, const struct weir_message *message)
{
    uint32_t *at = weir_session_state(session);
    char first = message->length > 0 ? (char)message->bytes[0] : ' ';

    if (first == '>' || first == '=') *at ^= 1;
    if (first == '=')
        require_equal(weir_session_set_codec(session, weir_frame_codec(frames[*at ^ 1])), WEIR_OK);
    if (first == '>' || first == '=')
        require_equal(weir_session_set_codec(session, weir_frame_codec(frames[*at])), WEIR_OK);
    require_equal(weir_session_send_back(session, message), WEIR_OK);
    if (first == '>') require_equal(weir_session_send(session, "ok", 2), WEIR_OK);
}

static const struct weir_handler changing = {.size = sizeof(struct weir_handler),
                                             .name = "changing",
                                             .session_bytes = sizeof(uint32_t),
                                             .on_message = echo_and_change,
                                             .on_close = on_close};

static const char stream[] = "one\ntwo\n>three\n"
                             "\x04"
                             "four"
                             "\x02"
                             "a\n"
                             "\x02>b"
                             "five\n=six\n"
                             "\x03six\x01>seven\n";
static const char answer[] = "one\ntwo\n>three\n\x02ok"
                             "\x04"
                             "four"
                             "\x02"
                             "a\n"
                             "\x02>b"
                             "ok\nfive\n=six\n"
                             "\x03six\x01>ok\nseven\n";

static void expect_answer(struct sim_peer *peer)
{
    char got[256];
    uint32_t length = sizeof answer - 1;

    assert_int_equal(sim_peer_unread(peer), length);
    assert_int_equal(sim_peer_receive(peer, got, sizeof got), length);
    assert_memory_equal(got, answer, length);
}

static void say(struct sim_peer *peer, const char *bytes, size_t length)
{
    if (length > 0) assert_int_equal(sim_peer_send(peer, bytes, (uint32_t)length), length);
    fixture_run_ms(20);
}

static void open_frames(void)
{
    assert_int_equal(weir_frame_open("line", &frames[0], NULL), WEIR_OK);
    assert_int_equal(weir_frame_open("u8", &frames[1], NULL), WEIR_OK);
}

static void free_frames(void)
{
    weir_frame_free(frames[0]);
    weir_frame_free(frames[1]);
}

static void a_changed_codec_sees_every_byte_that_was_not_decoded(void **state)
{
    size_t length = sizeof stream - 1;

    (void)state;
    open_frames();
    for (size_t split = 0; split <= length; split++) {
        struct sim_peer *peer = open_world(weir_frame_codec(frames[0]), &changing);
        say(peer, stream, split);
        say(peer, stream + split, length - split);
        fixture_run_ms(20);
        expect_answer(peer);
        assert_int_equal(fixture_stats().messages_in, 11);
        close_world(peer);
    }
    free_frames();
}

static void a_codec_changes_in_a_stream_of_single_bytes(void **state)
{
    (void)state;
    open_frames();
    struct sim_peer *peer = open_world(weir_frame_codec(frames[0]), &changing);
    for (size_t i = 0; i + 1 < sizeof stream; i++) say(peer, stream + i, 1);
    fixture_run_ms(20);
    expect_answer(peer);
    close_world(peer);
    free_frames();
}

/* ---- a codec that counts ---- */

static uint32_t counting_released;

static void counting_release(const struct weir_codec *codec, void *state)
{
    (void)codec;
    (void)state;
    counting_released++;
}

static enum weir_decoded counting_decode(const struct weir_codec *codec, void *state,
                                         struct weir_input *input, struct weir_message *message,
                                         struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)decode_error;
    require_equal(*(uint64_t *)state, 0); /* zeroed, and not that of another codec */
    if (input->length == 0) return WEIR_DECODED_MORE;
    *message = (struct weir_message){input->bytes, 1, input->bytes, 1, 0};
    input->bytes++;
    input->length--;
    return WEIR_DECODED_MESSAGE;
}

static struct weir_codec counting = {.size = sizeof(struct weir_codec),
                                     .name = "counting",
                                     .streams = true,
                                     .state_bytes = 64,
                                     .decode = counting_decode,
                                     .release = counting_release};

static void each_codec_is_released_once(void **state)
{
    (void)state;
    counting_released = 0;
    struct sim_peer *peer = open_world(&counting, &passive);
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_set_codec(session, &counting), WEIR_OK);
    assert_int_equal(counting_released, 0); /* its message could be in use */
    assert_int_equal(weir_session_set_codec(session, &codec_dot), WEIR_OK);
    assert_int_equal(counting_released, 1);
    fixture_say(peer, "m.");
    fixture_run_ms(50);
    assert_int_equal(counting_released, 2);
    assert_int_equal(weir_session_set_codec(session, &counting), WEIR_OK);
    weir_session_abort(session);
    fixture_run_ms(50);
    assert_int_equal(counting_released, 3);
    close_world(peer);
}

static void a_codec_that_holds_part_of_a_frame_stays(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &passive);
    struct weir_session *session = fixture_only_session();

    (void)state;
    fixture_say(peer, "par");
    fixture_run_ms(50);
    assert_int_equal(weir_session_set_codec(session, &counting), WEIR_INVALID);
    fixture_say(peer, "t.");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().messages_in, 1);
    assert_int_equal(weir_session_set_codec(session, &counting), WEIR_OK);
    fixture_say(peer, "abc");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().messages_in, 4);
    close_world(peer);
}

static void codecs_that_cannot_work_are_refused(void **state)
{
    struct weir_codec wrong_size = codec_dot, datagrams = codec_dot;
    struct sim_peer *peer = open_world(&codec_dot, &passive);

    (void)state;
    wrong_size.size = 1;
    datagrams.streams = false;
    assert_int_equal(weir_session_set_codec(fixture_only_session(), &wrong_size), WEIR_INVALID);
    assert_int_equal(weir_session_set_codec(fixture_only_session(), &datagrams), WEIR_INVALID);
    close_world(peer);
}

static void a_codec_of_an_older_version_is_completed(void **state)
{
    struct weir_codec older = counting;
    struct sim_peer *peer = open_world(&codec_dot, &passive);
    struct weir_session *session = fixture_only_session();

    (void)state;
    older.size = sized_codec.size_min;
    assert_int_equal(weir_session_set_codec(session, &older), WEIR_OK);
    fixture_say(peer, "abc");
    fixture_run_ms(50);
    assert_int_equal(fixture_stats().messages_in, 3);
    assert_int_equal(weir_session_send(session, "unframed", 8), WEIR_OK);
    fixture_iterations(1);
    fixture_run_ms(50);
    fixture_expect(peer, "unframed");
    close_world(peer);
}

static void a_group_member_gets_broadcasts_in_its_own_codec(void **state)
{
    struct sim_peer *peer = open_world(&codec_dot, &passive);
    struct weir_session *session = fixture_only_session();

    (void)state;
    open_frames();
    fixture.common.broadcast_codec = &codec_dot;
    fixture.loop.worker.thread = thread_self();
    assert_int_equal(weir_session_join(session, "room"), WEIR_OK);
    assert_int_equal(weir_session_set_message_max(session, 8), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "room", "dot", 3, 0), WEIR_OK);
    assert_int_equal(weir_session_set_codec(session, weir_frame_codec(frames[1])), WEIR_OK);
    assert_int_equal(broadcast_send(&fixture.common, "room", "u8", 2, 0), WEIR_OK);
    fixture_iterations(1);
    fixture_run_ms(50);
    fixture_expect(peer, "dot.\x02u8");
    weir_session_leave(session, "room");
    close_world(peer);
    free_frames();
}

static void set_null(void *argument)
{
    (void)argument;
    session_set_codec(NULL, NULL);
}

static void a_null_codec_is_misuse(void **state)
{
    (void)state;
    require_death(set_null, NULL, "weir_session_set_codec: the codec is null");
}

/* ---- the handler's state ---- */

static void write_beyond(struct weir_session *session, const struct weir_message *message)
{
    char *state = weir_session_state(session);

    memset(state, 'w', message->length);
}

static const struct weir_handler with_state = {.size = sizeof(struct weir_handler),
                                               .name = "state",
                                               .session_bytes = 5,
                                               .on_message = write_beyond,
                                               .on_close = on_close};

static void end_after(const char *text)
{
    struct sim_peer *peer = open_world(&codec_dot, &with_state);

    fixture_say(peer, text);
    fixture_run_ms(50);
    sim_peer_reset(peer);
    fixture_run_ms(50);
    require_equal(seen.closed, 1);
    close_world(peer);
}

static void write_one_byte_too_many(void *argument)
{
    (void)argument;
    end_after("123456.");
}

static void a_handler_that_writes_beyond_its_state_is_found(void **state)
{
    (void)state;
    end_after("12345.");
    require_death(write_one_byte_too_many, NULL,
                  "a handler writes only the first session_bytes of weir_session_state()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_idle_timeout_can_be_shorter_longer_or_none),
        cmocka_unit_test(time_that_has_passed_counts),
        cmocka_unit_test(a_wrong_idle_timeout_is_refused),
        cmocka_unit_test(a_udp_session_has_an_idle_timeout_of_its_own),
        cmocka_unit_test(a_session_accepts_longer_messages_after_the_login),
        cmocka_unit_test(malformed_input_below_the_limit_stays_malformed),
        cmocka_unit_test(a_longer_message_before_the_login_is_malformed),
        cmocka_unit_test(an_incomplete_longer_message_is_malformed),
        cmocka_unit_test(raw_bytes_are_cut),
        cmocka_unit_test(without_memory_the_setting_is_refused),
        cmocka_unit_test(a_changed_codec_sees_every_byte_that_was_not_decoded),
        cmocka_unit_test(a_codec_changes_in_a_stream_of_single_bytes),
        cmocka_unit_test(each_codec_is_released_once),
        cmocka_unit_test(a_codec_that_holds_part_of_a_frame_stays),
        cmocka_unit_test(codecs_that_cannot_work_are_refused),
        cmocka_unit_test(a_codec_of_an_older_version_is_completed),
        cmocka_unit_test(a_group_member_gets_broadcasts_in_its_own_codec),
        cmocka_unit_test(a_null_codec_is_misuse),
        cmocka_unit_test(a_handler_that_writes_beyond_its_state_is_found),
    };

    return cmocka_run_group_tests_name("session_settings", tests, NULL, NULL);
}
