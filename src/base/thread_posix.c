/* SPDX-License-Identifier: MIT */
/* thread_posix.c - threads, locks and gates over POSIX threads. */
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

_Thread_local char thread_mark;

struct thread {
    pthread_t id;
    void (*run)(void *argument);
    void *argument;
    char name[16];
};

static void *thread_posix__main(void *argument)
{
    struct thread *thread = argument;

    pthread_setname_np(pthread_self(), thread->name);
    thread->run(thread->argument);
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
    snprintf(thread->name, sizeof thread->name, "%s", name);
    *os_error = pthread_create(&thread->id, NULL, thread_posix__main, thread);
    if (*os_error == 0) return thread;
    memory_free(thread);
    return NULL;
}

void thread_join(struct thread *thread)
{
    weir_check(pthread_join(thread->id, NULL) == 0);
    memory_free(thread);
}

uint32_t thread_cores_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof cores, &cores) == 0) return (uint32_t)CPU_COUNT(&cores);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more cores than a cpu_set_t names */
    return online > 0 ? (uint32_t)online : 1;
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
