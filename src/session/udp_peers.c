/* SPDX-License-Identifier: MIT */
/* udp_peers.c - sessions of UDP peers.
 *
 *      slots [ siphash(address, socket) ] -> peer -> peer      which session has this address?
 *      worker.udp_sessions   oldest <-> ... <-> newest         which session is evicted?
 *
 * Finding, moving to the end of the list and evicting are O(1). The hash is keyed, so that no
 * client can choose addresses that fall into one slot (docs/decisions/0014). A session ends when
 * its idle timeout expires, when it is the longest idle and another peer needs the room, or when
 * the handler or a shutdown ends it.
 */
#include "udp_peers.h"

#include <string.h>

#include "address.h"
#include "check.h"
#include "lifecycle.h"
#include "memory.h"
#include "session.h"
#include "siphash.h"
#include "watch.h"
#include "worker.h"

bool udp_peers_open(struct udp_peers *peers, uint32_t peers_max)
{
    uint32_t slots_count = 64;

    weir_check(!peers->slots);
    while (slots_count < peers_max) slots_count *= 2;
    peers->slots = memory_alloc_array(slots_count, sizeof *peers->slots);
    peers->slots_count = slots_count;
    return peers->slots != NULL;
}

void udp_peers_free(struct udp_peers *peers)
{
    memory_free(peers->slots);
    peers->slots = NULL;
}

static bool udp_peers__is_peer(const struct weir_session *session, struct net_handle socket,
                               const struct net_address *peer)
{
    return session->handle.index == socket.index &&
           session->handle.generation == socket.generation && address_equals(&session->peer, peer);
}

/* Returns the hash of the address and the local socket. IPv4 and most IPv6 addresses need fewer
 * words: inputs of different kinds have different lengths, so they never are the same. */
static uint64_t udp_peers__hash(const struct worker *worker, struct net_handle socket,
                                const struct net_address *peer)
{
    uint64_t words[3], tail = (uint64_t)socket.index << 16 | peer->port;
    uint32_t count = peer->scope != 0 ? 3 : 2;

    memcpy(words, peer->ip + 8, 8); /* in any byte order */
    memcpy(words + 1, peer->ip, 8);
    words[2] = peer->scope;
    if (count == 2 && words[1] == 0 && memcmp(words, address_v4_prefix + 8, 4) == 0) count = 1;
    return siphash_words(&worker->common->key, words, count, tail, 6);
}

/* Returns where the session of that peer is linked, or would be. */
static struct weir_session **udp_peers__link(struct worker *worker, struct net_handle socket,
                                             const struct net_address *peer)
{
    const struct udp_peers *peers = worker->udp_peers;

    weir_check(peers->slots != NULL);
    uint64_t hash = udp_peers__hash(worker, socket, peer);
    struct weir_session **link = &peers->slots[hash & (peers->slots_count - 1)];
    while (*link && !udp_peers__is_peer(*link, socket, peer)) link = &(*link)->next_peer;
    return link;
}

void udp_peers_end(struct weir_session *session)
{
    struct worker *worker = session->worker;
    struct weir_session **link = udp_peers__link(worker, session->handle, &session->peer);

    weir_check(*link == session);
    weir_check(worker->udp_sessions_count > 0);
    *link = session->next_peer;
    if (worker->udp_peers->latest == session) worker->udp_peers->latest = NULL;
    worker->udp_sessions_count--;
    list_init(&session->in_class); /* as in each free session; the buckets were there */
    lifecycle_end(session);
}

/* Ends a session that is CLOSING now, instead of at the end of the iteration. */
static void udp_peers__end_now(struct weir_session *session)
{
    weir_check(session->state == SESSION_CLOSING);
    list_remove(&session->in_pending_flush);
    udp_peers_end(session);
}

static void udp_peers__evict(struct worker *worker)
{
    struct list *oldest = worker->udp_sessions.next;
    struct weir_session *session = weir_container_of(oldest, struct weir_session, in_sessions);

    weir_check(!list_is_empty(&worker->udp_sessions)); /* datagram_peers_max is not 0 */
    session_close(session, WEIR_REASON_EVICTED);
    udp_peers__end_now(session);
}

struct weir_session *udp_peers_add(struct worker *worker, struct net_handle socket,
                                   const struct session_ops *ops, const struct service *service,
                                   const struct net_address *peer)
{
    if (worker->udp_sessions_count >= worker->config->datagram_peers_max) udp_peers__evict(worker);
    struct weir_session *session = session_table_open(worker->table);
    if (!session) return NULL;
    weir_check(*udp_peers__link(worker, socket, peer) == NULL);
    lifecycle_start(session, worker, ops, service, peer);
    session->handle = socket;
    session->admitted = true;
    session->next_peer = NULL;
    session->datagram_bytes_bucket = session->datagrams_bucket = (struct bucket){0};
    *udp_peers__link(worker, socket, peer) = session;
    list_add_last(&worker->udp_sessions, &session->in_sessions);
    worker->udp_sessions_count++;
    counter_add(&worker->counters.peers_opened, 1);
    watch_begin(session);
    session_update_deadline(session);
    return session;
}

struct weir_session *udp_peers_find(struct worker *worker, struct net_handle socket,
                                    const struct net_address *peer)
{
    struct weir_session *session = worker->udp_peers->latest;

    if (!session || !udp_peers__is_peer(session, socket, peer))
        session = *udp_peers__link(worker, socket, peer);
    if (!session) return NULL;
    weir_check(session->is_datagram);
    weir_check(list_has(&session->in_sessions));
    if (session->state ==
        SESSION_CLOSING) { /* the peer writes again after the end: a new session */
        udp_peers__end_now(session);
        return NULL;
    }
    worker->udp_peers->latest = session;
    session->timestamps.received_ms = (uint32_t)worker->now_ms;
    list_remove(&session->in_sessions);
    list_add_last(&worker->udp_sessions, &session->in_sessions);
    return session;
}

bool udp_peers_within_rate(struct weir_session *session, uint32_t bytes)
{
    const struct worker *worker = session->worker;
    const struct weir_config *config = &session->service->config;
    struct bucket by_bytes = session->datagram_bytes_bucket;
    struct bucket by_messages = session->datagrams_bucket;

    weir_check(session->is_datagram);
    if (config->receive_rate_max_bytes > 0 &&
        bucket_take(&by_bytes, worker->now_ns, bytes, config->receive_rate_max_bytes,
                    config->receive_rate_max_bytes) > 0)
        return false;
    if (config->message_rate_max > 0 &&
        bucket_take(&by_messages, worker->now_ns, 1, config->message_rate_max,
                    config->message_rate_max) > 0)
        return false;
    session->messages_in++;
    session->bytes_in += bytes;
    session->datagram_bytes_bucket = by_bytes;
    session->datagrams_bucket = by_messages;
    return true;
}
