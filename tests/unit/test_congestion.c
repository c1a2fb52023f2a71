/* SPDX-License-Identifier: MIT */
/* test_congestion.c - a fast speaker, and members that read slowly or not at all: who waits, what
 * arrives, and what is lost. The handler is the built-in chat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/frame.h>

#include "builtin.h"
#include "check.h"
#include "fixture.h"
#include "require.h"
#include "thread.h"

#define READERS 10
#define LINES 50000
#define HEAD_BYTES_MAX 400

static struct weir_frame *lines_frame;
static struct sim_peer *readers[READERS], *speaker;
static uint32_t lines_read[READERS]; /* of the speaker's lines, in order */
static char rest[READERS][HEAD_BYTES_MAX];
static uint32_t lines_sent;

/* ---- the world ---- */

static void open_world(const struct weir_config *config, bool own_thread)
{
    require(weir_frame_open("line,max=1k", &lines_frame, NULL) == WEIR_OK);
    memset(lines_read, 0, sizeof lines_read);
    memset(rest, 0, sizeof rest);
    lines_sent = 0;
    fixture_open(config, weir_frame_codec(lines_frame), &handler_chat, 41);
    if (own_thread) fixture.loop.worker.thread = thread_self();
    for (int i = 0; i < READERS; i++) readers[i] = fixture_connect();
    speaker = fixture_connect();
    fixture_run_ms(20);
}

static void close_world(void)
{
    for (int i = 0; i < READERS; i++)
        if (readers[i]) sim_peer_close(readers[i]);
    if (speaker) sim_peer_close(speaker);
    fixture_close();
    weir_frame_free(lines_frame);
}

/* Sends lines "n NUMBER padding" as the window takes them. */
static void speak(uint32_t count)
{
    char line[100];

    for (uint32_t i = 0; i < count && lines_sent < LINES; i++) {
        int length = snprintf(line, sizeof line, "n %u %050u\n", lines_sent, lines_sent);
        if (sim_peer_send(speaker, line, (uint32_t)length) < (uint32_t)length) {
            fail_msg("a part of a line was sent");
            return;
        }
        lines_sent++;
    }
}

/* The speaker's window has room for this many whole lines. */
static uint32_t speaker_room(void)
{
    return 60;
}

static void note_line(int reader, const char *line)
{
    const char *number = strstr(line, ": n ");
    unsigned n;

    if (!number || sscanf(number, ": n %u", &n) != 1) return; /* a notice */
    assert_int_equal(n, lines_read[reader]);
    lines_read[reader]++;
}

/* Reads up to `bytes_max` bytes, and checks that the speaker's lines come one after the other. */
static void read_lines(int reader, uint32_t bytes_max)
{
    char bytes[8192 + HEAD_BYTES_MAX], *start = bytes, *end;
    size_t kept = strlen(rest[reader]);

    memcpy(bytes, rest[reader], kept);
    uint32_t count = sim_peer_receive(readers[reader], bytes + kept, bytes_max);
    bytes[kept + count] = '\0';
    while ((end = strchr(start, '\n')) != NULL) {
        *end = '\0';
        note_line(reader, start);
        start = end + 1;
    }
    require(strlen(start) < HEAD_BYTES_MAX);
    memcpy(rest[reader], start, strlen(start) + 1);
}

/* The speaker sends as fast as it can; each reader reads `bytes_each` per iteration. */
static void speak_and_read(uint32_t bytes_each, int iterations_max)
{
    uint32_t done = 0;

    for (int i = 0; i < iterations_max && done < READERS; i++) {
        if (sim_peer_unread(speaker) > 0) {
            char bytes[1024];
            sim_peer_receive(speaker, bytes, sizeof bytes);
        }
        fixture_iterate(FIXTURE_MS);
        uint64_t messages = fixture_stats().messages_in;
        if (messages + speaker_room() * 4 > lines_sent) speak(speaker_room());
        done = 0;
        for (int r = 0; r < READERS; r++) {
            if (!readers[r]) {
                done++;
                continue;
            }
            read_lines(r, bytes_each);
            done += lines_read[r] == LINES;
        }
    }
}

/* ---- readers that read ---- */

static void readers_that_read_miss_nothing(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    for (int own = 0; own <= 1; own++) { /* through the mailbox, as from another worker; directly */
        config.sessions_max = 30;
        config.send_timeout_ms = 60000;
        open_world(&config, own);
        /* The speaker is faster, also if a reader takes a whole TLS record at a time. */
        speak_and_read(1000, FIXTURE_ITERATIONS_MAX);
        for (int r = 0; r < READERS; r++) assert_int_equal(lines_read[r], LINES);
        assert_int_equal(fixture_stats().closed, 0);
        assert_int_equal(fixture_stats().sends_dropped, 0);
        assert_true(fixture_stats().pauses_group > 0);
        close_world();
    }
}

