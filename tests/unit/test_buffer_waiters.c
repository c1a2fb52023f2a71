/* SPDX-License-Identifier: MIT */
/* test_buffer_waiters.c - the order in which handles that wait for buffers are released, and one
 * report per shortage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bare_net.h"
#include "check.h"
#include "require.h"

enum { TEST__HANDLES = 4 };

/* The handles that were released, in order. */
static struct handle *test__released[BARE_NET_EVENTS_MAX];
static uint32_t test__released_count;

static void test__resume(struct net *net, struct handle *handle)
{
    (void)net;
    require(!handle_waits(handle));
    test__released[test__released_count++] = handle;
}

static uint32_t test__release(struct bare_net *bare, uint32_t buffers_count)
{
    test__released_count = 0;
    buffer_waiters_release(&bare->net, &bare->net.stream_waiters, buffers_count, test__resume);
    return test__released_count;
}

/* Opens connections whose flow is on. */
static void test__connections(struct bare_net *bare, struct handle *handles[TEST__HANDLES])
{
    for (int i = 0; i < TEST__HANDLES; i++) {
        handles[i] = bare_net_handle(bare, HANDLE_CONNECTION);
        handles[i]->flow_on = true;
    }
}

static void handles_are_released_in_the_order_of_waiting(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct buffer_waiters *waiters = &bare->net.stream_waiters;
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    require(!buffer_waiters_any(waiters));
    require(buffer_waiters_first(waiters) == NULL);
    for (int i = TEST__HANDLES; i-- > 0;) buffer_waiters_add(&bare->net, handles[i]);
    buffer_waiters_add(&bare->net, handles[3]); /* it waits already: its position stays */
    require(buffer_waiters_any(waiters));
    require(buffer_waiters_first(waiters) == handles[3]);
    require_equal(test__release(bare, TEST__HANDLES), TEST__HANDLES);
    for (int i = 0; i < TEST__HANDLES; i++) require(test__released[i] == handles[3 - i]);
    require(!buffer_waiters_any(waiters));
    bare_net_free(bare);
}

static void as_many_are_released_as_there_are_buffers(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    for (int i = 0; i < TEST__HANDLES; i++) buffer_waiters_add(&bare->net, handles[i]);
    require_equal(test__release(bare, 0), 0);
    require_equal(test__release(bare, 1), 1);
    require(test__released[0] == handles[0]);
    require(!handle_waits(handles[0]));
    require(handle_waits(handles[1]));
    require_equal(test__release(bare, 2), 2);
    require(test__released[0] == handles[1]);
    require(test__released[1] == handles[2]);
    require_equal(test__release(bare, 100), 1);
    require(test__released[0] == handles[3]);
    require_equal(test__release(bare, 100), 0);
    bare_net_free(bare);
}

static void a_handle_that_has_received_waits_after_those_that_have_not(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    handles[1]->was_released = handles[2]->was_released = true;
    for (int i = 0; i < 3; i++) buffer_waiters_add(&bare->net, handles[i]);
    require(buffer_waiters_first(&bare->net.stream_waiters) == handles[1]);
    require_equal(test__release(bare, 3), 3);
    require(test__released[0] == handles[1]);
    require(test__released[1] == handles[2]);
    require(test__released[2] == handles[0]);
    require(handles[0]->was_released);
    bare_net_free(bare);
}

static void a_release_orders_those_that_have_received_before_later_ones(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    buffer_waiters_add(&bare->net, handles[0]);
    require(buffer_waiters_first(&bare->net.stream_waiters) == handles[0]); /* it waits alone */
    require_equal(test__release(bare, 0), 0);
    buffer_waiters_add(&bare->net, handles[1]);
    require_equal(test__release(bare, 2), 2);
    require(test__released[0] == handles[0]);
    require(test__released[1] == handles[1]);
    bare_net_free(bare);
}

/* A handle that is released behind others can find no buffer left. */
static void a_released_handle_without_a_buffer_keeps_its_position(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    for (int i = 0; i < TEST__HANDLES; i++) buffer_waiters_add(&bare->net, handles[i]);
    require_equal(test__release(bare, 3), 3);
    handles[0]->was_released = false; /* it took all buffers, and wants more */
    for (int i = 0; i < 3; i++) buffer_waiters_add(&bare->net, handles[i]);
    require(buffer_waiters_any(&bare->net.stream_waiters));
    require(buffer_waiters_first(&bare->net.stream_waiters) == handles[1]);
    require_equal(test__release(bare, 4), 4);
    require(test__released[0] == handles[1]);
    require(test__released[1] == handles[2]);
    require(test__released[2] == handles[3]); /* it waits since the beginning */
    require(test__released[3] == handles[0]);
    bare_net_free(bare);
}

