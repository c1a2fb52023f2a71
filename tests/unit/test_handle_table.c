/* SPDX-License-Identifier: MIT */
/* test_handle_table.c - handles that never move, names that never return, and each violation of a
 * transport rule stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "handle_table.h"
#include "memory_faults.h"
#include "require.h"
#include "transport.h"

/* A net of which only the handle table and a small pool are open. */
struct test_net {
    struct net net;
    struct net_event events[8];
};

static struct test_net *test__open(uint32_t slots_max, uint32_t events_max)
{
    struct test_net *test = memory_alloc(sizeof *test);

    require(test != NULL);
    require(handle_table_open(&test->net.handle_table, sizeof(struct handle_releasing),
                              sizeof(struct handle_endpoint), slots_max));
    require(pool_open(&test->net.stream_pool, 512, 2, 2));
    test->net.batch.events = test->events;
    test->net.batch.max = events_max;
    return test;
}

static void test__free(struct test_net *test)
{
    handle_table_free(&test->net.handle_table);
    pool_free(&test->net.stream_pool);
    memory_free(test);
}

/* As a net_wait would begin. */
static void test__iterate(struct test_net *test)
{
    test->net.batch.count = 0;
    answers_hand_out(&test->net);
}

static void slots_stay_where_they_are_and_end_at_the_maximum(void **state)
{
    enum { COUNT = 600 }; /* more than two chunks */
    struct test_net *test = test__open(COUNT, 8);
    static struct handle *slots[COUNT];
    struct handle_table *handle_table = &test->net.handle_table;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        slots[i] = handle_table_take(handle_table, HANDLE_CONNECTION, &slots[i]);
        require(slots[i] != NULL);
        require_equal(slots[i]->index, i);
        require(slots[i]->generation != 0);
    }
    require(handle_table_take(handle_table, HANDLE_CONNECTION, NULL) == NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        require(handle_table_at(handle_table, i) == slots[i]);
        require(handle_table_find(handle_table, handle_id(slots[i]), HANDLE_CONNECTION) ==
                slots[i]);
        require(slots[i]->owner == &slots[i]);
    }
    for (uint32_t i = 0; i < COUNT; i++) handle_table_give_back(handle_table, slots[i]);
    test__free(test);
}

static void a_slot_is_zeroed_and_named_anew(void **state)
{
    struct test_net *test = test__open(1, 8);
    struct handle_table *handle_table = &test->net.handle_table;
    uint32_t last = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct handle *handle = handle_table_take(handle_table, HANDLE_LISTENER, NULL);
        require(!handle->flow_on && !handle->closing && !handle->broken);
        require(handle->generation > last);
        last = handle->generation;
        handle->flow_on = handle->closing = handle->broken = true;
        handle_table_give_back(handle_table, handle);
    }
    struct handle *handle = handle_table_at(handle_table, 0);
    handle->generation = UINT32_MAX; /* after all names comes the first again, and never 0 */
    handle = handle_table_take(handle_table, HANDLE_LISTENER, NULL);
    require_equal(handle->generation, 1);
    handle_table_give_back(handle_table, handle);
    test__free(test);
}

static void without_memory_there_is_no_slot(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct handle_table handle_table;

    (void)state;
    memory_fail_nth(1, 0);
    require(handle_table_take(&test->net.handle_table, HANDLE_LISTENER, NULL) == NULL);
    memory_fail_nth(2, 0); /* of a listener or datagram socket, besides the table's */
    require(handle_table_take(&test->net.handle_table, HANDLE_DATAGRAM, NULL) == NULL);
    memory_fail_nth(1, 0);
    require(handle_table_take(&test->net.handle_table, HANDLE_LISTENER, NULL) == NULL);
    memory_fail_nth(1, 0);
    require(!handle_table_open(&handle_table, sizeof(struct handle), sizeof(struct handle_endpoint),
                               10));
    memory_fail_nth(0, 0);
    require_equal(test->net.handle_table.open_count, 0);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_LISTENER, NULL);
    require(handle != NULL);
    handle_table_give_back(&test->net.handle_table, handle);
    test__free(test);
}

static void a_send_and_a_close_are_answered_in_that_order(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, &test);
    struct net_handle id = handle_id(handle);

    (void)state;
    handle->send_out = true;
    handle->closing = true;
    answer_closed(&test->net, handle);
    answer_sent(&test->net, handle, WEIR_CANCELLED, 5);
    test__iterate(test);
    require_equal(test->net.batch.count, 2);
    require_equal(test->events[0].kind, NET_SENT);
    require_equal(test->events[0].code, WEIR_CANCELLED);
    require_equal(test->events[0].os_error, 5);
    require_equal(test->events[1].kind, NET_CLOSED);
    require_equal(test->events[1].handle.generation, id.generation);
    require(test->events[1].owner == &test);
    require_equal(test->net.handle_table.open_count, 0);
    test__iterate(test);
    require_equal(test->net.batch.count, 0);
    test__free(test);
}

