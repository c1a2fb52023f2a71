/* SPDX-License-Identifier: MIT */
/* endpoint.c - what TCP listeners and UDP sockets have in common: they are added to their worker,
 * they fail, they close. */
#include "endpoint.h"

#include <stdio.h>

#include "check.h"
#include "error_fill.h"
#include "handoff.h"
#include "pause.h"
#include "worker.h"

void endpoint_init(struct endpoint *endpoint, const struct owner_ops *ops, struct worker *worker,
                   const struct service *service)
{
    *endpoint = (struct endpoint){.owner.ops = ops, .worker = worker, .service = service};
    list_init(&endpoint->in_endpoints);
}

void endpoint_add(struct endpoint *endpoint)
{
    struct worker *worker = endpoint->worker;

    weir_check(!endpoint->closing);
    endpoint->port = net_local_address(worker->net, endpoint->handle).port;
    list_add_last(&worker->endpoints, &endpoint->in_endpoints);
}

void endpoint_close(struct endpoint *endpoint)
{
    if (endpoint->closing) return;
    weir_check(endpoint->handle.generation != 0); /* it is open */
    endpoint->closing = endpoint->stopping = true;
    net_close(endpoint->worker->net, endpoint->handle);
}

static bool endpoint__any_is_open(const struct worker *worker)
{
    for (struct list *at = worker->endpoints.next; at != &worker->endpoints; at = at->next)
        if (!weir_container_of(at, struct endpoint, in_endpoints)->closing) return true;
    return false;
}

#define ENDPOINT__SUBJECT_BYTES 96

/* Writes "tcp 127.0.0.1:5050". */
static void endpoint__describe(const struct endpoint *endpoint, char *subject)
{
    struct net_address address = net_local_address(endpoint->worker->net, endpoint->handle);
    const char *proto = endpoint->service->proto == WEIR_TCP ? "tcp" : "udp";
    char where[NET_ADDRESS_TEXT_BYTES];

    snprintf(subject, ENDPOINT__SUBJECT_BYTES, "%s %s%.80s", proto,
             endpoint->unix_path ? "unix:" : net_address_text(&address, where, sizeof where),
             endpoint->unix_path ? endpoint->unix_path : "");
}

static void endpoint__log_failure(const struct endpoint *endpoint, const struct net_event *event)
{
    const struct worker *worker = endpoint->worker;
    char subject[ENDPOINT__SUBJECT_BYTES], text[512];
    struct weir_error error;

    endpoint__describe(endpoint, subject);
    error_fill(&error, event->code, event->os_error, "go on listening on", subject, NULL,
               "restart the server");
    log_line(&worker->common->log, WEIR_LOG_ERROR, "%s",
             weir_error_text(&error, text, sizeof text));
}

void endpoint_on_broken(struct endpoint *endpoint, const struct net_event *event)
{
    struct worker *worker = endpoint->worker;

    weir_check(event->code != WEIR_OK);
    if (endpoint->closing) return; /* an event of the same batch led to the close */
    endpoint__log_failure(endpoint, event);
    endpoint_close(endpoint);
    /* A drain ends by itself, and sends all responses first. */
    if (worker->request == WORKER_RUN && !endpoint__any_is_open(worker)) handoff_stop(worker);
}

void endpoint_on_paused(struct endpoint *endpoint, const struct net_event *event)
{
    char subject[ENDPOINT__SUBJECT_BYTES];

    if (endpoint->closing) return; /* an event of the same batch led to the close */
    endpoint__describe(endpoint, subject);
    pause_report(endpoint->worker, event, subject);
}

void endpoint_on_closed(struct endpoint *endpoint)
{
    weir_check(endpoint->closing);
    list_remove(&endpoint->in_endpoints);
    if (endpoint->on_closed) endpoint->on_closed(endpoint);
}

void endpoint_identify(const struct owner *owner, const struct net_event *event,
                       struct owner_identity *identity)
{
    const struct endpoint *endpoint = weir_container_of(owner, struct endpoint, owner);

    identity->handler = endpoint->service->handler->name;
    identity->peer = event->peer;
    identity->session = 0;
}
