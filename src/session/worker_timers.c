/* SPDX-License-Identifier: MIT */
/* worker_timers.c - the tick of a worker, and the timers that the application opened for it.
 *
 *      wheel of the worker:    [ tick ][ timer ][ timer ] ...
 *                                 '- the next of them
 *      worker.user_timers:     [ next ][ timer of a session ] ...
 *
 * The loop looks at worker.user_timers alone. One timer there stands for all timers of the worker,
 * so that a worker without such timers pays nothing for them.
 *
 * A tick and a periodic timer keep their phase. If the worker is late, the periods that have passed
 * are skipped and counted: a worker with too much work never calls a function twice to catch up.
 */
#include "worker_timers.h"

#include "check.h"
#include "memory.h"
#include "worker.h"

/* The application owns it. */
struct weir_timer {
    struct wheel_timer timer; /* in weir_worker.timers */
    struct list in_opened;    /* weir_worker.opened_timers */
    struct weir_worker *outer;
    void (*on_timer)(struct weir_worker *worker, void *argument);
    void *argument;
    uint32_t period_ms; /* 0: it expires once */
};

/* Lets the loop run the timers when the next one is due. */
static void worker_timers__update_next(struct worker *worker)
{
    struct weir_worker *outer = &worker->outer;
    uint64_t next_ms = wheel_next_ms(&outer->timers);

    if (next_ms == UINT64_MAX)
        wheel_stop(&worker->user_timers, &outer->next);
    else
        wheel_start(&worker->user_timers, &outer->next, next_ms);
}

/* Returns the first millisecond that is at least `ms` from now. */
static uint64_t worker_timers__due_ms(const struct worker *worker, uint32_t ms)
{
    uint64_t due_ns = worker->now_ns + ms * CLOCK_NS_PER_MS;

    return (due_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
}

/* Starts a periodic timer anew, in its phase: at the end of the first period that has not passed.
 */
static void worker_timers__repeat(struct worker *worker, struct wheel_timer *timer,
                                  uint32_t period_ms)
{
    uint64_t skipped = (worker->now_ms - timer->due_ms) / period_ms;

    counter_add(&worker->counters.periods_skipped, skipped);
    wheel_start(&worker->outer.timers, timer, timer->due_ms + (skipped + 1) * period_ms);
}

void worker_timers_init(struct worker *worker)
{
    struct weir_worker *outer = &worker->outer;

    outer->user = worker->common->config.user;
    wheel_init(&outer->timers, worker->now_ms);
    wheel_timer_init(&outer->next);
    wheel_timer_init(&outer->tick);
    list_init(&outer->opened_timers);
}

void worker_timers_start_tick(struct worker *worker)
{
    const struct weir_config *config = &worker->common->config;

    if (config->tick_ms == 0 || !config->on_tick) return;
    wheel_start(&worker->outer.timers, &worker->outer.tick,
                worker_timers__due_ms(worker, config->tick_ms));
    worker_timers__update_next(worker);
}

static void worker_timers__on_tick(struct worker *worker)
{
    const struct weir_config *config = &worker->common->config;

    worker_timers__repeat(worker, &worker->outer.tick, config->tick_ms);
    counter_add(&worker->counters.ticks, 1);
    config->on_tick(&worker->outer);
}

/* The function may free the timer. */
static void worker_timers__on_timer(struct worker *worker, struct weir_timer *timer)
{
    if (timer->period_ms > 0) worker_timers__repeat(worker, &timer->timer, timer->period_ms);
    timer->on_timer(timer->outer, timer->argument);
}

void worker_timers_run(struct worker *worker)
{
    struct weir_worker *outer = &worker->outer;
    struct wheel_timer *timer;

    /* A timer that is started here is due in the next millisecond or later. */
    while ((timer = wheel_take_due(&outer->timers, worker->now_ms)) != NULL) {
        worker_count_timer(worker, timer);
        if (timer == &outer->tick)
            worker_timers__on_tick(worker);
        else
            worker_timers__on_timer(worker, weir_container_of(timer, struct weir_timer, timer));
    }
    worker_timers__update_next(worker);
}

/* ---- the application's timers ---- */

enum weir_code weir_timer_open(struct weir_worker *outer,
                               void (*on_timer)(struct weir_worker *worker, void *argument),
                               void *argument, struct weir_timer **opened)
{
    struct worker *worker = worker_of_outer(outer);

    worker_check_thread(worker);
    weir_check_use(on_timer != NULL, "weir_timer_open() needs a function to call");
    *opened = NULL;
    if (outer->opened_count >= worker->config->worker_timers_max) return WEIR_NO_ROOM;
    struct weir_timer *timer = memory_alloc(sizeof *timer);
    if (!timer) return WEIR_NO_MEMORY;
    *timer = (struct weir_timer){.outer = outer, .on_timer = on_timer, .argument = argument};
    wheel_timer_init(&timer->timer);
    list_init(&timer->in_opened);
    list_add_last(&outer->opened_timers, &timer->in_opened);
    outer->opened_count++;
    account_move(&worker->account, sizeof *timer, 0);
    *opened = timer;
    return WEIR_OK;
}

void weir_timer_start(struct weir_timer *timer, uint32_t ms, uint32_t period_ms)
{
    struct worker *worker = worker_of_outer(timer->outer);

    worker_check_thread(worker);
    timer->period_ms = period_ms;
    wheel_start(&timer->outer->timers, &timer->timer, worker_timers__due_ms(worker, ms));
    worker_timers__update_next(worker);
}

void weir_timer_stop(struct weir_timer *timer)
{
    struct worker *worker = worker_of_outer(timer->outer);

    worker_check_thread(worker);
    wheel_stop(&timer->outer->timers, &timer->timer);
    worker_timers__update_next(worker);
}

void weir_timer_free(struct weir_timer *timer)
{
    if (!timer) return;
    struct weir_worker *outer = timer->outer;
    weir_timer_stop(timer);
    weir_check(outer->opened_count > 0);
    list_remove(&timer->in_opened);
    outer->opened_count--;
    account_move(&worker_of_outer(outer)->account, 0, sizeof *timer);
    memory_free(timer);
}

void worker_timers_close(struct worker *worker)
{
    struct weir_worker *outer = &worker->outer;

    while (!list_is_empty(&outer->opened_timers))
        weir_timer_free(weir_container_of(outer->opened_timers.next, struct weir_timer, in_opened));
    wheel_stop(&outer->timers, &outer->tick);
    worker_timers__update_next(worker);
}
