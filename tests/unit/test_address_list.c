/* SPDX-License-Identifier: MIT */
/* test_address_list.c - sets of addresses from CIDR blocks: membership, and malformed blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address_list.h"
#include "memory_faults.h"

static struct address_list list;
static struct weir_error error;

static bool has(const char *text)
{
    struct net_address address;
    char with_port[96];

    snprintf(with_port, sizeof with_port, strchr(text, ':') ? "[%s]:9" : "%s:9", text);
    assert_true(net_address_parse(with_port, &address));
    return address_list_has(&list, &address);
}

static void read_list(const char *text)
{
    assert_int_equal(address_list_parse(&list, text, "allow", &error), WEIR_OK);
}

static void an_empty_list_contains_no_address(void **state)
{
    static const char *const empty[] = {NULL, "", " , ,\n"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        read_list(empty[i]);
        assert_int_equal(list.count, 0);
        assert_false(has("127.0.0.1"));
        address_list_free(&list);
    }
}

static void a_block_contains_exactly_its_range(void **state)
{
    (void)state;
    read_list("10.0.0.0/8, 192.168.1.7 172.16.0.0/12,2001:db8::/33 ::1,203.0.113.128/25");
    assert_int_equal(list.count, 6);
    assert_true(has("10.0.0.0") && has("10.255.255.255"));
    assert_false(has("9.255.255.255") || has("11.0.0.0"));
    assert_true(has("192.168.1.7"));
    assert_false(has("192.168.1.6") || has("192.168.1.8"));
    assert_true(has("172.31.255.255"));
    assert_false(has("172.32.0.0"));
    assert_true(has("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(has("2001:db8:8000::"));
    assert_true(has("::1"));
    assert_false(has("::2") || has("::"));
    assert_true(has("203.0.113.128") && has("203.0.113.255"));
    assert_false(has("203.0.113.127"));
    assert_true(has("::ffff:10.1.2.3")); /* the same address, as IPv4-mapped IPv6 */
    address_list_free(&list);
}

static void the_widest_block_contains_every_address(void **state)
{
    (void)state;
    read_list("0.0.0.0/0");
    assert_true(has("0.0.0.0") && has("255.255.255.255"));
    assert_false(has("::1"));
    address_list_free(&list);
    read_list("::/0");
    assert_true(has("::") && has("::fffe:ffff:ffff") && has("::1:0:0:0") && has("ffff::"));
    assert_false(has("1.2.3.4") || has("0.0.0.0") || has("255.255.255.255"));
    address_list_free(&list);
    read_list("::fffe:0:0/95 9.9.9.9"); /* it would include part of the IPv4 addresses */
    assert_true(has("::fffe:1:2") && has("9.9.9.9"));
    assert_false(has("9.9.9.8") || has("::1:0:0:0"));
    address_list_free(&list);
    read_list("::ffff:0:0/96"); /* the IPv4-mapped form of all IPv4 addresses */
    assert_true(has("1.2.3.4"));
    address_list_free(&list);
}

static void overlapping_blocks_are_merged(void **state)
{
    (void)state;
    read_list("10.1.0.0/16 10.0.0.0/8 10.2.3.4 10.0.0.0/9 11.0.0.0/8");
    assert_int_equal(list.count, 2);
    assert_true(has("10.200.0.0") && has("11.5.5.5"));
    address_list_free(&list);
    read_list("10.0.0.0/16 10.0.0.0/8 10.0.0.0/24"); /* same first address */
    assert_int_equal(list.count, 1);
    assert_true(has("10.255.0.0"));
    address_list_free(&list);
}

static void malformed_blocks_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"10.0.0.0/33", "10.0.0.0/33"},
        {"10.0.0.0/", "10.0.0.0/"},
        {"10.0.0.0/x", "10.0.0.0/x"},
        {"10.0.0.0/-8", "10.0.0.0/-8"},
        {"10.0.0.0/0008", "10.0.0.0/0008"},
        {"::/129", "::/129"},
        {"example.org", "example.org"},
        {"1.2.3.4, 1.2.3", "1.2.3"},
        {"*", "*"},
        {"/8", "/8"},
        {"10.0.0.0/-1", "10.0.0.0/-1"},
        {"10.0.0.0/:", "10.0.0.0/:"},
        {"10.0.0.0:80", "10.0.0.0:80"},
        {"[::1]", "[::1]"},
        {"fe80::1%1", "fe80::1%1"}, /* peer addresses have no scope */
        {"::ffff:10.1.2.3/104", "write 10.0.0.0/8,"},
        {"10.1.2.3/8", "write 10.0.0.0/8"},
        {"2001:db8::1/32", "write 2001:db8::/32"},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(address_list_parse(&list, wrong[i].text, "deny", &error), WEIR_INVALID);
        weir_error_text(&error, text, sizeof text);
        assert_non_null(strstr(text, "deny"));
        assert_non_null(strstr(text, wrong[i].says));
        assert_int_equal(list.count, 0);
    }
}

static void without_memory_it_returns_an_error(void **state)
{
    (void)state;
    memory_fail_nth(1, 0);
    assert_int_equal(address_list_parse(&list, "::1", "deny", &error), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_contains_no_address),
        cmocka_unit_test(a_block_contains_exactly_its_range),
        cmocka_unit_test(the_widest_block_contains_every_address),
        cmocka_unit_test(overlapping_blocks_are_merged),
        cmocka_unit_test(malformed_blocks_are_named),
        cmocka_unit_test(without_memory_it_returns_an_error),
    };

    return cmocka_run_group_tests_name("address_list", tests, NULL, NULL);
}
