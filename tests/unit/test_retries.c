/* SPDX-License-Identifier: MIT */
/* test_retries.c - delays after calls that failed, on a net without a system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bare_net.h"
#include "require.h"

#define TEST__MS UINT64_C(1000000)
#define TEST__FAILURE 105

static uint32_t test__retries;    /* calls of transport->retry */
static struct handle *test__last; /* its last handle */

static void test__retry(struct net *net, struct handle *handle)
{
    (void)net;
    test__retries++;
    test__last = handle;
}

static struct transport test__transport;

static struct bare_net *test__open(uint32_t events_max)
{
    struct bare_net *bare = bare_net_open(events_max);

    test__transport = *bare->net.transport;
    test__transport.retry = test__retry;
    bare->net.transport = &test__transport;
    retries_init(&bare->net.retries);
    test__retries = 0;
    return bare;
}

static void test__fail(struct bare_net *bare, struct handle *handle,
                       enum handle_direction direction)
{
    retries_add(&bare->net, handle, direction, WEIR_NO_BUFFERS, TEST__FAILURE);
}

static void test__run_at(struct bare_net *bare, uint64_t now_ns)
{
    bare->net.now_ns = now_ns;
    retries_run(&bare->net, NET_FOREVER);
}

static void a_delay_doubles_up_to_its_bound(void **state)
{
    struct bare_net *bare = test__open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_CONNECTION);
    uint64_t delay_ns = TEST__MS;

    (void)state;
    for (uint32_t failures = 1; failures <= 600; failures++) {
        test__fail(bare, handle, HANDLE_RECEIVES);
        require(retries_any(&bare->net.retries));
        require(handle_retries(handle, HANDLE_RECEIVES));
        require(!handle_retries(handle, HANDLE_SENDS));
        require_equal(retries_run(&bare->net, NET_FOREVER), bare->net.now_ns + delay_ns);
        require_equal(retries_run(&bare->net, 5), 5); /* the earlier deadline */
        require_equal(test__retries, failures - 1);
        test__run_at(bare, bare->net.now_ns + delay_ns);
        require_equal(test__retries, failures);
        require(!retries_any(&bare->net.retries));
        if (delay_ns < 128 * TEST__MS) delay_ns *= 2;
    }
    require_equal(bare->net.batch.count, 1); /* one episode */
    handle_succeeded(handle, HANDLE_RECEIVES);
    test__fail(bare, handle, HANDLE_RECEIVES);
    require_equal(retries_run(&bare->net, NET_FOREVER), bare->net.now_ns + TEST__MS);
    require_equal(bare->net.batch.count, 2);
    require_equal(bare->events[1].kind, NET_PAUSED);
    require_equal(bare->events[1].code, WEIR_NO_BUFFERS);
    require_equal(bare->events[1].os_error, TEST__FAILURE);
    list_remove(&handle->retrying);
    bare_net_free(bare);
}

/* A handle that fails later can be due earlier. */
static void each_handle_has_its_own_delay(void **state)
{
    struct bare_net *bare = test__open(8);
    struct handle *slow = bare_net_handle(bare, HANDLE_DATAGRAM);
    struct handle *quick = bare_net_handle(bare, HANDLE_DATAGRAM);

    (void)state;
    for (int i = 0; i < 4; i++) test__fail(bare, slow, HANDLE_SENDS);
    test__run_at(bare, bare->net.now_ns + TEST__MS); /* the first delay counts */
    require_equal(test__retries, 1);
    test__fail(bare, slow, HANDLE_SENDS);
    test__fail(bare, quick, HANDLE_RECEIVES);
    test__run_at(bare, bare->net.now_ns + TEST__MS);
    require_equal(test__retries, 2);
    require(test__last == quick);
    require(handle_retries(slow, HANDLE_SENDS));
    test__run_at(bare, bare->net.now_ns + 15 * TEST__MS);
    require_equal(test__retries, 3);
    require(test__last == slow);
    bare_net_free(bare);
}

/* Both directions are tried at the earlier time. */
static void the_earlier_direction_decides(void **state)
{
    struct bare_net *bare = test__open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_CONNECTION);

    (void)state;
    for (int i = 0; i < 3; i++) {
        test__fail(bare, handle, HANDLE_SENDS);
        list_remove(&handle->retrying);
    }
    test__fail(bare, handle, HANDLE_SENDS); /* due after 8 ms */
    test__fail(bare, handle, HANDLE_RECEIVES);
    test__run_at(bare, bare->net.now_ns + TEST__MS);
    require_equal(test__retries, 1);
    require(!list_has(&handle->retrying));
    bare_net_free(bare);
}

/* net_send cannot hand out an event, nor can a full batch: the next attempt reports the pause. */
static void a_pause_is_reported_when_an_event_is_possible(void **state)
{
    struct bare_net *bare = test__open(1);
    struct handle *handle = bare_net_handle(bare, HANDLE_CONNECTION);
    struct handle *other = bare_net_handle(bare, HANDLE_CONNECTION);
    struct net_event *events = bare->net.batch.events;

    (void)state;
    bare->net.batch.events = NULL;
    test__fail(bare, handle, HANDLE_SENDS);
    require_equal(bare->net.batch.count, 0);
    bare->net.batch.events = events;
    test__run_at(bare, bare->net.now_ns + TEST__MS);
    require_equal(bare->net.batch.count, 1);
    test__fail(bare, other, HANDLE_SENDS); /* there is no room */
    bare_net_batch(bare, 1);
    test__run_at(bare, bare->net.now_ns + TEST__MS);
    require_equal(bare->net.batch.count, 1);
    require_equal(bare->events[0].handle.index, other->index);
    bare_net_free(bare);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delay_doubles_up_to_its_bound),
        cmocka_unit_test(each_handle_has_its_own_delay),
        cmocka_unit_test(the_earlier_direction_decides),
        cmocka_unit_test(a_pause_is_reported_when_an_event_is_possible),
    };

    return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
