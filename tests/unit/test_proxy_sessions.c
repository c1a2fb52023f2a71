/* SPDX-License-Identifier: MIT */
/* test_proxy_sessions.c - sessions behind the filter of the PROXY protocol: what the handler and
 * the log learn, checks of a load balancer, and headers that are cut, end or lack memory
 * anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "fixture.h"
#include "memory_faults.h"
#include "proxy_filter.h"
#include "require.h"
#include "test_filters.h"

#define TEXT(literal) (literal), sizeof(literal) - 1
#define LINE "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LOCAL SIGNATURE "\x20\0\0\0"
#define NAMED                                                      \
    SIGNATURE "\x21\x11\0\x28\xc0\0\2\1\xc6\x33\x64\7\xdc\4\1\xbb" \
              "\2\0\x9"                                            \
              "a.example\5\0\xd"                                   \
              "id \"1\"\0 of 99"

/* ---- the log ---- */

static char logged[8192];

static void note_line(void *user, int level, const char *line)
{
    size_t used = strlen(logged);

    (void)user;
    (void)level;
    snprintf(logged + used, sizeof logged - used, "%s\n", line);
}

static void expect_line(const char *text)
{
    if (!strstr(logged, text)) fail_msg("\"%s\" is not in the log:\n%s", text, logged);
}

/* ---- worlds ---- */

static struct weir_proxy_header header; /* of the session that opened last */
static char peer_text[WEIR_ADDRESS_TEXT_BYTES], via_text[WEIR_ADDRESS_TEXT_BYTES];
static uint32_t opened, closed;
static bool is_proxied; /* weir_session_proxy_header() returned true */

static void on_open(struct weir_session *session)
{
    struct weir_address address;

    opened++;
    weir_address_text(weir_session_peer(session, &address), peer_text, sizeof peer_text);
    via_text[0] = '\0';
    if (weir_session_via(session, &address)) weir_address_text(&address, via_text, sizeof via_text);
    is_proxied = weir_session_proxy_header(session, &header);
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

static void on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    (void)session;
    (void)reason;
    (void)text;
    closed++;
}

static const struct weir_handler handler = {.size = sizeof handler,
                                            .name = "test",
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_close = on_close};

static enum filter_use use = FILTER_USED;

static enum filter_use use_as_set(void *user, const struct weir_address *peer)
{
    (void)user;
    (void)peer;
    return use;
}

static struct filter *filter;

/* With another filter after that of the PROXY protocol; null: without. */
static void open_world_with(struct filter *next)
{
    struct weir_config config = fixture_config();

    config.opening_timeout_ms = 5000;
    config.linger_timeout_ms = 500;
    config.log_level = WEIR_LOG_INFO;
    logged[0] = '\0';
    opened = closed = 0;
    filter = proxy_filter_open(use_as_set, NULL, NULL);
    assert_non_null(filter);
    test_filters_reset();
    test_chain_set(filter, next, NULL);
    fixture_open(&config, &codec_raw, &handler, 1);
    fixture.common.log =
        (struct log){.write = note_line, .muted_count = WEIR_LOG_DETAIL - (int)config.log_level};
}

static void open_world(void)
{
    open_world_with(NULL);
}

static void close_world(void)
{
    fixture_close();
    assert_int_equal(opened, closed);
    test_chain_set(NULL, NULL, NULL);
    filter_unref(filter);
}

static void settle(void)
{
    fixture_run_ms(20);
}

static struct sim_peer *connect_and_send(const char *bytes, size_t length)
{
    struct sim_peer *peer = fixture_connect();

    assert_int_equal(sim_peer_send(peer, bytes, (uint32_t)length), length);
    settle();
    return peer;
}

static void close_peer(struct sim_peer *peer)
{
    sim_peer_close(peer);
    settle();
}

/* ---- what is known of a session ---- */

static void a_line_is_known_to_handler_and_log(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = connect_and_send(TEXT(LINE "hello"));
    assert_int_equal(opened, 1);
    fixture_expect(peer, "hello");
    assert_string_equal(peer_text, "192.0.2.1:56324");
    assert_memory_equal(via_text, "127.0.0.1:", 10);
    assert_true(is_proxied && header.names_client);
    assert_int_equal(header.version, 1);
    assert_int_equal(header.server.port, 443);
    assert_int_equal(header.server.ip[15], 7);
    assert_string_equal(header.authority, "");
    assert_int_equal(header.unique_id_length, 0);
    expect_line("begins: tcp 192.0.2.1:56324 via 127.0.0.1:");
    expect_line(", codec raw, handler test\n");
    close_peer(peer);
    expect_line("ends: peer_done; tcp 192.0.2.1:56324, ");
    close_world();
}

