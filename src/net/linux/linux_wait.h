/* SPDX-License-Identifier: MIT */
/* linux_wait.h - what a Linux transport does when its wait fails: it waits by poll(2) for a delay,
 * or reports that the net has failed.
 *
 *      fails for a cause that passes -> delay, doubling up to 128 ms -> the next wait
 *      fails for any other cause, or for too long -> net_failure_record
 */
#ifndef NET_LINUX_LINUX_WAIT_H
#define NET_LINUX_LINUX_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct net;

/* After delays of this length in total, without a wait that succeeds, the failure is permanent. */
#define LINUX_WAIT_DELAYS_MAX_MS 10000u

struct linux_wait {
    uint32_t interrupted; /* consecutive waits that a signal interrupted */
    uint32_t failures;    /* consecutive waits that failed, with a delay after each */
    uint32_t delayed_ms;  /* the sum of those delays */
};

/* Call it after each wait that succeeded. */
static inline void linux_wait_succeeded(struct linux_wait *wait)
{
    wait->interrupted = wait->failures = wait->delayed_ms = 0;
}

/* A wait failed with `os_error`. Delays the thread, but not after `until_ns` and not after
 * `wake_fd` is readable: a worker whose wait fails must still notice its shutdown request. Returns
 * false if the failure is permanent; net_failure_record() was called. `call` names the wait. */
bool linux_wait_failed(struct net *net, struct linux_wait *wait, int os_error, int wake_fd,
                       uint64_t until_ns, const char *call);

#endif
