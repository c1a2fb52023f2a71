/* SPDX-License-Identifier: MIT */
/* udp_sources.c - which senders of datagrams are answered. The addresses of datagrams can be
 * forged: two servers that answer each other would do so forever (CVE-2024-2169). */
#include "udp_sources.h"

#include "address.h"
#include "admission.h"
#include "check.h"
#include "endpoint.h"
#include "worker.h"

/* Ports below this number belong to services (RFC 6335 section 6), not to clients. */
#define UDP_SOURCES__CLIENT_PORT_MIN 1024u

/* Whether a response would reach one of this worker's own UDP sockets. *is_served: a socket has
 * that port, so another machine's server may have it, too. */
static bool udp_sources__is_own(struct worker *worker, const struct net_address *peer,
                                bool *is_served)
{
    *is_served = false;
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next) {
        const struct endpoint *endpoint = weir_container_of(at, struct endpoint, in_endpoints);
        weir_check(endpoint->worker == worker);
        if (endpoint->service->proto != WEIR_UDP || endpoint->closing) continue;
        if (endpoint->port != peer->port) continue;
        if (net_is_own(worker->net, endpoint->handle, peer)) return true;
        *is_served = true;
    }
    return false;
}

bool udp_sources_may_answer(struct worker *worker, const struct net_address *peer, uint64_t count)
{
    struct counters *counters = &worker->counters;
    bool is_served;

    weir_check(count > 0);
    if (!admission_allows(worker, peer)) {
        admission_reject(worker, ADMISSION_DENIED, peer, count);
        return false;
    }
    if (!address_is_answerable(peer)) {
        counter_add(&counters->dropped_bad_source, count);
        return false;
    }
    if (udp_sources__is_own(worker, peer, &is_served)) {
        counter_add(&counters->dropped_own_source, count);
        return false;
    }
    if ((is_served || peer->port < UDP_SOURCES__CLIENT_PORT_MIN) &&
        !worker->common->config.datagram_answer_services) {
        counter_add(&counters->dropped_services, count);
        return false;
    }
    return true;
}
