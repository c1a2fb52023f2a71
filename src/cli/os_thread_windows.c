/* SPDX-License-Identifier: MIT */
/* os_thread_windows.c - threads and monitors on Windows. */
#include "os_thread.h"

#include <windows.h>
#include <process.h>

#include "arena.h"
#include "os_console.h"

struct os_monitor {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
};

struct os_monitor *os_monitor_open(struct arena *arena)
{
    struct os_monitor *monitor = arena_alloc(arena, sizeof *monitor);

    if (!monitor) return NULL;
    InitializeSRWLock(&monitor->lock);
    InitializeConditionVariable(&monitor->changed);
    return monitor;
}

void os_monitor_enter(struct os_monitor *monitor)
{
    AcquireSRWLockExclusive(&monitor->lock);
}

void os_monitor_leave(struct os_monitor *monitor)
{
    ReleaseSRWLockExclusive(&monitor->lock);
}

bool os_monitor_wait(struct os_monitor *monitor, uint64_t deadline_ms)
{
    DWORD wait_ms = INFINITE;

    if (deadline_ms != OS_NO_DEADLINE) {
        uint64_t now_ms = os_now_ms();
        uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
        wait_ms = left_ms < INFINITE ? (DWORD)left_ms : INFINITE - 1;
    }
    return SleepConditionVariableSRW(&monitor->changed, &monitor->lock, wait_ms, 0) ||
           os_now_ms() < deadline_ms;
}

void os_monitor_wake(struct os_monitor *monitor)
{
    WakeAllConditionVariable(&monitor->changed);
}

uint64_t os_now_ms(void)
{
    return GetTickCount64();
}

static unsigned __stdcall os__main(void *argument)
{
    struct os_thread *thread = argument;

    thread->run(thread->argument);
    return 0;
}

bool os_thread_start_joinable(struct os_thread *thread)
{
    thread->handle = _beginthreadex(NULL, 0, os__main, thread, 0, NULL);
    return thread->handle != 0;
}

void os_thread_join(struct os_thread *thread)
{
    WaitForSingleObject((HANDLE)thread->handle, INFINITE);
    CloseHandle((HANDLE)thread->handle);
}

bool os_thread_start(struct os_thread *thread)
{
    bool good = os_thread_start_joinable(thread);

    if (good) CloseHandle((HANDLE)thread->handle);
    return good;
}

void os_end_process(int code)
{
    os_console_restore();
    TerminateProcess(GetCurrentProcess(), (UINT)code);
}
