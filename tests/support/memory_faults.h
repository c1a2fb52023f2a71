/* SPDX-License-Identifier: MIT */
/* memory_faults.h - counts the allocations of weir, and makes chosen ones fail. */
#ifndef TESTS_MEMORY_FAULTS_H
#define TESTS_MEMORY_FAULTS_H

#include "memory.h"

/* Makes the n-th allocation from now fail (1: the next), and all later ones if `and_after` is not
 * 0. n = 0 ends it. No other thread may allocate meanwhile. */
void memory_fail_nth(uint64_t n, int and_after);

/* Returns how many allocations there were since the first call of this function or of
 * memory_fail_nth(). Tests compare two results. Thread: any. */
uint64_t memory_allocations_count(void);

/* Decides for allocations that do not come from memory.h. Returns false: this one fails. */
bool memory_faults_allow(void);

#endif
