/* SPDX-License-Identifier: MIT */
/* tester_options.h - reads the command line of weir-test. */
#ifndef TESTER_TESTER_OPTIONS_H
#define TESTER_TESTER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/test.h>

#include "arena.h"
#include "diagnostics.h"
#include "option.h"

struct tester_options {
    const char *handler;           /* a module's file, or the name of a built-in handler */
    const char *handler_arguments; /* what followed its '?'; null: nothing */
    const char *codec;             /* null: not given */
    const char *input, *corpus;
    bool udp, no_tcp;
    uint64_t seeds;
    uint64_t seed; /* 0: all of them */
    uint32_t limit_ms;
    bool help, version;
    struct weir_test_input *inputs; /* of --input and --corpus */
    size_t inputs_count, inputs_max;
    const char *words; /* the command line that repeats the scenario, without the seed */
    struct arena arena;
};

extern const struct option_table tester_options_table;

/* Reads the arguments after the program's name, and the files that they name. Returns false after
 * adding diagnostics. */
bool tester_options_read(int count, char **arguments, struct tester_options *options,
                         struct diagnostics *diagnostics);

/* Sets every default. */
void tester_options_init(struct tester_options *options);

void tester_options_free(struct tester_options *options);

#endif
