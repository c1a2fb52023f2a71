/* SPDX-License-Identifier: MIT */
/* thread.h - threads, locks, conditions, gates (one-time events), and counters that other threads
 * may read. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "thread_local.h"

struct thread; /* one running thread */

/* Starts a thread with a name of up to 15 bytes for debuggers. Returns null if the system refuses,
 * with the cause in *os_error. */
struct thread *thread_start(const char *name, void (*run)(void *argument), void *argument,
                            int *os_error);

/* Waits until the thread ends, and frees it. */
void thread_join(struct thread *thread);

/* Instead of thread_join(): the thread is freed when it ends, and this does not wait for it. */
void thread_leave(struct thread *thread);

/* Returns the number of CPU cores that this process may use, at least 1. */
uint32_t thread_cores_count(void);

/* Lets the calling thread, one of several with indexes from 0, run on its part of the processors
 * where the system confines a thread to 64 of them (Windows). Elsewhere it does nothing. */
void thread_spread(uint32_t index);

extern THREAD_LOCAL_NEAR char thread_mark; /* for thread_self() alone */

/* Returns a number that no other running thread has; never 0. Cheaper than the system's thread id.
 */
static inline uintptr_t thread_self(void)
{
    return (uintptr_t)&thread_mark;
}

/* Yields the CPU, while waiting for a few instructions of another thread. */
void thread_yield(void);

struct lock; /* held for a few lines, never across a system call on the data path */
struct lock *lock_open(void); /* null: no memory */
void lock_free(struct lock *lock);
void lock_take(struct lock *lock);
void lock_give_back(struct lock *lock);

/* A condition wakes threads that wait for a change of the data under a lock. */
struct condition;
struct condition *condition_open(void); /* null: no memory */
void condition_free(struct condition *condition);

/* Gives the lock back while it waits, and takes it again. Returns false if clock_now_ns() has
 * reached the deadline. Can also return true without a change, so the caller checks its data. */
bool condition_wait(struct condition *condition, struct lock *lock, uint64_t deadline_ns);
void condition_wake_all(struct condition *condition);

#define CONDITION_NO_DEADLINE UINT64_MAX

/* A gate is closed until a thread unlocks it. It then stays open. */
struct gate;
struct gate *gate_open(void); /* returns a closed gate; null: out of memory */
void gate_free(struct gate *gate);
void gate_pass(struct gate *gate); /* waits until the gate is open */
void gate_unlock(struct gate *gate);

/* A counter that one thread writes and any thread reads, without a locked instruction and without
 * torn reads. A thread that reads counter A, then B, sees in B at least everything that was counted
 * before the value it saw in A. */
typedef _Atomic uint64_t thread_counter;

static inline void counter_add(thread_counter *counter, uint64_t amount)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + amount, memory_order_release);
}

/* Changes a sum that can also decrease: one of its parts changed from `before` to `after`. */
static inline void counter_move(thread_counter *counter, uint64_t after, uint64_t before)
{
    counter_add(counter, after - before);
}

/* Raises the counter to `value` if it is lower. */
static inline void counter_raise(thread_counter *counter, uint64_t value)
{
    if (value > atomic_load_explicit(counter, memory_order_relaxed))
        atomic_store_explicit(counter, value, memory_order_release);
}

static inline uint64_t counter_read(const thread_counter *counter)
{
    return atomic_load_explicit(counter, memory_order_acquire);
}

#endif
