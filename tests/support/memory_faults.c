/* SPDX-License-Identifier: MIT */
/* memory_faults.c - the hook that memory.c calls before each allocation of a test. */
#include "memory_faults.h"

#include "atomic.h"

static _Atomic uint64_t memory_faults__count;
static uint64_t memory_faults__until_failure; /* 0: no allocation fails */
static int memory_faults__fails_after;

bool memory_faults_allow(void)
{
    atomic_fetch_add_explicit(&memory_faults__count, 1, memory_order_relaxed);
    if (memory_faults__until_failure == 0) return true;
    if (memory_faults__until_failure > 1) {
        memory_faults__until_failure--;
        return true;
    }
    if (!memory_faults__fails_after) memory_faults__until_failure = 0;
    return false;
}

void memory_fail_nth(uint64_t n, int and_after)
{
    memory_faults__until_failure = n;
    memory_faults__fails_after = and_after;
    memory_set_hook(memory_faults_allow);
}

uint64_t memory_allocations_count(void)
{
    memory_set_hook(memory_faults_allow);
    return atomic_load(&memory_faults__count);
}
