/* SPDX-License-Identifier: MIT */
/* test_simulator_server.c - weir/test.h: callbacks of the server and its handlers that belong to no
 * session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "require.h"

static char calls[1000], story[200000];

static void add_call(const char *name)
{
    size_t used = strlen(calls);

    snprintf(calls + used, sizeof calls - used, "%s%s", used > 0 ? " " : "", name);
}

static void add_line(void *user, const char *line)
{
    size_t used = strlen(story);

    (void)user;
    snprintf(story + used, sizeof story - used, "%s\n", line);
}

/* ---- the server under test ---- */

static uint64_t opened_ms, tick_ms[3];
static uint64_t random_number;
static unsigned ticks;

static enum weir_code on_worker_start(struct weir_worker *worker)
{
    add_call("start");
    weir_worker_set_user(worker, &ticks);
    return WEIR_OK;
}

static enum weir_code refuse_to_start(struct weir_worker *worker)
{
    (void)worker;
    return WEIR_DENIED;
}

static void on_worker_end(struct weir_worker *worker)
{
    require(weir_worker_user(worker) == &ticks);
    add_call("end");
}

static void on_tick(struct weir_worker *worker)
{
    unsigned *count = weir_worker_user(worker);

    require(weir_worker_index(worker) == 0);
    if (*count < 3) tick_ms[*count] = weir_now();
    ++*count;
    weir_broadcast(weir_worker_server(worker), "all", "tick", 4, 0);
}

static enum weir_code open_handler(struct weir_server *server, const char *arguments, void **user,
                                   struct weir_error *error)
{
    (void)error;
    add_call(arguments);
    opened_ms = weir_now();
    require(weir_random(&random_number, sizeof random_number) == WEIR_OK);
    weir_log(server, WEIR_LOG_INFO, "opened");
    *user = calls;
    return WEIR_OK;
}

static void close_handler(struct weir_server *server, void *user)
{
    require(user == calls);
    add_call("close");
    weir_log(server, WEIR_LOG_INFO, "closed");
}

static void on_open(struct weir_session *session)
{
    require(weir_session_user(session) == calls);
    require(weir_session_join(session, "all") == WEIR_OK);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    require(weir_session_user(session) == calls);
    weir_session_send_back(session, message);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "opened",
                                            .open = open_handler,
                                            .close = close_handler,
                                            .on_open = on_open,
                                            .on_message = on_message};

static struct weir_test *open_test(const struct weir_config *config)
{
    struct weir_test_options options;
    struct weir_test *test;

    calls[0] = story[0] = '\0';
    ticks = 0;
    weir_test_options_init(&options);
    options.trace = add_line;
    require(weir_test_open(&options, config, &test, NULL) == WEIR_OK);
    return test;
}

static void listen_on(struct weir_test *test, enum weir_proto proto, const char *arguments)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = proto,
                                 .codec = proto == WEIR_TCP ? "line" : NULL,
                                 .custom_handler = &handler,
                                 .handler_arguments = arguments};

    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
}

static unsigned count_in_story(const char *text)
{
    unsigned count = 0;

    for (const char *at = story; (at = strstr(at, text)) != NULL; at++) count++;
    return count;
}

/* ---- tests ---- */

static void a_worker_starts_ticks_and_ends(void **state)
{
    struct weir_message message;
    struct weir_config config;

    (void)state;
    weir_config_init(&config);
    config.on_worker_start = on_worker_start;
    config.on_worker_end = on_worker_end;
    config.on_tick = on_tick;
    config.tick_ms = 50;
    struct weir_test *test = open_test(&config);
    listen_on(test, WEIR_TCP, "x");
    assert_string_equal(calls, "x");
    assert_int_equal(weir_test_start(test, NULL), WEIR_OK);
    assert_string_equal(calls, "x start");
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);
    assert_true(weir_test_run(test, 175));
    assert_int_equal(ticks, 3);
    assert_int_equal(tick_ms[1] - tick_ms[0], 50);
    assert_int_equal(tick_ms[2] - tick_ms[1], 50);
    assert_int_equal(count_in_story("  on_tick\n"), 3);
    assert_true(weir_test_peer_message(peer, &message));
    assert_int_equal(message.length, 4);
    assert_memory_equal(message.bytes, "tick", 4);
    weir_test_free(test);
    assert_string_equal(calls, "x start end close");
    assert_int_equal(count_in_story("  on_worker_start\n"), 1);
    assert_int_equal(count_in_story("  on_worker_end\n"), 1);
}

static void a_worker_can_refuse_to_start(void **state)
{
    struct weir_config config;
    struct weir_error error;

    (void)state;
    weir_config_init(&config);
    config.on_worker_start = refuse_to_start;
    config.on_worker_end = on_worker_end;
    struct weir_test *test = open_test(&config);
    listen_on(test, WEIR_TCP, "x");
    assert_int_equal(weir_test_start(test, &error), WEIR_DENIED);
    assert_false(weir_test_run(test, 10));
    weir_test_free(test);
    assert_string_equal(calls, "x close");
}

/* Two listeners with the same arguments share what `open` made; a third one has other arguments. */
static void a_handler_is_opened_once_for_its_arguments(void **state)
{
    uint64_t first_ms, first_number;

    (void)state;
    for (int run = 0; run < 2; run++) {
        struct weir_test *test = open_test(NULL);
        listen_on(test, WEIR_TCP, "a");
        listen_on(test, WEIR_UDP, "a");
        listen_on(test, WEIR_TCP, "b");
        assert_string_equal(calls, "a b");
        if (run == 0) first_ms = opened_ms, first_number = random_number;
        assert_int_equal(opened_ms, first_ms);
        assert_int_equal(random_number, first_number);
        assert_int_equal(weir_test_start(test, NULL), WEIR_OK);
        weir_test_peer_send(weir_test_connect(test, 0, NULL), "1\n", 2);
        weir_test_socket_send(weir_test_socket_open(test, 1, NULL), "2", 1);
        weir_test_peer_send(weir_test_connect(test, 2, NULL), "3\n", 2);
        weir_test_run(test, 10);
        assert_int_equal(count_in_story("  on_open "), 3);
        assert_int_equal(count_in_story("  on_message "), 3);
        weir_test_free(test);
        assert_string_equal(calls, "a b close close");
        assert_int_equal(count_in_story("log: opened"), 2);
        assert_int_equal(count_in_story("log: closed"), 2);
    }
}

static void a_server_without_listeners_does_not_start(void **state)
{
    struct weir_error error;
    struct weir_test *test = open_test(NULL);

    (void)state;
    assert_int_equal(weir_test_start(test, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "it listens nowhere");
    weir_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_starts_ticks_and_ends),
        cmocka_unit_test(a_worker_can_refuse_to_start),
        cmocka_unit_test(a_handler_is_opened_once_for_its_arguments),
        cmocka_unit_test(a_server_without_listeners_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
