/* SPDX-License-Identifier: MIT */
/* test_top.c - what weir top reads from the answers of the admin server, and the screens that it
 * draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "top_screen.h"

#define TEST__VALUES 2000

static const char test__first[] =
    "{\"version\":\"1.2\",\"node\":3,\"uptime_ms\":10000,\"ready\":true,\"draining\":false,"
    "\"sessions_max\":100000,\"stats\":{\"open\":7,\"accepted\":10,\"refused_full\":1,"
    "\"bytes_in\":1000,\"queued_bytes\":2048},\"workers\":[{\"busy_ns\":0,\"sessions\":4,"
    "\"datagram_sessions\":1,\"memory_bytes\":1048576,\"memory_max_bytes\":4194304},"
    "{\"busy_ns\":5}],\"histograms\":{\"loop_iteration\":{\"upper_ns\":[1000000,2000000],"
    "\"counts\":[10,0],\"count\":10,\"sum_ns\":5},\"opening\":{\"upper_ns\":[],\"counts\":[]},"
    "\"handlers\":[{\"listener\":1,\"handler\":\"chat\",\"upper_ns\":[1000000,12000000],"
    "\"counts\":[10,0],\"count\":10,\"sum_ns\":5}]},\"findings\":[]}";

static const char test__second[] =
    "{\"version\":\"1.2\",\"node\":3,\"uptime_ms\":12000,\"ready\":true,\"draining\":false,"
    "\"sessions_max\":100000,\"stats\":{\"open\":9,\"accepted\":14,\"refused_full\":3,"
    "\"refused_rate\":2,\"bytes_in\":5096,\"datagram_bytes_in\":1024,\"bytes_out\":2097152,"
    "\"messages_in\":40,\"queued_bytes\":2048},\"workers\":[{\"busy_ns\":1000000000,"
    "\"sessions\":4,\"datagram_sessions\":1,\"memory_bytes\":1048576,"
    "\"memory_max_bytes\":4194304},{\"busy_ns\":5}],"
    "\"histograms\":{\"loop_iteration\":{\"upper_ns\":[1000000,2000000],\"counts\":[10,100],"
    "\"count\":110,\"sum_ns\":5},\"handlers\":[{\"listener\":1,\"handler\":\"chat\","
    "\"upper_ns\":[1000000,12000000],\"counts\":[10,100],\"count\":110,\"sum_ns\":5}]},"
    "\"findings\":[{\"severity\":\"critical\",\"text\":\"Worker 1 uses 96 % of its memory.\","
    "\"evidence\":\"It holds 4 MiB of 4 MiB.\",\"advice\":\"Raise memory.\","
    "\"setting\":\"memory\"},{\"severity\":\"note\",\"text\":\"Group \\u001b[2J\\u009bx\","
    "\"evidence\":\"e\",\"advice\":\"a\",\"setting\":\"\"}]}";

static const char test__list[] =
    "{\"sessions\":[{\"id\":\"0000000001000001\",\"peer\":\"203.0.113.9:4711\","
    "\"state\":\"open\",\"pause\":\"queue\",\"handler\":\"chat\",\"age_ms\":61000,"
    "\"received_ago_ms\":5000,\"bytes_in\":100,\"bytes_out\":2048,\"queued_bytes\":65536},"
    "{\"id\":\"0000000001000002\",\"peer\":\"unix:\\u202e\\n\",\"state\":\"open\","
    "\"pause\":\"none\",\"handler\":\"echo\"}],\"total\":2,\"next\":\"\"}";

static struct json_read_value test__values[TEST__VALUES];
static struct json_read test__json = {.values = test__values, .values_max = TEST__VALUES};
static struct top_state test__before, test__now;
static struct top_sessions test__sessions;
static char test__text[32768];

static int test__set_up(void **state)
{
    (void)state;
    assert_true(top_state_read(&test__before, &test__json, test__first, strlen(test__first)));
    assert_true(top_state_read(&test__now, &test__json, test__second, strlen(test__second)));
    assert_true(top_sessions_read(&test__sessions, &test__json, test__list, strlen(test__list)));
    return 0;
}

static const char *test__draw(struct top_screen screen)
{
    struct text_builder out = {.bytes = test__text, .size = sizeof test__text};

    test__text[0] = '\0';
    top_screen_draw(&screen, &out);
    return test__text;
}

static struct top_screen test__screen(uint32_t columns, uint32_t rows)
{
    return (struct top_screen){.now = &test__now,
                               .before = &test__before,
                               .sessions = &test__sessions,
                               .columns = columns,
                               .rows = rows};
}

static void test__assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) print_error("no %s in:\n%s\n", part, text);
    assert_non_null(strstr(text, part));
}

static void figures_are_read(void **state)
{
    (void)state;
    assert_int_equal(test__now.open, 9);
    assert_int_equal(test__now.refused, 5);
    assert_int_equal(test__now.bytes_in, 6120);
    assert_int_equal(test__now.workers_count, 2);
    assert_int_equal(test__now.workers[0].sessions, 5);
    assert_int_equal(test__now.handlers_count, 1);
    assert_int_equal(test__now.iterations.count, 2);
    assert_int_equal(test__now.openings.count, 0);
    assert_string_equal(test__sessions.items[0].state, "paused:queue");
    assert_string_equal(test__sessions.items[1].state, "open");
}

static void percentiles_are_those_of_the_window(void **state)
{
    const struct top_histogram before = {3, {10, 20, UINT64_MAX}, {100, 0, 0}};
    struct top_histogram now = {3, {10, 20, UINT64_MAX}, {100, 0, 0}};

    (void)state;
    assert_int_equal(top_histogram_p99_ns(&now, NULL), 10); /* the first bucket */
    assert_int_equal(top_histogram_p99_ns(&now, &before), 0);
    now.counts[1] = 100;
    assert_int_equal(top_histogram_p99_ns(&now, &before), 19);
    assert_int_equal(top_histogram_p99_ns(&now, NULL), 19); /* 98 of the second hundred */
    now.counts[2] = 100;
    assert_int_equal(top_histogram_p99_ns(&now, &before), 20); /* or more */
    now.count = 0;
    assert_int_equal(top_histogram_p99_ns(&now, NULL), 0);
}

