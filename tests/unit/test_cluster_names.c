/* SPDX-License-Identifier: MIT */
/* test_cluster_names.c - names across nodes: exactly one bind stays, whichever announcements are
 * late or lost, and the other session is evicted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_fake.h"

#define ID_OF(node, rest) ((uint64_t)(node) << 56 | (rest))

static int begin(void **state)
{
    (void)state;
    cluster_fake_begin(7);
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_fake_end();
    return 0;
}

static void bind_name(uint32_t i, const char *name, uint64_t id, enum weir_bind how)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    assert_int_equal(calls->on_name_bound(calls->user, name, id, how), WEIR_OK);
}

static void unbind_name(uint32_t i, const char *name, uint64_t id)
{
    const struct weir_bridge *calls = &cluster_fake_nodes[i].calls;

    calls->on_name_unbound(calls->user, name, id);
}

/* Whether the only node that holds a name is i. */
static bool is_only_holder(uint32_t i, uint32_t nodes_count)
{
    for (uint32_t other = 0; other < nodes_count; other++)
        if (cluster_fake_stats(other).names != (other == i)) return false;
    return true;
}

static void check_evicted(uint32_t i, const char *name, uint64_t id)
{
    const struct cluster_fake_call *call = cluster_fake_call(i, 0);

    assert_string_equal(call->kind, "evict");
    assert_string_equal(call->name, name);
    assert_true(call->id == id);
    assert_int_equal(cluster_fake_stats(i).evicted, 1);
}

