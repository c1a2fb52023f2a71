/* SPDX-License-Identifier: MIT */
/* contract.c - one test suite for every transport: contract --transport=NAME [--group=NAME]
 * [--test=PATTERN] [--completion=copied|acknowledged] [--seed=N]
 *
 * With --completion=acknowledged a transport over a simulation releases a send when the peer has
 * acknowledged it, not when the bytes were copied.
 * The groups are named after their files, for example rule_01_demand. --injected=VIOLATION makes
 * the transport misbehave: then the group that guards against the violation must fail. Exit code
 * 77: this system does not allow the transport.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>

#include "plain_socket.h"

#define CONTRACT__SKIPPED 77
#define CONTRACT__FAILED 1
#define CONTRACT__USAGE 2
#define CONTRACT__WINE_TIMES 4 /* factor of patience: system calls are slow there */

static const struct contract_group *const contract__groups[] = {
    &group_rule_01_demand, &group_rule_02_answer, &group_rule_03_order, &group_rule_04_whole,
    &group_rule_05_owner,  &group_rule_06_commit, &group_rule_07_last,  &group_rule_08_scarcity,
    &group_rule_09_clock,  &group_rule_10_thread, &group_datagrams,     &group_addresses,
    &group_descriptor,     &group_accepting,      &group_connecting,    &group_fairness,
    &group_races,          &group_injected,
};

/* Returns the value of --NAME=VALUE, or null if the argument is a different option. */
static const char *contract__value(const char *argument, const char *name)
{
    size_t length = strlen(name);

    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

static int contract__usage(void)
{
    fprintf(stderr, "usage: contract --transport=simulated|epoll|uring|rio|iocp [--group=GROUP]"
                    " [--test=PATTERN]\n"
                    "                [--completion=copied|acknowledged] [--seed=N] [--spin-us=N]\n"
                    "                [--patience-ms=N] [--injected=VIOLATION]\ngroups:");
    for (size_t i = 0; i < CONTRACT_COUNT_OF(contract__groups); i++)
        fprintf(stderr, " %s", contract__groups[i]->name);
    fprintf(stderr, "\n");
    return CONTRACT__USAGE;
}

/* Returns 0 if the transport is available, otherwise the exit code. */
static int contract__probe(void)
{
    struct net_options options;
    struct net *net = NULL;
    struct weir_error error;
    char text[512];

    if (!world_has_threads()) return 0; /* the simulated transport needs nothing of the system */
    world_options(&options);
    if (net_open(&options, &net, &error) == WEIR_OK) {
        net_free(net);
        return 0;
    }
    fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
    if (error.code == WEIR_INVALID) return CONTRACT__USAGE;
    return error.code == WEIR_UNSUPPORTED || error.code == WEIR_DENIED ? CONTRACT__SKIPPED
                                                                       : CONTRACT__FAILED;
}

static bool contract__read(int count, char **arguments, const char **group)
{
    const char *value;

    for (int i = 1; i < count; i++) {
        if ((value = contract__value(arguments[i], "--transport")) != NULL)
            world_transport = value;
        else if ((value = contract__value(arguments[i], "--group")) != NULL)
            *group = value;
        else if ((value = contract__value(arguments[i], "--test")) != NULL)
            cmocka_set_test_filter(value);
        else if ((value = contract__value(arguments[i], "--seed")) != NULL)
            world_seed = strtoull(value, NULL, 10);
        else if ((value = contract__value(arguments[i], "--spin-us")) != NULL)
            world_spin_max_ns = strtoull(value, NULL, 10) * 1000;
        else if ((value = contract__value(arguments[i], "--completion")) != NULL)
            world_acknowledges = strcmp(value, "acknowledged") == 0;
        else if ((value = contract__value(arguments[i], "--patience-ms")) != NULL)
            world_patience_ns = strtoull(value, NULL, 10) * 1000000;
        else if ((value = contract__value(arguments[i], "--injected")) == NULL ||
                 !injected_choose(value))
            return false;
    }
    return true;
}

int main(int count, char **arguments)
{
    const char *group = NULL;
    int failed = 0, found = 0;

    if (plain_is_wine()) world_patience_ns *= CONTRACT__WINE_TIMES;
    if (!contract__read(count, arguments, &group)) return contract__usage();
    int unavailable = contract__probe();
    if (unavailable != 0) return unavailable;
    for (size_t i = 0; i < CONTRACT_COUNT_OF(contract__groups); i++) {
        const struct contract_group *at = contract__groups[i];
        if (group && strcmp(group, at->name) != 0) continue;
        found++;
        failed += _cmocka_run_group_tests(at->name, at->tests, at->tests_count, NULL, NULL);
    }
    if (found == 0) return contract__usage();
    return failed == 0 ? 0 : CONTRACT__FAILED;
}
