/* SPDX-License-Identifier: MIT */
/* log_queue.c - a ring of log lines between the threads that log and one thread that writes.
 *
 *   worker --\
 *   worker ---+-- log_queue_add() --> [ lock: ring of records ] --> thread --> write()
 *   worker --/    full: lost++
 *
 * The lock is held to copy one line, and never while `write` runs. So a blocked `write` delays no
 * thread that logs.
 */
#include "log_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "thread.h"

struct log_record {
    uint64_t lost_before; /* lines that were lost between the previous line and this one */
    int level;
    bool has_line; /* not set: only the lost lines are reported */
    char line[LOG_LINE_BYTES];
};

struct log_queue {
    void (*write)(void *user, enum weir_log_level level, const char *line);
    void *user;
    struct thread *thread;     /* null: not started */
    _Atomic uintptr_t runs_on; /* thread_self() of it, while it runs */
    uint32_t lines_max;
    uint32_t rate_max;         /* lines per second above the level of warnings; 0: unlimited */
    struct lock *lock;         /* of everything below */
    struct condition *changed; /* a line was added or written, or the queue ends */
    struct log_record *records;
    uint32_t first, count;    /* the records in use: oldest, and how many */
    uint64_t added, written;  /* lines since the start */
    uint64_t lost;            /* lines since the start */
    uint64_t lost_unreported; /* lines after the newest record */
    uint64_t second_until_ns; /* end of the second to which the next number belongs */
    uint32_t second_count;    /* lines in it that the rate limit concerns */
    bool ending;              /* the thread ends when no line is left */
    bool ended;               /* the thread no longer uses the queue, unless it was abandoned */
    bool abandoned;           /* nothing more is written; the thread frees the queue */
};

static void log_queue__destroy(struct log_queue *queue)
{
    lock_free(queue->lock);
    condition_free(queue->changed);
    memory_free(queue->records);
    memory_free(queue);
}

struct log_queue *log_queue_open(uint32_t lines_max,
                                 void (*write)(void *user, enum weir_log_level level,
                                               const char *line),
                                 void *user)
{
    struct log_queue *queue = memory_alloc(sizeof *queue);

    weir_check(lines_max > 0);
    if (!queue) return NULL;
    queue->write = write;
    queue->user = user;
    queue->lines_max = lines_max;
    queue->lock = lock_open();
    queue->changed = condition_open();
    queue->records = memory_alloc_array(lines_max, sizeof *queue->records);
    if (queue->lock && queue->changed && queue->records) return queue;
    log_queue__destroy(queue);
    return NULL;
}

void log_queue_limit(struct log_queue *queue, uint32_t lines_per_second_max)
{
    lock_take(queue->lock);
    queue->rate_max = lines_per_second_max;
    lock_give_back(queue->lock);
}

/* ---- threads that log ---- */

/* Whether the rate limit allows one more line. */
static bool log_queue__is_within_rate(struct log_queue *queue)
{
    uint64_t now_ns;

    if (queue->rate_max == 0) return true;
    now_ns = clock_now_ns();
    if (now_ns >= queue->second_until_ns) {
        queue->second_until_ns = now_ns + 1000 * CLOCK_NS_PER_MS;
        queue->second_count = 0;
    }
    if (queue->second_count >= queue->rate_max) return false;
    queue->second_count++;
    return true;
}

/* Whether the queue takes a line of this level now. */
static bool log_queue__takes(struct log_queue *queue, int level)
{
    if (level <= WEIR_LOG_WARNING) return queue->count < queue->lines_max;
    return queue->count < queue->lines_max - queue->lines_max / 8 &&
           log_queue__is_within_rate(queue);
}

static void log_queue__push(struct log_queue *queue, int level, const char *line)
{
    uint32_t index = (uint32_t)(((uint64_t)queue->first + queue->count) % queue->lines_max);
    struct log_record *record = &queue->records[index];

    record->level = level;
    record->has_line = true;
    snprintf(record->line, sizeof record->line, "%s", line);
    record->lost_before = queue->lost_unreported;
    queue->lost_unreported = 0;
    queue->count++;
    queue->added++;
}

void log_queue_add(void *user, int level, const char *line)
{
    struct log_queue *queue = user;

    lock_take(queue->lock);
    if (log_queue__takes(queue, level)) {
        log_queue__push(queue, level, line);
    } else {
        queue->lost++;
        queue->lost_unreported++;
    }
    lock_give_back(queue->lock);
    condition_wake_all(queue->changed);
}

