/* SPDX-License-Identifier: MIT */
/* test_sized.c - structs of programs that were compiled with an older weir.h. Each is followed by
 * bytes that are no members: weir must not read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/bridge.h>
#include <weir/weir.h>

#include "sized.h"

static struct weir_error error;

/* ---- layouts ---- */

/* A member that a later version adds must lie behind every byte of the earlier one. In its padding,
 * a program of the earlier version would set it to anything. If this fails, add a member that fills
 * the padding, or exchange the last two. */
#define ASSERT_FILLED(type, last)                                                    \
    _Static_assert(offsetof(struct type, last) + sizeof(((struct type *)0)->last) == \
                       sizeof(struct type),                                          \
                   "struct " #type " ends in " #last ", without padding")

ASSERT_FILLED(weir_handler, close);
ASSERT_FILLED(weir_codec, encode_back);
ASSERT_FILLED(weir_probe, encode);
ASSERT_FILLED(weir_listen, descriptor);
ASSERT_FILLED(weir_connect_options, tls_later);
ASSERT_FILLED(weir_sessions_query, on_end);
ASSERT_FILLED(weir_module, probe);
ASSERT_FILLED(weir_bridge, on_count);

static void each_struct_begins_with_its_size(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct weir_config, size), 0);
    assert_int_equal(offsetof(struct weir_listen, size), 0);
    assert_int_equal(offsetof(struct weir_handler, size), 0);
    assert_int_equal(offsetof(struct weir_codec, size), 0);
    assert_int_equal(offsetof(struct weir_probe, size), 0);
    assert_int_equal(offsetof(struct weir_sessions_query, size), 0);
    assert_int_equal(offsetof(struct weir_bridge, size), 0);
}

/* ---- completing ---- */

struct now {
    size_t size;
    void *first, *second, *third;
};
static const struct sized type = {"weir_now", offsetof(struct now, second), sizeof(struct now)};

static void an_older_struct_is_completed_by_defaults(void **state)
{
    static int values[6];
    const struct now given = {offsetof(struct now, third), &values[0], &values[1], &values[2]};
    struct now copy = {0, &values[3], &values[4], &values[5]};

    (void)state;
    assert_ptr_equal(sized_complete(&type, &given, &copy, &error), &copy);
    assert_int_equal(copy.size, sizeof copy);
    assert_ptr_equal(copy.first, &values[0]);
    assert_ptr_equal(copy.second, &values[1]);
    assert_ptr_equal(copy.third, &values[5]);
    assert_int_equal(given.size, offsetof(struct now, third));
}

static void a_struct_of_this_version_is_used_as_it_is(void **state)
{
    const struct now given = {sizeof given, NULL, NULL, NULL};
    struct now copy = {0, &copy, &copy, &copy};

    (void)state;
    assert_ptr_equal(sized_complete(&type, &given, &copy, &error), &given);
    assert_ptr_equal(copy.first, &copy);
    assert_int_equal(sized_copy(&type, &given, &copy, &error), WEIR_OK);
    assert_null(copy.first);
}

static void each_wrong_size_has_its_message(void **state)
{
    static const struct {
        size_t size;
        const char *text;
    } wrong[] = {
        {0, "cannot use struct weir_now: its size is 0; set its size to sizeof(struct weir_now)"},
        {8, "cannot use struct weir_now: no version of weir.h has its size, 8 bytes; set its size "
            "to sizeof(struct weir_now)"},
        {17, "cannot use struct weir_now: no version of weir.h has its size, 17 bytes; set its "
             "size to sizeof(struct weir_now)"},
        {40, "cannot use struct weir_now: its size is 40, and this version of weir knows 32 bytes; "
             "use a newer weir, or build it with this version's weir.h"},
    };
    struct now copy = {0};
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct now given = {wrong[i].size, NULL, NULL, NULL};
        assert_null(sized_complete(&type, &given, &copy, &error));
        assert_string_equal(weir_error_text(&error, text, sizeof text), wrong[i].text);
        assert_int_equal(sized_copy(&type, &given, &copy, NULL), WEIR_INVALID);
    }
}

/* ---- structs of older versions at the public functions ---- */

static void discard(struct weir_session *session, const struct weir_message *message)
{
    (void)session;
    (void)message;
}