static void test_a_later_bind_replaces(void **state)
{
    (void)state;
    cluster_fake_start_all(3);
    bind_name(0, "ann", ID_OF(0, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    bind_name(1, "ann", ID_OF(1, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    assert_true(is_only_holder(1, 3));
    check_evicted(0, "ann", ID_OF(0, 1));
    bind_name(2, "ann", ID_OF(2, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    assert_true(is_only_holder(2, 3));
    check_evicted(1, "ann", ID_OF(1, 1));
    assert_int_equal(cluster_fake_nodes[2].log_count, 0);
}

static void test_an_earlier_bind_stays(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    bind_name(0, "ann", ID_OF(0, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(5000);
    bind_name(1, "ann", ID_OF(1, 1), WEIR_BIND_IF_FREE);
    cluster_fake_pass(20);
    assert_true(is_only_holder(0, 2));
    check_evicted(1, "ann", ID_OF(1, 1));
}

static void test_binds_at_the_same_time(void **state)
{
    (void)state;
    cluster_fake_start_all(3);
    for (uint32_t i = 0; i < 3; i++) bind_name(i, "ann", ID_OF(i, 1), WEIR_BIND_REPLACE);
    for (uint32_t i = 0; i < 3; i++) bind_name(i, "bob", ID_OF(i, 2), WEIR_BIND_IF_FREE);
    cluster_fake_pass(100);
    uint64_t holders = 0;
    for (uint32_t i = 0; i < 3; i++) holders += cluster_fake_stats(i).names;
    assert_int_equal(holders, 2);
    assert_int_equal(cluster_fake_stats(2).names, 1); /* ann: equal timestamps, highest number */
    assert_int_equal(cluster_fake_stats(0).names, 1); /* bob: the earliest one */
}

static void test_a_session_of_the_same_node_takes_over(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    bind_name(0, "ann", ID_OF(0, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    bind_name(0, "ann", ID_OF(0, 2), WEIR_BIND_REPLACE); /* as in the server: first bound, */
    unbind_name(0, "ann", ID_OF(0, 1));                  /* then unbound */
    cluster_fake_pass(20);
    assert_true(is_only_holder(0, 2));
    bind_name(1, "ann", ID_OF(1, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    assert_true(is_only_holder(1, 2));
    check_evicted(0, "ann", ID_OF(0, 2));
}

static void test_the_newer_bind_wins_after_a_partition(void **state)
{
    const enum weir_bind hows[] = {WEIR_BIND_IF_FREE, WEIR_BIND_REPLACE};
    (void)state;

    cluster_fake_start_all(2);
    for (uint32_t i = 0; i < 2; i++) {
        char name[8];
        snprintf(name, sizeof name, "name%u", i);
        uint64_t apart_ms = i == 0 ? 3000 : 150;
        memory_hub_set_side(cluster_fake_hub, 1, 1);
        cluster_fake_pass(20);
        bind_name(1, name, ID_OF(1, 1 + i), hows[i]);
        cluster_fake_pass(apart_ms);
        bind_name(0, name, ID_OF(0, 1 + i), hows[i]);
        cluster_fake_pass(apart_ms); /* both hold it */
        assert_int_equal(cluster_fake_stats(0).names, 1);
        assert_int_equal(cluster_fake_stats(1).names, 1);
        memory_hub_set_side(cluster_fake_hub, 1, 0);
        /* Nodes that were not live for each other announce their names. In a partition that is too
         * short for this, the slow announcements heal it. */
        cluster_fake_pass(i == 0 ? 1000 : 70000);
        assert_true(is_only_holder(0, 2));
        unbind_name(0, name, ID_OF(0, 1 + i));
        cluster_fake_pass(20);
    }
    assert_int_equal(cluster_fake_stats(1).evicted, 2);
    assert_int_equal(cluster_fake_stats(0).evicted, 0);
}

static void test_a_reconnect_announces_all_names(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%u", i);
        bind_name(0, name, ID_OF(0, i + 1), WEIR_BIND_IF_FREE);
    }
    cluster_fake_pass(100);
    memory_hub_cut(cluster_fake_hub, 1, true);
    cluster_fake_pass(3000);
    for (uint32_t i = 0; i < 300; i++) { /* newer, on the node that is away */
        char name[16];
        snprintf(name, sizeof name, "name%u", i);
        bind_name(1, name, ID_OF(1, i + 1), WEIR_BIND_IF_FREE);
    }
    cluster_fake_pass(100);
    memory_hub_cut(cluster_fake_hub, 1, false);
    cluster_fake_pass(200);
    assert_int_equal(cluster_fake_stats(1).names, 300);
    assert_int_equal(cluster_fake_stats(0).names, 0);
    assert_int_equal(cluster_fake_stats(0).evicted, 300);
    assert_int_equal(cluster_fake_stats(1).evicted, 0);
}

static void test_an_eviction_is_tried_again(void **state)
{
    (void)state;
    cluster_fake_start_all(2);
    bind_name(0, "ann", ID_OF(0, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(20);
    cluster_fake_nodes[0].result = WEIR_MAILBOX_FULL;
    bind_name(1, "ann", ID_OF(1, 1), WEIR_BIND_REPLACE);
    cluster_fake_pass(50);
    assert_true(cluster_fake_nodes[0].log_count > 1);
    assert_int_equal(cluster_fake_stats(0).names, 1);
    assert_int_equal(cluster_fake_stats(0).evicted, 0);
    cluster_fake_nodes[0].result = WEIR_OK;
    cluster_fake_pass(50);
    assert_true(is_only_holder(1, 2));
    assert_int_equal(cluster_fake_stats(0).evicted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_later_bind_replaces, begin, end),
        cmocka_unit_test_setup_teardown(test_an_earlier_bind_stays, begin, end),
        cmocka_unit_test_setup_teardown(test_binds_at_the_same_time, begin, end),
        cmocka_unit_test_setup_teardown(test_a_session_of_the_same_node_takes_over, begin, end),
        cmocka_unit_test_setup_teardown(test_the_newer_bind_wins_after_a_partition, begin, end),
        cmocka_unit_test_setup_teardown(test_a_reconnect_announces_all_names, begin, end),
        cmocka_unit_test_setup_teardown(test_an_eviction_is_tried_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
