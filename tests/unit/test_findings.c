/* SPDX-License-Identifier: MIT */
/* test_findings.c - the rules that say what is wrong with a server: each with figures that provoke
 * its finding, and with figures just below the limit that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings.h"
#include "findings_limits.h"
#include "findings_text.h"

/* The figures of one test, at first those of a healthy server. */
struct test__figures {
    struct weir_stats before, now;
    struct findings_scan scan;
    struct findings_worker workers[2];
    struct findings_handler handler;
    struct findings_group groups[2];
    struct findings_certificate certificate;
    struct findings_input input;
    struct findings findings;
};

static struct test__figures figures;

static int test__set_up(void **state)
{
    (void)state;
    memset(&figures, 0, sizeof figures);
    findings_scan_begin(&figures.scan);
    for (size_t i = 0; i < 2; i++)
        figures.workers[i] = (struct findings_worker){.memory_bytes = 1, .memory_max_bytes = 1000};
    figures.handler = (struct findings_handler){.name = "chat", .listener = "tcp 127.0.0.1:7000"};
    figures.certificate = (struct findings_certificate){"game", 100 * 86400};
    figures.input = (struct findings_input){
        .window_ms = 60000,
        .before = &figures.before,
        .now = &figures.now,
        .sessions_max = 1000,
        .workers = figures.workers,
        .workers_count = 2,
        .handlers = &figures.handler,
        .handlers_count = 1,
        .groups = figures.groups,
        .groups_count = 2,
        .certificates = &figures.certificate,
        .certificates_count = 1,
        .now_unix_s = 86400,
        .scan = &figures.scan,
    };
    return 0;
}

/* Runs all rules. Returns the finding with this id; null: there is none. */
static const struct finding *test__find(const char *id)
{
    findings_collect(&figures.input, &figures.findings);
    for (size_t i = 0; i < figures.findings.count; i++)
        if (strcmp(figures.findings.items[i].id, id) == 0) return &figures.findings.items[i];
    return NULL;
}

static void test__assert_none(void)
{
    findings_collect(&figures.input, &figures.findings);
    if (figures.findings.count > 0) print_error("%s\n", figures.findings.items[0].text);
    assert_int_equal(figures.findings.count, 0);
}

static void test__assert_found(const char *id, const char *setting, const char *text,
                               const char *evidence)
{
    const struct finding *finding = test__find(id);

    assert_non_null(finding);
    assert_int_equal(figures.findings.count, 1);
    assert_string_equal(finding->text, text);
    assert_string_equal(finding->evidence, evidence);
    assert_string_equal(finding->setting, setting);
    assert_true(strlen(finding->advice) > 0);
}

/* A session of a peer with this last byte of its IPv4 address. */
static struct findings_session test__session(uint64_t id, uint8_t last)
{
    struct findings_session session = {.id = id, .deadline_ms = UINT64_MAX};

    assert_true(weir_address_parse("203.0.113.1:4711", &session.peer));
    session.peer.ip[15] = last;
    return session;
}

static void test__add_sessions(uint64_t count, uint8_t last)
{
    for (uint64_t i = 0; i < count; i++) {
        struct findings_session session = test__session(i + 1, last);
        findings_scan_add(&figures.scan, &session);
    }
}

/* ---- in general ---- */

static void a_healthy_server_has_no_findings(void **state)
{
    (void)state;
    test__assert_none();
    figures.now.closed_by_reason[WEIR_REASON_PEER_DONE] = 1000;
    figures.now.closed_by_reason[WEIR_REASON_APPLICATION] = 1000;
    figures.now.accepted = 2000;
    for (uint8_t i = 0; i < 200; i++) test__add_sessions(1, i);
    test__assert_none();
}

static void missing_figures_leave_out_rules(void **state)
{
    (void)state;
    figures.input = (struct findings_input){.before = &figures.before, .now = &figures.now};
    test__assert_none();
}

