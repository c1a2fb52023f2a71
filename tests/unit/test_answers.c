/* SPDX-License-Identifier: MIT */
/* test_answers.c - answers to sends and closes: recorded at any time, handed out in order, each
 * once, while there is room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bare_net.h"
#include "check.h"
#include "require.h"

/* Hands out answers as a net_wait with that much room. Returns the number of events. */
static uint32_t test__hand_out(struct bare_net *bare, uint32_t events_max)
{
    bare_net_batch(bare, events_max);
    answers_hand_out(&bare->net);
    return bare->net.batch.count;
}

static void test__event_is(const struct bare_net *bare, uint32_t at, enum net_event_kind kind,
                           struct net_handle id)
{
    require(at < bare->net.batch.count);
    require_equal(bare->events[at].kind, kind);
    require_equal(bare->events[at].handle.index, id.index);
    require_equal(bare->events[at].handle.generation, id.generation);
}

static struct handle *test__sending(struct bare_net *bare)
{
    struct handle *handle = bare_net_handle(bare, HANDLE_CONNECTION);

    handle->send_out = true;
    return handle;
}

static void a_send_is_answered_once(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare);

    (void)state;
    require(!answers_are_recorded(&bare->net.answers));
    require_equal(test__hand_out(bare, 8), 0);
    answer_sent(&bare->net, handle, WEIR_RESET, 104);
    require(answers_are_recorded(&bare->net.answers));
    require(handle->send_out); /* until it is handed out, net_send must not be called again */
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_SENT, handle_id(handle));
    require_equal(bare->events[0].code, WEIR_RESET);
    require_equal(bare->events[0].os_error, 104);
    require(!handle->send_out);
    require(!answers_are_recorded(&bare->net.answers));
    require_equal(test__hand_out(bare, 8), 0);
    handle->send_out = true; /* the next send */
    answer_sent(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].code, WEIR_OK);
    require_equal(bare->events[0].os_error, 0);
    bare_net_free(bare);
}

static void a_failed_send_counts_the_accepted_bytes(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare);

    (void)state;
    handle->send_bytes = 100;
    answer_count_unsent(handle, 30);
    answer_sent(&bare->net, handle, WEIR_RESET, 104);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].sent_bytes, 70);
    handle->send_out = true; /* the next send is complete */
    answer_sent(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].sent_bytes, 100);
    bare_net_free(bare);
}

/* Returns a connection with a send of two buffers that are released late. */
static struct handle *test__sending_late(struct bare_net *bare)
{
    struct handle *handle = test__sending(bare);

    handle->send_bytes = 100;
    handle->send_buffers = 2;
    answer_unreleased(handle);
    return handle;
}

static void test__released_is(const struct bare_net *bare, uint32_t buffers, uint32_t bytes)
{
    require_equal(bare->events[0].released_buffers, buffers);
    require_equal(bare->events[0].released_bytes, bytes);
}

static void a_copied_send_is_released_when_it_is_answered(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare);

    (void)state;
    handle->send_bytes = 100;
    handle->send_buffers = 2;
    answer_count_unsent(handle, 30);
    answer_sent(&bare->net, handle, WEIR_RESET, 104);
    require_equal(test__hand_out(bare, 8), 1);
    test__released_is(bare, 2, 70);
    bare_net_free(bare);
}

static void releases_follow_the_answer(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending_late(bare);

    (void)state;
    answer_released(&bare->net, handle, 20, 0); /* a part, before the whole send is accepted */
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_RELEASED, handle_id(handle));
    test__released_is(bare, 0, 20);
    answer_accepted(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_SENT, handle_id(handle));
    require_equal(bare->events[0].sent_bytes, 100);
    test__released_is(bare, 0, 0);
    answer_released(&bare->net, handle, 30, 1);
    answer_released(&bare->net, handle, 50, 1);
    require_equal(test__hand_out(bare, 8), 1); /* one event for both */
    test__event_is(bare, 0, NET_RELEASED, handle_id(handle));
    test__released_is(bare, 2, 80);
    require_equal(test__hand_out(bare, 8), 0);
    bare_net_free(bare);
}

