/* SPDX-License-Identifier: MIT */
/* test_cluster_streams.c - positions of messages: what a receiver accepts, what it counts as
 * missing, and what happens when a table is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "streams.h"

static const struct siphash_key key = {{1, 2, 3}};

static struct streams *streams;
static struct streams_position position;

static int begin(void **state)
{
    (void)state;
    streams = streams_open(4, &key);
    position = (struct streams_position){
        .origin = 7, .incarnation = 100, .subscription = 1, .stream = 5, .sequence = 10};
    return streams ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    streams_free(streams);
    return 0;
}

/* The missing messages; -1: the message is refused as a repeated one. */
static int64_t receive(const char *subject, uint32_t stream, uint64_t sequence)
{
    uint64_t gaps;

    position.stream = stream;
    position.sequence = sequence;
    return streams_receive(streams, subject, &position, &gaps) ? (int64_t)gaps : -1;
}

static void test_a_sender_counts_published_messages(void **state)
{
    uint32_t stream;
    uint64_t sequence;
    (void)state;

    assert_true(streams_next(streams, "a", &stream, &sequence));
    assert_int_equal(stream, 1);
    assert_int_equal(sequence, 1);
    assert_true(streams_next(streams, "a", &stream, &sequence)); /* it was not published */
    assert_int_equal(sequence, 1);
    streams_published(streams);
    assert_true(streams_next(streams, "a", &stream, &sequence));
    assert_int_equal(stream, 1);
    assert_int_equal(sequence, 2);
    assert_true(streams_next(streams, "b", &stream, &sequence));
    assert_int_equal(stream, 2);
    assert_int_equal(sequence, 1);
}

static void test_a_forgotten_subject_has_a_later_stream(void **state)
{
    uint32_t stream;
    uint64_t sequence;
    char subject[16];
    (void)state;

    for (int i = 0; i < 5; i++) { /* four entries: "0" is the oldest */
        snprintf(subject, sizeof subject, "%d", i);
        assert_true(streams_next(streams, subject, &stream, &sequence));
        streams_published(streams);
    }
    assert_true(streams_next(streams, "4", &stream, &sequence));
    assert_int_equal(stream, 5);
    assert_int_equal(sequence, 2);
    assert_true(streams_next(streams, "0", &stream, &sequence));
    assert_int_equal(stream, 6);
    assert_int_equal(sequence, 1);
}

static void test_a_stream_is_followed(void **state)
{
    (void)state;
    assert_int_equal(receive("a", 5, 10), 0); /* the first one is the base */
    assert_int_equal(receive("a", 5, 11), 0);
    assert_int_equal(receive("a", 5, 11), -1);
    assert_int_equal(receive("a", 5, 15), 3);
    assert_int_equal(receive("a", 5, 12), -1); /* late */
    assert_int_equal(receive("a", 5, 16), 0);
    assert_int_equal(receive("b", 5, 1), 0); /* another subject */
    position.origin = 8;
    assert_int_equal(receive("a", 5, 1), 0); /* another node */
}

static void test_a_later_stream_follows(void **state)
{
    (void)state;
    assert_int_equal(receive("a", 5, 10), 0);
    assert_int_equal(receive("a", 8, 3), 2);
    assert_int_equal(receive("a", 5, 11), -1);
    assert_int_equal(receive("a", 8, 4), 0);
    position.incarnation = 99; /* its number can also be lower; nodes.c decides about that */
    assert_int_equal(receive("a", 1, 2), 1);
}

static void test_a_new_subscription_has_a_new_base(void **state)
{
    (void)state;
    assert_int_equal(receive("a", 5, 10), 0);
    position.subscription = 2;
    assert_int_equal(receive("a", 5, 10), -1); /* but nothing is received again */
    assert_int_equal(receive("a", 4, 30), -1);
    assert_int_equal(receive("a", 5, 20), 0);
    assert_int_equal(receive("a", 5, 22), 1);
}

static void test_a_receiver_forgets_the_oldest(void **state)
{
    char subject[16];
    (void)state;

    assert_int_equal(receive("a", 5, 1), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(subject, sizeof subject, "%d", i);
        assert_int_equal(receive(subject, 5, 1), 0);
    }
    assert_int_equal(receive("a", 5, 3), 1); /* used: "0" is the oldest now */
    assert_int_equal(receive("3", 5, 1), 0);
    assert_int_equal(receive("a", 5, 5), 1);
    assert_int_equal(receive("0", 5, 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sender_counts_published_messages, begin, end),
        cmocka_unit_test_setup_teardown(test_a_forgotten_subject_has_a_later_stream, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stream_is_followed, begin, end),
        cmocka_unit_test_setup_teardown(test_a_later_stream_follows, begin, end),
        cmocka_unit_test_setup_teardown(test_a_new_subscription_has_a_new_base, begin, end),
        cmocka_unit_test_setup_teardown(test_a_receiver_forgets_the_oldest, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