static void the_most_severe_finding_is_first(void **state)
{
    (void)state;
    figures.now.refused_denied = 100;  /* a note */
    figures.now.refused_full = 100;    /* critical */
    figures.now.refused_address = 100; /* a warning */
    findings_collect(&figures.input, &figures.findings);
    assert_int_equal(figures.findings.count, 3);
    assert_string_equal(figures.findings.items[0].id, "refused_full");
    assert_string_equal(figures.findings.items[1].id, "refused_address");
    assert_string_equal(figures.findings.items[2].id, "refused_denied");
    assert_string_equal(findings_severity_text(figures.findings.items[0].severity), "critical");
    assert_string_equal(findings_severity_text(figures.findings.items[1].severity), "warning");
    assert_string_equal(findings_severity_text(figures.findings.items[2].severity), "note");
    assert_string_equal(findings_severity_text((enum findings_severity)9), "unknown");
}

static void more_findings_than_there_is_room_for_are_left_out(void **state)
{
    static const struct findings_head head = {"x", FINDINGS_NOTE, "", "y"};

    (void)state;
    for (size_t i = 0; i < FINDINGS_MAX + 2; i++)
        findings_say(findings_add(&figures.findings, &head), "%zu", i);
    assert_int_equal(figures.findings.count, FINDINGS_MAX);
    assert_string_equal(figures.findings.items[FINDINGS_MAX - 1].text, "31");
}

/* ---- sessions ---- */

static void a_peer_that_does_not_read_is_found(void **state)
{
    struct findings_session session = test__session(0x812, 9);

    (void)state;
    session.pause = WEIR_PAUSE_QUEUE;
    session.queued_bytes = 65536;
    session.paused_ms = FINDINGS_NOT_READING_MS - 1;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
    session.paused_ms = 40000;
    findings_scan_add(&figures.scan, &session);
    test__assert_found("peer_not_reading", "send-timeout",
                       "Session 0000000000000812 of 203.0.113.9:4711 has been paused for 40 s "
                       "because its peer does not read.",
                       "Its send queue holds 64 KiB. No timeout will close it.");
    assert_int_equal(figures.findings.items[0].session, 0x812);
}

static void the_session_that_was_paused_longest_is_named(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.pause = WEIR_PAUSE_QUEUE;
    session.deadline_ms = 20000;
    session.deadline_reason = WEIR_REASON_STALLED;
    for (uint64_t i = 0; i < 3; i++) {
        session.id = i + 1;
        session.paused_ms = i == 1 ? 9000 : 5000;
        findings_scan_add(&figures.scan, &session);
    }
    assert_int_equal(test__find("peer_not_reading")->session, 2);
    assert_string_equal(figures.findings.items[0].evidence,
                        "Its send queue holds 0 bytes. It is closed in 20 s (stalled) unless that "
                        "changes. 2 other sessions are in the same state.");
}

static void a_pause_for_another_reason_is_not_a_peer_that_does_not_read(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.pause = WEIR_PAUSE_GROUP;
    session.paused_ms = 100000;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
}

static void a_peer_above_its_rate_is_found(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    figures.before.pauses_rate = 5;
    figures.now.pauses_rate = 12;
    session.pause = WEIR_PAUSE_RATE;
    session.paused_ms = FINDINGS_RATE_PAUSED_MS - 1;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
    session.paused_ms = FINDINGS_RATE_PAUSED_MS;
    findings_scan_add(&figures.scan, &session);
    test__assert_found("over_rate", "rate",
                       "Session 0000000000000001 of 203.0.113.9:4711 has been paused for 1 s "
                       "because its peer sends more than its rate allows.",
                       "Reading paused 7 times for this reason in the last 60 s.");
}

static void a_slow_frame_is_found(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.partial_bytes = 60;
    session.partial_ms = FINDINGS_SLOW_FRAME_MS - 1;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
    session.partial_ms = 20000;
    session.deadline_ms = 10000;
    session.deadline_reason = WEIR_REASON_FRAME;
    findings_scan_add(&figures.scan, &session);
    test__assert_found("slow_frame", "frame-timeout",
                       "Session 0000000000000001 of 203.0.113.9:4711 sends a frame with 3 bytes a "
                       "second.",
                       "The frame has been incomplete for 20 s, with 60 bytes so far. It is closed "
                       "in 10 s (frame) unless that changes.");
}

