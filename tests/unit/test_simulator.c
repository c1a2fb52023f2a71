/* SPDX-License-Identifier: MIT */
/* test_simulator.c - weir/test.h from its user's side: a handler over the simulated network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "require.h"

#define LOG_BYTES 200000

/* ---- the handler under test ---- */

static char lengths[256];  /* of the messages, as text */
static uint64_t opened_ms; /* weir_now() in on_open */
static uint64_t random_number;

static void on_open(struct weir_session *session)
{
    (void)session;
    opened_ms = weir_now();
    require(weir_random(&random_number, sizeof random_number) == WEIR_OK);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    size_t used = strlen(lengths);

    snprintf(lengths + used, sizeof lengths - used, "%zu ", message->length);
    WEIR_SOMETIMES(message->length == 3);
    WEIR_SOMETIMES(message->length == 99);
    WEIR_ASSERT(message->length != 5555);
    if (message->length == 4) weir_session_fail(session, "four is too long");
    weir_session_send_back(session, message);
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "lengths",
                                            .on_open = on_open,
                                            .on_message = on_message};

static char story[LOG_BYTES];

static void add_line(void *user, const char *line)
{
    size_t used = strlen(story);

    (void)user;
    snprintf(story + used, sizeof story - used, "%s\n", line);
}

static struct weir_test *open_test(const struct weir_test_options *options,
                                   const struct weir_config *config, enum weir_proto proto,
                                   const char *codec)
{
    struct weir_listen listen = {
        .size = sizeof listen, .proto = proto, .codec = codec, .custom_handler = &handler};
    struct weir_test *test;

    lengths[0] = story[0] = '\0';
    require(weir_test_open(options, config, &test, NULL) == WEIR_OK);
    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
    require(weir_test_start(test, NULL) == WEIR_OK);
    return test;
}

static struct weir_test_peer *connect_peer(struct weir_test *test)
{
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);

    require(weir_test_run(test, 10));
    require(weir_test_peer_state(peer) == WEIR_TEST_CONNECTED);
    return peer;
}

static struct weir_stats stats_of(const struct weir_test *test)
{
    struct weir_stats stats;

    weir_server_stats(weir_test_server(test), &stats);
    return stats;
}

/* ---- TCP ---- */

static void a_message_in_pieces_is_answered(void **state)
{
    struct weir_test *test = open_test(NULL, NULL, WEIR_TCP, "line");
    struct weir_test_peer *peer = connect_peer(test);
    struct weir_message message;

    (void)state;
    weir_test_peer_send(peer, "a", 1);
    weir_test_run(test, 5);
    weir_test_peer_send(peer, "b\nab", 4);
    weir_test_run(test, 5);
    require(weir_test_peer_send_message(peer, "c", 1) == WEIR_OK);
    require(weir_test_peer_send_message(peer, "\n", 1) == WEIR_INVALID);
    weir_test_run(test, 5);
    assert_string_equal(lengths, "2 3 ");
    require(weir_test_peer_message(peer, &message));
    assert_memory_equal(message.bytes, "ab", message.length);
    weir_test_peer_send(peer, "d\n", 2);
    weir_test_run(test, 5);
    require(weir_test_peer_message(peer, &message));
    assert_memory_equal(message.bytes, "abc", message.length);
    require(weir_test_peer_message(peer, &message));
    assert_memory_equal(message.bytes, "d", message.length);
    require(!weir_test_peer_message(peer, &message));
    require(!weir_test_peer_is_malformed(peer));
    weir_test_free(test);
}

static void bytes_arrive_in_the_pieces_asked_for(void **state)
{
    struct weir_test_options options;
    char bytes[8];

    (void)state;
    weir_test_options_init(&options);
    options.piece_bytes = 2;
    struct weir_test *test = open_test(&options, NULL, WEIR_TCP, NULL);
    struct weir_test_peer *peer = connect_peer(test);
    weir_test_peer_send(peer, "abcde", 5);
    weir_test_run(test, 20);
    assert_string_equal(lengths, "2 2 1 ");
    assert_int_equal(weir_test_peer_receive(peer, bytes, 3), 3);
    assert_int_equal(weir_test_peer_receive(peer, bytes + 3, 5), 2);
    assert_memory_equal(bytes, "abcde", 5);
    weir_test_free(test);
}

