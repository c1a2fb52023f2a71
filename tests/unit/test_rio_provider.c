/* SPDX-License-Identifier: MIT */
/* test_rio_provider.c - loading Windows's function table: an incomplete table is rejected with the
 * system's error number and a hint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rio_provider.h"
#include "win_error.h"

#define POINTERS (sizeof(struct rio_table) / sizeof(void *)) /* the first holds the size */

static struct {
    struct rio_table table;
    uint32_t bytes;
    int os_error;
} given;

static struct {
    int os_error; /* of opening a socket of the refused kind with WSA_FLAG_REGISTERED_IO */
    bool v4, stream;
    int open_count;
} sockets;

static int open_socket(bool v4, bool stream, bool registered, win_socket *socket)
{
    assert_true(registered);
    if (sockets.os_error != 0 && v4 == sockets.v4 && stream == sockets.stream)
        return sockets.os_error;
    *socket = 4;
    sockets.open_count++;
    return 0;
}

static int close_socket(win_socket socket)
{
    assert_int_equal(socket, 4);
    sockets.open_count--;
    return 0;
}

static int give_table(win_socket socket, struct rio_table *table, uint32_t *bytes)
{
    assert_int_equal(socket, 4);
    *table = given.table;
    *bytes = given.bytes;
    return given.os_error;
}

/* A table in which every pointer is set; no function is called. */
static int give_whole(void **state)
{
    uintptr_t somewhere = 0x1000;

    (void)state;
    for (size_t i = 0; i < POINTERS; i++)
        memcpy((char *)&given.table + i * sizeof somewhere, &somewhere, sizeof somewhere);
    given.table.size = sizeof given.table;
    given.bytes = sizeof given.table;
    given.os_error = 0;
    memset(&sockets, 0, sizeof sockets);
    return 0;
}

static void assert_refused(int os_error)
{
    static const struct win_system system = {
        .load_rio = give_table, .socket_open = open_socket, .socket_close = close_socket};
    const struct rio_provider *provider = NULL;
    struct weir_error error;
    char text[512];

    assert_int_equal(rio_provider_native(&system, &provider, &error), WEIR_UNSUPPORTED);
    assert_int_equal(error.os_error, os_error);
    assert_int_equal(sockets.open_count, 0);
    assert_non_null(
        strstr(weir_error_text(&error, text, sizeof text), "cannot use Registered I/O"));
    assert_non_null(strstr(text, "--transport iocp"));
}

static void a_missing_table_is_reported(void **state)
{
    (void)state;
    given.os_error = WIN_EOPNOTSUPP;
    assert_refused(WIN_EOPNOTSUPP);
    given.os_error = WIN_EINVAL;
    assert_refused(WIN_EINVAL);
}

/* A layered provider of one kind of socket is enough: that kind's listeners would fail later. */
static void a_provider_that_refuses_the_flag_is_reported(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        give_whole(state);
        sockets.v4 = kind & 1;
        sockets.stream = kind < 2;
        sockets.os_error = WIN_EINVAL;
        assert_refused(WIN_EINVAL);
    }
}

static void an_incomplete_table_is_refused(void **state)
{
    for (size_t i = 1; i < POINTERS; i++) {
        give_whole(state);
        memset((char *)&given.table + i * sizeof(void *), 0, sizeof(void *));
        assert_refused(WIN_EOPNOTSUPP);
    }
}

static void a_truncated_table_is_refused(void **state)
{
    (void)state;
    given.bytes -= (uint32_t)sizeof(void *);
    assert_refused(WIN_EOPNOTSUPP);
    give_whole(state);
    given.table.size -= (uint32_t)sizeof(void *);
    assert_refused(WIN_EOPNOTSUPP);
}

static void a_system_without_ipv6_has_rio(void **state)
{
    static const struct win_system system = {
        .load_rio = give_table, .socket_open = open_socket, .socket_close = close_socket};
    const struct rio_provider *provider = NULL;

    (void)state;
    sockets.v4 = false;
    sockets.stream = true;
    sockets.os_error = WIN_EAFNOSUPPORT;
    assert_int_equal(rio_provider_native(&system, &provider, NULL), WEIR_OK);
    assert_int_equal(sockets.open_count, 0);
}

static void a_complete_table_is_loaded_once(void **state)
{
    static const struct win_system system = {
        .load_rio = give_table, .socket_open = open_socket, .socket_close = close_socket};
    const struct rio_provider *first = NULL, *second = NULL;
    struct weir_error error;

    (void)state;
    assert_int_equal(rio_provider_native(&system, &first, &error), WEIR_OK);
    assert_string_equal(first->name, "rio");
    assert_false(first->is_emulated);
    given.os_error = WIN_EINVAL; /* the table is not loaded again */
    assert_int_equal(rio_provider_native(&system, &second, &error), WEIR_OK);
    assert_ptr_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_missing_table_is_reported, give_whole),
        cmocka_unit_test_setup(a_provider_that_refuses_the_flag_is_reported, give_whole),
        cmocka_unit_test_setup(an_incomplete_table_is_refused, give_whole),
        cmocka_unit_test_setup(a_truncated_table_is_refused, give_whole),
        cmocka_unit_test_setup(a_system_without_ipv6_has_rio, give_whole),
        cmocka_unit_test_setup(a_complete_table_is_loaded_once, give_whole),
    };

    return cmocka_run_group_tests_name("rio_provider", tests, NULL, NULL);
}
