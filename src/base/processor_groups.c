/* SPDX-License-Identifier: MIT */
/* processor_groups.c - chooses the processor group of a thread. Owns nothing. */
#include "processor_groups.h"

uint32_t processor_groups_choose(const uint32_t *counts, uint32_t groups_count, uint32_t index)
{
    uint32_t total = 0, group = 0;

    for (uint32_t i = 0; i < groups_count; i++) total += counts[i];
    if (total == 0) return 0;
    for (index %= total; index >= counts[group]; group++) index -= counts[group];
    return group;
}
