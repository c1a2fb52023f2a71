/* SPDX-License-Identifier: MIT */
/* listener.c - accepts TCP connections and passes them to the worker that will serve them. */
#include "listener.h"

#include "admission.h"
#include "check.h"
#include "handoff.h"
#include "worker.h"

void listener_drain(struct listener *listener, bool is_last_check)
{
    struct endpoint *endpoint = &listener->endpoint;
    bool idle = !endpoint->was_active;

    endpoint->was_active = false;
    if (idle || is_last_check) listener_remove(listener);
}

void listener_remove(struct listener *listener)
{
    struct endpoint *endpoint = &listener->endpoint;

    if (endpoint->stopping) return;
    endpoint->stopping = true;
    net_stop_accepting(endpoint->worker->net, endpoint->handle); /* NET_STOPPED: it is closed */
}

static void listener__on_accepted(struct listener *listener, const struct net_event *event)
{
    struct endpoint *endpoint = &listener->endpoint;
    struct worker *worker = endpoint->worker;

    weir_check(endpoint->service->proto == WEIR_TCP);
    if (endpoint->closing) {
        net_refuse(worker->net, event->socket);
        admission_lost(worker, 1);
    } else {
        handoff_accepted(worker, endpoint->service, event->socket, &event->peer);
    }
}

void listener_on_event(struct listener *listener, const struct net_event *event)
{
    struct endpoint *endpoint = &listener->endpoint;

    endpoint->was_active = true;
    switch (event->kind) {
    case NET_ACCEPTED: listener__on_accepted(listener, event); break;
    case NET_REFUSED: admission_lost(endpoint->worker, event->refused_count); break;
    case NET_STOPPED: endpoint_close(endpoint); break;
    case NET_BROKEN: endpoint_on_broken(endpoint, event); break;
    case NET_CLOSED: endpoint_on_closed(endpoint); break;
    case NET_PAUSED:
    default: /* listeners have no other events */ endpoint_on_paused(endpoint, event);
    }
}

static void listener__on_event(struct owner *owner, const struct net_event *event)
{
    listener_on_event(weir_container_of(owner, struct listener, endpoint.owner), event);
}

static const struct owner_ops listener__owner_ops = {.on_event = listener__on_event,
                                                     .identify = endpoint_identify};

enum weir_code listener_open(struct listener *listener, struct worker *worker,
                             const struct service *service, const struct net_listen_options *where,
                             struct weir_error *error)
{
    struct endpoint *endpoint = &listener->endpoint;

    weir_check(service->proto == WEIR_TCP);
    endpoint_init(endpoint, &listener__owner_ops, worker, service);
    endpoint->unix_path = where->unix_path;
    enum weir_code code =
        net_listen(worker->net, where, &endpoint->owner, &endpoint->handle, error);
    if (code != WEIR_OK) return code;
    endpoint_add(endpoint);
    net_accept(worker->net, endpoint->handle, true);
    return WEIR_OK;
}
