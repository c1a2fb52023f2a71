/* SPDX-License-Identifier: MIT */
/* test_admin_texts.c - the parts of the admin server that write and read text: JSON, metrics,
 * targets of requests, and the selection of sessions for a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exposition.h"
#include "heap.h"
#include "json.h"
#include "session_page.h"
#include "target.h"

static void expect_body(struct body *body, const char *text)
{
    assert_false(body->has_failed);
    assert_int_equal(body->length, strlen(text));
    assert_memory_equal(body->bytes, text, body->length);
    body_free(body);
}

/* ---- JSON ---- */

static void test_json(void **state)
{
    struct body body = {0};
    struct json json = {.body = &body};

    (void)state;
    json_begin_object(&json, NULL);
    json_u64(&json, "a", UINT64_MAX);
    json_begin_array(&json, "b");
    json_begin_object(&json, NULL);
    json_end_object(&json);
    json_i64(&json, NULL, INT64_MIN);
    json_begin_array(&json, NULL);
    json_end_array(&json);
    json_end_array(&json);
    json_bool(&json, "c", true);
    json_bool(&json, "d", false);
    json_text(&json, "e", NULL);
    json_bytes(&json, "f", "x\0y", 3);
    json_end_object(&json);
    expect_body(&body, "{\"a\":18446744073709551615,\"b\":[{},-9223372036854775808,[]],\"c\":true,"
                       "\"d\":false,\"e\":null,\"f\":\"x\\u0000y\"}");
}

/* Peers choose bytes that become texts: they must not end a string, or make the document invalid.
 */
static void test_json_escapes(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\u0022b\\u005cc\""},
        {"\n\t\x1b\x7f", "\"\\u000a\\u0009\\u001b\\u007f\""},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\xc3", "\"a\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"</script>", "\"</script>\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct body body = {0};
        struct json json = {.body = &body};
        json_text(&json, NULL, cases[i].text);
        expect_body(&body, cases[i].json);
    }
}

/* A body that would be too long fails as a whole, however it grows. */
static void test_body_limit(void **state)
{
    static char block[65536];
    struct body body = {0};

    (void)state;
    for (size_t i = 0; i < BODY_BYTES_MAX / sizeof block; i++) body_add(&body, block, sizeof block);
    assert_false(body.has_failed);
    assert_int_equal(body.length, BODY_BYTES_MAX);
    body_text(&body, "x");
    assert_true(body.has_failed);
    body_text(&body, "y");
    assert_int_equal(body.length, BODY_BYTES_MAX);
    body_free(&body);
    assert_false(body.has_failed);
}

/* ---- metrics ---- */

static void write_metrics(struct exposition *exposition)
{
    exposition_family(exposition, "sent_bytes", EXPOSITION_COUNTER, "Bytes sent.");
    exposition_label(exposition, "proto", "tcp");
    exposition_u64(exposition, 17);
    exposition_label(exposition, "proto", "a\"b\\c\nd");
    exposition_u64(exposition, 0);
    exposition_family(exposition, "process_start_time_seconds", EXPOSITION_GAUGE, "Start.");
    exposition_seconds(exposition, 1500, 1000);
    exposition_family(exposition, "delta", EXPOSITION_GAUGE, "Difference.");
    exposition_i64(exposition, -3);
    exposition_family(exposition, "turn_seconds", EXPOSITION_HISTOGRAM, "Times.");
    exposition_label_u64(exposition, "worker", 1);
    exposition_bucket(exposition, 2500000, 4);
    exposition_bucket(exposition, UINT64_MAX, 5);
    exposition_sum(exposition, UINT64_C(3000000001), 5);
    exposition_family(exposition, "ready", EXPOSITION_GAUGE, "Ready.");
    exposition_u64(exposition, 1);
    exposition_end(exposition);
}

static void test_text_format(void **state)
{
    struct body body = {0};
    struct exposition exposition = {.body = &body};

    (void)state;
    write_metrics(&exposition);
    expect_body(&body, "# HELP weir_sent_bytes_total Bytes sent.\n"
                       "# TYPE weir_sent_bytes_total counter\n"
                       "weir_sent_bytes_total{proto=\"tcp\"} 17\n"
                       "weir_sent_bytes_total{proto=\"a\\\"b\\\\c\\nd\"} 0\n"
                       "# HELP process_start_time_seconds Start.\n"
                       "# TYPE process_start_time_seconds gauge\n"
                       "process_start_time_seconds 1.5\n"
                       "# HELP weir_delta Difference.\n"
                       "# TYPE weir_delta gauge\n"
                       "weir_delta -3\n"
                       "# HELP weir_turn_seconds Times.\n"
                       "# TYPE weir_turn_seconds histogram\n"
                       "weir_turn_seconds_bucket{worker=\"1\",le=\"0.0025\"} 4\n"
                       "weir_turn_seconds_bucket{worker=\"1\",le=\"+Inf\"} 5\n"
                       "weir_turn_seconds_sum{worker=\"1\"} 3.000000001\n"
                       "weir_turn_seconds_count{worker=\"1\"} 5\n"
                       "# HELP weir_ready Ready.\n"
                       "# TYPE weir_ready gauge\n"
                       "weir_ready 1\n");
}

