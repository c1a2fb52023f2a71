/* SPDX-License-Identifier: MIT */
/* wheel.h - a hierarchical timing wheel: any number of timers, no allocation; start, stop and
 * restart are O(1). Ticks are milliseconds. See wheel.c. */
#ifndef SESSION_WHEEL_H
#define SESSION_WHEEL_H

#include <stdint.h>

#include "list.h"

#define WHEEL_LEVELS 8
#define WHEEL_SLOTS 64
#define WHEEL_MS_MAX ((UINT64_C(1) << 48) - 1) /* later times are cut to this one */

/* A member of the object that it is the timer of. */
struct wheel_timer {
    struct list in_slot;
    uint64_t due_ms;
};

struct wheel {
    uint64_t now_ms;                 /* all timers that expired then were taken */
    uint64_t taken_ms;               /* the latest time given to wheel_take_due() */
    uint64_t next_ms;                /* no timer expires before it */
    uint64_t occupied[WHEEL_LEVELS]; /* one bit per slot */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list due; /* expired at now_ms, to be taken */
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
void wheel_timer_init(struct wheel_timer *timer);

/* Starts or restarts the timer. A time in the past expires in the next millisecond. */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer, uint64_t due_ms);

/* Stops the timer. No effect if it does not run. */
void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);

static inline bool wheel_timer_runs(const struct wheel_timer *timer)
{
    return list_has(&timer->in_slot);
}

/* Returns a time before which no timer expires; UINT64_MAX: none runs. It can be earlier than the
 * next expiry: wheel_take_due() then moves on from there. */
static inline uint64_t wheel_next_ms(const struct wheel *wheel)
{
    return wheel->next_ms;
}

/* The part of wheel_take_due() that searches. */
struct wheel_timer *wheel_take_next(struct wheel *wheel, uint64_t now_ms);

/* Returns a timer that has expired, stopped; null: none has. Timers come in the order of their
 * due_ms, and never early. */
static inline struct wheel_timer *wheel_take_due(struct wheel *wheel, uint64_t now_ms)
{
    if (now_ms >= wheel->next_ms) return wheel_take_next(wheel, now_ms);
    if (now_ms > wheel->taken_ms) wheel->taken_ms = now_ms;
    return NULL;
}

/* Tests: checks every invariant. */
void wheel_validate(const struct wheel *wheel);

#endif
