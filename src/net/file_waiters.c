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

void file_waiters_init(struct file_waiters *waiters)
{
    list_init(&waiters->listeners);
}

bool file_waiters_accept_failed(struct net *net, struct handle *handle, bool scarce, int os_error)
{
    struct file_waiters *waiters = &net->file_waiters;

    weir_check(handle->kind == HANDLE_LISTENER);
    /* That many consecutive failures have a common cause, so retrying now would busy-loop. */
    if (!scarce && ++handle->endpoint->accept_failures < FILE_WAITERS__ACCEPT_FAILURES_MAX)
        return true;
    handle->endpoint->accept_failures = 0;
    if (handle_waits(handle)) return false;
    list_add_last(&waiters->listeners, &handle->waiting);
    waiters->file_freed = false;
    waiters->retry_ns = net->now_ns + FILE_WAITERS__RETRY_NS;
    if (handle->endpoint->accept_pause_reported) return false;
    handle->endpoint->accept_pause_reported = true;
    event_batch_failed(net, handle, NET_PAUSED, error_code_of_os(os_error), os_error);
    return false;
}

uint64_t file_waiters_retry(struct net *net, uint64_t until_ns)
{
    struct file_waiters *waiters = &net->file_waiters;

    weir_check(file_waiters_any(waiters));
    /* The delay covers descriptors that are freed elsewhere in the process. */
    if (!waiters->file_freed && net->now_ns < waiters->retry_ns)
        return until_ns < waiters->retry_ns ? until_ns : waiters->retry_ns;
    struct list tried, *node;
    list_init(&tried);
    list_append_all(&tried, &waiters->listeners);
    while ((node = list_take_first(&tried)) != NULL) {
        struct handle *handle = weir_container_of(node, struct handle, waiting);
        weir_check(handle->kind == HANDLE_LISTENER);
        weir_check(!handle->closing);
        if (handle->flow_on) net->transport->accept(net, handle, true);
    }
    return until_ns;
}
