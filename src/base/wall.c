/* SPDX-License-Identifier: MIT */
/* wall.c - the clock and randomness. */
#include "wall.h"

#if defined(_WIN32)
#include <windows.h>

#include <bcrypt.h>

uint64_t wall_clock_ns(void)
{
    LARGE_INTEGER ticks, per_second;

    QueryPerformanceFrequency(&per_second);
    QueryPerformanceCounter(&ticks);
    uint64_t now = (uint64_t)ticks.QuadPart, rate = (uint64_t)per_second.QuadPart;
    return now / rate * UINT64_C(1000000000) + now % rate * UINT64_C(1000000000) / rate;
}

bool wall_random(void *bytes, size_t length)
{
    return BCryptGenRandom(NULL, bytes, (ULONG)length, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

#else
#include <sys/random.h>
#include <time.h>

uint64_t wall_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

bool wall_random(void *bytes, size_t length)
{
    return getrandom(bytes, length, 0) == (ssize_t)length; /* whole, up to 256 bytes */
}

#endif
