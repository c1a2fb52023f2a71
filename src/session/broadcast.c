/* SPDX-License-Identifier: MIT */
/* broadcast.c - delivers a broadcast to the members of a group on one worker.
 *
 *      payload (framed once, for the most common codec) -> member with that codec: a reference
 *                                                       -> other members: framed again, once for
 *                                                          each run of members with one codec
 *                                                       -> UDP peers: a copy of the message
 */
#include "broadcast.h"

#include "check.h"
#include "group.h"
#include "session.h"
#include "worker.h"

/* The payload as one codec frames it: the original, or a new one made of its message. */
struct broadcast__framed {
    const struct weir_codec *codec;
    struct payload *payload; /* null: that codec cannot carry the message */
};

static void broadcast__frame(struct broadcast__framed *framed, struct payload *original,
                             const struct weir_codec *codec)
{
    enum weir_code code;

    weir_check(codec != NULL);
    if (framed->payload && framed->codec == codec) return;
    if (framed->payload) payload_unref(framed->payload);
    framed->codec = codec;
    framed->payload = original->codec == codec
                          ? payload_ref(original)
                          : payload_open(codec, original->bytes + original->message_at,
                                         original->message_length, &code);
}

static void broadcast__send_datagram(struct weir_session *session, const struct payload *payload)
{
    const uint8_t *message = payload->bytes + payload->message_at;

    weir_check(session->is_datagram);
    if (session_send(session, message, payload->message_length) != WEIR_OK)
        counter_add(&session->worker->counters.sends_dropped, 1);
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
        counter_add(&session->worker->counters.sends_dropped, 1);
}

void broadcast_deliver(struct worker *worker, struct payload *payload)
{
    struct list *members = group_members(worker, payload->group);
    struct broadcast__framed framed = {NULL, NULL};

    if (!members) return;
    for (struct list *at = members->next; at != members; at = at->next) {
        struct weir_session *session =
            weir_container_of(at, struct group_membership, in_group)->session;
        weir_check(session->worker == worker);
        if (session->id != payload->except_id) broadcast__send(session, payload, &framed);
    }
    if (framed.payload) payload_unref(framed.payload);
}
