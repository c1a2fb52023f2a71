/* SPDX-License-Identifier: MIT */
/* os_process_windows.c - see os_process.h. */
#include "os_process.h"

#include <windows.h>

#include <psapi.h>

static uint64_t os_process__units(const FILETIME *time) /* of 100 ns */
{
    return (uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

bool os_process_read(struct admin_process *process)
{
    FILETIME started, ended, kernel, user;
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
    DWORD handles = 0;
    const uint64_t units_to_1970 = UINT64_C(116444736000000000); /* a FILETIME begins in 1601 */

    *process = (struct admin_process){0};
    if (!GetProcessTimes(GetCurrentProcess(), &started, &ended, &kernel, &user) ||
        !K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        return false;
    GetProcessHandleCount(GetCurrentProcess(), &handles);
    process->cpu_us = (os_process__units(&kernel) + os_process__units(&user)) / 10;
    process->resident_bytes = memory.WorkingSetSize;
    process->started_unix_ms = (int64_t)((os_process__units(&started) - units_to_1970) / 10000);
    process->files = handles;
    return true;
}