static void an_answer_reports_the_releases_of_earlier_sends(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending_late(bare);

    (void)state;
    answer_accepted(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    handle->send_out = true; /* the next one */
    answer_unreleased(handle);
    answer_released(&bare->net, handle, 100, 2);
    answer_accepted(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_SENT, handle_id(handle));
    test__released_is(bare, 2, 100);
    answer_released(&bare->net, handle, 0, 0); /* nothing to report */
    require(!answers_are_recorded(&bare->net.answers));
    answer_released(&bare->net, handle, 100, 2);
    require_equal(test__hand_out(bare, 8), 1);
    bare_net_free(bare);
}

static void closed_follows_the_last_release(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending_late(bare);
    struct net_handle id = handle_id(handle);

    (void)state;
    answer_accepted(&bare->net, handle, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    handle->closing = true;
    answer_released(&bare->net, handle, 0, 2); /* their bytes are lost */
    answer_closed(&bare->net, handle);
    require_equal(test__hand_out(bare, 1), 1); /* NET_CLOSED waits for room */
    test__event_is(bare, 0, NET_RELEASED, id);
    test__released_is(bare, 2, 0);
    require_equal(test__hand_out(bare, 1), 1);
    test__event_is(bare, 0, NET_CLOSED, id);
    bare_net_free(bare);
}

static void test__release_too_much(void *argument)
{
    const uint32_t *released = argument;
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending_late(bare);

    if (released[0] != 99) answer_accepted(&bare->net, handle, WEIR_OK, 0);
    answer_released(&bare->net, handle, released[0] == 99 ? 100 : released[0], released[1]);
}

static void a_release_that_is_too_large_is_stopped(void **state)
{
    static uint32_t buffers[2] = {0, 3}, bytes[2] = {101, 1}, early[2] = {99, 2};

    (void)state;
    require_death(test__release_too_much, buffers, "a buffer is released twice");
    require_death(test__release_too_much, bytes, "bytes are released twice");
    require_death(test__release_too_much, early, "before its last byte is released");
}

static void answers_are_handed_out_in_the_order_of_recording(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handles[3];

    (void)state;
    for (int i = 0; i < 3; i++) handles[i] = test__sending(bare);
    answer_sent(&bare->net, handles[1], WEIR_OK, 0);
    answer_sent(&bare->net, handles[2], WEIR_OK, 0);
    answer_sent(&bare->net, handles[0], WEIR_OK, 0);
    require_equal(test__hand_out(bare, 0), 0);
    require_equal(test__hand_out(bare, 1), 1); /* the others wait for room */
    test__event_is(bare, 0, NET_SENT, handle_id(handles[1]));
    handles[1]->send_out = true;
    answer_sent(&bare->net, handles[1], WEIR_OK, 0); /* listed anew, behind the others */
    require_equal(test__hand_out(bare, 8), 3);
    test__event_is(bare, 0, NET_SENT, handle_id(handles[2]));
    test__event_is(bare, 1, NET_SENT, handle_id(handles[0]));
    test__event_is(bare, 2, NET_SENT, handle_id(handles[1]));
    bare_net_free(bare);
}

static void a_close_is_answered_last_and_frees_the_handle(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare), *other = test__sending(bare);
    struct net_handle id = handle_id(handle);

    (void)state;
    handle->closing = true;
    answer_closed(&bare->net, handle); /* recorded before the answer to the send */
    answer_sent(&bare->net, handle, WEIR_CANCELLED, 0);
    answer_sent(&bare->net, other, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 1), 1);
    test__event_is(bare, 0, NET_SENT, id);
    require_equal(bare->net.handle_table.open_count, 2);
    require_equal(test__hand_out(bare, 8), 2); /* it kept its position for NET_CLOSED */
    test__event_is(bare, 0, NET_CLOSED, id);
    test__event_is(bare, 1, NET_SENT, handle_id(other));
    require_equal(bare->net.handle_table.open_count, 1);
    require_equal(test__hand_out(bare, 8), 0);
    bare_net_free(bare);
}

static void a_close_alone_is_one_event(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_LISTENER);
    struct net_handle id = handle_id(handle);

    (void)state;
    handle->closing = true;
    answer_closed(&bare->net, handle);
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_CLOSED, id);
    require(!answers_are_recorded(&bare->net.answers));
    bare_net_free(bare);
}

static void datagrams_are_added_up_until_handed_out(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_DATAGRAM);

    (void)state;
    handle->endpoint->datagrams_out = 9;
    answer_datagrams(&bare->net, handle, 0, 0, WEIR_OK, 0);
    require(!answers_are_recorded(&bare->net.answers)); /* nothing was answered */
    answer_datagrams(&bare->net, handle, 2, 0, WEIR_OK, 0);
    answer_datagrams(&bare->net, handle, 1, 2, WEIR_TOO_LARGE, 90);
    answer_datagrams(&bare->net, handle, 0, 1, WEIR_UNREACHABLE, 113);
    require_equal(test__hand_out(bare, 8), 1);
    test__event_is(bare, 0, NET_SENT, handle_id(handle));
    require_equal(bare->events[0].sent_count, 3);
    require_equal(bare->events[0].failed_count, 3);
    require_equal(bare->events[0].code, WEIR_TOO_LARGE); /* of the first that failed */
    require_equal(bare->events[0].os_error, 90);
    require_equal(handle->endpoint->datagrams_out, 3);
    answer_datagrams(&bare->net, handle, 0, 1, WEIR_UNREACHABLE, 113);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].code, WEIR_UNREACHABLE); /* the old failure is forgotten */
    require_equal(bare->events[0].sent_count, 0);
    answer_datagrams(&bare->net, handle, 2, 0, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].code, WEIR_OK);
    require_equal(bare->events[0].failed_count, 0);
    require_equal(handle->endpoint->datagrams_out, 0);
    bare_net_free(bare);
}

