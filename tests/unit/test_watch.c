/* SPDX-License-Identifier: MIT */
/* test_watch.c - what the log shows of sessions and messages: begin, end, lengths, and the bytes of
 * frames, over the simulated network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "codec_dot.h"
#include "fixture.h"
#include "watch.h"

/* ---- the log ---- */

static char logged[65536];
static uint32_t logged_count;

static void note_line(void *user, int level, const char *line)
{
    size_t used = strlen(logged);

    (void)user;
    snprintf(logged + used, sizeof logged - used, "%d %s\n", level, line);
    logged_count++;
}

static void forget(void)
{
    logged[0] = '\0';
    logged_count = 0;
}

/* The text contains %s for the number of a session's port, which is replaced. */
static void expect_line(const char *format, struct sim_peer *peer)
{
    char line[512];

    snprintf(line, sizeof line, format, peer ? sim_peer_address(peer).port : 0);
    if (!strstr(logged, line)) fail_msg("\"%s\" is not in the log:\n%s", line, logged);
}

static void expect_no_line(const char *text)
{
    if (strstr(logged, text)) fail_msg("\"%s\" is in the log:\n%s", text, logged);
}

/* ---- a handler ---- */

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    const char *word = (const char *)message->bytes;

    if (message->length == 4 && memcmp(word, "back", 4) == 0)
        assert_int_equal(weir_session_send_back(session, message), WEIR_OK);
    if (message->length == 4 && memcmp(word, "send", 4) == 0)
        assert_int_equal(weir_session_send(session, "sent", 4), WEIR_OK);
    if (message->length == 4 && memcmp(word, "join", 4) == 0)
        assert_int_equal(weir_session_join(session, "all"), WEIR_OK);
    if (message->length == 4 && memcmp(word, "tell", 4) == 0)
        assert_int_equal(weir_session_broadcast(session, "all", "told", 4, 0), WEIR_OK);
    if (message->length == 4 && memcmp(word, "stay", 4) == 0) {
        static const char bytes[40000] = "static";
        assert_int_equal(weir_session_send_static(session, bytes, sizeof bytes, NULL, NULL),
                         WEIR_OK);
    }
    if (message->length == 4 && memcmp(word, "fail", 4) == 0)
        weir_session_fail(session, "it said so");
}

static void on_timer(struct weir_session *session)
{
    (void)session;
}

/* With sessions for UDP peers, and without. */
static const struct weir_handler handler_words = {.size = sizeof(struct weir_handler),
                                                  .name = "words",
                                                  .summary = "",
                                                  .on_message = on_message,
                                                  .on_timer = on_timer};
static const struct weir_handler handler_plain = {
    .size = sizeof(struct weir_handler), .name = "plain", .summary = "", .on_message = on_message};

static void open_watched(struct weir_config *config, const struct weir_handler *handler)
{
    forget();
    fixture_open(config, &codec_dot, handler, 1);
    fixture.common.log =
        (struct log){.write = note_line, .muted_count = WEIR_LOG_DETAIL - (int)config->log_level};
}

/* ---- sessions ---- */

static void begin_and_end_are_logged_with_counts(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.log_level = WEIR_LOG_INFO;
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    expect_line("2 session 0000000001000000 begins: tcp 127.0.0.1:%u, codec dot, handler words\n",
                peer);
    fixture_tell(peer, "back");
    fixture_tell(peer, "send");
    fixture_run_ms(1500);
    fixture_tell(peer, "fail");
    fixture_iterations(100);
    sim_peer_finish(peer);
    fixture_iterations(100);
    expect_line("1 closing 127.0.0.1:%u: it said so\n", peer);
    expect_line("ends: protocol (it said so); tcp 127.0.0.1:%u, open for 1.5", peer);
    expect_line(" s; in 15 bytes, 3 messages; out 10 bytes, 2 messages\n", NULL);
    expect_no_line("received");
    sim_peer_close(peer);
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "back");
    fixture_hear(socket, "back");
    fixture_send_to(socket, "send");
    fixture_hear(socket, "sent");
    expect_line("begins: udp 127.0.0.7:", NULL);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    expect_line("ends: shutdown; udp 127.0.0.7:", NULL);
    expect_line(" s; in 8 bytes, 2 messages; out 8 bytes, 2 messages\n", NULL);
    fixture_close();
}

static void nothing_is_logged_below_the_level(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "back");
    fixture_iterations(100);
    fixture_expect(peer, "back.");
    sim_peer_close(peer);
    fixture_iterations(100);
    assert_int_equal(logged_count, 0);
    fixture_close();
}

