/* SPDX-License-Identifier: MIT */
/* test_ledger.c - the ledger alone: slots that never move, names that never return, and each law's
 * breach stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "ledger.h"
#include "memory.h"
#include "require.h"
#include "transport.h"

/* A net of which nothing but the ledger and a small pool are alive. */
struct test_net {
    struct net net;
    struct net_event events[8];
};

static struct test_net *test__open(uint32_t slots_max, uint32_t events_max)
{
    struct test_net *test = memory_alloc(sizeof *test);

    require(test != NULL);
    require(ledger_open(&test->net.ledger, sizeof(struct ledger_slot), slots_max));
    require(pool_open(&test->net.stream_pool, 512, 2, 2));
    test->net.ledger.events = test->events;
    test->net.ledger.events_max = events_max;
    return test;
}

static void test__free(struct test_net *test)
{
    ledger_free(&test->net.ledger);
    pool_free(&test->net.stream_pool);
    memory_free(test);
}

/* As a net_wait would begin. */
static void test__turn(struct test_net *test)
{
    test->net.ledger.events_count = 0;
    ledger_hand_out_answers(&test->net);
}

static void slots_stay_where_they_are_and_end_at_the_maximum(void **state)
{
    enum { COUNT = 600 }; /* more than two chunks */
    struct test_net *test = test__open(COUNT, 8);
    static struct ledger_slot *slots[COUNT];
    struct ledger *ledger = &test->net.ledger;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        slots[i] = ledger_slot_take(ledger, LEDGER_CONNECTION, &slots[i]);
        require(slots[i] != NULL);
        require_equal(slots[i]->index, i);
        require(slots[i]->generation != 0);
    }
    require(ledger_slot_take(ledger, LEDGER_CONNECTION, NULL) == NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        require(ledger_at(ledger, i) == slots[i]);
        require(ledger_find(ledger, ledger_handle(slots[i]), LEDGER_CONNECTION) == slots[i]);
        require(slots[i]->owner == &slots[i]);
    }
    for (uint32_t i = 0; i < COUNT; i++) ledger_slot_give_back(ledger, slots[i]);
    test__free(test);
}

static void a_slot_is_zeroed_and_named_anew(void **state)
{
    struct test_net *test = test__open(1, 8);
    struct ledger *ledger = &test->net.ledger;
    uint32_t last = 0;

    (void)state;
    for (int i = 0; i < 10; i++) {
        struct ledger_slot *slot = ledger_slot_take(ledger, LEDGER_LISTENER, NULL);
        require(!slot->flow_on && !slot->closing && !slot->broken);
        require(slot->generation > last);
        last = slot->generation;
        slot->flow_on = slot->closing = slot->broken = true;
        ledger_slot_give_back(ledger, slot);
    }
    struct ledger_slot *slot = ledger_at(ledger, 0);
    slot->generation = UINT32_MAX; /* after all names comes the first again, and never 0 */
    slot = ledger_slot_take(ledger, LEDGER_LISTENER, NULL);
    require_equal(slot->generation, 1);
    ledger_slot_give_back(ledger, slot);
    test__free(test);
}

static void without_memory_there_is_no_slot(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct ledger ledger;

    (void)state;
    memory_fail_nth(1, 0);
    require(ledger_slot_take(&test->net.ledger, LEDGER_LISTENER, NULL) == NULL);
    memory_fail_nth(1, 0);
    require(!ledger_open(&ledger, sizeof(struct ledger_slot), 10));
    memory_fail_nth(0, 0);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_LISTENER, NULL);
    require(slot != NULL);
    ledger_slot_give_back(&test->net.ledger, slot);
    test__free(test);
}

static void a_send_and_a_close_are_answered_in_that_order(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, &test);
    struct net_handle handle = ledger_handle(slot);

    (void)state;
    slot->send_out = true;
    slot->closing = true;
    ledger_closed(&test->net, slot);
    ledger_sent(&test->net, slot, WEIR_CANCELLED, 5);
    test__turn(test);
    require_equal(test->net.ledger.events_count, 2);
    require_equal(test->events[0].kind, NET_SENT);
    require_equal(test->events[0].code, WEIR_CANCELLED);
    require_equal(test->events[0].os_error, 5);
    require_equal(test->events[1].kind, NET_CLOSED);
    require_equal(test->events[1].handle.generation, handle.generation);
    require(test->events[1].owner == &test);
    require_equal(test->net.ledger.open_count, 0);
    test__turn(test);
    require_equal(test->net.ledger.events_count, 0);
    test__free(test);
}

