/* SPDX-License-Identifier: MIT */
/* listener.h - a TCP listener of a worker. */
#ifndef SESSION_LISTENER_H
#define SESSION_LISTENER_H

#include "endpoint.h"

struct listener {
    struct endpoint endpoint;
};

/* Listens and starts to accept. On WEIR_OK, the listener and the service must stay at their
 * addresses until NET_CLOSED. */
enum weir_code listener_open(struct listener *listener, struct worker *worker,
                             const struct service *service, const struct net_listen_options *where,
                             struct weir_error *error);

/* A drain's check: closes the listener if it accepted nothing since the last check, or if this is
 * the last check. Until then it accepts connections that the system had completed before the drain.
 */
void listener_drain(struct listener *listener, bool is_last_check);

/* Stops accepting, and closes the listener; its sessions continue. Connections that the system had
 * completed before are accepted. */
void listener_remove(struct listener *listener);

/* Handles an event of this listener. */
void listener_on_event(struct listener *listener, const struct net_event *event);

#endif
