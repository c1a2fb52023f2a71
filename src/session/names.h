/* SPDX-License-Identifier: MIT */
/* names.h - names that sessions hold: each has one holder per server, on any worker.
 *
 *      hash of the name -> shard (a lock) -> table -> the holder's id
 *
 * A lock is held for a few lines, and never while a worker waits for another one.
 */
#ifndef SESSION_NAMES_H
#define SESSION_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

struct names;
struct worker_common;

/* Returns an empty table; null: out of memory. The caller frees it. */
struct names *names_open(void);
void names_free(struct names *names); /* no session holds a name; null is allowed */

/* As weir_session_bind() and weir_session_unbind() say. Thread: the session's worker. */
enum weir_code names_bind(struct weir_session *session, const char *name, enum weir_bind how);
void names_unbind(struct weir_session *session);

/* weir_bridge_evict(). Thread: any. */
enum weir_code names_evict(const struct worker_common *common, const char *name, uint64_t id);

/* Returns the id of the session that holds the name; 0: no session does. Thread: any. */
uint64_t names_holder(const struct worker_common *common, const char *name);

#endif