/* The first version of struct weir_codec that weir supports, and what follows it in memory. */
static struct older_codec {
    size_t size;
    const char *name, *summary;
    bool streams, datagrams;
    size_t state_bytes;
    void *user;
    enum weir_decoded (*decode)(const struct weir_codec *codec, void *state,
                                struct weir_input *input, struct weir_message *message,
                                struct weir_decode_error *decode_error);
    size_t (*partial_bytes)(const struct weir_codec *codec, const void *state);
    void (*release)(const struct weir_codec *codec, void *state);
    uint8_t behind[256];
} older_codec = {.size = offsetof(struct older_codec, behind), .name = "older", .streams = true};

static struct older_handler {
    size_t size;
    const char *name, *summary;
    size_t session_bytes;
    void *user;
    void (*on_open)(struct weir_session *session);
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
    void (*on_close)(struct weir_session *session, enum weir_reason reason, const char *text);
    void (*on_timer)(struct weir_session *session);
    uint8_t behind[256];
} older_handler = {
    .size = offsetof(struct older_handler, behind), .name = "old", .on_message = discard};

static struct older_probe {
    size_t size;
    const char *name, *summary;
    size_t header_bytes_max;
    uint64_t message_bytes_max;
    bool skips_oversize;
    void *user;
    enum weir_decoded (*probe)(void *user, const uint8_t *bytes, size_t length,
                               struct weir_header *header, struct weir_decode_error *decode_error);
    uint8_t behind[256];
} older_probe;

static struct older_listen {
    size_t size;
    enum weir_proto proto;
    const char *address, *codec, *handler;
    const struct weir_codec *custom_codec;
    const struct weir_handler *custom_handler;
    uint8_t behind[256];
} older_listen = {.size = offsetof(struct older_listen, behind), .address = "127.0.0.1:0"};

static enum weir_decoded probe_byte(void *user, const uint8_t *bytes, size_t length,
                                    struct weir_header *header,
                                    struct weir_decode_error *decode_error)
{
    (void)user;
    (void)length;
    (void)decode_error;
    header->header_bytes = 1;
    header->message_bytes = bytes[0];
    return WEIR_DECODED_MESSAGE;
}

static void set_up_structs(void)
{
    memset(older_codec.behind, 0x5a, sizeof older_codec.behind);
    memset(older_handler.behind, 0x5a, sizeof older_handler.behind);
    memset(older_listen.behind, 0x5a, sizeof older_listen.behind);
    older_probe = (struct older_probe){.size = offsetof(struct older_probe, behind),
                                       .name = "byte",
                                       .header_bytes_max = 1,
                                       .probe = probe_byte};
    memset(older_probe.behind, 0x5a, sizeof older_probe.behind);
}

static const struct weir_codec *codec_of_older(void)
{
    return (const struct weir_codec *)(const void *)&older_codec;
}

static void an_older_codec_decodes_and_frames(void **state)
{
    struct weir_decoder *decoder;
    struct weir_input input = {(const uint8_t *)"abc", 3, false};
    struct weir_message message;
    uint8_t frame[8];
    size_t length;

    (void)state;
    set_up_structs();
    assert_int_equal(weir_decoder_open(codec_of_older(), &decoder, &error), WEIR_OK);
    assert_int_equal(weir_decoder_next(decoder, &input, &message, NULL), WEIR_DECODED_MESSAGE);
    assert_int_equal(message.length, 3);
    weir_decoder_free(decoder);
    assert_int_equal(weir_codec_encode(codec_of_older(), "abcd", 4, frame, 8, &length), WEIR_OK);
    assert_int_equal(length, 4);
}

static void a_codec_without_a_size_is_refused(void **state)
{
    static const struct weir_codec codec = {.name = "none", .streams = true};
    struct weir_decoder *decoder = (struct weir_decoder *)&error;
    uint8_t frame[8];
    size_t length;

    (void)state;
    assert_int_equal(weir_decoder_open(&codec, &decoder, &error), WEIR_INVALID);
    assert_null(decoder);
    assert_string_equal(error.subject, "weir_codec");
    assert_int_equal(weir_codec_encode(&codec, "a", 1, frame, 8, &length), WEIR_INVALID);
    assert_int_equal(length, 0);
}

