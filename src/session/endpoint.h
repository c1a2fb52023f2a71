/* SPDX-License-Identifier: MIT */
/* endpoint.h - a bound local address of a worker: the common part of TCP listeners (listener.h) and
 * UDP sockets (udp_socket.h). */
#ifndef SESSION_ENDPOINT_H
#define SESSION_ENDPOINT_H

#include "list.h"
#include "net.h"
#include "owner.h"
#include "service.h"

struct worker;

struct endpoint {
    struct owner owner;
    struct worker *worker; /* whose net has the handle; it may hand sessions to other workers */
    const struct service *service;
    /* Called after NET_CLOSED, when nothing refers to the endpoint any longer. Null: nothing is. */
    void (*on_closed)(struct endpoint *endpoint);
    struct list in_endpoints; /* worker.endpoints, until NET_CLOSED */
    struct net_handle handle;
    const char *unix_path; /* of a Unix-domain listener; else null */
    uint16_t port;         /* the port that was bound */
    bool closing;          /* set from net_close until NET_CLOSED */
    bool stopping;         /* set once a listener accepts nothing further */
    bool was_active;       /* an event came since the drain's last check */
};

/* Initialises an endpoint that is not open yet. */
void endpoint_init(struct endpoint *endpoint, const struct owner_ops *ops, struct worker *worker,
                   const struct service *service);

/* Adds an endpoint to its worker's list; net has just opened the handle. */
void endpoint_add(struct endpoint *endpoint);

/* Closes it; NET_CLOSED follows. No effect on one that is closing already. */
void endpoint_close(struct endpoint *endpoint);

/* Handles NET_BROKEN: logs and closes. If no endpoint is left, the worker stops, together with the
 * workers that it listens for. */
void endpoint_on_broken(struct endpoint *endpoint, const struct net_event *event);

/* Handles NET_PAUSED. */
void endpoint_on_paused(struct endpoint *endpoint, const struct net_event *event);

/* Implements `identify` of struct owner_ops for endpoints: the event's peer. */
void endpoint_identify(const struct owner *owner, const struct net_event *event,
                       struct owner_identity *identity);

/* Handles NET_CLOSED; the last access to the endpoint. */
void endpoint_on_closed(struct endpoint *endpoint);

#endif
