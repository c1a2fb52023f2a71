/* SPDX-License-Identifier: MIT */
/* test_cluster_interest.c - subscriptions follow the users of groups and names: against a model,
 * with a broker that fails, and while another thread changes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "interest.h"
#include "memory_faults.h"
#include "thread.h"

enum { NAMES = 30, IDS_MAX = 200000 };

/* A broker that only counts subscriptions. */
static struct {
    struct broker broker;
    uint32_t calls_until_failure; /* 0: none fails */
    uint64_t ids_count;
    char subjects[IDS_MAX][24]; /* "": not subscribed */
} recorder;

static enum weir_code record_subscribe(struct broker *broker, const char *subject, uint64_t *id)
{
    (void)broker;
    if (recorder.calls_until_failure > 0 && --recorder.calls_until_failure == 0)
        return WEIR_NO_MEMORY;
    *id = recorder.ids_count++;
    assert_true(*id < IDS_MAX);
    snprintf(recorder.subjects[*id], sizeof recorder.subjects[0], "%s", subject);
    return WEIR_OK;
}

static void record_unsubscribe(struct broker *broker, uint64_t id)
{
    (void)broker;
    assert_true(recorder.subjects[id][0] != '\0');
    recorder.subjects[id][0] = '\0';
}

static const struct broker_ops recorder_ops = {
    .name = "recorder", .subscribe = record_subscribe, .unsubscribe = record_unsubscribe};

static struct subjects subjects;
static struct tallies tallies;
static struct interest *interest;
static bool is_changed;

static int begin(void **state)
{
    const struct siphash_key key = {{4}};
    (void)state;

    memset(&recorder, 0, sizeof recorder);
    memset(&tallies, 0, sizeof tallies);
    recorder.broker.ops = &recorder_ops;
    subjects_init(&subjects, "t");
    interest = interest_open(&subjects, &tallies, 10, 100, &key);
    return interest ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    interest_free(interest);
    return 0;
}

/* How many subscriptions to the subject there are. */
static uint32_t subscriptions_to(const char *subject)
{
    uint32_t count = 0;

    for (uint64_t i = 0; i < recorder.ids_count; i++)
        count += strcmp(recorder.subjects[i], subject) == 0;
    return count;
}

static void begin_group(const char *name)
{
    assert_int_equal(interest_begin(interest, SUBJECT_GROUP, name, &is_changed), WEIR_OK);
}

static void end_group(const char *name)
{
    interest_end(interest, SUBJECT_GROUP, name, &is_changed);
}

static uint64_t step(uint64_t now_ms)
{
    return interest_step(interest, &recorder.broker, now_ms, 1000);
}

static void test_a_group_without_a_step_leaves_no_trace(void **state)
{
    (void)state;
    begin_group("a");
    assert_true(is_changed);
    begin_group("a");
    assert_false(is_changed);
    end_group("a");
    end_group("a");
    assert_true(step(0) == UINT64_MAX);
    assert_int_equal(recorder.ids_count, 0);
}

static void test_users_are_counted(void **state)
{
    uint64_t subscription, later;
    (void)state;

    assert_false(interest_look(interest, SUBJECT_GROUP, "a", &subscription));
    begin_group("a");
    begin_group("a");
    step(0);
    assert_int_equal(subscriptions_to("weir.t.g.61"), 1);
    assert_int_equal(interest_count(interest, SUBJECT_GROUP), 1);
    assert_true(interest_look(interest, SUBJECT_GROUP, "a", &subscription));
    assert_false(interest_look(interest, SUBJECT_NAME, "a", &later));
    end_group("a");
    assert_false(is_changed);
    end_group("a");
    assert_true(is_changed);
    assert_int_equal(step(10), 110);
    assert_false(interest_look(interest, SUBJECT_GROUP, "a", &later));
    assert_true(later == subscription); /* it lingers */
    begin_group("a");
    assert_true(step(109) == UINT64_MAX);
    end_group("a");
    assert_int_equal(step(120), 220);
    assert_true(step(220) == UINT64_MAX);
    assert_int_equal(subscriptions_to("weir.t.g.61"), 0);
    assert_int_equal(interest_count(interest, SUBJECT_GROUP), 0);
    assert_false(interest_look(interest, SUBJECT_GROUP, "a", &later));
    assert_int_equal(later, 0);
}

static void test_a_broker_that_fails_is_tried_again(void **state)
{
    uint64_t subscription;
    (void)state;

    begin_group("a");
    recorder.calls_until_failure = 1;
    assert_int_equal(step(0), 1000);
    assert_true(interest_look(interest, SUBJECT_GROUP, "a", &subscription));
    assert_int_equal(subscription, 0);
    begin_group("b"); /* waits with it */
    assert_int_equal(step(500), 1000);
    assert_int_equal(recorder.ids_count, 0);
    step(1000);
    assert_int_equal(subscriptions_to("weir.t.g.61"), 1);
    assert_int_equal(subscriptions_to("weir.t.g.62"), 1);
}

