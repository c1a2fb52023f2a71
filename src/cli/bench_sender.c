/* SPDX-License-Identifier: MIT */
/* bench_sender.c - in an open loop the messages of a thread are due one connection after the other,
 * so one position in this circle finds all that are due. A connection without room is skipped; its
 * answers continue it. */
#include "bench_sender.h"

void bench_sender_flow(struct bench_thread *thread, struct bench_flow *flow, uint64_t now_ns)
{
    struct bench_slot *slot;

    while ((slot = bench_flow_begin(flow, &thread->schedule, now_ns, &thread->result->lag)))
        if (!thread->run->driver->send(thread, flow, slot)) return;
}

uint64_t bench_sender_due(struct bench_thread *thread, uint64_t now_ns)
{
    for (;;) {
        struct bench_flow *flow = &thread->flows[thread->due_flow];
        uint64_t due_ns = bench_schedule_due_ns(&thread->schedule, flow->index, thread->due_number);
        if (due_ns > now_ns) return due_ns;
        bench_sender_flow(thread, flow, now_ns);
        if (++thread->due_flow < thread->senders) continue;
        thread->due_flow = 0;
        thread->due_number++;
    }
}

uint64_t bench_sender_in_flight(const struct bench_thread *thread)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < thread->count; i++) sum += thread->flows[i].in_flight;
    return sum;
}

void bench_sender_count_unsent(struct bench_thread *thread)
{
    const struct bench_schedule *schedule = &thread->schedule;

    for (uint32_t i = 0; i < thread->senders; i++) {
        const struct bench_flow *flow = &thread->flows[i];
        for (uint64_t number = flow->next;; number++) {
            uint64_t due_ns = bench_schedule_due_ns(schedule, flow->index, number);
            if (due_ns == BENCH_SCHEDULE_NEVER) break;
            if (schedule->rate == 0 && schedule->messages_max == 0) break;
            bench_result_fail(thread->result, BENCH_ERROR_UNSENT,
                              "connection %u had no room for message %llu", flow->index,
                              (unsigned long long)number);
        }
    }
}