static void each_end_of_a_connection_has_its_reason(void **state)
{
    struct weir_test *test = open_test(NULL, NULL, WEIR_TCP, NULL);
    struct weir_test_peer *finishes = connect_peer(test), *resets = connect_peer(test);
    struct weir_test_peer *is_lost = connect_peer(test), *fails = connect_peer(test);

    (void)state;
    assert_int_equal(weir_test_peer_reason(finishes), WEIR_REASON_NONE);
    require(weir_test_peer_session(finishes) != weir_test_peer_session(resets));
    weir_test_peer_send(finishes, "bye", 3);
    weir_test_peer_finish(finishes);
    weir_test_peer_finish(finishes);
    weir_test_peer_send(finishes, "ignored", 7);
    weir_test_peer_reset(resets);
    weir_test_peer_lose(resets); /* it has left already */
    weir_test_peer_finish(resets);
    weir_test_peer_lose(is_lost);
    weir_test_peer_send(fails, "four", 4);
    weir_test_run(test, 700000);
    assert_int_equal(weir_test_peer_reason(finishes), WEIR_REASON_PEER_DONE);
    assert_int_equal(weir_test_peer_state(finishes), WEIR_TEST_FINISHED);
    assert_int_equal(weir_test_peer_reason(resets), WEIR_REASON_RESET);
    assert_int_equal(weir_test_peer_state(resets), WEIR_TEST_LEFT);
    assert_int_equal(weir_test_peer_reason(is_lost), WEIR_REASON_FIRST_BYTE);
    assert_int_equal(weir_test_peer_reason(fails), WEIR_REASON_PROTOCOL);
    assert_string_equal(weir_test_peer_reason_text(fails), "four is too long");
    weir_test_free(test);
}

static void a_peer_that_does_not_read_stalls(void **state)
{
    struct weir_config config;
    static char bytes[300000];

    (void)state;
    weir_config_init(&config);
    config.send_queue_high_bytes = 64 * 1024;
    config.send_queue_low_bytes = 16 * 1024;
    config.send_timeout_ms = 1000;
    struct weir_test *test = open_test(NULL, &config, WEIR_TCP, NULL);
    struct weir_test_peer *peer = connect_peer(test);
    weir_test_peer_read(peer, false);
    weir_test_peer_send(peer, bytes, sizeof bytes);
    weir_test_run(test, 100);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_NONE);
    require(stats_of(test).pauses_queue > 0);
    weir_test_peer_read(peer, true);
    weir_test_run(test, 1000);
    assert_int_equal(stats_of(test).bytes_out, sizeof bytes);
    weir_test_peer_read(peer, false);
    weir_test_peer_send(peer, bytes, sizeof bytes);
    weir_test_run(test, 3000);
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_STALLED);
    assert_int_equal(weir_test_peer_state(peer), WEIR_TEST_RESET);
    weir_test_free(test);
}

static void a_denied_peer_gets_no_session(void **state)
{
    struct weir_config config;

    (void)state;
    weir_config_init(&config);
    config.deny = "10.0.0.9";
    struct weir_test *test = open_test(NULL, &config, WEIR_TCP, NULL);
    struct weir_test_peer *peer = weir_test_connect(test, 0, "10.0.0.9:1234");
    weir_test_run(test, 10);
    assert_int_equal(weir_test_peer_session(peer), 0);
    assert_int_not_equal(weir_test_peer_state(peer), WEIR_TEST_CONNECTED);
    assert_int_equal(stats_of(test).refused_denied, 1);
    weir_test_free(test);
}

static void malformed_output_is_noticed(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .codec = "raw", .custom_handler = &handler};
    struct weir_listen netstring = {
        .size = sizeof netstring, .codec = "netstring", .custom_handler = &handler};
    struct weir_message message;
    struct weir_test *test;

    (void)state;
    require(weir_test_open(NULL, NULL, &test, NULL) == WEIR_OK);
    require(weir_test_listen(test, &netstring, NULL) == WEIR_OK);
    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
    require(weir_test_start(test, NULL) == WEIR_OK);
    struct weir_test_peer *peer = connect_peer(test);
    require(!weir_test_peer_message(peer, &message));
    require(weir_send(weir_test_server(test), weir_test_peer_session(peer), "unasked", 7) ==
            WEIR_OK);
    weir_test_run(test, 10);
    require(weir_test_peer_message(peer, &message)); /* framed by its session's codec */
    require(!weir_test_peer_is_malformed(peer));
    weir_test_free(test);
}

