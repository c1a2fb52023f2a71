/* SPDX-License-Identifier: MIT */
/* bench_schedule.h - when each message of `weir bench` shall be sent. All times are of os_now_ns().
 *
 *      message k of the run belongs to connection k % connections, and is its k / connections-th
 *      open loop (rate > 0): message k is due at start + k / rate, whatever became of the others
 *      closed loop (rate 0): a message is due as soon as the connection has room for it
 */
#ifndef CLI_BENCH_SCHEDULE_H
#define CLI_BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_SCHEDULE_NEVER UINT64_MAX

struct bench_schedule {
    uint32_t rate; /* messages per second of the whole run; 0: closed loop */
    uint32_t connections;
    uint64_t messages_max; /* 0: no limit */
    uint64_t start_ns;
    uint64_t measured_ns; /* messages that are due before are warm-up */
    uint64_t end_ns;      /* none is due at or after it */
};

/* Sets the times of a run that begins at start_ns; duration_ms 0: it ends after messages_max. */
void bench_schedule_start(struct bench_schedule *schedule, uint64_t start_ns, uint32_t warmup_ms,
                          uint32_t duration_ms);

/* Returns when the connection's message `number`, from 0, is due: BENCH_SCHEDULE_NEVER after the
 * last one, and start_ns in a closed loop. */
uint64_t bench_schedule_due_ns(const struct bench_schedule *schedule, uint32_t connection,
                               uint64_t number);

/* Returns whether a message that was due at this time is part of the result. */
bool bench_schedule_counts(const struct bench_schedule *schedule, uint64_t due_ns);

#endif
