/* SPDX-License-Identifier: MIT */
/* broadcast.c - broadcasts to a group.
 *
 *      weir_broadcast -> do the mailboxes of all other workers have room?
 *                           no:  WEIR_NO_ROOM, and no member gets it
 *                           yes: other workers: one command each; own worker: delivered immediately
 *
 * On one worker:
 *
 *      payload (framed once, for the most common codec) -> member with that codec: a reference
 *                                                       -> other members: framed again, once for
 *                                                          each run of members with one codec
 *                                                       -> UDP peers: a copy of the message
 */
#include "broadcast.h"

#include <string.h>

#include "check.h"
#include "group.h"
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
};

static void broadcast__frame(struct broadcast__framed *framed, struct payload *original,
                             const struct weir_codec *codec)
{
    weir_check(codec != NULL);
    if (framed->payload && framed->codec == codec) return;
    if (framed->payload) payload_unref(framed->payload);
    framed->codec = codec;
    framed->payload = original->codec == codec
                          ? payload_ref(original)
                          : payload_open(codec, original->bytes + original->message_at,
                                         original->message_length, &framed->code);
}

static void broadcast__send_datagram(struct weir_session *session, const struct payload *payload)
{
    const uint8_t *message = payload->bytes + payload->message_at;

    weir_check(session->is_datagram);
    enum weir_code code = session_send(session, message, payload->message_length);
    if (code != WEIR_OK) worker_count_unsent(session->worker, code);
}

static void broadcast__send(struct weir_session *session, struct payload *payload,
                            struct broadcast__framed *framed)
{
    weir_check(session->state != SESSION_FREE);
    session->worker->work.done++;
    if (session->is_datagram) {
        broadcast__send_datagram(session, payload);
        return;
    }
    broadcast__frame(framed, payload, session->service->codec);
    if (framed->payload)
        session_share(session, framed->payload);
    else
        worker_count_unsent(session->worker, framed->code);
}

void broadcast_deliver(struct worker *worker, struct payload *payload)
{
    struct list *members = group_members(worker, payload->group);
    struct broadcast__framed framed = {NULL, NULL, WEIR_OK};

    if (!members) return;
    for (struct list *at = members->next; at != members; at = at->next) {
        struct weir_session *session =
            weir_container_of(at, struct group_membership, in_group)->session;
        weir_check(session->worker == worker);
        if (session->id != payload->except_id) broadcast__send(session, payload, &framed);
    }
    if (framed.payload) payload_unref(framed.payload);
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

/* Frames the message for the codec that most members have. Another codec may accept what this one
 * refuses: then the message is stored unframed, and each worker frames it or counts it. */
static struct payload *broadcast__open(const struct worker_common *common, const void *bytes,
                                       size_t length, enum weir_code *code)
{
    struct payload *payload = payload_open(common->broadcast_codec, bytes, length, code);

    if (!payload && (*code == WEIR_INVALID || *code == WEIR_TOO_LARGE))
        payload = payload_open(NULL, bytes, length, code);
    return payload;
}

enum weir_code broadcast_send(const struct worker_common *common, const char *group,
                              const void *bytes, size_t length, uint64_t except_id)
{
    struct worker *own = NULL;
    enum weir_code code;

    if (!group_name_is_good(group)) return WEIR_INVALID;
    if (length > common->config.send_queue_high_bytes)
        return common->workers_count == 0 ? WEIR_TOO_LARGE
                                          : oversize_refuse(common->workers[0], length);
    struct payload *payload = broadcast__open(common, bytes, length, &code);
    if (!payload) return code;
    memcpy(payload->group, group, strlen(group) + 1);
    payload->except_id = except_id;
    bool has_room = broadcast__reserve(common, payload);
    for (uint32_t i = 0; has_room && i < common->workers_count; i++) {
        if (worker_is_own(common->workers[i]))
            own = common->workers[i];
        else
            remote_broadcast_reserved(common->workers[i], payload);
    }
    if (own) broadcast_deliver(own, payload);
    payload_unref(payload);
    return has_room ? WEIR_OK : WEIR_NO_ROOM;
}
