/* SPDX-License-Identifier: MIT */
/* bench_flow.c - a message is sent late if it must be, but its response time begins when it was
 * due. So a server that stands still shows in every message of that time, and not only in those
 * that were under way (coordinated omission). */
#include "bench_flow.h"

#include <inttypes.h>

bool bench_flow_init(struct bench_flow *flow, uint32_t index, uint32_t depth, struct arena *arena)
{
    *flow = (struct bench_flow){
        .index = index, .depth = depth, .slots = arena_alloc(arena, depth * sizeof *flow->slots)};
    return flow->slots != NULL;
}

/* Returns a free slot; there is one. Where answers come in order, it is the next one. */
static struct bench_slot *bench_flow__free_slot(struct bench_flow *flow)
{
    do flow->last_slot = flow->last_slot + 1 < flow->depth ? flow->last_slot + 1 : 0;
    while (flow->slots[flow->last_slot].is_used);
    return &flow->slots[flow->last_slot];
}

struct bench_slot *bench_flow_begin(struct bench_flow *flow, const struct bench_schedule *schedule,
                                    uint64_t now_ns, struct bench_histogram *lag)
{
    if (!flow->is_open || flow->in_flight == flow->depth) return NULL;
    uint64_t due_ns = bench_schedule_due_ns(schedule, flow->index, flow->next);
    if (due_ns > now_ns) return NULL; /* or there are no further messages */
    if (schedule->rate == 0 && now_ns >= schedule->end_ns) return NULL;
    if (schedule->rate == 0) due_ns = now_ns;
    uint64_t ready_ns = due_ns > flow->room_ns ? due_ns : flow->room_ns;
    struct bench_slot *slot = bench_flow__free_slot(flow);
    *slot = (struct bench_slot){
        .number = flow->next, .due_ns = due_ns, .sent_ns = now_ns, .is_used = true};
    flow->next++;
    flow->in_flight++;
    if (bench_schedule_counts(schedule, due_ns))
        bench_histogram_add(lag, now_ns > ready_ns ? now_ns - ready_ns : 0);
    return slot;
}

void bench_flow_undo(struct bench_flow *flow, struct bench_slot *slot)
{
    slot->is_used = false;
    flow->in_flight--;
    flow->next--;
    flow->last_slot = flow->last_slot > 0 ? flow->last_slot - 1 : flow->depth - 1;
}

void bench_flow_answer(struct bench_flow *flow, const struct bench_slot *slot,
                       const struct bench_schedule *schedule, uint64_t now_ns,
                       struct bench_result *result)
{
    (void)flow;
    if (!bench_schedule_counts(schedule, slot->due_ns)) return;
    result->messages++;
    if (now_ns > result->last_ns) result->last_ns = now_ns;
    bench_histogram_add(&result->service, now_ns - slot->sent_ns);
    bench_histogram_add(&result->response, now_ns - slot->due_ns);
}

void bench_flow_release(struct bench_flow *flow, struct bench_slot *slot, uint64_t now_ns)
{
    if (!slot->is_used) return; /* the flow was closed meanwhile */
    slot->is_used = false;
    flow->in_flight--;
    flow->room_ns = now_ns;
}

void bench_flow_close(struct bench_flow *flow, struct bench_result *result, const char *why)
{
    for (uint32_t i = 0; i < flow->depth; i++) {
        struct bench_slot *slot = &flow->slots[i];
        if (slot->is_used)
            bench_result_fail(result, BENCH_ERROR_UNANSWERED,
                              "connection %" PRIu32 ", message %" PRIu64 ": %s", flow->index,
                              slot->number, why);
        slot->is_used = false;
    }
    flow->in_flight = 0;
    flow->is_open = false;
}

struct bench_slot *bench_flow_find(struct bench_flow *flow, uint64_t number)
{
    /* Slots are taken in a circle that begins at 1. */
    struct bench_slot *slot = &flow->slots[(number + 1) % flow->depth];

    return slot->is_used && slot->number == number ? slot : NULL;
}
