/* SPDX-License-Identifier: MIT */
/* thread_posix.c - threads, locks, conditions and gates over POSIX threads. */
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "memory.h"

THREAD_LOCAL_NEAR char thread_mark;

struct thread {
    pthread_t id;
    void (*run)(void *argument);
    void *argument;
    char name[16];
    _Atomic int users; /* the thread itself, and its starter until it joins or leaves the thread */
};

static void thread_posix__release(struct thread *thread)
{
    if (atomic_fetch_sub(&thread->users, 1) == 1) memory_free(thread);
}

static void *thread_posix__main(void *argument)
{
    struct thread *thread = argument;

    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->argument);
    thread_posix__release(thread);
    return NULL;
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
    snprintf(thread->name, sizeof thread->name, "%s", name);
    *os_error = pthread_create(&thread->id, NULL, thread_posix__main, thread);
    if (*os_error == 0) return thread;
    memory_free(thread);
    return NULL;
}

void thread_join(struct thread *thread)
{
    weir_check(pthread_join(thread->id, NULL) == 0);
    thread_posix__release(thread);
}

void thread_leave(struct thread *thread)
{
    weir_check(pthread_detach(thread->id) == 0);
    thread_posix__release(thread);
}

uint32_t thread_cores_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof cores, &cores) == 0) return (uint32_t)CPU_COUNT(&cores);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than a cpu_set_t names */
    return online > 0 ? (uint32_t)online : 1;
}

void thread_spread(uint32_t index)
{
    (void)index;
}

void thread_yield(void)
{
    sched_yield();
}

struct lock {
    pthread_mutex_t mutex;
};

struct lock *lock_open(void)
{
    struct lock *lock = memory_alloc(sizeof *lock);

    if (lock) weir_check(pthread_mutex_init(&lock->mutex, NULL) == 0);
    return lock;
}

void lock_free(struct lock *lock)
{
    if (!lock) return;
    weir_check(pthread_mutex_destroy(&lock->mutex) == 0);
    memory_free(lock);
}

void lock_take(struct lock *lock)
{
    weir_check(pthread_mutex_lock(&lock->mutex) == 0);
}

void lock_give_back(struct lock *lock)
{
    weir_check(pthread_mutex_unlock(&lock->mutex) == 0);
}

struct condition {
    pthread_cond_t changed;
};

struct condition *condition_open(void)
{
    struct condition *condition = memory_alloc(sizeof *condition);
    pthread_condattr_t attributes;

    if (!condition) return NULL;
    weir_check(pthread_condattr_init(&attributes) == 0);
    weir_check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) ==
               0); /* as clock_now_ns() */
    weir_check(pthread_cond_init(&condition->changed, &attributes) == 0);
    weir_check(pthread_condattr_destroy(&attributes) == 0);
    return condition;
}

void condition_free(struct condition *condition)
{
    if (!condition) return;
    weir_check(pthread_cond_destroy(&condition->changed) == 0);
    memory_free(condition);
}

bool condition_wait(struct condition *condition, struct lock *lock, uint64_t deadline_ns)
{
    if (deadline_ns == CONDITION_NO_DEADLINE) {
        weir_check(pthread_cond_wait(&condition->changed, &lock->mutex) == 0);
        return true;
    }
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / (1000 * CLOCK_NS_PER_MS)),
                                      .tv_nsec = (long)(deadline_ns % (1000 * CLOCK_NS_PER_MS))};
    return pthread_cond_timedwait(&condition->changed, &lock->mutex, &deadline) == 0;
}

void condition_wake_all(struct condition *condition)
{
    weir_check(pthread_cond_broadcast(&condition->changed) == 0);
}

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool is_open;
};

struct gate *gate_open(void)
{
    struct gate *gate = memory_alloc(sizeof *gate);

    if (!gate) return NULL;
    weir_check(pthread_mutex_init(&gate->mutex, NULL) == 0);
    weir_check(pthread_cond_init(&gate->opened, NULL) == 0);
    return gate;
}

void gate_free(struct gate *gate)
{
    if (!gate) return;
    weir_check(pthread_cond_destroy(&gate->opened) == 0);
    weir_check(pthread_mutex_destroy(&gate->mutex) == 0);
    memory_free(gate);
}

void gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    while (!gate->is_open) pthread_cond_wait(&gate->opened, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
}

void gate_unlock(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}
