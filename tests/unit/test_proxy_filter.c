/* SPDX-License-Identifier: MIT */
/* test_proxy_filter.c - the PROXY header as a filter: what it keeps of a header, when it opens, and
 * how it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory_faults.h"
#include "proxy_filter.h"

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define LINE "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define LOCAL SIGNATURE "\x20\x00\x00\x00"

static const struct filter_kind *const kind = &proxy_filter_kind;
static struct filter_error error;
static struct filter_worker worker;
static uint64_t wake_ms; /* after the last feed() */
static int freed_count;
static struct weir_address asked;

static enum filter_use use(void *user, const struct weir_address *peer)
{
    assert_ptr_equal(user, &freed_count);
    asked = *peer;
    return FILTER_REFUSED;
}

static void free_user(void *user)
{
    assert_ptr_equal(user, &freed_count);
    freed_count++;
}

/* Returns a state of a session, for which open() does not need the settings. */
static void *open_state(void)
{
    void *state = kind->open(NULL, &worker, &error);

    assert_non_null(state);
    error = (struct filter_error){.reason = kind->reason};
    return state;
}

/* Feeds the bytes; checks that `rest` of them remain. */
static enum filter_result feed(void *state, const uint8_t *bytes, size_t length, size_t rest)
{
    struct filter_io io = {
        .in = bytes, .in_length = length, .error = &error, .wake_ms = UINT64_MAX};
    enum filter_result result = kind->feed(state, &io);

    wake_ms = io.wake_ms;

    assert_int_equal(io.in_length, rest);
    assert_ptr_equal(io.in, bytes + length - rest);
    return result;
}

static void the_settings_decide_at_accept(void **state)
{
    struct weir_address peer = {.port = 77};
    struct filter *filter = proxy_filter_open(use, &freed_count, free_user);

    (void)state;
    assert_non_null(filter);
    assert_string_equal(filter->kind->name, "proxy");
    assert_int_equal(filter->kind->use(filter, &peer), FILTER_REFUSED);
    assert_int_equal(asked.port, 77);
    freed_count = 0;
    filter_unref(filter);
    assert_int_equal(freed_count, 1);
    filter = proxy_filter_open(use, NULL, NULL);
    assert_non_null(filter);
    filter_unref(filter);
    assert_int_equal(freed_count, 1);
    memory_fail_nth(1, 1);
    assert_null(proxy_filter_open(use, &freed_count, free_user));
    memory_fail_nth(0, 0);
    assert_int_equal(freed_count, 1);
}

static void a_header_opens_and_names_the_client(void **state)
{
    struct weir_address client;
    void *session = open_state();
    size_t before = kind->held_bytes(session);

    (void)state;
    assert_null(proxy_filter_facts(session));
    assert_int_equal(feed(session, TEXT("PROXY TCP4 192.0.2.1"), 0), FILTER_MORE);
    assert_int_equal(wake_ms, UINT64_MAX);
    assert_int_equal(feed(session, TEXT(" 198.51.100.7 56324 443\r\nhello"), 5), FILTER_OPEN);
    assert_true(kind->client(session, &client));
    assert_memory_equal(client.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    assert_int_equal(client.port, 56324);
    assert_int_equal(client.path_bytes, 0);
    const struct proxy_facts *facts = proxy_filter_facts(session);
    assert_int_equal(facts->version, 1);
    assert_int_equal(facts->server.port, 443);
    assert_true(kind->held_bytes(session) < before / 3); /* the reader is freed */
    kind->release(session);
}

static void a_header_opens_without_data(void **state)
{
    void *session = open_state();

    (void)state;
    assert_int_equal(feed(session, TEXT(LINE), 0), FILTER_OPEN);
    kind->release(session);
}

static void authority_and_unique_id_are_facts(void **state)
{
    void *session = open_state();
    static const char header[] = SIGNATURE "\x21\x11\x00\x1a\xc0\0\2\1\xc0\0\2\2\0\1\0\2"
                                           "\x02\x00\x05names\x05\x00\x03xyz";
    size_t before = kind->held_bytes(session);

    (void)state;
    assert_int_equal(feed(session, TEXT(header), 0), FILTER_OPEN);
    const struct proxy_facts *facts = proxy_filter_facts(session);
    assert_int_equal(facts->kind, PROXY_HEADER_CLIENT);
    assert_int_equal(facts->version, 2);
    assert_int_equal(facts->authority_length, 5);
    assert_int_equal(facts->unique_id_length, 3);
    assert_string_equal(proxy_facts_authority(facts), "names");
    assert_string_equal(proxy_facts_unique_id(facts), "xyz");
    assert_true(kind->held_bytes(session) < before);
    kind->release(session);
}

static void an_unknown_client_has_no_address(void **state)
{
    struct weir_address client;
    void *session = open_state();

    (void)state;
    assert_int_equal(feed(session, TEXT("PROXY UNKNOWN\r\n"), 0), FILTER_OPEN);
    assert_false(kind->client(session, &client));
    kind->release(session);
}

static void local_opens_with_the_first_byte_after_it(void **state)
{
    struct weir_address client;
    void *session = open_state();

    (void)state;
    worker.now_ms = 5000;
    assert_false(kind->is_idle(session));
    assert_int_equal(feed(session, TEXT(LOCAL), 0), FILTER_MORE);
    assert_int_equal(wake_ms, 6000);
    assert_true(kind->is_idle(session)); /* a check would close now */
    assert_int_equal(proxy_filter_facts(session)->kind, PROXY_HEADER_LOCAL);
    assert_int_equal(feed(session, TEXT("?"), 1), FILTER_OPEN);
    assert_false(kind->client(session, &client));
    kind->release(session);
    session = open_state();
    assert_int_equal(feed(session, TEXT(LOCAL "PING"), 4), FILTER_OPEN);
    assert_int_equal(wake_ms, UINT64_MAX);
    kind->release(session);
}

static void local_opens_without_a_byte_after_a_second(void **state)
{
    void *session = open_state();

    (void)state;
    assert_int_equal(feed(session, TEXT(LOCAL), 0), FILTER_MORE);
    assert_int_equal(feed(session, NULL, 0, 0), FILTER_OPEN);
    kind->release(session);
}

static void a_malformed_header_fails(void **state)
{
    void *session = open_state();

    (void)state;
    assert_int_equal(feed(session, TEXT("G"), 0), FILTER_BAD);
    assert_int_equal(error.reason, WEIR_REASON_PROXY);
    assert_string_equal(error.text, "there is no PROXY header: the first bytes are \"G\"");
    kind->release(session); /* before the header is complete */
}

static void missing_memory_fails(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        memory_fail_nth(nth, 0);
        assert_null(kind->open(NULL, &worker, &error));
        memory_fail_nth(0, 0);
    }
    void *session = open_state();
    memory_fail_nth(1, 0);
    assert_int_equal(feed(session, TEXT(LINE), 0), FILTER_BAD);
    memory_fail_nth(0, 0);
    assert_int_equal(error.reason, WEIR_REASON_EXHAUSTED);
    kind->release(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_settings_decide_at_accept),
        cmocka_unit_test(a_header_opens_and_names_the_client),
        cmocka_unit_test(a_header_opens_without_data),
        cmocka_unit_test(authority_and_unique_id_are_facts),
        cmocka_unit_test(an_unknown_client_has_no_address),
        cmocka_unit_test(local_opens_with_the_first_byte_after_it),
        cmocka_unit_test(local_opens_without_a_byte_after_a_second),
        cmocka_unit_test(a_malformed_header_fails),
        cmocka_unit_test(missing_memory_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
