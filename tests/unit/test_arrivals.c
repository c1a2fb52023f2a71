/* SPDX-License-Identifier: MIT */
/* test_arrivals.c - data, FIN, failures, datagrams and sockets: handed out while the flow is on,
 * held in order while it is off, dropped by a close. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bare_net.h"
#include "check.h"
#include "memory_faults.h"
#include "require.h"

#define TEST__ECONNRESET 104
#define TEST__ETIMEDOUT 110

static struct handle *test__handle(struct bare_net *bare, enum handle_kind kind, bool on)
{
    struct handle *handle = bare_net_handle(bare, kind);

    handle->flow_on = on;
    return handle;
}

static void test__switch(struct bare_net *bare, struct handle *handle, bool on)
{
    handle->flow_on = on;
    arrivals_on_switch(&bare->net, handle);
}

/* Delivers as a net_wait with that much room. Returns the number of events. */
static uint32_t test__deliver(struct bare_net *bare, uint32_t events_max)
{
    bare_net_batch(bare, events_max);
    arrivals_deliver(&bare->net);
    return bare->net.batch.count;
}

/* Bytes arrive; their number tells the buffers apart. */
static void test__bytes(struct bare_net *bare, struct handle *handle, uint32_t length)
{
    arrival_bytes(&bare->net, handle, bare_net_buffer(bare, handle->kind, length));
}

static void test__received(const struct bare_net *bare, uint32_t at, uint32_t length)
{
    require(at < bare->net.batch.count);
    require_equal(bare->events[at].kind, NET_RECEIVED);
    require_equal(bare->events[at].buffer->length, length);
    require_equal(pool_buffer_of(bare->events[at].buffer)->owner, POOL_CALLER);
}

/* ---- bytes ---- */

static void bytes_are_handed_out_while_the_flow_is_on(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, true);

    (void)state;
    test__bytes(bare, handle, 1);
    test__bytes(bare, handle, 2);
    require_equal(bare->net.batch.count, 2);
    test__received(bare, 0, 1);
    test__received(bare, 1, 2);
    require(!arrivals_are_held(handle));
    bare_net_free(bare);
}

static void bytes_are_held_in_order_while_the_flow_is_off(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, handle, 1);
    test__bytes(bare, handle, 2);
    require(arrivals_are_held(handle));
    require(!handle->was_released); /* it took buffers, although the owner has none of them yet */
    require_equal(test__deliver(bare, 8), 0);
    test__switch(bare, handle, true);
    test__bytes(bare, handle, 3); /* behind the held ones */
    require_equal(bare->net.batch.count, 0);
    require_equal(test__deliver(bare, 2), 2);
    test__received(bare, 0, 1);
    test__received(bare, 1, 2);
    require_equal(bare->receives_count, 0); /* not while something is held */
    require_equal(test__deliver(bare, 8), 1);
    test__received(bare, 0, 3);
    require(!arrivals_are_held(handle));
    require_equal(bare->receives_count, 1);
    require(bare->last == handle);
    require_equal(test__deliver(bare, 8), 0);
    bare_net_free(bare);
}

static void a_flow_that_is_switched_off_again_delivers_nothing(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, handle, 1);
    test__switch(bare, handle, true);
    test__switch(bare, handle, false);
    require_equal(test__deliver(bare, 8), 0);
    require(arrivals_are_held(handle));
    test__switch(bare, handle, true);
    require_equal(test__deliver(bare, 8), 1);
    bare_net_free(bare);
}

static void handles_are_delivered_in_the_order_of_switching(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *first = test__handle(bare, HANDLE_CONNECTION, false);
    struct handle *second = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, first, 1);
    test__bytes(bare, second, 2);
    test__switch(bare, second, true);
    test__switch(bare, first, true);
    require_equal(test__deliver(bare, 1), 1);
    test__received(bare, 0, 2);
    require_equal(test__deliver(bare, 8), 1);
    test__received(bare, 0, 1);
    bare_net_free(bare);
}

static void a_resumed_handle_waits_if_others_wait_for_buffers(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *waiting = test__handle(bare, HANDLE_CONNECTION, true);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    buffer_waiters_add(&bare->net, waiting);
    test__bytes(bare, handle, 1);
    test__switch(bare, handle, true);
    require_equal(test__deliver(bare, 8), 1);
    require(handle_waits(handle)); /* rule 4 of buffer_waiters.h */
    bare_net_free(bare);
}

static void a_closing_handle_gets_nothing(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    handle->closing = true;
    test__bytes(bare, handle, 1);
    arrival_end(&bare->net, handle, WEIR_RESET, TEST__ECONNRESET);
    require(!arrivals_are_held(handle));
    require(!handle->receive_ended);
    require_equal(bare->net.stream_pool.free_count, 4);
    require_equal(test__deliver(bare, 8), 0);
    bare_net_free(bare);
}

