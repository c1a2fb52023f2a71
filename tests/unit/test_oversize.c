/* SPDX-License-Identifier: MIT */
/* test_oversize.c - messages that can never fit into a send queue, and codecs that return
 * impossible sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "check.h"
#include "fixture.h"
#include "require.h"
#include "thread.h"

#define HIGH (128u * 1024)

static char logged[512];
static uint32_t logged_count;

static void note_line(void *user, int level, const char *line)
{
    (void)user;
    assert_int_equal(level, WEIR_LOG_WARNING);
    snprintf(logged, sizeof logged, "%s", line);
    logged_count++;
}

static void open_logging(const struct weir_config *config, const struct weir_codec *codec,
                         const struct weir_handler *handler)
{
    fixture_open(config, codec, handler, 1);
    fixture.common.log = (struct log){.write = note_line};
    logged_count = 0;
}

static void close_logging(struct sim_peer *peer)
{
    sim_peer_close(peer);
    fixture_close();
}

/* ---- messages above the queue's capacity ---- */

static uint8_t large[HIGH + 4];
static enum weir_code codes[4];

static void send_large(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    codes[0] = weir_session_send(session, large, HIGH + 1);
    codes[1] = weir_session_send(session, large, HIGH + 4);
    codes[2] = weir_session_send(session, large, HIGH);
}

static const struct weir_handler handler_large = {
    .size = sizeof(struct weir_handler), .name = "large", .summary = "", .on_message = send_large};

static void a_message_above_the_queue_is_warned_about_once(void **state)
{
    struct weir_config config = fixture_config();
    struct worker *worker = &fixture.loop.worker;

    (void)state;
    open_logging(&config, NULL, &handler_large);
    struct sim_peer *peer = fixture_connect();
    fixture_say(peer, "x");
    fixture_run_ms(100);
    assert_int_equal(codes[0], WEIR_TOO_LARGE);
    assert_int_equal(codes[1], WEIR_TOO_LARGE);
    assert_int_equal(codes[2], WEIR_OK);
    assert_int_equal(logged_count, 1);
    assert_string_equal(logged, "a message of 131073 bytes was not sent: send_queue_high_bytes "
                                "(--queue-high) is 131072; set it to 131073 or more (logged once)");
    assert_int_equal(remote_send(worker, weir_session_id(fixture_only_session()), large, HIGH + 1),
                     WEIR_TOO_LARGE);
    fixture_run_ms(100);
    assert_int_equal(logged_count, 1);
    close_logging(peer);
}

/* Only the worker that owns the session logs. */
static void another_thread_leaves_the_warning_to_the_worker(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_logging(&config, NULL, &handler_echo);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(100);
    assert_int_equal(remote_send(&fixture.loop.worker, weir_session_id(fixture_only_session()),
                                 large, WEIR_MESSAGE_BYTES_MAX + (size_t)1),
                     WEIR_TOO_LARGE);
    assert_int_equal(logged_count, 0);
    fixture_iterate(0);
    assert_int_equal(logged_count, 1);
    assert_non_null(strstr(logged, "is 131072; no value allows more than 1073741824 (logged once"));
    close_logging(peer);
}

/* The setting need not be a multiple of the buffers: the frame, not the message, decides. */
static void a_frame_that_no_empty_queue_takes_is_too_large(void **state)
{
    struct weir_config config = fixture_config();
    struct weir_frame *frame;

    (void)state;
    config.send_queue_high_bytes = HIGH - 1;
    assert_int_equal(weir_frame_open("u32be", &frame, NULL), WEIR_OK);
    open_logging(&config, weir_frame_codec(frame), &handler_echo);
    struct sim_peer *peer = fixture_connect();
    fixture_run_ms(100);
    struct weir_session *session = fixture_only_session();
    assert_int_equal(weir_session_send(session, large, HIGH - 1), WEIR_TOO_LARGE);
    assert_int_equal(weir_session_send(session, large, HIGH - 4), WEIR_OK);
    assert_int_equal(weir_session_send(session, large, HIGH - 4), WEIR_QUEUE_FULL);
    fixture_run_ms(100);
    assert_int_equal(logged_count, 1);
    assert_non_null(strstr(logged, "131075 bytes was not sent: send_queue_high_bytes"));
    close_logging(peer);
    weir_frame_free(frame);
}

/* ---- codecs that return impossible sizes ---- */