/* A connection that only receives reject_message does not count as a session. */
static void refused_connections_have_no_begin(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.log_level = WEIR_LOG_DETAIL;
    config.sessions_max = 1;
    config.reject_message = "full";
    open_watched(&config, &handler_words);
    struct sim_peer *first = fixture_connect();
    forget();
    struct sim_peer *second = fixture_connect();
    fixture_iterations(100);
    fixture_expect(second, "full");
    sim_peer_close(second);
    fixture_iterations(100);
    expect_no_line("session 0");
    sim_peer_close(first);
    fixture_close();
}

/* ---- messages ---- */

static void lengths_are_logged_in_detail(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.log_level = WEIR_LOG_DETAIL;
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    forget();
    fixture_tell(peer, "send");
    fixture_tell(peer, "join");
    fixture_tell(peer, "tell");
    fixture_tell(peer, "");
    fixture_iterations(100);
    fixture_expect(peer, "sent.told.");
    assert_string_equal(logged, "3 session 0000000001000000: received a message of 4 bytes\n"
                                "3 session 0000000001000000: sent a message of 4 bytes\n"
                                "3 session 0000000001000000: received a message of 4 bytes\n"
                                "3 session 0000000001000000: received a message of 4 bytes\n"
                                "3 session 0000000001000000: sent a message of 4 bytes\n"
                                "3 session 0000000001000000: received a message of 0 bytes\n");
    sim_peer_close(peer);
    fixture_close();
}

/* ---- frames ---- */

#define NO_FRAME "session 0000000001000000   "

static void frames_are_shown_in_both_directions(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.log_level = WEIR_LOG_ERROR;
    config.trace = "";
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "back");
    fixture_tell(peer, "send");
    fixture_tell(peer, "seventeen bytes\n\x7f\x80");
    fixture_iterations(100);
    fixture_say(peer, "!");
    fixture_iterations(100);
    assert_int_equal(logged_count, 13);
    expect_line("4 session 0000000001000000 of 127.0.0.1:%u: received a frame of 5 bytes\n"
                "4 " NO_FRAME "000000  62 61 63 6b 2e                                    |back.|\n",
                peer);
    expect_line("of 127.0.0.1:%u: sent a frame of 5 bytes\n"
                "4 " NO_FRAME "000000  62 61 63 6b 2e                                    |back.|\n",
                peer);
    expect_line("of 127.0.0.1:%u: sent a frame of 5 bytes\n"
                "4 " NO_FRAME "000000  73 65 6e 74 2e                                    |sent.|\n",
                peer);
    expect_line("of 127.0.0.1:%u: received a frame of 19 bytes\n"
                "4 " NO_FRAME "000000  73 65 76 65 6e 74 65 65  6e 20 62 79 74 65 73 0a  "
                "|seventeen bytes.|\n"
                "4 " NO_FRAME "000010  7f 80 2e                                          |...|\n",
                peer);
    expect_line("of 127.0.0.1:%u: malformed input within received data of 1 bytes\n"
                "4 " NO_FRAME "000000  21                                                |!|\n",
                peer);
    sim_peer_close(peer);
    peer = fixture_connect();
    forget();
    fixture_say(peer, "partial");
    sim_peer_finish(peer); /* that is malformed, too, but there is nothing to show */
    fixture_iterations(100);
    assert_int_equal(fixture_closed(WEIR_REASON_PROTOCOL), 2);
    assert_int_equal(logged_count, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* A message that is sent from the program's memory is shown, too. */
static void messages_that_are_not_copied_are_shown(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "";
    config.trace_bytes_max = 6;
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "stay");
    fixture_iterations(100);
    expect_line("of 127.0.0.1:%u: sent a frame of 40001 bytes\n", peer);
    expect_line("|static|\n", NULL);
    expect_line("39995 more bytes", NULL);
    sim_peer_close(peer);
    fixture_close();
}

static void the_rest_of_a_long_frame_is_left_out(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "";
    config.trace_bytes_max = 2;
    open_watched(&config, &handler_words);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "back");
    fixture_iterations(100);
    assert_int_equal(logged_count, 6);
    expect_line("4 " NO_FRAME "000000  62 61                                             |ba|\n"
                "4 " NO_FRAME "3 more bytes (trace_bytes_max, --trace-bytes)\n",
                NULL);
    sim_peer_close(peer);
    fixture_close();
    config.trace_bytes_max = 0;
    open_watched(&config, &handler_words);
    peer = fixture_connect();
    fixture_tell(peer, "back");
    fixture_iterations(100);
    assert_int_equal(logged_count, 4);
    expect_line("4 " NO_FRAME "5 more bytes", NULL);
    sim_peer_close(peer);
    fixture_close();
}

