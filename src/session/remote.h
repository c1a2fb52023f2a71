/* SPDX-License-Identifier: MIT */
/* remote.h - commands and requests from other threads to a worker. */
#ifndef SESSION_REMOTE_H
#define SESSION_REMOTE_H

#include <stdbool.h>

#include <weir/weir.h>

struct mailbox_command;
struct payload;
struct worker;
struct worker_call;

/* weir_send(), weir_finish() and the others for a session of this worker. Thread: any, while the
 * worker exists. */
enum weir_code remote_send(struct worker *worker, uint64_t id, const void *bytes, size_t length);
enum weir_code remote_finish(struct worker *worker, uint64_t id);
enum weir_code remote_abort(struct worker *worker, uint64_t id);
enum weir_code remote_release(struct worker *worker, uint64_t id);
enum weir_code remote_resume(struct worker *worker, uint64_t id);
enum weir_code remote_watch(struct worker *worker, uint64_t id, uint32_t duration_ms);

/* Runs the function of the call on the worker later. Returns WEIR_OK, WEIR_MAILBOX_FULL, or
 * WEIR_GONE if the worker has ended. Thread: any, while the worker exists. */
enum weir_code remote_call(struct worker *worker, struct worker_call *call);

/* weir_post() and weir_post_session() for this worker. Thread: any, while the worker exists. */
enum weir_code remote_post(struct worker *worker,
                           void (*call)(struct weir_worker *worker, void *argument),
                           void *argument);
enum weir_code remote_post_session(struct worker *worker, uint64_t id,
                                   void (*call)(struct weir_session *session, void *argument),
                                   void *argument);

/* Passes a broadcast to the worker. Returns WEIR_OK or WEIR_MAILBOX_FULL. Thread: any, while the
 * worker exists. */
enum weir_code remote_broadcast(struct worker *worker, struct payload *payload);

/* The same in two steps: remote_reserve() reserves the room. Then either the second call passes the
 * broadcast to the worker, or the third one gives the room up. */
bool remote_reserve(struct worker *worker, const struct payload *payload);
void remote_broadcast_reserved(struct worker *worker, struct payload *payload);
void remote_cancel(struct worker *worker, const struct payload *payload);

/* Asks the worker to drain within `deadline_ms`, or to stop. A later request can only shorten the
 * time: run < drain < stop. Thread: any, while the worker is open. */
void remote_drain(struct worker *worker, uint32_t deadline_ms);
void remote_stop(struct worker *worker);

/* Lets the worker take new settings. Thread: any, while the worker is open. */
void remote_renew(struct worker *worker);

/* Counts the calls that the mailbox refused, and warns about the first. Thread: the worker's. */
void remote_report_refused(struct worker *worker);

/* Carries out a command for one session, or for the worker. Thread: the worker's. */
void remote_execute(struct worker *worker, const struct mailbox_command *command);

#endif
