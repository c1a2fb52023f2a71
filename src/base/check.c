/* SPDX-License-Identifier: MIT */
/* check.c - ends the process when an invariant is violated. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

void check_misused(const char *rule)
{
    fprintf(stderr, "weir: the program broke a rule of weir.h: %s\n",
            rule); /* tidy: allow output - the last output of a process that cannot continue */
    fflush(stderr);
    abort();
}

void check_failed(const char *what, const char *file, int line, const char *function)
{
    fprintf(stderr, "weir: check failed: %s (%s:%d, %s); this is a bug in weir, please report it\n",
            what, file, line,
            function); /* tidy: allow output - the last output of a process that cannot continue */
    fflush(stderr);
    abort();
}