/* ---- FIN and failures ---- */

static void fin_follows_the_bytes_and_waits_for_the_flow(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, handle, 1);
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    require(handle->receive_ended);
    require_equal(test__deliver(bare, 8), 0);
    test__switch(bare, handle, true);
    require_equal(test__deliver(bare, 1), 1);
    test__received(bare, 0, 1);
    require_equal(test__deliver(bare, 8), 1);
    require_equal(bare->events[0].kind, NET_PEER_DONE);
    require(!arrivals_are_held(handle));
    require_equal(bare->receives_count, 0); /* nothing follows FIN */
    bare_net_free(bare);
}

static void fin_is_handed_out_immediately_or_held(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *on = test__handle(bare, HANDLE_CONNECTION, true);
    struct handle *off = test__handle(bare, HANDLE_CONNECTION, false);
    struct handle *without_room = test__handle(bare, HANDLE_CONNECTION, true);

    (void)state;
    arrival_end(&bare->net, on, WEIR_OK, 0);
    arrival_end(&bare->net, off, WEIR_OK, 0);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_PEER_DONE);
    require(on->peer_done);
    require(!arrivals_are_held(on));
    require(arrivals_are_held(off));
    bare_net_batch(bare, 0);
    arrival_end(&bare->net, without_room, WEIR_OK, 0);
    require(arrivals_are_held(without_room));
    require_equal(test__deliver(bare, 8), 1);
    require(without_room->peer_done);
    require(!off->peer_done);
    bare_net_free(bare);
}

static void a_failure_is_handed_out_although_the_flow_is_off(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *inside = test__handle(bare, HANDLE_CONNECTION, false);
    struct handle *outside = test__handle(bare, HANDLE_DATAGRAM, false);

    (void)state;
    arrival_end(&bare->net, inside, WEIR_RESET, TEST__ECONNRESET);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_BROKEN);
    require_equal(bare->events[0].code, WEIR_RESET);
    require_equal(bare->events[0].os_error, TEST__ECONNRESET);
    bare->net.batch.events = NULL; /* outside of net_wait it is held until the next one */
    arrival_end(&bare->net, outside, WEIR_TIMED_OUT, TEST__ETIMEDOUT);
    require(arrivals_are_held(outside));
    require_equal(test__deliver(bare, 8), 1);
    require_equal(bare->events[0].handle.index, outside->index);
    require_equal(bare->events[0].os_error, TEST__ETIMEDOUT);
    require_equal(bare->receives_count, 0);
    bare_net_free(bare);
}

static void a_failure_does_not_overtake_held_bytes(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, handle, 1);
    arrival_end(&bare->net, handle, WEIR_RESET, TEST__ECONNRESET);
    require_equal(test__deliver(bare, 8), 0);
    test__switch(bare, handle, true);
    require_equal(test__deliver(bare, 8), 2);
    test__received(bare, 0, 1);
    require_equal(bare->events[1].kind, NET_BROKEN);
    require(handle->broken);
    bare_net_free(bare);
}

static void only_a_failure_can_follow_fin(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, true);

    (void)state;
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    require_equal(bare->net.batch.count, 1);
    arrival_end(&bare->net, handle, WEIR_RESET, TEST__ECONNRESET);
    require_equal(bare->net.batch.count, 2);
    require_equal(bare->events[1].kind, NET_BROKEN);
    arrival_end(&bare->net, handle, WEIR_RESET, TEST__ECONNRESET); /* it is broken */
    require_equal(bare->net.batch.count, 2);
    require(!arrivals_are_held(handle));
    bare_net_free(bare);
}

static void nothing_follows_a_held_failure(void **state)
{
    struct bare_net *bare = bare_net_open(0);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    arrival_end(&bare->net, handle, WEIR_RESET, TEST__ECONNRESET); /* replaces the held FIN */
    arrival_end(&bare->net, handle, WEIR_TIMED_OUT, TEST__ETIMEDOUT);
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__deliver(bare, 8), 1);
    require_equal(bare->events[0].kind, NET_BROKEN);
    require_equal(bare->events[0].os_error, TEST__ECONNRESET);
    bare_net_free(bare);
}

static void a_broken_handle_delivers_nothing_that_it_holds(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    test__bytes(bare, handle, 1);
    test__switch(bare, handle, true);
    event_batch_failed(&bare->net, handle, NET_BROKEN, WEIR_RESET, TEST__ECONNRESET);
    require_equal(test__deliver(bare, 8), 0);
    handle->flow_on = false;
    arrivals_drop(&bare->net, handle);
    bare_net_free(bare);
}

