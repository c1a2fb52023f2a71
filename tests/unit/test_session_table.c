/* SPDX-License-Identifier: MIT */
/* test_session_table.c - the session table: ids that are never valid again, addresses that never
 * move, its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session_table.h"

static void test_find_what_is_open(void **state)
{
    struct session_table table;

    (void)state;
    assert_true(session_table_init(&table, 5, 3, 1000, 100));
    struct weir_session *session = session_table_open(&table);
    assert_non_null(session);
    assert_int_not_equal(session->id, 0);
    assert_int_equal(session_table_worker_of(session->id), 3);
    assert_int_equal(session_table_node_of(session->id), 5);
    assert_true(session_table_is_live(&table, session->id));
    session->state = SESSION_OPEN;
    assert_ptr_equal(session_table_find(&table, session->id), session);
    assert_null(session_table_find(&table, session->id + 1));
    assert_null(session_table_find(&table, session->id + (UINT64_C(1) << 24)));
    assert_null(session_table_find(&table, session->id ^ UINT64_C(1) << 48));
    assert_null(session_table_find(&table, 0));
    assert_null(session_table_find(&table, UINT64_MAX));
    session_table_close(&table, session);
    session_table_free(&table);
}

static void test_an_id_is_never_valid_again(void **state)
{
    struct session_table table;
    uint64_t first_id = 0;

    (void)state;
    assert_true(session_table_init(&table, 0, 0, 1, 0));
    for (int i = 0; i < 100000; i++) {
        struct weir_session *session = session_table_open(&table);
        assert_non_null(session);
        if (i == 0) first_id = session->id;
        session->state = SESSION_OPEN;
        if (i > 0) assert_null(session_table_find(&table, first_id));
        session_table_close(&table, session);
    }
    assert_null(session_table_find(&table, first_id));
    session_table_free(&table);
}

static void test_a_used_up_slot_is_retired(void **state)
{
    struct session_table table;
    const uint64_t last_generation = 0xffffffu;

    (void)state;
    assert_true(session_table_init(&table, 0, 0, 1, 0));
    struct weir_session *session = session_table_open(&table);
    session->id = last_generation << 24;
    session_table_close(&table, session);
    assert_null(session_table_open(&table)); /* rather one session less than an id twice */
    session_table_free(&table);
}

static void test_bounded_and_in_place(void **state)
{
    enum { MAX = 600 }; /* more than two chunks, and no multiple of one */
    struct session_table table;
    struct weir_session *sessions[MAX];

    (void)state;
    assert_true(session_table_init(&table, 0, 0, MAX, 40));
    for (int i = 0; i < MAX; i++) {
        sessions[i] = session_table_open(&table);
        assert_non_null(sessions[i]);
        sessions[i]->state = SESSION_OPEN;
    }
    assert_null(session_table_open(&table));
    assert_int_equal(table.open_count, MAX);
    for (int i = 0; i < MAX; i++)
        assert_ptr_equal(session_table_find(&table, sessions[i]->id), sessions[i]);
    for (int i = 0; i < MAX; i++) session_table_close(&table, sessions[i]);
    assert_int_equal(table.open_count, 0);
    session_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_what_is_open),
        cmocka_unit_test(test_an_id_is_never_valid_again),
        cmocka_unit_test(test_a_used_up_slot_is_retired),
        cmocka_unit_test(test_bounded_and_in_place),
    };

    return cmocka_run_group_tests_name("session_table", tests, NULL, NULL);
}