static void answers_wait_for_room(void **state)
{
    struct test_net *test = test__open(10, 1);
    struct ledger_slot *slots[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        slots[i] = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, &slots[i]);
        slots[i]->send_out = slots[i]->closing = true;
        ledger_sent(&test->net, slots[i], WEIR_OK, 0);
        ledger_closed(&test->net, slots[i]);
    }
    for (int i = 0; i < 3; i++) {
        test__turn(test);
        require_equal(test->events[0].kind, NET_SENT);
        require(test->events[0].owner == &slots[i]);
        test__turn(test);
        require_equal(test->events[0].kind, NET_CLOSED);
        require(test->events[0].owner == &slots[i]);
    }
    require(!ledger_has_answers(&test->net.ledger));
    test__free(test);
}

static void datagrams_are_answered_in_numbers(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_DATAGRAM, NULL);

    (void)state;
    slot->datagrams_out = 10;
    ledger_sent_to(&test->net, slot, 3, 0, WEIR_OK, 0);
    ledger_sent_to(&test->net, slot, 1, 2, WEIR_UNREACHABLE, 7);
    ledger_sent_to(&test->net, slot, 0, 1, WEIR_TOO_LARGE, 8);
    ledger_sent_to(&test->net, slot, 0, 0, WEIR_OK, 0);
    test__turn(test);
    require_equal(test->net.ledger.events_count, 1);
    require_equal(test->events[0].sent_count, 4);
    require_equal(test->events[0].failed_count, 3);
    require_equal(test->events[0].code, WEIR_UNREACHABLE); /* the first failure's */
    require_equal(test->events[0].os_error, 7);
    require_equal(slot->datagrams_out, 3);
    ledger_sent_to(&test->net, slot, 3, 0, WEIR_OK, 0);
    test__turn(test);
    require_equal(test->events[0].sent_count, 3);
    require_equal(test->events[0].code, WEIR_OK);
    ledger_slot_give_back(&test->net.ledger, slot);
    test__free(test);
}

static void one_pause_stands_for_a_whole_shortage(void **state)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, NULL);

    (void)state;
    slot->flow_on = true;
    for (int i = 0; i < 3; i++) ledger_buffers_scarce(&test->net, slot);
    require_equal(test->net.ledger.events_count, 1);
    require_equal(test->events[0].code, WEIR_NO_BUFFERS);
    struct net_buffer *buffer = pool_take(&test->net.stream_pool, POOL_SYSTEM);
    buffer->length = 1;
    ledger_received(&test->net, slot, buffer); /* it is over; the next is another */
    ledger_buffers_scarce(&test->net, slot);
    require_equal(test->net.ledger.events_count, 3);
    pool_give_back(buffer, POOL_CALLER);
    ledger_slot_give_back(&test->net.ledger, slot);
    test__free(test);
}

/* ---- breaches: each a slot in some state, and an event that must not come then ---- */

