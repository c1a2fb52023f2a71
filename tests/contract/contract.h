/* SPDX-License-Identifier: MIT */
/* contract.h - the groups of tests that every transport must pass, and the faults that some of them
 * must catch. */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"
#include "world.h"

#define CONTRACT_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct contract_group {
    const char *name; /* of its file */
    const struct CMUnitTest *tests;
    size_t tests_count;
};

/* Defines the group of a file from its array of tests. */
#define CONTRACT_GROUP(name, array) \
    const struct contract_group group_##name = {#name, array, CONTRACT_COUNT_OF(array)}

extern const struct contract_group group_law_01_demand, group_law_02_answer, group_law_03_order,
    group_law_04_whole, group_law_05_owner, group_law_06_commit, group_law_07_last,
    group_law_08_scarcity, group_law_09_clock, group_law_10_thread, group_datagrams, group_places,
    group_fairness, group_races, group_planted;

/* planted.c: makes every net opened from now on misbehave in that way. False: there is no such
 * fault. */
bool planted_choose(const char *fault);

#endif