/* ---- readers that do not ---- */

static void stop_reading(enum weir_broadcast_policy policy)
{
    struct weir_config config = fixture_config();

    config.sessions_max = 30;
    config.send_timeout_ms = 2000;
    config.broadcast_policy = policy;
    open_world(&config, true);
    for (int i = 0; i < 20000 && fixture_stats().pauses_group == 0; i++) {
        fixture_iterate(FIXTURE_MS);
        if (fixture_stats().messages_in + 200 > lines_sent) speak(60);
        for (int r = 1; r < READERS; r++) read_lines(r, 8000);
    }
    assert_int_equal(fixture_stats().pauses_group, 1);
}

static void a_speaker_waits_for_a_member_that_does_not_read(void **state)
{
    (void)state;
    stop_reading(WEIR_BROADCAST_DROP_NEWEST);
    uint64_t messages = fixture_stats().messages_in;
    for (int i = 0; i < 100; i++) {
        fixture_run_ms(10);
        for (int r = 1; r < READERS; r++) read_lines(r, 8000);
    }
    assert_int_equal(fixture_stats().messages_in, messages); /* a second has passed */
    assert_int_equal(fixture_stats().sends_dropped, 0);
    for (int i = 0; i < 500; i++) {
        fixture_run_ms(10);
        if (fixture_stats().messages_in + 200 > lines_sent) speak(60);
        for (int r = 1; r < READERS; r++) read_lines(r, 8000);
    }
    assert_true(fixture_stats().messages_in > messages + 500); /* it no longer waits */
    /* It is closed because it took nothing, or misses lines. */
    assert_true(fixture_closed(WEIR_REASON_STALLED) + fixture_stats().sends_dropped > 0);
    for (int r = 2; r < READERS; r++) assert_int_equal(lines_read[r], lines_read[1]);
    assert_int_equal(fixture_stats().pauses_group, 1);
    close_world();
}

static void a_member_that_does_not_read_is_disconnected(void **state)
{
    (void)state;
    stop_reading(WEIR_BROADCAST_DISCONNECT);
    for (int i = 0; i < 500; i++) {
        fixture_run_ms(10);
        if (fixture_stats().messages_in + 200 > lines_sent) speak(60);
        for (int r = 1; r < READERS; r++) read_lines(r, 8000);
    }
    assert_int_equal(fixture_stats().closed, 1);
    assert_int_equal(fixture_closed(WEIR_REASON_SLOW_READER) + fixture_closed(WEIR_REASON_STALLED),
                     1);
    assert_int_equal(fixture_stats().sends_dropped, 0);
    for (int r = 2; r < READERS; r++) assert_int_equal(lines_read[r], lines_read[1]);
    close_world();
}

/* ---- the waiting speaker ---- */

static void what_a_speaker_said_before_its_end_arrives(void **state)
{
    (void)state;
    stop_reading(WEIR_BROADCAST_DROP_NEWEST);
    sim_peer_finish(speaker);
    for (int i = 0; i < 1000; i++) {
        fixture_run_ms(10);
        for (int r = 1; r < READERS; r++) read_lines(r, 8000);
    }
    for (int r = 1; r < READERS; r++) assert_int_equal(lines_read[r], lines_sent);
    assert_int_equal(fixture_closed(WEIR_REASON_PEER_DONE), 1);
    close_world();
}

static void a_waiting_speaker_can_be_reset(void **state)
{
    (void)state;
    stop_reading(WEIR_BROADCAST_DROP_NEWEST);
    sim_peer_reset(speaker);
    fixture_run_ms(50);
    assert_int_equal(fixture_closed(WEIR_REASON_RESET), 1);
    close_world();
    for (uint32_t i = 0; i < CONGESTION_SLOTS_COUNT; i++)
        assert_int_equal(fixture.common.congestion.members[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_that_read_miss_nothing),
        cmocka_unit_test(a_speaker_waits_for_a_member_that_does_not_read),
        cmocka_unit_test(a_member_that_does_not_read_is_disconnected),
        cmocka_unit_test(what_a_speaker_said_before_its_end_arrives),
        cmocka_unit_test(a_waiting_speaker_can_be_reset),
    };

    return cmocka_run_group_tests_name("congestion", tests, NULL, NULL);
}
