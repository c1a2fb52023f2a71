/* SPDX-License-Identifier: MIT */
/* clock.c - the system's clocks. */
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

int64_t clock_unix_ms(void)
{
    FILETIME now; /* units of 100 ns since 1601 */

    GetSystemTimeAsFileTime(&now);
    uint64_t units = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (int64_t)(units / 10000) - INT64_C(11644473600000);
}

#else
#include <time.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int64_t clock_unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