/* ---- datagrams ---- */

static void test__datagram(struct bare_net *bare, struct handle *handle, uint32_t length)
{
    arrival_datagram(&bare->net, handle, bare_net_buffer(bare, HANDLE_DATAGRAM, length));
}

static void datagrams_are_handed_out_by_their_transport(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_DATAGRAM, true);

    (void)state;
    test__datagram(bare, handle, 5);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_DATAGRAM);
    test__switch(bare, handle, false);
    test__datagram(bare, handle, 6);
    test__datagram(bare, handle, 0); /* a datagram can be empty */
    require_equal(test__deliver(bare, 8), 0);
    test__switch(bare, handle, true);
    test__datagram(bare, handle, 7);
    require_equal(test__deliver(bare, 8), 3);
    require_equal(bare->events[0].buffer->length, 6);
    require_equal(bare->events[1].buffer->length, 0);
    require_equal(bare->events[2].buffer->length, 7);
    require_equal(bare->receives_count, 1);
    bare_net_free(bare);
}

static void a_closing_or_broken_socket_drops_datagrams(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *closing = test__handle(bare, HANDLE_DATAGRAM, false);
    struct handle *broken = test__handle(bare, HANDLE_DATAGRAM, true);

    (void)state;
    closing->closing = true;
    broken->broken = true;
    test__datagram(bare, closing, 1);
    test__datagram(bare, broken, 1);
    require_equal(bare->net.batch.count, 0);
    require(!arrivals_are_held(closing) && !arrivals_are_held(broken));
    require_equal(bare->net.datagram_pool.free_count, 4);
    bare_net_free(bare);
}

/* ---- accepted sockets ---- */

static struct handle *test__listener(struct bare_net *bare, uint32_t sockets_max, bool on)
{
    struct handle *listener = test__handle(bare, HANDLE_LISTENER, on);

    require(arrivals_open_listener(listener, sockets_max));
    return listener;
}

static void test__socket(struct bare_net *bare, struct handle *listener, uint16_t number)
{
    const struct net_address peer = {.port = number};

    arrival_socket(&bare->net, listener, number, &peer);
}

static void test__accepted(const struct bare_net *bare, uint32_t at, uint16_t number)
{
    require(at < bare->net.batch.count);
    require_equal(bare->events[at].kind, NET_ACCEPTED);
    require_equal(bare->events[at].socket.os_handle, number);
    require(bare->events[at].socket.transport == bare->net.transport);
    require_equal(bare->events[at].peer.port, number);
}

static void test__end_listener(struct bare_net *bare, struct handle *listener)
{
    listener->flow_on = false;
    arrivals_drop(&bare->net, listener);
}

static void sockets_are_handed_out_or_held_in_order(void **state)
{
    struct bare_net *bare = bare_net_open(2);
    struct handle *listener = test__listener(bare, 4, true);

    (void)state;
    for (uint16_t i = 1; i <= 4; i++) test__socket(bare, listener, i); /* with room for two */
    require_equal(bare->net.batch.count, 2);
    test__accepted(bare, 0, 1);
    test__accepted(bare, 1, 2);
    require(arrivals_are_held(listener));
    bare_net_batch(bare, 8);
    test__socket(bare, listener, 5); /* behind the held ones, although there is room */
    require_equal(bare->net.batch.count, 0);
    require_equal(test__deliver(bare, 1), 1);
    test__accepted(bare, 0, 3);
    require_equal(bare->accepts_count, 0);
    require_equal(test__deliver(bare, 8), 2);
    test__accepted(bare, 0, 4);
    test__accepted(bare, 1, 5);
    require_equal(bare->accepts_count, 1);
    require(bare->last == listener);
    test__end_listener(bare, listener);
    bare_net_free(bare);
}

/* Every refused socket is reported, whether the listener is open or closing. */
static void test__reports_refused(struct bare_net *bare, uint32_t count)
{
    bare_net_batch(bare, 8);
    answers_hand_out(&bare->net);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_REFUSED);
    require_equal(bare->events[0].refused_count, count);
}

static void sockets_beyond_the_maximum_are_refused(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *listener = test__listener(bare, 2, false);

    (void)state;
    for (uint16_t i = 1; i <= 3; i++) test__socket(bare, listener, i);
    require_equal(bare->refused_count, 1);
    require_equal(bare->refused[0], 3);
    test__switch(bare, listener, true);
    require_equal(test__deliver(bare, 8), 2);
    test__switch(bare, listener, false);
    for (uint16_t i = 4; i <= 5; i++) test__socket(bare, listener, i); /* the room is free again */
    require_equal(bare->refused_count, 1);
    test__end_listener(bare, listener);
    require_equal(bare->refused_count, 3); /* what is held is refused */
    require_equal(bare->refused[1], 4);
    require_equal(bare->refused[2], 5);
    test__reports_refused(bare, 3);
    bare_net_free(bare);
}