static void a_trace_shows_the_chosen_peers_alone(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "127.0.0.2, 10.0.0.0/8";
    open_watched(&config, &handler_words);
    struct sim_peer *shown = fixture_connect_from(2), *hidden = fixture_connect_from(3);
    fixture_tell(shown, "back");
    fixture_tell(hidden, "back");
    fixture_iterations(100);
    assert_int_equal(logged_count, 4);
    expect_line("of 127.0.0.2:%u: received", shown);
    expect_no_line("of 127.0.0.3");
    forget();
    fixture_tell(shown, "join");
    fixture_iterations(100);
    fixture_tell(hidden, "tell");
    fixture_iterations(100);
    expect_line("of 127.0.0.2:%u: sent a frame of 5 bytes\n", shown);
    expect_line("|told.|", NULL);
    assert_int_equal(logged_count, 4); /* its own join, and the broadcast */
    sim_peer_close(shown);
    sim_peer_close(hidden);
    fixture_close();
}

/* Also where one transient session stands for all peers. */
static void datagrams_of_chosen_peers_are_shown(void **state)
{
    const struct weir_handler *const handlers[] = {&handler_words, &handler_plain};
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "127.0.0.7";
    for (int i = 0; i < 2; i++) {
        open_watched(&config, handlers[i]);
        struct sim_datagrams *shown = fixture_datagrams(7), *hidden = fixture_datagrams(8);
        fixture_send_to(shown, "back");
        fixture_hear(shown, "back");
        fixture_send_to(hidden, "send");
        fixture_hear(hidden, "sent");
        assert_int_equal(logged_count, 4);
        fixture_send_to(shown, "send");
        fixture_hear(shown, "sent");
        assert_int_equal(logged_count, 8);
        expect_line("sent a frame of 4 bytes\n", NULL);
        expect_line("|sent|", NULL);
        expect_no_line("127.0.0.8");
        fixture_close();
    }
}

/* A message that was not sent is not shown. */
static void refused_datagrams_are_not_shown(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "";
    config.datagram_reply_percent_max = 1;
    open_watched(&config, &handler_echo);
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "back");
    fixture_iterations(20);
    assert_int_equal(logged_count, 3); /* its two lines, and that a limit silences the handler */
    expect_line("received a frame of 4 bytes\n", NULL);
    expect_no_line("sent a frame");
    fixture_close();
}

/* Lengths are logged for all peers, bytes for the chosen ones. */
static void lengths_and_bytes_combine(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.log_level = WEIR_LOG_DETAIL;
    config.trace = "127.0.0.2";
    open_watched(&config, &handler_words);
    struct sim_peer *hidden = fixture_connect_from(3);
    forget();
    fixture_tell(hidden, "join");
    fixture_iterations(100);
    assert_string_equal(logged, "3 session 0000000001000000: received a message of 4 bytes\n");
    sim_peer_close(hidden);
    fixture_close();
}

/* A program without a log can leave a trace set. */
static void without_a_log_nothing_happens(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.trace = "";
    config.log_level = WEIR_LOG_DETAIL;
    forget();
    fixture_open(&config, &codec_dot, &handler_words, 1);
    struct sim_peer *peer = fixture_connect();
    fixture_tell(peer, "back");
    fixture_iterations(100);
    fixture_expect(peer, "back.");
    assert_int_equal(logged_count, 0);
    sim_peer_close(peer);
    fixture_close();
}

static void a_wrong_trace_is_an_error(void **state)
{
    struct worker_common common = {.memory_bytes = 0};
    struct weir_config config = fixture_config();
    struct weir_error error;

    (void)state;
    config.trace = "10.0.0.0/33";
    assert_int_equal(watch_open(&common, &config, &error), WEIR_INVALID);
    assert_non_null(strstr(error.subject, "trace"));
    watch_free(&common);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_and_end_are_logged_with_counts),
        cmocka_unit_test(nothing_is_logged_below_the_level),
        cmocka_unit_test(refused_connections_have_no_begin),
        cmocka_unit_test(lengths_are_logged_in_detail),
        cmocka_unit_test(frames_are_shown_in_both_directions),
        cmocka_unit_test(messages_that_are_not_copied_are_shown),
        cmocka_unit_test(the_rest_of_a_long_frame_is_left_out),
        cmocka_unit_test(a_trace_shows_the_chosen_peers_alone),
        cmocka_unit_test(datagrams_of_chosen_peers_are_shown),
        cmocka_unit_test(refused_datagrams_are_not_shown),
        cmocka_unit_test(lengths_and_bytes_combine),
        cmocka_unit_test(without_a_log_nothing_happens),
        cmocka_unit_test(a_wrong_trace_is_an_error),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
