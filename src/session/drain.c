/* SPDX-License-Identifier: MIT */
/* drain.c - the shutdown of a worker.
 *
 *      RUN -> DRAIN -> STOP -> no session, no endpoint: the loop ends
 *
 * A drain notifies every session (on_drain), also those that begin during the drain. It lets each
 * session answer what it received. It finishes idle sessions one by one over drain_jitter_ms, and
 * stops the rest at the deadline. A handler that has on_drain finishes its sessions itself.
 */
#include "drain.h"

#include "check.h"
#include "connector.h"
#include "listener.h"
#include "session.h"
#include "session_begin.h"
#include "siphash.h"
#include "udp_socket.h"
#include "worker.h"

#define DRAIN__CHECK_MS 20u
#define DRAIN__CHECK_NS (DRAIN__CHECK_MS * CLOCK_NS_PER_MS)
/* How long an endpoint that is never idle accepts what the system had completed before. */
#define DRAIN__ENDPOINTS_NS (200 * CLOCK_NS_PER_MS)
/* A session that received nothing for this long has nothing in transit. */
#define DRAIN__IDLE_MS 100u
/* The same while its filters open: each step of a handshake waits for the peer. */
#define DRAIN__OPENING_IDLE_MS 1000u
/* How long the check for idle sessions waits for unread events at most. */
#define DRAIN__BACKLOG_NS (1000 * CLOCK_NS_PER_MS)
/* How long the peer's FIN is awaited after ours. */
#define DRAIN__LINGER_MS 1000u

/* ---- sessions ---- */

/* Sessions stay on their list while they close, so the call may close them. */
static void drain__each_of(struct list *sessions, void (*call)(struct weir_session *session))
{
    for (struct list *at = sessions->next; at != sessions; at = at->next)
        call(weir_container_of(at, struct weir_session, in_sessions));
}

static void drain__each(struct worker *worker, void (*call)(struct weir_session *session))
{
    drain__each_of(&worker->tcp_sessions, call);
    drain__each_of(&worker->udp_sessions, call);
}

static void drain__stop_session(struct weir_session *session)
{
    session_close(session, WEIR_REASON_SHUTDOWN);
}

/* Returns when within drain_jitter_ms this session is finished, so that its clients do not all
 * reconnect at the same time. */
static uint64_t drain__offset_ms(const struct weir_session *session)
{
    const struct worker *worker = session->worker;
    uint32_t jitter_ms = worker->config->drain_jitter_ms;

    if (jitter_ms == 0) return 0;
    return siphash(&worker->common->key, &session->id, sizeof session->id) % jitter_ms;
}

/* Whether nothing is in transit to or from the session. Paused reading, for example by the rate
 * limit, and a partial frame count as in transit. */
static bool drain__is_idle(const struct weir_session *session)
{
    uint32_t silent_ms = (uint32_t)session->worker->now_ms - session->timestamps.received_ms;
    bool sends = !session->is_datagram && session->queue.pinned_bytes > 0;

    bool has_unread = session->receiving_off | (session->unread != NULL); /* never UDP */
    uint32_t idle_ms = session->state == SESSION_OPENING && session->bytes_in > 0
                           ? DRAIN__OPENING_IDLE_MS
                           : DRAIN__IDLE_MS;

    return !sends && !has_unread && !session->frame_partial && silent_ms >= idle_ms;
}

/* The sessions of one worker that a check visits. */
static void drain__finish_idle(struct weir_session *session, uint64_t passed_ms)
{
    if (session->state != SESSION_OPEN && session->state != SESSION_OPENING) return;
    if (session->opened && session->service->handler->on_drain) return;
    /* Never at the first check: bytes that came before the drain may still be unread. */
    if (passed_ms >= DRAIN__CHECK_MS + drain__offset_ms(session) && drain__is_idle(session))
        session_finish(session, WEIR_REASON_DRAIN);
}

static void drain__finish_idle_of(struct list *sessions, uint64_t passed_ms)
{
    for (struct list *at = sessions->next; at != sessions; at = at->next)
        drain__finish_idle(weir_container_of(at, struct weir_session, in_sessions), passed_ms);
}

/* ---- endpoints ---- */

static void drain__mark_active(struct endpoint *endpoint)
{
    endpoint->was_active = true;
}

static void drain__each_endpoint(struct worker *worker, void (*call)(struct endpoint *endpoint))
{
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next)
        call(weir_container_of(at, struct endpoint, in_endpoints));
}

