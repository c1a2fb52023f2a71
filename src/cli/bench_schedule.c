/* SPDX-License-Identifier: MIT */
/* bench_schedule.c - computes every time from the number of the message: no rounding adds up, and a
 * late message delays no other one. */
#include "bench_schedule.h"

#define BENCH_SCHEDULE__SECOND_NS UINT64_C(1000000000)
#define BENCH_SCHEDULE__MS_NS UINT64_C(1000000)

void bench_schedule_start(struct bench_schedule *schedule, uint64_t start_ns, uint32_t warmup_ms,
                          uint32_t duration_ms)
{
    schedule->start_ns = start_ns;
    schedule->measured_ns = start_ns + warmup_ms * BENCH_SCHEDULE__MS_NS;
    schedule->end_ns = duration_ms > 0 ? schedule->measured_ns + duration_ms * BENCH_SCHEDULE__MS_NS
                                       : BENCH_SCHEDULE_NEVER;
}

uint64_t bench_schedule_due_ns(const struct bench_schedule *schedule, uint32_t connection,
                               uint64_t number)
{
    uint64_t message = number * schedule->connections + connection, due_ns = schedule->start_ns;

    if (schedule->messages_max > 0 && message >= schedule->messages_max)
        return BENCH_SCHEDULE_NEVER;
    if (schedule->rate > 0)
        due_ns += message / schedule->rate * BENCH_SCHEDULE__SECOND_NS +
                  message % schedule->rate * BENCH_SCHEDULE__SECOND_NS / schedule->rate;
    return due_ns < schedule->end_ns ? due_ns : BENCH_SCHEDULE_NEVER;
}

bool bench_schedule_counts(const struct bench_schedule *schedule, uint64_t due_ns)
{
    return due_ns >= schedule->measured_ns && due_ns < schedule->end_ns;
}