static void an_older_probe_makes_a_codec(void **state)
{
    struct weir_frame *frame;
    uint8_t bytes[8];
    size_t length;

    (void)state;
    set_up_structs();
    const struct weir_probe *probe = (const struct weir_probe *)(const void *)&older_probe;
    assert_int_equal(weir_frame_open_probe(probe, &frame, &error), WEIR_OK);
    assert_int_equal(weir_codec_encode(weir_frame_codec(frame), "ab", 2, bytes, 8, &length),
                     WEIR_OK);
    assert_int_equal(length, 2); /* the probe's version has no `encode`: unframed */
    weir_frame_free(frame);
    older_probe.size = 0;
    assert_int_equal(weir_frame_open_probe(probe, &frame, &error), WEIR_INVALID);
    assert_null(frame);
    assert_string_equal(error.reason, "its size is 0");
}

static struct weir_server *open_server(void)
{
    struct weir_server *server;

    assert_int_equal(weir_server_open(NULL, &server, &error), WEIR_OK);
    return server;
}

static void a_server_listens_with_older_structs(void **state)
{
    struct weir_server *server = open_server();
    struct weir_listener_info info;

    (void)state;
    set_up_structs();
    older_listen.custom_codec = codec_of_older();
    older_listen.custom_handler = (const struct weir_handler *)(const void *)&older_handler;
    const struct weir_listen *listen = (const struct weir_listen *)(const void *)&older_listen;
    assert_int_equal(weir_server_listen(server, listen, &error), WEIR_OK);
    weir_server_listener(server, 0, &info);
    assert_string_equal(info.codec, "older");
    assert_string_equal(info.handler, "old");
    weir_server_free(server);
}

static void wrong_sizes_are_refused_by_name(void **state)
{
    struct weir_server *server = open_server();
    struct weir_codec codec = {.size = sizeof codec + 8, .name = "codec", .streams = true};
    struct weir_handler handler = {.name = "handler"};
    struct weir_listen listen = {.address = "127.0.0.1:0"};

    (void)state;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "weir_listen");
    listen.size = sizeof listen;
    listen.custom_codec = &codec;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "weir_codec");
    codec.size = sizeof codec;
    listen.custom_handler = &handler;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_INVALID);
    assert_string_equal(error.subject, "weir_handler");
    handler.size = sizeof handler;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    assert_int_equal(weir_server_listeners_count(server), 1);
    weir_server_free(server);
}

/* ---- results ---- */

static void results_are_filled_in_within_the_size_of_the_caller(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:7"};
    struct weir_server *server = open_server();
    const size_t older = offsetof(struct weir_listener_info, workers);
    struct {
        struct weir_listener_info info;
        uint8_t later[16];
    } result;

    (void)state;
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
    memset(&result, 0x5a, sizeof result);
    weir_server_listener_sized(server, 0, &result.info, older);
    assert_string_equal(result.info.transport, "none");
    assert_int_equal(result.info.address.port, 7);
    for (size_t i = older; i < sizeof result; i++) assert_int_equal(((uint8_t *)&result)[i], 0x5a);
    weir_server_listener_sized(server, 0, &result.info, sizeof result);
    for (size_t i = 0; i < sizeof result.later; i++) assert_int_equal(result.later[i], 0);
    weir_server_free(server);
}

/* ---- codes ---- */

static void each_code_has_its_own_text(void **state)
{
    (void)state;
    for (int i = 0; i < WEIR_CODES_COUNT; i++)
        for (int j = 0; j <= WEIR_CODES_COUNT; j++)
            if (i != j)
                assert_string_not_equal(weir_code_text((enum weir_code)i),
                                        weir_code_text((enum weir_code)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_struct_begins_with_its_size),
        cmocka_unit_test(an_older_struct_is_completed_by_defaults),
        cmocka_unit_test(a_struct_of_this_version_is_used_as_it_is),
        cmocka_unit_test(each_wrong_size_has_its_message),
        cmocka_unit_test(an_older_codec_decodes_and_frames),
        cmocka_unit_test(a_codec_without_a_size_is_refused),
        cmocka_unit_test(an_older_probe_makes_a_codec),
        cmocka_unit_test(a_server_listens_with_older_structs),
        cmocka_unit_test(wrong_sizes_are_refused_by_name),
        cmocka_unit_test(results_are_filled_in_within_the_size_of_the_caller),
        cmocka_unit_test(each_code_has_its_own_text),
    };

    return cmocka_run_group_tests_name("sized", tests, NULL, NULL);
}
