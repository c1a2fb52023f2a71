/* SPDX-License-Identifier: MIT */
/* refusal.c - who is not let in, and why.
 *
 *      a connection -> denied? -> too fast? -> server full? -> address full? -> admitted
 *                        the cheapest question first; what was counted in is counted out again
 */
#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>

#include "atomic.h"
#include "check.h"
#include "worker.h"

#define REFUSAL__LOG_EVERY_MS 1000

bool refusal_allows(const struct worker *worker, const struct weir_address *peer)
{
    const struct worker_common *common = worker->common;

    if (address_list_has(&common->deny, peer)) return false;
    return common->allow.count == 0 || address_list_has(&common->allow, peer);
}

static bool refusal__take_place(struct worker_common *common)
{
    uint32_t open = atomic_fetch_add_explicit(&common->sessions_open, 1, memory_order_relaxed);

    if (open < common->config.sessions_max) return true;
    atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
    return false;
}

static bool refusal__take_address(struct worker_common *common, const struct weir_address *peer)
{
    uint32_t limit = common->config.sessions_per_address_max;

    return limit == 0 || address_counts_add(&common->address_counts, peer, limit);
}

static bool admission__take_rate(struct worker *worker)
{
    uint32_t rate = worker->common->config.accept_rate_max;

    return rate == 0 || bucket_shared_take(&worker->common->accepts, worker->now_ns, rate, rate);
}

bool refusal_admit(struct worker *worker, const struct weir_address *peer)
{
    struct worker_common *common = worker->common;
    enum refusal refusal;

    if (!refusal_allows(worker, peer)) {
        refusal = REFUSAL_DENIED;
    } else if (!admission__take_rate(worker)) {
        refusal = REFUSAL_RATE;
    } else if (!refusal__take_place(common)) {
        refusal = REFUSAL_FULL;
    } else if (!refusal__take_address(common, peer)) {
        atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
        refusal = REFUSAL_ADDRESS;
    } else {
        return true;
    }
    refusal_count(worker, refusal, peer, 1);
    return false;
}

void refusal_readmit(struct worker *worker, const struct weir_address *peer)
{
    struct worker_common *common = worker->common;

    if (common->config.sessions_per_address_max > 0)
        address_counts_remove(&common->address_counts, peer);
    uint32_t open = atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
    weir_check(open > 0);
}

void refusal_tell(struct worker *worker, struct refusal_log *log, const char *what,
                  const struct weir_address *peer, const char *why)
{
    char text[WEIR_ADDRESS_TEXT_BYTES], more[48] = "";

    log->untold++;
    if (log->told && worker->now_ms - log->told_ms < REFUSAL__LOG_EVERY_MS) return;
    if (log->untold > 1)
        snprintf(more, sizeof more, "; and %" PRIu64 " more untold", log->untold - 1);
    log_line(&worker->common->log, WEIR_LOG_WARNING, "%s %s: %s%s", what,
             weir_address_text(peer, text, sizeof text), why, more);
    log->told = true;
    log->told_ms = worker->now_ms;
    log->untold = 0;
}

void refusal_count(struct worker *worker, enum refusal refusal, const struct weir_address *peer,
                   uint64_t count)
{
    struct counters *counters = &worker->counters;
    thread_counter *const counts[REFUSALS_COUNT] = {
        [REFUSAL_DENIED] = &counters->refused_denied,
        [REFUSAL_RATE] = &counters->refused_rate,
        [REFUSAL_FULL] = &counters->refused_full,
        [REFUSAL_ADDRESS] = &counters->refused_address,
        [REFUSAL_FAILED] = &counters->refused_failed,
    };

    static const char *const whys[REFUSALS_COUNT] = {
        [REFUSAL_DENIED] = "its address is denied",
        [REFUSAL_RATE] = "more than accept_rate_max came in a second",
        [REFUSAL_FULL] = "sessions_max are open",
        [REFUSAL_ADDRESS] = "its address has sessions_per_address_max open",
        [REFUSAL_FAILED] = "there was no memory, or no room in the system",
    };

    counter_add(counts[refusal], count);
    refusal_tell(worker, &worker->refusals[refusal], "refused", peer, whys[refusal]);
}
