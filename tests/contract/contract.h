/* SPDX-License-Identifier: MIT */
/* contract.h - the groups of tests that every transport must pass, and the choice of an injected
 * violation that some of them must detect. */
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
    const char *name; /* the name of its file */
    const struct CMUnitTest *tests;
    size_t tests_count;
};

/* Defines the group of a file from its array of tests. */
#define CONTRACT_GROUP(name, array) \
    const struct contract_group group_##name = {#name, array, CONTRACT_COUNT_OF(array)}

extern const struct contract_group group_rule_01_demand, group_rule_02_answer, group_rule_03_order,
    group_rule_04_whole, group_rule_05_owner, group_rule_06_commit, group_rule_07_last,
    group_rule_08_scarcity, group_rule_09_clock, group_rule_10_thread, group_datagrams,
    group_addresses, group_descriptor, group_accepting, group_connecting, group_fairness,
    group_races, group_injected;

/* injected.c: makes every net that opens afterwards misbehave in the named way. Returns false if no
 * such violation exists. */
bool injected_choose(const char *violation);

#endif
