/* SPDX-License-Identifier: MIT */
/* peers.c - sessions of datagram peers.
 *
 *      slots [ siphash(address, socket) ] -> peer -> peer      who wrote?
 *      by_age   oldest <-> ... <-> newest                      who gives way?
 *
 * Found, moved to the end of the ages and evicted in O(1). The hash is keyed, so that nobody who
 * chooses addresses can make one slot long. A peer goes when it was idle for its time, when it is
 * the longest idle and another needs the room, or when the handler or the end of the server says.
 */
#include "peers.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "deadline.h"
#include "memory.h"
#include "place.h"
#include "session_table.h"
#include "siphash.h"
#include "worker.h"

void peers_init(struct peers *peers)
{
    *peers = (struct peers){.slots = NULL};
    list_init(&peers->by_age);
}

bool peers_open(struct peers *peers, uint32_t peers_max)
{
    uint32_t slots_count = 64;

    weir_check(!peers->slots);
    while (slots_count < peers_max) slots_count *= 2;
    peers->slots = memory_alloc_array(slots_count, sizeof *peers->slots);
    peers->slots_count = slots_count;
    return peers->slots != NULL;
}

void peers_free(struct peers *peers)
{
    weir_check(peers->count == 0);
    memory_free(peers->slots);
    peers->slots = NULL;
}

/* Where the link to that peer is, or would be. */
static struct weir_session **peers__link(const struct place *place, const struct weir_address *peer)
{
    struct worker *worker = place->worker;
    struct { /* what is hashed, without gaps */
        uint8_t ip[16];
        uint32_t scope, port, socket;
    } key = {.scope = peer->scope, .port = peer->port, .socket = place->handle.index};

    memcpy(key.ip, peer->ip, sizeof key.ip);
    uint64_t hash = siphash(&worker->common->key, &key, sizeof key);
    struct weir_session **link = &worker->peers.slots[hash & (worker->peers.slots_count - 1)];
    while (*link && ((*link)->place != place || !address_equals(&(*link)->peer, peer)))
        link = &(*link)->next_peer;
    return link;
}

/* The longest idle gives way. */
static void peers__evict(struct worker *worker)
{
    struct list *oldest = worker->peers.by_age.next;
    struct weir_session *session = weir_container_of(oldest, struct weir_session, in_sessions);

    weir_check(!list_is_empty(&worker->peers.by_age)); /* datagram_peers_max is not 0 */
    session_close(session, WEIR_REASON_EVICTED);
    list_remove(&session->in_pending_flush);
    session_flush(session);
}

static struct weir_session *peers__open(struct place *place, const struct weir_address *peer)
{
    struct worker *worker = place->worker;

    if (worker->peers.count >= worker->common->config.datagram_peers_max) peers__evict(worker);
    struct weir_session *session = session_table_open(&worker->table);
    if (!session) return NULL;
    session_start(session, worker, place, peer);
    session->admitted = true;
    session->next_peer = NULL;
    *peers__link(place, peer) = session;
    list_add_last(&worker->peers.by_age, &session->in_sessions);
    worker->peers.count++;
    counter_add(&worker->counters.peers_opened, 1);
    deadline_update(session);
    return session;
}

struct weir_session *peers_admit(struct place *place, const struct weir_address *peer)
{
    struct worker *worker = place->worker;
    struct weir_session *session = *peers__link(place, peer);

    if (session && session->state == SESSION_CLOSING) { /* it is over, and writes again */
        list_remove(&session->in_pending_flush);
        session_flush(session);
        session = NULL;
    }
    if (!session) return place->takes_no_more ? NULL : peers__open(place, peer);
    session->received_ms = (uint32_t)worker->now_ms;
    list_remove(&session->in_sessions);
    list_add_last(&worker->peers.by_age, &session->in_sessions);
    return session;
}

bool peers_may_pass(struct weir_session *session, uint32_t bytes)
{
    const struct worker *worker = session->worker;
    const struct weir_config *config = &worker->common->config;
    struct bucket by_bytes = session->bytes_bucket, by_messages = session->messages_bucket;

    if (config->receive_rate_max_bytes > 0 &&
        bucket_take(&by_bytes, worker->now_ns, bytes, config->receive_rate_max_bytes,
                    config->receive_rate_max_bytes) > 0)
        return false;
    if (config->message_rate_max > 0 &&
        bucket_take(&by_messages, worker->now_ns, 1, config->message_rate_max,
                    config->message_rate_max) > 0)
        return false;
    session->bytes_bucket = by_bytes;
    session->messages_bucket = by_messages;
    return true;
}

void peers_forget(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct weir_session **link = peers__link(session->place, &session->peer);

    weir_check(*link == session);
    *link = session->next_peer;
    worker->peers.count--;
}

void peers_send(struct weir_session *session, const uint8_t *bytes, uint32_t length)
{
    if (place_send(session, bytes, length) != WEIR_OK)
        counter_add(&session->worker->counters.sends_dropped, 1);
}
