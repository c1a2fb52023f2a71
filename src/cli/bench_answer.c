/* SPDX-License-Identifier: MIT */
/* bench_answer.c - see bench_answer.h. */
#include "bench_answer.h"

#include <inttypes.h>

static enum bench_answered bench_answer__unasked(struct bench_thread *thread,
                                                 const struct bench_flow *flow, size_t length)
{
    bench_result_fail(thread->result, BENCH_ERROR_UNASKED,
                      "connection %" PRIu32 ": %zu bytes more than were sent", flow->index, length);
    return BENCH_ANSWERED_WRONG;
}

static enum bench_answered bench_answer__differs(struct bench_thread *thread,
                                                 const struct bench_flow *flow,
                                                 const struct bench_answer *answer,
                                                 const uint8_t *bytes, size_t at)
{
    const struct bench_pattern *pattern = &thread->run->pattern;
    size_t offset = answer->received + at;
    uint8_t expected = bench_pattern_message(pattern, flow->index, answer->number)[offset];

    bench_result_fail(thread->result, BENCH_ERROR_WRONG,
                      "connection %" PRIu32 ", answer %" PRIu64 ", byte %zu of %" PRIu32
                      ": 0x%02x instead of 0x%02x",
                      flow->index, answer->number, offset, pattern->size, bytes[at], expected);
    return BENCH_ANSWERED_WRONG;
}

enum bench_answered bench_answer_take(struct bench_answer *answer, struct bench_thread *thread,
                                      struct bench_flow *flow, const uint8_t **bytes,
                                      size_t *length, struct bench_slot **slot)
{
    const struct bench_pattern *pattern = &thread->run->pattern;
    size_t left = pattern->size - answer->received, part = *length < left ? *length : left;

    *slot = bench_flow_find(flow, answer->number);
    if (!*slot) return bench_answer__unasked(thread, flow, *length);
    size_t at =
        bench_pattern_differs(pattern, flow->index, answer->number, answer->received, *bytes, part);
    if (at < part) return bench_answer__differs(thread, flow, answer, *bytes, at);
    *bytes += part;
    *length -= part;
    thread->result->verified_bytes += part;
    answer->received += part;
    if (answer->received < pattern->size) return BENCH_ANSWERED_PART;
    answer->received = 0;
    answer->number++;
    return BENCH_ANSWERED_WHOLE;
}

void bench_answer_has_length(struct bench_thread *thread, const struct bench_flow *flow,
                             const struct bench_answer *answer, size_t length)
{
    bench_result_fail(thread->result, BENCH_ERROR_LENGTH,
                      "connection %" PRIu32 ", answer %" PRIu64 ": %zu bytes instead of %" PRIu32,
                      flow->index, answer->number, length, thread->run->pattern.size);
}
