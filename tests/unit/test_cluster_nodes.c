/* SPDX-License-Identifier: MIT */
/* test_cluster_nodes.c - the table of the other nodes: which are live, and which
 * incarnation counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nodes.h"

static struct nodes *nodes;

static int begin(void **state)
{
    (void)state;
    nodes = nodes_open(100);
    return nodes ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    nodes_free(nodes);
    return 0;
}

static bool hello(uint8_t node, uint64_t incarnation, const char *address, uint64_t now_ms)
{
    const struct nodes_hello hello = {.node = node,
                                      .draining = true,
                                      .interval_ms = 200,
                                      .incarnation = incarnation,
                                      .sessions = 5,
                                      .address = (const uint8_t *)address,
                                      .address_length = strlen(address)};

    return nodes_hello(nodes, &hello, now_ms);
}

static void test_a_silent_node_is_gone(void **state)
{
    struct nodes_set set;
    (void)state;

    assert_true(hello(70, 1, "x", 1000));
    assert_false(hello(70, 1, "x", 1100));
    assert_int_equal(nodes_live(nodes, &set), 1);
    assert_true(set.bits[1] == 1 << 6);
    assert_int_equal(nodes_step(nodes, 1699), 1700); /* three intervals of 200 ms */
    assert_int_equal(nodes_live(nodes, NULL), 1);
    assert_true(nodes_heard(nodes, 70, 1, 1650)); /* any message is a sign of life */
    assert_int_equal(nodes_step(nodes, 1700), 2250);
    assert_true(nodes_step(nodes, 2250) == UINT64_MAX);
    assert_int_equal(nodes_live(nodes, &set), 0);
    assert_true(set.bits[1] == 0);
}

static void test_an_earlier_incarnation_is_refused(void **state)
{
    (void)state;
    assert_true(nodes_heard(nodes, 3, 10, 1000));
    assert_true(nodes_heard(nodes, 3, 20, 1000)); /* a restart */
    assert_false(nodes_heard(nodes, 3, 10, 1000));
    assert_false(hello(3, 10, "x", 1000));
    assert_true(
        nodes_heard(nodes, 3, 10, 1300)); /* the later one is silent: the clock was set back */
    assert_true(nodes_heard(nodes, 3, 20, 1300));
    nodes_bye(nodes, 3, 10); /* late */
    assert_int_equal(nodes_live(nodes, NULL), 1);
    nodes_bye(nodes, 3, 20);
    assert_int_equal(nodes_live(nodes, NULL), 0);
    assert_true(nodes_heard(nodes, 3, 10, 1300));
}

static void test_nodes_are_listed(void **state)
{
    struct weir_cluster_node list[2], wide[2];
    char address[100];
    (void)state;

    memset(address, 'a', sizeof address - 1);
    address[sizeof address - 1] = '\0';
    hello(5, 1, "10.0.0.5\n\x1b", 1000);
    hello(2, 1, address, 1200);
    assert_int_equal(nodes_list(nodes, 1300, list, sizeof list[0], 2), 2);
    assert_int_equal(list[0].node, 2);
    assert_int_equal(list[0].silent_ms, 100);
    assert_int_equal(strlen(list[0].address), sizeof list[0].address - 1);
    assert_int_equal(list[1].node, 5);
    assert_int_equal(list[1].sessions, 5);
    assert_true(list[1].draining);
    assert_string_equal(list[1].address, "10.0.0.5??");
    memset(wide, 0xff, sizeof wide);
    /* A program that was compiled with an older version knows fewer members. */
    size_t size = offsetof(struct weir_cluster_node, silent_ms);
    assert_int_equal(nodes_list(nodes, 1300, wide, size, 1), 2);
    assert_int_equal(wide[0].node, 2);
    assert_int_equal((uint8_t)((char *)wide)[size], 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_silent_node_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(test_an_earlier_incarnation_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_nodes_are_listed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
