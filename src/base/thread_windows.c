/* SPDX-License-Identifier: MIT */
/* thread_windows.c - threads, locks, conditions and gates on Windows. */
#include "thread.h"

#include <windows.h>
#include <process.h>
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "memory.h"
#include "processor_groups.h"

THREAD_LOCAL_NEAR char thread_mark;

struct thread {
    HANDLE handle;
    void (*run)(void *argument);
    void *argument;
    wchar_t name[16];
    _Atomic int users; /* the thread itself, and its starter until it joins or leaves the thread */
};

static void thread_windows__release(struct thread *thread)
{
    if (atomic_fetch_sub(&thread->users, 1) == 1) memory_free(thread);
}

/* Older systems and Wine can lack this function, so it is looked up at run time. */
static void thread_windows__name(const wchar_t *name)
{
    typedef HRESULT(WINAPI * describe)(HANDLE, PCWSTR);
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    FARPROC found = kernel ? GetProcAddress(kernel, "SetThreadDescription") : NULL;

    if (found) ((describe)(void (*)(void))found)(GetCurrentThread(), name);
}

static unsigned __stdcall thread_windows__main(void *argument)
{
    struct thread *thread = argument;

    thread_windows__name(thread->name);
    thread->run(thread->argument);
    thread_windows__release(thread);
    return 0;
}

struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument,
                            int *os_error)
{
    struct thread *thread = memory_alloc(sizeof *thread);

    *os_error = 0;
    if (!thread) return NULL;
    thread->run = run;
    thread->argument = argument;
    atomic_store(&thread->users, 2);
    for (int i = 0; i < 15 && name[i]; i++) thread->name[i] = (wchar_t)name[i];
    thread->handle = (HANDLE)_beginthreadex(NULL, 0, thread_windows__main, thread, 0, NULL);
    if (thread->handle) return thread;
    *os_error = (int)GetLastError();
    memory_free(thread);
    return NULL;
}

void thread_join(struct thread *thread)
{
    weir_check(WaitForSingleObject(thread->handle, INFINITE) == WAIT_OBJECT_0);
    CloseHandle(thread->handle);
    thread_windows__release(thread);
}

void thread_leave(struct thread *thread)
{
    CloseHandle(thread->handle);
    thread_windows__release(thread);
}

#define THREAD_WINDOWS__GROUPS_MAX 64

/* Whether the process may use all processors of its group: no mask restricts it. With threads in
 * several groups, Windows reports no mask. */
static bool thread_windows__is_free(uint32_t *allowed_count)
{
    DWORD_PTR process = 0, machine = 0;

    *allowed_count = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &machine) || process == 0)
        return true;
    for (DWORD_PTR left = process; left != 0; left &= left - 1) ++*allowed_count;
    return process == machine;
}

uint32_t thread_cores_count(void)
{
    uint32_t count;

    if (!thread_windows__is_free(&count)) return count;
    DWORD active = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return active > 0 ? (uint32_t)active : 1;
}

void thread_spread(uint32_t index)
{
    uint32_t counts[THREAD_WINDOWS__GROUPS_MAX], allowed;
    uint32_t groups_count = GetActiveProcessorGroupCount();

    if (groups_count < 2 || !thread_windows__is_free(&allowed)) return;
    if (groups_count > THREAD_WINDOWS__GROUPS_MAX) groups_count = THREAD_WINDOWS__GROUPS_MAX;
    for (uint32_t i = 0; i < groups_count; i++) counts[i] = GetActiveProcessorCount((WORD)i);
    uint32_t group = processor_groups_choose(counts, groups_count, index);
    if (counts[group] == 0) return;
    GROUP_AFFINITY affinity = {.Group = (WORD)group,
                               .Mask = counts[group] >= 64 ? ~(KAFFINITY)0
                                                           : ((KAFFINITY)1 << counts[group]) - 1};
    (void)SetThreadGroupAffinity(GetCurrentThread(), &affinity,
                                 NULL); /* else: the group of before */
}

void thread_yield(void)
{
    SwitchToThread();
}

struct lock {
    SRWLOCK lock;
};

struct lock *lock_open(void)
{
    struct lock *lock = memory_alloc(sizeof *lock);

    if (lock) InitializeSRWLock(&lock->lock);
    return lock;
}

void lock_free(struct lock *lock)
{
    memory_free(lock);
}

void lock_take(struct lock *lock)
{
    AcquireSRWLockExclusive(&lock->lock);
}

void lock_give_back(struct lock *lock)
{
    ReleaseSRWLockExclusive(&lock->lock);
}

struct condition {
    CONDITION_VARIABLE changed;
};

struct condition *condition_open(void)
{
    struct condition *condition = memory_alloc(sizeof *condition);

    if (condition) InitializeConditionVariable(&condition->changed);
    return condition;
}

void condition_free(struct condition *condition)
{
    memory_free(condition);
}

bool condition_wait(struct condition *condition, struct lock *lock, uint64_t deadline_ns)
{
    DWORD wait_ms = INFINITE;

    if (deadline_ns != CONDITION_NO_DEADLINE) {
        uint64_t now_ns = clock_now_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        uint64_t left_ms = (left_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
        wait_ms = left_ms < INFINITE ? (DWORD)left_ms : INFINITE - 1;
    }
    return SleepConditionVariableSRW(&condition->changed, &lock->lock, wait_ms, 0) ||
           clock_now_ns() < deadline_ns;
}

void condition_wake_all(struct condition *condition)
{
    WakeAllConditionVariable(&condition->changed);
}

struct gate {
    SRWLOCK lock;
    CONDITION_VARIABLE opened;
    bool is_open;
};

struct gate *gate_open(void)
{
    struct gate *gate = memory_alloc(sizeof *gate);

    if (!gate) return NULL;
    InitializeSRWLock(&gate->lock);
    InitializeConditionVariable(&gate->opened);
    return gate;
}

void gate_free(struct gate *gate)
{
    memory_free(gate);
}

void gate_pass(struct gate *gate)
{
    AcquireSRWLockExclusive(&gate->lock);
    while (!gate->is_open) SleepConditionVariableSRW(&gate->opened, &gate->lock, INFINITE, 0);
    ReleaseSRWLockExclusive(&gate->lock);
}

void gate_unlock(struct gate *gate)
{
    AcquireSRWLockExclusive(&gate->lock);
    gate->is_open = true;
    WakeAllConditionVariable(
        &gate->opened); /* under the lock: the passing thread may free the gate */
    ReleaseSRWLockExclusive(&gate->lock);
}
