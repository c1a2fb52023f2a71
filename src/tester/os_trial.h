/* SPDX-License-Identifier: MIT */
/* os_trial.h - runs a function in a process of its own, so that a handler that crashes or never
 * returns ends only that. Implemented for Linux. */
#ifndef TESTER_OS_TRIAL_H
#define TESTER_OS_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/* Runs the function in a copy of this process, and waits for it. `quiet`: what it prints is
 * discarded. Returns whether it returned; otherwise `how` says how the process ended. */
bool os_trial_run(void (*run)(void *argument), void *argument, bool quiet, uint32_t limit_ms,
                  char *how, size_t how_bytes);

/* Returns zeroed memory that these processes share. Null: out of memory. */
void *os_trial_shared(size_t bytes);

/* Returns the paths of the files in a folder, by name; null: `why` says why. */
char **os_trial_list(const char *folder, struct arena *arena, size_t *count, char *why,
                     size_t why_bytes);

#endif