static void test_openmetrics(void **state)
{
    struct body body = {0};
    struct exposition exposition = {.body = &body, .is_openmetrics = true};

    (void)state;
    exposition_family(&exposition, "sent_bytes", EXPOSITION_COUNTER, "Bytes sent.");
    exposition_u64(&exposition, 17);
    exposition_end(&exposition);
    expect_body(&body, "# HELP weir_sent_bytes Bytes sent.\n"
                       "# TYPE weir_sent_bytes counter\n"
                       "weir_sent_bytes_total 17\n"
                       "# EOF\n");
}

/* Labels that do not fit are left out; the line stays valid. */
static void test_long_labels(void **state)
{
    char value[400];
    struct body body = {0};
    struct exposition exposition = {.body = &body};

    (void)state;
    memset(value, '"', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    exposition_family(&exposition, "x", EXPOSITION_GAUGE, "X.");
    for (int i = 0; i < 4; i++) exposition_label(&exposition, "name", value);
    exposition_u64(&exposition, 1);
    assert_memory_equal(body.bytes + body.length - 5, "\"} 1\n", 5);
    body_free(&body);
}

/* ---- targets ---- */

static void test_targets(void **state)
{
    static const char *const known[] = {"a", "b", "", NULL};
    static const char *const wrong[] = {"",     "*",    "http://x/", "/%",    "/%0",
                                        "/%zz", "/%00", "/?a=%",     "/?%00", "/?a=%4"};
    struct target target;
    char text[TARGET_BYTES_MAX + 8];

    (void)state;
    assert_true(target_read("/%73essions/x+y?a=1&b=c%20d+e&&a=2&%61", &target));
    assert_string_equal(target.path, "/sessions/x+y");
    assert_int_equal(target.parameters_count, 4);
    assert_string_equal(target_value(&target, "a"), "1");
    assert_string_equal(target_value(&target, "b"), "c d e");
    assert_null(target_value(&target, "c"));
    assert_null(target_unknown(&target, known));
    assert_true(target_read("/?c&a", &target));
    assert_string_equal(target_unknown(&target, known), "c");
    assert_string_equal(target_value(&target, "a"), "");
    assert_true(target_read("/?=", &target));
    assert_null(target_unknown(&target, known));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(target_read(wrong[i], &target));
    memset(text, 'x', sizeof text);
    text[0] = '/';
    text[TARGET_BYTES_MAX] = '\0';
    assert_true(target_read(text, &target));
    text[TARGET_BYTES_MAX] = 'x';
    text[TARGET_BYTES_MAX + 1] = '\0';
    assert_false(target_read(text, &target));
    assert_true(target_read("/?1&2&3&4&5&6&7&8&9&a&b&c&d&e&f&g", &target));
    assert_false(target_read("/?1&2&3&4&5&6&7&8&9&a&b&c&d&e&f&g&h", &target));
}

/* ---- pages of sessions ---- */

#define SESSIONS 200

/* Many sessions have equal keys: pages of every size must show each session once, in order. */
static void test_pages(void **state)
{
    static struct weir_session_info sessions[SESSIONS];
    static struct session_page page;
    struct scan scan = {.sessions = sessions, .sessions_count = SESSIONS};

    (void)state;
    for (size_t i = 0; i < SESSIONS; i++)
        sessions[i] = (struct weir_session_info){
            .id = (i * 7919 + 1) << 8, .bytes_in = i % 13, .codec = "raw", .handler = "echo"};
    for (uint32_t limit = 1; limit <= SESSIONS + 1; limit += 1 + limit / 3) {
        char text[96] = "/sessions";
        size_t found = 0;
        uint64_t last_key = UINT64_MAX, last_id = 0;
        do {
            struct target target;
            struct session_page_query query;
            char cursor[SESSION_PAGE_CURSOR_BYTES];
            assert_true(target_read(text, &target));
            assert_null(session_page_read(&target, &query));
            query.limit = limit;
            session_page_select(&scan, &query, &page);
            assert_int_equal(page.total, SESSIONS);
            for (size_t i = 0; i < page.count; i++, found++) {
                uint64_t key = page.entries[i].key, id = page.entries[i].session->id;
                assert_true(key < last_key || (key == last_key && id > last_id));
                last_key = key;
                last_id = id;
            }
            session_page_cursor(&page, cursor);
            snprintf(text, sizeof text, "/sessions?after=%s", cursor);
        } while (page.has_next);
        assert_int_equal(found, SESSIONS);
    }
}

static void test_no_sessions(void **state)
{
    static struct session_page page;
    struct scan scan = {0};
    struct target target;
    struct session_page_query query;

    (void)state;
    assert_true(target_read("/?filter=x&order=asc&sort=age", &target));
    assert_null(session_page_read(&target, &query));
    session_page_select(&scan, &query, &page);
    assert_int_equal(page.count, 0);
    assert_false(page.has_next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),        cmocka_unit_test(test_json_escapes),
        cmocka_unit_test(test_body_limit),  cmocka_unit_test(test_text_format),
        cmocka_unit_test(test_openmetrics), cmocka_unit_test(test_long_labels),
        cmocka_unit_test(test_targets),     cmocka_unit_test(test_pages),
        cmocka_unit_test(test_no_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
