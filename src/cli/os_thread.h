/* SPDX-License-Identifier: MIT */
/* os_thread.h - threads and monitors of the program, which does not see the library's. One of
 * os_thread_linux.c and os_thread_windows.c is compiled. */
#ifndef CLI_OS_THREAD_H
#define CLI_OS_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_NO_DEADLINE UINT64_MAX

struct arena;
struct os_monitor; /* a lock and a condition variable */

/* Makes a monitor in memory of the arena. Null: out of memory. */
struct os_monitor *os_monitor_open(struct arena *arena);

void os_monitor_enter(struct os_monitor *monitor);
void os_monitor_leave(struct os_monitor *monitor);

/* Waits for os_monitor_wake(), outside the monitor meanwhile. Returns false if os_now_ms() has
 * reached the deadline. Can also return true without a reason. */
bool os_monitor_wait(struct os_monitor *monitor, uint64_t deadline_ms);

/* Wakes all threads that wait for the monitor. */
void os_monitor_wake(struct os_monitor *monitor);

/* Returns milliseconds of a clock that never goes back. */
uint64_t os_now_ms(void);

/* A thread: what it runs. Must stay valid until the thread ends. */
struct os_thread {
    void (*run)(void *argument);
    void *argument;
    uintptr_t handle; /* set by os_thread_start_joinable() */
};

/* Starts a thread that receives no signals. It ends with the process at the latest. Returns false
 * if the system refuses. */
bool os_thread_start(struct os_thread *thread);

/* The same, for a thread that os_thread_join() waits for. */
bool os_thread_start_joinable(struct os_thread *thread);
void os_thread_join(struct os_thread *thread);

/* Ends the process without waiting for any thread or stream. */
void os_end_process(int code);

#endif
