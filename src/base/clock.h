/* SPDX-License-Identifier: MIT */
/* clock.h - the system's monotonic clock, and its time of day for handlers. Only transports, the
 * log's thread, the wait before the listeners open, the calls for handlers (surroundings.h) and the
 * program read them. The layers above the transport interface receive the time as a value, so that
 * tests control it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)

/* Returns nanoseconds of a clock that never goes back. Thread: any. */
uint64_t clock_now_ns(void);

/* Returns the system's time of day: milliseconds since 1970, in UTC. Thread: any. */
int64_t clock_unix_ms(void);

#endif