uint64_t log_queue_lost(struct log_queue *queue)
{
    lock_take(queue->lock);
    uint64_t lost = queue->lost;
    lock_give_back(queue->lock);
    return lost;
}

/* ---- the thread that writes ---- */

/* Waits for the next line, and copies it. An empty queue after lost lines gives a record without a
 * line. Returns false if the thread must end. */
static bool log_queue__take(struct log_queue *queue, struct log_record *record)
{
    bool found;

    lock_take(queue->lock);
    while (queue->count == 0 && queue->lost_unreported == 0 && !queue->ending)
        condition_wait(queue->changed, queue->lock, CONDITION_NO_DEADLINE);
    found = !queue->abandoned && (queue->count > 0 || queue->lost_unreported > 0);
    if (found && queue->count > 0) {
        *record = queue->records[queue->first];
        queue->first = (queue->first + 1) % queue->lines_max;
        queue->count--;
    } else {
        *record = (struct log_record){.lost_before = queue->lost_unreported};
        queue->lost_unreported = 0;
    }
    lock_give_back(queue->lock);
    return found;
}

static void log_queue__report(struct log_queue *queue, uint64_t lost)
{
    char line[LOG_LINE_BYTES];

    snprintf(line, sizeof line,
             "%" PRIu64 " log lines were lost here: more than log_rate_max=%" PRIu32
             " came in a second, or the log is written too slowly, and log_lines_max=%" PRIu32
             " others waited",
             lost, queue->rate_max, queue->lines_max);
    queue->write(queue->user, WEIR_LOG_WARNING, line);
}

static void log_queue__run(void *argument)
{
    struct log_queue *queue = argument;
    struct log_record record;
    bool abandoned;

    atomic_store(&queue->runs_on, thread_self());
    while (log_queue__take(queue, &record)) {
        if (record.lost_before > 0) log_queue__report(queue, record.lost_before);
        if (!record.has_line) continue;
        queue->write(queue->user, (enum weir_log_level)record.level, record.line);
        lock_take(queue->lock);
        queue->written++;
        condition_wake_all(queue->changed);
        lock_give_back(queue->lock);
    }
    lock_take(queue->lock);
    queue->ended = true;
    abandoned = queue->abandoned;
    condition_wake_all(queue->changed);
    lock_give_back(queue->lock);
    if (abandoned) log_queue__destroy(queue);
}

/* ---- its owner ---- */

bool log_queue_is_own(const struct log_queue *queue)
{
    return atomic_load_explicit(&queue->runs_on, memory_order_relaxed) == thread_self();
}

bool log_queue_start(struct log_queue *queue, int *os_error)
{
    queue->thread = thread_start("weir-log", log_queue__run, queue, os_error);
    return queue->thread != NULL;
}

static uint64_t log_queue__deadline_ns(uint32_t wait_ms)
{
    return clock_now_ns() + wait_ms * CLOCK_NS_PER_MS;
}

bool log_queue_flush(struct log_queue *queue, uint32_t wait_ms)
{
    uint64_t deadline_ns = log_queue__deadline_ns(wait_ms);
    bool in_time = true;

    lock_take(queue->lock);
    uint64_t target = queue->added;
    while (queue->written < target && in_time)
        in_time = condition_wait(queue->changed, queue->lock, deadline_ns);
    bool done = queue->written >= target;
    lock_give_back(queue->lock);
    return done;
}

void log_queue_free(struct log_queue *queue, uint32_t wait_ms)
{
    uint64_t deadline_ns = log_queue__deadline_ns(wait_ms);
    bool in_time = true;

    if (!queue) return;
    if (!queue->thread) {
        log_queue__destroy(queue);
        return;
    }
    struct thread *thread = queue->thread;
    lock_take(queue->lock);
    queue->ending = true;
    condition_wake_all(queue->changed);
    while (!queue->ended && in_time)
        in_time = condition_wait(queue->changed, queue->lock, deadline_ns);
    bool ended = queue->ended;
    queue->abandoned = !ended;
    lock_give_back(queue->lock);
    if (!ended) {
        thread_leave(thread); /* the thread owns the queue from now on */
        return;
    }
    thread_join(thread);
    log_queue__destroy(queue);
}