static void answers_wait_for_room(void **state)
{
    struct test_net *test = test__open(10, 1);
    struct handle *slots[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        slots[i] = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, &slots[i]);
        slots[i]->send_out = slots[i]->closing = true;
        answer_sent(&test->net, slots[i], WEIR_OK, 0);
        answer_closed(&test->net, slots[i]);
    }
    for (int i = 0; i < 3; i++) {
        test__iterate(test);
        require_equal(test->events[0].kind, NET_SENT);
        require(test->events[0].owner == &slots[i]);
        test__iterate(test);
        require_equal(test->events[0].kind, NET_CLOSED);
        require(test->events[0].owner == &slots[i]);
    }
    require(!answers_are_recorded(&test->net.answers));
    test__free(test);
}

static void datagrams_are_answered_in_numbers(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_DATAGRAM, NULL);

    (void)state;
    handle->endpoint->datagrams_out = 10;
    answer_datagrams(&test->net, handle, 3, 0, WEIR_OK, 0);
    answer_datagrams(&test->net, handle, 1, 2, WEIR_UNREACHABLE, 7);
    answer_datagrams(&test->net, handle, 0, 1, WEIR_TOO_LARGE, 8);
    answer_datagrams(&test->net, handle, 0, 0, WEIR_OK, 0);
    test__iterate(test);
    require_equal(test->net.batch.count, 1);
    require_equal(test->events[0].sent_count, 4);
    require_equal(test->events[0].failed_count, 3);
    require_equal(test->events[0].code, WEIR_UNREACHABLE); /* the first failure's */
    require_equal(test->events[0].os_error, 7);
    require_equal(handle->endpoint->datagrams_out, 3);
    answer_datagrams(&test->net, handle, 3, 0, WEIR_OK, 0);
    test__iterate(test);
    require_equal(test->events[0].sent_count, 3);
    require_equal(test->events[0].code, WEIR_OK);
    handle_table_give_back(&test->net.handle_table, handle);
    test__free(test);
}

static void one_pause_stands_for_a_whole_shortage(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);

    (void)state;
    handle->flow_on = true;
    for (int i = 0; i < 3; i++) buffer_waiters_report(&test->net, handle);
    require_equal(test->net.batch.count, 1);
    require_equal(test->events[0].code, WEIR_NO_BUFFERS);
    struct net_buffer *buffer = pool_take(&test->net.stream_pool, POOL_SYSTEM);
    buffer->length = 1;
    event_batch_received(&test->net, handle, buffer); /* it is over; the next is another */
    buffer_waiters_report(&test->net, handle);
    require_equal(test->net.batch.count, 3);
    pool_give_back(buffer, POOL_CALLER);
    handle_table_give_back(&test->net.handle_table, handle);
    test__free(test);
}

/* ---- breaches: each a slot in some state, and an event that must not come then ---- */

static const struct test_breach {
    const char *rule;
    struct handle handle; /* kind and flags are taken over */
    enum net_event_kind event;
} test__breaches[] = {
    {"rule 1", {.kind = HANDLE_LISTENER}, NET_ACCEPTED},
    {"rule 1", {.kind = HANDLE_CONNECTION}, NET_RECEIVED},
    {"rule 1", {.kind = HANDLE_CONNECTION}, NET_PEER_DONE},
    {"rule 1", {.kind = HANDLE_DATAGRAM}, NET_DATAGRAM},
    {"rule 1", {.kind = HANDLE_DATAGRAM}, NET_TOO_LARGE},
    {"after its FIN",
     {.kind = HANDLE_CONNECTION, .flow_on = true, .peer_done = true},
     NET_RECEIVED},
    {"after its FIN",
     {.kind = HANDLE_CONNECTION, .flow_on = true, .peer_done = true},
     NET_PEER_DONE},
    {"rule 2", {.kind = HANDLE_CONNECTION}, NET_SENT},
    {"rule 2", {.kind = HANDLE_DATAGRAM}, NET_SENT},
    {"rule 2", {.kind = HANDLE_CONNECTION}, NET_CLOSED},
    {"breaks once", {.kind = HANDLE_CONNECTION, .broken = true}, NET_BROKEN},
    {"rule 7", {.kind = HANDLE_CONNECTION, .flow_on = true, .closing = true}, NET_RECEIVED},
    {"rule 7", {.kind = HANDLE_CONNECTION, .closing = true}, NET_BROKEN},
    {"rule 7", {.kind = HANDLE_LISTENER, .flow_on = true, .closing = true}, NET_ACCEPTED},
    {"rule 7", {.kind = HANDLE_LISTENER, .closing = true}, NET_PAUSED},
    {"rule 7", {.kind = HANDLE_CONNECTION, .closing = true, .send_out = true}, NET_CLOSED},
    {"kind == HANDLE_CONNECTION", {.kind = HANDLE_DATAGRAM}, NET_RELEASED},
    {"kind == HANDLE_LISTENER", {.kind = HANDLE_CONNECTION, .flow_on = true}, NET_ACCEPTED},
    {"kind == HANDLE_CONNECTION", {.kind = HANDLE_DATAGRAM, .flow_on = true}, NET_RECEIVED},
    {"kind == HANDLE_DATAGRAM", {.kind = HANDLE_CONNECTION, .flow_on = true}, NET_DATAGRAM},
};