static void a_frame_that_stopped_is_found(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.partial_bytes = 1;
    session.partial_ms = 20000;
    findings_scan_add(&figures.scan, &session);
    findings_scan_add(&figures.scan, &session);
    test__assert_found(
        "slow_frame", "frame-timeout",
        "Session 0000000000000001 of 203.0.113.9:4711 began a frame, and hardly "
        "sends the rest.",
        "The frame has been incomplete for 20 s, with 1 byte so far. No timeout will "
        "close it. 1 other session is in the same state.");
}

static void a_large_frame_on_its_way_is_not_slow(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.partial_ms = 20000;
    session.partial_bytes = FINDINGS_SLOW_FRAME_BYTES_PER_S * 20;
    findings_scan_add(&figures.scan, &session);
    session.partial_bytes = 1; /* but nothing is read */
    session.pause = WEIR_PAUSE_GROUP;
    findings_scan_add(&figures.scan, &session);
    session.partial_bytes = 0;
    session.pause = WEIR_PAUSE_NONE;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
}

static void a_session_that_its_handler_forgot_is_found(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    session.pause = WEIR_PAUSE_HANDLER;
    session.paused_ms = FINDINGS_HANDLER_PAUSED_MS - 1;
    findings_scan_add(&figures.scan, &session);
    test__assert_none();
    session.paused_ms = 180000;
    findings_scan_add(&figures.scan, &session);
    test__assert_found("paused_by_handler", "",
                       "Session 0000000000000001 of 203.0.113.9:4711 has been paused by its "
                       "handler for 3 min.",
                       "weir_session_pause() was called, and nothing has resumed it.");
}

static void an_address_with_an_unusual_share_is_found(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 9; i++) test__add_sessions(1, (uint8_t)(100 + i));
    test__add_sessions(FINDINGS_ADDRESS_SESSIONS_MIN - 1, 9); /* half, but too few */
    test__assert_none();
    test__add_sessions(2, 9);
    test__assert_found("address_share", "max-sessions-per-address",
                       "55 % of all sessions belong to one address, 203.0.113.9.",
                       "It has at least 11 of 20 open sessions.");
}

static void a_smaller_share_of_many_sessions_is_found(void **state)
{
    (void)state;
    test__add_sessions(99, 9); /* one more would be many */
    for (uint8_t i = 0; i < 100; i++) test__add_sessions(2, (uint8_t)(100 + i));
    test__assert_none();
    test__add_sessions(20, 9);
    assert_non_null(test__find("address_share"));
}

static void all_sessions_of_one_address_look_like_a_load_balancer(void **state)
{
    (void)state;
    test__add_sessions(10, 9);
    test__assert_found("address_share", "max-sessions-per-address",
                       "All sessions belong to one address, 203.0.113.9.",
                       "It has at least 10 of 10 open sessions.");
}

static void a_network_of_ipv6_counts_as_one_address(void **state)
{
    struct findings_session session = test__session(1, 9);

    (void)state;
    for (uint16_t i = 0; i < 10; i++) {
        char text[64];
        snprintf(text, sizeof text, "[2001:db8:0:1::%x]:80", i + 1);
        assert_true(weir_address_parse(text, &session.peer));
        findings_scan_add(&figures.scan, &session);
    }
    test__assert_found("address_share", "max-sessions-per-address",
                       "All sessions belong to one address, 2001:db8:0:1::/64.",
                       "It has at least 10 of 10 open sessions.");
}

static void unix_sockets_have_no_address(void **state)
{
    struct findings_session session = {.peer = {.path_bytes = 1}};

    (void)state;
    for (size_t i = 0; i < 20; i++) findings_scan_add(&figures.scan, &session);
    test__assert_none();
    assert_null(findings_scan_address(&figures.scan));
}

