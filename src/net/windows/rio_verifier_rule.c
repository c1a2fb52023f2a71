/* SPDX-License-Identifier: MIT */
/* rio_verifier_rule.c - reports a broken rule on stderr and ends the process. Keeps no state. */
#include "rio_verifier_rule.h"

#include <stdio.h>
#include <stdlib.h>

void verified_breach(int rule, const char *what)
{
    fprintf(stderr, "rio rule VV%d: %s\n", rule,
            what); /* tidy: allow output - the process ends here */
    fflush(stderr);
    abort(); /* tidy: allow exit - after a broken rule, RIO's behavior is undefined */
}
