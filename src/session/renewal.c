/* SPDX-License-Identifier: MIT */
/* renewal.c - new settings for a running worker, between two events.
 *
 *      WORKER_SETTINGS -> take_settings(): services of this worker, lists, limits
 *                            |
 *                            v
 *      WORKER_RENEWS   -> 256 slots of the session table per iteration: services of their own,
 *                         deadlines; until all were seen, or other settings begin anew
 *
 * A service belongs to one worker, so that its sessions find the new settings where they found the
 * old ones. What a session keeps by itself is updated in slices: its deadline above all. Timers run
 * at their deadline or earlier (session_deadlines.c), so only a shortened timeout needs the slice.
 */
#include "renewal.h"

#include "admission.h"
#include "bucket.h"
#include "check.h"
#include "endpoint.h"
#include "filters_state.h"
#include "session.h"
#include "session_settings.h"
#include "settings.h"
#include "udp_shared.h"
#include "watch.h"
#include "worker.h"

#define RENEWAL__SLOTS_MAX 256u
#define RENEWAL__BURST_NS (1000 * CLOCK_NS_PER_MS) /* of a token bucket: one second's worth */

/* ---- the worker ---- */

/* Sets the keepalive of connections that begin later. */
static void renewal__keep_alive(const struct worker *worker)
{
    net_set_keepalive(worker->net, worker->config->keepalive_ms);
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next) {
        const struct endpoint *endpoint = weir_container_of(at, struct endpoint, in_endpoints);
        if (endpoint->service->proto == WEIR_TCP && !endpoint->closing)
            net_keep_alive(worker->net, endpoint->handle);
    }
}

void renewal_begin(struct renewal *renewal, struct worker *worker)
{
    settings_use(worker, worker->common->take_settings(worker));
    net_set_busy_max(worker->net, worker->config->handler_warn_ms * CLOCK_NS_PER_MS);
    renewal__keep_alive(worker);
    udp_shared_renew(worker);
    worker->common->settings_taken(worker);
    renewal->slot = 0;
    atomic_fetch_or(&worker->requested, (uint8_t)WORKER_RENEWS);
}

/* ---- one session ---- */

static void renewal__forgive(struct bucket *bucket, uint64_t now_ns)
{
    if (bucket->full_at_ns > now_ns + RENEWAL__BURST_NS)
        bucket->full_at_ns = now_ns + RENEWAL__BURST_NS;
}

/* Ends a pause by a rate limit: it was computed for another rate, and could be long. */
static void renewal__end_pause(struct weir_session *session)
{
    uint64_t now_ns = session->worker->now_ns;

    if (!session->rate_paused) return;
    renewal__forgive(&session->rare->bytes_bucket, now_ns);
    renewal__forgive(&session->rare->messages_bucket, now_ns);
    session->rate_paused = false;
    session_resume_reading(session);
}

/* A filter may want to respond earlier than before. */
static void renewal__wake_filters(struct weir_session *session)
{
    struct filters *filters = session->filters;

    if (filters && filters->responds) /* they are open */
        filters->wake_ms = session->worker->now_ms;
}

static void renewal__session(struct weir_session *session)
{
    session_renew_service(session);
    watch_update(session);
    admission_renew(session);
    renewal__wake_filters(session);
    renewal__end_pause(session);
    session_update_deadline(session);
}

/* ---- slices ---- */

static void renewal__slice(struct renewal *renewal, struct worker *worker)
{
    uint32_t end = renewal->slot + RENEWAL__SLOTS_MAX;

    for (; renewal->slot < end && renewal->slot < worker->table->slots_count; renewal->slot++) {
        struct weir_session *session = session_table_at(worker->table, renewal->slot);
        if (session && session->state != SESSION_CLOSING) renewal__session(session);
    }
    if (renewal->slot < worker->table->slots_count) return;
    atomic_fetch_and(&worker->requested, (uint8_t)~WORKER_RENEWS);
}

void renewal_update(struct renewal *renewal, struct worker *worker)
{
    uint8_t requested = atomic_load_explicit(&worker->requested, memory_order_acquire);

    weir_check(requested <=
               (WORKER_DRAIN | WORKER_STOP | WORKER_CONNECTS | WORKER_SETTINGS | WORKER_RENEWS));
    if (requested & WORKER_SETTINGS) {
        atomic_fetch_and(&worker->requested, (uint8_t)~WORKER_SETTINGS);
        renewal_begin(renewal, worker);
        requested |= WORKER_RENEWS;
    }
    if (requested & WORKER_RENEWS) renewal__slice(renewal, worker);
}
