/* SPDX-License-Identifier: MIT */
/* os_thread_linux.c - threads and monitors over POSIX threads. */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "os_thread.h"

struct os_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct os_monitor *os_monitor_open(struct arena *arena)
{
    struct os_monitor *monitor = arena_alloc(arena, sizeof *monitor);
    pthread_condattr_t attributes;

    if (!monitor) return NULL;
    pthread_mutex_init(&monitor->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* as os_now_ms() */
    pthread_cond_init(&monitor->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return monitor;
}

void os_monitor_enter(struct os_monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
}

void os_monitor_leave(struct os_monitor *monitor)
{
    pthread_mutex_unlock(&monitor->mutex);
}

bool os_monitor_wait(struct os_monitor *monitor, uint64_t deadline_ms)
{
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ms / 1000),
                                      .tv_nsec = (long)(deadline_ms % 1000) * 1000000};

    if (deadline_ms == OS_NO_DEADLINE)
        return pthread_cond_wait(&monitor->changed, &monitor->mutex) == 0;
    return pthread_cond_timedwait(&monitor->changed, &monitor->mutex, &deadline) == 0;
}

void os_monitor_wake(struct os_monitor *monitor)
{
    pthread_cond_broadcast(&monitor->changed);
}

uint64_t os_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void *os__main(void *argument)
{
    struct os_thread *thread = argument;

    thread->run(thread->argument);
    return NULL;
}

bool os_thread_start_joinable(struct os_thread *thread)
{
    sigset_t all, before;
    pthread_t id;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool good = pthread_create(&id, NULL, os__main, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (good) thread->handle = (uintptr_t)id;
    return good;
}

void os_thread_join(struct os_thread *thread)
{
    pthread_join((pthread_t)thread->handle, NULL);
}

bool os_thread_start(struct os_thread *thread)
{
    bool good = os_thread_start_joinable(thread);

    if (good) pthread_detach((pthread_t)thread->handle);
    return good;
}

void os_end_process(int code)
{
    _exit(code); /* tidy: allow exit - exit() would wait for a blocked stream */
}