static void a_closing_listener_refuses_sockets(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *listener = test__listener(bare, 2, false);

    (void)state;
    listener->closing = true;
    test__socket(bare, listener, 1);
    require_equal(bare->refused_count, 1);
    require(!arrivals_are_held(listener));
    test__end_listener(bare, listener);
    test__socket(bare, listener, 2); /* after net_close, without memory for sockets */
    require_equal(bare->refused_count, 2);
    test__reports_refused(bare, 2);
    bare_net_free(bare);
}

static void a_listener_without_memory_is_not_opened(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *listener = test__handle(bare, HANDLE_LISTENER, false);

    (void)state;
    memory_fail_nth(1, 0);
    require(!arrivals_open_listener(listener, 4));
    memory_fail_nth(0, 0);
    arrivals_drop(&bare->net, listener); /* as net_listen does after a failure */
    bare_net_free(bare);
}

/* ---- dropping ---- */

static void a_close_drops_what_is_held(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__handle(bare, HANDLE_CONNECTION, false);

    (void)state;
    for (uint32_t i = 1; i <= 3; i++) test__bytes(bare, handle, i);
    arrival_end(&bare->net, handle, WEIR_OK, 0);
    test__switch(bare, handle, true);
    require_equal(test__deliver(bare, 1), 1);
    handle->flow_on = false;
    handle->closing = true;
    arrivals_drop(&bare->net, handle);
    require(!arrivals_are_held(handle));
    require_equal(test__deliver(bare, 8), 0);
    require_equal(bare->net.stream_pool.free_count, 4);
    arrivals_drop(&bare->net, handle); /* nothing is left to drop */
    bare_net_free(bare);
}

/* ---- misuse ---- */

static void test__drop_while_on(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    arrivals_drop(&bare->net, test__handle(bare, HANDLE_CONNECTION, true));
}

static void test__bytes_for_listener(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    test__bytes(bare, test__handle(bare, HANDLE_LISTENER, true), 1);
}

static void test__open_twice(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    arrivals_open_listener(test__listener(bare, 1, false), 1);
}

static void test__bytes_of_caller(void *argument)
{
    struct bare_net *bare = bare_net_open(8);
    struct net_buffer *buffer = bare_net_buffer(bare, HANDLE_CONNECTION, 1);

    (void)argument;
    pool_move(buffer, POOL_SYSTEM, POOL_CALLER);
    arrival_bytes(&bare->net, test__handle(bare, HANDLE_CONNECTION, false), buffer);
}

static void arrivals_that_cannot_be_are_stopped(void **state)
{
    (void)state;
    require_death(test__drop_while_on, NULL, "held data is dropped after the flow is off");
    require_death(test__bytes_for_listener, NULL, "HANDLE_CONNECTION");
    require_death(test__open_twice, NULL, "!listener->endpoint->sockets");
    require_death(test__bytes_of_caller, NULL, "owner == POOL_SYSTEM");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_handed_out_while_the_flow_is_on),
        cmocka_unit_test(bytes_are_held_in_order_while_the_flow_is_off),
        cmocka_unit_test(a_flow_that_is_switched_off_again_delivers_nothing),
        cmocka_unit_test(handles_are_delivered_in_the_order_of_switching),
        cmocka_unit_test(a_resumed_handle_waits_if_others_wait_for_buffers),
        cmocka_unit_test(a_closing_handle_gets_nothing),
        cmocka_unit_test(fin_follows_the_bytes_and_waits_for_the_flow),
        cmocka_unit_test(fin_is_handed_out_immediately_or_held),
        cmocka_unit_test(a_failure_is_handed_out_although_the_flow_is_off),
        cmocka_unit_test(a_failure_does_not_overtake_held_bytes),
        cmocka_unit_test(only_a_failure_can_follow_fin),
        cmocka_unit_test(nothing_follows_a_held_failure),
        cmocka_unit_test(a_broken_handle_delivers_nothing_that_it_holds),
        cmocka_unit_test(datagrams_are_handed_out_by_their_transport),
        cmocka_unit_test(a_closing_or_broken_socket_drops_datagrams),
        cmocka_unit_test(sockets_are_handed_out_or_held_in_order),
        cmocka_unit_test(sockets_beyond_the_maximum_are_refused),
        cmocka_unit_test(a_closing_listener_refuses_sockets),
        cmocka_unit_test(a_listener_without_memory_is_not_opened),
        cmocka_unit_test(a_close_drops_what_is_held),
        cmocka_unit_test(arrivals_that_cannot_be_are_stopped),
    };

    return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
