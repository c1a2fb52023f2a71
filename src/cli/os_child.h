/* SPDX-License-Identifier: MIT */
/* os_child.h - runs this program once more, as a process of its own with a time limit: what crashes
 * or stands still there does not affect its caller. */
#ifndef CLI_OS_CHILD_H
#define CLI_OS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum os_child_end {
    OS_CHILD_ENDED,       /* with an exit code */
    OS_CHILD_CRASHED,     /* by a signal or an exception */
    OS_CHILD_STOOD_STILL, /* the time limit ended it */
    OS_CHILD_NOT_STARTED,
};

/* Gets what the process prints on stdout and stderr, as it comes. */
typedef void os_child_take(void *context, const char *bytes, size_t length);

/* Runs this program with up to three arguments (null after the last), which contain no spaces.
 * Waits for its end, at most limit_ms. *code: its exit code, or the signal, exception or system
 * error. */
enum os_child_end os_child_run(const char *const arguments[4], uint32_t limit_ms,
                               os_child_take *take, void *context, int *code);

/* Writes the name and version of the system, in one line. Returns `text`. */
char *os_child_system(char *text, size_t size);

#endif
