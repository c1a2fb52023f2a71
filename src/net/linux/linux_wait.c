/* SPDX-License-Identifier: MIT */
/* linux_wait.c - delays after a wait that failed; linux_wait.h states the policy. */
#include "linux_wait.h"

#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "error_fill.h"
#include "transport.h"

/* Signals interrupt a wait now and then, which is no reason for a delay. */
#define LINUX_WAIT__INTERRUPTED_MAX 16u

static bool linux_wait__passes(int os_error)
{
    return os_error == EINTR || os_error == EAGAIN || os_error == EBUSY || os_error == ENOMEM ||
           os_error == ENOBUFS;
}

/* Returns the delay in milliseconds, rounded up. */
static int linux_wait__delay_ms(const struct linux_wait *wait, uint64_t until_ns)
{
    uint64_t delay_ns = retries_delay_ns(wait->failures + 1), now_ns = clock_now_ns();

    if (until_ns > now_ns && until_ns - now_ns < delay_ns) delay_ns = until_ns - now_ns;
    return (int)((delay_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
}

bool linux_wait_failed(struct net *net, struct linux_wait *wait, int os_error, int wake_fd,
                       uint64_t until_ns, const char *call)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};

    if (!linux_wait__passes(os_error) || wait->delayed_ms >= LINUX_WAIT_DELAYS_MAX_MS) {
        net_failure_record(net, error_code_of_os(os_error), os_error, call);
        return false;
    }
    if (os_error == EINTR && wait->interrupted++ < LINUX_WAIT__INTERRUPTED_MAX) return true;
    /* A poll that a signal interrupts, too, proves a burst of signals and no failure. */
    int delay_ms = linux_wait__delay_ms(wait, until_ns);
    if (poll(&wake, 1, delay_ms) < 0) return true;
    wait->failures++;
    wait->delayed_ms += (uint32_t)delay_ms;
    return true;
}
