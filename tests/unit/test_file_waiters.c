/* SPDX-License-Identifier: MIT */
/* test_file_waiters.c - listeners that wait for descriptors: when they begin to wait, and when they
 * accept again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bare_net.h"
#include "check.h"
#include "clock.h"
#include "require.h"

#define TEST__EMFILE 24
#define TEST__OTHER 103
#define TEST__START_NS (5000 * CLOCK_NS_PER_MS)
#define TEST__RETRY_NS (TEST__START_NS + 100 * CLOCK_NS_PER_MS)

static struct bare_net *test__open(void)
{
    struct bare_net *bare = bare_net_open(8);

    bare->net.now_ns = TEST__START_NS;
    return bare;
}

static struct handle *test__listener(struct bare_net *bare)
{
    struct handle *listener = bare_net_handle(bare, HANDLE_LISTENER);

    listener->flow_on = true;
    return listener;
}

static void a_listener_without_files_waits_and_reports_it_once(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);

    (void)state;
    require(!file_waiters_any(&bare->net.file_waiters));
    require(!file_waiters_accept_failed(&bare->net, listener, true, TEST__EMFILE));
    require(file_waiters_any(&bare->net.file_waiters));
    require(handle_waits(listener));
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].kind, NET_PAUSED);
    require_equal(bare->events[0].os_error, TEST__EMFILE);
    require(bare->events[0].code != WEIR_OK);
    /* A completion that was under way when the first one failed adds no report. */
    require(!file_waiters_accept_failed(&bare->net, listener, true, TEST__EMFILE));
    require_equal(bare->net.batch.count, 1);
    bare_net_free(bare);
}

static void a_failure_of_one_connection_does_not_pause(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 15; i++)
            require(file_waiters_accept_failed(&bare->net, listener, false, TEST__OTHER));
        event_batch_add(&bare->net, listener, NET_ACCEPTED); /* the failures end: count anew */
    }
    require_equal(bare->net.batch.count, 2);
    require(!handle_waits(listener));
    bare_net_free(bare);
}

static void sixteen_failures_in_a_row_pause(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);

    (void)state;
    for (int i = 0; i < 15; i++)
        require(file_waiters_accept_failed(&bare->net, listener, false, TEST__OTHER));
    require(!file_waiters_accept_failed(&bare->net, listener, false, TEST__OTHER));
    require(handle_waits(listener));
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].os_error, TEST__OTHER);
    require_equal(listener->endpoint->accept_failures, 0);
    bare_net_free(bare);
}

static void waiting_listeners_try_again_after_the_delay(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);

    (void)state;
    file_waiters_accept_failed(&bare->net, listener, true, TEST__EMFILE);
    require_equal(file_waiters_retry(&bare->net, NET_FOREVER), TEST__RETRY_NS);
    require_equal(file_waiters_retry(&bare->net, TEST__RETRY_NS - 1), TEST__RETRY_NS - 1);
    bare->net.now_ns = TEST__RETRY_NS - 1;
    require_equal(file_waiters_retry(&bare->net, NET_FOREVER), TEST__RETRY_NS);
    require_equal(bare->accepts_count, 0);
    bare->net.now_ns = TEST__RETRY_NS;
    require_equal(file_waiters_retry(&bare->net, NET_FOREVER), NET_FOREVER);
    require_equal(bare->accepts_count, 1);
    require(bare->last == listener);
    require(!handle_waits(listener));
    require(!file_waiters_any(&bare->net.file_waiters));
    bare_net_free(bare);
}

static void a_freed_file_ends_the_delay(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);
    struct handle *connection = bare_net_handle(bare, HANDLE_CONNECTION);

    (void)state;
    bare->net.file_waiters.file_freed = true; /* before the failure: it did not help */
    file_waiters_accept_failed(&bare->net, listener, true, TEST__EMFILE);
    file_waiters_retry(&bare->net, NET_FOREVER);
    require_equal(bare->accepts_count, 0);
    connection->closing = true;
    event_batch_add(&bare->net, connection, NET_CLOSED);
    require_equal(file_waiters_retry(&bare->net, NET_FOREVER), NET_FOREVER);
    require_equal(bare->accepts_count, 1);
    bare_net_free(bare);
}

static void every_waiting_listener_tries_unless_it_is_off(void **state)
{
    struct bare_net *bare = test__open();
    struct handle *first = test__listener(bare), *off = test__listener(bare);
    struct handle *last = test__listener(bare);

    (void)state;
    file_waiters_accept_failed(&bare->net, first, true, TEST__EMFILE);
    file_waiters_accept_failed(&bare->net, off, true, TEST__EMFILE);
    file_waiters_accept_failed(&bare->net, last, true, TEST__EMFILE);
    require_equal(bare->net.batch.count, 3);
    off->flow_on = false;
    bare->net.now_ns = TEST__RETRY_NS;
    file_waiters_retry(&bare->net, NET_FOREVER);
    require_equal(bare->accepts_count, 2);
    require(bare->last == last); /* in the order of waiting */
    require(!handle_waits(off)); /* switching it on will accept */
    bare_net_free(bare);
}

/* ---- misuse ---- */

static void test__connection_waits(void *argument)
{
    struct bare_net *bare = test__open();

    (void)argument;
    file_waiters_accept_failed(&bare->net, bare_net_handle(bare, HANDLE_CONNECTION), true, 1);
}

static void test__retry_closing(void *argument)
{
    struct bare_net *bare = test__open();
    struct handle *listener = test__listener(bare);

    (void)argument;
    file_waiters_accept_failed(&bare->net, listener, true, TEST__EMFILE);
    listener->closing = true;
    bare->net.now_ns = TEST__RETRY_NS;
    file_waiters_retry(&bare->net, NET_FOREVER);
}

static void test__retry_none(void *argument)
{
    (void)argument;
    file_waiters_retry(&test__open()->net, NET_FOREVER);
}

static void handles_that_cannot_wait_are_stopped(void **state)
{
    (void)state;
    require_death(test__connection_waits, NULL, "HANDLE_LISTENER");
    require_death(test__retry_closing, NULL, "!handle->closing");
    require_death(test__retry_none, NULL, "file_waiters_any");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_without_files_waits_and_reports_it_once),
        cmocka_unit_test(a_failure_of_one_connection_does_not_pause),
        cmocka_unit_test(sixteen_failures_in_a_row_pause),
        cmocka_unit_test(waiting_listeners_try_again_after_the_delay),
        cmocka_unit_test(a_freed_file_ends_the_delay),
        cmocka_unit_test(every_waiting_listener_tries_unless_it_is_off),
        cmocka_unit_test(handles_that_cannot_wait_are_stopped),
    };

    return cmocka_run_group_tests_name("file_waiters", tests, NULL, NULL);
}
