/* SPDX-License-Identifier: MIT */
/* handoff.h - accepted sockets go to the least loaded worker, where one worker listens for all. */
#ifndef SESSION_HANDOFF_H
#define SESSION_HANDOFF_H

#include "net.h"
#include "service.h"

struct worker;
struct mailbox_command;

/* Opens a session for an accepted socket, on this worker or on the one with the fewest sessions. */
void handoff_accepted(struct worker *worker, const struct service *service,
                      struct net_socket socket, const struct net_address *peer);

/* Handles MAILBOX_ACCEPTED: a socket that another worker accepted for this one. */
void handoff_take(struct worker *worker, const struct mailbox_command *command);

/* Stops this worker, and all workers that it listens for: no client can reach them. */
void handoff_stop(struct worker *worker);

#endif