static void a_handle_that_is_switched_on_waits_if_others_do(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    buffer_waiters_add_if_any(&bare->net, handles[0]);
    require(!handle_waits(handles[0]));
    buffer_waiters_add(&bare->net, handles[1]);
    buffer_waiters_add_if_any(&bare->net, handles[0]);
    buffer_waiters_add(&bare->net, handles[2]);
    buffer_waiters_add_if_any(&bare->net, handles[1]); /* it waits already: its position stays */
    require_equal(test__release(bare, 4), 3);
    require(test__released[0] == handles[1]);
    require(test__released[1] == handles[0]); /* switching off and on gains nothing */
    require(test__released[2] == handles[2]);
    bare_net_free(bare);
}

static void each_pool_has_its_own_waiters(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *connection = bare_net_handle(bare, HANDLE_CONNECTION);
    struct handle *socket = bare_net_handle(bare, HANDLE_DATAGRAM);

    (void)state;
    connection->flow_on = socket->flow_on = true;
    buffer_waiters_add(&bare->net, socket);
    require(buffer_waiters_first(&bare->net.datagram_waiters) == socket);
    buffer_waiters_add_if_any(&bare->net, connection); /* only datagram sockets wait */
    require(!handle_waits(connection));
    buffer_waiters_report(&bare->net, socket);
    buffer_waiters_report(&bare->net, connection); /* its pool has a shortage of its own */
    require_equal(bare->net.batch.count, 2);
    require(bare->events[0].handle.index == socket->index);
    require(bare->events[1].handle.index == connection->index);
    bare_net_free(bare);
}

static void a_shortage_is_reported_once_and_with_room(void **state)
{
    struct bare_net *bare = bare_net_open(0);
    struct handle *handles[TEST__HANDLES];

    (void)state;
    test__connections(bare, handles);
    buffer_waiters_report(&bare->net, handles[0]); /* no room: the next batch reports it */
    require(!bare->net.stream_waiters.reported);
    bare_net_batch(bare, 8);
    buffer_waiters_report(&bare->net, handles[0]);
    buffer_waiters_report(&bare->net, handles[1]);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_PAUSED);
    require_equal(bare->events[0].code, WEIR_NO_BUFFERS);
    require_equal(bare->events[0].os_error, 0);
    bare_net_free(bare);
}

/* ---- misuse ---- */

static void test__add_while_off(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    buffer_waiters_add(&bare->net, bare_net_handle(bare, HANDLE_CONNECTION));
}

static void test__add_listener(void *argument)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *listener = bare_net_handle(bare, HANDLE_LISTENER);

    (void)argument;
    listener->flow_on = true;
    buffer_waiters_add(&bare->net, listener);
}

static void test__release_closing(void *argument)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_CONNECTION);

    (void)argument;
    handle->flow_on = true;
    buffer_waiters_add(&bare->net, handle);
    handle->closing = true;
    test__release(bare, 1);
}

static void handles_that_cannot_wait_are_stopped(void **state)
{
    (void)state;
    require_death(test__add_while_off, NULL, "flow_on");
    require_death(test__add_listener, NULL, "HANDLE_CONNECTION");
    require_death(test__release_closing, NULL, "!handle->closing");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_are_released_in_the_order_of_waiting),
        cmocka_unit_test(as_many_are_released_as_there_are_buffers),
        cmocka_unit_test(a_handle_that_has_received_waits_after_those_that_have_not),
        cmocka_unit_test(a_release_orders_those_that_have_received_before_later_ones),
        cmocka_unit_test(a_released_handle_without_a_buffer_keeps_its_position),
        cmocka_unit_test(a_handle_that_is_switched_on_waits_if_others_do),
        cmocka_unit_test(each_pool_has_its_own_waiters),
        cmocka_unit_test(a_shortage_is_reported_once_and_with_room),
        cmocka_unit_test(handles_that_cannot_wait_are_stopped),
    };

    return cmocka_run_group_tests_name("buffer_waiters", tests, NULL, NULL);
}
