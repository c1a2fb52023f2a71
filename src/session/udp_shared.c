/* SPDX-License-Identifier: MIT */
/* udp_shared.c - the table of UDP peers and the limit on replies, which all UDP sockets of a worker
 * share.
 *
 * Both are allocated with the first socket, also if the present settings do not need them: other
 * settings, which a running server gets later, cannot fail then. Memory that is not used costs
 * nothing but addresses. */
#include "udp_shared.h"

#include "check.h"
#include "error_fill.h"
#include "reply_rate.h"
#include "udp_peers.h"
#include "udp_socket.h"
#include "watch.h"
#include "worker.h"

/* Room of the table of peers: settings that are changed later can ask for as many without making
 * its chains long. */
#define UDP_SHARED__PEERS_MIN 16384u

/* Whether anything must be known about a peer between two of its datagrams. */
static bool udp_shared__must_keep_peers(const struct udp_socket *socket)
{
    const struct weir_handler *handler = socket->endpoint.service->handler;
    const struct weir_config *config = &socket->endpoint.service->config;

    return handler->session_bytes > 0 || handler->on_open || handler->on_close ||
           handler->on_timer || config->receive_rate_max_bytes > 0 || config->message_rate_max > 0;
}

static void udp_shared__set_reply_rate(struct worker *worker)
{
    uint32_t per_second = worker->config->datagram_reply_rate_max;

    worker->reply_rate = per_second > 0 ? worker->reply_rate_memory : NULL;
    if (worker->reply_rate) reply_rate_set(worker->reply_rate, per_second);
}

/* A socket that has kept peers continues: they may have sessions. */
static void udp_shared__set(struct udp_socket *socket)
{
    socket->keeps_peers = socket->keeps_peers || udp_shared__must_keep_peers(socket);
    socket->watches = watch_wants_any(socket->endpoint.worker);
}

enum weir_code udp_shared_open(struct udp_socket *socket, struct weir_error *error)
{
    struct worker *worker = socket->endpoint.worker;
    uint32_t peers_max = worker->config->datagram_peers_max;

    if (worker->common->slots_max > 0 && peers_max < UDP_SHARED__PEERS_MIN)
        peers_max = UDP_SHARED__PEERS_MIN; /* there is room for more sessions than now */
    if (!worker->udp_peers->slots && !udp_peers_open(worker->udp_peers, peers_max))
        return error_fill(error, WEIR_NO_MEMORY, 0, "keep datagram peers", NULL, NULL,
                          "lower datagram_peers_max");
    if (!worker->reply_rate_memory)
        worker->reply_rate_memory = reply_rate_open(1, &worker->common->key);
    if (!worker->reply_rate_memory)
        return error_fill(error, WEIR_NO_MEMORY, 0, "limit datagrams per peer", NULL, NULL,
                          "free some memory");
    udp_shared__set_reply_rate(worker);
    udp_shared__set(socket);
    return WEIR_OK;
}

void udp_shared_free(struct worker *worker)
{
    udp_peers_free(worker->udp_peers);
    reply_rate_free(worker->reply_rate_memory);
}

void udp_shared_renew(struct worker *worker)
{
    if (worker->reply_rate_memory) udp_shared__set_reply_rate(worker);
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next) {
        struct endpoint *endpoint = weir_container_of(at, struct endpoint, in_endpoints);
        struct udp_socket *socket = weir_container_of(endpoint, struct udp_socket, endpoint);
        if (endpoint->service->proto != WEIR_UDP) continue;
        udp_shared__set(socket);
        watch_update(&socket->transient); /* from now on only if the socket watches */
    }
}
