/* SPDX-License-Identifier: MIT */
/* wall.h - what comes from outside the process: the clock and randomness. Only transports and the
 * program read them; everything above the seam is handed the time, so that tests can own it. */
#ifndef BASE_WALL_H
#define BASE_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of a clock that never goes back. Any thread. */
uint64_t wall_clock_ns(void);

/* Bytes that nobody can foretell, for keys. False: the system has none. Any thread. */
bool wall_random(void *bytes, size_t length);

#define WALL_NS_PER_MS UINT64_C(1000000)

#endif