static void drain__check_endpoint(struct endpoint *endpoint, bool is_last_check)
{
    if (endpoint->service->proto == WEIR_TCP)
        listener_drain(weir_container_of(endpoint, struct listener, endpoint), is_last_check);
    else
        udp_socket_drain(weir_container_of(endpoint, struct udp_socket, endpoint), is_last_check);
}

/* ---- the worker ---- */

static void drain__begin(struct drain *drain, struct worker *worker)
{
    weir_check(worker->request == WORKER_RUN);
    worker->request = WORKER_DRAIN;
    drain->until_ns = NET_FOREVER;
    drain->began_ns = drain->check_at_ns = worker->now_ns;
    worker->linger_max_ms = DRAIN__LINGER_MS;
    drain__each_endpoint(worker, drain__mark_active);
    drain__each(worker, session_update_deadline); /* the linger timeout may be shorter now */
    drain__each(worker, session_notify_drain);
    connector_drain(worker);
}

static void drain__begin_stop(struct worker *worker)
{
    weir_check(worker->request != WORKER_STOP);
    worker->request = WORKER_STOP;
    drain__each_endpoint(worker, endpoint_close);
    drain__each(worker, drain__stop_session);
    connector_stop(worker);
}

/* A later request may shorten the time of the drain that is running, and not extend it. */
static void drain__update_deadline(struct drain *drain, struct worker *worker)
{
    uint32_t requests = atomic_load(&worker->drains_requested);
    uint64_t until_ns = worker->now_ns + atomic_load(&worker->drain_ms) * CLOCK_NS_PER_MS;

    if (requests == drain->requests_seen) return;
    weir_check(requests > drain->requests_seen);
    drain->requests_seen = requests;
    if (until_ns < drain->until_ns) drain->until_ns = until_ns;
}

/* A session may seem idle only because its bytes are unread. So the check is delayed while events
 * may be pending, but not longer than DRAIN__BACKLOG_NS. */
static void drain__delay_check(struct drain *drain, const struct worker *worker)
{
    if (!worker->has_backlog && worker->catch_up_until_ns == 0) return;
    if (drain->backlog_since_ns == 0) drain->backlog_since_ns = worker->now_ns;
    weir_check(drain->backlog_since_ns <= worker->now_ns);
    if (worker->now_ns - drain->backlog_since_ns < DRAIN__BACKLOG_NS)
        drain->check_at_ns = worker->now_ns + DRAIN__CHECK_NS;
}

static void drain__check(struct drain *drain, struct worker *worker)
{
    uint64_t passed_ns = worker->now_ns - drain->began_ns;
    bool is_last_check = passed_ns >= DRAIN__ENDPOINTS_NS;

    weir_check(worker->now_ns >= drain->began_ns);
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next)
        drain__check_endpoint(weir_container_of(at, struct endpoint, in_endpoints), is_last_check);
    drain__each(worker, session_notify_drain);
    drain__finish_idle_of(&worker->tcp_sessions, passed_ns / CLOCK_NS_PER_MS);
    drain__finish_idle_of(&worker->udp_sessions, passed_ns / CLOCK_NS_PER_MS);
}

static void drain__continue(struct drain *drain, struct worker *worker)
{
    drain__update_deadline(drain, worker);
    if (worker->now_ns >= drain->until_ns) {
        drain__begin_stop(worker);
        return;
    }
    drain__delay_check(drain, worker);
    if (worker->now_ns < drain->check_at_ns) return;
    drain->backlog_since_ns = 0;
    drain->check_at_ns = worker->now_ns + DRAIN__CHECK_NS;
    drain__check(drain, worker);
}

void drain_update(struct drain *drain, struct worker *worker)
{
    uint8_t requested = atomic_load_explicit(&worker->requested, memory_order_acquire);

    requested &= WORKER_DRAIN | WORKER_STOP;
    if (worker->request == WORKER_STOP) return;
    if (requested & WORKER_STOP)
        drain__begin_stop(worker);
    else if (requested > worker->request)
        drain__begin(drain, worker);
    if (worker->request == WORKER_DRAIN) drain__continue(drain, worker);
}

uint64_t drain_next_ns(const struct drain *drain, const struct worker *worker)
{
    weir_check(worker->request == WORKER_DRAIN);
    return drain->check_at_ns;
}