static void test_a_refused_node_has_no_subscription(void **state)
{
    (void)state;
    begin_group("a");
    begin_group("b");
    step(0);
    end_group("b");
    step(0); /* it lingers */
    interest_suspend(interest, &recorder.broker);
    assert_int_equal(subscriptions_to("weir.t.g.61"), 0);
    assert_int_equal(subscriptions_to("weir.t.g.62"), 0);
    begin_group("c");
    step(10);
    assert_int_equal(interest_count(interest, SUBJECT_GROUP), 0);
    interest_resume(interest);
    step(20);
    assert_int_equal(subscriptions_to("weir.t.g.61"), 1);
    assert_int_equal(subscriptions_to("weir.t.g.62"), 0);
    assert_int_equal(subscriptions_to("weir.t.g.63"), 1);
}

static void test_memory_can_be_exhausted(void **state)
{
    (void)state;
    memory_fail_nth(1, 0);
    assert_int_equal(interest_begin(interest, SUBJECT_GROUP, "a", &is_changed), WEIR_NO_MEMORY);
    assert_false(is_changed);
    memory_fail_nth(0, 0);
    begin_group("a");
    assert_int_equal(interest_begin(interest, SUBJECT_GROUP, "a", &is_changed), WEIR_OK);
}

/* ---- random changes, against a model ---- */

static void check_model(const uint32_t *users, bool has_passed)
{
    uint32_t wanted = 0, subscribed = 0;

    for (uint32_t i = 0; i < NAMES; i++) {
        char subject[24];
        snprintf(subject, sizeof subject, "weir.t.%c.%02x", i % 2 == 0 ? 'g' : 'u', 'A' + i);
        uint32_t count = subscriptions_to(subject);
        assert_true(count <= 1);
        if (has_passed && users[i] == 0) assert_int_equal(count, 0);
        wanted += users[i] > 0;
        subscribed += count > 0 && users[i] > 0;
    }
    /* Everything wanted is subscribed, as far as there is room. */
    if (has_passed) assert_int_equal(subscribed, wanted < 10 ? wanted : 10);
}

static void test_random_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct dice dice = dice_of(seed, 1);
        uint32_t users[NAMES] = {0};
        uint64_t now_ms = 0;
        if (seed > 1) {
            end(NULL);
            begin(NULL);
        }
        for (int i = 0; i < 3000; i++) {
            uint32_t at = dice_roll(&dice, NAMES);
            enum subject_kind kind = at % 2 == 0 ? SUBJECT_GROUP : SUBJECT_NAME;
            const char name[2] = {(char)('A' + at), '\0'};
            bool adds = users[at] == 0 || dice_roll(&dice, 3) == 0;
            if (adds && users[at] < 3) {
                interest_begin(interest, kind, name, &is_changed);
                users[at]++;
            } else if (users[at] > 0) {
                interest_end(interest, kind, name, &is_changed);
                users[at]--;
            }
            if (dice_roll(&dice, 4) > 0) continue;
            now_ms += dice_roll(&dice, 50);
            interest_step(interest, &recorder.broker, now_ms, 1 + dice_roll(&dice, 20));
            assert_true(interest_count(interest, SUBJECT_GROUP) +
                            interest_count(interest, SUBJECT_NAME) <=
                        10);
            check_model(users, false);
        }
        step(now_ms);
        step(now_ms + 100); /* nothing lingers any longer */
        step(now_ms + 100);
        check_model(users, true);
        for (uint32_t i = 0; i < NAMES; i++)
            for (; users[i] > 0; users[i]--) {
                const char name[2] = {(char)('A' + i), '\0'};
                interest_end(interest, i % 2 == 0 ? SUBJECT_GROUP : SUBJECT_NAME, name,
                             &is_changed);
            }
    }
}

/* ---- another thread ---- */

static _Atomic bool is_done;

static void change_groups(void *argument)
{
    const char *names = argument;
    bool changed;

    for (int i = 0; i < 20000; i++) {
        const char name[2] = {names[i % 3], '\0'};
        interest_begin(interest, SUBJECT_GROUP, name, &changed);
        interest_end(interest, SUBJECT_GROUP, name, &changed);
    }
    atomic_store(&is_done, true);
}

static void test_threads_change_groups_during_steps(void **state)
{
    static char names[2][4] = {"abc", "bcd"};
    struct thread *threads[2];
    uint64_t now_ms = 0, subscription;
    int os_error;
    (void)state;

    atomic_store(&is_done, false);
    for (int i = 0; i < 2; i++)
        threads[i] = thread_start("changes", change_groups, names[i], &os_error);
    for (; !atomic_load(&is_done); now_ms += 30) {
        step(now_ms);
        interest_look(interest, SUBJECT_GROUP, "b", &subscription);
    }
    for (int i = 0; i < 2; i++) thread_join(threads[i]);
    step(now_ms);
    step(now_ms + 100);
    assert_int_equal(interest_count(interest, SUBJECT_GROUP), 0);
    assert_int_equal(subscriptions_to("weir.t.g.62"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_group_without_a_step_leaves_no_trace, begin, end),
        cmocka_unit_test_setup_teardown(test_users_are_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_a_broker_that_fails_is_tried_again, begin, end),
        cmocka_unit_test_setup_teardown(test_a_refused_node_has_no_subscription, begin, end),
        cmocka_unit_test_setup_teardown(test_memory_can_be_exhausted, begin, end),
        cmocka_unit_test_setup_teardown(test_random_changes, begin, end),
        cmocka_unit_test_setup_teardown(test_threads_change_groups_during_steps, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
