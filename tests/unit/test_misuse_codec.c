/* SPDX-License-Identifier: MIT */
/* test_misuse_codec.c - codecs that break the rules of frame.h, handlers that break those of
 * weir.h, and tests that break those of test.h, over the simulated network. Each ends the process
 * with the rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "require.h"

#define RULE "weir: the program broke a rule of weir.h: "

/* ---- codecs ---- */

static enum weir_decoded add_input(const struct weir_codec *codec, void *state,
                                   struct weir_input *input, struct weir_message *message,
                                   struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)message;
    (void)decode_error;
    input->length++;
    return WEIR_DECODED_MORE;
}

static enum weir_decoded take_nothing(const struct weir_codec *codec, void *state,
                                      struct weir_input *input, struct weir_message *message,
                                      struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)decode_error;
    *message = (struct weir_message){input->bytes, 1, input->bytes, 1, 0};
    return WEIR_DECODED_MESSAGE;
}

static enum weir_decoded leave_input(const struct weir_codec *codec, void *state,
                                     struct weir_input *input, struct weir_message *message,
                                     struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)input;
    (void)message;
    (void)decode_error;
    return WEIR_DECODED_MORE;
}

/* The frame is longer than the input. */
static enum weir_decoded frame_too_much(const struct weir_codec *codec, void *state,
                                        struct weir_input *input, struct weir_message *message,
                                        struct weir_decode_error *decode_error)
{
    (void)codec;
    (void)state;
    (void)decode_error;
    *message = (struct weir_message){input->bytes, 1, input->bytes, input->length + 1, 0};
    input->bytes += input->length;
    input->length = 0;
    return WEIR_DECODED_MESSAGE;
}

static enum weir_code long_header(const struct weir_codec *codec, const uint8_t *bytes,
                                  size_t length, struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    (void)length;
    framing->header_length = WEIR_HEADER_BYTES_MAX + 1;
    return WEIR_OK;
}

static enum weir_code long_trailer(const struct weir_codec *codec, const uint8_t *bytes,
                                   size_t length, struct weir_framing *framing)
{
    (void)codec;
    (void)bytes;
    (void)length;
    framing->trailer_length = WEIR_TRAILER_BYTES_MAX + 1;
    return WEIR_OK;
}

/* ---- handlers ---- */

static void send_back(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void answer(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    weir_session_send(session, "x", 1);
}

static void send_no_part(struct weir_session *session, const struct weir_message *message)
{
    const struct weir_part part = {NULL, 1};

    (void)message;
    weir_session_sendv(session, &part, 1);
}

/* A codec (null: raw) and what on_message does. */
struct misuse {
    struct weir_codec codec;
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
};

static struct weir_test *open_with(const struct misuse *misuse)
{
    static struct weir_handler handler = {.size = sizeof(struct weir_handler), .name = "misuse"};
    struct weir_listen listen = {.size = sizeof listen, .custom_handler = &handler};
    struct weir_test *test;

    if (misuse) handler.on_message = misuse->on_message;
    if (misuse && misuse->codec.size > 0) listen.custom_codec = &misuse->codec;
    require(weir_test_open(NULL, NULL, &test, NULL) == WEIR_OK);
    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
    return test;
}

static void receive_bytes(void *argument)
{
    struct weir_test *test = open_with(argument);

    require(weir_test_start(test, NULL) == WEIR_OK);
    weir_test_peer_send(weir_test_connect(test, 0, NULL), "bytes", 5);
    weir_test_run(test, 100);
}

#define CODEC(member, function)                                                                 \
    {                                                                                           \
        .size = sizeof(struct weir_codec), .name = "wrong", .streams = true, .member = function \
    }

static void a_codec_keeps_its_rules(void **state)
{
    static struct misuse adds = {CODEC(decode, add_input), NULL},
                         takes_nothing = {CODEC(decode, take_nothing), NULL},
                         leaves = {CODEC(decode, leave_input), NULL},
                         frames = {CODEC(decode, frame_too_much), send_back},
                         header = {CODEC(encode, long_header), answer},
                         trailer = {CODEC(encode, long_trailer), answer};

    (void)state;
    require_death(receive_bytes, &adds, RULE "a codec only takes bytes off the input");
    require_death(receive_bytes, &takes_nothing,
                  RULE "a codec takes bytes off the input for every message");
    require_death(receive_bytes, &leaves,
                  RULE "a codec that needs more bytes has used up the input");
    require_death(receive_bytes, &frames,
                  RULE "a message's frame lies within the input of its codec");
    require_death(receive_bytes, &header, RULE "a codec's header has at most");
    require_death(receive_bytes, &trailer, RULE "a codec's trailer has at most");
}

static void a_handler_keeps_its_rules(void **state)
{
    static struct misuse sends = {.on_message = send_no_part};

    (void)state;
    require_death(receive_bytes, &sends,
                  RULE "weir_session_sendv: a part with a length has no bytes");
}

/* ---- statistics, and the simulator ---- */

static void write_into_nothing(void *argument)
{
    const struct weir_stats stats = {.accepted = 1};
    char text[1];

    (void)argument;
    weir_stats_text(&stats, text, 0);
}

static void run_too_early(void *argument)
{
    (void)argument;
    weir_test_run(open_with(NULL), 1);
}

static void step_too_early(void *argument)
{
    (void)argument;
    weir_test_step(open_with(NULL), 1);
}

static void connect_too_early(void *argument)
{
    (void)argument;
    weir_test_connect(open_with(NULL), 0, NULL);
}

static void connect_from_a_name(void *argument)
{
    struct weir_test *test = open_with(NULL);

    (void)argument;
    require(weir_test_start(test, NULL) == WEIR_OK);
    weir_test_connect(test, 0, "peer:0");
}

static struct weir_test_options options;

static void open_with_options(void *argument)
{
    struct weir_test *test;

    (void)argument;
    weir_test_open(&options, NULL, &test, NULL);
}

static void a_test_keeps_its_rules(void **state)
{
    (void)state;
    require_death(write_into_nothing, NULL, RULE "weir_stats_text() needs room for its end");
    require_death(run_too_early, NULL, RULE "weir_test_start comes before weir_test_run");
    require_death(step_too_early, NULL, RULE "weir_test_start comes before weir_test_step");
    require_death(connect_too_early, NULL, RULE "weir_test_start comes before peers and sockets");
    require_death(connect_from_a_name, NULL, RULE "the address of a peer is written like");
    weir_test_options_init(&options);
    options.window_bytes = 0;
    require_death(open_with_options, NULL, RULE "window_bytes is at least 1");
    weir_test_options_init(&options);
    options.latency_min_us = options.latency_max_us + 1;
    require_death(open_with_options, NULL, RULE "latency_min_us is at most latency_max_us");
    options.size = 0;
    require_death(open_with_options, NULL, RULE "weir_test_options_init fills in the options");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_codec_keeps_its_rules),
        cmocka_unit_test(a_handler_keeps_its_rules),
        cmocka_unit_test(a_test_keeps_its_rules),
    };

    return cmocka_run_group_tests_name("misuse_codec", tests, NULL, NULL);
}