/* ---- time, chance ---- */

static void time_is_virtual(void **state)
{
    struct weir_test *test = open_test(NULL, NULL, WEIR_TCP, NULL);
    uint64_t before_ms = weir_now();
    int64_t unix_ms = weir_unix_time_ms();

    (void)state;
    assert_int_equal(unix_ms, INT64_C(1767225600000));
    connect_peer(test);
    require(opened_ms >= before_ms && opened_ms <= before_ms + 10);
    weir_test_run(test, 24 * 3600 * 1000);
    assert_int_equal(weir_now() - before_ms, 24 * 3600 * 1000 + 10);
    weir_test_set_clock(test, -1000);
    assert_int_equal(weir_unix_time_ms() - unix_ms, 24 * 3600 * 1000 + 10 - 1000);
    weir_test_suspend(test, 500);
    assert_int_equal(weir_now() - before_ms, 24 * 3600 * 1000 + 510);
    weir_test_free(test);
    require(weir_unix_time_ms() > INT64_C(1700000000000)); /* the system's again */
    require(weir_now() > 0);
    require(weir_random(&random_number, sizeof random_number) == WEIR_OK);
}

static uint64_t run_one(uint64_t seed, char *trace, size_t size)
{
    struct weir_test_options options;

    weir_test_options_init(&options);
    options.seed = seed;
    options.piece_bytes = 0;
    options.trace = add_line;
    struct weir_test *test = open_test(&options, NULL, WEIR_TCP, NULL);
    struct weir_test_peer *peer = connect_peer(test);
    for (int i = 0; i < 20; i++) {
        weir_test_peer_send(peer, "some bytes of this peer", 23);
        weir_test_step(test, 2);
    }
    weir_test_peer_finish(peer);
    weir_test_run(test, 50);
    weir_test_free(test);
    snprintf(trace, size, "%s", story);
    return random_number;
}

static void a_seed_decides_everything(void **state)
{
    static char first[LOG_BYTES], second[LOG_BYTES];
    uint64_t random_first = run_one(7, first, sizeof first);

    (void)state;
    assert_int_equal(run_one(7, second, sizeof second), random_first);
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "peer 1 sends 23 bytes \"some bytes of this peer\"\n"));
    assert_non_null(strstr(first, "on_close peer 1: peer_done\n"));
    assert_int_not_equal(run_one(8, second, sizeof second), random_first);
    assert_string_not_equal(first, second);
}

/* ---- failures ---- */

static void resources_can_fail(void **state)
{
    struct weir_test *test = open_test(NULL, NULL, WEIR_TCP, NULL);
    struct weir_test_peer *peer = connect_peer(test);

    (void)state;
    weir_test_limit_files(test, 0);
    weir_test_connect(test, 0, NULL);
    weir_test_run(test, 10);
    assert_int_equal(stats_of(test).accepted, 1);
    assert_int_equal(stats_of(test).pauses_no_files, 1);
    weir_test_limit_files(test, UINT32_MAX);
    weir_test_run(test, 2000);
    assert_int_equal(stats_of(test).accepted, 2);
    weir_test_take_buffers(test, true);
    weir_test_peer_send(peer, "abc", 3);
    weir_test_run(test, 100);
    assert_string_equal(lengths, "");
    require(stats_of(test).pauses_no_buffers > 0);
    weir_test_take_buffers(test, false);
    weir_test_run(test, 2000);
    assert_string_equal(lengths, "3 ");
    weir_test_take_buffers(test, true); /* given back by weir_test_free() */
    weir_test_free(test);
}

