/* SPDX-License-Identifier: MIT */
/* log_queue.h - a bounded queue of log lines, and the thread that passes them to the application's
 * log function. That function may block: threads that log never wait for it. Lines that find the
 * queue full, or exceed the rate limit, are lost, counted and reported. */
#ifndef BASE_LOG_QUEUE_H
#define BASE_LOG_QUEUE_H

#include <weir/weir.h>

struct log_queue;

/* Opens a queue for `lines_max` lines, at least 1. `write` gets `user`, one call at a time. Returns
 * null if memory is exhausted. */
struct log_queue *log_queue_open(uint32_t lines_max,
                                 void (*write)(void *user, enum weir_log_level level,
                                               const char *line),
                                 void *user);

/* Limits the lines above the level of warnings to this many per second; 0 (at first): unlimited.
 * Lines above the limit are lost, as those that find the queue full. Call it before any line is
 * added. */
void log_queue_limit(struct log_queue *queue, uint32_t lines_per_second_max);

/* Starts the thread that calls `write`. Call it once. Lines that were added before wait for it.
 * Returns false if the system refuses the thread, with the cause in *os_error (0: no memory). */
bool log_queue_start(struct log_queue *queue, int *os_error);

/* Adds a line of up to LOG_LINE_BYTES, for `struct log`. Never waits for `write`, and allocates
 * nothing. An eighth of the room is kept for warnings and errors: lines about sessions and messages
 * must not displace them. Thread: any. */
void log_queue_add(void *queue, int level, const char *line);

/* Returns how many lines were lost so far. Thread: any. */
uint64_t log_queue_lost(struct log_queue *queue);

/* Whether the caller is inside `write`. Thread: any. */
bool log_queue_is_own(const struct log_queue *queue);

/* Waits until `write` has returned for every line that was added before, for at most `wait_ms`.
 * Returns whether it has. Thread: any except the one that calls `write`. */
bool log_queue_flush(struct log_queue *queue, uint32_t wait_ms);

/* Writes the remaining lines, for at most `wait_ms`, and frees the queue. If `write` is still
 * blocked then, the queue and its thread are freed when it returns; lines that remain are
 * discarded. Null is allowed. No other thread may use the queue. */
void log_queue_free(struct log_queue *queue, uint32_t wait_ms);

#endif
