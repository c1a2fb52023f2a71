/* SPDX-License-Identifier: MIT */
/* drain.h - the end of a worker: in peace, by a deadline, or at once. */
#ifndef SESSION_DRAIN_H
#define SESSION_DRAIN_H

#include <stdint.h>

struct worker;
struct weir_session;

/* Takes up what was asked for, if it goes further than what is being carried out, and goes on with
 * a drain that is under way. Once a turn. */
void drain_update(struct worker *worker);

/* The session began, perhaps amid a drain: its handler is told so. */
void drain_notify(struct weir_session *session);

/* When a drain wants to look again; UINT64_MAX: there is none. */
uint64_t drain_next_ns(const struct worker *worker);

#endif
