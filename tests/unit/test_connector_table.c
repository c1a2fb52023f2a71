/* SPDX-License-Identifier: MIT */
/* test_connector_table.c - ids of connectors: unique, disjoint from those of sessions, invalid
 * after the end; the table's growth and its limit; and the inbox of a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connector.h"
#include "connector_table.h"
#include "inbox.h"
#include "memory_faults.h"
#include "session_table.h"

static struct connector connectors[20];
static struct connector *acted;

static void act(struct connector *connector)
{
    acted = connector;
}

static void ids_name_connectors(void **state)
{
    (void)state;
    struct connector_table table;
    uint64_t ids[20];

    assert_true(connector_table_init(&table, 7, 20));
    for (uint8_t i = 0; i < 20; i++) {
        ids[i] = connector_table_add(&table, i, &connectors[i]);
        assert_int_not_equal(ids[i], 0);
        assert_int_equal(session_table_node_of(ids[i]), 7);
        assert_int_equal(session_table_worker_of(ids[i]), i);
        assert_true((ids[i] & 0xffffff) >= SESSION_TABLE_SLOTS_MAX - CONNECTOR_TABLE_SLOTS_MAX);
    }
    assert_int_equal(connector_table_add(&table, 0, &connectors[0]), 0);
    assert_int_equal(connector_table_refused(&table), 1);
    for (uint32_t i = 0; i < 20; i++) {
        assert_ptr_equal(connector_table_find(&table, ids[i]), &connectors[i]);
        assert_true(connector_table_act(&table, ids[i], act));
        assert_ptr_equal(acted, &connectors[i]);
        assert_null(connector_table_find(&table, ids[i] ^ UINT64_C(1) << 24)); /* a generation */
        assert_null(connector_table_find(&table, ids[i] ^ UINT64_C(1) << 56)); /* a node */
    }
    connector_table_remove(&table, ids[3]);
    assert_null(connector_table_find(&table, ids[3]));
    assert_false(connector_table_act(&table, ids[3], act));
    uint64_t again = connector_table_add(&table, 3, &connectors[3]);
    assert_int_not_equal(again, ids[3]);
    assert_int_equal(again & 0xffffff, ids[3] & 0xffffff);
    ids[3] = again;
    assert_null(connector_table_find(&table, 0));
    assert_null(connector_table_find(&table, 1));
    for (uint32_t i = 0; i < 20; i++) connector_table_remove(&table, ids[i]);
    connector_table_free(&table);
}

static void memory_is_exhausted(void **state)
{
    (void)state;
    struct connector_table table;

    memory_fail_nth(1, 1);
    assert_false(connector_table_init(&table, 0, 5));
    memory_fail_nth(0, 0);
    connector_table_free(&table);
    assert_true(connector_table_init(&table, 0, 5));
    memory_fail_nth(1, 1);
    assert_int_equal(connector_table_add(&table, 0, &connectors[0]), 0);
    memory_fail_nth(0, 0);
    uint64_t id = connector_table_add(&table, 0, &connectors[0]);
    assert_int_not_equal(id, 0);
    connector_table_remove(&table, id);
    connector_table_free(&table);
    struct inbox inbox = {.lock = NULL};
    memory_fail_nth(1, 1);
    assert_false(inbox_init(&inbox));
    memory_fail_nth(0, 0);
    inbox_free(&inbox);
}

static void read_note(struct inbox_note *note)
{
    (void)note;
}

static void notes_are_taken_in_order(void **state)
{
    (void)state;
    struct inbox inbox;
    struct inbox_note first, second;

    assert_true(inbox_init(&inbox));
    inbox_note_init(&first, read_note);
    inbox_note_init(&second, read_note);
    assert_true(inbox_post(&inbox, &first));
    assert_true(inbox_post(&inbox, &second));
    assert_true(inbox_post(&inbox, &first)); /* it is there already */
    assert_false(inbox_shut(&inbox));
    assert_ptr_equal(inbox_take(&inbox), &first);
    inbox_withdraw(&inbox, &first);
    inbox_withdraw(&inbox, &second);
    assert_null(inbox_take(&inbox));
    assert_true(inbox_shut(&inbox));
    assert_false(inbox_post(&inbox, &first));
    assert_true(inbox_shut(&inbox));
    inbox_free(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_name_connectors),
        cmocka_unit_test(memory_is_exhausted),
        cmocka_unit_test(notes_are_taken_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
