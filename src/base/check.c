/* SPDX-License-Identifier: MIT */
/* check.c - ends the process when an invariant is violated. */
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(_WIN32)

static bool check__can_write(void)
{
    return true; /* Windows cannot tell */
}

#else
#include <poll.h>
#include <unistd.h>

/* Returns whether stderr takes a line without blocking. A process that waits here for a reader that
 * has stopped would neither serve nor end. */
static bool check__can_write(void)
{
    struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&stream, 1, 0) > 0;
}

#endif

void check_misused(const char *rule)
{
    if (check__can_write()) {
        fprintf(stderr, "weir: the program broke a rule of weir.h: %s\n",
                rule); /* tidy: allow output - the last output of a process that cannot continue */
        fflush(stderr);
    }
    abort();
}

void check_asserted(const char *condition, const char *file, int line)
{
    if (check__can_write()) {
        fprintf(stderr, "weir: the program's assertion failed: %s (%s:%d)\n", condition, file,
                line); /* tidy: allow output - the last output of a process that cannot continue */
        fflush(stderr);
    }
    abort();
}

void check_failed(const char *what, const char *file, int line, const char *function)
{
    if (check__can_write()) {
        fprintf(
            stderr, "weir: check failed: %s (%s:%d, %s); this is a bug in weir, please report it\n",
            what, file, line,
            function); /* tidy: allow output - the last output of a process that cannot continue */
        fflush(stderr);
    }
    abort();
}
