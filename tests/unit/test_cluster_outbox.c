/* SPDX-License-Identifier: MIT */
/* test_cluster_outbox.c - the queue to the bridge's thread: its limits, its order, and several
 * threads that add to it while one takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory_faults.h"
#include "outbox.h"
#include "thread.h"

static struct outbox_item *item_of(uint8_t value, size_t size)
{
    const struct subject subject = {"a.subject"};
    struct outbox_item *item = outbox_make(&subject, size);

    assert_non_null(item);
    assert_string_equal(item->subject, "a.subject");
    assert_int_equal(item->size, size);
    memset(item->bytes, value, size);
    return item;
}

static void test_items_stay_in_order(void **state)
{
    struct outbox *outbox = outbox_open(10, 1000);
    (void)state;

    assert_null(outbox_take(outbox));
    assert_int_equal(outbox_add(outbox, item_of(1, 10)), OUTBOX_ADDED_FIRST);
    assert_int_equal(outbox_add(outbox, item_of(2, 20)), OUTBOX_ADDED);
    struct outbox_item *item = outbox_take(outbox);
    assert_int_equal(item->bytes[0], 1);
    assert_int_equal(outbox_messages(outbox), 2); /* until it is released */
    assert_int_equal(outbox_bytes(outbox), 30);
    outbox_put_back(outbox, item);
    item = outbox_take(outbox);
    assert_int_equal(item->bytes[9], 1);
    outbox_release(outbox, item);
    assert_int_equal(outbox_messages(outbox), 1);
    assert_int_equal(outbox_bytes(outbox), 20);
    outbox_free(outbox); /* with an item */
}

static enum outbox_result add(struct outbox *outbox, size_t size)
{
    struct outbox_item *item = item_of(0, size);
    enum outbox_result result = outbox_add(outbox, item);

    if (result == OUTBOX_FULL) outbox_item_free(item);
    return result;
}

static void test_messages_are_limited(void **state)
{
    struct outbox *outbox = outbox_open(2, 1000);
    (void)state;

    assert_int_equal(add(outbox, 1), OUTBOX_ADDED_FIRST);
    assert_int_equal(add(outbox, 1), OUTBOX_ADDED);
    assert_int_equal(add(outbox, 1), OUTBOX_FULL);
    struct outbox_item *item = outbox_take(outbox);
    assert_int_equal(add(outbox, 1), OUTBOX_FULL); /* a taken item still waits */
    outbox_release(outbox, item);
    assert_int_equal(add(outbox, 1), OUTBOX_ADDED_FIRST); /* after those that were taken */
    outbox_free(outbox);
}

static void test_bytes_are_limited(void **state)
{
    struct outbox *outbox = outbox_open(100, 50);
    (void)state;

    assert_int_equal(add(outbox, 51), OUTBOX_FULL);
    assert_int_equal(add(outbox, 50), OUTBOX_ADDED_FIRST);
    assert_int_equal(add(outbox, 1), OUTBOX_FULL);
    outbox_limit_bytes(outbox, 51);
    assert_int_equal(add(outbox, 1), OUTBOX_ADDED);
    outbox_limit_bytes(outbox, 10); /* less than what waits */
    assert_int_equal(add(outbox, 1), OUTBOX_FULL);
    outbox_free(outbox);
}

static void test_memory_can_be_exhausted(void **state)
{
    const struct subject subject = {"a"};
    (void)state;

    assert_null(outbox_make(&subject, SIZE_MAX - 8));
    for (uint64_t n = 1; n <= 2; n++) {
        memory_fail_nth(n, 0);
        assert_null(outbox_open(1, 1));
    }
    memory_fail_nth(0, 0);
}

/* ---- several threads ---- */

enum { WRITERS = 4, EACH = 5000 };

static struct outbox *shared;

static void write_items(void *argument)
{
    const uint8_t *number = argument;

    for (uint32_t i = 0; i < EACH; i++) {
        struct outbox_item *item = item_of(*number, sizeof i + 1);
        memcpy(item->bytes + 1, &i, sizeof i);
        while (outbox_add(shared, item) == OUTBOX_FULL) thread_yield();
    }
}

static void test_each_thread_keeps_its_order(void **state)
{
    static uint8_t numbers[WRITERS] = {0, 1, 2, 3};
    struct thread *threads[WRITERS];
    uint32_t next[WRITERS] = {0};
    int os_error;
    (void)state;

    shared = outbox_open(100, 100000);
    for (int i = 0; i < WRITERS; i++) {
        threads[i] = thread_start("writer", write_items, &numbers[i], &os_error);
        assert_non_null(threads[i]);
    }
    for (uint32_t left = WRITERS * EACH; left > 0;) {
        struct outbox_item *item = outbox_take(shared);
        uint32_t value;
        if (!item) {
            thread_yield();
            continue;
        }
        memcpy(&value, item->bytes + 1, sizeof value);
        assert_int_equal(value, next[item->bytes[0]]++);
        outbox_release(shared, item);
        left--;
    }
    for (int i = 0; i < WRITERS; i++) thread_join(threads[i]);
    assert_int_equal(outbox_messages(shared), 0);
    assert_int_equal(outbox_bytes(shared), 0);
    outbox_free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_stay_in_order),
        cmocka_unit_test(test_messages_are_limited),
        cmocka_unit_test(test_bytes_are_limited),
        cmocka_unit_test(test_memory_can_be_exhausted),
        cmocka_unit_test(test_each_thread_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
