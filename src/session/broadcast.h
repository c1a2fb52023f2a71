/* SPDX-License-Identifier: MIT */
/* broadcast.h - broadcasts to a group: from any thread to all workers, and to the members on one
 * worker. */
#ifndef SESSION_BROADCAST_H
#define SESSION_BROADCAST_H

#include <weir/weir.h>

struct payload;
struct worker;
struct worker_common;

/* weir_broadcast(). Thread: any. */
enum weir_code broadcast_send(const struct worker_common *common, const char *group,
                              const void *bytes, size_t length, uint64_t except_id);

/* Queues the payload for each member of its group, except the session that it excludes. Thread: the
 * worker's. */
void broadcast_deliver(struct worker *worker, struct payload *payload);

#endif