static void authority_and_unique_id_are_known_to_handler_and_log(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = connect_and_send(TEXT(NAMED));
    assert_int_equal(opened, 1);
    assert_int_equal(header.version, 2);
    assert_string_equal(header.authority, "a.example");
    assert_int_equal(header.authority_length, 9);
    assert_int_equal(header.unique_id_length, 13);
    assert_memory_equal(header.unique_id, "id \"1\"\0 of 99\0", 14);
    expect_line(", handler test, authority \"a.example\", unique id \"id \\\"1\\\"\\x00 of 99\"\n");
    struct weir_session *session = fixture_only_session();
    struct weir_proxy_header older; /* of a caller that knows the first member only */
    memset(&older, 0xee, sizeof older);
    assert_true(weir_session_proxy_header_sized(session, &older, sizeof older.version));
    assert_int_equal(older.version, 2);
    assert_int_equal(*(const uint8_t *)&older.names_client, 0xee);
    struct {
        struct weir_proxy_header known;
        uint64_t later;
    } newer = {.later = 1};
    assert_true(weir_session_proxy_header_sized(session, &newer.known, sizeof newer));
    assert_int_equal(newer.later, 0);
    close_peer(peer);
    close_world();
}

static void ask_for_nothing(void *session)
{
    weir_session_proxy_header_sized(session, NULL, 0);
}

static void a_size_of_0_is_misuse(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = connect_and_send(TEXT(LINE));
    require_death(ask_for_nothing, fixture_only_session(),
                  "weir_session_proxy_header fills in a weir_proxy_header");
    close_peer(peer);
    close_world();
}

static void a_session_without_a_header_knows_none(void **state)
{
    (void)state;
    open_world();
    use = FILTER_SKIPPED;
    struct sim_peer *peer = connect_and_send(TEXT(LINE));
    use = FILTER_USED;
    assert_int_equal(opened, 1);
    fixture_expect(peer, LINE);
    assert_false(is_proxied);
    assert_string_equal(header.authority, "");
    assert_string_equal(via_text, "");
    close_peer(peer);
    peer = connect_and_send(TEXT("PROXY UNKNOWN\r\n"));
    assert_true(is_proxied && !header.names_client);
    assert_memory_equal(peer_text, "127.0.0.1:", 10);
    assert_string_equal(via_text, "");
    assert_int_equal(header.server.port, 0);
    close_peer(peer);
    close_world();
}

static void another_filter_follows(void **state)
{
    (void)state;
    open_world_with(&test_filter_line); /* which has nothing for the log */
    struct sim_peer *peer = connect_and_send(TEXT(LINE "GO\nhello"));
    assert_int_equal(opened, 1);
    assert_true(is_proxied);
    fixture_expect(peer, "OK\nhello");
    expect_line("begins: tcp 192.0.2.1:56324 via 127.0.0.1:");
    expect_line(", codec raw, handler test\n");
    close_peer(peer);
    close_world();
}

/* ---- checks ---- */

static void a_check_is_counted_and_not_logged(void **state)
{
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        open_world();
        struct sim_peer *peer = connect_and_send(TEXT(LOCAL));
        if (reset)
            sim_peer_reset(peer);
        else
            sim_peer_finish(peer);
        settle();
        assert_int_equal(fixture_stats().health_checks, 1);
        assert_int_equal(fixture_stats().opening_failed_proxy, 0);
        assert_int_equal(fixture_closed(reset ? WEIR_REASON_RESET : WEIR_REASON_PEER_DONE), 1);
        assert_string_equal(logged, "");
        assert_int_equal(opened, 0);
        close_peer(peer);
        close_world();
    }
}

static void a_check_that_stays_becomes_a_session(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *silent = connect_and_send(TEXT(LOCAL));
    fixture_run_ms(900);
    assert_int_equal(opened, 0);
    fixture_run_ms(200);
    assert_int_equal(opened, 1);
    struct sim_peer *talking = connect_and_send(TEXT(LOCAL "PING"));
    fixture_expect(talking, "PING");
    close_peer(silent);
    close_peer(talking);
    assert_int_equal(fixture_stats().health_checks, 0);
    close_world();
}

