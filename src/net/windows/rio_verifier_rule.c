/* SPDX-License-Identifier: MIT */
/* rio_verifier_rule.c - reports a broken rule and ends the process. */
#include "rio_verifier_rule.h"

#include <stdio.h>
#include <stdlib.h>

void verified_breach(int rule, const char *what)
{
    fprintf(stderr, "rio rule VV%d: %s\n", rule,
            what); /* tidy: allow output - the last words of a process that cannot go on */
    fflush(stderr);
    abort(); /* tidy: allow exit - a rule is broken: what follows could be anything */
}