static void other_answers_are_refused(void **state)
{
    (void)state;
    assert_false(top_state_read(&test__now, &test__json, "{}", 2));
    assert_false(top_state_read(&test__now, &test__json, "not found", 9));
    assert_false(top_sessions_read(&test__sessions, &test__json, "{}", 2));
    assert_false(top_sessions_read(&test__sessions, &test__json, "", 0));
    assert_true(top_state_read(&test__now, &test__json, "{\"stats\":{}}", 12));
    assert_int_equal(test__now.workers_count, 0);
}

static void plain_text_shows_everything(void **state)
{
    (void)state;
    const char *text = test__draw(test__screen(0, 0));
    test__assert_has(text, "weir 1.2  serving  up 12 s  node 3  9 of 100 k sessions\n");
    test__assert_has(text, "received 2.5 KiB/s, 20 messages/s   sent 1 MiB/s, 0 messages/s\n");
    test__assert_has(text, "accepted 2/s   refused 2/s   send queues 2 KiB\n");
    test__assert_has(text, "handler chat 1 ms   opening -\n");
    test__assert_has(text,
                     "worker 0   [############............]  50 %  5 sessions  memory 1 MiB of "
                     "4 MiB\n");
    test__assert_has(text, "critical: Worker 1 uses 96 % of its memory.\n"
                           "    It holds 4 MiB of 4 MiB.\n    Raise memory. Option: --memory\n");
    test__assert_has(text, "203.0.113.9:4711       paused:queue       64 KiB  100 bytes      2 KiB "
                           "     61 s       5 s  0000000001000001 chat\n");
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\r'));
}

static void text_of_peers_cannot_control_the_terminal(void **state)
{
    (void)state;
    const char *text = test__draw(test__screen(0, 0));
    test__assert_has(text, "note: Group ?[2J??x\n");
    test__assert_has(text, "unix:???? ");
}

static void rates_need_an_earlier_state(void **state)
{
    (void)state;
    struct top_screen screen = test__screen(0, 0);
    screen.before = NULL;
    test__assert_has(test__draw(screen), "received 0 bytes/s, 0 messages/s");
    test__assert_has(test__draw(screen), "]   0 %");
    test__now.findings_count = 0;
    test__now.is_draining = true;
    test__assert_has(test__draw(screen), "draining");
    test__assert_has(test__draw(screen), "Nothing stands out: no rule found a problem.\n");
}

/* Checks that a screen fits into its terminal: one line feed fewer than rows, no wide line. */
static void test__assert_fits(uint32_t columns, uint32_t rows)
{
    const char *text = test__draw(test__screen(columns, rows));
    uint32_t lines = 1, column = 0;

    for (const char *at = text; *at; at++) {
        if (*at == '\033') { /* a sequence ends with A to Z */
            while (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'))) at++;
        } else if (*at == '\r') {
            column = 0;
        } else if (*at == '\n') {
            lines++;
        } else {
            assert_in_range(++column, 1, columns);
        }
    }
    assert_int_equal(lines, rows);
}

static void screens_of_any_size_fit(void **state)
{
    (void)state;
    for (uint32_t columns = 1; columns < 140; columns += columns < 12 ? 1 : 16)
        for (uint32_t rows = 1; rows < 60; rows += rows < 12 ? 1 : 8)
            test__assert_fits(columns, rows);
}

static void a_screen_explains_its_keys(void **state)
{
    (void)state;
    struct top_screen screen = test__screen(100, 30);
    screen.sort = TOP_SORT_AGE;
    const char *text = test__draw(screen);
    assert_int_equal(strncmp(text, "\033[H", 3), 0);
    test__assert_has(text, "q: quit   s: sort (now by age)");
    test__assert_has(text,
                     "\033[1;31mcritical: Worker 1 uses 96 % of its memory.\033[0m\033[K\r\n");
}

static void a_server_that_is_away_is_reported(void **state)
{
    (void)state;
    struct top_screen screen = test__screen(80, 24);
    screen.problem = "nothing listens there";
    test__assert_has(test__draw(screen), "No answer: nothing listens there");
    screen.now = NULL;
    test__assert_has(test__draw(screen), "nothing listens there");
    screen.problem = NULL;
    test__assert_has(test__draw(screen), "Connecting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, test__set_up)
        TEST(figures_are_read),
        TEST(percentiles_are_those_of_the_window),
        TEST(other_answers_are_refused),
        TEST(plain_text_shows_everything),
        TEST(text_of_peers_cannot_control_the_terminal),
        TEST(rates_need_an_earlier_state),
        TEST(screens_of_any_size_fit),
        TEST(a_screen_explains_its_keys),
        TEST(a_server_that_is_away_is_reported),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