static const struct test_breach {
    const char *rule;
    struct ledger_slot slot; /* kind and flags are taken over */
    enum net_event_kind event;
} test__breaches[] = {
    {"law 1", {.kind = LEDGER_LISTENER}, NET_ACCEPTED},
    {"law 1", {.kind = LEDGER_CONNECTION}, NET_RECEIVED},
    {"law 1", {.kind = LEDGER_CONNECTION}, NET_PEER_DONE},
    {"law 1", {.kind = LEDGER_DATAGRAM}, NET_DATAGRAM},
    {"law 1", {.kind = LEDGER_DATAGRAM}, NET_TOO_LARGE},
    {"after its end",
     {.kind = LEDGER_CONNECTION, .flow_on = true, .peer_done = true},
     NET_RECEIVED},
    {"after its end",
     {.kind = LEDGER_CONNECTION, .flow_on = true, .peer_done = true},
     NET_PEER_DONE},
    {"law 2", {.kind = LEDGER_CONNECTION}, NET_SENT},
    {"law 2", {.kind = LEDGER_DATAGRAM}, NET_SENT},
    {"law 2", {.kind = LEDGER_CONNECTION}, NET_CLOSED},
    {"breaks once", {.kind = LEDGER_CONNECTION, .broken = true}, NET_BROKEN},
    {"law 7", {.kind = LEDGER_CONNECTION, .flow_on = true, .closing = true}, NET_RECEIVED},
    {"law 7", {.kind = LEDGER_CONNECTION, .closing = true}, NET_BROKEN},
    {"law 7", {.kind = LEDGER_LISTENER, .flow_on = true, .closing = true}, NET_ACCEPTED},
    {"law 7", {.kind = LEDGER_LISTENER, .closing = true}, NET_PAUSED},
    {"law 7", {.kind = LEDGER_CONNECTION, .closing = true, .send_out = true}, NET_CLOSED},
    {"law 7", {.kind = LEDGER_DATAGRAM, .closing = true, .datagrams_out = 1}, NET_CLOSED},
    {"kind == LEDGER_LISTENER", {.kind = LEDGER_CONNECTION, .flow_on = true}, NET_ACCEPTED},
    {"kind == LEDGER_CONNECTION", {.kind = LEDGER_DATAGRAM, .flow_on = true}, NET_RECEIVED},
    {"kind == LEDGER_DATAGRAM", {.kind = LEDGER_CONNECTION, .flow_on = true}, NET_DATAGRAM},
};

static void test__breach(void *argument)
{
    const struct test_breach *breach = argument;
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, breach->slot.kind, NULL);

    slot->flow_on = breach->slot.flow_on;
    slot->peer_done = breach->slot.peer_done;
    slot->broken = breach->slot.broken;
    slot->closing = breach->slot.closing;
    slot->send_out = breach->slot.send_out;
    slot->datagrams_out = breach->slot.datagrams_out;
    ledger_event(&test->net, slot, breach->event);
}

static void each_breach_is_stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < weir_count_of(test__breaches); i++)
        require_death(test__breach, (void *)(uintptr_t)&test__breaches[i], test__breaches[i].rule);
}

static void test__event_outside(void *argument)
{
    struct test_net *test = test__open(10, 8);

    (void)argument;
    test->net.ledger.events = NULL;
    ledger_event(&test->net, NULL, NET_WOKEN);
}

static void test__answer_twice(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, NULL);

    (void)argument;
    slot->send_out = true;
    ledger_sent(&test->net, slot, WEIR_OK, 0);
    ledger_sent(&test->net, slot, WEIR_OK, 0);
}

static void test__answer_too_many(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_DATAGRAM, NULL);

    (void)argument;
    slot->datagrams_out = 3;
    ledger_sent_to(&test->net, slot, 2, 0, WEIR_OK, 0);
    ledger_sent_to(&test->net, slot, 1, 1, WEIR_OK, 0);
}

static void test__close_twice(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, NULL);

    (void)argument;
    slot->closing = true;
    ledger_closed(&test->net, slot);
    ledger_closed(&test->net, slot);
}

static void test__find_old(void *argument)
{
    struct test_net *test = test__open(10, 8);
    struct ledger_slot *slot = ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, NULL);
    struct net_handle handle = ledger_handle(slot);

    (void)argument;
    ledger_slot_give_back(&test->net.ledger, slot);
    ledger_slot_take(&test->net.ledger, LEDGER_CONNECTION, NULL);
    ledger_find(&test->net.ledger, handle, LEDGER_FREE);
}

static void test__find_beyond(void *argument)
{
    struct test_net *test = test__open(10, 8);

    (void)argument;
    ledger_find(&test->net.ledger, (struct net_handle){100000, 1}, LEDGER_FREE);
}

static void answers_and_names_that_do_not_exist_are_stopped(void **state)
{
    (void)state;
    require_death(test__event_outside, NULL, "law 2");
    require_death(test__answer_twice, NULL, "law 2");
    require_death(test__answer_too_many, NULL, "law 2");
    require_death(test__close_twice, NULL, "law 2");
    require_death(test__find_old, NULL, "after its NET_CLOSED");
    require_death(test__find_beyond, NULL, "index < ledger->slots_count");
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

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