/* ---- refused connections ---- */

static void a_refused_peer_gets_the_message(void **state)
{
    (void)state;
    open_world();
    fixture.common.config.reject_message = "not you\n";
    use = FILTER_REFUSED;
    struct sim_peer *peer = fixture_connect();
    settle();
    use = FILTER_USED;
    fixture_expect(peer, "not you\n");
    assert_int_equal(opened, 0);
    close_peer(peer);
    close_world();
}

/* ---- headers that are cut, end or lack memory anywhere ---- */

static void a_header_is_cut_anywhere(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } headers[] = {{TEXT(LINE)}, {TEXT(NAMED)}, {TEXT(LOCAL "PING")}};

    (void)state;
    open_world();
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 1; cut < headers[i].length; cut++) {
            uint32_t before = opened;
            struct sim_peer *peer = connect_and_send(headers[i].bytes, cut);
            if (i < 2) assert_int_equal(opened, before);
            assert_int_equal(
                sim_peer_send(peer, headers[i].bytes + cut, (uint32_t)(headers[i].length - cut)),
                headers[i].length - cut);
            settle();
            assert_int_equal(opened, before + 1);
            close_peer(peer);
        }
    }
    close_world();
}

static void a_peer_is_gone_anywhere(void **state)
{
    (void)state;
    open_world();
    uint64_t failed = 0;
    for (size_t length = 0; length < sizeof NAMED - 1; length++) {
        for (int reset = 0; reset < 2; reset++) {
            struct sim_peer *peer = connect_and_send(NAMED, length);
            if (reset)
                sim_peer_reset(peer);
            else
                sim_peer_finish(peer);
            settle();
            close_peer(peer);
            if (length > 0) failed++;
        }
    }
    assert_int_equal(opened, 0);
    assert_int_equal(fixture_stats().opening_failed_proxy, failed);
    assert_int_equal(fixture_stats().health_checks, 2); /* those that sent nothing */
    close_world();
}

static void memory_is_out_anywhere(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *first = connect_and_send(TEXT(NAMED)); /* the worker has all that it needs */
    close_peer(first);
    for (uint64_t nth = 1;; nth++) {
        uint32_t before = opened;
        struct sim_peer *peer = fixture_connect();
        memory_fail_nth(nth, 0);
        sim_peer_send(peer, TEXT(NAMED "x"));
        fixture_run_ms(600);
        memory_fail_nth(0, 0);
        bool has_opened = opened > before;
        close_peer(peer);
        if (!has_opened) continue;
        assert_true(nth > 3); /* the state, its reader and the facts were denied */
        break;
    }
    assert_true(fixture_closed(WEIR_REASON_EXHAUSTED) >= 3);
    close_world();
}

static void a_bad_header_is_logged(void **state)
{
    (void)state;
    open_world();
    struct sim_peer *peer = connect_and_send(TEXT("GET / HTTP/1.1\r\n\r\n"));
    sim_peer_finish(peer);
    settle();
    expect_line("closing 127.0.0.1:");
    expect_line(": there is no PROXY header: the first bytes are "); /* as many as came together */
    expect_line("ends: proxy (there is no PROXY header: ");
    assert_int_equal(fixture_closed(WEIR_REASON_PROXY), 1);
    assert_int_equal(fixture_stats().opening_failed_proxy, 1);
    assert_int_equal(opened, 0);
    close_peer(peer);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_known_to_handler_and_log),
        cmocka_unit_test(authority_and_unique_id_are_known_to_handler_and_log),
        cmocka_unit_test(a_size_of_0_is_misuse),
        cmocka_unit_test(a_session_without_a_header_knows_none),
        cmocka_unit_test(another_filter_follows),
        cmocka_unit_test(a_check_is_counted_and_not_logged),
        cmocka_unit_test(a_check_that_stays_becomes_a_session),
        cmocka_unit_test(a_refused_peer_gets_the_message),
        cmocka_unit_test(a_header_is_cut_anywhere),
        cmocka_unit_test(a_peer_is_gone_anywhere),
        cmocka_unit_test(memory_is_out_anywhere),
        cmocka_unit_test(a_bad_header_is_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
