/* SPDX-License-Identifier: MIT */
/* test_resolver.c - the threads that look up names: answers, the bounded queue, cancelled requests,
 * lookups that outlive the resolver, and the system's own lookup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "memory_faults.h"
#include "resolver.h"
#include "thread.h"

/* The lookup of the tests: each call waits until the test allows one more. The name is the last
 * byte of the address. */
static struct {
    struct lock *lock;
    struct condition *changed;
    uint32_t allowed, began, ended; /* lookups */
    uint32_t answers;
} desk;

static void desk_lookup(const char *name, struct host_addresses *found)
{
    static const uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 127};

    lock_take(desk.lock);
    desk.began++;
    condition_wake_all(desk.changed);
    while (desk.allowed == 0) condition_wait(desk.changed, desk.lock, CONDITION_NO_DEADLINE);
    desk.allowed--;
    *found = (struct host_addresses){.code = WEIR_OK};
    host_add(found, ip, 0);
    found->at[0].ip[15] = (uint8_t)name[0];
    desk.ended++;
    condition_wake_all(desk.changed);
    lock_give_back(desk.lock);
}

static void desk_until(const uint32_t *counter, uint32_t least)
{
    lock_take(desk.lock);
    while (*counter < least) condition_wait(desk.changed, desk.lock, CONDITION_NO_DEADLINE);
    lock_give_back(desk.lock);
}

static void desk_allow(uint32_t lookups)
{
    lock_take(desk.lock);
    desk.allowed += lookups;
    condition_wake_all(desk.changed);
    lock_give_back(desk.lock);
}

struct question {
    struct resolver_request request;
    struct host_addresses found;
    uint32_t answers;
};

static void question_answered(struct resolver_request *request, const struct host_addresses *found)
{
    struct question *question = weir_container_of(request, struct question, request);

    lock_take(desk.lock);
    question->found = *found;
    question->answers++;
    desk.answers++;
    condition_wake_all(desk.changed);
    lock_give_back(desk.lock);
}

static enum weir_code ask(struct resolver *resolver, struct question *question, const char *name)
{
    int os_error;

    *question = (struct question){.request.answer = question_answered};
    resolver_request_init(&question->request);
    snprintf(question->request.name, sizeof question->request.name, "%s", name);
    return resolver_ask(resolver, &question->request, &os_error);
}

static int open_desk(void **state)
{
    (void)state;
    memset(&desk, 0, sizeof desk);
    desk.lock = lock_open();
    desk.changed = condition_open();
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    condition_free(desk.changed);
    lock_free(desk.lock);
    return 0;
}

static void names_are_answered(void **state)
{
    (void)state;
    struct resolver *resolver = resolver_open(2, 8, desk_lookup);
    struct question questions[8];

    desk_allow(8);
    for (uint32_t i = 0; i < 8; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        assert_int_equal(ask(resolver, &questions[i], name), WEIR_OK);
    }
    desk_until(&desk.answers, 8);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(questions[i].answers, 1);
        assert_int_equal(questions[i].found.at[0].ip[15], 'a' + i);
        resolver_cancel(resolver, &questions[i].request); /* no effect */
    }
    resolver_free(resolver);
    resolver_free(NULL);
}

static void lookups_run_at_the_same_time(void **state)
{
    (void)state;
    struct resolver *resolver = resolver_open(2, 8, desk_lookup);
    struct question questions[3];

    for (uint32_t i = 0; i < 3; i++) assert_int_equal(ask(resolver, &questions[i], "x"), WEIR_OK);
    desk_until(&desk.began, 2);
    desk_allow(2);
    desk_until(&desk.began, 3);
    desk_allow(1);
    desk_until(&desk.answers, 3);
    resolver_free(resolver);
}

static void the_queue_is_bounded(void **state)
{
    (void)state;
    struct resolver *resolver = resolver_open(1, 1, desk_lookup);
    struct question first, second, third;

    assert_int_equal(ask(resolver, &first, "1"), WEIR_OK);
    desk_until(&desk.began, 1);
    assert_int_equal(ask(resolver, &second, "2"), WEIR_OK);
    assert_int_equal(ask(resolver, &third, "3"), WEIR_NO_ROOM);
    desk_allow(2);
    desk_until(&desk.answers, 2);
    assert_int_equal(third.answers, 0);
    resolver_free(resolver);
}

