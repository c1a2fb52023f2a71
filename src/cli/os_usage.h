/* SPDX-License-Identifier: MIT */
/* os_usage.h - the clock of `weir bench`, the time and memory that threads and processes use, and
 * waits shorter than a millisecond. One of os_usage_linux.c and os_usage_windows.c is compiled. */
#ifndef CLI_OS_USAGE_H
#define CLI_OS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Returns nanoseconds of a clock that never goes back. Thread: any. */
uint64_t os_now_ns(void);

/* Returns the processor time of the calling thread in nanoseconds. */
uint64_t os_thread_cpu_ns(void);

/* Returns how long the calling thread has waited for a processor although it could run: while other
 * programs had it. 0: the system does not say it. */
uint64_t os_thread_waited_ns(void);

struct os_usage {
    uint64_t cpu_ns;         /* of all threads that run now; on Windows of the process */
    uint64_t resident_bytes; /* memory */
};

/* Fills in what a process has used. Returns false if there is no such process, or the system does
 * not say it to this user. */
bool os_usage_read(uint32_t pid, struct os_usage *usage);

/* Waits until the descriptor of weir_server_descriptor() is readable, at most this long. Returns
 * false immediately if the system cannot wait so precisely. */
bool os_wait_readable(int descriptor, uint64_t timeout_ns);

/* Makes such waits of the calling thread precise. */
void os_wait_precisely(void);

/* Returns whether stderr is a terminal. */
bool os_stderr_is_terminal(void);

#endif
