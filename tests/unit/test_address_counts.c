/* SPDX-License-Identifier: MIT */
/* test_address_counts.c - sessions per remote address, against a plain table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "address_counts.h"
#include "memory_faults.h"

static const struct siphash_key key = {{1, 2, 3}};

static struct net_address v6(const char *text)
{
    struct net_address address;

    assert_true(net_address_parse(text, &address));
    return address;
}

static void a_limit_applies_per_address(void **state)
{
    struct net_address one = address_of_v4(0x01020304, 5), two = address_of_v4(0x01020305, 5);
    struct address_counts counts;

    (void)state;
    assert_true(address_counts_init(&counts, 10, &key));
    assert_true(address_counts_add(&counts, &one, 2));
    one.port = 6; /* ports are ignored */
    assert_true(address_counts_add(&counts, &one, 2));
    assert_false(address_counts_add(&counts, &one, 2));
    assert_true(address_counts_add(&counts, &two, 2));
    address_counts_remove(&counts, &one);
    assert_true(address_counts_add(&counts, &one, 2));
    address_counts_remove(&counts, &one);
    address_counts_remove(&counts, &one);
    address_counts_remove(&counts, &two);
    address_counts_free(&counts);
    address_counts_free(&counts); /* a second call has no effect */
}

static void an_ipv6_limit_applies_per_64_prefix(void **state)
{
    struct net_address a = v6("[2001:db8:0:1::1]:1"), b = v6("[2001:db8:0:1:ffff::2]:1");
    struct net_address c = v6("[2001:db8:0:2::1]:1");
    struct address_counts counts;

    (void)state;
    assert_true(address_counts_init(&counts, 10, &key));
    assert_true(address_counts_add(&counts, &a, 1));
    assert_false(address_counts_add(&counts, &b, 1));
    assert_true(address_counts_add(&counts, &c, 1));
    address_counts_remove(&counts, &b);
    address_counts_remove(&counts, &c);
    address_counts_free(&counts);
}

/* Addresses are added and removed at random in a nearly full table: removal closes gaps correctly,
 * even across the end of the table. */
static void counts_equal_those_of_a_plain_table(void **state)
{
    enum { ADDRESSES = 64, LIMIT = 3 };
    uint32_t model[ADDRESSES] = {0};
    struct address_counts counts;
    uint64_t random = 99;

    (void)state;
    assert_true(address_counts_init(&counts, ADDRESSES, &key));
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t n = (uint32_t)(random >> 40) % ADDRESSES;
        struct net_address address = address_of_v4(0x0a000000u + n * 7919u, 1);
        if (random >> 63) {
            bool added = address_counts_add(&counts, &address, LIMIT);
            assert_true(added == (model[n] < LIMIT));
            if (added) model[n]++;
        } else if (model[n] > 0) {
            address_counts_remove(&counts, &address);
            model[n]--;
        }
    }
    for (uint32_t n = 0; n < ADDRESSES; n++) {
        struct net_address address = address_of_v4(0x0a000000u + n * 7919u, 1);
        while (model[n]-- > 0) address_counts_remove(&counts, &address);
        assert_true(address_counts_add(&counts, &address, 1)); /* the count was 0 */
        address_counts_remove(&counts, &address);
    }
    address_counts_free(&counts);
}

static void opening_without_memory_fails(void **state)
{
    struct address_counts counts;

    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        memory_fail_nth(n, 0);
        assert_false(address_counts_init(&counts, 10, &key));
        memory_fail_nth(0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_applies_per_address),
        cmocka_unit_test(an_ipv6_limit_applies_per_64_prefix),
        cmocka_unit_test(counts_equal_those_of_a_plain_table),
        cmocka_unit_test(opening_without_memory_fails),
    };

    return cmocka_run_group_tests_name("address_counts", tests, NULL, NULL);
}
