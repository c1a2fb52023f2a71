/* SPDX-License-Identifier: MIT */
/* admission.c - who is not let in, and why.
 *
 *      a connection -> denied? -> too fast? -> server full? -> address full? -> admitted
 *                        the cheapest question first; what was counted in is counted out again
 */
#include "admission.h"

#include <inttypes.h>
#include <stdio.h>

#include "atomic.h"
#include "check.h"
#include "worker.h"

#define ADMISSION__LOG_EVERY_MS 1000

bool admission_allows(const struct worker *worker, const struct weir_address *peer)
{
    const struct worker_common *common = worker->common;

    if (address_list_has(&common->deny, peer)) return false;
    return common->allow.count == 0 || address_list_has(&common->allow, peer);
}

static bool admission__take_session(struct worker_common *common)
{
    uint32_t open = atomic_fetch_add_explicit(&common->sessions_open, 1, memory_order_relaxed);

    if (open < common->config.sessions_max) return true;
    atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
    return false;
}

static bool admission__take_address(struct worker_common *common, const struct weir_address *peer)
{
    uint32_t limit = common->config.sessions_per_address_max;

    return limit == 0 || address_counts_add(&common->address_counts, peer, limit);
}

static bool admission__take_rate(struct worker *worker)
{
    uint32_t rate = worker->common->config.accept_rate_max;

    return rate == 0 || bucket_shared_take(&worker->common->accepts, worker->now_ns, rate, rate);
}

bool admission_admit(struct worker *worker, const struct weir_address *peer)
{
    struct worker_common *common = worker->common;
    enum admission_refusal refusal;

    if (!admission_allows(worker, peer)) {
        refusal = ADMISSION_DENIED;
    } else if (!admission__take_rate(worker)) {
        refusal = ADMISSION_RATE;
    } else if (!admission__take_session(common)) {
        refusal = ADMISSION_FULL;
    } else if (!admission__take_address(common, peer)) {
        atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
        refusal = ADMISSION_ADDRESS;
    } else {
        return true;
    }
    admission_count(worker, refusal, peer, 1);
    return false;
}

void admission_release(struct worker *worker, const struct weir_address *peer)
{
    struct worker_common *common = worker->common;

    if (common->config.sessions_per_address_max > 0)
        address_counts_remove(&common->address_counts, peer);
    uint32_t open = atomic_fetch_sub_explicit(&common->sessions_open, 1, memory_order_relaxed);
    weir_check(open > 0);
}

void admission_tell(struct worker *worker, struct admission_log *log, const char *what,
                    const struct weir_address *peer, const char *why)
{
    char text[WEIR_ADDRESS_TEXT_BYTES], more[48] = "";

    log->untold++;
    if (log->told && worker->now_ms - log->told_ms < ADMISSION__LOG_EVERY_MS) return;
    if (log->untold > 1)
        snprintf(more, sizeof more, "; and %" PRIu64 " more untold", log->untold - 1);
    log_line(&worker->common->log, WEIR_LOG_WARNING, "%s %s: %s%s", what,
             weir_address_text(peer, text, sizeof text), why, more);
    log->told = true;
    log->told_ms = worker->now_ms;
    log->untold = 0;
}

void admission_count(struct worker *worker, enum admission_refusal refusal,
                     const struct weir_address *peer, uint64_t count)
{
    struct counters *counters = &worker->counters;
    thread_counter *const counts[ADMISSION_COUNT] = {
        [ADMISSION_DENIED] = &counters->refused_denied,
        [ADMISSION_RATE] = &counters->refused_rate,
        [ADMISSION_FULL] = &counters->refused_full,
        [ADMISSION_ADDRESS] = &counters->refused_address,
        [ADMISSION_FAILED] = &counters->refused_failed,
    };

    static const char *const whys[ADMISSION_COUNT] = {
        [ADMISSION_DENIED] = "its address is denied",
        [ADMISSION_RATE] = "more than accept_rate_max came in a second",
        [ADMISSION_FULL] = "sessions_max are open",
        [ADMISSION_ADDRESS] = "its address has sessions_per_address_max open",
        [ADMISSION_FAILED] = "there was no memory, or no room in the system",
    };

    counter_add(counts[refusal], count);
    admission_tell(worker, &worker->refusals[refusal], "refused", peer, whys[refusal]);
}