static void an_allocation_can_fail(void **state)
{
    struct weir_test_options options;
    static char bytes[20000];

    (void)state;
    weir_test_options_init(&options);
    options.trace = add_line;
    struct weir_test *test = open_test(&options, NULL, WEIR_TCP, "u16be");
    struct weir_test_peer *peer = connect_peer(test);
    weir_test_peer_send(peer, "\0\1a", 3); /* afterwards the pool has buffers */
    weir_test_run(test, 10);
    weir_test_fail_allocation(test, 1, true);
    weir_test_peer_send(peer, "\x7f\xff", 2); /* a partial frame needs memory */
    weir_test_peer_send(peer, bytes, sizeof bytes);
    weir_test_run(test, 11000); /* linger_timeout_ms: the peer sends no FIN */
    assert_non_null(strstr(story, "an allocation fails\n"));
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_PROTOCOL);
    assert_int_equal(weir_test_peer_state(peer), WEIR_TEST_FINISHED);
    weir_test_fail_allocation(test, 0, false);
    connect_peer(test);
    weir_test_free(test);
}

static void print_nothing(void *user, enum weir_log_level level, const char *line)
{
    (void)level;
    snprintf(user, 200, "%s", line);
}

static void a_drain_ends_the_server(void **state)
{
    struct weir_config config;
    char last_line[200] = "";

    (void)state;
    weir_config_init(&config);
    config.log = print_nothing;
    config.user = last_line;
    struct weir_test *test = open_test(NULL, &config, WEIR_TCP, NULL);
    struct weir_test_peer *peer = connect_peer(test);
    assert_non_null(strstr(last_line, "transport=simulated"));
    weir_server_drain(weir_test_server(test), 1000);
    require(!weir_test_run(test, 2000));
    require(!weir_test_step(test, 10));
    weir_test_take_buffers(test, true); /* there are none */
    assert_int_equal(weir_test_peer_reason(peer), WEIR_REASON_DRAIN);
    weir_test_free(test);
    weir_test_free(NULL);
}

static void wrong_settings_are_reported(void **state)
{
    struct weir_listen wrong = {.size = sizeof wrong, .address = "nonsense"},
                       twice = {.size = sizeof twice, .address = "127.0.0.1:7000"};
    struct weir_config config;
    struct weir_error error;
    struct weir_test *test;

    (void)state;
    weir_config_init(&config);
    config.buffer_bytes = 1;
    assert_int_equal(weir_test_open(NULL, &config, &test, &error), WEIR_INVALID);
    assert_null(test);
    require(weir_test_open(NULL, NULL, &test, &error) == WEIR_OK);
    assert_int_equal(weir_test_listen(test, &wrong, &error), WEIR_INVALID);
    require(weir_test_listen(test, &twice, NULL) == WEIR_OK);
    require(weir_test_listen(test, &twice, NULL) == WEIR_OK);
    assert_int_equal(weir_test_start(test, &error), WEIR_ADDRESS_IN_USE);
    weir_test_free(test);
}

/* ---- UDP ---- */

static size_t receive_all(struct weir_test_socket *socket, char *bytes, size_t size)
{
    size_t count = 0, length;

    while (count < size && weir_test_socket_receive(socket, bytes + count, 1, &length)) count++;
    return count;
}

/* Sends 20 datagrams over a network with these faults. Returns how many are answered. */
static size_t exchange(uint32_t loss, uint32_t copies, uint32_t reordered, char *got)
{
    struct weir_test_options options;

    weir_test_options_init(&options);
    options.datagram_loss_percent = loss;
    options.datagram_copy_percent = copies;
    options.datagram_reorder_percent = reordered;
    struct weir_test *test = open_test(&options, NULL, WEIR_UDP, NULL);
    struct weir_test_socket *socket = weir_test_socket_open(test, 0, "10.0.0.7:4000");
    assert_null(weir_test_socket_open(test, 0, "10.0.0.7:4000"));
    for (char i = 'a'; i < 'u'; i++) weir_test_socket_send(socket, &i, 1);
    weir_test_run(test, 50);
    size_t count = receive_all(socket, got, 100);
    got[count] = '\0';
    weir_test_run(test, 70000);
    if (count > 0) assert_int_equal(weir_test_socket_reason(socket), WEIR_REASON_IDLE);
    weir_test_free(test);
    return count;
}

