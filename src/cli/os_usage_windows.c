/* SPDX-License-Identifier: MIT */
/* os_usage_windows.c - see os_usage.h. */
#include "os_usage.h"

#include <windows.h>

#include <psapi.h>

#define OS_USAGE__SECOND_NS UINT64_C(1000000000)

uint64_t os_now_ns(void)
{
    static LARGE_INTEGER frequency;
    LARGE_INTEGER now;

    if (frequency.QuadPart == 0) QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    uint64_t ticks = (uint64_t)now.QuadPart, per_second = (uint64_t)frequency.QuadPart;
    return ticks / per_second * OS_USAGE__SECOND_NS +
           ticks % per_second * OS_USAGE__SECOND_NS / per_second;
}

static uint64_t os_usage__ns(const FILETIME *time) /* which counts units of 100 ns */
{
    return ((uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime) * 100;
}

uint64_t os_thread_cpu_ns(void)
{
    FILETIME started, ended, kernel, user;

    if (!GetThreadTimes(GetCurrentThread(), &started, &ended, &kernel, &user)) return 0;
    return os_usage__ns(&kernel) + os_usage__ns(&user);
}

uint64_t os_thread_waited_ns(void)
{
    return 0;
}

bool os_usage_read(uint32_t pid, struct os_usage *usage)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
    FILETIME started, ended, kernel, user;
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};

    *usage = (struct os_usage){0};
    if (!process) return false;
    bool is_known = GetProcessTimes(process, &started, &ended, &kernel, &user);
    if (is_known) usage->cpu_ns = os_usage__ns(&kernel) + os_usage__ns(&user);
    if (K32GetProcessMemoryInfo(process, &memory, sizeof memory))
        usage->resident_bytes = memory.WorkingSetSize;
    CloseHandle(process);
    return is_known;
}

bool os_wait_readable(int descriptor, uint64_t timeout_ns)
{
    (void)descriptor, (void)timeout_ns;
    return false;
}

void os_wait_precisely(void) {}

bool os_stderr_is_terminal(void)
{
    DWORD mode;

    return GetConsoleMode(GetStdHandle(STD_ERROR_HANDLE), &mode) != 0;
}
