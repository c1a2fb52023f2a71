/* SPDX-License-Identifier: MIT */
/* clock.c - the system's monotonic clock. */
#include "clock.h"

#if defined(_WIN32)
#include <windows.h>

uint64_t clock_now_ns(void)
{
    LARGE_INTEGER ticks, per_second;

    QueryPerformanceFrequency(&per_second);
    QueryPerformanceCounter(&ticks);
    uint64_t now = (uint64_t)ticks.QuadPart, rate = (uint64_t)per_second.QuadPart;
    return now / rate * UINT64_C(1000000000) + now % rate * UINT64_C(1000000000) / rate;
}

#else
#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
