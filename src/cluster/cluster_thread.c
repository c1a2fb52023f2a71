/* SPDX-License-Identifier: MIT */
/* cluster_thread.c - runs the steps of a bridge when it is woken, and when it asked to be run.
 *
 *      wake -> is_woken, and the condition -> step -> changes under the lock -> wait -> ...
 *
 * Only the first of several wakes takes the lock: a worker that sends much pays one atomic for each
 * message while the thread is at work.
 */
#include "cluster_thread.h"

#include "atomic.h"
#include "clock.h"
#include "cluster_bridge.h"
#include "error_fill.h"
#include "memory.h"
#include "thread.h"

struct cluster_thread {
    struct lock *lock;
    struct condition *condition; /* is_woken, is_ending or steps_count has changed */
    _Atomic bool is_woken;
    bool is_ending;
    uint64_t steps_count;
    struct thread *thread; /* null: not started */
    struct cluster_bridge *bridge;
};

struct cluster_thread *cluster_thread_open(void)
{
    struct cluster_thread *thread = memory_alloc(sizeof *thread);

    if (!thread) return NULL;
    thread->lock = lock_open();
    thread->condition = condition_open();
    if (thread->lock && thread->condition) return thread;
    if (thread->lock) lock_free(thread->lock);
    if (thread->condition) condition_free(thread->condition);
    memory_free(thread);
    return NULL;
}

void cluster_thread_wake(void *argument)
{
    struct cluster_thread *thread = argument;

    if (atomic_exchange(&thread->is_woken, true)) return;
    lock_take(thread->lock);
    condition_wake_all(thread->condition);
    lock_give_back(thread->lock);
}

static uint64_t cluster_thread__deadline_ns(uint64_t at_ms)
{
    return at_ms < UINT64_MAX / CLOCK_NS_PER_MS ? at_ms * CLOCK_NS_PER_MS : CONDITION_NO_DEADLINE;
}

static void cluster_thread__run(void *argument)
{
    struct cluster_thread *thread = argument;
    uint64_t next_ms = 0;

    lock_take(thread->lock);
    while (!thread->is_ending) {
        if (!atomic_load(&thread->is_woken) && next_ms > clock_now_ns() / CLOCK_NS_PER_MS &&
            condition_wait(thread->condition, thread->lock, cluster_thread__deadline_ns(next_ms)))
            continue;
        atomic_store(&thread->is_woken, false);
        lock_give_back(thread->lock);
        next_ms = cluster_bridge_step(thread->bridge, clock_now_ns() / CLOCK_NS_PER_MS);
        lock_take(thread->lock);
        thread->steps_count++;
        condition_wake_all(thread->condition);
    }
    lock_give_back(thread->lock);
}

enum weir_code cluster_thread_start(struct cluster_thread *thread, struct cluster_bridge *bridge,
                                    struct weir_error *error)
{
    int os_error = 0;

    thread->bridge = bridge;
    thread->thread = thread_start("weir-cluster", cluster_thread__run, thread, &os_error);
    if (thread->thread) return WEIR_OK;
    return error_fill(error, WEIR_SYSTEM, os_error, "start thread", "weir-cluster", NULL,
                      error_os_hint(os_error));
}

bool cluster_thread_wait(struct cluster_thread *thread,
                         bool (*is_true)(const struct cluster_bridge *bridge), uint32_t wait_ms)
{
    uint64_t deadline_ns = clock_now_ns() + wait_ms * CLOCK_NS_PER_MS;

    lock_take(thread->lock);
    while (!is_true(thread->bridge))
        if (!condition_wait(thread->condition, thread->lock, deadline_ns)) break;
    lock_give_back(thread->lock);
    return is_true(thread->bridge);
}

void cluster_thread_free(struct cluster_thread *thread)
{
    if (!thread) return;
    lock_take(thread->lock);
    thread->is_ending = true;
    condition_wake_all(thread->condition);
    lock_give_back(thread->lock);
    if (thread->thread) thread_join(thread->thread);
    lock_free(thread->lock);
    condition_free(thread->condition);
    memory_free(thread);
}