static void batches_are_counted_as_separate_datagrams(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_DATAGRAM);

    (void)state;
    handle->endpoint->datagrams_out = 6;
    answer_count_datagrams(handle, 0, 0); /* an empty datagram is one, too */
    answer_count_datagrams(handle, 100, 0);
    answer_count_datagrams(handle, 300, 100);
    answer_count_datagrams(handle, 301, 100); /* the last one is shorter */
    answer_datagrams(&bare->net, handle, 4, 0, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].sent_count, 4);
    require_equal(bare->events[0].sent_datagrams, 1 + 1 + 3 + 4);
    require_equal(bare->events[0].sent_bytes, 701);
    answer_count_datagrams(handle, 5, 0);
    answer_datagrams(&bare->net, handle, 1, 0, WEIR_OK, 0);
    require_equal(test__hand_out(bare, 8), 1);
    require_equal(bare->events[0].sent_datagrams, 1); /* counted anew */
    require_equal(bare->events[0].sent_bytes, 5);
    bare_net_free(bare);
}

static void a_socket_is_closed_after_its_datagrams_are_answered(void **state)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = bare_net_handle(bare, HANDLE_DATAGRAM);
    struct net_handle id = handle_id(handle);

    (void)state;
    handle->endpoint->datagrams_out = 2;
    handle->closing = true;
    answer_datagrams(&bare->net, handle, 0, 2, WEIR_CANCELLED, 0);
    answer_closed(&bare->net, handle);
    require_equal(test__hand_out(bare, 8), 2);
    test__event_is(bare, 0, NET_SENT, id);
    require_equal(bare->events[0].code, WEIR_CANCELLED);
    test__event_is(bare, 1, NET_CLOSED, id);
    require_equal(bare->net.handle_table.open_count, 0);
    bare_net_free(bare);
}

/* ---- violations of rule 2 and rule 7 ---- */

static void test__answer_no_send(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    answer_sent(&bare->net, bare_net_handle(bare, HANDLE_CONNECTION), WEIR_OK, 0);
}

static void test__answer_cut_send(void *argument)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare);

    (void)argument;
    handle->send_bytes = 100;
    answer_count_unsent(handle, 1);
    answer_sent(&bare->net, handle, WEIR_OK, 0);
}

static void test__answer_no_datagram(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    answer_datagrams(&bare->net, bare_net_handle(bare, HANDLE_DATAGRAM), 1, 0, WEIR_OK, 0);
}

static void test__count_for_connection(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    answer_count_datagrams(bare_net_handle(bare, HANDLE_CONNECTION), 1, 0);
}

static void test__answer_open(void *argument)
{
    struct bare_net *bare = bare_net_open(8);

    (void)argument;
    answer_closed(&bare->net, bare_net_handle(bare, HANDLE_CONNECTION));
}

static void test__close_before_send(void *argument)
{
    struct bare_net *bare = bare_net_open(8);
    struct handle *handle = test__sending(bare);

    (void)argument;
    handle->closing = true;
    answer_closed(&bare->net, handle);
    test__hand_out(bare, 8);
}

static void answers_to_nothing_are_stopped(void **state)
{
    (void)state;
    require_death(test__answer_no_send, NULL, "rule 2, a send is answered twice");
    require_death(test__answer_cut_send, NULL, "rule 4, a send succeeds with all of its bytes");
    require_death(test__answer_no_datagram, NULL, "rule 2, a datagram is answered twice");
    require_death(test__count_for_connection, NULL, "HANDLE_DATAGRAM");
    require_death(test__answer_open, NULL, "rule 2, closed without a net_close");
    require_death(test__close_before_send, NULL, "rule 7");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_send_is_answered_once),
        cmocka_unit_test(a_failed_send_counts_the_accepted_bytes),
        cmocka_unit_test(a_copied_send_is_released_when_it_is_answered),
        cmocka_unit_test(releases_follow_the_answer),
        cmocka_unit_test(an_answer_reports_the_releases_of_earlier_sends),
        cmocka_unit_test(closed_follows_the_last_release),
        cmocka_unit_test(a_release_that_is_too_large_is_stopped),
        cmocka_unit_test(answers_are_handed_out_in_the_order_of_recording),
        cmocka_unit_test(a_close_is_answered_last_and_frees_the_handle),
        cmocka_unit_test(a_close_alone_is_one_event),
        cmocka_unit_test(datagrams_are_added_up_until_handed_out),
        cmocka_unit_test(batches_are_counted_as_separate_datagrams),
        cmocka_unit_test(a_socket_is_closed_after_its_datagrams_are_answered),
        cmocka_unit_test(answers_to_nothing_are_stopped),
    };

    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
