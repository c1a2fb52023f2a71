/* SPDX-License-Identifier: MIT */
/* broadcast.h - broadcasts to a group: from any thread to all workers, and to the members on one
 * worker. */
#ifndef SESSION_BROADCAST_H
#define SESSION_BROADCAST_H

#include <stdbool.h>

#include <weir/weir.h>

struct payload;
struct worker;
struct worker_common;

/* weir_broadcast(). Thread: any. */
enum weir_code broadcast_send(struct worker_common *common, const char *group, const void *bytes,
                              size_t length, uint64_t except_id);

/* weir_bridge_broadcast(): as broadcast_send(), for this node only. Thread: any. */
enum weir_code broadcast_receive(struct worker_common *common, const char *group, const void *bytes,
                                 size_t length, uint64_t except_id);

/* weir_session_broadcast(). Thread: the worker's. */
enum weir_code broadcast_speak(struct weir_session *session, const char *group, const void *bytes,
                               size_t length, uint64_t except_id);

/* Sends the broadcasts that wait, and wakes the speakers whose groups can take more, for at most an
 * iteration's work. Once per iteration. Returns true if the work was used up: the rest can go on in
 * the next iteration. Thread: the worker's. */
bool broadcast_retry(struct worker *worker);

/* Queues the payload for each member of its group, except the session that it excludes. Thread: the
 * worker's. */
void broadcast_deliver(struct worker *worker, struct payload *payload);

#endif
