/* SPDX-License-Identifier: MIT */
/* remote.h - what comes to a worker from other threads: connections, messages, broadcasts, closes. */
#ifndef SESSION_REMOTE_H
#define SESSION_REMOTE_H

#include <weir/weir.h>

struct worker;
struct payload;

/* The worker's thread: takes the letters that have come. */
void remote_read(struct worker *worker);

/* Any thread, as long as the worker lives: weir_send() and weir_finish() for a session of this
 * worker; one worker's part of weir_broadcast(). */
enum weir_code remote_send(struct worker *worker, uint64_t id, const void *bytes, size_t length);
enum weir_code remote_finish(struct worker *worker, uint64_t id);
enum weir_code remote_broadcast(struct worker *worker, struct payload *payload);

#endif