static void a_frequent_address_is_found_among_more_than_are_counted(void **state)
{
    struct findings_session session = test__session(1, 0);

    (void)state;
    for (uint32_t i = 0; i < 10000; i++) { /* every second one is of the same address */
        session.peer.ip[12] = i % 2 ? 203 : 10;
        session.peer.ip[13] = i % 2 ? 0 : (uint8_t)(i >> 8);
        session.peer.ip[14] = i % 2 ? 113 : (uint8_t)i;
        session.peer.ip[15] = i % 2 ? 9 : (uint8_t)(i >> 4);
        findings_scan_add(&figures.scan, &session);
    }
    const struct findings_address *most = findings_scan_address(&figures.scan);
    assert_non_null(most);
    assert_string_equal(findings_network(&most->peer).text, "203.0.113.9");
    assert_in_range(most->count, 5000 - 10000 / (FINDINGS_ADDRESSES_MAX + 1), 5000);
}

/* ---- durations ---- */

static void a_slow_handler_is_found(void **state)
{
    struct findings_durations *took = &figures.handler.durations;

    (void)state;
    *took = (struct findings_durations){FINDINGS_HANDLER_SAMPLES_MIN, 80000,
                                        FINDINGS_HANDLER_P99_NS - 1};
    test__assert_none();
    *took = (struct findings_durations){FINDINGS_HANDLER_SAMPLES_MIN - 1, 80000, 12000000};
    test__assert_none();
    took->count = 100;
    test__assert_found("handler_slow", "workers", "Handler chat took 12 ms at p99.",
                       "Of its callbacks in the last 60 s, on tcp 127.0.0.1:7000, 100 were "
                       "measured: p50 is 80 us, p99 is 12 ms.");
}

static void a_handler_that_blocks_is_found(void **state)
{
    (void)state;
    figures.before.handlers_blocked = figures.now.handlers_blocked = 7;
    test__assert_none();
    figures.now.handlers_blocked = 8;
    test__assert_found("handler_blocks", "handler-warn",
                       "Callbacks of a handler blocked a worker for longer than handler-warn.",
                       "That happened 1 time in the last 60 s.");
}

static void a_worker_that_does_not_answer_is_found(void **state)
{
    (void)state;
    figures.workers[1].silent_ms = FINDINGS_SILENT_MS - 1;
    test__assert_none();
    figures.workers[1].silent_ms = 12000;
    test__assert_found("worker_silent", "handler-warn",
                       "Worker 1 has not answered for 12 s: it serves no session.",
                       "Its event loop has not run a command that has waited for 12 s.");
    figures.workers[0].silent_ms = 3000;
    assert_non_null(test__find("worker_silent"));
    assert_non_null(strstr(figures.findings.items[0].evidence, " 1 other worker is silent."));
}

static void loop_lag_is_found(void **state)
{
    (void)state;
    figures.input.loop =
        (struct findings_durations){FINDINGS_LOOP_SAMPLES_MIN, 1500000, FINDINGS_LOOP_P99_NS - 1};
    test__assert_none();
    figures.input.loop.p99_ns = 250000000;
    figures.input.loop.count = FINDINGS_LOOP_SAMPLES_MIN - 1;
    test__assert_none();
    figures.input.loop.count = 5000;
    test__assert_found("loop_lag", "workers",
                       "The event loops lag: one iteration in a hundred takes 250 ms or more.",
                       "In the last 60 s there were 5000 iterations, with a p99 of 250 ms.");
}

static void a_busy_worker_is_found(void **state)
{
    (void)state;
    figures.workers[1].busy_ms = 60000 / 100 * FINDINGS_BUSY_PERCENT - 1;
    test__assert_none();
    figures.workers[1].busy_ms = 58000;
    test__assert_found("loop_busy", "workers", "Worker 1 is busy for 96 % of the time.",
                       "In the last 60 s it spent 58 s in loop iterations.");
    figures.input.window_ms = FINDINGS_BUSY_WINDOW_MIN_MS - 1; /* the server has just started */
    test__assert_none();
}

/* ---- load ---- */

