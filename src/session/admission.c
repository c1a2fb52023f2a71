/* SPDX-License-Identifier: MIT */
/* admission.c - limits at accept.
 *
 *      connection -> denied? -> too fast? -> server full? -> address full? -> admitted
 *
 * The cheapest question comes first. An admitted connection counts until admission_release().
 */
#include "admission.h"

#include "bucket.h"
#include "check.h"
#include "filters_state.h"
#include "service.h"
#include "worker.h"

bool admission_allows(const struct worker *worker, const struct net_address *peer)
{
    if (address_list_has(worker->deny, peer)) return false;
    return worker->allow->count == 0 || address_list_has(worker->allow, peer);
}

static bool admission__take_one(_Atomic uint32_t *open, uint32_t max)
{
    if (atomic_fetch_add_explicit(open, 1, memory_order_relaxed) < max) return true;
    atomic_fetch_sub_explicit(open, 1, memory_order_relaxed);
    return false;
}

static void admission__return_one(_Atomic uint32_t *open)
{
    uint32_t before = atomic_fetch_sub_explicit(open, 1, memory_order_relaxed);

    weir_check(before > 0);
}

static bool admission__take_session(const struct worker *worker, const struct service *service)
{
    _Atomic uint32_t *open = &worker->common->limits->sessions_open;

    if (!admission__take_one(open, worker->config->sessions_max)) return false;
    if (admission__take_one(service->sessions_open, service->sessions_max)) return true;
    admission__return_one(open);
    return false;
}

static void admission__return_session(struct worker_common *common, const struct service *service)
{
    admission__return_one(&common->limits->sessions_open);
    admission__return_one(service->sessions_open);
}

bool admission_counts(const struct worker *worker, const struct service *service)
{
    return !service->is_unix && worker->config->sessions_per_address_max > 0;
}

static bool admission__take_address(const struct worker *worker, const struct net_address *peer)
{
    return address_counts_add(&worker->common->limits->address_counts, peer,
                              worker->config->sessions_per_address_max);
}

static bool admission__take_rate(struct worker *worker)
{
    _Atomic uint64_t *accepts = &worker->common->limits->accepts;
    uint32_t rate = worker->config->accept_rate_max;

    return rate == 0 || bucket_shared_take(accepts, worker->now_ns, rate, rate);
}

bool admission_admit(struct worker *worker, const struct service *service,
                     const struct net_address *peer)
{
    enum admission_rejection rejection;

    if (!service->is_unix && !admission_allows(worker, peer)) {
        rejection = ADMISSION_DENIED;
    } else if (!admission__take_rate(worker)) {
        rejection = ADMISSION_RATE;
    } else if (!admission__take_session(worker, service)) {
        rejection = ADMISSION_FULL;
    } else if (admission_counts(worker, service) && !admission__take_address(worker, peer)) {
        admission__return_session(worker->common, service);
        rejection = ADMISSION_ADDRESS;
    } else {
        return true;
    }
    admission_reject(worker, rejection, peer, 1);
    return false;
}

bool admission_admit_proxied(struct worker *worker, const struct service *service,
                             const struct net_address *proxy)
{
    enum admission_rejection rejection = ADMISSION_RATE;

    if (admission__take_rate(worker)) {
        if (admission__take_session(worker, service)) return true;
        rejection = ADMISSION_FULL;
    }
    admission_reject(worker, rejection, proxy, 1);
    return false;
}

bool admission_admit_client(struct worker *worker, const struct net_address *client)
{
    enum admission_rejection rejection = ADMISSION_DENIED;

    if (admission_allows(worker, client)) {
        if (worker->config->sessions_per_address_max == 0) return true;
        if (admission__take_address(worker, client)) return true;
        rejection = ADMISSION_ADDRESS;
    }
    admission_reject(worker, rejection, client, 1);
    return false;
}

bool admission_admit_outbound(struct worker *worker)
{
    return admission__take_one(&worker->common->limits->sessions_open,
                               worker->config->sessions_max);
}

void admission_release_outbound(struct worker *worker)
{
    admission__return_one(&worker->common->limits->sessions_open);
}

void admission_release(struct worker *worker, const struct service *service,
                       const struct net_address *peer)
{
    struct worker_common *common = worker->common;

    if (peer) address_counts_remove(&common->limits->address_counts, peer);
    admission__return_session(common, service);
}

/* Whether the session was admitted as a connection of a client whose address is known. */
static bool admission__has_client(const struct weir_session *session)
{
    const struct filters *filters = session->filters;

    if (session->is_datagram || !session->admitted || session->service->connector) return false;
    return !filters || !filters->is_proxied || filters->is_counted;
}

void admission_renew(struct weir_session *session)
{
    struct worker *worker = session->worker;

    if (session->address_counts || !admission_counts(worker, session->service)) return;
    if (!admission__has_client(session)) return;
    session->address_counts =
        address_counts_add(&worker->common->limits->address_counts, &session->peer, UINT32_MAX);
}

void admission_reject(struct worker *worker, enum admission_rejection rejection,
                      const struct net_address *peer, uint64_t count)
{
    struct counters *counters = &worker->counters;
    thread_counter *const counts[ADMISSION_COUNT] = {
        [ADMISSION_DENIED] = &counters->refused_denied,
        [ADMISSION_RATE] = &counters->refused_rate,
        [ADMISSION_FULL] = &counters->refused_full,
        [ADMISSION_ADDRESS] = &counters->refused_address,
        [ADMISSION_FAILED] = &counters->refused_failed,
    };
    static const char *const reasons[ADMISSION_COUNT] = {
        [ADMISSION_DENIED] = "its address is denied",
        [ADMISSION_RATE] = "more than accept_rate_max came in a second",
        [ADMISSION_FULL] = "sessions_max are open",
        [ADMISSION_ADDRESS] = "its address has sessions_per_address_max open",
        [ADMISSION_FAILED] = "there was no memory, or no room in the system",
    };
    char text[NET_ADDRESS_TEXT_BYTES];

    weir_check(count > 0);
    weir_check(rejection < ADMISSION_COUNT);
    counter_add(counts[rejection], count);
    log_limited(&worker->admission->rejections[rejection], &worker->common->log, worker->now_ms,
                WEIR_LOG_WARNING, "refused %s: %s", address_peer_text(peer, text, sizeof text),
                reasons[rejection]);
}

void admission_lost(struct worker *worker, uint32_t count)
{
    weir_check(count > 0);
    for (uint32_t i = 0; i < count; i++) admission__take_rate(worker);
    counter_add(&worker->counters.refused_failed, count);
    log_limited(&worker->admission->lost, &worker->common->log, worker->now_ms, WEIR_LOG_WARNING,
                "lost %u connections before they were opened: reset by the client, or the server "
                "was shutting down",
                count);
}
