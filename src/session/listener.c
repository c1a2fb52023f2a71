/* SPDX-License-Identifier: MIT */
/* listener.c - accepts TCP connections and passes them to the worker that will serve them. */
#include "listener.h"

#include "check.h"
#include "handoff.h"
#include "worker.h"

void listener_drain(struct listener *listener, bool is_last_check)
{
    struct endpoint *endpoint = &listener->endpoint;
    bool idle = !endpoint->was_active;

    endpoint->was_active = false;
    if (idle || is_last_check) endpoint_close(endpoint);
}

void listener_on_event(struct listener *listener, const struct net_event *event)
{
    struct endpoint *endpoint = &listener->endpoint;
    struct worker *worker = endpoint->worker;

    endpoint->was_active = true;
    switch (event->kind) {
    case NET_ACCEPTED:
        if (endpoint->closing)
            net_refuse(worker->net, event->socket);
        else
            handoff_accepted(worker, endpoint->service, event->socket, &event->peer);
        break;
    case NET_BROKEN: endpoint_on_broken(endpoint, event); break;
    case NET_CLOSED: endpoint_on_closed(endpoint); break;
    case NET_PAUSED:
    default: /* listeners have no other events */
        weir_check(event->kind == NET_PAUSED);
        worker_count_pause(worker, event->code);
    }
}

static void listener__on_event(struct owner *owner, const struct net_event *event)
{
    listener_on_event(weir_container_of(owner, struct listener, endpoint.owner), event);
}

static const struct owner_ops listener__owner_ops = {.on_event = listener__on_event};

enum weir_code listener_open(struct listener *listener, struct worker *worker,
                             const struct service *service, const struct net_listen_options *where,
                             struct weir_error *error)
{
    struct endpoint *endpoint = &listener->endpoint;

    weir_check(service->proto == WEIR_TCP);
    endpoint_init(endpoint, &listener__owner_ops, worker, service);
    enum weir_code code =
        net_listen(worker->net, where, &endpoint->owner, &endpoint->handle, error);
    if (code != WEIR_OK) return code;
    endpoint_add(endpoint);
    net_accept(worker->net, endpoint->handle, true);
    return WEIR_OK;
}
