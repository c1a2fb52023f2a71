/* SPDX-License-Identifier: MIT */
/* test_siphash.c - SipHash-2-4 against the published values of its authors: key 00 01 .. 0f, input
 * the first n bytes of 00 01 02 ... */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "siphash.h"

static void published_values_are_computed(void **state)
{
    static const struct {
        size_t length;
        uint64_t hash;
    } published[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {2, UINT64_C(0x0d6c8009d9a94f5a)},  {3, UINT64_C(0x85676696d7fb7e2d)},
        {4, UINT64_C(0xcf2794e0277187b7)},  {5, UINT64_C(0x18765564cd99a68d)},
        {6, UINT64_C(0xcbc9466e58fee3ce)},  {7, UINT64_C(0xab0200f58b01d137)},
        {8, UINT64_C(0x93f5f5799a932462)},  {9, UINT64_C(0x9e0082df0ba9e4b0)},
        {15, UINT64_C(0xa129ca6149be45e5)},
    };
    struct siphash_key key;
    uint8_t input[64];

    (void)state;
    for (uint8_t i = 0; i < sizeof input; i++) input[i] = i;
    memcpy(key.bytes, input, sizeof key.bytes);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        assert_true(siphash(&key, input, published[i].length) == published[i].hash);
}

static void keys_and_random_bytes_differ(void **state)
{
    struct siphash_key one, two;

    (void)state;
    assert_true(random_fill(&one, sizeof one));
    assert_true(random_fill(&two, sizeof two));
    assert_memory_not_equal(&one, &two, sizeof one);
    assert_true(siphash(&one, "weir", 4) != siphash(&two, "weir", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_are_computed),
        cmocka_unit_test(keys_and_random_bytes_differ),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
