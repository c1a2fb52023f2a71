/* SPDX-License-Identifier: MIT */
/* broadcast.c - broadcasts to a group.
 *
 *      weir_broadcast -> do the mailboxes of all other workers have room?
 *                           no:  WEIR_MAILBOX_FULL, and no member gets it
 *                           yes: other workers: one command each; own worker: delivered now;
 *                                other nodes: their bridge, once (other_nodes.h)
 *
 * A speaker's broadcast (weir_session_broadcast) waits with its speaker while a member of the group
 * is above its mark, or while a mailbox has no room (congestion.h).
 *
 * On one worker:
 *
 *      payload (framed once, for the first listener) -> member with that codec: a reference
 *                                                    -> other members: framed again, once for each
 *                                                       run of members with one codec
 *                                                    -> UDP peers: a copy of the message
 */
#include "broadcast.h"

#include <string.h>

#include "check.h"
#include "congestion.h"
#include "group.h"
#include "other_nodes.h"
#include "oversize.h"
#include "payload.h"
#include "remote.h"
#include "session.h"
#include "worker.h"

/* The payload as one codec frames it: the original, or a new one made of its message. */
struct broadcast__framed {
    const struct weir_codec *codec;
    struct payload *payload; /* null: that codec cannot carry the message ... */
    enum weir_code code;     /* ... and why */
    uint32_t shares_count;   /* members that it was offered to */
};

/* One broadcast on its way to the members of one worker. */
struct broadcast__delivery {
    struct payload *payload;
    struct group *group;
    struct broadcast__framed framed;
    uint32_t excluded, dropped; /* members that are not meant, and those that do not get it */
};

/* Charges the shares of the framed payload, and gives it up. */
static void broadcast__end(struct broadcast__framed *framed)
{
    if (!framed->payload) return;
    payload_charge_shares(framed->payload, framed->shares_count);
    payload_unref(framed->payload);
    framed->payload = NULL;
    framed->shares_count = 0;
}

static void broadcast__frame(struct worker *worker, struct broadcast__framed *framed,
                             struct payload *original, const struct weir_codec *codec)
{
    weir_check(codec != NULL);
    if (framed->payload && framed->codec == codec) return;
    broadcast__end(framed);
    framed->codec = codec;
    if (original->codec == codec) {
        framed->payload = payload_ref(original);
        return;
    }
    framed->payload = payload_open(codec, original->bytes + original->message_at,
                                   original->message_length, &framed->code);
    if (framed->payload) payload_charge(framed->payload, &worker->common->payload_bytes);
}

static enum weir_code broadcast__send_datagram(struct weir_session *session,
                                               struct broadcast__delivery *delivery)
{
    const struct payload *payload = delivery->payload;
    const uint8_t *message = payload->bytes + payload->message_at;

    weir_check(session->is_datagram);
    enum weir_code code = session_send(session, message, payload->message_length);
    if (code != WEIR_OK) worker_count_unsent(session->worker, code);
    return code;
}

/* Queues the message for one member. Returns WEIR_OK or why the member does not get it. */
static enum weir_code broadcast__send(struct weir_session *session,
                                      struct broadcast__delivery *delivery)
{
    struct broadcast__framed *framed = &delivery->framed;

    weir_check(session->state != SESSION_FREE);
    if (session->is_datagram) return broadcast__send_datagram(session, delivery);
    broadcast__frame(session->worker, framed, delivery->payload, session->service->framing_codec);
    framed->shares_count++;
    if (framed->payload) return session_share(session, framed->payload);
    worker_count_unsent(session->worker, framed->code);
    return framed->code;
}

/* ---- counting ---- */

/* Returns the count of the group for this cause: see worker_count_dropped(). */
static uint64_t *broadcast__drops(struct group *group, enum weir_code code)
{
    switch (code) {
    case WEIR_QUEUE_FULL: return &group->drops.full;
    case WEIR_CANCELLED: return &group->drops.closed;
    case WEIR_REPLY_LIMIT: return &group->drops.reply;
    case WEIR_NO_BUFFERS:
    case WEIR_NO_MEMORY: return &group->drops.no_memory;
    default: return &group->drops.not_framed;
    }
}

static void broadcast__drop(struct weir_session *session, struct broadcast__delivery *delivery,
                            enum weir_code code)
{
    delivery->dropped++;
    session->missed++;
    worker_count_dropped(session->worker, code, 1);
    ++*broadcast__drops(delivery->group, code);
}

/* Counts the broadcast: all its offers are now delivered or dropped. */
static void broadcast__count(struct worker *worker, const struct broadcast__delivery *delivery)
{
    struct counters *counters = &worker->counters;
    struct group *group = delivery->group;
    uint32_t offered = group->members_count - delivery->excluded;
    uint32_t delivered = offered - delivery->dropped;

    counter_add(&counters->broadcasts_offered, offered);
    counter_add(&counters->broadcasts_delivered, delivered);
    group->offered += offered;
    group->dropped += delivery->dropped;
}