static void datagrams_are_lost_copied_and_reordered(void **state)
{
    char got[101];

    (void)state;
    assert_int_equal(exchange(0, 0, 0, got), 20);
    assert_string_equal(got, "abcdefghijklmnopqrst");
    assert_int_equal(exchange(100, 0, 0, got), 0);
    assert_int_equal(exchange(0, 100, 0, got), 80);
    assert_int_equal(exchange(0, 0, 50, got), 20);
    assert_string_not_equal(got, "abcdefghijklmnopqrst");
}

/* ---- marks, scenarios and misuse ---- */

static struct weir_mark *mark_of(const char *condition)
{
    const struct weir_marks marks = WEIR_MARKS;

    for (struct weir_mark **at = marks.first; at != marks.last; at++)
        if (strcmp((*at)->condition, condition) == 0) return *at;
    return NULL;
}

static void a_scenario_reaches_marks(void **state)
{
    const struct weir_listen listens[] = {
        {.size = sizeof listens[0], .codec = "line", .custom_handler = &handler},
        {.size = sizeof listens[0], .proto = WEIR_UDP, .custom_handler = &handler}};
    const struct weir_test_input inputs[] = {{"abc", 3}, {"de", 2}};
    struct weir_test_swarm swarm = {.size = sizeof swarm,
                                    .listens = listens,
                                    .listens_count = 1,
                                    .inputs = inputs,
                                    .inputs_count = 2,
                                    .marks = WEIR_MARKS};
    struct weir_test_result result = {.size = sizeof result};
    struct weir_error error;

    (void)state;
    if (!swarm.marks.first) skip(); /* no ELF */
    mark_of("message->length == 99")->reached = 1;
    assert_int_equal(weir_test_run_seed(&swarm, 3, &result, &error), WEIR_OK);
    assert_string_equal(result.failure, "");
    require(result.sessions > 0 && result.messages > 0 && result.virtual_ms > 0);
    assert_int_equal(mark_of("message->length == 3")->reached, 1);
    assert_int_equal(mark_of("message->length == 99")->reached, 0);
    swarm.listens = &listens[1]; /* UDP alone */
    assert_int_equal(weir_test_run_seed(&swarm, 3, &result, &error), WEIR_OK);
    assert_string_equal(result.failure, "");
    swarm.listens = &(struct weir_listen){.size = sizeof(struct weir_listen), .codec = "nonsense"};
    assert_int_equal(weir_test_run_seed(&swarm, 3, &result, &error), WEIR_INVALID);
}

static void violate(void *argument)
{
    struct weir_test *test = open_test(NULL, NULL, WEIR_TCP, "line");

    (void)argument;
    static char bytes[5556];

    bytes[5555] = '\n';
    weir_test_peer_send(connect_peer(test), bytes, sizeof bytes);
    weir_test_run(test, 10);
}

static void send_to_udp(void *argument)
{
    (void)argument;
    weir_test_connect(open_test(NULL, NULL, WEIR_UDP, NULL), 0, NULL);
}

static void start_twice(void *argument)
{
    (void)argument;
    weir_test_start(open_test(NULL, NULL, WEIR_TCP, NULL), NULL);
}

static void a_violated_assertion_and_misuse_end_the_process(void **state)
{
    (void)state;
    require_death(violate, NULL, "the program's assertion failed: message->length != 5555");
    require_death(send_to_udp, NULL, "peers connect to TCP listeners, sockets to UDP ones");
    require_death(start_twice, NULL, "weir_test_start is called once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_pieces_is_answered),
        cmocka_unit_test(bytes_arrive_in_the_pieces_asked_for),
        cmocka_unit_test(each_end_of_a_connection_has_its_reason),
        cmocka_unit_test(a_peer_that_does_not_read_stalls),
        cmocka_unit_test(a_denied_peer_gets_no_session),
        cmocka_unit_test(malformed_output_is_noticed),
        cmocka_unit_test(time_is_virtual),
        cmocka_unit_test(a_seed_decides_everything),
        cmocka_unit_test(resources_can_fail),
        cmocka_unit_test(an_allocation_can_fail),
        cmocka_unit_test(a_drain_ends_the_server),
        cmocka_unit_test(wrong_settings_are_reported),
        cmocka_unit_test(datagrams_are_lost_copied_and_reordered),
        cmocka_unit_test(a_scenario_reaches_marks),
        cmocka_unit_test(a_violated_assertion_and_misuse_end_the_process),
    };

    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