static void test__breach(void *argument)
{
    const struct test_breach *breach = argument;
    struct test_net *test = test__open(10, 8);
    struct handle *handle =
        handle_table_take(&test->net.handle_table, (enum handle_kind)breach->handle.kind, NULL);

    handle->flow_on = breach->handle.flow_on;
    handle->peer_done = breach->handle.peer_done;
    handle->broken = breach->handle.broken;
    handle->closing = breach->handle.closing;
    handle->send_out = breach->handle.send_out;
    event_batch_add(&test->net, handle, breach->event);
}

static void each_breach_is_stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < weir_count_of(test__breaches); i++)
        require_death(test__breach, (void *)(uintptr_t)&test__breaches[i], test__breaches[i].rule);
}

static void test__closed_before_datagrams(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_DATAGRAM, NULL);

    (void)argument;
    handle->closing = true;
    handle->endpoint->datagrams_out = 1;
    event_batch_add(&test->net, handle, NET_CLOSED);
}

static void test__closed_before_releases(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);

    (void)argument;
    handle->closing = true;
    handle->releases_late = true;
    handle_releasing(handle)->unreleased_buffers = 1;
    event_batch_add(&test->net, handle, NET_CLOSED);
}

static void test__event_outside(void *argument)
{
    struct test_net *test = test__open(10, 8);

    (void)argument;
    test->net.batch.events = NULL;
    event_batch_add(&test->net, NULL, NET_WOKEN);
}

static void test__answer_twice(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);

    (void)argument;
    handle->send_out = true;
    answer_sent(&test->net, handle, WEIR_OK, 0);
    answer_sent(&test->net, handle, WEIR_OK, 0);
}

static void test__answer_too_many(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_DATAGRAM, NULL);

    (void)argument;
    handle->endpoint->datagrams_out = 3;
    answer_datagrams(&test->net, handle, 2, 0, WEIR_OK, 0);
    answer_datagrams(&test->net, handle, 1, 1, WEIR_OK, 0);
}

static void test__close_twice(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);

    (void)argument;
    handle->closing = true;
    answer_closed(&test->net, handle);
    answer_closed(&test->net, handle);
}

static void test__find_old(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct handle *handle = handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);
    struct net_handle id = handle_id(handle);

    (void)argument;
    handle_table_give_back(&test->net.handle_table, handle);
    handle_table_take(&test->net.handle_table, HANDLE_CONNECTION, NULL);
    handle_table_find(&test->net.handle_table, id, HANDLE_FREE);
}

static void test__find_beyond(void *argument)
{
    struct test_net *test = test__open(10, 8);

    (void)argument;
    handle_table_find(&test->net.handle_table, (struct net_handle){100000, 1}, HANDLE_FREE);
}

static void answers_and_names_that_do_not_exist_are_stopped(void **state)
{
    (void)state;
    require_death(test__closed_before_datagrams, NULL, "rule 7");
    require_death(test__closed_before_releases, NULL, "rule 7");
    require_death(test__event_outside, NULL, "rule 2");
    require_death(test__answer_twice, NULL, "rule 2");
    require_death(test__answer_too_many, NULL, "rule 2");
    require_death(test__close_twice, NULL, "rule 2");
    require_death(test__find_old, NULL, "after its NET_CLOSED");
    require_death(test__find_beyond, NULL, "index < handle_table->handles_count");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_stay_where_they_are_and_end_at_the_maximum),
        cmocka_unit_test(a_slot_is_zeroed_and_named_anew),
        cmocka_unit_test(without_memory_there_is_no_slot),
        cmocka_unit_test(a_send_and_a_close_are_answered_in_that_order),
        cmocka_unit_test(answers_wait_for_room),
        cmocka_unit_test(datagrams_are_answered_in_numbers),
        cmocka_unit_test(one_pause_stands_for_a_whole_shortage),
        cmocka_unit_test(each_breach_is_stopped),
        cmocka_unit_test(answers_and_names_that_do_not_exist_are_stopped),
    };

    return cmocka_run_group_tests_name("handle_table", tests, NULL, NULL);
}
