/* SPDX-License-Identifier: MIT */
/* memory_watch.h - keeps the memory of one worker below its limit: sets the marks of the sessions,
 * closes those that hold the most, and returns free memory to the system. account.h has the sums.
 * Owner: the loop. */
#ifndef SESSION_MEMORY_WATCH_H
#define SESSION_MEMORY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct worker;

struct memory_watch {
    bool may_free;           /* the worker holds memory that can become free */
    uint64_t due_ns;         /* if so: when free memory is returned next */
    uint64_t heap_max_bytes; /* most that the heap held since then */
};

/* Sets the account's part for buffers, and full marks. `batch_buffers`: most buffers that the
 * events of one batch carry. */
void memory_watch_start(struct worker *worker, uint32_t batch_buffers);

/* Compares the memory with the limit and sets the marks; closes sessions if the reserve is
 * reached. Not inside a callback. */
void memory_watch_look(struct memory_watch *watch, struct worker *worker);

/* Ten times a second: closes a session that held more than its share for too long, and returns free
 * memory to the system. */
void memory_watch_sample(struct memory_watch *watch, struct worker *worker);

#endif