/* Deliveries are work of the session whose handler broadcasts. */
static void broadcast__count_work(struct worker *worker, uint32_t deliveries)
{
    struct weir_session *speaker = worker->dispatch.session;

    worker->work.done += deliveries;
    if (!speaker) return;
    speaker->work_done += deliveries;
    if (speaker->work_done >= worker->work.session_max) worker_stop_dispatch(worker, speaker);
}

void broadcast_deliver(struct worker *worker, struct payload *payload)
{
    struct group *group = group_find(worker, payload->group_hash, payload->group);
    struct broadcast__delivery delivery = {.payload = payload, .group = group};

    if (!group) return;
    struct list *members = &group->memberships;
    weir_check(!list_is_empty(members));
    for (struct list *at = members->next; at != members; at = at->next) {
        struct weir_session *session =
            weir_container_of(at, struct group_membership, in_group)->session;
        weir_check(session->worker == worker);
        if (session->id == payload->except_id) {
            delivery.excluded++;
            continue;
        }
        enum weir_code code = broadcast__send(session, &delivery);
        if (code != WEIR_OK) broadcast__drop(session, &delivery, code);
    }
    broadcast__count(worker, &delivery);
    broadcast__count_work(worker, group->members_count);
    worker->account.must_look = true; /* the shares take memory */
    broadcast__end(&delivery.framed);
}

/* ---- any thread ---- */

/* Reserves room in the mailbox of every worker but the caller's own. Returns false, with no room
 * reserved, if one of them has none. */
static bool broadcast__reserve(const struct worker_common *common, const struct payload *payload)
{
    for (uint32_t i = 0; i < common->workers_count; i++) {
        if (worker_is_own(common->workers[i])) continue;
        if (remote_reserve(common->workers[i], payload)) continue;
        while (i-- > 0)
            if (!worker_is_own(common->workers[i])) remote_cancel(common->workers[i], payload);
        return false;
    }
    return true;
}

/* Frames the message for the codec of the first TCP listener. Another codec may accept what this
 * one refuses: then the message is stored unframed, and each worker frames it or counts it. */
static struct payload *broadcast__open(const struct worker_common *common, const void *bytes,
                                       size_t length, enum weir_code *code)
{
    struct payload *payload = payload_open(common->broadcast_codec, bytes, length, code);

    if (!payload && (*code == WEIR_INVALID || *code == WEIR_TOO_LARGE))
        payload = payload_open(NULL, bytes, length, code);
    return payload;
}

/* Makes the payload of a broadcast. Returns null and the reason in *code. */
static struct payload *broadcast__make(struct worker_common *common, const char *group,
                                       const void *bytes, size_t length, uint64_t except_id,
                                       enum weir_code *code)
{
    *code = WEIR_INVALID;
    if (!group_name_is_good(group)) return NULL;
    *code = WEIR_TOO_LARGE;
    if (length > common->config.send_queue_high_bytes) {
        if (common->workers_count > 0) oversize_refuse(common->workers[0], length);
        return NULL;
    }
    struct payload *payload = broadcast__open(common, bytes, length, code);
    if (!payload) return NULL;
    payload_charge(payload, &common->payload_bytes);
    memcpy(payload->group, group, strlen(group) + 1);
    payload->group_hash = group_hash(common, group);
    payload->except_id = except_id;
    return payload;
}

/* Passes the payload to every worker; room was reserved. */
static void broadcast__pass_reserved(const struct worker_common *common, struct payload *payload)
{
    struct worker *own = NULL;

    for (uint32_t i = 0; i < common->workers_count; i++) {
        if (worker_is_own(common->workers[i]))
            own = common->workers[i];
        else
            remote_broadcast_reserved(common->workers[i], payload);
    }
    if (own) broadcast_deliver(own, payload);
}

/* Reports the payload to the other nodes and passes it to every worker; room was reserved. The
 * report comes first: a delivery can end a session, whose handler then broadcasts. */
static void broadcast__publish_reserved(const struct worker_common *common, struct payload *payload)
{
    other_nodes_broadcast(common, payload);
    broadcast__pass_reserved(common, payload);
}

/* Passes the payload to the other nodes and to every worker, or to none. */
static enum weir_code broadcast__publish(const struct worker_common *common,
                                         struct payload *payload)
{
    if (!broadcast__reserve(common, payload)) return WEIR_MAILBOX_FULL;
    broadcast__publish_reserved(common, payload);
    return WEIR_OK;
}

enum weir_code broadcast_send(struct worker_common *common, const char *group, const void *bytes,
                              size_t length, uint64_t except_id)
{
    enum weir_code code;
    struct payload *payload = broadcast__make(common, group, bytes, length, except_id, &code);

    if (!payload) return code;
    code = broadcast__publish(common, payload);
    payload_unref(payload);
    return code;
}

