/* SPDX-License-Identifier: MIT */
/* bench_flow.h - the messages of one connection of `weir bench`: which one is next, which ones wait
 * for their answers, and the times of each. It does no I/O and reads no clock.
 *
 *      due --begin--> sent --answer--> counted
 *                       '----fail----> an error
 *
 * Own thread only. */
#ifndef CLI_BENCH_FLOW_H
#define CLI_BENCH_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "bench_result.h"
#include "bench_schedule.h"

/* A message that was sent. */
struct bench_slot {
    uint64_t number; /* of the connection's messages, from 0 */
    uint64_t due_ns, sent_ns;
    bool is_used; /* set while it has no answer */
};

struct bench_flow {
    uint32_t index;     /* of the connection in the whole run */
    uint32_t depth;     /* slots */
    uint32_t in_flight; /* slots that are used */
    uint32_t last_slot; /* which was used last */
    uint64_t next;      /* number of the next message */
    uint64_t room_ns;   /* when a slot became free last */
    bool is_open;       /* the connection can send */
    struct bench_slot *slots;
};

/* Sets up a flow that is not open, with slots in the arena. Returns false if memory is
 * exhausted. */
bool bench_flow_init(struct bench_flow *flow, uint32_t index, uint32_t depth, struct arena *arena);

/* Returns a slot for the next message if it is due and the connection has room; null otherwise. The
 * lag of the generator is added to `lag`: the time since the message was due and had room. */
struct bench_slot *bench_flow_begin(struct bench_flow *flow, const struct bench_schedule *schedule,
                                    uint64_t now_ns, struct bench_histogram *lag);

/* Takes back a slot whose message was not sent. */
void bench_flow_undo(struct bench_flow *flow, struct bench_slot *slot);

/* Counts an answer that is right: its slot stays used until bench_flow_release(). */
void bench_flow_answer(struct bench_flow *flow, const struct bench_slot *slot,
                       const struct bench_schedule *schedule, uint64_t now_ns,
                       struct bench_result *result);

/* Frees the slot. */
void bench_flow_release(struct bench_flow *flow, struct bench_slot *slot, uint64_t now_ns);

/* Closes the flow. Its messages in flight have no answers. */
void bench_flow_close(struct bench_flow *flow, struct bench_result *result, const char *why);

/* Returns the slot of message `number`; null: it is not in flight. Only for connections that
 * answer in the order of the messages. */
struct bench_slot *bench_flow_find(struct bench_flow *flow, uint64_t number);

#endif
