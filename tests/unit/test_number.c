/* SPDX-License-Identifier: MIT */
/* test_number.c - unsigned numbers with and without units, and the split of HOST:PORT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host_port.h"
#include "number.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void digits_are_read_up_to_the_maximum(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(number_digits("0", 1, 0, &value), 1);
    assert_int_equal(number_digits("007x", 4, 7, &value), 3);
    assert_int_equal(value, 7);
    assert_int_equal(number_digits("12345", 2, 99, &value), 2);
    assert_int_equal(value, 12);
    assert_int_equal(number_digits("65535", 5, 65535, &value), 5);
    assert_int_equal(number_digits("65536", 5, 65535, &value), 0);
    assert_int_equal(number_digits("18446744073709551615", 20, UINT64_MAX, &value), 20);
    assert_true(value == UINT64_MAX);
    assert_int_equal(number_digits("18446744073709551616", 20, UINT64_MAX, &value), 0);
    assert_int_equal(number_digits("99999999999999999999999", 23, UINT64_MAX, &value), 0);
    assert_int_equal(number_digits("8", 1, 7, &value), 0);
    static const char *const none[] = {"", "-1", "+1", " 1", "x1", ".5"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_int_equal(number_digits(none[i], strlen(none[i]), UINT64_MAX, &value), 0);
}

static void units_multiply_the_number(void **state)
{
    static const char *const bad[] = {"",    "k",   "1kb", "1 k", "1t",
                                      "-1k", "1k ", "0x1", "1e3", "18014398509481984k"};
    uint64_t value;

    (void)state;
    assert_true(number_read("64k", 3, number_sizes, UINT64_MAX, &value));
    assert_int_equal(value, 65536);
    assert_true(number_read("2G", 2, number_sizes, UINT64_MAX, &value));
    assert_true(value == UINT64_C(2) << 30);
    assert_true(number_read("18014398509481983k", 18, number_sizes, UINT64_MAX, &value));
    assert_true(number_read("1m", 2, number_sizes, 1 << 20, &value));
    assert_false(number_read("1m", 2, number_sizes, (1 << 20) - 1, &value));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(number_read(bad[i], strlen(bad[i]), number_sizes, UINT64_MAX, &value));
}

static void hosts_and_ports_are_split(void **state)
{
    static const struct {
        const char *text;
        enum host_port_problem problem;
        const char *host;
        uint16_t port;
    } texts[] = {
        {"7", HOST_PORT_OK, NULL, 7},
        {"host:65535", HOST_PORT_OK, "host", 65535},
        {"[::1]:0", HOST_PORT_OK, "::1", 0},
        {"*:1", HOST_PORT_OK, "*", 1},
        {"", HOST_PORT_EMPTY, NULL, 0},
        {":1", HOST_PORT_NO_HOST, NULL, 0},
        {"[]:1", HOST_PORT_NO_HOST, NULL, 0},
        {"host", HOST_PORT_NO_PORT, NULL, 0},
        {"host:", HOST_PORT_NO_PORT, NULL, 0},
        {"[::1]", HOST_PORT_NO_PORT, NULL, 0},
        {"[::1]:", HOST_PORT_NO_PORT, NULL, 0},
        {"1.2.3.4", HOST_PORT_NO_PORT, NULL, 0},
        {"::1:1", HOST_PORT_NO_BRACKETS, NULL, 0},
        {"[::1", HOST_PORT_OPEN_BRACKET, NULL, 0},
        {"[::1]1", HOST_PORT_OPEN_BRACKET, NULL, 0},
        {"0x50", HOST_PORT_NOT_A_NUMBER, NULL, 0},
        {"host: 1", HOST_PORT_NOT_A_NUMBER, NULL, 0},
        {"65536", HOST_PORT_TOO_LARGE, NULL, 0},
        {"host:99999999999999999999", HOST_PORT_TOO_LARGE, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct host_port parts = {.port = 1};
        assert_int_equal(host_port_split(texts[i].text, &parts), texts[i].problem);
        assert_non_null(host_port_reason(texts[i].problem));
        assert_non_null(host_port_hint(texts[i].problem));
        if (texts[i].problem != HOST_PORT_OK) continue;
        assert_int_equal(parts.port, texts[i].port);
        if (!texts[i].host)
            assert_null(parts.host);
        else
            assert_memory_equal(parts.host, texts[i].host, parts.host_length);
    }
}

static void numeric_hosts_are_recognized(void **state)
{
    static const char *const numeric[] = {"1.2.3.4",  "127.1", "0x7f.1", "2130706433",
                                          "1.2.3.4.", "0X7F",  "a.1",    "0x"};
    static const char *const names[] = {
        "localhost", "1e100.example", "123.example", "0xg", "a.0x1.b", ".", ""};

    (void)state;
    for (size_t i = 0; i < COUNT(numeric); i++)
        assert_true(host_port_is_numeric(numeric[i], strlen(numeric[i])));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_false(host_port_is_numeric(names[i], strlen(names[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_read_up_to_the_maximum),
        cmocka_unit_test(units_multiply_the_number),
        cmocka_unit_test(hosts_and_ports_are_split),
        cmocka_unit_test(numeric_hosts_are_recognized),
    };

    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
