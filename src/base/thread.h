/* SPDX-License-Identifier: MIT */
/* thread.h - threads, and the little that they share: a lock, a gate to wait at, counters that
 * others may read. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"

struct thread; /* one running thread */

/* Starts a thread with a name of up to 15 bytes for debuggers. Null when the system will not;
 * *os_error says why. */
struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument,
                            int *os_error);

/* Waits for its end and frees it. */
void thread_join(struct thread *thread);

/* How many threads can run at once here: the cores this process may use; at least 1. */
uint32_t thread_cores_count(void);

/* Lets others run, where one waits for a few of their instructions. */
void thread_yield(void);

struct lock; /* held for a few lines, never across a system call on the data path */
struct lock *lock_open(void); /* null: no memory */
void lock_free(struct lock *lock);
void lock_take(struct lock *lock);
void lock_give_back(struct lock *lock);

/* A gate is shut until somebody opens it, once and for ever. */
struct gate;
struct gate *gate_open(void); /* a shut gate; null: no memory */
void gate_free(struct gate *gate);
void gate_pass(struct gate *gate); /* waits while it is shut */
void gate_unlock(struct gate *gate);

/* A counter that one thread writes and any thread reads: no locked instruction, no torn read. Who
 * reads one counter and then another sees of the second at least what went before the first. */
typedef _Atomic uint64_t thread_counter;

static inline void counter_add(thread_counter *counter, uint64_t amount)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + amount, memory_order_release);
}

/* A sum that falls too: one of its parts became `after`. */
static inline void counter_move(thread_counter *counter, uint64_t after, uint64_t before)
{
    counter_add(counter, after - before);
}

/* Moves it up to the value, where it is below. */
static inline void counter_raise(thread_counter *counter, uint64_t value)
{
    if (value > atomic_load_explicit(counter, memory_order_relaxed))
        atomic_store_explicit(counter, value, memory_order_release);
}

static inline uint64_t counter_read(const thread_counter *counter)
{
    return atomic_load_explicit((thread_counter *)(uintptr_t)counter, memory_order_acquire);
}

#endif
