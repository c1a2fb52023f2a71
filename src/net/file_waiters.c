/* SPDX-License-Identifier: MIT */
/* file_waiters.c - pauses listeners that ran out of files, and lets them try again. */
#include "file_waiters.h"

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "event_batch.h"
#include "transport.h"

#define FILE_WAITERS__ACCEPT_FAILURES_MAX 16u
/* At most ten retries per second while files are scarce. */
#define FILE_WAITERS__RETRY_NS (100 * CLOCK_NS_PER_MS)

bool file_waiters_accept_failed(struct net *net, struct handle *handle, bool scarce, int os_error)
{
    struct file_waiters *waiters = &net->file_waiters;

    weir_check(handle->kind == HANDLE_LISTENER);
    /* That many consecutive failures have a common cause, so retrying now would busy-loop. */
    if (!scarce && ++handle->accept_failures < FILE_WAITERS__ACCEPT_FAILURES_MAX) return true;
    handle->accept_failures = 0;
    if (handle->waits_for_files) return false;
    handle->waits_for_files = true;
    handle->file_waiter_next = waiters->first;
    waiters->first = handle;
    waiters->file_freed = false;
    waiters->retry_ns = net->now_ns + FILE_WAITERS__RETRY_NS;
    event_batch_failed(net, handle, NET_PAUSED, error_code_of_os(os_error), os_error);
    return false;
}

void file_waiters_retry(struct net *net)
{
    struct file_waiters *waiters = &net->file_waiters;

    if (waiters->retry_ns == NET_FOREVER) return;
    /* The delay covers descriptors that are freed elsewhere in the process. */
    if (!waiters->file_freed && net->now_ns < waiters->retry_ns) return;
    struct handle *handle = waiters->first;
    waiters->first = NULL;
    waiters->retry_ns = NET_FOREVER;
    while (handle) {
        struct handle *next = handle->file_waiter_next;
        handle->waits_for_files = false;
        if (handle->flow_on) net->transport->accept(net, handle, true);
        handle = next;
    }
}

void file_waiters_remove(struct net *net, struct handle *handle)
{
    struct handle **link = &net->file_waiters.first;

    if (!handle->waits_for_files) return;
    while (*link != handle) link = &(*link)->file_waiter_next;
    *link = handle->file_waiter_next;
    handle->waits_for_files = false;
    if (!net->file_waiters.first) net->file_waiters.retry_ns = NET_FOREVER;
}
