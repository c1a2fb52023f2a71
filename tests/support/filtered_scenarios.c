/* SPDX-License-Identifier: MIT */
/* filtered_scenarios.c - belongs to programs whose fixtures all have the filter that transforms. */
#include "test_filters.h"

/* Runs before main. */
__attribute__((constructor)) static void filtered_scenarios__begin(void)
{
    test_filters_reset();
    test_chain_set(&test_filter_xor, NULL, NULL);
    test_chain_opens = true;
}
