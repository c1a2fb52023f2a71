/* SPDX-License-Identifier: MIT */
/* test_siphash.c - SipHash against the published values of its authors: key 00 01 .. 0f, input
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

/* SipHash-1-3 with the key 0 is Python's hash() of bytes with PYTHONHASHSEED=0. */
static void words_are_hashed_as_python_does(void **state)
{
    static const uint64_t python[] = {UINT64_C(0xe3c25f87624f1cdb), UINT64_C(0x7f86049379fbfe67),
                                      UINT64_C(0xf8aeb1066236ccfe), UINT64_C(0xd427c34ee09470c6)};
    static const struct siphash_key key;

    (void)state;
    for (uint32_t count = 0; count < 4; count++) { /* of bytes 0, 1, 2 to 8 * count + 5 */
        uint64_t words[4] = {0};
        for (uint32_t i = 0; i < 8 * count + 6; i++) words[i / 8] |= (uint64_t)i << i % 8 * 8;
        assert_true(siphash_words(&key, words, count, words[count], 6) == python[count]);
    }
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
        cmocka_unit_test(words_are_hashed_as_python_does),
        cmocka_unit_test(keys_and_random_bytes_differ),
    };

    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
