/* SPDX-License-Identifier: MIT */
/* linux_wake.h - waking a thread through an eventfd, for every Linux transport. */
#ifndef NET_LINUX_LINUX_WAKE_H
#define NET_LINUX_LINUX_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "net.h"

/* Wakes the thread that waits for wake_fd. Thread: any. */
void linux_wake(int wake_fd);

/* Returns milliseconds until then for a system call that begins now, rounded up: it must not return
 * before the deadline. -1: forever. */
static inline int linux_timeout_ms(uint64_t now_ns, uint64_t until_ns)
{
    if (until_ns == NET_FOREVER) return -1;
    if (until_ns <= now_ns) return 0;
    uint64_t ms = (until_ns - now_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Waits for a wake-up alone, for a transport whose event loop failed. Returns false at the
 * deadline. */
bool linux_wait_for_wake(int wake_fd, uint64_t until_ns);

#endif