static size_t returned_length;

/* Every byte is a message, of a frame that lies elsewhere. */
static enum weir_decoded decode_elsewhere(const struct weir_codec *codec, void *state,
                                          struct weir_input *input, struct weir_message *message,
                                          struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)decode_error;
    if (input->length == 0) return WEIR_DECODED_MORE;
    input->bytes++;
    input->length--;
    *message = (struct weir_message){large, 1, large, returned_length, 0};
    return WEIR_DECODED_MESSAGE;
}

static struct weir_framing returned_framing;

static enum weir_code encode_anything(const struct weir_codec *codec, const uint8_t *bytes,
                                      size_t length, struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    (void)length;
    *framing = returned_framing;
    return WEIR_OK;
}

static const struct weir_codec codec_elsewhere = {.size = sizeof(struct weir_codec),
                                                  .name = "elsewhere",
                                                  .summary = "",
                                                  .streams = true,
                                                  .decode = decode_elsewhere,
                                                  .encode = encode_anything};

static void send_and_send_back(struct weir_session *session, const struct weir_message *message)
{
    codes[0] = weir_session_send(session, "x", 1);
    codes[1] = weir_session_send_back(session, message);
}

static const struct weir_handler handler_answer = {.size = sizeof(struct weir_handler),
                                                   .name = "answer",
                                                   .summary = "",
                                                   .on_message = send_and_send_back};

/* The bytes do not exist, and are not touched. */
static void a_frame_of_4_gib_ends_its_session(void **state)
{
    static const size_t lengths[] = {UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1, SIZE_MAX,
                                     UINT64_C(3) << 30};
    struct weir_config config = fixture_config();

    (void)state;
    for (size_t i = 0; i < weir_count_of(lengths); i++) {
        returned_length = lengths[i];
        returned_framing = (struct weir_framing){.header_length = 0};
        fixture_open(&config, &codec_elsewhere, &handler_answer, 1);
        struct sim_peer *peer = fixture_connect();
        fixture_say(peer, "xx");
        fixture_run_ms(100);
        assert_int_equal(fixture_closed(WEIR_REASON_EXHAUSTED), 1);
        assert_int_equal(fixture_stats().messages_out, 1);
        assert_int_equal(codes[1], WEIR_CANCELLED);
        assert_true(sim_peer_saw_reset(peer)); /* a FIN would claim that the answer is complete */
        sim_peer_close(peer);
        fixture_close();
    }
}

static void frame_anything(void *argument)
{
    enum weir_code code;

    returned_framing = *(const struct weir_framing *)argument;
    payload_open(&codec_elsewhere, "abc", 3, &code);
}

static void send_anything(void *argument)
{
    struct weir_config config = fixture_config();

    returned_framing = *(const struct weir_framing *)argument;
    fixture_open(&config, &codec_elsewhere, &handler_echo, 1);
    fixture_connect();
    fixture_run_ms(100);
    weir_session_send(fixture_only_session(), "abc", 3);
}

static void impossible_framings_name_the_rule(void **state)
{
    static struct weir_framing too_much_skipped = {.skip = 4};
    static struct weir_framing long_header = {.header_length = WEIR_HEADER_BYTES_MAX + 1};
    static struct weir_framing long_trailer = {.trailer_length = WEIR_TRAILER_BYTES_MAX + 1};

    (void)state;
    require_death(frame_anything, &too_much_skipped, "a codec's header replaces bytes that exist");
    require_death(frame_anything, &long_header, "WEIR_HEADER_BYTES_MAX");
    require_death(frame_anything, &long_trailer, "WEIR_TRAILER_BYTES_MAX");
    require_death(send_anything, &too_much_skipped, "a codec's header replaces bytes that exist");
    require_death(send_anything, &long_header, "WEIR_HEADER_BYTES_MAX");
    require_death(send_anything, &long_trailer, "WEIR_TRAILER_BYTES_MAX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_above_the_queue_is_warned_about_once),
        cmocka_unit_test(another_thread_leaves_the_warning_to_the_worker),
        cmocka_unit_test(a_frame_that_no_empty_queue_takes_is_too_large),
        cmocka_unit_test(a_frame_of_4_gib_ends_its_session),
        cmocka_unit_test(impossible_framings_name_the_rule),
    };

    return cmocka_run_group_tests_name("oversize", tests, NULL, NULL);
}
