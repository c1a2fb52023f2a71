/* SPDX-License-Identifier: MIT */
/* wheel.h - a hierarchical timing wheel: any number of timers, no allocation, O(1) start, stop and
 * restart. Ticks are milliseconds. See wheel.c. */
#ifndef SESSION_WHEEL_H
#define SESSION_WHEEL_H

#include <stdint.h>

#include "list.h"

#define WHEEL_LEVELS 8
#define WHEEL_SLOTS 64
#define WHEEL_MS_MAX ((UINT64_C(1) << 48) - 1) /* a later deadline is this one */

/* Lies in what it is the timer of, which must outlive its run. */
struct wheel_timer {
    struct list in_slot;
    uint64_t due_ms;
};

struct wheel {
    uint64_t now_ms;                 /* all that was due at it has been taken */
    uint64_t taken_ms;               /* up to where wheel_take_due() has been asked to look */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit a slot */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list due; /* at now_ms, waiting to be taken */
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
void wheel_timer_init(struct wheel_timer *timer);

/* Starts the timer, or moves it. What is due already comes with the next millisecond. */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer, uint64_t due_ms);

/* Harmless when it does not run. */
void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);

static inline bool wheel_timer_runs(const struct wheel_timer *timer)
{
    return list_has(&timer->in_slot);
}

/* No timer is due before it; UINT64_MAX: none runs. It may be earlier than the next one is due, and
 * wheel_take_due() then moves on from there. */
uint64_t wheel_next_ms(const struct wheel *wheel);

/* One due timer, stopped; null: there is none (any more) at that time. Never one that is due later;
 * timers come in the order of their due_ms. */
struct wheel_timer *wheel_take_due(struct wheel *wheel, uint64_t now_ms);

/* Tests: checks every invariant. */
void wheel_validate(const struct wheel *wheel);

#endif
