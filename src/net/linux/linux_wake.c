/* SPDX-License-Identifier: MIT */
/* linux_wake.c - wakes a thread through an eventfd, and waits for that without an event loop. */
#include "linux_wake.h"

#include <poll.h>
#include <unistd.h>

#include "clock.h"

#define LINUX_WAKE__RETRY_MS 10

void linux_wake(int wake_fd)
{
    const uint64_t one = 1;

    /* Fails if the counter is full: then a wake-up is pending. It also fails if another part of the
     * process has closed the descriptor: then the next event, timer or retry wakes the thread. */
    ssize_t written = write(wake_fd, &one, sizeof one);
    (void)written;
}

bool linux_wait_for_wake(int wake_fd, uint64_t until_ns)
{
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
    uint64_t count;

    if (poll(&wake, 1, linux_timeout_ms(clock_now_ns(), until_ns)) <= 0) return false;
    if (read(wake_fd, &count, sizeof count) == sizeof count) return true;
    /* The descriptor is lost, too. Requests of other threads are then read without a wake-up. */
    poll(NULL, 0, LINUX_WAKE__RETRY_MS);
    return true;
}