static void a_worker_whose_memory_is_nearly_full_is_found(void **state)
{
    struct findings_worker *worker = &figures.workers[1];

    (void)state;
    *worker = (struct findings_worker){.memory_bytes = 799, .memory_max_bytes = 1000};
    test__assert_none();
    *worker = (struct findings_worker){.memory_bytes = 7 << 20, .memory_max_bytes = 8 << 20};
    test__assert_found("memory_high", "memory", "Worker 1 uses 87 % of its memory.",
                       "Its sessions, queues and buffers hold 7 MiB of 8 MiB.");
    assert_int_equal(figures.findings.items[0].severity, FINDINGS_WARNING);
    worker->memory_bytes = 8 << 20;
    assert_int_equal(test__find("memory_high")->severity, FINDINGS_CRITICAL);
    worker->memory_max_bytes = 0; /* not limited */
    test__assert_none();
}

static void the_limit_that_refuses_connections_is_found(void **state)
{
    static const struct {
        size_t offset;
        const char *id, *setting, *text;
    } cases[] = {
        {offsetof(struct weir_stats, refused_full), "refused_full", "max-sessions",
         "Connections are refused: max-sessions sessions are open."},
        {offsetof(struct weir_stats, refused_address), "refused_address",
         "max-sessions-per-address",
         "Connections are refused: their address has max-sessions-per-address sessions."},
        {offsetof(struct weir_stats, refused_rate), "refused_rate", "accept-rate",
         "Connections are refused: more arrive than accept-rate allows."},
        {offsetof(struct weir_stats, refused_denied), "refused_denied", "deny",
         "Connections are refused: the lists allow and deny exclude their addresses."},
        {offsetof(struct weir_stats, refused_failed), "refused_failed", "memory",
         "Connections are refused: no session could be made for them."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test__set_up(NULL);
        uint64_t *before = (uint64_t *)((char *)&figures.before + cases[i].offset);
        uint64_t *now = (uint64_t *)((char *)&figures.now + cases[i].offset);
        *before = 100;
        *now = 100 + FINDINGS_REFUSED_MIN - 1;
        figures.now.accepted = 3;
        test__assert_none();
        ++*now;
        test__assert_found(cases[i].id, cases[i].setting, cases[i].text,
                           "5 were refused for this reason in the last 60 s; 3 were accepted.");
    }
}

static void a_nearly_full_server_is_found(void **state)
{
    (void)state;
    figures.now.open = 899;
    test__assert_none();
    figures.now.open = 900;
    test__assert_found("sessions_nearly_full", "max-sessions",
                       "90 % of the possible sessions are open.", "900 of 1000 sessions are open.");
}

static void exhausted_resources_are_found(void **state)
{
    static const struct {
        size_t offset;
        const char *id, *setting, *evidence;
    } cases[] = {
        {offsetof(struct weir_stats, pauses_no_files), "out_of_files", "max-sessions",
         "Accepting paused 1 time in the last 60 s."},
        {offsetof(struct weir_stats, pauses_no_buffers), "out_of_buffers", "buffer-memory",
         "Receiving paused 1 time in the last 60 s."},
        {offsetof(struct weir_stats, commands_refused), "mailbox_full", "mailbox",
         "A command was refused 1 time in the last 60 s."},
        {offsetof(struct weir_stats, log_lines_lost), "log_lost", "log-rate",
         "A line was not written 1 time in the last 60 s."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test__set_up(NULL);
        *(uint64_t *)((char *)&figures.before + cases[i].offset) = 50;
        *(uint64_t *)((char *)&figures.now + cases[i].offset) = 50;
        test__assert_none();
        *(uint64_t *)((char *)&figures.now + cases[i].offset) = 51;
        assert_non_null(test__find(cases[i].id));
        assert_int_equal(figures.findings.count, 1);
        assert_string_equal(figures.findings.items[0].setting, cases[i].setting);
        assert_string_equal(figures.findings.items[0].evidence, cases[i].evidence);
    }
}

static void dropped_datagrams_are_found(void **state)
{
    (void)state;
    figures.now.datagrams_in = 1000;
    figures.now.dropped_rate = FINDINGS_DATAGRAMS_DROPPED_MIN - 1;
    test__assert_none();
    figures.now.datagrams_in = 100000; /* a small part */
    figures.now.dropped_rate = 1000;
    test__assert_none();
    figures.now.datagrams_in = 600;
    figures.now.datagrams_out = 300;
    figures.now.dropped_rate = 60;
    figures.now.dropped_paused = 40;
    test__assert_found("datagrams_dropped", "udp-peers-max", "10 % of the datagrams are dropped.",
                       "100 were dropped in the last 60 s; 900 were received or sent.");
}

/* ---- ends ---- */

static void a_reason_that_dominates_closes_is_found(void **state)
{
    uint64_t *before = figures.before.closed_by_reason, *now = figures.now.closed_by_reason;

    (void)state;
    before[WEIR_REASON_FIRST_BYTE] = 1000;
    now[WEIR_REASON_FIRST_BYTE] = 1010;
    now[WEIR_REASON_PEER_DONE] = FINDINGS_CLOSES_MIN - 11; /* too few in all */
    test__assert_none();
    now[WEIR_REASON_PEER_DONE] = 11; /* fewer than half */
    test__assert_none();
    now[WEIR_REASON_PEER_DONE] = 10;
    test__assert_found("closes_dominated", "first-byte-timeout",
                       "Half of all closes are first-byte timeouts.",
                       "10 of 20 sessions that ended in the last 60 s have the reason first_byte.");
    now[WEIR_REASON_PEER_DONE] = 5;
    now[WEIR_REASON_FIRST_BYTE] = 1020;
    assert_string_equal(test__find("closes_dominated")->text,
                        "80 % of all closes are first-byte timeouts.");
    now[WEIR_REASON_PEER_DONE] = 0;
    assert_string_equal(test__find("closes_dominated")->text,
                        "Nearly all closes are first-byte timeouts.");
}

static void normal_ends_never_dominate(void **state)
{
    static const enum weir_reason normal[] = {WEIR_REASON_PEER_DONE, WEIR_REASON_APPLICATION,
                                              WEIR_REASON_DRAIN, WEIR_REASON_SHUTDOWN,
                                              WEIR_REASON_REPLACED};

    (void)state;
    for (size_t reason = 1; reason < WEIR_REASONS_COUNT; reason++) {
        bool is_normal = false;
        for (size_t i = 0; i < sizeof normal / sizeof normal[0]; i++)
            is_normal |= reason == (size_t)normal[i];
        test__set_up(NULL);
        figures.now.closed_by_reason[reason] = 100;
        assert_int_equal(test__find("closes_dominated") == NULL, is_normal);
    }
}

static void openings_that_fail_are_found(void **state)
{
    static const struct {
        size_t offset;
        const char *setting, *text;
    } cases[] = {
        {offsetof(struct weir_stats, opening_failed_proxy), "proxy-from",
         "25 % of new connections fail at the PROXY header."},
        {offsetof(struct weir_stats, opening_failed_tls), "tls-cert",
         "25 % of new connections fail at the TLS handshake."},
        {offsetof(struct weir_stats, opening_failed_websocket), "listen",
         "25 % of new connections fail at the WebSocket request."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test__set_up(NULL);
        uint64_t *failed = (uint64_t *)((char *)&figures.now + cases[i].offset);
        *failed = FINDINGS_OPENING_FAILED_MIN - 1;
        figures.now.accepted = 20;
        test__assert_none();
        *failed = FINDINGS_OPENING_FAILED_MIN;
        figures.now.accepted = 81;
        test__assert_none();
        figures.now.accepted = 80;
        test__assert_found("opening_fails", cases[i].setting, cases[i].text,
                           "20 failed in the last 60 s, and 80 were accepted.");
    }
}

static void a_group_whose_members_miss_messages_is_found(void **state)
{
    (void)state;
    figures.now.broadcasts_offered = 1000;
    figures.now.broadcasts_dropped_closed = 1000; /* members that ended */
    figures.now.broadcasts_dropped_full = FINDINGS_GROUP_DROPPED_MIN - 1;
    figures.groups[0] = (struct findings_group){"a", 1, 3, 100, 5};
    figures.groups[1] = (struct findings_group){"lob\x1b\"by", 7, 3, 900, 300};
    test__assert_none();
    figures.now.broadcasts_offered = 10000; /* dropped: below 1 % */
    figures.now.broadcasts_dropped_full = 99;
    test__assert_none();
    figures.now.broadcasts_offered = 1000;
    test__assert_found("group_dropping", "broadcast-policy",
                       "Members of the group \"lob\\x1b\\\"by\" miss messages.",
                       "99 of 1000 messages for members were dropped in the last 60 s (9 %). Since "
                       "it exists, the group has dropped 300 of 900 for its members, now 3.");
}

static void dropped_broadcasts_are_found_without_a_list_of_groups(void **state)
{
    (void)state;
    figures.input.groups_count = 0;
    figures.now.broadcasts_offered = 1000;
    figures.now.broadcasts_dropped_full = 10;
    figures.now.broadcasts_dropped_reply = 10;
    test__assert_found("group_dropping", "broadcast-policy", "Members of groups miss messages.",
                       "20 of 1000 messages for members were dropped in the last 60 s (2 %).");
}

static void a_certificate_that_expires_is_found(void **state)
{
    (void)state;
    figures.certificate.expires_unix_s = 86400 + FINDINGS_CERTIFICATE_DAYS * 86400;
    test__assert_none();
    figures.certificate.expires_unix_s = 0; /* not known */
    test__assert_none();
    figures.certificate.expires_unix_s = 86400 + 5 * 86400;
    test__assert_found("certificate_expires", "tls-cert",
                       "The certificate of the TLS settings \"game\" expires soon.",
                       "It is valid for 5 days.");
    figures.certificate.expires_unix_s = 86400 - 10;
    test__assert_found("certificate_expires", "tls-cert",
                       "The certificate of the TLS settings \"game\" has expired.",
                       "It expired 10 s ago.");
    assert_int_equal(figures.findings.items[0].severity, FINDINGS_CRITICAL);
}

static void a_failed_reload_is_found(void **state)
{
    (void)state;
    figures.input.reload_error = "weir.yaml:3:5: unknown key \"idle\"\x1b[2J";
    test__assert_found("reload_failed", "config", "The last reload of the settings failed.",
                       "weir.yaml:3:5: unknown key \"idle\"?[2J");
    figures.input.reload_error = NULL;
    figures.input.needs_restart_count = 1;
    test__assert_found("needs_restart", "config",
                       "The configuration file has changes that need a restart.",
                       "1 setting differs from the running server.");
}

/* ---- words ---- */

/* ---- the cluster ---- */

static struct weir_cluster_stats cluster_before, cluster_now;

static void test__join_cluster(void)
{
    memset(&cluster_before, 0, sizeof cluster_before);
    memset(&cluster_now, 0, sizeof cluster_now);
    cluster_now.state = WEIR_CLUSTER_CONNECTED;
    figures.input.cluster_before = &cluster_before;
    figures.input.cluster = &cluster_now;
}

static void a_broker_that_is_away_is_found(void **state)
{
    (void)state;
    test__join_cluster();
    test__assert_none();
    cluster_now.state = WEIR_CLUSTER_CONNECTING;
    cluster_now.disconnects = 1;
    cluster_before.dropped_away = 1;
    cluster_now.dropped_away = 8;
    test__assert_found("broker_away", "cluster",
                       "The broker of the cluster is away: this node is alone.",
                       "The connection was lost 1 time; 7 messages for other nodes were dropped in "
                       "the last 60 s.");
}

static void a_node_number_in_use_is_found(void **state)
{
    (void)state;
    test__join_cluster();
    cluster_before.conflicts = cluster_now.conflicts = 2; /* before the window */
    test__assert_none();
    cluster_now.conflicts = 3;
    test__assert_found("node_conflict", "node",
                       "Another node of the cluster has the number of this one.",
                       "It was seen 3 times since the start.");
    cluster_now.state = WEIR_CLUSTER_REFUSED;
    assert_int_equal(test__find("node_refused")->severity, FINDINGS_CRITICAL);
}

static void messages_that_a_cluster_loses_are_found(void **state)
{
    static const struct {
        size_t member;
        const char *id;
    } cases[] = {
        {offsetof(struct weir_cluster_stats, dropped_queue), "cluster_queue_full"},
        {offsetof(struct weir_cluster_stats, dropped_write), "cluster_broker_slow"},
        {offsetof(struct weir_cluster_stats, dropped_too_large), "cluster_too_large"},
        {offsetof(struct weir_cluster_stats, groups_refused), "cluster_groups_full"},
        {offsetof(struct weir_cluster_stats, refused_mailbox), "cluster_mailbox_full"},
        {offsetof(struct weir_cluster_stats, slow_consumer), "cluster_slow_consumer"},
        {offsetof(struct weir_cluster_stats, gaps), "cluster_gaps"},
        {offsetof(struct weir_cluster_stats, refused_malformed), "cluster_malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test__join_cluster();
        *(uint64_t *)(void *)((char *)&cluster_now + cases[i].member) = 1;
        assert_non_null(test__find(cases[i].id));
        assert_int_equal(figures.findings.count, 1);
    }
    cluster_now = (struct weir_cluster_stats){
        .state = WEIR_CLUSTER_CONNECTED, .slow_consumer = 5, .gaps = 5}; /* the same messages */
    assert_null(test__find("cluster_gaps"));
    assert_non_null(test__find("cluster_slow_consumer"));
}

static void long_names_are_cut(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'n', sizeof name);
    assert_string_equal(findings_name(name, sizeof name).text,
                        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...");
    memset(name, 1, sizeof name);
    assert_true(strlen(findings_name(name, sizeof name).text) < 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, test__set_up)
        TEST(a_healthy_server_has_no_findings),
        TEST(missing_figures_leave_out_rules),
        TEST(the_most_severe_finding_is_first),
        TEST(more_findings_than_there_is_room_for_are_left_out),
        TEST(a_peer_that_does_not_read_is_found),
        TEST(the_session_that_was_paused_longest_is_named),
        TEST(a_pause_for_another_reason_is_not_a_peer_that_does_not_read),
        TEST(a_peer_above_its_rate_is_found),
        TEST(a_slow_frame_is_found),
        TEST(a_frame_that_stopped_is_found),
        TEST(a_large_frame_on_its_way_is_not_slow),
        TEST(a_session_that_its_handler_forgot_is_found),
        TEST(an_address_with_an_unusual_share_is_found),
        TEST(a_smaller_share_of_many_sessions_is_found),
        TEST(all_sessions_of_one_address_look_like_a_load_balancer),
        TEST(a_network_of_ipv6_counts_as_one_address),
        TEST(unix_sockets_have_no_address),
        TEST(a_frequent_address_is_found_among_more_than_are_counted),
        TEST(a_slow_handler_is_found),
        TEST(a_handler_that_blocks_is_found),
        TEST(a_worker_that_does_not_answer_is_found),
        TEST(loop_lag_is_found),
        TEST(a_busy_worker_is_found),
        TEST(a_worker_whose_memory_is_nearly_full_is_found),
        TEST(the_limit_that_refuses_connections_is_found),
        TEST(a_nearly_full_server_is_found),
        TEST(exhausted_resources_are_found),
        TEST(dropped_datagrams_are_found),
        TEST(a_reason_that_dominates_closes_is_found),
        TEST(normal_ends_never_dominate),
        TEST(openings_that_fail_are_found),
        TEST(a_group_whose_members_miss_messages_is_found),
        TEST(dropped_broadcasts_are_found_without_a_list_of_groups),
        TEST(a_certificate_that_expires_is_found),
        TEST(a_failed_reload_is_found),
        TEST(a_broker_that_is_away_is_found),
        TEST(a_node_number_in_use_is_found),
        TEST(messages_that_a_cluster_loses_are_found),
        TEST(long_names_are_cut),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
