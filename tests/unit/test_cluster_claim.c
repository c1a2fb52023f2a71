/* SPDX-License-Identifier: MIT */
/* test_cluster_claim.c - the claim of a node to its number, event by event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "claim.h"

enum { OWN = 100, EARLIER = 50, LATER = 150, SILENT_MS = 300 };

static struct claim *claim;
static uint64_t next_ms;

static int begin(void **state)
{
    (void)state;
    claim = claim_open(OWN, SILENT_MS);
    return claim ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    claim_free(claim);
    return 0;
}

static void ask_at(uint64_t now_ms)
{
    assert_int_equal(claim_step(claim, true, now_ms, &next_ms), CLAIM_ASK);
    assert_int_equal(claim_state(claim), CLAIM_ASKING);
    assert_int_equal(next_ms, now_ms + CLAIM_WAIT_MS);
}

static void own_at(uint64_t now_ms)
{
    ask_at(now_ms);
    assert_int_equal(claim_step(claim, true, now_ms + CLAIM_WAIT_MS, &next_ms), CLAIM_NOTHING);
    assert_int_equal(claim_state(claim), CLAIM_OWNED);
    assert_true(next_ms == UINT64_MAX);
}

static void test_a_free_number_is_owned(void **state)
{
    (void)state;
    assert_int_equal(claim_step(claim, false, 5, &next_ms), CLAIM_NOTHING);
    assert_int_equal(claim_state(claim), CLAIM_UNCLAIMED);
    assert_true(next_ms == UINT64_MAX); /* it waits for the connection */
    own_at(10);
    claim_step(claim, false, 5000, &next_ms); /* it stays owned while the broker is away */
    assert_int_equal(claim_state(claim), CLAIM_OWNED);
}

static void test_a_lost_question_is_asked_again(void **state)
{
    (void)state;
    ask_at(10);
    claim_step(claim, false, 500, &next_ms);
    assert_int_equal(claim_state(claim), CLAIM_UNCLAIMED);
    ask_at(600);
    claim_retry(claim, 600); /* it could not be published */
    assert_int_equal(claim_step(claim, true, 601, &next_ms), CLAIM_NOTHING);
    ask_at(next_ms);
}

static void test_an_owner_answers(void **state)
{
    (void)state;
    own_at(10);
    claim_asked(claim, EARLIER); /* whatever its clock says */
    assert_int_equal(claim_step(claim, true, 3000, &next_ms), CLAIM_ANSWER);
    assert_int_equal(claim_step(claim, true, 3000, &next_ms), CLAIM_NOTHING);
    claim_asked(claim, LATER);
    assert_int_equal(claim_step(claim, false, 3000, &next_ms), CLAIM_NOTHING);
    assert_int_equal(claim_step(claim, true, 3000, &next_ms), CLAIM_ANSWER);
}

static void test_the_earlier_of_two_asking_nodes_answers(void **state)
{
    (void)state;
    ask_at(10);
    claim_asked(claim, EARLIER);
    assert_int_equal(claim_step(claim, true, 20, &next_ms), CLAIM_NOTHING);
    claim_asked(claim, LATER);
    assert_int_equal(claim_step(claim, true, 20, &next_ms), CLAIM_ANSWER);
}

static void test_an_asking_node_is_refused(void **state)
{
    (void)state;
    assert_false(claim_taken(claim, LATER, 5)); /* it has not asked yet */
    assert_int_equal(claim_state(claim), CLAIM_UNCLAIMED);
    ask_at(10);
    assert_false(claim_taken(claim, LATER, 20));
    assert_int_equal(claim_state(claim), CLAIM_REFUSED);
    assert_int_equal(claim_step(claim, true, 100, &next_ms), CLAIM_NOTHING);
    assert_int_equal(next_ms, 20 + SILENT_MS);
    claim_taken(claim, LATER, 120); /* it is still there */
    assert_int_equal(claim_step(claim, true, 20 + SILENT_MS, &next_ms), CLAIM_NOTHING);
    ask_at(120 + SILENT_MS);
    claim_taken(claim, LATER, 500);
    assert_false(claim_bye(claim));
    ask_at(501);
}

static void test_the_later_of_two_owners_is_refused(void **state)
{
    (void)state;
    own_at(10);
    assert_true(claim_taken(claim, LATER, 3000));
    assert_int_equal(claim_state(claim), CLAIM_OWNED);
    assert_int_equal(claim_step(claim, true, 3000, &next_ms), CLAIM_ANSWER);
    assert_true(claim_bye(claim)); /* the other one has given up */
    assert_int_equal(claim_state(claim), CLAIM_OWNED);
    assert_true(claim_taken(claim, EARLIER, 3000));
    assert_int_equal(claim_state(claim), CLAIM_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_free_number_is_owned, begin, end),
        cmocka_unit_test_setup_teardown(test_a_lost_question_is_asked_again, begin, end),
        cmocka_unit_test_setup_teardown(test_an_owner_answers, begin, end),
        cmocka_unit_test_setup_teardown(test_the_earlier_of_two_asking_nodes_answers, begin, end),
        cmocka_unit_test_setup_teardown(test_an_asking_node_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_the_later_of_two_owners_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
