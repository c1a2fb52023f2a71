/* SPDX-License-Identifier: MIT */
/* test_swarm_builtin.c - the built-in handlers in random scenarios of the simulator, over several
 * codecs. 10 seeds each, or WEIR_SEEDS=n of them; WEIR_SEED=n is where they begin, and alone
 * replays that one with its trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "require.h"

#define SEEDS 10u

static const struct weir_test_input inputs[] = {
    {"/nick ada", 9}, {"/join room", 10},      {"hello", 5},  {"/me waves", 9}, {"/who", 4},
    {"/nick bob", 9}, {"\xc3\xa4\xe2\x82", 4}, {"/leave", 6}, {"/quit", 5},
};

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void print_line(void *user, const char *line)
{
    (void)user;
    puts(line);
}

static void run_seeds(const char *handler, const char *codec)
{
    const struct weir_listen listens[] = {
        {.size = sizeof listens[0], .proto = WEIR_TCP, .codec = codec, .handler = handler},
        {.size = sizeof listens[0], .proto = WEIR_UDP, .handler = handler},
    };
    struct weir_test_swarm swarm = {.size = sizeof swarm,
                                    .listens = listens,
                                    .listens_count = 2,
                                    .inputs = inputs,
                                    .inputs_count = sizeof inputs / sizeof inputs[0]};
    uint64_t first = number_of("WEIR_SEED", 1);
    uint64_t count = number_of("WEIR_SEEDS", getenv("WEIR_SEED") ? 1 : SEEDS);

    if (getenv("WEIR_SEED") && !getenv("WEIR_SEEDS")) swarm.trace = print_line;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct weir_test_result result = {.size = sizeof result}, again = {.size = sizeof again};
        require(weir_test_run_seed(&swarm, seed, &result, NULL) == WEIR_OK);
        if (result.failure[0] != '\0')
            require_failed(__FILE__, __LINE__, "%s over %s, WEIR_SEED=%llu: %s", handler, codec,
                           (unsigned long long)seed, result.failure);
        if (seed != first) continue;
        require(weir_test_run_seed(&swarm, seed, &again, NULL) == WEIR_OK);
        require_equal(again.hash, result.hash);
    }
}

static void echo(void **state)
{
    (void)state;
    run_seeds("echo", "raw");
    run_seeds("echo", "u16be,max=4k");
    run_seeds("echo", "line");
    run_seeds("echo", "fixed:size=16");
    run_seeds("echo", "tls-record");
}

static void chat(void **state)
{
    (void)state;
    run_seeds("chat", "line");
    run_seeds("chat", "netstring");
}

static void discard(void **state)
{
    (void)state;
    run_seeds("discard", "varint");
}

static void the_time(void **state)
{
    (void)state;
    run_seeds("time", "raw");
    run_seeds("time", "crlf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echo),
        cmocka_unit_test(chat),
        cmocka_unit_test(discard),
        cmocka_unit_test(the_time),
    };

    return cmocka_run_group_tests_name("swarm_builtin", tests, NULL, NULL);
}
