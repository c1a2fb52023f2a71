/* SPDX-License-Identifier: MIT */
/* broadcast.h - delivers a broadcast to the members of a group on one worker. */
#ifndef SESSION_BROADCAST_H
#define SESSION_BROADCAST_H

struct payload;
struct worker;

/* Queues the payload for each member of its group, except the session that it excludes. */
void broadcast_deliver(struct worker *worker, struct payload *payload);

#endif
