/* SPDX-License-Identifier: MIT */
/* blocked.c - reports callbacks that kept a worker from its other sessions.
 *
 *      net_wait -> callbacks -> net_wait: measures the time between both, and lets the loop look
 *                               if it was longer than handler_warn_ms -> report
 *
 * What waited meanwhile comes as events of the second wait. So nothing is measured per message.
 */
#include "blocked.h"

#include <inttypes.h>

#include "worker.h"

void blocked_report(struct worker *worker, uint32_t events_count, uint32_t events_max)
{
    uint64_t busy_ns = net_take_busy_ns(worker->net);

    if (busy_ns == 0) return;
    counter_add(&worker->counters.handlers_blocked, 1);
    log_limited(&worker->blocked, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING,
                "worker %u: its callbacks did not return for %" PRIu64 " ms, and %" PRIu32
                "%s events of sessions waited; a callback must not block, so do slow work on "
                "another thread (handler_warn_ms=%" PRIu32 ")",
                worker->index, busy_ns / CLOCK_NS_PER_MS, events_count + worker->readable_count,
                events_count == events_max ? " or more" : "",
                worker->common->config.handler_warn_ms);
}
