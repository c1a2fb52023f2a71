/* SPDX-License-Identifier: MIT */
/* test_mailbox.c - letters between threads: every one once, each thread's in order, none lost when
 * the mailbox is full or shut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mailbox.h"
#include "memory.h"
#include "sim.h"
#include "thread.h"

static struct world {
    struct net_simulation *simulation;
    struct net *net;
    struct mailbox mailbox;
} world;

static void open_world(uint32_t letters_max)
{
    struct sim_options sim_options;
    struct net_options options;

    sim_options_init(&sim_options);
    net_options_init(&options);
    world.simulation = sim_open(&sim_options);
    options.transport = "simulated";
    options.simulation = world.simulation;
    assert_int_equal(net_open(&options, &world.net, NULL), WEIR_OK);
    assert_true(mailbox_init(&world.mailbox, letters_max));
}

static void close_world(void)
{
    assert_true(mailbox_shut(&world.mailbox));
    mailbox_free(&world.mailbox);
    mailbox_free(&world.mailbox); /* harmless */
    net_free(world.net);
    sim_free(world.simulation);
}

static enum mailbox_posted post(uint64_t id)
{
    const struct mailbox_letter letter = {.kind = MAILBOX_CLOSE, .id = id};

    return mailbox_post(&world.mailbox, &letter);
}

static void expect(uint64_t id)
{
    struct mailbox_letter letter;

    assert_true(mailbox_take(&world.mailbox, &letter));
    assert_int_equal(letter.kind, MAILBOX_CLOSE);
    assert_int_equal(letter.id, id);
}

static bool was_woken(void)
{
    struct net_event event;

    return net_wait(world.net, 0, &event, 1) == 1 && event.kind == NET_WOKEN;
}

static void letters_are_taken_in_order_and_bounded(void **state)
{
    struct mailbox_letter letter;

    (void)state;
    open_world(3); /* rounded up to 4 */
    assert_int_equal(post(1), MAILBOX_SHUT);
    mailbox_wake(&world.mailbox); /* nobody is there */
    mailbox_open(&world.mailbox, world.net);
    assert_false(mailbox_take(&world.mailbox, &letter));
    for (uint64_t round = 0; round < 10; round++) {
        for (uint64_t i = 0; i < 4; i++) assert_int_equal(post(round * 4 + i), MAILBOX_POSTED);
        assert_int_equal(post(99), MAILBOX_FULL);
        assert_int_equal(mailbox_count(&world.mailbox), 4);
        for (uint64_t i = 0; i < 4; i++) expect(round * 4 + i);
        assert_false(mailbox_take(&world.mailbox, &letter));
    }
    close_world();
}

static void the_owner_is_woken_once_until_it_looks(void **state)
{
    struct mailbox_letter letter;

    (void)state;
    open_world(8);
    mailbox_open(&world.mailbox, world.net);
    assert_int_equal(post(1), MAILBOX_POSTED);
    assert_true(was_woken());
    assert_int_equal(post(2), MAILBOX_POSTED);
    assert_false(was_woken());
    expect(1);
    expect(2);
    assert_int_equal(post(3), MAILBOX_POSTED);
    assert_false(was_woken()); /* it has not found the mailbox empty yet */
    expect(3);
    assert_false(mailbox_take(&world.mailbox, &letter));
    assert_int_equal(post(4), MAILBOX_POSTED);
    assert_true(was_woken());
    mailbox_wake(&world.mailbox);
    assert_true(was_woken());
    expect(4);
    close_world();
}

static void it_is_shut_only_while_it_is_empty(void **state)
{
    (void)state;
    open_world(2);
    mailbox_open(&world.mailbox, world.net);
    assert_int_equal(post(1), MAILBOX_POSTED);
    assert_false(mailbox_shut(&world.mailbox));
    expect(1);
    assert_true(mailbox_shut(&world.mailbox));
    assert_true(mailbox_shut(&world.mailbox)); /* and stays so */
    assert_int_equal(post(2), MAILBOX_SHUT);
    close_world();
}

static void without_memory_it_does_not_open(void **state)
{
    struct mailbox mailbox = {.cells = NULL};

    (void)state;
    memory_fail_nth(1, 0);
    assert_false(mailbox_init(&mailbox, 8));
    memory_fail_nth(0, 0);
    mailbox_free(&mailbox);
}

/* ---- with threads ---- */

#define WRITERS 3
#define LETTERS 30000u

/* A writer's letters carry its number and theirs; it goes on until one finds the mailbox shut. */
struct writer {
    uint64_t number;
    uint64_t posted;
};

static void write_letters(void *argument)
{
    struct writer *writer = argument;

    for (;;) {
        switch (post(writer->number << 32 | writer->posted)) {
        case MAILBOX_POSTED: writer->posted++; break;
        case MAILBOX_FULL: thread_yield(); break;
        case MAILBOX_SHUT: return;
        }
    }
}

static void every_letter_comes_once_and_none_is_lost(void **state)
{
    struct writer writers[WRITERS];
    struct thread *threads[WRITERS];
    uint64_t next[WRITERS] = {0}, taken = 0;
    struct mailbox_letter letter;
    int os_error;

    (void)state;
    open_world(16);
    mailbox_open(&world.mailbox, world.net);
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.number = i};
        threads[i] = thread_start("writer", write_letters, &writers[i], &os_error);
        assert_non_null(threads[i]);
    }
    while (taken < LETTERS || !mailbox_shut(&world.mailbox)) {
        if (!mailbox_take(&world.mailbox, &letter)) {
            thread_yield();
            continue;
        }
        assert_true(letter.id >> 32 < WRITERS);
        assert_int_equal(letter.id & UINT32_MAX, next[letter.id >> 32]);
        next[letter.id >> 32]++;
        taken++;
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(threads[i]);
        assert_int_equal(writers[i].posted, next[i]); /* what was taken in was seen */
    }
    close_world();
}

/* A writer that is still inside, as one would be between its letter and its wake-up; it leaves
 * when the mailbox is shut. */
static void leave_when_shut(void *argument)
{
    (void)argument;
    while (post(1) != MAILBOX_SHUT) thread_yield();
    atomic_fetch_sub(&world.mailbox.visitors, 1);
}

static void shutting_waits_for_who_is_inside(void **state)
{
    struct thread *thread;
    struct mailbox_letter letter;
    int os_error;

    (void)state;
    open_world(8);
    mailbox_open(&world.mailbox, world.net);
    atomic_fetch_add(&world.mailbox.visitors, 1);
    thread = thread_start("visitor", leave_when_shut, NULL, &os_error);
    assert_non_null(thread);
    while (!mailbox_shut(&world.mailbox)) mailbox_take(&world.mailbox, &letter);
    assert_int_equal(atomic_load(&world.mailbox.visitors), 0);
    thread_join(thread);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_taken_in_order_and_bounded),
        cmocka_unit_test(the_owner_is_woken_once_until_it_looks),
        cmocka_unit_test(it_is_shut_only_while_it_is_empty),
        cmocka_unit_test(without_memory_it_does_not_open),
        cmocka_unit_test(every_letter_comes_once_and_none_is_lost),
        cmocka_unit_test(shutting_waits_for_who_is_inside),
    };

    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
