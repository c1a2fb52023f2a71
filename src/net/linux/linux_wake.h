/* SPDX-License-Identifier: MIT */
/* linux_wake.h - waking a thread through an eventfd, for every Linux transport. */
#ifndef NET_LINUX_LINUX_WAKE_H
#define NET_LINUX_LINUX_WAKE_H

#include <stdbool.h>
#include <stdint.h>

/* Wakes the thread that waits for wake_fd. Thread: any. */
void linux_wake(int wake_fd);

/* Returns milliseconds until then for a system call, rounded up; -1: forever. */
int linux_timeout_ms(uint64_t now_ns, uint64_t until_ns);

/* Waits for a wake-up alone, for a transport whose event loop failed. Returns false at the
 * deadline. */
bool linux_wait_for_wake(int wake_fd, uint64_t until_ns);

#endif
