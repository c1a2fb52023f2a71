/* SPDX-License-Identifier: MIT */
/* test_hash_table.c - the hash table against a plain array, while it grows and shrinks, and while
 * memory is exhausted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "hash_table.h"
#include "memory_faults.h"

#define NODES 40000u

static struct hash_node nodes[NODES];
static bool is_in[NODES];
static struct hash_table table;

/* A hash whose low bits do not follow the index. */
static uint32_t hash_of(uint32_t index)
{
    uint32_t hash = index * UINT32_C(2654435761);

    return hash ^ hash >> 15;
}

static bool finds(uint32_t index)
{
    const struct hash_node *node = *hash_table_bucket(&table, hash_of(index));

    while (node && node != &nodes[index]) node = node->next;
    return node != NULL;
}

static void check_all(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < NODES; i++) {
        assert_int_equal(finds(i), is_in[i]);
        count += is_in[i];
    }
    assert_int_equal(table.count, count);
}

/* What one call changes at most, so that no call takes long. */
static void change(uint32_t index)
{
    uint32_t before = table.buckets_count;

    if (is_in[index]) {
        hash_table_remove(&table, &nodes[index]);
    } else {
        nodes[index].hash = hash_of(index);
        hash_table_add(&table, &nodes[index]);
    }
    is_in[index] = !is_in[index];
    assert_true(table.buckets_count <= before + 2);
    assert_true(table.buckets_count + 2 >= before);
    assert_true(table.buckets_count <= 2 * table.count + 1 ||
                table.buckets_count == HASH_TABLE_FIRST_BUCKETS);
}

static void it_finds_what_was_added(void **state)
{
    (void)state;
    hash_table_init(&table);
    for (uint32_t i = 0; i < NODES; i++) change(i);
    assert_int_equal(table.buckets_count, NODES);
    check_all();
    for (uint32_t i = 0; i < NODES; i += 3) change(i);
    check_all();
    for (uint32_t i = 0; i < NODES; i++)
        if (is_in[i]) change(i);
    check_all();
    assert_int_equal(table.buckets_count, HASH_TABLE_FIRST_BUCKETS);
    for (int i = 1; i < HASH_TABLE_SEGMENTS_MAX; i++) assert_null(table.segments[i]);
}

static void it_equals_an_array_after_random_changes(void **state)
{
    uint32_t dice = 12345;

    (void)state;
    hash_table_init(&table);
    for (int i = 0; i < 300000; i++) {
        dice = dice * 1664525u + 1013904223u;
        uint32_t index = (dice >> 8) % (i % 100000 < 50000 ? NODES : NODES / 50);
        if (i % 100000 >= 50000 && !is_in[index]) continue; /* it shrinks in between */
        change(index);
    }
    check_all();
    for (uint32_t i = 0; i < NODES; i++)
        if (is_in[i]) change(i);
}

/* Buckets hold more nodes each, and the table grows when there is memory again. */
static void without_memory_it_stays_small(void **state)
{
    (void)state;
    hash_table_init(&table);
    memory_fail_nth(1, 1);
    for (uint32_t i = 0; i < 100; i++) change(i);
    assert_int_equal(table.buckets_count, HASH_TABLE_FIRST_BUCKETS);
    check_all();
    memory_fail_nth(0, 0);
    for (uint32_t i = 100; i < 300; i++) change(i);
    assert_int_equal(table.buckets_count, 300);
    check_all();
    for (uint32_t i = 0; i < 300; i++) change(i);
}

static void nodes_of_one_hash_share_a_bucket(void **state)
{
    (void)state;
    hash_table_init(&table);
    for (uint32_t i = 0; i < 50; i++) {
        nodes[i].hash = 7;
        hash_table_add(&table, &nodes[i]);
    }
    uint32_t count = 0;
    for (struct hash_node *node = *hash_table_bucket(&table, 7); node; node = node->next) count++;
    assert_int_equal(count, 50);
    for (uint32_t i = 0; i < 50; i++) hash_table_remove(&table, &nodes[(i * 7) % 50]);
    assert_null(*hash_table_bucket(&table, 7));
}

/* ---- walks ---- */

static uint8_t met[NODES];

/* Continues a walk until `count` hashes were found, or it ends. */
static void walk(uint64_t *position, uint32_t count)
{
    while (*position < HASH_TABLE_WALK_END && count > 0) {
        uint32_t hash;
        uint64_t before = *position;
        bool found = hash_table_walk(&table, position, &hash);
        assert_true(*position > before);
        if (!found) continue;
        count--;
        for (const struct hash_node *node = *hash_table_bucket(&table, hash); node;
             node = node->next)
            if (node->hash == hash) met[node - nodes]++;
    }
}

static void a_walk_meets_each_node_once(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < 3000; count = count * 2 + 1) {
        uint64_t position = 0;
        hash_table_init(&table);
        memset(met, 0, sizeof met);
        for (uint32_t i = 0; i < count; i++) change(i);
        while (position < HASH_TABLE_WALK_END) walk(&position, 7);
        for (uint32_t i = 0; i < count; i++) assert_int_equal(met[i], 1);
        for (uint32_t i = 0; i < count; i++) change(i);
    }
}

/* Nodes that stay are met once, however the table grows and shrinks meanwhile. */
static void a_walk_survives_changes(void **state)
{
    uint32_t dice = 99;
    uint64_t position = 0;

    (void)state;
    hash_table_init(&table);
    memset(met, 0, sizeof met);
    for (uint32_t i = 0; i < NODES; i += 10) change(i);
    for (uint32_t round = 0; position < HASH_TABLE_WALK_END; round++) {
        walk(&position, 10);
        for (int i = 0; i < 500; i++) {
            dice = dice * 1664525u + 1013904223u;
            uint32_t index = (dice >> 8) % NODES;
            bool grows = round / 50 % 2 == 0;
            if (index % 10 != 0 && is_in[index] != grows) change(index);
        }
    }
    for (uint32_t i = 0; i < NODES; i++) assert_true(i % 10 == 0 ? met[i] == 1 : met[i] <= 1);
    for (uint32_t i = 0; i < NODES; i++)
        if (is_in[i]) change(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_was_added),
        cmocka_unit_test(it_equals_an_array_after_random_changes),
        cmocka_unit_test(without_memory_it_stays_small),
        cmocka_unit_test(nodes_of_one_hash_share_a_bucket),
        cmocka_unit_test(a_walk_meets_each_node_once),
        cmocka_unit_test(a_walk_survives_changes),
    };

    return cmocka_run_group_tests_name("hash_table", tests, NULL, NULL);
}
