/* SPDX-License-Identifier: MIT */
/* congestion.c - counts congested members, and keeps the speakers that wait for them; congestion.h
 * draws both. */
#include "congestion.h"

#include "check.h"
#include "group_state.h"
#include "payload.h"
#include "session_rare.h"
#include "worker.h"

/* ---- members ---- */

/* Whether the slots of the session's groups count it. */
static bool congestion__counts(const struct weir_session *session)
{
    return session->congested && !session->lagging;
}

static void congestion__count(const struct group_membership *membership)
{
    struct congestion *congestion = &membership->session->worker->common->congestion;

    atomic_fetch_add_explicit(&congestion->members[membership->slot], 1, memory_order_relaxed);
    membership->group->congested_count++;
}

static void congestion__uncount(const struct group_membership *membership)
{
    struct congestion *congestion = &membership->session->worker->common->congestion;
    uint32_t before =
        atomic_fetch_sub_explicit(&congestion->members[membership->slot], 1, memory_order_relaxed);

    weir_check(before > 0);
    weir_check(membership->group->congested_count > 0);
    membership->group->congested_count--;
}

static void congestion__uncount_all(const struct weir_session *session)
{
    for (const struct group_membership *at = session->memberships; at; at = at->next)
        congestion__uncount(at);
}

void congestion_begin(struct weir_session *session)
{
    weir_check(!session->congested);
    session->congested = true;
    session->timestamps.congested_ms = (uint32_t)session->worker->now_ms;
    for (const struct group_membership *at = session->memberships; at; at = at->next)
        congestion__count(at);
}

void congestion_end(struct weir_session *session)
{
    weir_check(session->congested);
    if (congestion__counts(session)) congestion__uncount_all(session);
    session->congested = session->lagging = false;
}

void congestion_give_up(struct weir_session *session)
{
    weir_check(congestion__counts(session));
    congestion__uncount_all(session);
    session->lagging = true;
}

void congestion_join(const struct group_membership *membership)
{
    if (congestion__counts(membership->session)) congestion__count(membership);
}

void congestion_leave(const struct group_membership *membership)
{
    if (congestion__counts(membership->session)) congestion__uncount(membership);
}

/* ---- speakers ---- */

void congestion_wait(struct weir_session *session, uint16_t slot)
{
    struct worker *worker = session->worker;

    weir_check(!session->is_datagram);
    session->rare->speaks_slot = slot;
    worker_stop_dispatch(worker, session);
    if (session->speaker_waits) return;
    session->speaker_waits = true;
    session->rare->waits_ms = (uint32_t)worker->now_ms; /* broadcast_speak() has allocated it */
    list_add_last(&worker->speakers, &session->rare->in_speakers);
    counter_add(&worker->counters.pauses_group, 1);
}

void congestion_wake(struct weir_session *session)
{
    weir_check(session->speaker_waits);
    weir_check(!session->rare->waiting);
    session->speaker_waits = false;
    list_remove(&session->rare->in_speakers);
}

void congestion_keep(struct weir_session *session, struct payload *payload)
{
    struct payload **link = &session->rare->waiting;

    weir_check(session->speaker_waits);
    weir_check(!payload->next);
    while (*link) link = &(*link)->next;
    *link = payload_ref(payload);
    session->rare->waiting_bytes += payload_memory_bytes(payload);
    account_list(&session->worker->account, session);
}

void congestion_unkeep(struct weir_session *session)
{
    struct session_rare *rare = session->rare;
    struct payload *payload = rare->waiting;

    weir_check(payload != NULL);
    rare->waiting = payload->next;
    payload->next = NULL;
    rare->waiting_bytes -= payload_memory_bytes(payload);
    payload_unref(payload);
}

void congestion_drop(struct weir_session *session)
{
    if (!session->speaker_waits) return;
    while (session->rare->waiting) {
        congestion_unkeep(session);
        counter_add(&session->worker->counters.sends_dropped, 1);
    }
    congestion_wake(session);
}