static void a_cancelled_request_is_not_answered(void **state)
{
    (void)state;
    struct resolver *resolver = resolver_open(1, 8, desk_lookup);
    struct question running, waiting, last;

    assert_int_equal(ask(resolver, &running, "1"), WEIR_OK);
    desk_until(&desk.began, 1);
    assert_int_equal(ask(resolver, &waiting, "2"), WEIR_OK);
    assert_int_equal(ask(resolver, &last, "3"), WEIR_OK);
    resolver_cancel(resolver, &running.request);
    resolver_cancel(resolver, &waiting.request);
    desk_allow(2);
    desk_until(&desk.answers, 1);
    assert_int_equal(running.answers + waiting.answers, 0);
    assert_int_equal(last.answers, 1);
    assert_int_equal(desk.ended, 2);
    resolver_free(resolver);
}

static void a_lookup_may_outlive_the_resolver(void **state)
{
    (void)state;
    struct resolver *resolver = resolver_open(2, 8, desk_lookup);
    struct question first, second;

    assert_int_equal(ask(resolver, &first, "1"), WEIR_OK);
    assert_int_equal(ask(resolver, &second, "2"), WEIR_OK);
    desk_until(&desk.began, 2);
    resolver_cancel(resolver, &first.request);
    resolver_cancel(resolver, &second.request);
    resolver_free(resolver); /* does not wait */
    assert_int_equal(desk.ended, 0);
    desk_allow(2);
    desk_until(&desk.ended, 2);
    assert_int_equal(desk.answers, 0);
}

static void memory_is_exhausted(void **state)
{
    (void)state;
    struct resolver *resolver = NULL;

    for (uint64_t n = 1; !resolver; n++) {
        memory_fail_nth(n, 0);
        resolver = resolver_open(1, 1, desk_lookup);
        memory_fail_nth(0, 0);
        assert_true(n < 10);
    }
    struct question question;
    memory_fail_nth(1, 1);
    assert_int_equal(ask(resolver, &question, "1"), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    resolver_free(resolver);
}

static void the_system_knows_this_machine(void **state)
{
    (void)state;
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1},
                         v6[16] = {[15] = 1};
    struct host_addresses found;
    uint32_t count = 0;

    host_lookup("localhost", &found);
    assert_int_equal(found.code, WEIR_OK);
    for (uint32_t i = 0; i < found.count; i++)
        count += memcmp(found.at[i].ip, v4, 16) == 0 || memcmp(found.at[i].ip, v6, 16) == 0;
    assert_true(count > 0);
    host_lookup("no.such.name.invalid", &found);
    assert_int_not_equal(found.code, WEIR_OK);
    assert_true(found.os_error != 0 || found.why[0] != '\0');
}

static void addresses_are_kept_once(void **state)
{
    (void)state;
    struct host_addresses found = {.count = 0};
    uint8_t ip[16];

    host_map_ipv4("\x7f\0\0\1", ip);
    host_add(&found, ip, 0);
    host_add(&found, ip, 0);
    host_add(&found, ip, 3);
    assert_int_equal(found.count, 2);
    for (uint8_t i = 0; i < 2 * HOST_ADDRESSES_MAX; i++) {
        ip[15] = (uint8_t)(100 + i);
        host_add(&found, ip, 0);
    }
    assert_int_equal(found.count, HOST_ADDRESSES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_answered, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(lookups_run_at_the_same_time, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(a_cancelled_request_is_not_answered, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(a_lookup_may_outlive_the_resolver, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(memory_is_exhausted, open_desk, close_desk),
        cmocka_unit_test(the_system_knows_this_machine),
        cmocka_unit_test(addresses_are_kept_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
/* thread_start: the names are looked up on threads, so that ThreadSanitizer runs this test */
