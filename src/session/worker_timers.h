/* SPDX-License-Identifier: MIT */
/* worker_timers.h - the tick of a worker, and the timers that the application opened for it. */
#ifndef SESSION_WORKER_TIMERS_H
#define SESSION_WORKER_TIMERS_H

struct worker;

/* Prepares the worker for timers; its clock is known. */
void worker_timers_init(struct worker *worker);

/* Starts the tick, if config.tick_ms is set. */
void worker_timers_start_tick(struct worker *worker);

/* Calls what is due. */
void worker_timers_run(struct worker *worker);

/* Frees the timers that the application has not freed. Nothing is called any longer. */
void worker_timers_close(struct worker *worker);

#endif
