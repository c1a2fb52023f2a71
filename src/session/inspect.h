/* SPDX-License-Identifier: MIT */
/* inspect.h - what tools see of sessions and workers: struct weir_session_info, lists of sessions
 * in slices, struct weir_worker_stats. */
#ifndef SESSION_INSPECT_H
#define SESSION_INSPECT_H

#include <weir/weir.h>

struct mailbox_command;
struct net_event;
struct worker;

/* Fills in what is known of the session. Thread: the worker's. */
void inspect_session(const struct weir_session *session, struct weir_session_info *info);

/* Asks the worker for a slice of its sessions, from this slot on, or for the session query->id.
 * Returns WEIR_OK, and on_end is then called exactly once; or WEIR_GONE: the worker has ended, or
 * has no such session; WEIR_MAILBOX_FULL; WEIR_NO_MEMORY. Thread: any, while the worker exists. */
enum weir_code inspect_post(struct worker *worker, uint32_t slot,
                            const struct weir_sessions_query *query);

/* Carries out such a command. Thread: the worker's. */
void inspect_execute(struct worker *worker, const struct mailbox_command *command);

/* Copies figures of the worker's net into its counters. Thread: the worker's. */
void inspect_sample(struct worker *worker);

/* Selects the sessions for which data came: the next call of on_message of each one is measured.
 * The events are handled afterwards. Returns whether there is one. Thread: the worker's. */
bool inspect_select(const struct net_event *events, uint32_t count);

/* Handles an event, and measures how long its callbacks take. Returns false, and does nothing, if
 * the event has no owner. Thread: the worker's. */
bool inspect_event(struct worker *worker, const struct net_event *event);

/* Fills in the worker's figures. Thread: any, while the worker exists. */
void inspect_worker(const struct worker *worker, struct weir_worker_stats *stats);

/* Adds a histogram of the worker, ITERATION or OPENING, to a sum of that kind. Thread: any, while
 * the worker exists. */
void inspect_histogram(const struct worker *worker, enum weir_histogram_kind kind,
                       struct weir_histogram *sum);

#endif