enum weir_code broadcast_receive(struct worker_common *common, const char *group, const void *bytes,
                                 size_t length, uint64_t except_id)
{
    enum weir_code code;
    struct payload *payload = broadcast__make(common, group, bytes, length, except_id, &code);

    if (!payload) return code;
    bool has_room = broadcast__reserve(common, payload);
    if (has_room) broadcast__pass_reserved(common, payload);
    payload_unref(payload);
    return has_room ? WEIR_OK : WEIR_MAILBOX_FULL;
}

/* ---- speakers ---- */

/* Passes the payload, or keeps it until the members of the group have read. */
static enum weir_code broadcast__pass_or_keep(struct weir_session *session, struct payload *payload)
{
    const struct worker_common *common = session->worker->common;
    uint16_t slot = congestion_slot(payload->group_hash);

    if (!session_may_send(session)) return broadcast__publish(common, payload); /* in on_close */
    if (!session->speaker_waits && !congestion_has(&common->congestion, slot) &&
        broadcast__publish(common, payload) == WEIR_OK) {
        session->speaks = true;
        session->rare->speaks_slot = slot;
        return WEIR_OK;
    }
    if (session_waiting_bytes(session) > common->config.send_queue_high_bytes)
        return WEIR_QUEUE_FULL;
    congestion_wait(session, slot);
    congestion_keep(session, payload);
    session_update_receiving(session);
    return WEIR_OK;
}

enum weir_code broadcast_speak(struct weir_session *session, const char *group, const void *bytes,
                               size_t length, uint64_t except_id)
{
    struct worker_common *common = session->worker->common;
    enum weir_code code;

    if (session->is_datagram) return broadcast_send(common, group, bytes, length, except_id);
    if (session_may_send(session) && !session_rare(session)) return WEIR_NO_MEMORY;
    struct payload *payload = broadcast__make(common, group, bytes, length, except_id, &code);
    if (!payload) return code;
    payload->has_speaker = true;
    code = broadcast__pass_or_keep(session, payload);
    payload_unref(payload);
    return code;
}

/* Whether the speaker has waited for as long as it may. */
static bool broadcast__has_waited(const struct weir_session *session)
{
    const struct worker *worker = session->worker;
    uint32_t timeout_ms = session->service->config.send_timeout_ms;

    return timeout_ms > 0 && (uint32_t)worker->now_ms - session->rare->waits_ms >= timeout_ms;
}

/* Sends what waits with the speaker, as far as the groups can take it. */
static void broadcast__send_waiting(struct weir_session *session, bool regardless)
{
    const struct worker_common *common = session->worker->common;
    struct payload *payload;

    while ((payload = session_waiting(session)) != NULL) {
        uint16_t slot = congestion_slot(payload->group_hash);
        if (!regardless && congestion_has(&common->congestion, slot)) return;
        if (!broadcast__reserve(common, payload)) {
            if (!regardless) return;
            counter_add(&session->worker->counters.sends_dropped, 1);
            congestion_unkeep(session);
            continue;
        }
        session->speaks = true;
        session->rare->speaks_slot = slot;
        payload_ref(payload);
        congestion_unkeep(session); /* first: the delivery may end this session */
        broadcast__publish_reserved(common, payload);
        payload_unref(payload);
    }
}

/* Wakes the speaker if nothing keeps it waiting. */
static void broadcast__wake_speaker(struct worker *worker, struct weir_session *session,
                                    bool has_waited)
{
    if (session_waiting(session) || !session->speaker_waits) return; /* it waits on, or has ended */
    if (session->state != SESSION_OPEN) worker_flush_later(worker, session); /* it may end */
    if (!has_waited && congestion_has(&worker->common->congestion, session->rare->speaks_slot))
        return;
    congestion_wake(session);
    if (has_waited) session->speaks = false; /* it is heard once before it waits again */
    session_resume_reading(session);
}

bool broadcast_retry(struct worker *worker)
{
    uint32_t began = worker->work.done;
    struct list waiting;
    struct list *node;

    list_init(&waiting);
    list_append_all(&waiting, &worker->speakers);
    while (worker->work.done - began < WORK_ITERATION_MAX &&
           (node = list_take_first(&waiting)) != NULL) {
        struct session_rare *rare = weir_container_of(node, struct session_rare, in_speakers);
        struct weir_session *session = rare->session;
        bool has_waited = broadcast__has_waited(session);
        list_add_last(&worker->speakers, &rare->in_speakers);
        broadcast__send_waiting(session, has_waited);
        broadcast__wake_speaker(worker, session, has_waited);
    }
    bool is_used_up = !list_is_empty(&waiting);
    list_append_all(&waiting, &worker->speakers); /* those not asked stay in front */
    list_append_all(&worker->speakers, &waiting);
    return is_used_up;
}
