/* SPDX-License-Identifier: MIT */
/* fixed.c - a library to preload, in which time and random numbers are the same in every run.
 *
 * The cost of a timer depends on the time that has passed since the timer was set, and the cost of
 * a hash table depends on the random key. Here, time moves by 20 microseconds with every look at
 * the clock, and random bytes are a fixed pattern. The few instructions of these functions count as
 * instructions of the server: the system's own clock costs more.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_NS UINT64_C(1000000000000) /* both clocks: a time since which the machine could run */
#define STEP_NS UINT64_C(500000)
#define NS_PER_S UINT64_C(1000000000)

/* Exported, although the build hides symbols by default. */
#define PRELOADED __attribute__((visibility("default")))

static _Atomic uint64_t looks;

PRELOADED int clock_gettime(clockid_t clock, struct timespec *now)
{
    uint64_t ns = FIRST_NS + STEP_NS * atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);

    (void)clock;
    now->tv_sec = (time_t)(ns / NS_PER_S);
    now->tv_nsec = (long)(ns % NS_PER_S);
    return 0;
}

PRELOADED ssize_t getrandom(void *bytes, size_t length, unsigned flags)
{
    (void)flags;
    memset(bytes, 0x5a, length);
    return (ssize_t)length;
}
