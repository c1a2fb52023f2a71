/* SPDX-License-Identifier: MIT */
/* drain.c - the end of a worker.
 *
 *      RUN -> DRAIN -> STOP -> nothing is left: the end
 *
 * A drain tells every session (on_drain), also those that begin meanwhile, lets each answer what it
 * was asked, finishes those that have gone quiet, one by one over the jitter, and stops what is
 * left at the deadline. A handler with an on_drain of its own finishes its sessions itself.
 */
#include "drain.h"

#include "check.h"
#include "deadline.h"
#include "siphash.h"
#include "worker.h"

#define DRAIN__LOOK_MS 20u
#define DRAIN__LOOK_NS (DRAIN__LOOK_MS * CLOCK_NS_PER_MS)
/* How long a place that is never idle goes on taking in what the system had taken for us before. */
#define DRAIN__PLACES_NS (200 * CLOCK_NS_PER_MS)
/* When nothing was received for so long, nothing is on its way. */
#define DRAIN__QUIET_MS 100u
/* How long a look for quiet sessions waits at most for what is still unread. */
#define DRAIN__BACKLOG_NS (1000 * CLOCK_NS_PER_MS)
/* How long a finished peer may take to finish too. */
#define DRAIN__LINGER_MS 1000u

/* ---- every session ---- */

/* Sessions stay on their list while they close, so each list may be walked whatever the call does
 * to them. */
static void drain__each_of(struct list *sessions, void (*call)(struct weir_session *session))
{
    for (struct list *at = sessions->next; at != sessions; at = at->next)
        call(weir_container_of(at, struct weir_session, in_sessions));
}

static void drain__each(struct worker *worker, void (*call)(struct weir_session *session))
{
    drain__each_of(&worker->open, call);
    drain__each_of(&worker->peers.by_age, call);
}

static void drain__tell(struct weir_session *session)
{
    const struct weir_handler *handler = session->place->handler;

    if (session->drain_notified || !session->opened || !session_may_send(session)) return;
    session->drain_notified = true;
    if (handler->on_drain) handler->on_drain(session);
}

void drain_notify(struct weir_session *session)
{
    if (session->worker->request == WORKER_DRAIN) drain__tell(session);
}

static void drain__stop(struct weir_session *session)
{
    session_close(session, WEIR_REASON_SHUTDOWN);
}

/* Each session's own moment within the jitter, so that those that are sent away do not all come
 * back at once. */
static uint64_t drain__offset_ms(const struct weir_session *session)
{
    const struct worker_common *common = session->worker->common;
    uint32_t jitter_ms = common->config.drain_jitter_ms;

    return jitter_ms == 0 ? 0 : siphash(&common->key, &session->id, sizeof session->id) % jitter_ms;
}

/* Nothing is on its way to it or from it; what its rate or an unfinished frame holds up is. */
static bool drain__is_quiet(const struct weir_session *session)
{
    uint32_t now_ms = (uint32_t)session->worker->now_ms;
    bool idle =
        session->is_datagram || (!session->send_out && send_queue_is_empty(&session->queue));

    return idle && !session->rate_paused && !session->frame_partial &&
           (uint32_t)(now_ms - session->received_ms) >= DRAIN__QUIET_MS;
}

static void drain__finish_if_quiet(struct weir_session *session)
{
    const struct worker *worker = session->worker;
    uint64_t passed_ms = (worker->now_ns - worker->drain_began_ns) / CLOCK_NS_PER_MS;

    if (session->state != SESSION_OPEN) return;
    if (session->opened && session->place->handler->on_drain) return;
    /* Never at the first look: what had come when the drain began may still be unread. */
    if (passed_ms >= DRAIN__LOOK_MS + drain__offset_ms(session) && drain__is_quiet(session))
        session_finish(session, WEIR_REASON_DRAIN);
}

/* ---- the worker ---- */

static void drain__begin(struct worker *worker)
{
    worker->request = WORKER_DRAIN;
    worker->drain_until_ns = NET_FOREVER;
    worker->drain_began_ns = worker->drain_look_at_ns = worker->now_ns;
    if (worker->linger_ms == 0 || worker->linger_ms > DRAIN__LINGER_MS)
        worker->linger_ms = DRAIN__LINGER_MS;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        weir_container_of(at, struct place, in_places)->was_busy = true;
    drain__each(worker, deadline_update); /* those that have finished have less time now */
    drain__each(worker, drain__tell);
}

static void drain__begin_stop(struct worker *worker)
{
    worker->request = WORKER_STOP;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        place_close(weir_container_of(at, struct place, in_places));
    drain__each(worker, drain__stop);
}

/* A later drain may shorten the time of the one that is under way, and not lengthen it. */
static void drain__update_deadline(struct worker *worker)
{
    uint32_t asked = atomic_load(&worker->drains_asked);
    uint64_t until_ns = worker->now_ns + atomic_load(&worker->drain_ms) * CLOCK_NS_PER_MS;

    if (asked == worker->drains_seen) return;
    worker->drains_seen = asked;
    if (until_ns < worker->drain_until_ns) worker->drain_until_ns = until_ns;
}

/* Sessions may only seem quiet because what came from them is still unread: the worker reads for a
 * while before it looks. One that never gets to the end of it looks all the same. */
static void drain__read_first(struct worker *worker)
{
    if (!worker->has_backlog && worker->catching_up_iterations == 0) return;
    if (worker->drain_backlog_ns == 0) worker->drain_backlog_ns = worker->now_ns;
    if (worker->now_ns - worker->drain_backlog_ns < DRAIN__BACKLOG_NS)
        worker->drain_look_at_ns = worker->now_ns + DRAIN__LOOK_NS;
}

static void drain__look(struct worker *worker)
{
    bool is_last_look = worker->now_ns - worker->drain_began_ns >= DRAIN__PLACES_NS;

    drain__update_deadline(worker);
    if (worker->now_ns >= worker->drain_until_ns) {
        drain__begin_stop(worker);
        return;
    }
    drain__read_first(worker);
    if (worker->now_ns < worker->drain_look_at_ns) return;
    worker->drain_backlog_ns = 0;
    worker->drain_look_at_ns = worker->now_ns + DRAIN__LOOK_NS;
    for (struct list *at = worker->places.next; at != &worker->places; at = at->next)
        place_drain(weir_container_of(at, struct place, in_places), is_last_look);
    drain__each(worker, drain__tell);
    drain__each(worker, drain__finish_if_quiet);
}

void drain_update(struct worker *worker)
{
    uint8_t asked = atomic_load_explicit(&worker->requested, memory_order_acquire);

    if (worker->request == WORKER_STOP) return;
    if (asked & WORKER_STOP)
        drain__begin_stop(worker);
    else if (asked > worker->request)
        drain__begin(worker);
    if (worker->request == WORKER_DRAIN) drain__look(worker);
}

uint64_t drain_next_ns(const struct worker *worker)
{
    return worker->request == WORKER_DRAIN ? worker->drain_look_at_ns : UINT64_MAX;
}
